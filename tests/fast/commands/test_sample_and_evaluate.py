"""The commands that sample and evaluate: shared, interrupted, continued, recorded, or refused."""

import functools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast import evaluate as evaluation
from gbm_fast.commands import sampling as sample_job
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.settings.commands import EvaluateConfig, Measurement, SampleConfig
from tests.fast.conftest import Command, Done
from tests.support.fixtures import Folders, Patch, Shown
from tests.support.processes import join, start_group
from tests.support.tiny_data import digits_extractor
from tests.support.tiny_runs import make_run

# Ten images in four batches: of three processes one gets two; of two each.
COUNT = 10
FOUR = {"sampler": "ancestral", "num_steps": 4, "batch_size": 3, "seed": 6}
SETTINGS = gbm.SamplingSettings(num_images=COUNT, **FOUR)


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> Path:
    """A class-conditional run of three steps on the digits, with a classifier beside it."""
    root = tmp_path_factory.mktemp("job")
    digits_extractor(root)
    return make_run(root / "run", data=gbm.load_dataset("digits"), class_conditional=True)


@pytest.fixture(scope="module")
def alone(run: Path) -> Path:
    sample(run, run.parent / "alone")
    return run.parent / "alone"


def sample(run: Path, out: Path, settings: gbm.SamplingSettings = SETTINGS) -> None:
    """The command; a function of the module, so that other processes can call it."""
    torch.set_num_threads(1)
    sample_job.run_sampling(SampleConfig(run=run, out=out, device="cpu", sampling=settings))


def evaluate(run: Path) -> None:
    """Distances of 24 images in batches of 5, with one thread."""
    torch.set_num_threads(1)
    settings = replace(SETTINGS, num_images=24, batch_size=5)
    run_evaluation(EvaluateConfig(run, None, "cpu", Measurement(floor_repeats=2), settings))


def arrays(folder: Path) -> np.ndarray:
    with np.load(folder / "images.npz") as archive:
        return archive["images"]


def contents(folder: Path) -> dict[str, bytes]:
    """Everything but settings.json, byte by byte."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("[!.]*") if p.is_file()}
    names = ["grid.png", "images.npz", "labels.txt"] + [f"png/{i:06d}.png" for i in range(COUNT)]
    assert sorted(files) == [*names, "settings.json"]
    with np.load(folder / "images.npz") as archive:
        assert archive["labels"].tolist() == np.loadtxt(folder / "labels.txt", int).tolist()
    content = {n: path.read_bytes() for n, path in files.items() if "png" in n or "labels" in n}
    return content | {"images": arrays(folder).tobytes()}


def test_three_processes_make_the_images_of_one(run: Path, alone: Path, tmp_path: Path) -> None:
    """Bit for bit: whole batches are shared, so the network adds up in the same order. Mistakes
    that this sees: noise or labels numbered from 0 in every process (two batches would be equal,
    which they are not here), a batch that two processes make or none, rows out of order."""
    assert join(start_group(3, sample, run, tmp_path / "shared")) == [0, 0, 0]
    assert contents(tmp_path / "shared") == contents(alone)
    images = arrays(alone).reshape(COUNT, -1)
    assert len(np.unique(images, axis=0)) == COUNT
    labels = np.loadtxt(alone / "labels.txt", int).tolist()
    assert labels[:3] != labels[3:6], "drawn anew in every batch"
    facts = json.loads((tmp_path / "shared" / "settings.json").read_text())
    expected = json.loads((alone / "settings.json").read_text())
    assert facts == expected | {"processes": 3}


def test_the_fit_of_the_start_is_told(run: Path, tmp_path: Path, capsys: Shown) -> None:
    """mu_hat is the mean log pixel, between 0 and log 2; sigma_hat is little above √v = 10."""
    sample(run, tmp_path)
    facts = json.loads((tmp_path / "settings.json").read_text())
    assert 0 < facts["mu_hat"][0] < 0.69 and 10 < facts["sigma_hat"][0] < 10.1
    printed = capsys.readouterr().out
    for name in ("mu_hat", "sigma_hat"):
        assert f"{name}: {facts[name][0]:.6g}" in printed


def killed_after(batches: int, monkeypatch: Patch) -> list[range]:
    """Have the command end before it stores batch number `batches`; lists what it stores."""
    stored: list[range] = []
    write = sample_job.write_batch

    def write_or_die(folder: Path, batch: range, *rest: object) -> None:
        if len(stored) == batches:
            raise KeyboardInterrupt
        stored.append(batch)
        write(folder, batch, *rest)

    monkeypatch.setattr(sample_job, "write_batch", write_or_die)
    return stored


@pytest.fixture
def interrupted(run: Path, tmp_path: Path) -> tuple[Path, list[range]]:
    """A folder in which the command was killed after two batches, and these."""
    with Patch.context() as patch:
        stored = killed_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            sample(run, tmp_path)
    return tmp_path, stored


def test_a_killed_command_goes_on_and_makes_nothing_twice(
    run: Path, alone: Path, interrupted: tuple[Path, list[range]], monkeypatch: Patch
) -> None:
    folder, first = interrupted
    assert not (folder / "settings.json").exists(), "it would say that the set is whole"
    # A file that the kill cut short is made again.
    (folder / "png" / "000006.png").write_bytes(b"half")
    second = killed_after(99, monkeypatch)
    sample(run, folder)
    assert (first, second) == ([range(0, 3), range(3, 6)], [range(6, 9), range(9, 10)])
    assert contents(folder) == contents(alone)


def test_a_set_and_its_run_go_on_where_they_have_been_moved(
    run: Path, alone: Path, interrupted: tuple[Path, list[range]], monkeypatch: Patch
) -> None:
    """The set is of the weights, wherever they are by now."""
    folder, first = interrupted
    moved = shutil.copytree(run, folder / "elsewhere" / "run")
    out = shutil.copytree(folder / "parts", folder / "elsewhere" / "out" / "parts").parent
    for name in ("png", ".gbm-samples"):
        (folder / name).rename(out / name)
    second = killed_after(99, monkeypatch)
    sample(moved, out)
    assert len(first) == len(second) == 2
    assert contents(out) == contents(alone)
    assert json.loads((out / "settings.json").read_text())["run"] == str(moved.resolve())


def test_other_settings_do_not_mix_with_what_is_unfinished(
    run: Path, interrupted: tuple[Path, list[range]], monkeypatch: Patch
) -> None:
    """Another seed is refused, and the parts are left; another number of images is welcome."""
    folder, _ = interrupted
    with pytest.raises(ValueError, match="interrupted command with other settings"):
        sample(run, folder, replace(SETTINGS, seed=7))
    assert len(list((folder / "parts").glob("*.safetensors"))) == 2
    stored = killed_after(99, monkeypatch)
    sample(run, folder, replace(SETTINGS, num_images=8))
    assert stored == [range(6, 8)] and len(arrays(folder)) == 8


def test_only_what_is_wanted_is_written(run: Path, tmp_path: Path) -> None:
    config = SampleConfig(run=run, out=tmp_path, output=("npz",), device="cpu", sampling=SETTINGS)
    sample_job.run_sampling(config)
    names = {"images.npz", "labels.txt", "settings.json", ".gbm-samples"}
    assert {p.name for p in tmp_path.iterdir()} == names


def test_a_preset_is_applied_and_its_source_noted(run: Path, tmp_path: Path) -> None:
    """The digits are not among the paper's data sets."""
    config = SampleConfig(run=run, out=tmp_path, preset="paper", device="cpu")
    with pytest.raises(ValueError, match="--preset paper has no setting for digits"):
        sample_job.run_sampling(config)
    assert list(tmp_path.iterdir()) == []


def test_processes_measure_what_one_measures(run: Path) -> None:
    """The same distances to the last bit: features of image i are the same whoever makes it."""
    evaluate(run)
    before = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").unlink()
    assert join(start_group(2, evaluate, run)) == [0, 0]
    assert json.loads((run / "metrics.json").read_text()) == before
    assert before[0]["result"]["N"] == 24


DIGITS = gbm.load_dataset("digits")
TRAIN = len(DIGITS.train_images)
IMAGES = gbm.positive_from_integers(DIGITS.train_images[:40], DIGITS.max_value)
Evaluate = Callable[..., Done]
QUICK = "--sampler probability-flow --num-steps 2 --num-images 12".split()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: Folders) -> Path:
    """A run of one step on the digits, with a classifier of a few steps beside it."""
    root = tmp_path_factory.mktemp("runs")
    digits_extractor(root)
    return make_run(root / "run", 1, DIGITS, width=16)


@pytest.fixture
def plain(trained: Path) -> Path:
    (trained / "metrics.json").unlink(missing_ok=True)
    return trained


@pytest.fixture
def evaluate_plain(plain: Path, command: Command) -> Evaluate:
    return functools.partial(command, evaluation.main, "--run", plain)


def entries(run: Path) -> list[dict]:
    return json.loads((run / "metrics.json").read_text())


def test_samples_are_measured_printed_and_recorded(plain: Path, evaluate_plain: Evaluate) -> None:
    done = evaluate_plain(*QUICK, "--floor-repeats", 3, "--seed", 5)
    assert done.status == 0
    (entry,) = entries(plain)
    result, settings = entry["result"], entry["settings"]
    assert (settings["sampler"], settings["num_images"]) == ("probability-flow", 12)
    assert result["N"] == 12
    found = result["N_reference"], result["floor_repeats"], result["seed"]
    assert found == (len(DIGITS.test_images), 3, 5)
    # A network after one step paints no digits.
    assert result["frechet"] > 1.3 * result["frechet_floor"] > 0
    words = ("probability-flow", "lognormal", result["feature_hash"], "metrics.json")
    for part in (*words, f"{result['frechet']:.4g}"):
        assert part in done.out


def test_a_second_evaluation_is_added_and_repeated(plain: Path, evaluate_plain: Evaluate) -> None:
    for seed in (1, 2, 1):
        assert evaluate_plain(*QUICK, "--floor-repeats", 2, "--seed", seed).status == 0
    first, second = entries(plain)
    assert [e["settings"]["seed"] for e in (first, second)] == [2, 1]
    assert evaluate_plain(*QUICK, "--floor-repeats", 2, "--seed", 1).status == 0
    assert entries(plain) == [first, second]
    assert first["result"]["frechet"] != second["result"]["frechet"]


def test_other_images_are_measured(plain: Path, tmp_path: Path, evaluate_plain: Evaluate) -> None:
    np.save(tmp_path / "floats.npy", IMAGES.numpy())
    np.save(tmp_path / "levels.npy", DIGITS.train_images[:40].numpy())
    (tmp_path / "png").mkdir()
    for i, pixels in enumerate(gbm.integers_from_positive(IMAGES, 255)):
        Image.fromarray(pixels[0].numpy()).save(tmp_path / "png" / f"{i:03d}.png")
    names = ["floats.npy", "levels.npy", "png"]
    for name in names:
        assert evaluate_plain("--images", tmp_path / name, "--floor-repeats", 2).status == 0
    found = entries(plain)
    assert [Path(e["settings"]["images"]).name for e in found] == names
    assert [e["result"]["N"] for e in found] == [40, 40, 40]
    floats, levels, png = (e["result"]["frechet"] for e in found)
    assert floats == levels
    # 8-bit files round sixteen grey levels to within 1/510 each.
    assert png == pytest.approx(floats, rel=0.02)
    # Real images: at the floor, not above it by more than its spread could explain.
    assert floats < 2 * found[0]["result"]["frechet_floor"]


@pytest.mark.parametrize(
    ("value", "message"), [(0.0, "1 zero"), (-1.5, "1 negative"), (np.nan, "1 NaN"), (7.0, "to 7")]
)
def test_bad_foreign_pixels_are_refused(
    plain: Path, tmp_path: Path, evaluate_plain: Evaluate, value: float, message: str
) -> None:
    images = IMAGES[:5].numpy().copy()
    images[2, 0, 3, 3] = value
    np.save(tmp_path / "x.npy", images)
    done = evaluate_plain("--images", tmp_path / "x.npy")
    assert done.status == 2 and "error: " in done.err and message in done.err
    assert not (plain / "metrics.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (f"--num-images {TRAIN + 1}", f"between 2 and {TRAIN}"),
        ("--num-images 1", f"between 2 and {TRAIN}"),
        ("--floor-repeats 1", "floor_repeats must be 2 or more"),
        ("--images absent.npy", "neither a folder"),
        ("--images absent.npy --num-images 7", "do not apply"),
        ("--features inception --inception-weights absent", "never downloaded"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_sampling(
    plain: Path, evaluate_plain: Evaluate, options: str, message: str
) -> None:
    done = evaluate_plain(*options.split())
    assert done.status == 2 and message in done.err
    assert "dale-langevin" not in done.err, "the progress bar of the sampler"
    assert not (plain / "metrics.json").exists()


def test_a_folder_without_a_run_is_refused(tmp_path: Path, command: Command) -> None:
    done = command(evaluation.main, "--run", tmp_path)
    assert done.status == 2 and "not a run folder" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_seed_alone_may_be_given_with_images() -> None:
    given, seeded = (Path("r"), Path("x.npy")), gbm.SamplingSettings(num_images=256, seed=3)
    assert EvaluateConfig(*given, sampling=seeded).sampling.seed == 3
    with pytest.raises(ValueError, match="do not apply"):
        EvaluateConfig(*given, sampling=gbm.SamplingSettings(chi=0.5))
