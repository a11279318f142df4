"""gbm_fast.gamma_noise: the moments of log G, their inverse and the posterior, as gbm_ref's."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.refusals import Refusal, check, rows, table
from tests.support.twins import assert_twins, tensor

LOOKS = twins.single([[0.04, 0.6, 1.0], [1.46, 4.0, 1e5]])
DATA = ref.InverseGamma(twins.single([2.6, 0.8]), twins.single([1.9, 31.0]))


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_the_moments_of_the_logarithm_agree(dtype: torch.dtype) -> None:
    found = gbm.gamma_log_moments(tensor(LOOKS, dtype))
    mean, var = ref.gamma_log_moments(LOOKS)
    assert {part.dtype for part in found} == {dtype}
    size = np.abs(mean + np.log(LOOKS)) + np.abs(np.log(LOOKS))
    assert_twins(found[0], mean, size)
    assert_twins(found[1], var, var)


def test_a_trigamma_function_of_nine_digits_is_seen() -> None:
    """torch.polygamma(1, L), which is not what is returned."""
    var = ref.gamma_log_moments(LOOKS)[1]
    with pytest.raises(AssertionError, match="condition scale"):
        assert_twins(torch.special.polygamma(1, tensor(LOOKS)), var, var)


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_looks_at_a_variance_agree(dtype: torch.dtype) -> None:
    v = twins.single([1e-6, 0.01, 0.3, 1.0, 40.0, 1e6])
    expected = ref.looks_at_log_var(v)
    found = gbm.looks_at_log_var(tensor(v, dtype))
    assert found.dtype == dtype
    assert_twins(found, expected, expected)
    assert_twins(gbm.gamma_log_moments(found)[1], v, 2 * v)


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_the_posterior_of_inverse_gamma_data_agrees(dtype: torch.dtype) -> None:
    x = twins.single([0.75, 12.0])
    data = gbm.InverseGamma(tensor(DATA.shape, dtype), tensor(DATA.scale, dtype))
    found, expected = (
        gbm.gamma_posterior(tensor(x, dtype), data, 3.5),
        ref.gamma_posterior(x, DATA, 3.5),
    )
    for name in ("shape", "scale"):
        wanted = getattr(expected, name)
        assert_twins(getattr(found, name), wanted, wanted)


TWO = gbm.InverseGamma(tensor([2.6, 0.8]), tensor([1.9, 31.0]))
POSTERIOR = {"x": tensor([0.75, 12.0]), "data": TWO, "looks": 3.5}


@table(
    rows(gbm.gamma_log_moments, {"looks": tensor([1.0])}, ("looks", tensor([0.0]), "positive")),
    rows(
        gbm.looks_at_log_var, {"v": tensor([0.3])}, ("v", tensor([-1.0]), "positive"),
        ("v", tensor([1e200]), "between"),
    ),
    rows(
        gbm.gamma_posterior, POSTERIOR, ("x", tensor([[0.75, 12.0]]), "one state"),
        ("x", tensor([0.75]), "one state"), ("x", -POSTERIOR["x"], "positive"),
        ("looks", 0.0, "looks"),
    ),
)  # fmt: skip
def test_refusals(refusal: Refusal) -> None:
    check(refusal)
