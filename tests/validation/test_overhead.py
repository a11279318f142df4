"""The benchmark: arithmetic, gate and files. Times are not tested: other work disturbs them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from scipy.stats import binom
from torch import nn

from tests.support.fixtures import Patch
from validation import overhead
from validation.cost import sampling, timing, training
from validation.cost.gate import gate
from validation.cost.measure import measure_with, quick
from validation.cost.own_time import Cost, against_peers, costs, over_network
from validation.cost.roofline import GPU, all_reduce_seconds, training_bounds
from validation.cost.timing import Interval


class Network(nn.Module):
    """A function of x alone as a network, which has a condition as well."""

    def __init__(self, of_x: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.of_x = of_x

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.of_x(x)


@pytest.mark.parametrize("count", [6, 7, 15, 40])
def test_the_interval_of_a_median_has_the_confidence_that_it_claims(count: int) -> None:
    """The i-th and j-th of n values hold the median with P(i <= Binomial(n, 1/2) < j)."""
    found = timing.median(list(range(1, count + 1))[::-1])
    low, high = int(found.low), int(found.high)
    confidence = binom.cdf(high - 1, count, 0.5) - binom.cdf(low - 1, count, 0.5)
    assert confidence >= 0.95 > binom.cdf(high - 2, count, 0.5) - binom.cdf(low, count, 0.5)
    assert found.median == (count + 1) / 2 and found.count == count


def test_ratios_and_differences_are_taken_within_a_round() -> None:
    """A machine that slows down twofold from round to round does not change a ratio."""
    assert timing.ratio([3.0, 6.0, 12.0], [2.0, 4.0, 8.0]) == Interval(1.5, 1.5, 1.5, 3)
    assert timing.difference([3.0, 6.0, 12.0], [2.0, 5.0, 11.0]) == Interval(1.0, 1.0, 1.0, 3)


def test_every_round_runs_every_action_once_in_a_rotated_order() -> None:
    ran: list[str] = []
    spent = timing.interleaved({name: lambda name=name: ran.append(name) for name in "abc"}, 3)
    assert "".join(ran) == "abcbcacababc"
    assert {name: len(times) for name, times in spent.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_round_is_timed_by_every_clock() -> None:
    now = {"a": 0.0, "b": 0.0}

    def work(first: float, second: float) -> None:
        now["a"] += first
        now["b"] += second

    actions = {"x": lambda: work(1.0, 5.0), "y": lambda: work(2.0, 7.0)}
    spent = timing.interleaved_by(actions, 2, [lambda: now["a"], lambda: now["b"]])
    assert spent == [{"x": [1.0, 1.0], "y": [2.0, 2.0]}, {"x": [5.0, 5.0], "y": [7.0, 7.0]}]


def test_the_clock_of_a_network_stands_still_inside_it(monkeypatch: Patch) -> None:
    """A second for each look at the clock, a hundred for the network."""
    seconds = [0.0]

    def look() -> float:
        seconds[0] += 1.0
        return seconds[0]

    def slow(x: torch.Tensor) -> torch.Tensor:
        seconds[0] += 100.0
        return x

    monkeypatch.setattr(sampling.time, "process_time", look)
    clocked = sampling.Clocked(Network(slow))
    before = clocked.outside()
    clocked(torch.zeros(1), torch.zeros(1))
    assert clocked.outside() - before == 2.0


def test_the_ends_of_an_overhead_are_the_worst_of_both_times() -> None:
    network = Interval(50.0, 40.0, 60.0, 9)
    assert over_network(Interval(1.0, 0.6, 2.0, 9), network) == Interval(1.02, 1.01, 1.05, 9)
    assert over_network(Interval(0.0, -2.0, -1.0, 9), network)[1:3] == (1 - 2 / 40, 1 - 1 / 60)


# Milliseconds a row or a step of eight rounds, round by round: a machine that slows down by a
# third, a network that varies by 4 %, and own times that vary by some 10 %.
SPEED = [1.0, 1.02, 1.05, 1.1, 1.15, 1.2, 1.25, 1.33]
VARIED = [1.04, 0.97, 1.0, 0.96, 1.03, 1.01, 0.98, 1.02]
OWN = [1.0, 1.1, 0.95, 0.9, 1.05, 1.0, 0.92, 1.08]
OTHER = OWN[4:] + OWN[:4]


def synthetic(own: dict[str, float]) -> dict[str, Cost]:
    """The costs of loops of which these are the own milliseconds, round a network of 50 ms."""
    whole = {"alone": [0.05 * s * v for s, v in zip(SPEED, VARIED, strict=True)]}
    beside = {"alone": [6e-5 * s for s in SPEED]}
    for shift, (name, milliseconds) in enumerate(own.items(), 1):
        varied = VARIED[shift:] + VARIED[:shift]
        added = [1e-3 * milliseconds * s * o for s, o in zip(SPEED, OWN, strict=True)]
        whole[name] = [0.05 * s * v + a for s, v, a in zip(SPEED, varied, added, strict=True)]
        beside[name] = [b + a for b, a in zip(beside["alone"], added, strict=True)]
    return costs(whole, beside, "alone")


# The loop as it is, one that adds 2.6 percent, and one whose median is within the goal and whose
# interval is not.
@pytest.mark.parametrize(("own", "passes"), [(0.5, True), (1.3, False), (0.95, False)])
def test_a_loop_with_a_planted_cost_is_refused(own: float, passes: bool) -> None:
    """From the same timings ratios of whole times cannot tell the three loops apart."""
    cost = synthetic({"ours, noise": own})["ours, noise"]
    assert cost.overhead.low < 1 + own / 50 / 1.15 < cost.overhead.high
    assert cost.direct.low < 1.02 < cost.direct.high
    (check,) = gate({}, {"net": {"ours, noise": cost}}, {})
    assert check.name == "ours, noise, net" and check.passed == passes


def test_the_trainer_has_a_goal_of_its_own_and_peers_have_none() -> None:
    found = synthetic({"step": 0.95, "theirs, noise": 30.0})
    checks = gate({"net": found["step"]}, {"net": {"theirs, noise": found["theirs, noise"]}}, {})
    assert [(check.name, check.passed) for check in checks] == [("training step, net", True)]
    assert not gate({"net": synthetic({"step": 1.8})["step"]}, {}, {})[0].passed


@pytest.mark.parametrize(("theirs", "passes"), [(1.25, True), (1.0, False), (0.8, False)])
def test_a_peer_that_is_not_surely_slower_fails(theirs: float, passes: bool) -> None:
    """Equal loops differ by the noise of a round alone: the interval then holds 0."""
    ours, other = ([1e-4 * s * o for s, o in zip(SPEED, own, strict=True)] for own in (OWN, OTHER))
    times = {"alone": [1e-6] * 8, "ours, noise": ours, "ours, noise of each image": [3e-4] * 8}
    times["theirs, noise"] = [theirs * t for t in other]
    against = against_peers(times)
    assert list(against) == ["ours, noise against theirs, noise"]
    (check,) = gate({}, {}, against)
    assert check.passed == passes


def test_the_roofline_of_one_layer_by_hand() -> None:
    """A linear layer without bias, 6 -> 5, batch 4: 2 m n k = 240 operations, twice (forward,
    gradient of the weight). In bfloat16 (2 bytes) the first moves 24 + 30 + 20 numbers."""
    gpu = GPU("slow", 1e3, 1e6, 1e3)
    with torch.device("meta"):
        network = Network(nn.Linear(6, 5, bias=False))
        bounds = training_bounds(network, torch.empty(4, 6), torch.empty(4), gpu)
    assert bounds.flops == 480
    assert [bounds.compute_seconds, bounds.fused_seconds] == pytest.approx([0.48, 0.48])
    assert bounds.moved >= 2 * 2 * (24 + 30 + 20)
    assert bounds.fused_seconds <= bounds.eager_seconds
    assert all_reduce_seconds(1000, 8, gpu) == pytest.approx(2 * 7 / 8 * 4000 / 1e3)


def test_a_peer_that_is_not_installed_is_reported(monkeypatch: Patch) -> None:
    def absent(network: nn.Module, start: torch.Tensor, rows: int) -> dict:
        raise ImportError("No module named 'other'")

    monkeypatch.setattr(sampling, "PEERS", {"other": absent})
    said = "not measured: No module named 'other' (pip install -e '.[peers]')"
    assert sampling.installed() == {"other": said}
    loops = sampling.loops(sampling.StandIn(torch.zeros(1, 1)), torch.zeros(1, 1), 2, None, True)
    assert not any(name.startswith("other") for name in loops)


def test_a_quick_run_measures_and_draws(tmp_path: Path, monkeypatch: Patch) -> None:
    """Without the peers, whose packages take seconds to load."""
    monkeypatch.setattr(sampling, "PEERS", {})
    findings = measure_with(quick(), seed=3)
    measured = findings.measurements
    loops = {"ours, no noise", "ours, noise", "ours, noise of each image"}
    assert set(measured["sampling_row"]["U-Net"]) == loops
    costs_of = [measured["training_step"]["U-Net"], *measured["sampling_row"]["U-Net"].values()]
    assert all(v["own"]["median"] > 0 and v["direct"]["median"] > 0 for v in costs_of)
    assert set(measured["loop_microseconds_a_row"]) == loops | {"network alone"}
    assert len(findings.checks) == len(measured["images_a_second"]) == 4
    overhead.draw(findings, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_every_loop_asks_the_network_equally_often() -> None:
    """Else the comparison would mean nothing."""
    calls: list[torch.Size] = []

    def counting(x: torch.Tensor) -> torch.Tensor:
        calls.append(x.shape)
        return x

    start = torch.zeros(2, 1, 4, 4)
    for name, loop in sampling.loops(Network(counting), start, 5, None, False).items():
        calls.clear()
        loop()
        assert calls == [(2, 1, 4, 4)] * 5, name


def test_the_stand_in_for_training_gives_every_parameter_a_gradient() -> None:
    """Clipping and AdamW pass over those that have none, and would hardly be timed."""
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    x = torch.ones(2, 3)
    with training.standing_in(network):
        assert network(x, torch.zeros(2)).shape == x.shape
        network(x, torch.zeros(2)).sum().backward()
    gradients = [p.grad for p in network.parameters()]
    assert len(gradients) == 4
    assert all(g is not None and bool((g != 0).all()) for g in gradients)
    assert network(x).shape == (2, 1)
