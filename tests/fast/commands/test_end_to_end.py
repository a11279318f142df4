"""The three commands, one after the other, as a user types them; and what they refuse."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gbm_fast as gbm
from gbm_fast import sample
from tests.fast.conftest import Command
from tests.support.fixtures import Folders
from tests.support.pictures import grey_levels
from tests.support.source_tree import ROOT
from tests.support.tiny_data import digits_extractor

TINY = ("--width", "8", "--steps", "3", "--num-steps", "8", "--metrics-images", "8")
RUN_FILES = set("config.json environment.json metrics.json samples.png".split())
RUN_FILES |= {".gbm-run", "statistics.safetensors", "weights.safetensors"}


def in_shell(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`python -m module arguments` in the folder `cwd`, with one thread."""
    program = [sys.executable, "-m", module, *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    options = {"capture_output": True, "text": True, "timeout": 600}
    return subprocess.run(program, cwd=cwd, env=environment, **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> Path:
    """A run made by the command, with a classifier of a few steps waiting for it."""
    folder = tmp_path_factory.mktemp("end to end")
    digits_extractor(folder / "runs")
    done = in_shell("gbm_fast.train", *TINY, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "samples.png" in done.stdout
    return folder / "runs" / "00000-digits-variance-exploding"


def test_training_writes_every_file_and_measures_every_sampler(run: Path) -> None:
    """The four samplers that the run can serve, each with N and the floor of real images."""
    rest = {"samples", "stats.jsonl", "checkpoints"}
    assert {path.name for path in run.iterdir()} - rest == RUN_FILES
    entries = json.loads((run / "metrics.json").read_text())
    assert [(e["settings"]["sampler"], e["settings"]["start"]) for e in entries[:4]] == [
        ("probability-flow", "lognormal"),
        ("dale-langevin", "lognormal"),
        ("dale-langevin", "class-average"),
        ("sign-agnostic", "class-average"),
    ]
    for entry in entries:
        assert (entry["result"]["N"], entry["result"]["N_reference"]) == (8, 359)
        for name in ("frechet_floor", "frechet"):
            assert 0 < entry["result"][name] < float("inf")
    assert len(grey_levels(run / "samples.png")) > 50, "not blank"


def assert_sampled(folder: Path, count: int, has_class: bool = False) -> None:
    """PNG files by number, the same pictures in images.npz, a grid, labels and the settings."""
    expected = {"png", "images.npz", "grid.png", "settings.json", ".gbm-samples"}
    expected |= {"labels.txt"} if has_class else set()
    assert {path.name for path in folder.iterdir()} == expected
    names = [f"{i:06d}.png" for i in range(count)]
    assert sorted(path.name for path in (folder / "png").iterdir()) == names
    with np.load(folder / "images.npz") as archive:
        images = archive["images"]
    assert (images.shape, images.dtype) == ((count, 1, 8, 8), np.float32)
    assert 1 <= images.min() < images.max() <= 2
    for name, image in zip(names, images, strict=True):
        with Image.open(folder / "png" / name) as picture:
            # 17 grey levels spread over 256: half a level is 8.
            assert np.abs(np.asarray(picture) - 255 * (image[0] - 1)).max() <= 8.5
    assert json.loads((folder / "settings.json").read_text())["num_images"] == count


@pytest.mark.parametrize(
    "start", ["class-average", "lognormal", "lognormal-averages", "lognormal-full", "data"]
)
@pytest.mark.parametrize("sampler", ["dale-langevin", "sign-agnostic", "probability-flow"])
def test_a_sampler_from_a_start(run: Path, command: Command, sampler: str, start: str) -> None:
    process = "constant" if sampler == "sign-agnostic" else "run"
    wanted = {"sampler": sampler, "start": start, "process": process}
    options = [word for name in wanted for word in (f"--{name}", wanted[name])]
    options += ["--num-steps", "8", "--num-images", "3"]
    assert command(sample.main, "--run", run, *options).status == 0
    settings = gbm.SamplingSettings(num_steps=8, num_images=3, **wanted)
    folder = run / "samples" / settings.slug
    assert_sampled(folder, 3, has_class=start in ("class-average", "data"))


def test_sample_and_evaluate_as_commands(run: Path, tmp_path: Path, command: Command) -> None:
    """In a folder of their own, with the run named by its path."""
    options = ("--run", str(run), "--num-steps", "8", "--seed", "7", "--num-images")
    done = in_shell("gbm_fast.sample", *options, "6", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_sampled(tmp_path / "out", 6)
    # The files of an earlier, larger set must not stay behind; files that are not ours must.
    foreign = [tmp_path / "out" / "png" / name for name in ("2024-holiday.png", "000123.png")]
    for path in foreign:
        path.write_bytes(b"kept")
    assert command(sample.main, *options, "5", "--out", tmp_path / "out").status == 0
    for path in foreign:
        assert path.read_bytes() == b"kept"
        path.unlink()
    assert_sampled(tmp_path / "out", 5)
    before = (run / "metrics.json").read_text()
    images = ("--images", "out/images.npz", "--floor-repeats", "2")
    done = in_shell("gbm_fast.evaluate", "--run", str(run), *images, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *kept, added = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(before)
    assert kept == json.loads(before)
    assert added["result"]["N"] == 5
    assert f"{added['result']['frechet_floor']:.3g}" in done.stdout


def test_a_wrong_option_ends_the_command_with_status_2(tmp_path: Path) -> None:
    """The exit status and the message reach the shell, without a traceback."""
    done = in_shell("gbm_fast.train", "--sigma", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert "sigma must be a positive finite number" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_truncated_weights_are_refused(run: Path, tmp_path: Path, command: Command) -> None:
    """Cut anywhere: in the header's length, the header, or the numbers."""
    for name in RUN_FILES - {"samples.png", "metrics.json"}:
        (tmp_path / name).write_bytes((run / name).read_bytes())
    whole = (run / "weights.safetensors").read_bytes()
    before = set(tmp_path.rglob("*"))
    for length in (0, 5, 200, len(whole) - 1):
        (tmp_path / "weights.safetensors").write_bytes(whole[:length])
        done = command(sample.main, "--run", tmp_path, "--num-images", "2")
        assert "weights.safetensors is truncated or not a safetensors file" in done.err
        assert done.status == 2 and set(tmp_path.rglob("*")) == before
