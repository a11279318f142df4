"""Laws of scores, kernels, losses and steps for every law of the data; broken ones are refused.
Hypothesis draws the cases; expectations are sums that are exact or converge exponentially."""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import gbm_ref as ref
import gbm_ref.steps
from tests.support import metamorphic as meta
from tests.support.metamorphic_pieces import DIVISIBLE, SPOILT, Broken, no_noise, no_time, pieces

Array, Mixture = np.ndarray, ref.LogNormalMixture
UNIT = 2.0**-53
ANYWHERE = settings(derandomize=True, max_examples=100)
unit = st.floats(0.0, 1.0)


def turning(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


@st.composite
def mixtures(draw: st.DrawFn, d: int = 2) -> ref.LogNormalMixture:
    """Two components with any means, eigenvalues from 0.05 to 1 and axes."""
    share = 0.1 + 0.8 * draw(unit)
    means = np.array([[4 * draw(unit) - 2 for _ in range(d)] for _ in range(2)])
    covs = np.zeros((2, d, d))
    for j in range(2):
        axes = turning(6 * draw(unit)) if d == 2 else np.eye(1)
        covs[j] = axes @ np.diag([0.05 + 0.95 * draw(unit) for _ in range(d)]) @ axes.T
    return ref.LogNormalMixture(np.array([share, 1 - share]), means, covs)


covs = st.tuples(st.floats(0.1, 6.0), unit, unit).map(
    lambda c: turning(c[0]) @ np.diag([0.05 + c[1], 0.05 + c[2]]) @ turning(c[0]).T
)
pairs = st.tuples(st.floats(-2, 2), st.floats(-2, 2)).map(np.array)
states = st.tuples(st.floats(-3, 3), st.floats(-3, 3)).map(lambda y: np.exp(np.array(y)))
processes = st.builds(ref.GBM, st.floats(-0.6, 0.6), st.floats(0.3, 1.2))


@dataclass(frozen=True)
class Image:
    matrix: np.ndarray
    factor: np.ndarray

    def of(self, law: ref.Target) -> ref.Target:
        shift = np.log(self.factor)
        if isinstance(law, ref.LogNormalMixture):
            covs = self.matrix @ law.log_covs @ self.matrix.T
            return ref.LogNormalMixture(law.weights, law.log_means @ self.matrix.T + shift, covs)
        assert isinstance(law, ref.PointMasses)
        points = self.factor * np.exp(np.log(law.points) @ self.matrix.T)
        return ref.PointMasses(points, law.log_var * float(np.linalg.det(self.matrix)))

    def at(self, x: np.ndarray) -> np.ndarray:
        return self.factor * np.exp(np.log(x) @ self.matrix.T)


def condition(law: ref.LogNormalMixture, x: np.ndarray) -> float:
    """S: a pull |y - a| / lambda, as wrong as the exponents |y - a|^2 / lambda are large."""
    smallest = min(float(np.linalg.eigvalsh(cov)[0]) for cov in law.log_covs)
    size = np.abs(np.log(x)).max() + np.abs(law.log_means).max()
    return (1 + size / smallest) * (1 + size**2 / smallest)


def assert_equivariant(law: ref.LogNormalMixture, image: Image, x: np.ndarray) -> None:
    """1 + h'(x') = matrix^-T (1 + h(x)), S' = h' / x', and the densities of log X agree."""
    moved, there = image.of(law), image.at(x)
    back = np.linalg.inv(image.matrix)
    h, found = law.hyvarinen_score(x), moved.hyvarinen_score(there)
    allowed = 8 * UNIT * (condition(law, x) + condition(moved, there)) * (1 + np.abs(back).sum())
    assert np.abs(1 + found - (1 + h) @ back).max() <= allowed
    stein = moved.stein_score(there)
    assert np.abs(stein * there - found).max() <= 4 * UNIT * (1 + abs(found)).max()
    volume = np.log(abs(np.linalg.det(image.matrix)))
    gap = (moved.logpdf(there) + np.log(there).sum()) - (law.logpdf(x) + np.log(x).sum()) + volume
    assert abs(gap) <= allowed


@ANYWHERE
@given(law=mixtures(), x=states, a=st.sampled_from([-1.0, 2.0, -0.5]), factor=states)
def test_scores_of_a_power_and_scale(law: Mixture, x: Array, a: float, factor: Array) -> None:
    """R1: h is unchanged by a scale, (1 + h) / a - 1 for a power, -h - 2 for the inverse."""
    image = Image(a * np.eye(2), factor)
    assert_equivariant(law, image, x)
    if a == -1.0:
        inverse = image.of(law).hyvarinen_score(image.at(x))
        size = condition(law, x) + condition(image.of(law), image.at(x))
        assert np.abs(inverse + law.hyvarinen_score(x) + 2).max() <= 24 * UNIT * size


@ANYWHERE
@given(law=mixtures(), x=states, angle=st.floats(0.1, 6.0))
def test_scores_turn_with_the_logarithm(law: Mixture, x: Array, angle: float) -> None:
    assert_equivariant(law, Image(turning(angle), np.ones(2)), x)


@ANYWHERE
@given(x=states, factor=states, a=st.sampled_from([-1.0, 2.0]), log_var=st.floats(0.05, 1.0))
def test_scores_of_points_follow_them(x: Array, factor: Array, a: float, log_var: float) -> None:
    law = ref.PointMasses(np.array([[0.7, 1.3], [1.9, 0.6], [2.4, 2.2]]), log_var)
    image = Image(a * np.eye(2), factor)
    found = image.of(law).hyvarinen_score(image.at(x))
    size = (1 + (8 + 2 * np.abs(np.log(factor)).max()) ** 2 / log_var) ** 2
    assert np.abs(1 + found - (1 + law.hyvarinen_score(x)) / a).max() <= 8 * UNIT * size


def test_a_lost_jacobian_is_refused() -> None:
    """h / a for (1 + h) / a - 1: the twin of the law of powers."""

    class Twin(ref.LogNormalMixture):
        def hyvarinen_score(self, x: np.ndarray) -> np.ndarray:
            return self.log_score(x)

    twin = Twin(np.ones(1), np.array([[0.3, -0.4]]), np.array([0.2]))
    with pytest.raises(AssertionError):
        assert_equivariant(twin, Image(2 * np.eye(2), np.ones(2)), np.array([1.7, 0.6]))


@ANYWHERE
@given(law=mixtures(d=1), process=processes, t=st.floats(0.05, 1.0))
def test_identities_of_the_score(law: ref.LogNormalMixture, process: ref.GBM, t: float) -> None:
    """R1: E h = -1 and E s (y - c) = -1 for any c; s = 1 + h.
    Trapezoidal sums over y in steps of 0.02: the narrowest component has a deviation of 0.22."""
    y = np.arange(-20.0, 20.0, 0.02)[:, None]
    noised, x = law.diffuse(process, t), np.exp(y)
    weights = 0.02 * np.exp(noised.logpdf(x) + y[:, 0])
    h = ref.exact_score(law, process)(x, t)[:, 0]
    s = noised.log_score(x)[:, 0]
    np.testing.assert_array_equal(h, s - 1)
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert weights @ h == pytest.approx(-1, abs=1e-12)
    assert weights @ (s * (y[:, 0] - 0.7)) == pytest.approx(-1, abs=1e-12)


@ANYWHERE
@given(mean=states, cov=covs, process=processes)
def test_energy_of_a_gaussian_score(mean: np.ndarray, cov: np.ndarray, process: ref.GBM) -> None:
    """E s s^T = V^-1, by Gauss-Hermite sums that are exact for quadratic functions."""
    nodes = np.array([[a, b] for a in (-1.0, 1.0) for b in (-1.0, 1.0)])
    law = ref.LogNormal(np.log(mean), cov).diffuse(process, 0.6)
    s = law.log_score(np.exp(law.log_mean + nodes @ np.linalg.cholesky(law.log_cov).T))
    inverse = np.linalg.inv(law.log_cov)
    np.testing.assert_allclose(s.T @ s / 4, inverse, rtol=0, atol=1e-12 * np.abs(inverse).max())


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(2)


@ANYWHERE
@given(covs, processes, st.floats(0.05, 0.95), pairs, pairs, pairs)
def test_m_dsm_and_m_esm_differ_by_a_constant(
    cov: Array, process: ref.GBM, t: float, a: Array, b: Array, offset: Array
) -> None:
    """Theorem 4.1: 1/2 tr(I / v - (S + v I)^-1), whatever the model (claim R4b); four dimensions.
    So their gradients agree too: both losses of two models differ by the same amount."""
    target, v = ref.LogNormal([0.4, -0.7], cov), process.log_var(t)
    grid = np.stack(np.meshgrid(*[NODES] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    weights = np.prod(np.stack(np.meshgrid(*[WEIGHTS] * 4)), axis=0).ravel() / WEIGHTS.sum() ** 4
    x0 = np.exp(target.log_mean + grid[:, :2] @ np.linalg.cholesky(cov).T)

    def model(x: np.ndarray, t: float) -> np.ndarray:
        return offset + np.log(x) @ np.stack([a, b])

    x_t = process.sample(x0, t, grid[:, 2:])
    gap = weights @ ref.m_dsm(model, x0, t, grid[:, 2:], process).per_sample
    gap -= weights @ ref.m_esm(model, target, x_t, t, process).per_sample
    floor = np.trace(np.eye(2) / v - np.linalg.inv(cov + v * np.eye(2))) / 2
    assert gap == pytest.approx(floor, abs=1e-12 * (20 / v + 200))


@ANYWHERE
@given(states, processes, unit, unit, st.tuples(*[st.floats(-4, 4)] * 4))
def test_kernels_compose(x0: Array, process: ref.GBM, t: float, share: float, z: tuple) -> None:
    """Two draws over share * t and the rest are one over t (semigroup); no time, no change."""
    first, second = np.array(z).reshape(2, 2)
    lengths = np.array([share * t, t - share * t])
    x = process.sample(process.sample(x0, lengths[0], first), lengths[1], second)
    together = (np.sqrt(lengths[0]) * first + np.sqrt(lengths[1]) * second) / np.sqrt(t or 1.0)
    once = process.sample(x0, t, together)
    assert np.abs(np.log(x / once)).max() <= 8 * UNIT * (1 + np.abs(np.log(x0)).max() + 1.2 * 8)
    np.testing.assert_array_equal(process.sample(x0, 0.0, first), x0)
    near = process.sample(x0, 1e-12 * t, first)
    assert np.abs(near / x0 - 1).max() <= 2 * 1.2 * 4 * 1e-6 * np.sqrt(t) + 4 * UNIT


@ANYWHERE
@given(mixtures(), states, processes, unit, st.floats(0.1, 10.0))
def test_the_clock(law: Mixture, x: Array, process: ref.GBM, t: float, c: float) -> None:
    """(sigma^2, mu, t) -> (c sigma^2, c mu, t / c) leaves the law of X_t as it is."""
    fast = ref.GBM(c * process.drift(0.0), np.sqrt(c) * process.sigma, 1.01 / c)
    slow = ref.exact_score(law, process)(x, t)
    allowed = 8 * UNIT * condition(law, x) * 4
    assert np.abs(ref.exact_score(law, fast)(x, t / c) - slow).max() <= allowed


Law = Callable[[ref.Step, meta.Case], None]
LAWS: dict[str, tuple[Law, dict[str, ref.Step]]] = {
    "scale": (meta.scale, meta.STEPS),
    "oddness": (meta.oddness, {name: meta.STEPS[name] for name in meta.AMBIENT}),
    "sign": (meta.sign, meta.STEPS),
    "arrangement": (meta.arrangement, meta.STEPS),
    "clock": (meta.clock, meta.STEPS),
    "power": (meta.power, {name: meta.STEPS[name] for name in meta.COVARIANT}),
    "rotation": (meta.rotation, {name: meta.STEPS[name] for name in meta.COVARIANT}),
    "pieces": (pieces, DIVISIBLE),
    # A churned row of no length goes up and comes back: the law is kept, not the state.
    "no time": (no_time, {k: s for k, s in meta.STEPS.items() if not isinstance(s, ref.Churn)}),
    "no noise": (no_noise, meta.STEPS),
}
HERE = meta.Case(
    process=ref.GBM(0.23, 0.7),
    t=0.62,
    dt=0.31,
    noise=0.9,
    x=np.array([[0.4, 1.7], [2.2, 0.9], [1.1, 0.3]]),
    z=np.array([[-0.8, 1.3], [2.4, -0.2], [-3.1, 0.5]]),
    h=np.array([[-1.7, 0.4], [-0.2, -3.3], [1.6, -0.9]]),
    power=-7,
    factor=3.1,
    alpha=-0.5,
    angle=0.8,
    fractions=(0.3, 0.9, 0.5),
)


def test_every_step_is_tried_and_every_law_has_a_step_that_breaks_it() -> None:
    offered = {vars(gbm_ref.steps)[name] for name in gbm_ref.steps.__all__}
    concrete = {kind for kind in offered if "strong_order" in vars(kind)}
    assert {type(step) for step in meta.STEPS.values()} == concrete
    assert {law for law, _ in SPOILT.values()} == {law for law, _ in LAWS.values()}


@pytest.mark.parametrize("name", LAWS)
def test_each_step_obeys(name: str) -> None:
    law, steps = LAWS[name]
    for step in steps.values():
        law(step, HERE)


@settings(derandomize=True, max_examples=100)
@given(case=meta.cases())
def test_any_step_obeys_every_law_anywhere(case: meta.Case) -> None:
    """All laws at each case, since drawing one takes longer than running a step, which is chosen
    by a checksum of the case: so each has its share, where Hypothesis would prefer the first."""
    for name, (law, steps) in LAWS.items():
        chosen = sorted(steps)[crc32((name + repr(case)).encode()) % len(steps)]
        note(f"{name}: {chosen}")
        law(steps[chosen], case)


@pytest.mark.parametrize("name", SPOILT)
def test_broken_steps_are_refused(name: str) -> None:
    law, spoil = SPOILT[name]
    with pytest.raises(AssertionError):
        law(Broken(ref.SignAgnostic() if law is meta.oddness else ref.DaleLangevin(), spoil), HERE)


def test_version_one_s_algorithm_one_breaks_the_law_of_powers() -> None:
    """Without the Jacobian's 1 it is no step for log X: an inversion shows it (claim E2)."""
    for law in (meta.power, meta.rotation):
        with pytest.raises(AssertionError):
            law(meta.STEPS["PrintedAlgorithm1"], HERE)


@settings(derandomize=True, max_examples=100)
@given(case=meta.cases())
def test_forward_and_back_is_the_joint_law(case: meta.Case) -> None:
    """Geweke's check without sampling: X_s then the kernel to X_t, or X_t then the probed step.
    (log X_s, log X_t) has the covariances V_s, V_s, V_t, V = S + v; the kernel adds noise."""
    turn = turning(case.angle)
    cov = turn @ np.diag([0.04, 0.4 * case.factor]) @ turn.T
    data, process = ref.LogNormal([0.4, -0.7], cov), case.process
    late, early = data.diffuse(process, case.t), data.diffuse(process, case.t - case.dt)
    step = ref.Ancestral(cov)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return step(process, lambda x, t: late.hyvarinen_score(x), x, case.t, case.dt, 1.0, z[0])

    found = ref.extract_affine_map(sampler, rows=1, d=2)
    back = found.state @ late.log_cov
    added = found.noise[0] @ found.noise[0].T
    size = 1e-12 * (1 + 0.4 * case.factor)
    mean = found.offset + found.state @ late.log_mean
    np.testing.assert_allclose(mean, early.log_mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(back, early.log_cov, rtol=0, atol=size)
    np.testing.assert_allclose(back @ found.state.T + added, early.log_cov, rtol=0, atol=size)
