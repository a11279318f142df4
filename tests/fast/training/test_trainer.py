"""One training: exact resumption, what a batch depends on, the average, and bad gradients."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.training.loop import fit
from tests.support.tiny_runs import few_digits, newest, saved, tiny_config


def make_trainer(folder: Path, **overrides: object) -> gbm.Trainer:
    """A trainer of tiny settings on forty digits; `folder` is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return gbm.Trainer(tiny_config(**overrides), gbm.ImageBatches(few_digits()), folder)


def stats(folder: Path) -> list[dict]:
    """The lines of the log without the time, which no two runs share."""
    lines = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line if key != "seconds"} for line in lines]


def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    """Broken off after step 5, between the checkpoints at 4 and 8; dropout draws numbers too."""
    settings = {"dropout": 0.3, "checkpoint_every": 4, "weight_decay": 0.01, "log_every": 2}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit(make_trainer(whole, **settings), 7, None, show_progress=False)
    fit(make_trainer(parts, **settings), 5, None, show_progress=False)
    torch.manual_seed(987654321)
    resumed = make_trainer(parts, **settings)
    assert resumed.step == 5
    fit(resumed, 7, None, show_progress=False)
    (expected, facts), (found, resumed_facts) = saved(whole), saved(parts)
    assert facts["step"] == resumed_facts["step"] == 7
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    assert expected["average.n_averaged"] == 7
    kinds = {name.split(".")[-1] for name in expected if name.startswith("optimiser.0.")}
    assert kinds == {"step", "exp_avg", "exp_avg_sq"}
    assert stats(parts) == stats(whole)
    assert [line["step"] for line in stats(whole)] == [2, 4, 6]
    assert [line["images"] for line in stats(whole)] == [16, 32, 48]


def test_a_run_goes_on_with_another_log_and_device(tmp_path: Path) -> None:
    """Bit for bit, where `auto` is the CPU too; on a GPU to the rounding of its sums."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit(make_trainer(whole), 6, None, show_progress=False)
    fit(make_trainer(parts), 3, None, show_progress=False)
    changed = make_trainer(parts, log_every=2, device="auto")
    fit(changed, 6, None, show_progress=False)
    (expected, _), (found, facts) = saved(whole), saved(parts)
    error = 0.0 if changed.device.type == "cpu" else 1e-3
    for name, tensor in expected.items():
        assert torch.allclose(found[name], tensor, rtol=error, atol=error), name
    assert [line["step"] for line in stats(parts)] == [1, 2, 3, 4, 6]
    assert facts["config"]["log_every"] == 2


def test_a_checkpoint_matters_to_what_follows(tmp_path: Path) -> None:
    """The twin of the test above: without the moments the next step is another one."""
    first = make_trainer(tmp_path / "run")
    fit(first, 3, None, show_progress=False)
    resumed = make_trainer(tmp_path / "run")
    resumed.optimiser.state.clear()
    first.train_step()
    resumed.train_step()
    pairs = zip(first.model.parameters(), resumed.model.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)


def test_batches_are_a_function_of_the_seed_and_the_step(tmp_path: Path) -> None:
    one, other = make_trainer(tmp_path / "a", seed=8), make_trainer(tmp_path / "b", seed=9)
    one.train_step()
    fresh = make_trainer(tmp_path / "c", seed=8)
    fresh.step = 1
    for drawn, again in zip(one.draw_batch()[:4], fresh.draw_batch()[:4], strict=True):
        assert torch.equal(drawn, again)
    other.step = 1
    pairs = list(zip(one.draw_batch()[:4], other.draw_batch()[:4], strict=True))
    for drawn, elsewhere in pairs[:3]:
        assert drawn.shape == elsewhere.shape and not torch.equal(drawn, elsewhere)
    x0, t, z, weights, labels = one.draw_batch()
    assert labels is None
    assert torch.equal(weights, torch.ones(8))
    assert x0.shape == z.shape == (8, 1, 8, 8) and t.shape == (8,)
    assert x0.min() >= 1 and x0.max() <= 2


def test_two_seeds_start_from_different_weights(tmp_path: Path) -> None:
    first, again = make_trainer(tmp_path / "a", seed=8), make_trainer(tmp_path / "b", seed=8)
    other = make_trainer(tmp_path / "c", seed=9)
    stem = "network.stem.weight"
    assert torch.equal(first.model.state_dict()[stem], again.model.state_dict()[stem])
    assert not torch.equal(first.model.state_dict()[stem], other.model.state_dict()[stem])


@pytest.mark.parametrize("decay", [0.999, 0.2])
def test_the_average_follows_its_recursion(tmp_path: Path, decay: float) -> None:
    """average_1 = w_1; then decay min(decay, (1 + n) / (10 + n)), n the steps averaged before."""
    trainer = make_trainer(tmp_path, ema_decay=decay, warmup_steps=0)
    expected: list[Tensor] = []
    for n in range(5):
        trainer.train_step()
        weights = [p.detach().double() for p in trainer.model.parameters()]
        kept = 0.0 if n == 0 else min(decay, (1 + n) / (10 + n))
        previous = expected or weights
        pairs = zip(previous, weights, strict=True)
        expected = [kept * before + (1 - kept) * now for before, now in pairs]
    for found, hand in zip(trainer.average.module.parameters(), expected, strict=True):
        assert torch.allclose(found.double(), hand, rtol=0, atol=1e-6)
    # The weights themselves have moved much further from the average than the tolerance.
    pairs = zip(trainer.model.parameters(), expected, strict=True)
    assert max(float((p.detach() - hand).abs().max()) for p, hand in pairs) > 1e-4


def test_the_learning_rate_rises_linearly(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, warmup_steps=4, learning_rate=0.02)
    rates = []
    for _ in range(5):
        trainer.train_step()
        rates.append(trainer.optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([0.005, 0.01, 0.015, 0.02, 0.02], rel=1e-12)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_ends_the_run_and_spoils_nothing(
    tmp_path: Path, value: float
) -> None:
    trainer = make_trainer(tmp_path)
    fit(trainer, 2, None, show_progress=False)
    before = newest(tmp_path).read_bytes()
    weights = [p.detach().clone() for p in trainer.model.parameters()]
    list(trainer.model.parameters())[3].register_hook(lambda gradient: gradient * value)
    with pytest.raises(FloatingPointError, match="gradient at step 2 is not finite") as caught:
        fit(trainer, 6, None, show_progress=False)
    assert "--learning-rate" in str(caught.value) and f"{newest(tmp_path)} is good" in str(
        caught.value
    )
    assert newest(tmp_path).read_bytes() == before
    for parameter, kept in zip(trainer.model.parameters(), weights, strict=True):
        assert torch.equal(parameter, kept)
    assert trainer.step == 2 and int(trainer.average.n_averaged) == 2
    # And the training goes on from that checkpoint.
    resumed = make_trainer(tmp_path)
    assert fit(resumed, 3, None, show_progress=False) and resumed.step == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"times": "uniform"}, "of other settings"), ({"width": 12}, "of other settings")],
)
def test_a_checkpoint_of_other_settings_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    make_trainer(tmp_path).save()
    with pytest.raises(ValueError, match=message):
        make_trainer(tmp_path, **changes)


def test_a_checkpoint_of_other_images_is_refused(tmp_path: Path) -> None:
    """A folder of images may change between two commands; a continued run would mix them."""
    trainer = make_trainer(tmp_path)
    trainer.save()
    for other in (few_digits(train=39), dataclasses.replace(few_digits(), max_value=17)):
        with pytest.raises(ValueError, match="the checkpoint is of other data"):
            gbm.Trainer(trainer.config, gbm.ImageBatches(other), tmp_path)


def loss_a_pixel(trainer: gbm.Trainer, t: float, z: Tensor) -> float:
    """The weighted loss of all training images at time t with the noise `z`, in float64."""
    data = few_digits()
    x0 = gbm.positive_from_integers(data.train_images, data.max_value)
    score = gbm.score_function(trainer.model.eval(), trainer.process)
    with torch.no_grad():
        loss = gbm.m_dsm(score, x0, t, z, trainer.process, trainer.weighting).per_sample
    return float(loss.double().mean()) / x0[0].numel()


@pytest.mark.parametrize("std", [0.02, 0.3, 6.0])
def test_the_loss_of_an_untrained_network_is_one_half(tmp_path: Path, std: float) -> None:
    """A zero output is the best linear denoiser, whose weighted loss is 1/2 at every noise level.

    With y = log X_0, a and s its moments: h_target - h_model = (y - a) / (v + s^2)
    - z s^2 / (sqrt(v) (v + s^2)). The loss is quadratic in z, so signs z and -z in turn give its
    expectation exactly, (v E(y - a)^2 + s^4) / (2 s^2 (v + s^2)), with E(y - a)^2 = s^2 (n-1)/n.
    """
    trainer = make_trainer(tmp_path)
    shape = few_digits().train_images.shape
    signs = (torch.arange(shape.numel()) % 3 - 0.5).sign().reshape(shape)
    t = float(trainer.process.time_at_log_var(std**2))
    found = (loss_a_pixel(trainer, t, signs) + loss_a_pixel(trainer, t, -signs)) / 2
    n, square = shape.numel(), trainer.batches.log_std**2
    expected = (std**2 * (n - 1) / n + square) / (2 * (std**2 + square))
    assert found == pytest.approx(expected, rel=2e-4)
    assert expected == pytest.approx(0.5, rel=1e-3)


def test_training_lowers_the_loss_below_that_of_any_untrained_network(
    tmp_path: Path, torch_rng: torch.Generator
) -> None:
    """One half is what a network that learns nothing keeps, as the test above shows.

    The same 2560 Gaussian draws before and after, at sqrt(v) = 0.3, where the images matter; the
    untrained loss on them has a standard error of 0.5 sqrt(2 / 2560) = 0.014. It is off by six and
    a half of them once in 2.6e9 runs, and noise 1.3 times too large is seen; the fall, some 0.13,
    is seen on the same draws.
    """
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
