"""Coordinates of unlike scales cost no digits and hide no mistake, in either package."""

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.twins import tensor, twin

U = 2.0**-53
CORRELATIONS = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])
STDS = np.array([1e3, 1.0, 1e-4])
UNLIKE = CORRELATIONS * STDS[:, None] * STDS


def exact_divergence(p: ref.Gaussian, q: ref.Gaussian) -> float:
    with mpmath.workdps(60):
        first, second = (mpmath.matrix(law.cov.tolist()) for law in (p, q))
        shift = mpmath.matrix([mpf(a) - mpf(b) for a, b in zip(p.mean, q.mean, strict=True)])
        inverse = second**-1
        ratio = inverse * first
        trace = sum(ratio[i, i] for i in range(len(p.mean)))
        distance = (shift.T * inverse * shift)[0]
        return float((trace - len(p.mean) - mpmath.log(mpmath.det(ratio)) + distance) / 2)


def test_divergences_do_not_depend_on_the_scales() -> None:
    narrow = ref.Gaussian(np.zeros(2), np.diag([1.0, 1e-15]))
    wide = ref.Gaussian(np.zeros(2), np.eye(2))
    unlike = ref.Gaussian(STDS * [0.3, -1.1, 0.7], UNLIKE)
    other = ref.Gaussian(np.zeros(3), np.diag(STDS**2) + 0.3 * UNLIKE)
    for p, q in ((narrow, narrow), (narrow, wide), (wide, narrow), (unlike, other)):
        wanted = exact_divergence(p, q)
        assert ref.kl_divergence(p, q) == pytest.approx(wanted, rel=1e-14)
        assert gbm.kl_divergence(twin(p), twin(q)).item() == pytest.approx(wanted, rel=1e-14)
    both = gbm.Gaussian(*(torch.stack(part) for part in zip(twin(narrow), twin(wide))))
    assert torch.equal(gbm.kl_divergence(both, both), tensor([0.0, 0.0]))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([[1.0, 3e-11], [3e-11, 1e-22]], "positive semi-?definite"),
        ([[1.0, 2e-11, 0.0], [1e-11, 1e-15, 0.0], [0.0, 0.0, 1.0]], "symmetric"),
        ([[1.0, 1e-12], [1e-12, 0.0]], "positive semi-?definite"),
        ([[1.0, 0.0], [0.0, -1e-12]], "positive semi-?definite"),
    ],
)
def test_a_mistake_in_a_small_coordinate_is_refused(wrong: list[list[float]], words: str) -> None:
    mean = np.zeros(len(wrong))
    right = np.diag(np.maximum(np.diag(wrong), 0.0))
    for covariance in (right, UNLIKE[: mean.size, : mean.size]):
        ref.LogNormal(mean, covariance)
        gbm.LogNormal(tensor(mean), tensor(covariance))
    with pytest.raises(ValueError, match=words):
        ref.LogNormal(mean, wrong)
    with pytest.raises(ValueError, match=words):
        gbm.LogNormal(tensor(mean), tensor(wrong))
