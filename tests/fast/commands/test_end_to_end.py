"""The three commands, one after the other, as a user types them; and what they refuse."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gbm_fast as gbm
from gbm_fast import sample, train
from gbm_fast.evaluation.classifier import ClassifierSettings
from tests.support.source_tree import ROOT

TINY = ("--width", "8", "--steps", "3", "--num-steps", "8", "--metrics-images", "8")
STARTS = ("class-average", "lognormal", "lognormal-averages", "data")
RUN_FILES = {
    "config.json",
    "environment.json",
    "metrics.json",
    "samples.png",
    "statistics.safetensors",
    "weights.safetensors",
}


def command(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`python -m module arguments` in the folder `cwd`, with one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run made by the command, with a classifier of a few steps waiting for it."""
    folder = tmp_path_factory.mktemp("end to end")
    brief = ClassifierSettings(epochs=1, min_steps=30)
    gbm.load_or_train_classifier(
        gbm.load_dataset("digits"), folder / "runs" / "features", settings=brief
    )
    done = command("gbm_fast.train", *TINY, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "samples.png" in done.stdout
    return folder / "runs" / "00000-digits-variance-exploding"


def test_training_writes_every_file_and_measures_every_sampler(run: Path) -> None:
    """The four samplers that the run can serve, each with N and the floor of real images."""
    assert {path.name for path in run.iterdir()} - {
        "samples",
        "stats.jsonl",
        "checkpoints",
    } == RUN_FILES
    entries = json.loads((run / "metrics.json").read_text())
    assert [(e["settings"]["sampler"], e["settings"]["start"]) for e in entries[:4]] == [
        ("probability-flow", "lognormal"),
        ("dale-langevin", "lognormal"),
        ("dale-langevin", "class-average"),
        ("sign-agnostic", "class-average"),
    ]
    for entry in entries:
        result = entry["result"]
        assert (result["N"], result["N_reference"]) == (8, 359)
        assert 0 < result["frechet_floor"] < float("inf")
        assert 0 < result["frechet"] < float("inf")
    with Image.open(run / "samples.png") as picture:
        levels = np.asarray(picture.convert("L"))
    assert len(np.unique(levels)) > 50, "not blank"


def call(monkeypatch: pytest.MonkeyPatch, main: object, *arguments: str) -> int:
    """Exit status of a command's main in this process; tyro leaves by SystemExit."""
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    assert callable(main)
    try:
        return main()
    except SystemExit as left:
        return int(left.code or 0)


def assert_sampled(folder: Path, count: int, has_class: bool = False) -> None:
    """PNG files by number, the same pictures in images.npz, a grid, labels and the settings."""
    names = {f"{i:06d}.png" for i in range(count)}
    expected = {"png", "images.npz", "grid.png", "settings.json"}
    expected |= {"labels.txt"} if has_class else set()
    assert {path.name for path in folder.iterdir()} == expected
    assert {path.name for path in (folder / "png").iterdir()} == names
    with np.load(folder / "images.npz") as archive:
        images = archive["images"]
    assert (images.shape, images.dtype) == ((count, 1, 8, 8), np.float32)
    assert 1 <= images.min() < images.max() <= 2
    for i in range(count):
        with Image.open(folder / "png" / f"{i:06d}.png") as picture:
            # 17 grey levels spread over 256: half a level is 8.
            assert np.abs(np.asarray(picture) - 255 * (images[i, 0] - 1)).max() <= 8.5
    assert json.loads((folder / "settings.json").read_text())["num_images"] == count


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("sampler", ["dale-langevin", "sign-agnostic", "probability-flow"])
def test_every_sampler_with_every_start(
    run: Path, monkeypatch: pytest.MonkeyPatch, sampler: str, start: str
) -> None:
    process = "constant" if sampler == "sign-agnostic" else "run"
    options = ["--sampler", sampler, "--start", start, "--process", process, "--num-steps", "8"]
    assert call(monkeypatch, sample.main, "--run", str(run), *options, "--num-images", "3") == 0
    settings = gbm.SamplingSettings(sampler=sampler, start=start, process=process, num_steps=8)
    folder = run / "samples" / replace(settings, num_images=3).slug
    assert_sampled(folder, 3, has_class=start in ("class-average", "data"))


def test_sample_and_evaluate_as_commands(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of their own, with the run named by its path."""
    options = ("--run", str(run), "--num-steps", "8", "--num-images", "5", "--seed", "7")
    done = command("gbm_fast.sample", *options, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_sampled(tmp_path / "out", 5)
    # The files of an earlier, larger set must not stay behind.
    (tmp_path / "out" / "png" / "000005.png").write_bytes(b"")
    # A file with a name that is not ours must.
    foreign = tmp_path / "out" / "png" / "2024-holiday.png"
    foreign.write_bytes(b"kept")
    assert call(monkeypatch, sample.main, *options, "--out", str(tmp_path / "out")) == 0
    assert foreign.read_bytes() == b"kept"
    foreign.unlink()
    assert_sampled(tmp_path / "out", 5)
    before = json.loads((run / "metrics.json").read_text())
    images = ("--images", "out/images.npz", "--floor-repeats", "2")
    done = command("gbm_fast.evaluate", "--run", str(run), *images, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *kept, added = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps(before))
    assert kept == before
    assert added["result"]["N"] == 5
    assert f"{added['result']['frechet_floor']:.3g}" in done.stdout


def tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_data_that_cannot_be_had_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty folder and no network: a proxy that nobody listens at."""
    (tmp_path / "data").mkdir()
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, train.main, "--dataset", "cifar10", "--data-dir", "data") == 2
    error = capsys.readouterr().err
    for part in ("could not download cifar-10-binary.tar.gz", "https://", "expected MD5"):
        assert part in error
    assert tree(tmp_path) == {tmp_path / "data"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "imagenet"], "digits"),
        (["--sigma", "0"], "sigma must be a positive finite number"),
        (["--num-steps", "1"], "num_steps must be 2 or more"),
        (["--metrics-images", "1"], "metrics_images must be 0, or 2 or more"),
        (["--seed", "4294967296"], "seed must be below"),
        (["--patch-size", "3"], "patch_size 3 does not divide"),
        (["--width", "6", "--multipliers", "1", "3"], "multiple of its 4 attention heads"),
        (["--device", "abacus"], "device 'abacus' cannot be used here"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_before_anything_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, train.main, *options) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert tree(tmp_path) == set()


def test_a_wrong_option_ends_the_command_with_status_2(tmp_path: Path) -> None:
    """The exit status and the message reach the shell, without a traceback."""
    done = command("gbm_fast.train", "--sigma", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert "sigma must be a positive finite number" in done.stderr
    assert "Traceback" not in done.stderr
    assert tree(tmp_path) == set()


def test_truncated_weights_are_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut anywhere: in the header's length, the header, or the numbers."""
    copy = tmp_path / "run"
    copy.mkdir()
    for name in RUN_FILES - {"samples.png", "metrics.json"}:
        (copy / name).write_bytes((run / name).read_bytes())
    whole = (run / "weights.safetensors").read_bytes()
    before = tree(tmp_path)
    for length in (0, 5, 200, len(whole) - 1):
        (copy / "weights.safetensors").write_bytes(whole[:length])
        assert call(monkeypatch, sample.main, "--run", str(copy), "--num-images", "2") == 2
        error = capsys.readouterr().err
        assert "weights.safetensors is truncated or not a safetensors file" in error
        assert tree(tmp_path) == before
