"""Calls of `gbm_ref.kernel`, of `CoordinateGBM`, of moments, quantiles and marginals, and of
`gbm_ref.line`."""

from collections.abc import Callable

import numpy as np

import gbm_ref as ref
from validation.pins import shared
from validation.pins.shared import Adapter, Values, pair


def _ends(at: Values) -> tuple:
    return [at["x_r"]], [at["x_t"]], shared.process(at), at["r"], at["s"], at["t"]


def _both(at: Values) -> ref.CoordinateGBM:
    return ref.CoordinateGBM(pair(at, "mu"), pair(at, "sigma"))


def _same(at: Values) -> ref.CoordinateGBM:
    """Two coordinates with the rates of a point."""
    return ref.CoordinateGBM([at.get("mu", 0.0)] * 2, [at["sigma"]] * 2)


def _kernel(at: Values) -> tuple:
    return [at["x_r"]], shared.process(at), at["r"], at["t"]


def _two_times(f: Callable, at: Values) -> object:
    law = f(ref.LogNormal([0.3], at["S"]), ref.GBM(0.1, at["sigma"]), at["s"], at["t"])
    return law.log_cov.ravel()


KERNELS: dict[str, Adapter] = {
    "bridge_law": lambda f, at: shared.flat(f(*_ends(at))),
    "bridge_sample": lambda f, at: f(*_ends(at), [at["z"]]),
    "kernel_law": lambda f, at: shared.flat(f(*_kernel(at))),
    "kernel_sample": lambda f, at: f(*_kernel(at), [at["z"]]),
    "two_time_law": _two_times,
    "CoordinateGBM.log_means": lambda f, at: f(_both(at), at["t"]),
    "CoordinateGBM.log_vars": lambda f, at: f(_both(at), at["t"]),
    "CoordinateGBM.increments_of_each": lambda f, at: np.ravel(f(_both(at), at["t"], at["t"])),
    "CoordinateGBM.sample": lambda f, at: f(_both(at), pair(at), at["t"], pair(at, "z")),
    "CoordinateGBM.increments": lambda f, at: f(_same(at), at["t"], at["t"]),
    "CoordinateGBM.time_at_log_var": lambda f, at: f(_same(at), at["v"]),
    **{
        f"CoordinateGBM.{name}": lambda f, at: f(_same(at), at["t"])
        for name in ("drift", "diffusion", "log_mean", "log_var")
    },
}


def _line(at: Values) -> ref.LogNormal:
    return ref.LogNormal([at["a"]], at["S"])


def _points(at: Values) -> ref.PointMasses:
    return ref.PointMasses([[at["p"]], [at["r"]]], at["v"])


MAKERS: dict[str, Callable[[Values], object]] = {
    "LogNormal": _line,
    "LogNormalMixture": shared.mixture_on_line,
    "PointMasses": _points,
    "Gamma": lambda at: ref.Gamma(at["k"], at["c"]),
    "InverseGamma": lambda at: ref.InverseGamma(at["k"], at["c"]),
    "Weibull": lambda at: ref.Weibull(at["k"], at["c"]),
    "BetaPrime": lambda at: ref.BetaPrime(at["k"], at["b"], at["c"]),
}
_LAWS: dict[str, Adapter] = {
    f"{name}.{method}": lambda f, at, make=make: f(make(at))
    for name, make in MAKERS.items()
    for method in ("mean", "var")
}
_QUANTILES: dict[str, Adapter] = {
    f"{name}.ppf": lambda f, at, make=make: f(make(at), at["q"]) for name, make in MAKERS.items()
}


def _plane(at: Values) -> tuple[list[float], np.ndarray]:
    return pair(at, "a"), np.diag([at["S11"], at["S22"]])


def _of_mixture(f: Callable, at: Values) -> list[float]:
    """The second component is of another law, so that only the first is compared."""
    mean, cov = _plane(at)
    law = f(ref.LogNormalMixture([0.5, 0.5], [mean, [9.0, 9.0]], [cov, np.eye(2)]), 1)
    return [law.log_means[0, 0], law.log_covs[0, 0, 0]]


def _of_law(name: str) -> Adapter:
    """Of a law of two coordinates with shapes and scales of its own."""
    kind = getattr(ref, name)

    def call(f: Callable, at: Values) -> list[float]:
        if name == "BetaPrime":
            law = f(kind(pair(at, "k"), 1.5, pair(at, "c")), 1)
            return [law.a[0], law.scale[0]]
        return [value[0] for value in vars(f(kind(pair(at, "k"), pair(at, "c")), 1)).values()]

    return call


_MARGINALS: dict[str, Adapter] = {
    "LogNormal.marginal": lambda f, at: shared.flat(f(ref.LogNormal(*_plane(at)), 1)),
    "LogNormalMixture.marginal": _of_mixture,
    "PointMasses.marginal": lambda f, at: shared.flat_data(
        f(ref.PointMasses([pair(at, "p")], at["v"]), 1)
    ),
    **{
        f"{name}.marginal": _of_law(name)
        for name in ("Gamma", "InverseGamma", "Weibull", "BetaPrime")
    },
}


def _affine_error(f: Callable, at: Values) -> float:
    """The bound for data N(0.2, S) and a score that is wrong by c0 + c1 times the deviation."""
    data, process = ref.LogNormal([0.2], at["S"]), ref.GBM(0.3, at["sigma"])
    exact = ref.exact_score(data, process)

    def model(x: np.ndarray, t: float) -> np.ndarray:
        deviation = np.log(x) - data.diffuse(process, t).log_mean
        return exact(x, t) + at["c0"] + at["c1"] * deviation

    return f(model, data, process, data.diffuse(process, 1.0)).value


def _row(at: Values) -> tuple:
    """Half of the way in one step, from a normal law of log X."""
    grid = (ref.Row(1.0, 0.5, 1.0),)
    start = ref.LogNormal([at["M"]], at["V"])
    return ref.DaleLangevin(), ref.LogNormal([0.0], at["S"]), shared.process(at), grid, start


ON_THE_LINE: dict[str, Adapter] = {
    **{
        name: lambda f, at: (
            f(ref.LogNormal([0.2], at["S"]), ref.GBM(0.3, at["sigma"]), at["t"]).value
        )
        for name in ("fisher_information", "m_dsm_floor")
    },
    "score_error_bound": _affine_error,
    "sampler_moments": lambda f, at: f(*_row(at))[:2],
    "sampler_average": lambda f, at: f(np.square, *_row(at)).value,
    "sampler_cdf": lambda f, at: f(at["x"], *_row(at)).values,
}
ADAPTERS = ON_THE_LINE | KERNELS | _LAWS | _QUANTILES | _MARGINALS
