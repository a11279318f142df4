"""Means, variances, quantiles and marginals of the laws, against integrals and root searches of
mpmath; and where the draws come from."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.cases import generator
from tests.support.problems import BLURRED, DATA_SETS, LOG_NORMALS, MIXTURES, TARGETS, states
from tests.support.refusals import Refusal, check, rows, table

PRODUCTS: dict[str, ref.ProductLaw] = {
    "gamma": ref.Gamma(2.3, 0.7),
    "inverse-gamma": ref.InverseGamma(4.1, 1.3),
    "weibull": ref.Weibull(1.7, 0.6),
    "beta-prime": ref.BetaPrime(2.2, 5.3, 1.4),
}
# Of two coordinates, with the same kinds.
PAIRS: dict[str, ref.ProductLaw] = {
    "gamma": ref.Gamma([2.3, 0.4], [0.7, 2.0]),
    "inverse-gamma": ref.InverseGamma([4.1, 2.5], 1.3),
    "weibull": ref.Weibull([1.7, 0.8], [0.6, 2.0]),
    "beta-prime": ref.BetaPrime([2.2, 0.7], [5.3, 3.1], 1.4),
}
LINES = {k: v for k, v in {**TARGETS, **PRODUCTS}.items() if v.d == 1}
PLANES = {k: v for k, v in {**TARGETS, **PAIRS}.items() if v.d == 2}
LEVELS = np.array([1e-300, 1e-9, 0.03, 0.5, 0.77, 1.0 - 1e-9])


def normal_parts(law: ref.Target) -> list[tuple[mpf, mpf, mpf]]:
    """Weight, mean and variance of the components of log X, d = 1."""
    if isinstance(law, ref.LogNormal):
        triples = [(1.0, law.log_mean[0], law.log_cov[0, 0])]
    elif isinstance(law, ref.LogNormalMixture):
        triples = zip(law.weights, law.log_means[:, 0], law.log_covs[:, 0, 0], strict=True)
    else:
        points = [mpmath.log(mpf(float(p))) for p in law.points[:, 0]]
        triples = [(mpf(1) / len(points), p, law.log_var) for p in points]
    return [tuple(mpf(x) if isinstance(x, mpf) else mpf(float(x)) for x in t) for t in triples]


def mp_moment(law: object, power: int) -> mpf:
    """E[X^power] at 50 digits by integration of the density."""
    with mpmath.workdps(50):
        if isinstance(law, ref.Target):
            parts = normal_parts(law)
            return sum(w * mpmath.exp(power * a + power**2 * v / 2) for w, a, v in parts)
        p = [mpf(float(x[0])) for x in vars(law).values()]
        density = DENSITIES[type(law)]
        return mpmath.quad(lambda x: x**power * density(x, *p), [0, 0.5, 1, 4, 20, mpmath.inf])


DENSITIES: dict[type, Callable[..., mpf]] = {
    ref.Gamma: lambda x, a, r: r**a * x ** (a - 1) * mpmath.exp(-r * x) / mpmath.gamma(a),
    ref.InverseGamma: lambda x, a, s: (
        s**a * x ** (-a - 1) * mpmath.exp(-s / x) / mpmath.gamma(a) if x else mpf(0)
    ),
    ref.Weibull: lambda x, k, s: k / s * (x / s) ** (k - 1) * mpmath.exp(-((x / s) ** k)),
    ref.BetaPrime: lambda x, a, b, s: (
        (x / s) ** (a - 1) * (1 + x / s) ** (-a - b) / s / mpmath.beta(a, b)
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_mean_and_variance_match_mpmath(name: str) -> None:
    law = LINES[name]
    first, second = mp_moment(law, 1), mp_moment(law, 2)
    assert law.mean() == pytest.approx([float(first)], rel=3e-15)
    assert law.var() == pytest.approx([float(second - first**2)], rel=2e-14)


@pytest.mark.parametrize("name", LINES)
def test_the_quantile_inverts_the_distribution_function(name: str) -> None:
    law = LINES[name]
    levels = LEVELS if isinstance(law, ref.Target) else LEVELS[1:]
    x = law.ppf(levels)
    assert x.shape == (len(levels), 1)
    np.testing.assert_allclose(law.cdf(x), levels, rtol=2e-12)
    assert law.ppf(0.0) == 0.0 and law.ppf(1.0) == np.inf
    assert law.ppf(0.5).shape == (1,) and law.ppf([[0.2, 0.3]]).shape == (1, 2, 1)


@pytest.mark.parametrize("name", [k for k, v in LINES.items() if isinstance(v, ref.Target)])
def test_the_quantile_matches_a_root_of_mpmath(name: str) -> None:
    law = LINES[name]
    parts = normal_parts(law)

    def cdf(y: mpf) -> mpf:
        return sum(w * mpmath.ncdf((y - a) / mpmath.sqrt(v)) for w, a, v in parts)

    with mpmath.workdps(50):
        for level, x in zip(LEVELS[2:], law.ppf(LEVELS[2:])[:, 0], strict=True):
            root = mpmath.findroot(lambda y, q=level: cdf(y) - mpf(q), mpmath.log(mpf(x)))
            assert float(abs(mpmath.log(mpf(x)) - root)) < 1e-15 / min(1 - level, 1.0)


def test_a_staircase_has_its_points_for_quantiles() -> None:
    law = DATA_SETS["points-1d"]
    assert law.ppf([0.0, 1e-9, 1 / 3, 0.34, 2 / 3, 0.9, 1.0]).ravel().tolist() == [
        0.0, 0.7, 0.7, 1.9, 1.9, 2.4, 2.4,
    ]  # fmt: skip
    np.testing.assert_allclose(law.mean(), [5.0 / 3.0], rtol=1e-15)
    points = ref.LogNormalMixture([0.25, 0.75], [[0.3], [-0.2]], [0.0, 0.0])
    np.testing.assert_allclose(points.ppf([0.5, 0.76, 1.0])[:, 0], np.exp([-0.2, 0.3, 0.3]))


@pytest.mark.parametrize("name", PLANES)
def test_a_marginal_is_the_law_of_its_coordinates(name: str) -> None:
    law, x = PLANES[name], states(2)
    swapped = law.marginal([1, 0])
    np.testing.assert_allclose(swapped.logpdf(x[:, ::-1]), law.logpdf(x), rtol=1e-12, atol=1e-13)
    each = [law.marginal(i) for i in (0, 1)]
    assert [one.d for one in each] == [1, 1] and isinstance(each[0], type(law))
    for moment in ("mean", "var"):
        parts = [getattr(one, moment)() for one in each]
        np.testing.assert_allclose(np.concatenate(parts), getattr(law, moment)(), rtol=1e-15)


def test_the_marginal_of_a_density_is_its_integral() -> None:
    law, x = MIXTURES["mixture-2d"], 0.8
    y, width = np.linspace(-8.0, 8.0, 4001, retstep=True)
    pairs = np.stack([np.full_like(y, x), np.exp(y)], axis=-1)
    total = np.sum(np.exp(law.logpdf(pairs) + y)) * width
    assert np.exp(law.marginal(0).logpdf([x])) == pytest.approx(total, rel=1e-12)


def test_moments_that_do_not_exist_are_infinite() -> None:
    assert ref.InverseGamma([0.9, 1.5, 2.0], 1.0).mean().tolist() == [np.inf, 2.0, 1.0]
    assert ref.InverseGamma([0.9, 1.5, 2.0], 1.0).var().tolist() == [np.inf] * 3
    assert ref.BetaPrime(1.0, [1.0, 1.5, 3.0]).mean().tolist() == [np.inf, 2.0, 0.5]
    assert np.isinf(ref.BetaPrime(1.0, [1.0, 1.5, 3.0]).var()).tolist() == [True, True, False]
    assert ref.LogNormal([0.0], 1500.0).mean() == np.inf
    assert ref.LogNormalMixture([0.5, 0.5], [[0.0], [0.1]], [1500.0, 0.1]).var() == np.inf


@pytest.mark.parametrize("shape", [0.3, 1.0, 7.9, 8.1, 1e3, 1e7])
def test_the_variance_of_a_narrow_weibull_law_has_its_digits(shape: float) -> None:
    with mpmath.workdps(60):
        k = mpf(shape)
        first, second = (mpmath.gamma(1 + i / k) for i in (1, 2))
        exact = mpf(0.6) ** 2 * (second - first**2)
    assert ref.Weibull(shape, 0.6).var()[0] == pytest.approx(float(exact), rel=2e-13)


DRAWS = {**TARGETS, **PAIRS, "data": DATA_SETS["points-2d"]}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_follow_the_convention_of_scipy(name: str) -> None:
    law = DRAWS[name]
    state = np.random.RandomState  # the kind that a whole number stands for
    for seed in (5, np.int64(5)):
        np.testing.assert_array_equal(law.rvs(3, seed), law.rvs(3, state(5)))
    np.testing.assert_array_equal(law.rvs(2, generator(name)), law.rvs(2, generator(name)))
    before = np.random.mtrand._rand.get_state(legacy=False)
    first = law.rvs(3)
    np.random.mtrand._rand.set_state(before)
    np.testing.assert_array_equal(law.rvs(3, None), first)
    assert law.rvs().shape == (1, law.d)


class Own(ref.Target):
    """A law of one's own with only what is asked of it: exp of a logistic variable."""

    d = 1

    def diffuse(self, process: ref.Process, t: float) -> ref.Target:
        raise ValueError("not closed")

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)[..., 0]
        return -2.0 * np.log1p(x)

    def log_score(self, x: np.ndarray) -> np.ndarray:
        return 1.0 - 2.0 * np.asarray(x) / (1.0 + np.asarray(x))

    def rvs(self, size: int = 1, random_state: object = None) -> np.ndarray:
        return np.ones((size, 1))


class WithCdf(Own):
    """The same with its distribution function."""

    def cdf(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)[..., 0]
        return x / (1.0 + x)


def test_a_law_of_ones_own_needs_five_members() -> None:
    law = Own()
    np.testing.assert_allclose(law.hyvarinen_score([[2.0]]), [[-4.0 / 3.0]])
    np.testing.assert_allclose(law.stein_score([[2.0]]), [[-2.0 / 3.0]])
    for name in ("mean", "var"):
        with pytest.raises(ValueError, match=f"Own has no {name}: define it"):
            getattr(law, name)()
    for call in (lambda: law.cdf([2.0]), lambda: law.ppf(0.3), lambda: law.marginal(0)):
        with pytest.raises(ValueError, match=r"Own has no .*: define it"):
            call()
    levels = np.array([1e-9, 0.3, 0.5, 0.999])
    np.testing.assert_allclose(WithCdf().ppf(levels)[:, 0], levels / (1.0 - levels), rtol=1e-13)
    assert WithCdf().ppf([0.0, 1.0]).ravel().tolist() == [0.0, np.inf]


LINE, PLANE = MIXTURES["mixture-1d"], LOG_NORMALS["log-normal-2d"]
DRAW = {"size": 2, "random_state": generator("refused")}


@table(
    *(
        rows(law.ppf, {"q": 0.3}, ("q", -0.1, "q must lie in"), ("q", 1.1, "q must lie in"),
             ("q", float("nan"), "q must be finite"))
        for law in (LINE, BLURRED["points-1d"], PRODUCTS["gamma"], WithCdf())
    ),
    *(
        rows(law.marginal, {"coordinates": 1}, ("coordinates", 2, "in 0..1"),
             ("coordinates", [], "one index or a list"), ("coordinates", [0, 0], "different"),
             ("coordinates", -1, "in 0..1"), ("coordinates", 0.5, "one index or a list"))
        for law in PLANES.values()
    ),
    *(
        rows(law.rvs, DRAW, ("random_state", -1, "random_state must be"),
             ("random_state", 2**32, "random_state must be"),
             ("random_state", True, "random_state must be"),
             ("random_state", "5", "random_state must be"), ("size", 0, "size must be"))
        for law in (LINE, PLANE, DATA_SETS["points-2d"], *PAIRS.values())
    ),
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_what_is_wrong_is_refused(refusal: Refusal) -> None:
    check(refusal)


@pytest.mark.parametrize("name", PLANES)
def test_a_quantile_is_for_the_line(name: str) -> None:
    with pytest.raises(ValueError, match="ppf is defined for d = 1 only"):
        PLANES[name].ppf(0.3)


# Laws and their variances, which are in range though their naive factors are not.
EXTREME: tuple[tuple[ref.Target | ref.ProductLaw, float], ...] = (
    (ref.LogNormal([-1000.0], 1000.0), 1.0),
    (ref.LogNormal([-900.0], 700.0), 1.9151695967140057e-174),
    (ref.Gamma([1e-300], [1e-200]), 1e100),
    (ref.BetaPrime([1.5], [1e150], [1e200]), 1.5e100),
)


def test_moments_and_quantiles_hold_where_a_naive_product_leaves_the_range() -> None:
    """Squares beyond float64 whose quotient is not, and roots that SciPy does not find."""
    for law, variance in EXTREME:
        assert law.var().item() == pytest.approx(variance, rel=1e-12)
    found = ref.BetaPrime(4.0, 1.5, 0.7).ppf(1e-200).item()
    assert found == pytest.approx(5.588855666169252e-51, rel=1e-14)


@pytest.mark.parametrize("shape", [1.9, 4.26, 5.43, 7.9])
def test_the_variance_of_a_weibull_law_keeps_its_digits_at_every_shape(shape: float) -> None:
    with mpmath.workdps(40):
        first, second = (mpmath.gamma(1 + k / mpmath.mpf(shape)) for k in (1, 2))
        exact = float(second - first**2)
    assert ref.Weibull(shape, 1.0).var().item() == pytest.approx(exact, rel=2e-15)
