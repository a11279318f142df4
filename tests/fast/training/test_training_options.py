"""What the options of a training do: averages, the chosen weights, rounds, precision, pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors
from gbm_fast.training.loop import fit
from tests.support.tiny_runs import few_digits, saved, tiny_config

LINE = "network.stem.weight"


def make_trainer(folder: Path, **overrides: object) -> gbm.Trainer:
    """A trainer of the smallest network on forty digits."""
    config = tiny_config(multipliers=(1,), **overrides)
    folder.mkdir(exist_ok=True)
    return gbm.Trainer(config, gbm.ImageBatches(few_digits()), folder)


def weights(trainer: gbm.Trainer) -> list[Tensor]:
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


@pytest.mark.parametrize(
    ("planted", "best", "least"),
    [
        ([0.9, 0.8, 0.3, 0.4, 1.9, 0.1, 0.5, 0.6, 0.7], 4, 0.35),
        ([0.9, 0.8, 0.4, 0.5, 1.9, 0.1, 0.5, 0.3, 0.4], 9, 0.35),
        ([0.9, 0.1, 0.2, 0.5, 1.9, 0.1, 0.5, 0.3, 0.4], 3, 0.15),
    ],
    ids=["regular", "at the end", "because of a signal"],
)
def test_the_checkpoint_of_the_least_loss_is_kept_for_use(
    tmp_path: Path, planted: list[float], best: int, least: float
) -> None:
    """Of those at 2, 4, 6 and 8, of that at 3 where the run was stopped, and of the last, 9.

    Losses are planted. What counts is the mean of two steps, also for 3 and 9, which come one step
    after a checkpoint, and never the loss of one step: in the first row that of 6 is the lowest.
    """
    folder = tmp_path / "run"
    for stop in (3, 9):
        trainer = make_trainer(folder, choose="least-loss", checkpoint_every=2, ema_decay=0.5)
        add = trainer._least_loss.add
        trainer._least_loss.add = lambda _, add=add, trainer=trainer: add(
            planted[trainer.step - 1]
        )
        fit(trainer, stop, None, show_progress=False)
    tensors, _ = saved(folder)
    assert tensors["least_loss"].tolist() == pytest.approx([least, *planted[-2:]], rel=1e-15)
    again = make_trainer(tmp_path / "again", ema_decay=0.5)
    for _ in range(best):
        again.train_step()
    chosen, _ = load_tensors(folder / "weights.safetensors", WEIGHTS_FORMAT)
    assert torch.equal(chosen[LINE], again.averaged().state_dict()[LINE])


def test_weights_are_there_for_use_before_there_is_a_loss_to_choose_by(tmp_path: Path) -> None:
    """A run that is stopped early keeps its last ones, and takes the first that have a mean."""
    for stop in (1, 2):
        trainer = make_trainer(tmp_path, choose="least-loss", checkpoint_every=2)
        fit(trainer, stop, None, show_progress=False)
        chosen, _ = load_tensors(tmp_path / "weights.safetensors", WEIGHTS_FORMAT)
        assert torch.equal(chosen[LINE], trainer.averaged().state_dict()[LINE])


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


def test_a_batch_that_was_drawn_ahead_is_used_for_its_step_alone(tmp_path: Path) -> None:
    """As a GPU's training draws while the device works; the twin takes whatever is there."""
    plain, ahead = (make_trainer(tmp_path / name) for name in "ab")
    twin = make_trainer(tmp_path / "c")
    for step, drawn in enumerate([0, 7, 2, 1]):
        ahead.data.draw_ahead(drawn, ahead.items)
        stale = ahead.data.draw(drawn, ahead.items)
        ahead.data.draw_ahead(drawn, ahead.items)
        twin.draw_batch = lambda stale=stale: stale
        for trainer in (plain, ahead, twin):
            trainer.train_step()
        assert all(map(torch.equal, weights(plain), weights(ahead)))
        same = all(map(torch.equal, weights(plain), weights(twin)))
        assert same == (step == 0)
