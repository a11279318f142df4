"""Tests of gbm_ref.divergence against the textbook formula at 50 digits."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from gbm_ref import Gaussian, kl_divergence
from tests.support.mp_reference import gaussian, kl

P = Gaussian(np.array([0.3, -0.8]), np.array([[0.50, 0.21], [0.21, 0.30]]))
Q = Gaussian(np.array([0.1, -0.5]), np.array([[0.62, 0.10], [0.10, 0.41]]))


@pytest.mark.parametrize("gap", [1.0, 0.3, 0.02, 1e-4, 1e-7])
def test_matches_the_textbook_formula_even_for_close_laws(gap: float) -> None:
    """At a gap of 1e-7 the divergence is 1e-15 and the plain formula in double is noise."""
    near = Gaussian(Q.mean + gap * (P.mean - Q.mean), Q.cov + gap * (P.cov - Q.cov))
    exact = float(kl(gaussian(*near), gaussian(*Q)))
    # near.cov - Q.cov keeps an error of u |Q.cov| / gap relative to the difference.
    assert kl_divergence(near, Q) == pytest.approx(exact, rel=1e-13 + 1e-15 / gap)


@pytest.mark.parametrize("ratio", [1 + 1e-9, 1.05, 1.2, 30.0, 0.95, 0.8, 1e-6])
def test_one_dimension(ratio: float) -> None:
    """Across the switch from the series to the logarithm."""
    p, q = (Gaussian(np.array([0.4]), np.array([[v]])) for v in (ratio * 0.7, 0.7))
    r = mpf(float(p.cov[0, 0])) / mpf(0.7)
    exact = float((r - 1 - mpmath.log(r)) / 2)
    # The relative error of r - 1 is a rounding of 1, over r - 1.
    assert kl_divergence(p, q) == pytest.approx(exact, rel=1e-14 + 1e-15 / abs(ratio - 1))


def test_properties_of_the_divergence() -> None:
    """Zero for equal laws only, invariant, additive, infinite from a singular law."""
    assert kl_divergence(Q, Q) == 0.0
    assert kl_divergence(P, Q) > 0.01
    assert kl_divergence(P, Q) != kl_divergence(Q, P)
    a, b = np.array([[1.3, -0.4], [0.2, 0.9]]), np.array([0.7, -1.1])
    p, q = (Gaussian(a @ law.mean + b, a @ law.cov @ a.T) for law in (P, Q))
    assert kl_divergence(p, q) == pytest.approx(kl_divergence(P, Q), rel=1e-13)

    def one(law: Gaussian, i: int) -> Gaussian:
        return Gaussian(law.mean[i : i + 1], law.cov[i : i + 1, i : i + 1])

    p, q = (Gaussian(law.mean, np.diag(np.diag(law.cov))) for law in (P, Q))
    total = sum(kl_divergence(one(p, i), one(q, i)) for i in range(2))
    assert kl_divergence(p, q) == pytest.approx(total, rel=1e-13)
    assert kl_divergence(Gaussian(Q.mean, np.array([[0.2, 0.2], [0.2, 0.2]])), Q) == np.inf
