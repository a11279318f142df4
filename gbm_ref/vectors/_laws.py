"""Likelihoods, posteriors, starts and laws of samplers, as functions of scalars (see `oracle`)."""

import numpy as np

from gbm_ref._checks import Array
from gbm_ref.closed_forms import (
    ancestral_law,
    annealed_limit_law,
    dale_langevin_law,
    euler_flow_law,
    inner_loop_law,
    path_divergence,
)
from gbm_ref.divergence import Gaussian, kl_divergence
from gbm_ref.flips import log_average_flip_probability, log_flip_probability
from gbm_ref.grids import Row
from gbm_ref.likelihood import bits_per_dim, exact_log_likelihood
from gbm_ref.line import fisher_information, m_dsm_floor, score_error_bound
from gbm_ref.mirror import mirrored_langevin_law
from gbm_ref.mismatch import best_start, terminal_mismatch
from gbm_ref.objectives import LikelihoodWeighting
from gbm_ref.posterior import (
    log_posterior_moment,
    posterior_log_cov,
    posterior_log_mean,
    posterior_weights,
)
from gbm_ref.process import PiecewiseGBM, VarianceExploding
from gbm_ref.scores import exact_score
from gbm_ref.starts import fitted_lognormal, log_moments
from gbm_ref.steps import Score
from gbm_ref.targets import LogNormal, LogNormalMixture, PointMasses
from gbm_ref.vectors._process import Constant, Prescribed
from gbm_ref.vectors.records import Implementation


def _kernel(m: float, v: float) -> Prescribed:
    return Prescribed(dm=m, dv=v)


def _line(mean: float, var: float) -> Gaussian:
    return Gaussian(np.array([mean]), np.array([[var]]))


def _plane(a1: float, a2: float, c11: float, c12: float, c22: float) -> Gaussian:
    return Gaussian(np.array([a1, a2]), np.array([[c11, c12], [c12, c22]]))


def _mixture(w: float, a1: float, v1: float, a2: float, v2: float) -> LogNormalMixture:
    return LogNormalMixture([w, 1.0 - w], [[a1], [a2]], [v1, v2])


def _only(values: Array) -> float:
    return float(values.item())


def _average_flip(v0: float, v_s: float, dm: float, dv: float, kappa: float) -> float:
    process, target = Prescribed(dm, dv, v_s), LogNormal([0.0], v0)
    return _only(log_average_flip_probability(target, process, 1.0, 1.0 - process.s, kappa))


def _likelihood(
    x: float, a: float, v0: float, v_s: float, dm: float, dv: float, b: float, q: float
) -> float:
    process = Prescribed(dm, dv, v_s)
    target, terminal = LogNormal([a], v0), LogNormal([b], q)
    return _only(exact_log_likelihood([x], target, process, terminal, process.s))


def _mixture_moment(
    x: float, w: float, a1: float, v1: float, a2: float, v2: float, m: float, v: float, p: float
) -> float:
    target = _mixture(w, a1, v1, a2, v2)
    return _only(log_posterior_moment([x], target, _kernel(m, v), 1.0, p))


def _point_weight(x: float, x1: float, x2: float, m: float, v: float) -> float:
    target = PointMasses([[x1], [x2]])
    return float(posterior_weights([x], target, _kernel(m, v), 1.0)[0])


def _mismatch(
    a1: float, a2: float, c11: float, c12: float, c22: float, m: float, v: float,
    b1: float, b2: float, q11: float, q12: float, q22: float,
) -> float:  # fmt: skip
    start = LogNormal([b1, b2], [[q11, q12], [q12, q22]])
    return terminal_mismatch(start, _plane(a1, a2, c11, c12, c22), _kernel(m, v))


def _fitted(a1: float, a2: float, c1: float, c2: float, m: float, v: float) -> LogNormal:
    return fitted_lognormal(_plane(a1, a2, c1, 0.0, c2), _kernel(m, v))


def _loop(
    a: float, v0: float, v_s: float, dm: float, dv: float, n: float, kappa: float,
    before: Gaussian,
) -> Gaussian:  # fmt: skip
    process = Prescribed(dm, dv, v_s)
    row = Row(1.0, 1.0 - process.s, kappa)
    return inner_loop_law(LogNormal([a], v0), process, row, int(n), before)


def _piecewise(s1: float, s2: float, s3: float) -> PiecewiseGBM:
    return PiecewiseGBM([s1, s2, s3], horizon=3.0)


def _drifting(mu1: float, mu2: float, mu3: float, s1: float, s2: float, s3: float) -> PiecewiseGBM:
    return PiecewiseGBM([s1, s2, s3], [mu1, mu2, mu3], horizon=3.0)


def _bound(v0: float, v: float, c0: float, c1: float) -> float:
    """Of a model whose score is wrong by c0 + c1 log x, log X_t having mean 0 throughout."""
    data, process = LogNormal([0.0], v0), _kernel(0.0, v)
    exact = exact_score(data, process)
    model: Score = lambda x, t: exact(x, t) - (c0 + c1 * np.log(x))  # noqa: E731
    return score_error_bound(model, data, process, data.diffuse(process, 1.0)).value


LAWS: dict[str, Implementation] = {
    "fisher_information_in_the_plane": lambda c11, c12, c22, v: (
        (
            fisher_information(
                LogNormal([0.0, 0.0], [[c11, c12], [c12, c22]]), _kernel(0.0, v), 1.0
            )
        ).value
    ),
    "m_dsm_floor": lambda c, v: m_dsm_floor(LogNormal([0.0], c), _kernel(0.0, v), 1.0).value,
    "likelihood_weighting": lambda lo, hi, v: LikelihoodWeighting(VarianceExploding(lo, hi))(v),
    "score_error_bound": _bound,
    "log_flip_probability": lambda h, dm, dv, kappa: _only(
        log_flip_probability(Prescribed(dm, dv), h, 1.0, 1.0, kappa)
    ),
    "log_average_flip_probability": _average_flip,
    "exact_log_likelihood": _likelihood,
    "bits_per_dim": lambda L, d, cell: _only(bits_per_dim(L, int(d), cell)),
    "log_normal_posterior_log_mean": lambda x, a, v0, m, v: _only(
        posterior_log_mean([x], LogNormal([a], v0), _kernel(m, v), 1.0)
    ),
    "log_normal_posterior_log_var": lambda v0, v: _only(
        posterior_log_cov([1.0], LogNormal([0.0], v0), _kernel(0.0, v), 1.0)
    ),
    "log_normal_log_posterior_moment": lambda x, a, v0, m, v, p: _only(
        log_posterior_moment([x], LogNormal([a], v0), _kernel(m, v), 1.0, p)
    ),
    "mixture_posterior_log_mean": lambda x, w, a1, v1, a2, v2, m, v: _only(
        posterior_log_mean([x], _mixture(w, a1, v1, a2, v2), _kernel(m, v), 1.0)
    ),
    "mixture_posterior_log_var": lambda x, w, a1, v1, a2, v2, m, v: _only(
        posterior_log_cov([x], _mixture(w, a1, v1, a2, v2), _kernel(m, v), 1.0)
    ),
    "mixture_log_posterior_moment": _mixture_moment,
    "point_masses_posterior_weight": _point_weight,
    "mixture_log_mean": lambda w, a1, v1, a2, v2: _only(
        log_moments(_mixture(w, a1, v1, a2, v2)).mean
    ),
    "mixture_log_var": lambda w, a1, v1, a2, v2: _only(
        log_moments(_mixture(w, a1, v1, a2, v2)).cov
    ),
    "fitted_lognormal_log_mean": lambda a1, a2, c1, c2, m, v: float(
        _fitted(a1, a2, c1, c2, m, v).log_mean[0]
    ),
    "fitted_lognormal_log_var": lambda a1, a2, c1, c2, m, v: float(
        _fitted(a1, a2, c1, c2, m, v).log_cov[1, 1]
    ),
    "gaussian_kl_in_the_plane": lambda a1, a2, p11, p12, p22, b1, b2, q11, q12, q22: kl_divergence(
        _plane(a1, a2, p11, p12, p22), _plane(b1, b2, q11, q12, q22)
    ),
    "terminal_mismatch": _mismatch,
    "best_start_cost": lambda a1, a2, c11, c12, c22, v: (
        best_start(_plane(a1, a2, c11, c12, c22), _kernel(0.0, v)).cost
    ),
    "dale_langevin_law_log_mean": lambda a, v0, m, v, n, b: _only(
        dale_langevin_law(LogNormal([a], v0), Constant(m=m, v=v), int(n), _line(b, 1.0)).mean
    ),
    "dale_langevin_law_log_var": lambda v0, v, n, q: _only(
        dale_langevin_law(LogNormal([0.0], v0), Constant(v=v), int(n), _line(0.0, q)).cov
    ),
    "ancestral_law_log_var": lambda v0, v, n, q: _only(
        ancestral_law(LogNormal([0.0], v0), Constant(v=v), int(n), _line(0.0, q)).cov
    ),
    "euler_flow_law_log_mean": lambda a, v0, m, v, n, b: _only(
        euler_flow_law(LogNormal([a], v0), Constant(m=m, v=v), int(n), _line(b, 1.0)).mean
    ),
    "euler_flow_law_log_var": lambda v0, v, n, q: _only(
        euler_flow_law(LogNormal([0.0], v0), Constant(v=v), int(n), _line(0.0, q)).cov
    ),
    "inner_loop_law_log_mean": lambda a, v0, v_s, dm, dv, n, b: _only(
        _loop(a, v0, v_s, dm, dv, n, 1.0, _line(b, 1.0)).mean
    ),
    "inner_loop_law_log_var": lambda v0, v_s, dv, n, kappa, q: _only(
        _loop(0.0, v0, v_s, 0.0, dv, n, kappa, _line(0.0, q)).cov
    ),
    "annealed_limit_law_log_mean": lambda a, v0, m, v, rho, b: _only(
        annealed_limit_law(LogNormal([a], v0), Constant(m=m, v=v), _line(b, 1.0), rho).mean
    ),
    "annealed_limit_law_log_var": lambda v0, v, rho, q: _only(
        annealed_limit_law(LogNormal([0.0], v0), Constant(v=v), _line(0.0, q), rho).cov
    ),
    "path_divergence": lambda v0, v, n: path_divergence(
        LogNormal([0.0], v0), Constant(v=v), int(n)
    ),
    "mirrored_langevin_law_log_mean": lambda a, lam, delta, n, b: _only(
        mirrored_langevin_law([a], lam, delta, int(n), _line(b, 1.0)).mean
    ),
    "mirrored_langevin_law_log_var": lambda lam, delta, n, q: _only(
        mirrored_langevin_law([0.0], lam, delta, int(n), _line(0.0, q)).cov
    ),
    "piecewise_log_mean": lambda mu1, mu2, mu3, s1, s2, s3, t: _drifting(
        mu1, mu2, mu3, s1, s2, s3
    ).log_mean(t),
    "piecewise_log_var": lambda s1, s2, s3, t: _piecewise(s1, s2, s3).log_var(t),
    "piecewise_log_mean_increment": lambda mu1, mu2, mu3, s1, s2, s3, t, dt: _drifting(
        mu1, mu2, mu3, s1, s2, s3
    ).increments(t, dt)[0],
    "piecewise_log_var_increment": lambda s1, s2, s3, t, dt: _piecewise(s1, s2, s3).increments(
        t, dt
    )[1],
}
"""The second part of `oracle.ORACLE`."""
