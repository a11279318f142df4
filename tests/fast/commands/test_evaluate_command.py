"""The command: a run's samples and foreign images, measured, recorded, or refused in one line."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast import evaluate
from gbm_fast.commands.training import run_training
from gbm_fast.evaluation.classifier import ClassifierSettings
from gbm_fast.settings.commands import EvaluateConfig
from gbm_fast.settings.training_presets import resolve

DIGITS = gbm.load_dataset("digits")
TRAIN = len(DIGITS.train_images)
QUICK = ["--sampler", "probability-flow", "--num-steps", "2", "--num-images", "12"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step on the digits, with a classifier of a few steps beside it."""
    root = tmp_path_factory.mktemp("runs")
    settings = ClassifierSettings(epochs=1, min_steps=30)
    gbm.load_or_train_classifier(DIGITS, root / "features", settings=settings)
    run_training(
        resolve(gbm.TrainConfig(run_dir=root / "run", width=16, steps=1, metrics_images=0))
    )
    return root / "run"


@pytest.fixture
def run(trained: Path) -> Path:
    """The run without metrics."""
    (trained / "metrics.json").unlink(missing_ok=True)
    return trained


def call(monkeypatch: pytest.MonkeyPatch, run: Path, *arguments: str) -> int:
    """Exit status of the command line; tyro leaves by SystemExit."""
    monkeypatch.setattr(sys, "argv", ["evaluate", "--run", str(run), *arguments])
    try:
        return evaluate.main()
    except SystemExit as left:
        return int(left.code or 0)


def entries(run: Path) -> list[dict]:
    return json.loads((run / "metrics.json").read_text())


def digits(count: int) -> torch.Tensor:
    return gbm.positive_from_integers(DIGITS.train_images[:count], DIGITS.max_value)


def test_samples_are_measured_printed_and_recorded(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, run, *QUICK, "--floor-repeats", "3", "--seed", "5") == 0
    (entry,) = entries(run)
    result = entry["result"]
    assert entry["settings"]["sampler"] == "probability-flow"
    assert entry["settings"]["num_images"] == result["N"] == 12
    assert (result["N_reference"], result["floor_repeats"], result["seed"]) == (
        len(DIGITS.test_images),
        3,
        5,
    )
    # A network after one step paints no digits.
    assert result["frechet"] > 1.3 * result["frechet_floor"] > 0
    printed = capsys.readouterr().out
    for part in ("probability-flow", "lognormal", result["feature_hash"], "metrics.json"):
        assert part in printed
    assert f"{result['frechet']:.4g}" in printed


def test_a_second_evaluation_is_added_and_a_repeated_one_is_the_same(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in ("1", "2", "1"):
        assert call(monkeypatch, run, *QUICK, "--floor-repeats", "2", "--seed", seed) == 0
    first, second = entries(run)
    assert [e["settings"]["seed"] for e in (first, second)] == [2, 1]
    assert call(monkeypatch, run, *QUICK, "--floor-repeats", "2", "--seed", "1") == 0
    assert entries(run) == [first, second]
    assert first["result"]["frechet"] != second["result"]["frechet"]


def test_foreign_images_from_an_array_and_from_a_folder(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = digits(40)
    np.save(tmp_path / "floats.npy", images.numpy())
    np.save(tmp_path / "levels.npy", DIGITS.train_images[:40].numpy())
    (tmp_path / "png").mkdir()
    for i, pixels in enumerate(gbm.integers_from_positive(images, 255)):
        Image.fromarray(pixels[0].numpy()).save(tmp_path / "png" / f"{i:03d}.png")
    for name in ("floats.npy", "levels.npy", "png"):
        options = ("--images", str(tmp_path / name), "--floor-repeats", "2")
        assert call(monkeypatch, run, *options) == 0
    found = entries(run)
    assert [Path(e["settings"]["images"]).name for e in found] == [
        "floats.npy",
        "levels.npy",
        "png",
    ]
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
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: float,
    message: str,
) -> None:
    images = digits(5).numpy()
    images[2, 0, 3, 3] = value
    np.save(tmp_path / "x.npy", images)
    assert call(monkeypatch, run, "--images", str(tmp_path / "x.npy")) == 2
    error = capsys.readouterr().err
    assert "error: " in error
    assert message in error
    assert not (run / "metrics.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--num-images", str(TRAIN + 1)], f"between 2 and {TRAIN}"),
        (["--num-images", "1"], f"between 2 and {TRAIN}"),
        (["--floor-repeats", "1"], "floor_repeats must be 2 or more"),
        (["--images", "absent.npy"], "neither a folder"),
        (["--images", "absent.npy", "--num-images", "7"], "do not apply"),
        (["--features", "inception", "--inception-weights", "absent"], "never downloaded"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_sampling(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert call(monkeypatch, run, *options) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split())
    assert "dale-langevin" not in captured.err, "the progress bar of the sampler"
    assert not (run / "metrics.json").exists()


def test_a_folder_without_a_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, tmp_path) == 2
    assert "not a run folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_seed_alone_may_be_given_with_images() -> None:
    seeded = gbm.SamplingSettings(num_images=256, seed=3)
    config = EvaluateConfig(run=Path("r"), images=Path("x.npy"), sampling=seeded)
    assert config.sampling.seed == 3
    with pytest.raises(ValueError, match="do not apply"):
        EvaluateConfig(run=Path("r"), images=Path("x.npy"), sampling=gbm.SamplingSettings(chi=0.5))
