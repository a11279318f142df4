"""Calls of `gbm_ref.targets`, `laws`, `gamma_noise`, `divergence`, `mismatch` and `starts`."""

from collections.abc import Callable

import numpy as np

import gbm_ref as ref
from validation.pins import shared
from validation.pins.shared import Adapter, Values, pair


class Scripted(np.random.Generator):
    """A generator whose draws are given, in order: `uniform` picks an index, the others are draws
    of whatever law is asked for."""

    def __init__(self, uniform: float, *draws: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.uniform, self.draws = uniform, list(draws)

    def _next(self, size: tuple[int, ...]) -> np.ndarray:
        count = int(np.prod(size))
        drawn, self.draws = self.draws[:count], self.draws[count:]
        return np.array(drawn).reshape(size)

    def standard_normal(self, size: tuple[int, ...]) -> np.ndarray:
        """The next of the given draws."""
        return self._next(size)

    def standard_gamma(self, shape: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The next of the given draws, whatever the shape."""
        return self._next(size)

    def weibull(self, shape: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The next of the given draws, whatever the shape."""
        return self._next(size)

    def choice(self, n: int, size: int, p: np.ndarray) -> np.ndarray:
        """The index below n in whose part of [0, 1] the uniform draw lies."""
        return np.full(size, np.searchsorted(np.cumsum(p), self.uniform, side="right"))

    def integers(self, n: int, size: int) -> np.ndarray:
        """`choice` with equal parts."""
        return np.full(size, int(self.uniform * n))


Make = Callable[[Values], ref.Target]


def _data_on_line(at: Values) -> ref.PointMasses:
    return ref.PointMasses([[at["p"]], [at["q"]], [at["r"]]], at.get("v", 0.0))


def _line(law: Make) -> Adapter:
    return lambda f, at: f(law(at), [at["x"]])


def _plane(law: Make) -> Adapter:
    return lambda f, at: f(law(at), pair(at))


def _diffused(law: Make, flat: Callable[[ref.Target], list[float]]) -> Adapter:
    return lambda f, at: flat(f(law(at), shared.process(at, 2.0), at["t"]))


def _drawn(law: Make) -> Adapter:
    """One draw on the line, its component or point picked by u."""
    return lambda f, at: f(law(at), 1, Scripted(at["u"], at["z"]))


def _drawn_in_plane(f: Callable, at: Values) -> object:
    """One draw of a law with covariance S I."""
    return f(ref.LogNormal(pair(at, "a"), at["S"]), 1, Scripted(0.0, *pair(at, "z")))


def _mean_and_root(law: Make) -> Adapter:
    """The draw at z = 0, and R R^T from those at the unit vectors, of the first component."""

    def call(f: Callable, at: Values) -> object:
        draws = f(law(at), 3, Scripted(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0))
        root = np.log(draws[1:]) - pair(at, "a")
        return [*draws[0], *(root.T @ root).ravel()]

    return call


SCORES = ("log_score", "hyvarinen_score", "stein_score")
TARGETS: dict[str, Adapter] = {
    "LogNormal.logpdf[2-D]": _plane(shared.in_plane),
    "LogNormal.rvs": _drawn_in_plane,
    "LogNormal.rvs[mean and root]": _mean_and_root(shared.in_plane),
    "LogNormal.diffuse": _diffused(shared.in_plane, shared.flat),
    "LogNormalMixture.logpdf[2-D]": _plane(shared.mixture_in_plane),
    "LogNormalMixture.rvs": _drawn(shared.mixture_on_line),
    "LogNormalMixture.rvs[mean and root]": _mean_and_root(shared.mixture_in_plane),
    "LogNormalMixture.diffuse": _diffused(shared.mixture_in_plane, shared.flat_mixture),
    **{f"LogNormal.{form}[2-D]": _plane(shared.in_plane) for form in SCORES},
    **{f"LogNormalMixture.{form}[2-D]": _plane(shared.mixture_in_plane) for form in SCORES},
    "PointMasses.cdf[data set]": _line(_data_on_line),
    "PointMasses.diffuse": _diffused(shared.data_in_plane, shared.flat_data),
    "PointMasses.rvs": _drawn(_data_on_line),
    **{
        f"PointMasses.{form}": _plane(shared.data_in_plane)
        for form in ("log_score", "stein_score")
    },
}


def _made(name: str, at: Values) -> ref.ProductLaw:
    names = {"Weibull": ("c", "scale"), "BetaPrime": ("a", "b", "scale")}
    return getattr(ref, name)(*(at[key] for key in names.get(name, ("alpha", "beta"))))


def _evaluated(name: str) -> Adapter:
    return lambda f, at: f(_made(name, at), np.array([at["x"]]))


def _drawn_law(name: str) -> Adapter:
    return lambda f, at: f(_made(name, at), 1, Scripted(0.0, at["g"], at.get("u", 0.0)))


def _gamma_marginal(f: Callable, at: Values) -> object:
    law = f(ref.InverseGamma(at["alpha"], at["beta"]), at["L"])
    return [*law.a, *law.b, *law.scale]


def _gamma_posterior(f: Callable, at: Values) -> object:
    law = f([at["x"]], ref.InverseGamma(at["alpha"], at["beta"]), at["L"])
    return [*law.shape, *law.scale]


def _integrated(f: Callable, at: Values, *first: float) -> object:
    return f(*first, at["x"], ref.InverseGamma(at["alpha"], at["beta"]), at["L"])


NAMES = ("Gamma", "InverseGamma", "Weibull", "BetaPrime")
OTHER_LAWS: dict[str, Adapter] = {
    **{f"{n}.{form}": _evaluated(n) for n in NAMES for form in ("log_score", "stein_score")},
    **{f"{n}.rvs": _drawn_law(n) for n in NAMES},
    "gamma_marginal": _gamma_marginal,
    "gamma_posterior": _gamma_posterior,
    "gamma_posterior_moment": lambda f, at: _integrated(f, at, at["p"]).value,
    "gamma_posterior_log_moments": lambda f, at: _integrated(f, at)[:2],
    "gamma_posterior_cdf": lambda f, at: _integrated(f, at, at["y"]).values,
    "gamma_posterior_ppf": lambda f, at: _integrated(f, at, at["q"]),
    "looks_at_log_var": lambda f, at: f(at["v"]),
}


def _moments(at: Values) -> ref.Gaussian:
    """Mean a and covariance C of log X_0."""
    law = shared.in_plane(at, "a", "C")
    return ref.Gaussian(law.log_mean, law.log_cov)


def _price_of_average(f: Callable, at: Values) -> object:
    """The price of a class average with the logarithm b, pushed to the horizon by v = tau."""
    data = shared.in_plane(at, "C", "C")
    process = ref.TimeVaryingGBM(lambda t: 0.1, lambda t: at["tau"] ** 0.5)
    average = ref.LogNormalMixture([1.0], [pair(at, "b")], [0.0])
    pushed = ref.from_class_averages(average, process)
    start = ref.LogNormal(pushed.log_means[0], pushed.log_covs[0])
    return f(start, ref.Gaussian(data.log_mean, data.log_cov), process)


def _best(f: Callable, at: Values) -> object:
    """One channel for each pixel."""
    found = f(_moments(at), shared.process(at, at["T"]), np.array((0, 1)))
    return [*shared.flat(found.start), found.cost]


def _fitted(f: Callable, at: Values) -> object:
    return shared.flat(f(_moments(at), shared.process(at, at["T"]), np.array((0, 1))))


def _moments_of_mixture(f: Callable, at: Values) -> object:
    """Mean and covariance of two parts S and T with shares f and 1 - f."""
    named = {**at, "w1": at["f"], "w2": 1.0 - at["f"]}
    for i in (1, 2):
        named |= {f"a{i}": at[f"S{i}"], f"b{i}": at[f"T{i}"]}
    return shared.flat(f(shared.mixture_in_plane(named)))


def _points(at: Values) -> list[list[float]]:
    """One point p of a class, and q and r of another."""
    return [[at["p"]], [at["q"]], [at["r"]]]


def _pushed_averages(f: Callable, at: Values) -> object:
    law = ref.class_averages(_points(at), [3, 8, 8])
    return shared.flat_mixture(f(law, shared.process(at, at["T"])))


STARTS: dict[str, Adapter] = {
    "terminal_gaussian": lambda f, at: shared.flat(f(_moments(at), shared.process(at, at["T"]))),
    "terminal_mismatch[class average]": _price_of_average,
    "best_start[product]": _best,
    "fitted_lognormal[product]": _fitted,
    "log_moments": _moments_of_mixture,
    "from_class_averages": _pushed_averages,
    "from_data": lambda f, at: shared.flat_data(f(_points(at), shared.process(at, at["T"]))),
    "standard_lognormal": lambda f, at: f(2).logpdf([at["p"], at["q"]]),
}
ADAPTERS = TARGETS | OTHER_LAWS | STARTS
