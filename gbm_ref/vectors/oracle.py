"""How the functions of the vectors are computed by the public functions of `gbm_ref`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from gbm_ref._checks import Array
from gbm_ref.divergence import Gaussian, kl_divergence
from gbm_ref.gamma_noise import (
    gamma_ancestral_step,
    gamma_chain_step,
    gamma_conditional_hyvarinen_score,
    gamma_denoiser,
    gamma_log_moments,
    gamma_noise_sample,
)
from gbm_ref.grids import uniform
from gbm_ref.laws import BetaPrime, Gamma, InverseGamma, Weibull
from gbm_ref.mirror import (
    ENTROPY,
    EUCLIDEAN,
    bregman,
    exponentiated_gradient_step,
    gradient_step,
    mirrored_langevin_step,
)
from gbm_ref.process import VarianceExploding
from gbm_ref.scores import (
    conditional_hyvarinen_score,
    conditional_logpdf,
    denoiser,
    exact_score,
    hyvarinen_from_denoiser,
    hyvarinen_from_noise,
    noise_from_hyvarinen,
    stein_from_hyvarinen,
)
from gbm_ref.simulation import simulate
from gbm_ref.steps import (
    DDIM,
    AmbientMarginalPreserving,
    AmbientMilstein,
    Ancestral,
    Churn,
    Corrector,
    DaleLangevin,
    DPMSolver,
    MarginalPreserving,
    ProbabilityFlow,
    SignAgnostic,
    Step,
)
from gbm_ref.targets import LogNormal, LogNormalMixture, PointMasses
from gbm_ref.vectors._between_times import BETWEEN_TIMES
from gbm_ref.vectors._distributions import DISTRIBUTIONS
from gbm_ref.vectors._laws import LAWS
from gbm_ref.vectors._process import Prescribed
from gbm_ref.vectors.records import Implementation, Report, verify_rows
from gbm_ref.vectors.store import load


def _kernel(m: float, v: float) -> Prescribed:
    return Prescribed(dm=m, dv=v)


def _conditional_score(x: float, x0: float, m: float, v: float) -> Array:
    return conditional_hyvarinen_score([x], [x0], _kernel(m, v), 1.0)


def _mixture(w: float, a1: float, v1: float, a2: float, v2: float) -> LogNormalMixture:
    return LogNormalMixture([w, 1.0 - w], [[a1], [a2]], [v1, v2])


def _two_points(x: float, x1: float, x2: float, m: float, v: float) -> float:
    return PointMasses([[x1], [x2]]).diffuse(_kernel(m, v), 1.0).hyvarinen_score([x]).item()


def _one_step(
    step: Step, process: Prescribed, x: float, h: float, noise: float, z: float | None
) -> float:
    """One step of `step` from t = 1 to s with the score h."""
    draws = None if z is None else np.array([z])
    score = lambda state, t: np.full_like(state, h)  # noqa: E731
    return step(process, score, [x], 1.0, 1.0 - process.s, noise, draws).item()


def _stepping(step: Step) -> Callable[[float, float, float, float, float, float], float]:
    def take(x: float, h: float, z: float, dm: float, dv: float, kappa: float) -> float:
        return _one_step(step, Prescribed(dm, dv), x, h, kappa, z)

    return take


def _heun(
    x: float, dm: float, dv: float, v_s: float, a_t: float, b_t: float, a_s: float, b_s: float
) -> float:
    def score(state: Array, t: float) -> Array:
        a, b = (a_t, b_t) if t == 1.0 else (a_s, b_s)
        return a - b * np.log(state) - 1.0

    process = Prescribed(dm, dv, v_s)
    return ProbabilityFlow()(process, score, [x], 1.0, 1.0 - process.s, 1.0, None).item()


def _second_order(
    x: float, h: float, m: float, v: float, t: float, dt: float, t1: float, d1: float
) -> float:
    return _remembering(2, x, h, m, v, t, dt, (t1, d1))


def _third_order(
    x: float, h: float, m: float, v: float, t: float, dt: float,
    t1: float, d1: float, t2: float, d2: float,
) -> float:  # fmt: skip
    return _remembering(3, x, h, m, v, t, dt, (t1, d1), (t2, d2))


def _remembering(
    order: int, x: float, h: float, m: float, v: float, t: float, dt: float,
    *rows: tuple[float, float],
) -> float:  # fmt: skip
    past = tuple((time, np.array([denoised])) for time, denoised in rows)
    score = lambda state, t: np.full_like(state, h)  # noqa: E731
    step = DPMSolver(order)
    return step.with_past(_kernel(m, v), score, [x], t, dt, 1.0, None, past)[0].item()


def _walking(step: Step) -> Implementation:
    def walk(x_T: float, a: float, v0: float, m: float, v: float, z: tuple[float, ...]) -> float:
        process, target = _kernel(m, v), LogNormal([a], v0)
        score = lambda x, t: exact_score(target, process)(np.abs(x), t)  # noqa: E731
        rows = uniform(8)[: len(z)]
        return simulate(step, process, score, [x_T], rows, np.array(z)[:, None]).item()

    return walk


_ORACLE: dict[str, Implementation] = {
    "forward_sample": lambda x0, m, v, z: _kernel(m, v).sample([x0], 1.0, [z]).item(),
    "conditional_hyvarinen_score": lambda x, x0, m, v: _conditional_score(x, x0, m, v).item(),
    "conditional_stein_score": lambda x, x0, m, v: stein_from_hyvarinen(
        [x], _conditional_score(x, x0, m, v)
    ).item(),
    "conditional_logpdf": lambda x, x0, m, v: conditional_logpdf(
        [x], [x0], _kernel(m, v), 1.0
    ).item(),
    "exploding_log_var": lambda lo, hi, t: VarianceExploding(lo, hi).log_var(t),
    "exploding_diffusion": lambda lo, hi, t: VarianceExploding(lo, hi).diffusion(t),
    "exploding_time_at_log_var": lambda lo, hi, v: VarianceExploding(lo, hi).time_at_log_var(v),
    "log_normal_logpdf": lambda x, a, v: LogNormal([a], v).logpdf([x]).item(),
    "log_normal_log_score": lambda x, a, v: LogNormal([a], v).log_score([x]).item(),
    "log_normal_hyvarinen_score": lambda x, a, v: LogNormal([a], v).hyvarinen_score([x]).item(),
    "log_normal_stein_score": lambda x, a, v: LogNormal([a], v).stein_score([x]).item(),
    "log_normal_cdf": lambda x, a, v: LogNormal([a], v).cdf([x]).item(),
    "mixture_logpdf": lambda x, w, a1, v1, a2, v2: _mixture(w, a1, v1, a2, v2).logpdf([x]).item(),
    "mixture_hyvarinen_score": lambda x, w, a1, v1, a2, v2: (
        _mixture(w, a1, v1, a2, v2).hyvarinen_score([x]).item()
    ),
    "point_masses_hyvarinen_score": _two_points,
    "denoiser": lambda x, h, m, v: denoiser([x], [h], _kernel(m, v), 1.0).item(),
    "hyvarinen_from_denoiser": lambda x, d, m, v: hyvarinen_from_denoiser(
        [x], [d], _kernel(m, v), 1.0
    ).item(),
    "noise_from_hyvarinen": lambda h, v: noise_from_hyvarinen([h], _kernel(0.0, v), 1.0).item(),
    "hyvarinen_from_noise": lambda n, v: hyvarinen_from_noise([n], _kernel(0.0, v), 1.0).item(),
    "sign_agnostic_step": _stepping(SignAgnostic()),
    "ambient_milstein_step": _stepping(AmbientMilstein()),
    "dale_langevin_step": _stepping(DaleLangevin()),
    "marginal_preserving_step": _stepping(MarginalPreserving()),
    "ambient_marginal_preserving_step": _stepping(AmbientMarginalPreserving()),
    "corrector_step": lambda x, h, z, dv, kappa: _one_step(
        Corrector(), Prescribed(0.0, dv), x, h, kappa, z
    ),
    "ancestral_step": lambda x, h, dm, dv, v_s, z, c, kappa: _one_step(
        Ancestral(c), Prescribed(dm, dv, v_s), x, h, kappa, z
    ),
    "ddim_step": lambda x, h, dm, dv, v_s: _one_step(
        DDIM(), Prescribed(dm, dv, v_s), x, h, 1.0, None
    ),
    "churned_ddim_step": lambda x, h, z, m, v, t, dt, gamma, kappa: Churn(DDIM(), gamma)(
        _kernel(m, v), lambda state, t: np.full_like(state, h), [x], t, dt, kappa, [z]
    ).item(),
    "probability_flow_step": _heun,
    "multistep_second_order": _second_order,
    "multistep_third_order": _third_order,
    "dale_langevin_path": _walking(DaleLangevin()),
    "sign_agnostic_path": _walking(SignAgnostic()),
    "mirrored_langevin_step": lambda x, s, delta, z: mirrored_langevin_step(
        [x], [s], delta, [z]
    ).item(),
    "exponentiated_gradient_step": lambda w, g, eta: exponentiated_gradient_step(
        [w], [g], eta
    ).item(),
    "gradient_step": lambda w, g, eta: gradient_step([w], [g], eta).item(),
    "bregman_entropy": lambda w, r: bregman(ENTROPY, [w], [r]).item(),
    "bregman_euclidean": lambda w, r: bregman(EUCLIDEAN, [w], [r]).item(),
    "gaussian_kl": lambda mean_p, var_p, mean_q, var_q: kl_divergence(
        Gaussian(np.array([mean_p]), np.array([[var_p]])),
        Gaussian(np.array([mean_q]), np.array([[var_q]])),
    ),
    "gamma_noise_sample": lambda x0, L, g: gamma_noise_sample([x0], L, [g]).item(),
    "gamma_conditional_hyvarinen_score": lambda x, x0, L: gamma_conditional_hyvarinen_score(
        [x], [x0], L
    ).item(),
    "gamma_denoiser": lambda x, h, L: gamma_denoiser([x], [h], L).item(),
    "gamma_log_mean": lambda L: gamma_log_moments(L)[0].item(),
    "gamma_log_var": lambda L: gamma_log_moments(L)[1].item(),
    "gamma_chain_step": lambda x, L, M, b: gamma_chain_step([x], L, M, [b]).item(),
    "gamma_ancestral_step": lambda x, x0, L, M, g: gamma_ancestral_step(
        [x], [x0], L, M, [g]
    ).item(),
    "gamma_hyvarinen_score": lambda x, alpha, beta: Gamma(alpha, beta).hyvarinen_score([x]).item(),
    "inverse_gamma_hyvarinen_score": lambda x, alpha, beta: (
        InverseGamma(alpha, beta).hyvarinen_score([x]).item()
    ),
    "weibull_hyvarinen_score": lambda x, c, scale: Weibull(c, scale).hyvarinen_score([x]).item(),
    "beta_prime_hyvarinen_score": lambda x, a, b, scale: (
        BetaPrime(a, b, scale).hyvarinen_score([x]).item()
    ),
    "gamma_logpdf": lambda x, alpha, beta: Gamma(alpha, beta).logpdf([x]).item(),
    "inverse_gamma_logpdf": lambda x, alpha, beta: InverseGamma(alpha, beta).logpdf([x]).item(),
    "weibull_logpdf": lambda x, c, scale: Weibull(c, scale).logpdf([x]).item(),
    "beta_prime_logpdf": lambda x, a, b, scale: BetaPrime(a, b, scale).logpdf([x]).item(),
    **LAWS,
    **DISTRIBUTIONS,
    **BETWEEN_TIMES,
}
ORACLE: Mapping[str, Implementation] = MappingProxyType(_ORACLE)
"""For each function of the vectors, a callable of its arguments that uses `gbm_ref` alone."""


def verify_oracle(name: str) -> Report:
    """Judge the functions of `gbm_ref` that compute `name`.

    Raises ValueError for an unknown function or a changed file.
    """
    return verify_rows(name, load(name), ORACLE[name])
