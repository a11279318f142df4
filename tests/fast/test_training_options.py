"""What the options of a training do: averages, the chosen weights, rounds, precision, pictures."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gbm_fast import pipeline
from gbm_fast.batches import ImageBatches
from gbm_fast.checkpoint import WEIGHTS_FORMAT, load_tensors
from gbm_fast.networks import DDPMpp, NCSNDeeper
from gbm_fast.pipeline import run_training
from gbm_fast.runs import Run, load_run
from gbm_fast.settings import SamplingSettings
from gbm_fast.stats_log import require_tensorboard
from gbm_fast.trainer import Trainer
from gbm_fast.training import fit
from tests.fast.tiny_runs import few_digits, saved, tiny_config

LINE = "network.stem.weight"


def make_trainer(folder: Path, **overrides: object) -> Trainer:
    """A trainer of the smallest network on forty digits."""
    config = tiny_config(multipliers=(1,), **overrides)
    folder.mkdir(exist_ok=True)
    return Trainer(config, ImageBatches(few_digits()), folder)


def weights(trainer: Trainer) -> list[Tensor]:
    """The parameters as they are now."""
    return [p.detach().clone() for p in trainer.model.parameters()]


def test_the_average_of_saved_checkpoints_takes_in_those_alone(tmp_path: Path) -> None:
    """Of steps 3 and 6, with the share min(decay, 2 / 11) for the first; before that, the weights.

    The twin is the average of every step.
    """
    trainer = make_trainer(
        tmp_path, average="saved-checkpoints", average_every=3, checkpoint_every=3, warmup_steps=0
    )
    seen = []
    for _ in range(7):
        trainer.train_step()
        seen.append(weights(trainer))
        if len(seen) < 3:
            found = [p.detach() for p in trainer.averaged().parameters()]
            assert all(torch.equal(a, b) for a, b in zip(found, seen[-1], strict=True))
    pairs = zip(trainer.averaged().parameters(), seen[2], seen[5], strict=True)
    for found, third, sixth in pairs:
        assert torch.allclose(found, 2 / 11 * third + 9 / 11 * sixth, rtol=0, atol=1e-6)
    every = make_trainer(tmp_path / "every", warmup_steps=0)
    for _ in range(7):
        every.train_step()
    pairs = zip(every.averaged().parameters(), trainer.averaged().parameters(), strict=True)
    assert max(float((a - b).detach().abs().max()) for a, b in pairs) > 1e-4


def test_the_checkpoint_of_the_least_loss_is_kept_for_use(tmp_path: Path) -> None:
    """Losses are planted so that the second of four checkpoints is the best; a resume in between.

    The mean of all steps since the checkpoint before counts, not the last step: step 4 is the
    lowest of all, after a high one.
    """
    planted = [0.9, 0.8, 0.3, 0.4, 1.9, 0.1, 0.5, 0.6]
    folder = tmp_path / "run"
    for stop in (3, 8):  # the window of steps 3 and 4 is interrupted
        trainer = make_trainer(folder, choose="least-loss", checkpoint_every=2, ema_decay=0.5)
        take = trainer.train_step

        def step(take=take, trainer=trainer) -> tuple[Tensor, Tensor]:  # noqa: ANN001
            before = trainer._loss_sum
            loss, norm = take()
            trainer._loss_sum = before + planted[trainer.step - 1]
            return loss, norm

        trainer.train_step = step
        fit(trainer, stop, None, show_progress=False)
    _, facts = saved(folder)
    assert facts["least_loss"] == pytest.approx(0.35, rel=1e-12)
    again = make_trainer(tmp_path / "again", ema_decay=0.5)
    for _ in range(4):
        again.train_step()
    chosen, _ = load_tensors(folder / "weights.safetensors", WEIGHTS_FORMAT)
    assert torch.equal(chosen[LINE], again.averaged().state_dict()[LINE])


def test_rounds_change_the_order_of_sums_alone(tmp_path: Path) -> None:
    """Eight items at once, or in rounds of three, three and two: float64, to its rounding."""
    whole = make_trainer(tmp_path / "a", precision="float64")
    rounds = make_trainer(tmp_path / "b", precision="float64", micro_batch=3)
    assert (whole.micro_batch, rounds.micro_batch) == (8, 3)
    for _ in range(4):
        expected, found = whole.train_step(), rounds.train_step()
        assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-13)
        assert float(found[1]) == pytest.approx(float(expected[1]), rel=1e-11)
    for a, b in zip(whole.model.parameters(), rounds.model.parameters(), strict=True):
        assert a.dtype == torch.float64
        assert float((a - b).detach().abs().max()) < 1e-12


@pytest.mark.parametrize(("precision", "digits"), [("bfloat16", 0.03), ("float16", 0.01)])
def test_half_precision_trains_close_to_float32(
    tmp_path: Path, precision: str, digits: float
) -> None:
    """Weights, gradients and the loss stay float32; the network's arithmetic alone is coarser."""
    half = make_trainer(tmp_path / "half", precision=precision)
    full = make_trainer(tmp_path / "full")
    losses = []
    for _ in range(4):
        pair = half.train_step()[0], full.train_step()[0]
        losses.append([float(loss) for loss in pair])
    found, expected = np.array(losses).T
    assert np.allclose(found, expected, rtol=digits) and not np.array_equal(found, expected)
    assert {p.dtype for p in half.model.parameters()} == {torch.float32}
    assert half.scaler.is_enabled() == (precision == "float16")


def test_float16_finds_its_scale_again_and_resumes_with_it(tmp_path: Path) -> None:
    """A scale at which gradients overflow halves with each step that changes nothing."""
    trainer = make_trainer(tmp_path, precision="float16")
    trainer.train_step()
    trainer.scaler.update(1e38)
    before = weights(trainer)
    trainer.train_step()
    assert trainer.step == 2 and trainer.scaler.get_scale() == pytest.approx(5e37)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(trainer), strict=True))
    trainer.save()
    resumed = make_trainer(tmp_path, precision="float16")
    assert resumed.scaler.get_scale() == trainer.scaler.get_scale()
    # At the least scale there is nothing left to try.
    trainer.scaler.update(0.5)
    next(trainer.model.parameters()).register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(FloatingPointError, match="the gradient at step 2 is not finite"):
        trainer.train_step()


def test_importance_weights_reach_the_loss(tmp_path: Path) -> None:
    settings = {"weighting": "none", "times": "log-uniform", "precision": "float64"}
    plain = make_trainer(tmp_path / "a", **settings)
    weighted = make_trainer(tmp_path / "b", importance=True, **settings)
    batch = weighted.draw_batch()
    assert not torch.equal(batch.t, plain.draw_batch().t)
    assert float(batch.weights.std()) > 0.1
    loss = weighted._backward(batch).mean()
    one = weighted._backward(batch._replace(weights=torch.ones_like(batch.weights))).mean()
    assert float(loss) != pytest.approx(float(one), rel=1e-3)


def test_pictures_and_tensorboard_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples of the averaged weights as they are then; the training itself is not disturbed."""
    monkeypatch.setattr(pipeline, "load_dataset", lambda name, folder: few_digits())
    settings = {"multipliers": (1,), "steps": 4, "metrics_images": 0, "dropout": 0.2}
    extra = {"samples_every": 2, "tensorboard": True}
    for folder, more in (("plain", {}), ("shown", extra)):
        assert run_training(tiny_config(run_dir=tmp_path / folder, **settings, **more)) == 0
    shown = tmp_path / "shown"
    names = [f"step-{step:08d}.png" for step in (2, 4)]
    assert sorted(path.name for path in (shown / "samples").iterdir()) == names
    pixels = [np.asarray(Image.open(shown / "samples" / name)) for name in names]
    assert pixels[0].shape == pixels[1].shape and not np.array_equal(*pixels)
    assert [path.name.split(".")[0] for path in (shown / "tensorboard").iterdir()] == ["events"]
    found, expected = saved(shown)[0], saved(tmp_path / "plain")[0]
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_float64_runs_are_sampled_and_loaded_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "load_dataset", lambda name, folder: few_digits())
    settings = {"steps": 1, "metrics_images": 0, "precision": "float64", "samples_every": 1}
    folder = tmp_path / "run"
    assert run_training(tiny_config(multipliers=(1,), run_dir=folder, **settings)) == 0
    assert (folder / "samples" / "step-00000001.png").exists()
    assert {p.dtype for p in load_run(folder, "cpu").model.parameters()} == {torch.float32}
    assert json.loads((folder / "stats.jsonl").read_text())["step"] == 1


def test_tensorboard_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        require_tensorboard()


NCSN = {"network": "ncsn", "width": 4, "times": "uniform", "weighting": "variance", "blocks": None}
DDPMPP = {"network": "ddpmpp", "width": 32, "multipliers": (1,), "blocks": 1, "dropout": 0.1}


# On the exploding process exp(u) of the paper's parameterisation leaves the range of float32.
@pytest.mark.parametrize(
    ("network", "process", "parameterisation"),
    [
        (NCSN, "constant", "stein"),
        (NCSN, "variance-exploding", "denoiser"),
        (DDPMPP, "constant", "stein"),
    ],
)
def test_the_networks_of_the_paper_train_and_sample(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: dict[str, object],
    process: str,
    parameterisation: str,
) -> None:
    """The run is loaded as it was stored, and its samples are within reach."""
    monkeypatch.setattr(pipeline, "load_dataset", lambda name, folder: few_digits())
    settings = {"steps": 2, "metrics_images": 0, "samples_every": 2, "run_dir": tmp_path / "run"}
    settings |= {"patch_size": None, "parameterisation": parameterisation, "process": process}
    assert run_training(tiny_config(**settings, **network)) == 0
    run = load_run(tmp_path / "run", "cpu")
    kind = NCSNDeeper if network is NCSN else DDPMpp
    assert isinstance(run.model.network, kind)
    stored, _ = load_tensors(run.folder / "weights.safetensors", WEIGHTS_FORMAT)
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, stored[name])
    assert (run.folder / "samples" / "step-00000002.png").exists()


def test_samples_that_cannot_be_made_do_not_stop_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(run: Run, settings: SamplingSettings, *rest: object) -> Iterator[None]:
        raise ValueError("the score is too large")
        yield

    monkeypatch.setattr(pipeline, "load_dataset", lambda name, folder: few_digits())
    monkeypatch.setattr(pipeline, "generated_batches", fails)
    settings = {"steps": 2, "metrics_images": 0, "samples_every": 1, "run_dir": tmp_path / "run"}
    assert run_training(tiny_config(multipliers=(1,), **settings)) == 0
    shown = capsys.readouterr().out
    assert "no samples at step 1: the score is too large" in shown and "trained 2 steps" in shown


def test_levels_that_a_network_does_not_have_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six levels of the exploding process begin well above its least noise."""
    monkeypatch.setattr(pipeline, "load_dataset", lambda name, folder: few_digits())
    config = tiny_config(patch_size=None, num_steps=6, run_dir=tmp_path / "run", **NCSN)
    with pytest.raises(ValueError, match="sample within the levels of its training"):
        run_training(config)
    assert not (tmp_path / "run").exists()
