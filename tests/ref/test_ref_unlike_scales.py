"""Coordinates of unlike scales cost no digits and hide no mistake, in either package."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.targets.components import draws_from
from gbm_ref._gaussians import principal_axes, square_root
from tests.support.cases import generator
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


# The laws of samplers, each a function of the covariance; three orders, and nearly no rotation.
ORDERS = ([1e-6, 1.0, 1e6], [1e6, 1.0, 1e-6], [1.0, 1e-6, 1e6])
GRADED = [CORRELATIONS * np.outer(stds, stds) for stds in ORDERS]
TURN = np.eye(3) + 1e-13 * np.array([[0.0, 1.0, -2.0], [-1.0, 0.0, 0.5], [2.0, -0.5, 0.0]])
GRADED.append((TURN * [1e-12, 1.0, 1e12]) @ TURN.T)
WIDE = ref.GBM(mu=0.32, sigma=0.8)  # m = 0: the shift of a mean is no matter of scales
CENTRE = np.array([0.3, -0.2, 0.1])


def of_matrix(cov: np.ndarray, function: Callable[[mpf], mpf]) -> mpmath.matrix:
    """A function of a covariance, by its eigenvectors at the working precision."""
    values, vectors = mpmath.eigsy(mpmath.matrix(cov.tolist()))
    return vectors * mpmath.diag([function(value) for value in values]) * vectors.T


def rising(value: mpf, h: mpf, steps: int) -> mpf:
    """The gain of Euler's flow, as its product."""
    return mpmath.fprod(1 - h / (2 * (value + h * k)) for k in range(1, steps + 1))


def assert_graded(found: np.ndarray, wanted: mpmath.matrix, roundings: float = 64) -> None:
    """Each entry of a covariance to roundings in units of its deviations."""
    exact = array(wanted)
    stds = np.sqrt(np.diag(exact))
    gap = np.abs((mpmath.matrix(found.tolist()) - wanted).tolist()).astype(float)
    assert (gap <= roundings * U * stds[:, None] * stds).all()


@pytest.mark.parametrize("cov", GRADED)
def test_closed_forms_keep_the_digits_of_every_coordinate(cov: np.ndarray) -> None:
    law, steps, v = ref.LogNormal(CENTRE, cov), 5, WIDE.log_var(1.0)
    end = law.diffuse(WIDE, 1.0)
    start = ref.Gaussian(end.log_mean, cov)
    with mpmath.workdps(50):
        h = mpf(v) / steps
        gain = of_matrix(cov, lambda value: rising(value, h, steps))
        assert_graded(
            ref.euler_flow_law(law, WIDE, steps, start).cov,
            gain * mpmath.matrix(cov.tolist()) * gain.T,
        )
        bridged = of_matrix(
            cov,
            lambda x: (
                x * (x / (x + h * steps)) ** 2
                + h * sum(mpf(j) / (j + 1) * (x / (x + h * j)) ** 2 for j in range(1, steps))
            ),
        )
        assert_graded(ref.ancestral_law(law, WIDE, steps, start).cov, bridged)
        limit = of_matrix(cov, lambda x: x * (x / (x + v)) ** 2 + x * v / (x + v))
        assert_graded(ref.annealed_limit_law(law, WIDE, start).cov, limit)


@pytest.mark.parametrize("cov", GRADED)
def test_paths_and_mirrored_chains_keep_the_digits_of_every_coordinate(cov: np.ndarray) -> None:
    law, steps, delta = ref.LogNormal(CENTRE, cov), 5, mpf(1e-13)
    with mpmath.workdps(50):
        h = mpf(WIDE.log_var(1.0)) / steps
        values = mpmath.eigsy(mpmath.matrix(cov.tolist()), eigvals_only=True)
        path = (
            sum(
                -h / (x + h * k) - mpmath.log(1 - h / (x + h * k))
                for x in values
                for k in range(1, steps + 1)
            )
            / 2
        )
        assert ref.path_divergence(law, WIDE, steps) == pytest.approx(float(path), rel=64 * U)
        power = of_matrix(
            cov,
            lambda x: (
                x * (1 - delta / x) ** 6
                + 2 * delta * sum((1 - delta / x) ** (2 * k) for k in range(3))
            ),
        )
        found = ref.mirrored_langevin_law(CENTRE, cov, float(delta), 3, ref.Gaussian(CENTRE, cov))
        assert_graded(found.cov, power)


@pytest.mark.parametrize("cov", GRADED)
def test_ancestral_noise_keeps_the_digits_of_every_coordinate(cov: np.ndarray) -> None:
    t, dt = 0.5, 0.5
    v = WIDE.log_var(t)
    with mpmath.workdps(50):
        root = of_matrix(cov, lambda x: mpmath.sqrt(v * x / (x + v)))
    for package, process, given in ((ref, WIDE, cov), (gbm, twin(WIDE), tensor(cov))):
        found = np.asarray(package.Ancestral(given).coefficients(process, t, dt, 1.0).root)
        assert_graded(found, root)


@pytest.mark.parametrize("cov", GRADED)
def test_flows_and_information_keep_the_digits_of_every_coordinate(cov: np.ndarray) -> None:
    law, end = ref.LogNormal(CENTRE, cov), ref.LogNormal(CENTRE, cov + 0.64 * np.eye(3))
    x, v = np.exp(CENTRE + np.sqrt(np.diag(cov)) * [-1.1, 0.3, 0.7] / 1e4), mpf(WIDE.log_var(1.0))
    with mpmath.workdps(50):
        y = mpmath.matrix((np.log(x) - CENTRE).tolist())
        moved = of_matrix(cov, lambda value: mpmath.sqrt(1 + v / value)) * y
        square = (moved.T * mpmath.matrix(end.log_cov.tolist()) ** -1 * moved)[0]
        start = mpmath.det(mpmath.matrix(cov.tolist()))
        wanted = -square / 2 - sum(np.log(x)) - mpmath.log((2 * mpmath.pi) ** 3 * start) / 2
        # Of the density at T the determinant of S_T stands in for that of the flow.
        total = mpmath.det(mpmath.matrix(cov.tolist()) + v * mpmath.eye(3))
        wanted += mpmath.log(total / mpmath.det(mpmath.matrix(end.log_cov.tolist()))) / 2
        information = sum(
            1 / value for value in mpmath.eigsy(mpmath.matrix(cov.tolist()), eigvals_only=True)
        )
    size = 64 * U * (1 + float(square) + np.abs(np.log(x)).sum() + 60)
    assert ref.exact_log_likelihood(x, law, WIDE, end) == pytest.approx(float(wanted), abs=size)
    found = gbm.exact_log_likelihood(tensor(x[None]), twin(law), twin(WIDE), twin(end))
    assert found.item() == pytest.approx(float(wanted), abs=size)
    found = ref.fisher_information(law, WIDE, 0.0).value
    assert found == pytest.approx(float(information), rel=64 * U)


@pytest.mark.parametrize("cov", GRADED)
def test_draws_from_given_noise_keep_the_digits_of_every_coordinate(cov: np.ndarray) -> None:
    cov = cov / 1e6  # so that the largest coordinate is within the range of exp
    law = gbm.LogNormalMixture(tensor([1.0]), tensor(np.zeros((1, 3))), tensor(cov[None]))
    with mpmath.workdps(50):
        root = of_matrix(cov, mpmath.sqrt)
    axes = law.principal_axes.axes
    assert_graded((law.principal_axes.roots(axes) @ axes.mT)[0].numpy(), root)
    z = np.array([[0.3, -0.7, 0.1], [0.01, -0.02, 0.03]])
    found = draws_from(law, torch.zeros(2, dtype=torch.int64), tensor(z)).log().numpy()
    stds = np.sqrt(np.diag(cov))
    wanted = z @ array(root).T
    # The logarithm of a number near 1 is known to U alone.
    assert (np.abs(found - wanted) <= 64 * U * (stds + 1.0)).all()


def test_axes_of_unlike_scales_are_those_of_the_covariance() -> None:
    """Singular ones too, and in any number of components and dimensions."""
    source = generator("axes")
    for d in (1, 2, 5, 12):
        root = source.normal(size=(d, d)) * 10.0 ** source.uniform(-6, 6, (d, 1))
        for cov in (root @ root.T, np.diag(np.arange(d) * 1e4), root[:, :1] @ root[:, :1].T):
            values, vectors = principal_axes(cov)
            assert (np.diff(values) >= 0).all() and (values >= 0).all()
            np.testing.assert_allclose(vectors.T @ vectors, np.eye(d), rtol=0, atol=1e-13)
            stds = np.sqrt(np.diag(cov)) + 1e-300
            gap = np.abs((vectors * values) @ vectors.T - cov) / stds[:, None] / stds
            assert gap.max() <= 1e-13
            fast = gbm.LogNormalMixture(
                tensor([0.5, 0.5]), tensor(np.zeros((2, d))), tensor(np.stack([cov, np.eye(d)]))
            ).principal_axes
            again = (fast.axes * fast.variances[:, None]) @ fast.axes.mT
            gap = np.abs(again[0].numpy() - cov) / stds[:, None] / stds
            assert gap.max() <= 1e-13
            torch.testing.assert_close(again[1], tensor(np.eye(d)), rtol=0, atol=1e-13)


def test_the_root_of_a_covariance_keeps_the_digits_of_every_coordinate() -> None:
    for cov in (UNLIKE, np.diag([1e6, 0.0, 1e-8])):
        root, stds = square_root(cov), np.sqrt(np.diag(cov))
        with mpmath.workdps(40):
            matrix = mpmath.matrix(root.tolist())
            gap = array(matrix * matrix.T - mpmath.matrix(cov.tolist()))
        assert (np.abs(gap) <= 32 * U * stds[:, None] * stds).all()
