"""Coordinates of unlike scales cost no digits and hide no mistake, in either package."""

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

import gbm_fast as gbm
import gbm_ref as ref
from gbm_ref._gaussians import square_root
from tests.support.twins import tensor, twin

U = 2.0**-53
CORRELATIONS = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])
# Not in order of size: eigenvectors of a graded matrix keep their digits by themselves.
STDS = np.array([1e-4, 1e3, 1.0])
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
    unlike = ref.Gaussian(STDS * [-1.1, 0.3, 0.7], UNLIKE)
    other = ref.Gaussian(np.zeros(3), np.diag(STDS**2) + 0.3 * UNLIKE)
    for p, q in ((narrow, narrow), (narrow, wide), (wide, narrow), (unlike, other)):
        wanted = exact_divergence(p, q)
        assert ref.kl_divergence(p, q) == pytest.approx(wanted, rel=1e-14)
        assert gbm.kl_divergence(twin(p), twin(q)).item() == pytest.approx(wanted, rel=1e-14)
    pair = twin(narrow), twin(wide)
    both = gbm.Gaussian(*(torch.stack(part) for part in zip(*pair, strict=True)))
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


def array(matrix: mpmath.matrix) -> np.ndarray:
    return np.array(matrix.tolist(), float)


def test_posteriors_keep_the_digits_of_every_coordinate() -> None:
    process, law, t = ref.GBM(0.18, 0.6), ref.LogNormal(np.zeros(3), UNLIKE), 1e-7
    x, v = np.exp(STDS * [-1.1, 0.3, 0.7]), process.log_var(t)
    with mpmath.workdps(60):
        data = mpmath.matrix(UNLIKE.tolist())
        gain = data * (data + mpf(v) * mpmath.eye(3)) ** -1
        mean, cov = array(gain * mpmath.matrix(np.log(x).tolist()))[:, 0], array(mpf(v) * gain)
    stds = np.sqrt(np.diag(cov))
    mixture = ref.LogNormalMixture([0.5, 0.5], np.zeros((2, 3)), np.stack([UNLIKE, UNLIKE]))
    for target in (law, mixture):
        found = ref.posterior_log_mean(x, target, process, t)
        assert (np.abs(found - mean) <= 64 * U * STDS).all()
        found = ref.posterior_log_cov(x, target, process, t)
        assert (np.abs(found - cov) <= 64 * U * stds[:, None] * stds).all()


def test_exact_laws_keep_the_digits_of_every_coordinate() -> None:
    process, law, t = ref.GBM(0.18, 0.6), ref.LogNormal(np.zeros(3), UNLIKE), 1e-7
    start, row = law.diffuse(process, t), ref.Row(t, t / 2, 0.0)
    given = ref.Gaussian(start.log_mean, start.log_cov)
    found = ref.exact_law(ref.DaleLangevin(), law, process, (row,), given).cov
    v, dv = process.log_var(t), process.increments(t, t / 2)[1]
    with mpmath.workdps(60):
        inverse = (mpmath.matrix(UNLIKE.tolist()) + mpf(v) * mpmath.eye(3)) ** -1
        gain = mpmath.eye(3) - mpf(dv) * inverse
        wanted = array(gain * mpmath.matrix(start.log_cov.tolist()) * gain.T)
    stds = np.sqrt(np.diag(wanted))
    assert (np.abs(found - wanted) <= 64 * U * stds[:, None] * stds).all()


def test_the_root_of_a_covariance_keeps_the_digits_of_every_coordinate() -> None:
    for cov in (UNLIKE, np.diag([1e6, 0.0, 1e-8])):
        root, stds = square_root(cov), np.sqrt(np.diag(cov))
        with mpmath.workdps(40):
            matrix = mpmath.matrix(root.tolist())
            gap = array(matrix * matrix.T - mpmath.matrix(cov.tolist()))
        assert (np.abs(gap) <= 32 * U * stds[:, None] * stds).all()
