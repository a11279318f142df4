"""Distribution functions and what rests on them, as functions of scalars (see `oracle`)."""

from dataclasses import dataclass

from gbm_ref.kernel import bridge_law
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


@dataclass(frozen=True)
class _TwoParts(Prescribed):
    """m1 and a up to t = 1/2, m2 and b from there to t = 1."""

    before: tuple[float, float] = (0.0, 1.0)

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """Those of the half that ends at t."""
        return self.before if t == 0.5 else (self.dm, self.dv)


def _bridge(x0: float, x1: float, m1: float, a: float, m2: float, b: float) -> LogNormal:
    process = _TwoParts(dm=m2, dv=b, before=(m1, a))
    return bridge_law([x0], [x1], process, 0.0, 0.5, 1.0)


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
    "bridge_log_mean": lambda x0, x1, m1, a, m2, b: _bridge(x0, x1, m1, a, m2, b).log_mean.item(),
    "bridge_log_var": lambda a, b: _bridge(1.0, 1.0, 0.0, a, 0.0, b).log_cov.item(),
    "mixture_mean": lambda w, a1, v1, a2, v2: _mixture(w, a1, v1, a2, v2).mean().item(),
    "mixture_var": lambda w, a1, v1, a2, v2: _mixture(w, a1, v1, a2, v2).var().item(),
}
"""The third part of `oracle.ORACLE`."""
