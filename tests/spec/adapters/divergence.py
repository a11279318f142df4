"""Calls of `gbm_ref.divergence`."""

from collections.abc import Callable

import numpy as np

from gbm_ref import Gaussian
from tests.spec.adapters.calling import Adapter, Values


def on_the_line(function: Callable, at: Values) -> object:
    """KL of N(a, P) and N(b, Q)."""
    p = Gaussian(np.array([at["a"]]), np.array([[at["P"]]]))
    q = Gaussian(np.array([at["b"]]), np.array([[at["Q"]]]))
    return function(p, q)


def in_the_plane(function: Callable, at: Values) -> object:
    """KL of two laws of the plane with full covariances."""
    return function(_law(at, "a", "P"), _law(at, "b", "Q"))


def _law(at: Values, mean: str, cov: str) -> Gaussian:
    off = at[f"{cov}12"]
    return Gaussian(
        np.array([at[f"{mean}1"], at[f"{mean}2"]]),
        np.array([[at[f"{cov}11"], off], [off, at[f"{cov}22"]]]),
    )


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.kl_divergence[one dimension]": on_the_line,
    "gbm_ref.kl_divergence[plane]": in_the_plane,
    "gbm_ref.kl_divergence[nearly equal, one dimension]": on_the_line,
    "gbm_ref.kl_divergence[nearly equal, plane]": in_the_plane,
}
