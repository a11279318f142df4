"""Distribution functions, quantiles and moments, as functions of scalars (see `oracle`)."""

from gbm_ref.laws import BetaPrime, Gamma, InverseGamma, Weibull
from gbm_ref.likelihood import log_score_divergence
from gbm_ref.starts import class_averages
from gbm_ref.targets import LogNormal, LogNormalMixture, PointMasses
from gbm_ref.vectors._process import Prescribed
from gbm_ref.vectors.records import Implementation


def _mixture(w: float, a1: float, v1: float, a2: float, v2: float) -> LogNormalMixture:
    return LogNormalMixture([w, 1.0 - w], [[a1], [a2]], [v1, v2])


def _points(x1: float, x2: float, m: float, v: float) -> PointMasses:
    return PointMasses([[x1], [x2]]).diffuse(Prescribed(dm=m, dv=v), 1.0)


def _average(x1: float, x2: float) -> float:
    """Of the first class; the second one has a point of its own."""
    return class_averages([[x1], [x2], [3.0]], [0, 0, 1]).log_means[0].item()


DISTRIBUTIONS: dict[str, Implementation] = {
    "gamma_cdf": lambda x, alpha, beta: Gamma(alpha, beta).cdf([x]).item(),
    "inverse_gamma_cdf": lambda x, alpha, beta: InverseGamma(alpha, beta).cdf([x]).item(),
    "weibull_cdf": lambda x, c, scale: Weibull(c, scale).cdf([x]).item(),
    "beta_prime_cdf": lambda x, a, b, scale: BetaPrime(a, b, scale).cdf([x]).item(),
    "mixture_cdf": lambda x, w, a1, v1, a2, v2: _mixture(w, a1, v1, a2, v2).cdf([x]).item(),
    "mixture_log_score_divergence": lambda x, w, a1, v1, a2, v2: log_score_divergence(
        [x], _mixture(w, a1, v1, a2, v2)
    ).item(),
    "point_masses_logpdf": lambda x, x1, x2, m, v: _points(x1, x2, m, v).logpdf([x]).item(),
    "point_masses_cdf": lambda x, x1, x2, m, v: _points(x1, x2, m, v).cdf([x]).item(),
    "class_average_log_mean": _average,
    "log_normal_mean": lambda a, v: LogNormal([a], v).mean().item(),
    "log_normal_var": lambda a, v: LogNormal([a], v).var().item(),
    "mixture_mean": lambda w, a1, v1, a2, v2: _mixture(w, a1, v1, a2, v2).mean().item(),
    "mixture_var": lambda w, a1, v1, a2, v2: _mixture(w, a1, v1, a2, v2).var().item(),
    "point_masses_mean": lambda x1, x2, m, v: _points(x1, x2, m, v).mean().item(),
    "point_masses_var": lambda x1, x2, m, v: _points(x1, x2, m, v).var().item(),
    "gamma_var": lambda alpha, beta: Gamma(alpha, beta).var().item(),
    "inverse_gamma_var": lambda alpha, beta: InverseGamma(alpha, beta).var().item(),
    "beta_prime_var": lambda a, b, scale: BetaPrime(a, b, scale).var().item(),
    "weibull_mean": lambda c, scale: Weibull(c, scale).mean().item(),
    "weibull_var": lambda c, scale: Weibull(c, scale).var().item(),
    "log_normal_marginal_logpdf": lambda x, a1, a2, c11, c12, c22: (
        LogNormal([a1, a2], [[c11, c12], [c12, c22]]).marginal(1).logpdf([x]).item()
    ),
    "log_normal_ppf": lambda q, a, v: LogNormal([a], v).ppf(q).item(),
    "mixture_ppf": lambda q, w, a1, v1, a2, v2: _mixture(w, a1, v1, a2, v2).ppf(q).item(),
    "point_masses_ppf": lambda q, x1, x2, m, v: _points(x1, x2, m, v).ppf(q).item(),
    "gamma_ppf": lambda q, alpha, beta: Gamma(alpha, beta).ppf(q).item(),
    "inverse_gamma_ppf": lambda q, alpha, beta: InverseGamma(alpha, beta).ppf(q).item(),
    "weibull_ppf": lambda q, c, scale: Weibull(c, scale).ppf(q).item(),
    "beta_prime_ppf": lambda q, a, b, scale: BetaPrime(a, b, scale).ppf(q).item(),
}
"""The third part of `oracle.ORACLE`."""
