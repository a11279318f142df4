"""Calls of `gbm_ref.mirror`."""

from collections.abc import Callable

import numpy as np

import gbm_ref
from tests.spec.adapters.calling import Adapter, Values


def pair(at: Values, name: str) -> list[float]:
    """The vector of name1 and name2."""
    return [at[f"{name}1"], at[f"{name}2"]]


def symmetric(at: Values, name: str) -> list[list[float]]:
    """The symmetric matrix of name11, name12 and name22."""
    off = at[f"{name}12"]
    return [[at[f"{name}11"], off], [off, at[f"{name}22"]]]


def of_weights(name: str) -> Adapter:
    """f(w, grad, eta) for two weights called name1 and name2."""
    return lambda function, at: function(pair(at, name), pair(at, "g"), at["eta"])


def mirrored_step(function: Callable, at: Values) -> object:
    """f(x, stein, delta, z) for two coordinates."""
    return function(pair(at, "x"), pair(at, "S"), at["delta"], pair(at, "z"))


def law_on_the_line(function: Callable, at: Values) -> object:
    """(mean, variance) of f(log_mean, log_cov, delta, num_steps, start), one coordinate."""
    start = gbm_ref.Gaussian([at["m0"]], [[at["V0"]]])
    law = function([at["a"]], at["lam"], at["delta"], int(at["n"]), start)
    return [law.mean[0], law.cov[0, 0]]


def law_in_the_plane(function: Callable, at: Values) -> object:
    """(mean1, mean2, cov11, cov12, cov22) of the same for two coordinates."""
    start = gbm_ref.Gaussian(pair(at, "m"), symmetric(at, "V"))
    law = function(pair(at, "a"), symmetric(at, "S"), at["delta"], int(at["n"]), start)
    return [*law.mean, law.cov[0, 0], law.cov[0, 1], law.cov[1, 1]]


def divergence(phi: gbm_ref.Potential) -> Adapter:
    """f(phi, w, w_ref) for two weights."""
    return lambda function, at: function(phi, pair(at, "w"), pair(at, "r"))


def across_zero(function: Callable, at: Values) -> object:
    """f(ENTROPY, -a, b)."""
    return function(gbm_ref.ENTROPY, [-at["a"]], [at["b"]])


def of_potential(function: Callable, at: Values) -> object:
    """f(w): the value or the gradient of a potential at two weights, as an array."""
    return function(np.array(pair(at, "w")))


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.gradient_step": of_weights("r"),
    "gbm_ref.exponentiated_gradient_step": of_weights("w"),
    "gbm_ref.mirrored_langevin_step": mirrored_step,
    "gbm_ref.mirrored_langevin_law[one coordinate]": law_on_the_line,
    "gbm_ref.mirrored_langevin_law[full covariance]": law_in_the_plane,
    "gbm_ref.bregman[Euclidean]": divergence(gbm_ref.EUCLIDEAN),
    "gbm_ref.bregman[entropy, equal signs]": divergence(gbm_ref.ENTROPY),
    "gbm_ref.bregman[entropy, opposite signs]": across_zero,
    "gbm_ref.EUCLIDEAN.value": of_potential,
    "gbm_ref.EUCLIDEAN.gradient": of_potential,
    "gbm_ref.ENTROPY.value": of_potential,
    "gbm_ref.ENTROPY.gradient": of_potential,
}
