"""Learned scores, the exact part: laws carried through the steps, the identity, the bound.

Nothing is trained here: any smooth function is a score that somebody may have learned.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest

import gbm_ref as ref
from tests.support.cases import seed
from validation.learned import identity
from validation.learned.gate import IDENTITY, LAW, SIGMAS, line_facts
from validation.learned.line import Line
from validation.learned.plane import Plane
from validation.learned.problems import Array, oracle, process
from validation.learned.sampled import band, distance

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
    wrong = line_facts(LINE, LINE.transport(LINE.scores - 1.0))
    assert wrong["law_gap"] > 1e4 * LAW


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
    law = LINE.transport(LINE.scores + c)
    cost = LINE.divergence(law)
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


def forgets_one(z: Array, v: float) -> Array:
    """The target h in place of 1 + h."""
    return -z / math.sqrt(v) - 1.0


def forgets_root(z: Array, v: float) -> Array:
    return -z / v


@pytest.mark.parametrize("index", [0, 2])
@pytest.mark.parametrize("twin", [forgets_one, forgets_root])
def test_loss_is_floor_plus_error(
    index: int, twin: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R4b for any score, and not for another target. In the plane: false alarm 3e-12 a check.

    There the twins are looked for at the last time, where draws say most.
    """
    k = PLANE.levels[index]
    assert abs(gaps_on_the_line(k)) <= IDENTITY
    assert abs(sigmas_in_the_plane(index)) <= SIGMAS
    monkeypatch.setattr(identity, "conditional_score", twin)
    assert abs(gaps_on_the_line(k)) > 1e3 * IDENTITY
    assert abs(sigmas_in_the_plane(2)) > SIGMAS


def test_the_plane_knows_its_law() -> None:
    """For a log-normal law D_N is known (R20b), and so are the error of a constant and I(q)."""
    plane = Plane("lognormal-2d", 20, (1, 3, 20))
    law = oracle("lognormal-2d")
    data = ref.LogNormal(law.log_means[0], law.log_covs[0])
    exact = ref.path_divergence(data, process(), 20)
    assert plane.discretisation == pytest.approx(exact, rel=1e-6)
    assert abs(plane.start_divergence) < 1e-12
    for k, found in zip(plane.levels, plane.information, strict=True):
        inverse = np.linalg.inv(data.log_cov + k * plane.dv * np.eye(2))
        assert found == pytest.approx(np.trace(inverse), rel=1e-9)
    shifted = plane.errors(lambda y, t: law.diffuse(process(), t).log_score(np.exp(y)) + 0.1)
    assert shifted == pytest.approx(0.02, rel=1e-9)
    assert plane.sum_over_steps(np.full(3, 0.5)) == pytest.approx(10.0)


def test_projections_see_a_law_that_is_wrong() -> None:
    """DKW with 1e-9 for 32 directions; the twin has one component too wide."""
    rng = np.random.default_rng(seed("projections"))
    allowed = band(4000, 1e-9 / 32)
    y = np.log(PLANE.target.rvs(4000, rng))
    assert PLANE.distances(y).max() <= allowed
    wide = y + 0.4 * rng.standard_normal(y.shape)
    assert PLANE.distances(wide).max() > allowed


def test_the_distance_is_that_of_kolmogorov() -> None:
    nodes = np.linspace(0.0, 1.0, 11)
    assert distance(np.array([0.1, 0.5]), nodes, nodes) == pytest.approx(0.5)
    assert distance(np.array([0.5]), nodes, nodes) == pytest.approx(0.5)
