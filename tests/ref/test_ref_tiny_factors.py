"""x exp(e) where exp(e) alone would have few digits or none, in either package."""

import mpmath
import pytest
import torch
from mpmath import mpf

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.parameterisation import Stein
from tests.support.twins import tensor

U = 2.0**-53
X, Z = 1e300, -74.0
WANTED = float(mpf(X) * mpmath.exp(-740))


def close(found: float) -> bool:
    """Within the rounding of an exponent of 740."""
    return found == pytest.approx(WANTED, rel=2e3 * U, abs=0.0)


def test_draws_keep_the_digits_of_a_tiny_factor() -> None:
    each, same = ref.CoordinateGBM(50.0, [10.0]), ref.GBM(50.0, 10.0)
    ours = gbm.CoordinateGBM(50.0, [10.0]), gbm.GBM(50.0, 10.0)
    assert close(each.sample([[X]], 1.0, [[Z]]).item())
    assert close(ours[0].sample(tensor([[X]]), 1.0, tensor([[Z]])).item())
    for process, twin in zip((each, same), ours, strict=True):
        assert close(ref.kernel_sample([[X]], process, 0.0, 1.0, [[Z]]).item())
        drawn = gbm.kernel_sample(tensor([[X]]), twin, 0.0, 1.0, tensor([[Z]]))
        assert close(drawn.item())


def test_a_stein_score_is_finite_where_its_factor_alone_is_not() -> None:
    output, u = tensor([[1e-300]]), tensor([[720.0]])
    found = Stein()(output, u, (torch.ones(1),)).item()
    assert found == pytest.approx(float(1 + mpf(1e-300) * mpmath.exp(720)), rel=2e3 * U)
