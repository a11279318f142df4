"""Orders of the steps in X with a constant score, where every moment is a closed form.

Then dX = beta X dr + sigma X dW (sheet R15). Each step multiplies by G(z) = b + c z + q z^2, found
by the one-step probe, and the solution by F(z) = exp((beta - sigma^2 / 2) d + sigma sqrt(d) z):

    E F^2 = exp((2 beta + sigma^2) d),      E G^2 = b^2 + c^2 + 3 q^2 + 2 b q,
    E F G = exp(beta d) E G(z + sigma sqrt(d))

and N steps raise each to the power N. Evaluated with 50 digits, since the errors are differences.
"""

from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
import gbm_ref.steps
from tests.support.order_check import assert_order

# With the kappa of each, by which the process has to be louder for the same sigma.
IN_X: dict[ref.Step, float] = {
    ref.SignAgnostic(): 1.0,
    ref.AmbientMarginalPreserving(0.7): 0.7,
    ref.AmbientMilstein(): 1.0,
}
BETA, SIGMA = mpf("0.5"), mpf("0.4")
FINE = (256, 512, 1024)


class Errors(NamedTuple):
    """After a unit of time: of E X and E X^2, and E (X - X^)^2, each relative to the solution."""

    mean: float
    second: float
    square: float


def errors(step: ref.Step, steps: int, defect: float | None = None) -> Errors:
    """Those of a step in X whose constant score makes the reverse drift BETA X.

    defect  d^defect / 10 is added to the ratio
    """
    kappa = IN_X[step]
    rate = (0.4 / kappa) ** 2
    process = ref.GBM(mu=0.1, sigma=0.4 / kappa)
    # beta = -m' + (1 + kappa^2) / 2 sigma^2 (1 + h) + kappa^2 / 2 sigma^2   (sheet R11)
    constant = (0.5 + 0.1 - rate / 2 - 0.4**2 / 2) / ((1 + kappa**2) / 2 * rate) - 1

    def one_step(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return step(process, lambda a, t: np.full_like(a, constant), x, 1.0, 1 / steps, 1.0, z)

    found = ref.extract_step_polynomial(one_step, np.array([[1.7]]), degree=2)[:, 0, 0]
    with mpmath.workdps(50):
        b, c, q = (mpf(float(value)) for value in found)
        d = mpf(1) / steps
        b += 0 if defect is None else d**defect / 10
        second = mpmath.exp((2 * BETA + SIGMA**2) * d)
        cross = mpmath.exp(BETA * d) * (b + c * SIGMA * mpmath.sqrt(d) + q * (1 + SIGMA**2 * d))
        own = b**2 + c**2 + 3 * q**2 + 2 * b * q
        return Errors(
            float(((b + q) / mpmath.exp(BETA * d)) ** steps - 1),
            float((own / second) ** steps - 1),
            float(1 - 2 * (cross / second) ** steps + (own / second) ** steps),
        )


@pytest.mark.parametrize("step", IN_X)
def test_declared_orders_of_steps_in_x(step: ref.Step) -> None:
    found = [errors(step, n) for n in FINE]
    assert_order([e.mean for e in found], step.weak_order, slack=0.01)
    assert_order([e.second for e in found], step.weak_order, slack=0.01)
    assert_order([np.sqrt(e.square) for e in found], step.strong_order)
    assert_order([np.sqrt(e.square) for e in found[1:]], step.strong_order, slack=0.01)
    twins = [errors(step, n, defect=1.5) for n in FINE]
    for column in ([e.mean for e in twins], [e.second for e in twins]):
        with pytest.raises(AssertionError, match="slopes"):
            assert_order(column, step.weak_order)
    with pytest.raises(AssertionError, match="slopes"):
        wrong = [np.sqrt(errors(step, n, defect=1.0).square) for n in FINE]
        assert_order(wrong, step.strong_order)


def test_euler_is_not_taken_for_milstein() -> None:
    with pytest.raises(AssertionError, match="slopes"):
        assert_order([np.sqrt(errors(ref.SignAgnostic(), n).square) for n in FINE], 1.0, slack=0.3)


# E(X - X^)^2 over d^power, and E X^^2 / E X^2 - 1 over d, for T = 1: sheet R15.
LEADING = {
    ref.SignAgnostic(): (1, SIGMA**4 / 2, -(BETA**2) - 2 * BETA * SIGMA**2 - SIGMA**4 / 2),
    ref.AmbientMilstein(): (
        2,
        SIGMA**6 / 6 + BETA**2 * SIGMA**2 + BETA**2 * (BETA + 2 * SIGMA**2) ** 2 / 4,
        -(BETA**2) - 2 * BETA * SIGMA**2,
    ),
}


@pytest.mark.parametrize("step", LEADING)
def test_leading_terms_with_a_constant_score(step: ref.Step) -> None:
    """The errors over their leading terms are near 1, and twice as near at half the step."""
    power, square, second = LEADING[step]
    ratios = []
    for n in FINE[1:]:
        found, mean = errors(step, n), -(BETA**2) / 2
        ratios.append(
            [
                found.square * n**power / float(square) - 1,
                found.mean * n / float(mean) - 1,
                found.second * n / float(second) - 1,
            ]
        )
    assert np.abs(ratios[1]).max() < 0.01
    np.testing.assert_allclose(np.divide(*ratios), 2, rtol=0.02)


def test_every_step_in_x_is_tried() -> None:
    offered = {vars(gbm_ref.steps)[name] for name in gbm_ref.steps.__all__}
    declared = {kind for kind in offered if "strong_order" in vars(kind)}
    assert {type(step) for step in IN_X} == {k for k in declared if k.coordinates == "ambient"}
