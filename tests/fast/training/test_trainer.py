"""One training: exact resumption, what a batch depends on, averages, and what the options do."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors
from gbm_fast.training.build import build_weighting
from tests.support import tiny_runs as tiny
from tests.support.tiny_runs import advance, few_digits, log, make_trainer, newest, saved, weights

LINE = "network.stem.weight"


def small(folder: Path, **overrides: object) -> gbm.Trainer:
    """A trainer of the smallest network on forty digits."""
    return make_trainer(folder, multipliers=(1,), **overrides)


def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    """Broken off after step 5, between the checkpoints at 4 and 8; dropout draws numbers too."""
    settings = {"dropout": 0.3, "checkpoint_every": 4, "weight_decay": 0.01, "log_every": 2}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    advance(make_trainer(whole, **settings), 7)
    advance(make_trainer(parts, **settings), 5)
    torch.manual_seed(987654321)
    resumed = make_trainer(parts, **settings)
    assert resumed.step == 5
    advance(resumed, 7)
    (expected, facts), (found, resumed_facts) = saved(whole), saved(parts)
    assert facts["step"] == resumed_facts["step"] == 7
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    assert expected["average.n_averaged"] == 7
    kinds = {name.split(".")[-1] for name in expected if name.startswith("optimiser.0.")}
    assert kinds == {"step", "exp_avg", "exp_avg_sq"}
    assert log(parts) == log(whole)
    assert [line["step"] for line in log(whole)] == [2, 4, 6]
    assert [line["images"] for line in log(whole)] == [16, 32, 48]


def test_a_run_goes_on_with_another_log_and_device(tmp_path: Path) -> None:
    """Bit for bit, where `auto` is the CPU too; on a GPU to the rounding of its sums."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    advance(make_trainer(whole), 6)
    advance(make_trainer(parts), 3)
    advance(changed := make_trainer(parts, log_every=2, device="auto"), 6)
    (expected, _), (found, facts) = saved(whole), saved(parts)
    error = 0.0 if changed.device.type == "cpu" else 1e-3
    for name, tensor in expected.items():
        assert torch.allclose(found[name], tensor, rtol=error, atol=error), name
    assert [line["step"] for line in log(parts)] == [1, 2, 3, 4, 6]
    assert facts["config"]["log_every"] == 2


def test_a_checkpoint_matters_to_what_follows(tmp_path: Path) -> None:
    """The twin of the test above: without the moments the next step is another one."""
    advance(first := make_trainer(tmp_path / "run"), 3)
    resumed = make_trainer(tmp_path / "run")
    resumed.optimiser.state.clear()
    first.train_step()
    resumed.train_step()
    assert not tiny.same(weights(first), weights(resumed))


def test_batches_are_a_function_of_the_seed_and_the_step(tmp_path: Path) -> None:
    one, other, fresh = (make_trainer(tmp_path / str(s), seed=s % 10) for s in (8, 9, 18))
    one.train_step()
    fresh.step = other.step = 1
    drawn, again, elsewhere = (list(trainer.draw_batch()[:4]) for trainer in (one, fresh, other))
    assert tiny.same(drawn, again)
    for a, b in list(zip(drawn, elsewhere, strict=True))[:3]:
        assert a.shape == b.shape and not torch.equal(a, b)
    x0, t, z, weights, labels = one.draw_batch()
    assert labels is None
    assert torch.equal(weights, torch.ones(8))
    assert x0.shape == z.shape == (8, 1, 8, 8) and t.shape == (8,)
    assert x0.min() >= 1 and x0.max() <= 2


def test_two_seeds_start_from_different_weights(tmp_path: Path) -> None:
    trainers = [make_trainer(tmp_path / str(s), seed=s % 10) for s in (8, 18, 9)]
    first, again, other = (trainer.model.state_dict()[LINE] for trainer in trainers)
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("decay", [0.999, 0.2])
def test_the_average_follows_its_recursion(tmp_path: Path, decay: float) -> None:
    """average_1 = w_1; then decay min(decay, (1 + n) / (10 + n)), n the steps averaged before."""
    trainer = make_trainer(tmp_path, ema_decay=decay, warmup_steps=0)
    expected: list[Tensor] = []
    for n in range(5):
        trainer.train_step()
        now = [p.double() for p in weights(trainer)]
        kept = 0.0 if n == 0 else min(decay, (1 + n) / (10 + n))
        pairs = zip(expected or now, now, strict=True)
        expected = [kept * before + (1 - kept) * new for before, new in pairs]
    assert tiny.gap(trainer.average.module.parameters(), expected) <= 1e-6
    # The weights themselves have moved much further from the average than the tolerance.
    assert tiny.gap(weights(trainer), expected) > 1e-4


def test_the_learning_rate_rises_linearly(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, warmup_steps=4, learning_rate=0.02)
    rates = []
    for _ in range(5):
        trainer.train_step()
        rates.append(trainer.optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([0.005, 0.01, 0.015, 0.02, 0.02], rel=1e-12)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_spoils_nothing(tmp_path: Path, value: float) -> None:
    advance(trainer := make_trainer(tmp_path), 2)
    before, kept = newest(tmp_path).read_bytes(), weights(trainer)
    list(trainer.model.parameters())[3].register_hook(lambda gradient: gradient * value)
    with pytest.raises(FloatingPointError, match="gradient at step 2 is not finite") as caught:
        advance(trainer, 6)
    for part in ("--learning-rate", f"{newest(tmp_path)} is good"):
        assert part in str(caught.value)
    assert newest(tmp_path).read_bytes() == before and tiny.same(weights(trainer), kept)
    assert trainer.step == 2 and int(trainer.average.n_averaged) == 2
    # And the training goes on from that checkpoint.
    resumed = make_trainer(tmp_path)
    assert advance(resumed, 3) and resumed.step == 3


@pytest.mark.parametrize("changes", [{"times": "uniform"}, {"width": 12}])
def test_checkpoints_of_other_settings_are_refused(tmp_path: Path, changes: dict) -> None:
    make_trainer(tmp_path).save()
    with pytest.raises(ValueError, match="of other settings"):
        make_trainer(tmp_path, **changes)


def test_a_checkpoint_of_other_images_is_refused(tmp_path: Path) -> None:
    """A folder of images may change between two commands; a continued run would mix them."""
    (trainer := make_trainer(tmp_path)).save()
    for other in (few_digits(train=39), few_digits(max_value=17)):
        with pytest.raises(ValueError, match="the checkpoint is of other data"):
            gbm.Trainer(trainer.config, gbm.ImageBatches(other), tmp_path)


def loss_a_pixel(trainer: gbm.Trainer, t: float, z: Tensor) -> float:
    """The weighted loss of all training images at time t with the noise `z`, in float64."""
    data = few_digits()
    x0 = gbm.positive_from_integers(data.train_images, data.max_value)
    score = gbm.score_function(trainer.model.eval(), trainer.process)
    with torch.no_grad():
        weighting = build_weighting(trainer.config, trainer.batches.log_std)
        loss = gbm.m_dsm(score, x0, t, z, trainer.process, weighting).per_sample
    return float(loss.double().mean()) / x0[0].numel()


@pytest.mark.parametrize("std", [0.02, 0.3, 6.0])
def test_the_loss_of_an_untrained_network_is_one_half(tmp_path: Path, std: float) -> None:
    """A zero output is the best linear denoiser, whose weighted loss is 1/2 at every noise level.
    With y = log X_0, a and s its moments: h_target - h_model = (y - a) / (v + s^2) - z s^2 /
    (sqrt(v) (v + s^2)). The loss is quadratic in z, so signs z and -z in turn give its expectation
    exactly, (v E(y - a)^2 + s^4) / (2 s^2 (v + s^2)), with E(y - a)^2 = s^2 (n-1)/n."""
    trainer = make_trainer(tmp_path)
    shape = few_digits().train_images.shape
    signs = (torch.arange(shape.numel()) % 3 - 0.5).sign().reshape(shape)
    t = float(trainer.process.time_at_log_var(std**2))
    found = (loss_a_pixel(trainer, t, signs) + loss_a_pixel(trainer, t, -signs)) / 2
    n, square = shape.numel(), trainer.batches.log_std**2
    expected = (std**2 * (n - 1) / n + square) / (2 * (std**2 + square))
    assert found == pytest.approx(expected, rel=2e-4)
    assert expected == pytest.approx(0.5, rel=1e-3)


def test_training_lowers_the_loss_below_a_half(tmp_path: Path, torch_rng: torch.Generator) -> None:
    """One half is what a network that learns nothing keeps, as the test above shows. The same 2560
    Gaussian draws before and after, at sqrt(v) = 0.3, where the images matter; the untrained loss
    on them has a standard error of 0.5 sqrt(2 / 2560) = 0.014. It is off by six and a half of them
    once in 2.6e9 runs, and noise 1.3 times too large is seen; the fall, some 0.13, is seen on the
    same draws."""
    levels = {"times": "log-uniform", "std_min": 0.15, "std_max": 0.8}
    trainer = make_trainer(tmp_path, learning_rate=0.02, batch_size=40, multipliers=(1,), **levels)
    z = torch.randn(few_digits().train_images.shape, generator=torch_rng)
    t = float(trainer.process.time_at_log_var(0.3**2))
    before = loss_a_pixel(trainer, t, z)
    assert abs(before - 0.5) < 6.5 * 0.014
    assert loss_a_pixel(trainer, t, 1.3 * z) - 0.5 > 6.5 * 0.014
    for _ in range(12):
        trainer.train_step()
    assert loss_a_pixel(trainer, t, z) < before - 0.05


def test_the_average_of_saved_checkpoints_takes_in_those_alone(tmp_path: Path) -> None:
    """Of steps 3 and 6, with the share min(decay, 2 / 11) for the first; before that, the weights.
    The twin is the average of every step."""
    settings = {"average": "saved-checkpoints", "average_every": 3, "checkpoint_every": 3}
    trainer = small(tmp_path, warmup_steps=0, **settings)
    seen = []
    for _ in range(7):
        trainer.train_step()
        seen.append(weights(trainer))
        if len(seen) < 3:
            assert tiny.same(tiny.averages(trainer), seen[-1])
    pairs = zip(seen[2], seen[5], strict=True)
    expected = [2 / 11 * third + 9 / 11 * sixth for third, sixth in pairs]
    assert tiny.gap(tiny.averages(trainer), expected) <= 1e-6
    every = small(tmp_path / "every", warmup_steps=0)
    for _ in range(7):
        every.train_step()
    assert tiny.gap(tiny.averages(every), tiny.averages(trainer)) > 1e-4


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
    after a checkpoint, and never the loss of one step: in the first row that of 6 is the
    lowest."""
    folder = tmp_path / "run"

    def run(stop: int) -> None:
        trainer = small(folder, choose="least-loss", checkpoint_every=2, ema_decay=0.5)
        add = trainer._least_loss.add
        trainer._least_loss.add = lambda _: add(planted[trainer.step - 1])
        advance(trainer, stop)

    run(3)
    run(9)
    tensors, _ = saved(folder)
    assert tensors["least_loss"].tolist() == pytest.approx([least, *planted[-2:]], rel=1e-15)
    again = small(tmp_path / "again", ema_decay=0.5)
    for _ in range(best):
        again.train_step()
    assert torch.equal(chosen(folder), again.averaged().state_dict()[LINE])


def chosen(folder: Path) -> Tensor:
    return load_tensors(folder / "weights.safetensors", WEIGHTS_FORMAT)[0][LINE]


def test_weights_are_there_for_use_before_there_is_a_loss_to_choose_by(tmp_path: Path) -> None:
    """A run that is stopped early keeps its last ones, and takes the first that have a mean."""
    for stop in (1, 2):
        advance(trainer := small(tmp_path, choose="least-loss", checkpoint_every=2), stop)
        assert torch.equal(chosen(tmp_path), trainer.averaged().state_dict()[LINE])


def test_rounds_change_the_order_of_sums_alone(tmp_path: Path) -> None:
    """Eight items at once, or in rounds of three, three and two: float64, to its rounding."""
    whole = small(tmp_path / "a", precision="float64")
    rounds = small(tmp_path / "b", precision="float64", micro_batch=3)
    assert (whole.micro_batch, rounds.micro_batch) == (8, 3)
    for _ in range(4):
        expected, found = whole.train_step(), rounds.train_step()
        assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-13)
        assert float(found[1]) == pytest.approx(float(expected[1]), rel=1e-11)
    assert {p.dtype for p in whole.model.parameters()} == {torch.float64}
    assert tiny.gap(weights(whole), weights(rounds)) < 1e-12


@pytest.mark.parametrize(("precision", "digits"), [("bfloat16", 0.03), ("float16", 0.01)])
def test_half_precision_trains_like_float32(tmp_path: Path, precision: str, digits: float) -> None:
    """Weights, gradients and the loss stay float32; the network's arithmetic alone is coarser."""
    half, full = small(tmp_path / "half", precision=precision), small(tmp_path / "full")
    losses = [[float(each.train_step()[0]) for each in (half, full)] for _ in range(4)]
    found, expected = np.array(losses).T
    assert np.allclose(found, expected, rtol=digits) and not np.array_equal(found, expected)
    assert {p.dtype for p in half.model.parameters()} == {torch.float32}
    assert half.scaler.is_enabled() == (precision == "float16")


def test_float16_finds_its_scale_again_and_resumes_with_it(tmp_path: Path) -> None:
    """A scale at which gradients overflow halves with each step that changes nothing."""
    (trainer := small(tmp_path, precision="float16")).train_step()
    trainer.scaler.update(1e38)
    before = weights(trainer)
    trainer.train_step()
    assert trainer.step == 2 and trainer.scaler.get_scale() == pytest.approx(5e37)
    assert tiny.same(before, weights(trainer))
    trainer.save()
    resumed = small(tmp_path, precision="float16")
    assert resumed.scaler.get_scale() == trainer.scaler.get_scale()
    # At the least scale there is nothing left to try.
    trainer.scaler.update(0.5)
    next(trainer.model.parameters()).register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(FloatingPointError, match="the gradient at step 2 is not finite"):
        trainer.train_step()


def test_importance_weights_reach_the_loss(tmp_path: Path) -> None:
    settings = {"weighting": "none", "times": "log-uniform", "precision": "float64"}
    plain = small(tmp_path / "a", **settings)
    weighted = small(tmp_path / "b", importance=True, **settings)
    batch = weighted.draw_batch()
    assert not torch.equal(batch.t, plain.draw_batch().t)
    assert float(batch.weights.std()) > 0.1
    loss = weighted._backward(batch).mean()
    one = weighted._backward(batch._replace(weights=torch.ones_like(batch.weights))).mean()
    assert float(loss) != pytest.approx(float(one), rel=1e-3)


def test_a_batch_that_was_drawn_ahead_is_used_for_its_step_alone(tmp_path: Path) -> None:
    """As a GPU's training draws while the device works; the twin takes whatever is there."""
    plain, ahead, twin = (small(tmp_path / name) for name in "abc")
    for step, drawn in enumerate([0, 7, 2, 1]):
        ahead.data.draw_ahead(drawn, ahead.items)
        stale = ahead.data.draw(drawn, ahead.items)
        ahead.data.draw_ahead(drawn, ahead.items)
        twin.draw_batch = lambda stale=stale: stale
        for trainer in (plain, ahead, twin):
            trainer.train_step()
        assert all(map(torch.equal, weights(plain), weights(ahead)))
        assert all(map(torch.equal, weights(plain), weights(twin))) == (step == 0)
