"""Calls of `gbm_ref.scores`, `posterior`, `likelihood` and `objectives`."""

from collections.abc import Callable

import numpy as np

import gbm_ref as ref
from validation.pins import shared
from validation.pins.shared import Adapter, Values, pair


def _of(*names: str) -> Adapter:
    """f of the named values, each an array of one number."""
    return lambda f, at: f(*([at[name]] for name in names))


def _exact_score(f: Callable, at: Values) -> object:
    return f(shared.in_plane(at), shared.process(at))(np.array(pair(at)), at["t"])


SCORES: dict[str, Adapter] = {
    "hyvarinen_from_stein": _of("x", "S"),
    "stein_from_hyvarinen": _of("x", "h"),
    "log_score_from_hyvarinen": _of("h"),
    "hyvarinen_from_log_score": _of("s"),
    "exact_score": _exact_score,
}


def _guided_score(f: Callable, at: Values) -> object:
    return f(lambda x, t: x * at["hc"], lambda x, t: x * at["hu"], at["w"])(np.ones(1), 0.3)


def _guided_flow(f: Callable, at: Values, *place: float) -> object:
    """A function of the flow with the guided score of N(a, Vc) and N(a, Vu), from N(b, B)."""
    process = shared.process(at, at["T"])
    parts = (ref.exact_score(shared.on_line(at, "a", var), process) for var in ("Vc", "Vu"))
    return f(*place, ref.guided_score(*parts, at["w"]), process, shared.on_line(at, "b", "B"))


GUIDANCE: dict[str, Adapter] = {
    "guided_score": _guided_score,
    "flow_cdf": lambda f, at: _guided_flow(f, at, at["x"]),
    "flow_ppf": lambda f, at: _guided_flow(f, at, at["q"]),
    "flow_moments": lambda f, at: list(_guided_flow(f, at))[:2],
}


def _posterior(f: Callable, at: Values, *more: float) -> object:
    law = shared.mixture_in_plane(at)
    return f(pair(at), law, shared.process(at, 2.0), at["t"], *more)


def _posterior_of_log_normal(f: Callable, at: Values) -> object:
    """Mean and covariance of the returned law, for the first component as the data."""
    return shared.flat(f(pair(at), shared.in_plane(at), shared.process(at, 2.0), at["t"]))


POSTERIOR: dict[str, Adapter] = {
    "posterior_weights": _posterior,
    "posterior_law[mixture]": lambda f, at: shared.flat_mixture(_posterior(f, at)),
    "posterior_law[log-normal]": _posterior_of_log_normal,
    "posterior_log_mean": _posterior,
    "posterior_log_cov": _posterior,
    "log_posterior_moment": lambda f, at: _posterior(f, at, at["power"]),
}


def _divergence_at_time(f: Callable, at: Values) -> object:
    """The callable for one log-normal law of the plane, at one point and time."""
    return f(shared.in_plane(at), shared.process(at, 2.0))(np.array(pair(at)), at["t"])


def _likelihood(
    f: Callable, at: Values, law: ref.Target, process: ref.GBM, end: ref.Target
) -> object:
    """The flow of a law with its exact score, from another law at the horizon."""
    score = ref.exact_score(law, process)
    return f([at["x"]], process, score, ref.exact_divergence(law, process), end)


def _from_another_start(f: Callable, at: Values) -> object:
    """The flow of N(a, v0), from N(b, B) at T."""
    process, start = shared.process(at, at["T"]), shared.on_line(at, "b", "B")
    return _likelihood(f, at, shared.on_line(at), process, start)


def _of_mixture(f: Callable, at: Values) -> object:
    """The flow of two components on the line, from their own law at the horizon."""
    law, process = shared.mixture_on_line(at), shared.process(at, at["horizon"])
    return _likelihood(f, at, law, process, law.diffuse(process, process.horizon))


LIKELIHOOD: dict[str, Adapter] = {
    "log_score_divergence[data set]": lambda f, at: f(pair(at), shared.data_in_plane(at)),
    "exact_divergence": _divergence_at_time,
    "log_likelihood[another start]": _from_another_start,
    "log_likelihood[mixture]": _of_mixture,
}


def _model(at: Values) -> Callable:
    bias, matrix = np.array(pair(at, "b")), shared.square(at, "B")
    return lambda x, t: bias + np.log(x) @ matrix.T


def _m_dsm(f: Callable, at: Values, *weighting: Callable) -> ref.MDSMLoss:
    x0, z = np.array(pair(at)), np.array(pair(at, "z"))
    return f(_model(at), x0, at["t"], z, shared.process(at, 2.0), *weighting)


def _one_sample(f: Callable, at: Values) -> object:
    """loss, per_sample, h_model and h_target."""
    terms = _m_dsm(f, at)
    return [terms.loss, terms.per_sample, *terms.h_model, *terms.h_target]


def _two_samples(f: Callable, at: Values) -> object:
    """loss of a batch of two, the second with data u and noise w."""
    batch, noise = np.array([pair(at), pair(at, "u")]), np.array([pair(at, "z"), pair(at, "w")])
    process = shared.process(at, 2.0)
    return f(_model(at), batch, at["t"], noise, process, ref.unweighted).loss


def _explicit(f: Callable, at: Values) -> object:
    """loss, per_sample, h_model and h_exact at one state."""
    target = ref.LogNormal(pair(at, "a"), at["v0"])
    terms = f(_model(at), target, np.array(pair(at)), at["t"], shared.process(at, 2.0))
    return [terms.loss, terms.per_sample, *terms.h_model, *terms.h_exact]


def _implicit(f: Callable, at: Values) -> object:
    """loss, per_sample and the three terms at one state."""
    slope = np.array([at["B11"], at["B22"]])
    return list(f(_model(at), lambda x, t: slope, np.array(pair(at)), 0.4, ref.GBM()))


def _static(f: Callable, at: Values) -> object:
    """loss, per_sample and the three terms for a Stein score p with slopes q."""
    return list(f(pair(at, "p"), pair(at, "q"), np.array(pair(at))))


OBJECTIVES: dict[str, Adapter] = {
    "m_esm": _explicit,
    "implicit_m_esm": _implicit,
    "nonnegative_score_matching": _static,
    "m_dsm[one sample]": _one_sample,
    "m_dsm[mean of two samples]": _two_samples,
    "m_dsm[variance weighting]": lambda f, at: _m_dsm(f, at, ref.variance_weighting).loss,
    "m_dsm[preconditioned weighting]": lambda f, at: (
        _m_dsm(f, at, ref.PreconditionedWeighting(at["s"])).loss
    ),
    "unweighted": lambda f, at: f(at["v"]),
    "variance_weighting": lambda f, at: f(at["v"]),
    "squared_variance_weighting": lambda f, at: f(at["v"]),
    "PreconditionedWeighting.__call__": lambda f, at: f(
        ref.PreconditionedWeighting(at["s"]), at["v"]
    ),
    "LikelihoodWeighting.__call__": lambda f, at: f(
        ref.LikelihoodWeighting(shared.exploding(at)), at["v"]
    ),
}
ADAPTERS = SCORES | GUIDANCE | POSTERIOR | LIKELIHOOD | OBJECTIVES
