"""Learned scores: networks trained for a moment, the gate, and the exact part, where any smooth
function may have been learned. False alarms: 1e-9 a band of draws, 3e-12 the plane's identity."""

import copy
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.cases import seed
from tests.support.fixtures import Folders, Patch
from validation.learned import identity, networks, problems, shares
from validation.learned.figure import build_figure
from validation.learned.gate import IDENTITY, LAW, SIGMAS, checks, line_facts
from validation.learned.line import Line
from validation.learned.measure import measure_with
from validation.learned.plane import Plane
from validation.learned.problems import LINES, PLANES, Array, Case, Plan
from validation.learned.sampled import band, distance
from validation.study import Findings

TINY = Plan((LINES[1], PLANES[1]), 2, 16, 2, 16, 8, 1, 300, 300, 32, 4)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: Folders) -> Path:
    return tmp_path_factory.mktemp("learned")


@pytest.fixture(scope="module")
def findings(runs: Path) -> Findings:
    return measure_with(TINY, seed("learned") % 2**31, runs)


def test_the_gate_passes_whatever_the_networks_have_learned(findings: Findings) -> None:
    assert [check for check in findings.checks if not check.passed] == []
    assert len(findings.checks) == 6


def test_every_seed_of_every_way_is_reported(findings: Findings) -> None:
    rows = [(n["law"], n["way"], n["seed"]) for n in findings.measurements["networks"]]
    assert len(set(rows)) == len(rows) == 2 * 3 * 2
    assert {way for _, way, _ in rows} == set(problems.WAYS)
    for network in findings.measurements["networks"]:
        assert [row["t"] for row in network["errors"]][-1] == 1.0
        assert all(row["error"] > 0 for row in network["errors"])


def trained(findings: Findings, runs: Path) -> tuple[dict, tuple]:
    """The record of the first network, and what training it again gives."""
    first = findings.measurements["networks"][0]
    return first, networks.train(Case(first["law"], first["way"], first["seed"]), TINY, runs)


def test_a_second_study_reads_the_trainings(
    findings: Findings, runs: Path, monkeypatch: Patch
) -> None:
    def refuse(self: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("gbm_fast.training.trainer.Trainer.train_step", refuse)
    first, (_, seconds) = trained(findings, runs)
    assert seconds == first["training_seconds"]


def test_the_ways_differ_as_they_say() -> None:
    cases = [Case(LINES[0], way, 1) for way in problems.WAYS]
    paper, weighted, default = (problems.training(case, TINY) for case in cases)
    assert (paper.parameterisation, paper.weighting, paper.times) == ("stein", "none", "uniform")
    assert weighted.parameterisation == "stein" and weighted.weighting == "variance"
    assert default.parameterisation == "denoiser" and default.weighting == "preconditioned"
    ways = paper, weighted, default
    assert len({(c.steps, c.batch_size, c.width, c.depth, c.learning_rate) for c in ways}) == 1


def wrong_loss(network: dict) -> dict:
    identity = copy.deepcopy(network["identity"])
    identity[1]["denoising"] += 1e-4
    return {"identity": identity}


# What the mistake makes of a network, of which law, and the check that refuses it.
BOUND, LIMIT = "divergence within its bound", "projections within Pinsker's limit"
OWN_LAW = "draws against the sampler's own law"
PLANTED: dict[str, tuple[Callable[[dict], dict], str, str]] = {
    "wrong loss": (wrong_loss, LINES[1], "loss is floor plus error"),
    "beyond its bound": (lambda n: {"kl_nats": 1.01 * n["kl_bound_nats"]}, LINES[1], BOUND),
    "half a bound": (lambda n: {"kl_bound_nats": 0.4 * n["kl_bound_nats"]}, LINES[1], BOUND),
    "far draws": (lambda n: {"samples_from_own_law": n["band"] + 0.01}, LINES[1], OWN_LAW),
    "far projection": (lambda n: {"distance_from_data": 5.0}, PLANES[1], LIMIT),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_gate_refuses(findings: Findings, name: str) -> None:
    mistake, law, refused = PLANTED[name]
    networks = list(findings.measurements["networks"])
    first = next(i for i, one in enumerate(networks) if one["law"] == law)
    networks[first] = networks[first] | mistake(networks[first])
    found = checks(TINY, findings.measurements["laws"], networks)
    failed = [check.name for check in found if not check.passed]
    assert len(failed) == 1 and failed[0].startswith(refused)


def test_the_gate_refuses_what_is_missing(findings: Findings) -> None:
    laws, networks = findings.measurements["laws"], findings.measurements["networks"]
    assert not all(check.passed for check in checks(TINY, laws, networks[1:]))
    assert not any(check.passed for check in checks(TINY, {}, []) if "Pinsker" not in check.name)


def test_the_share_of_small_times_is_that_of_the_sheet() -> None:
    """E9: at N = 1000 and sigma = 0.8 half of the sum is at k <= 32 and an eighth at k = 1."""
    assert shares.target_share(1000) == pytest.approx(0.5, abs=0.02)


def test_gradients_of_single_draws_are_those_of_autograd(runs: Path, findings: Findings) -> None:
    """Their losses are the training's, and the squared norm is compared for one draw."""
    model = trained(findings, runs)[1][0]
    model.requires_grad_(True)
    process = gbm.GBM(sigma=0.8)
    x0, t = torch.tensor([[1.3]]), torch.tensor([0.25], dtype=torch.float64)
    z = torch.tensor([[0.7]])
    gbm.m_dsm(gbm.score_function(model, process), x0, t, z, process).loss.backward()
    expected = sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None)
    v = process.log_var(t).float()
    found = shares._gradients(model, process.sample(x0, t, z).log(), v, z, torch.ones(1))
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_the_picture_shows_every_network(findings: Findings) -> None:
    axes = build_figure(findings).axes
    assert len(axes) == 9
    errors = axes[2].lines[:-1]
    assert len(errors) == 6
    heights = np.concatenate([line.get_ydata() for line in errors])
    shown = [n["errors"] for n in findings.measurements["networks"] if n["law"] == LINES[1]]
    assert sorted(heights) == sorted(row["error_times_v"] for rows in shown for row in rows)


N = 100
LINE, MIXTURE = Line("lognormal-1d", N), Line("lognormal-mixture-1d", N)


def some_score(y: Array, t: float) -> Array:
    """A log score that is not affine, and not the data's."""
    return -0.9 * y / (0.3 + t) + np.sin(2.0 * y) + 0.2


def test_the_exact_chain_has_its_law_and_its_price() -> None:
    """R8 and R20b in closed form; a chain whose score lacks the 1 of 1 + h is refused."""
    right = line_facts(LINE, LINE.transport(LINE.scores))
    assert set(right) == {"mass_gap", "law_gap", "discretisation_gap"}
    assert max(right.values()) <= LAW
    assert line_facts(LINE, LINE.transport(LINE.scores - 1.0))["law_gap"] > 1e4 * LAW


def test_the_price_of_the_steps_is_first_order_and_the_divergence_second() -> None:
    """D_N halves with the step and the law's divergence falls fourfold (R8, R20b)."""
    fine = Line("lognormal-1d", 2 * N)
    assert LINE.discretisation / fine.discretisation == pytest.approx(2.0, rel=0.02)
    divergences = [one.divergence(one.transport(one.scores)) for one in (LINE, fine)]
    assert divergences[0] / divergences[1] == pytest.approx(4.0, rel=0.05)


def test_the_bound_holds_and_half_of_it_does_not() -> None:
    """A score that is wrong by a constant: the exact cost is 0.64 of the bound here (R20)."""
    c, v0 = 0.6, 0.23
    v1 = v0 + 0.64
    cost = LINE.divergence(LINE.transport(LINE.scores + c))
    errors = LINE.errors(LINE.scores + c)
    assert errors == pytest.approx(c**2, rel=1e-12)
    term = 0.5 * LINE.dv * float(errors.sum())
    assert cost == pytest.approx(0.5 * c**2 * v0 * math.log(v1 / v0) ** 2, rel=0.03)
    assert cost <= term + LINE.discretisation
    assert cost > 0.5 * term + LINE.discretisation


def test_the_start_is_part_of_the_bound() -> None:
    """A mixture's start is a fit, whose price alone exceeds what the steps cost."""
    law = MIXTURE.transport(MIXTURE.scores)
    start = MIXTURE.divergence(MIXTURE.start_density, N)
    assert start > 0.001
    assert MIXTURE.divergence(law) <= start + MIXTURE.discretisation


def gaps_on_the_line(k: int) -> float:
    learned = MIXTURE.learned(some_score)
    return identity.on_the_line(MIXTURE, some_score, MIXTURE.errors(learned), k).gap


PLANE = Plane("lognormal-mixture-2d", N, (1, 10, 100))


def sigmas_in_the_plane(index: int) -> float:
    errors = PLANE.errors(some_score)
    drawn = seed("identity", "plane") % 2**32
    losses = identity.in_the_plane(PLANE, some_score, errors, index, 2**12, drawn)
    return losses.gap / losses.standard_error


TWINS = {"forgets_one": lambda z, v: -z / math.sqrt(v) - 1.0, "forgets_root": lambda z, v: -z / v}


@pytest.mark.parametrize("index", [0, 2])
@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
def test_loss_is_floor_plus_error(index: int, twin: Callable, monkeypatch: Patch) -> None:
    """R4b for any score, no other target (twins: last time); in the plane, false alarm 3e-12."""
    k = PLANE.levels[index]
    assert abs(gaps_on_the_line(k)) <= IDENTITY
    assert abs(sigmas_in_the_plane(index)) <= SIGMAS
    monkeypatch.setattr(identity, "conditional_score", twin)
    assert abs(gaps_on_the_line(k)) > 1e3 * IDENTITY
    assert abs(sigmas_in_the_plane(2)) > SIGMAS


def test_the_plane_knows_its_law() -> None:
    """For a log-normal law D_N is known (R20b), and so are the error of a constant and I(q)."""
    plane = Plane("lognormal-2d", 20, (1, 3, 20))
    law = problems.oracle("lognormal-2d")
    data = ref.LogNormal(law.log_means[0], law.log_covs[0])
    exact = ref.path_divergence(data, problems.process(), 20)
    assert plane.discretisation == pytest.approx(exact, rel=1e-6)
    assert abs(plane.start_divergence) < 1e-12
    for k, found in zip(plane.levels, plane.information, strict=True):
        inverse = np.linalg.inv(data.log_cov + k * plane.dv * np.eye(2))
        assert found == pytest.approx(np.trace(inverse), rel=1e-9)
    process = problems.process()
    shifted = plane.errors(lambda y, t: law.diffuse(process, t).log_score(np.exp(y)) + 0.1)
    assert shifted == pytest.approx(0.02, rel=1e-9)
    assert plane.sum_over_steps(np.full(3, 0.5)) == pytest.approx(10.0)


def test_projections_see_a_law_that_is_wrong() -> None:
    """DKW with 1e-9 for 32 directions; the twin has one component too wide."""
    rng = np.random.default_rng(seed("projections"))
    allowed = band(4000, 1e-9 / 32)
    y = np.log(PLANE.target.rvs(4000, rng))
    assert PLANE.distances(y).max() <= allowed
    assert PLANE.distances(y + 0.4 * rng.standard_normal(y.shape)).max() > allowed


def test_the_distance_is_that_of_kolmogorov() -> None:
    nodes = np.linspace(0.0, 1.0, 11)
    assert distance(np.array([0.1, 0.5]), nodes, nodes) == pytest.approx(0.5)
    assert distance(np.array([0.5]), nodes, nodes) == pytest.approx(0.5)
