"""The benchmark: arithmetic, gate and files. Times are not tested: other work disturbs them."""

from pathlib import Path

import pytest
import torch
from scipy.stats import binom
from torch import nn

from validation import overhead
from validation.cost import sampling
from validation.cost.measure import gate, measure_with, quick
from validation.cost.roofline import GPU, all_reduce_seconds, training_bounds
from validation.cost.timing import Interval, interleaved, median, ratio


def sure(value: float) -> Interval:
    """An interval that is a point."""
    return Interval(value, value, value, 9)


@pytest.mark.parametrize("count", [6, 7, 15, 40])
def test_the_interval_of_a_median_has_the_confidence_that_it_claims(count: int) -> None:
    """The i-th and j-th of n values hold the median with P(i <= Binomial(n, 1/2) < j)."""
    found = median(list(range(1, count + 1))[::-1])
    low, high = int(found.low), int(found.high)
    confidence = binom.cdf(high - 1, count, 0.5) - binom.cdf(low - 1, count, 0.5)
    narrower = binom.cdf(high - 2, count, 0.5) - binom.cdf(low, count, 0.5)
    assert confidence >= 0.95 > narrower
    assert found.median == (count + 1) / 2 and found.count == count


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that slows down twofold from round to round does not change them."""
    assert ratio([3.0, 6.0, 12.0], [2.0, 4.0, 8.0]) == Interval(1.5, 1.5, 1.5, 3)


def test_every_round_runs_every_action_once_in_a_rotated_order() -> None:
    ran: list[str] = []
    spent = interleaved({name: lambda name=name: ran.append(name) for name in "abc"}, 3)
    assert "".join(ran) == "abcbcacababc"
    assert {name: len(times) for name, times in spent.items()} == {"a": 3, "b": 3, "c": 3}


TRAINING = {"net": sure(1.03)}
ROWS = {"net": {"ours, no noise": sure(1.02), "other, no noise": sure(1.02)}}
LOOPS = {"ours, no noise": sure(200.0), "other, no noise": sure(200.0)}


@pytest.mark.parametrize(
    ("training", "rows", "loops", "failing"),
    [
        (TRAINING, ROWS, LOOPS, []),
        ({"net": sure(1.031)}, ROWS, LOOPS, ["training step, net"]),
        (
            TRAINING,
            {"net": {"ours, no noise": sure(1.021), "other, no noise": sure(1.021)}},
            LOOPS,
            ["ours, no noise, net"],
        ),
        (
            TRAINING,
            {"net": {"ours, no noise": sure(1.02), "other, no noise": sure(1.019)}},
            LOOPS,
            ["ours, no noise against other, no noise"],
        ),
        (
            TRAINING,
            ROWS,
            LOOPS | {"other, no noise": sure(199.0)},
            ["loop alone, ours, no noise against other, no noise"],
        ),
    ],
)
def test_the_gate_refuses_each_goal_that_is_missed(
    training: dict, rows: dict, loops: dict, failing: list[str]
) -> None:
    checks = gate(training, rows, loops)
    assert len(checks) == 4
    assert [check.name for check in checks if not check.passed] == failing


def test_the_roofline_of_one_layer_by_hand() -> None:
    """A linear layer without bias, 6 -> 5, batch 4, float operations 2 m n k a product.

    Forward and the gradient of the weight: two products of 240 operations. In bfloat16 (2 bytes)
    the first moves 24 + 30 + 20 numbers.
    """
    gpu = GPU("slow", 1e3, 1e6, 1e3)
    with torch.device("meta"):
        layer, x = nn.Linear(6, 5, bias=False), torch.empty(4, 6)

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = layer

            def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
                return self.layer(x)

        bounds = training_bounds(Network(), x, torch.empty(4), gpu)
    assert bounds.flops == 480
    assert bounds.compute_seconds == pytest.approx(0.48)
    assert bounds.fused_seconds == pytest.approx(0.48)
    assert bounds.moved >= 2 * 2 * (24 + 30 + 20)
    assert bounds.fused_seconds <= bounds.eager_seconds
    assert all_reduce_seconds(1000, 8, gpu) == pytest.approx(2 * 7 / 8 * 4000 / 1e3)


def test_a_peer_that_is_not_installed_is_reported_as_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(network: nn.Module, start: torch.Tensor, rows: int) -> dict:
        raise ImportError("No module named 'other'")

    monkeypatch.setattr(sampling, "PEERS", {"other": absent})
    assert sampling.installed() == {
        "other": "not measured: No module named 'other' (pip install -e '.[peers]')"
    }
    loops = sampling.loops(sampling.Free(), torch.zeros(1, 1), 2, None, True)
    assert not any(name.startswith("other") for name in loops)


def test_a_quick_run_measures_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the peers, whose packages take seconds to load."""
    monkeypatch.setattr(sampling, "PEERS", {})
    findings = measure_with(quick(), seed=3)
    measured = findings.measurements
    assert all(v["median"] > 0 for v in measured["training_step_over_bare"].values())
    assert set(measured["sampling_over_network"]["U-Net"]) == {
        "ours, no noise", "ours, noise", "ours, noise of each image",
    }  # fmt: skip
    assert len(measured["images_a_second"]) == 4
    overhead.draw(findings, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_every_loop_asks_the_network_equally_often() -> None:
    """Else the comparison would mean nothing."""
    calls = []

    class Counting(nn.Module):
        def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
            calls.append(x.shape)
            return x

    found = {}
    for name, loop in sampling.loops(Counting(), torch.zeros(2, 1, 4, 4), 5, None, False).items():
        calls.clear()
        loop()
        found[name] = list(calls)
    assert all(shapes == [(2, 1, 4, 4)] * 5 for shapes in found.values()), found
