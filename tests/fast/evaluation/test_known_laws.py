"""Training on laws with a known score: the data, what the network learns, and the run's files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gbm_fast.commands.training import run_training
from gbm_fast.data.toys import load_toy
from gbm_fast.evaluation.generated import measured_data
from gbm_fast.evaluation.known_laws import sample_law, score_errors
from gbm_fast.parameterisation import score_function
from gbm_fast.sampling.film import save_trajectory
from gbm_fast.sampling.runs import Run, load_run
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.scores import exact_score
from gbm_fast.settings.commands import Measurement
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.training import TOYS, TrainConfig
from gbm_fast.settings.training_presets import resolve
from gbm_fast.targets import LogNormal
from gbm_fast.training.batches import LawBatches
from gbm_fast.training.build import build_process


def train(folder: Path, dataset: str, steps: int, **overrides: object) -> Run:
    """A small network trained on a law by the command's function, without its picture."""
    settings = {"width": 24, "depth": 2, "warmup_steps": 0, "device": "cpu", "metrics_images": 0}
    config = TrainConfig(dataset=dataset, steps=steps, run_dir=folder, **(settings | overrides))
    assert run_training(resolve(config)) == 0
    return load_run(folder, "cpu")


@pytest.mark.parametrize("name", TOYS)
def test_moments_are_those_of_all_coordinates_together(name: str) -> None:
    """By the law of total variance, coordinate by coordinate, in plain loops."""
    law = load_toy(name)
    if isinstance(law, LogNormal):
        parts = [(1.0, law.log_mean, law.log_cov)]
    else:
        parts = list(zip(law.weights.tolist(), law.log_means, law.log_covs, strict=True))
    first = second = 0.0
    for weight, mean, cov in parts:
        for i in range(law.d):
            first += weight * float(mean[i]) / law.d
            second += weight * (float(cov[i, i]) + float(mean[i]) ** 2) / law.d
    batches = LawBatches(law)
    assert batches.log_mean == pytest.approx(first, rel=1e-13)
    assert batches.log_std == pytest.approx((second - first**2) ** 0.5, rel=1e-13)


def test_a_batch_is_a_function_of_seed_and_step_and_has_the_same_items_for_everybody() -> None:
    batches = LawBatches(load_toy("lognormal-mixture-2d"))
    whole = batches.draw(3, 7, 10, range(10)).x
    parts = [batches.draw(3, 7, 10, items).x for items in (range(4), range(4, 10))]
    assert torch.equal(torch.cat(parts), whole)
    for seed, step in ((4, 7), (3, 8)):
        assert not torch.equal(batches.draw(seed, step, 10, range(10)).x, whole)
    assert str(float(whole[6, 1])) in batches.describe(3, 7, 10, 6)


def test_an_untrained_denoiser_is_exact_for_a_lognormal_law_on_the_line(tmp_path: Path) -> None:
    """A zero output is the best linear denoiser, which is the best one where log X is normal.

    So the law, its moments, the process and the parameterisation are tied together exactly, up to
    float32. The step's learning rate changes no weight by more than 1e-12.
    """
    run = train(tmp_path / "run", "lognormal-1d", 1, learning_rate=1e-12)
    process = build_process(run.config)
    x = torch.linspace(0.3, 4.0, 50)[:, None]
    learned = score_function(run.model, process)
    exact = exact_score(load_toy("lognormal-1d"), process)
    for t in (0.2, 0.6, 1.0):
        assert torch.allclose(learned(x, t).double(), exact(x.double(), t), rtol=1e-5, atol=1e-5)
    # A twin: the score of another of the laws is nowhere near.
    other = exact_score(load_toy("lognormal-mixture-1d"), process)
    assert not torch.allclose(learned(x, 0.2).double(), other(x.double(), 0.2), rtol=0.3, atol=0.3)


def test_training_brings_the_score_near_the_exact_one(tmp_path: Path) -> None:
    """Where the two components overlap, sqrt(v) near 0.2, no linear denoiser is right."""
    settings = {"batch_size": 256, "learning_rate": 5e-3, "ema_decay": 0.9}
    before = train(tmp_path / "a", "lognormal-mixture-1d", 1, learning_rate=1e-12)
    after = train(tmp_path / "b", "lognormal-mixture-1d", 150, **settings)
    (std, start), (_, end) = score_errors(before, 2000, 5)[2], score_errors(after, 2000, 5)[2]
    assert 0.15 < std < 0.4
    assert start > 0.1 and end < start / 4


@pytest.mark.parametrize("process", ["variance-exploding", "constant"])
def test_the_command_ends_with_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], process: str
) -> None:
    folder = tmp_path / "run"
    run = train(folder, "lognormal-mixture-2d", 2, metrics_images=300, process=process)
    assert run.event_shape == (2,) and run.config.precision == "float32"
    with Image.open(folder / "samples.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50, "not blank"
    shown = capsys.readouterr().out
    assert (
        "relative squared error of the score" in shown
        and "next:    python -m gbm_fast.sample" in shown
    )
    assert not (folder / "statistics.safetensors").exists()
    draws = sample_law(run, 5, 1)
    assert draws.shape == (5, 2) and bool((draws > 0).all())
    with pytest.raises(ValueError, match="lognormal-mixture-2d, which is no image data set"):
        save_trajectory(tmp_path / "film.png", Sampler(run, SamplingSettings(num_steps=9)), 0)
    with pytest.raises(ValueError, match="lognormal-mixture-2d, which is no image data set"):
        measured_data(folder, Measurement())
