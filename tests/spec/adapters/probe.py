"""Calls of `gbm_ref.probe`."""

from collections.abc import Callable

import numpy as np

from gbm_ref import GBM, Gaussian, SignAgnostic
from gbm_ref.probe import AffineMap
from tests.spec.adapters.calling import Adapter, Values


def _square(at: Values, name: str) -> np.ndarray:
    return np.array([[at[f"{name}{i}{j}"] for j in (1, 2)] for i in (1, 2)])


def _truth(at: Values) -> AffineMap:
    noise = np.stack([_square(at, "b"), _square(at, "d")])
    return AffineMap(np.array([at["c1"], at["c2"]]), _square(at, "a"), noise)


def _sampler(at: Values) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """One with this affine map."""
    truth = _truth(at)

    def run(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        noise = np.einsum("kij,knj->ni", truth.noise, z)
        return np.exp(truth.offset + np.log(x) @ truth.state.T + noise)

    return run


def _start(at: Values) -> Gaussian:
    cov = np.array([[at["S11"], at["S12"]], [at["S12"], at["S22"]]])
    return Gaussian(np.array([at["M1"], at["M2"]]), cov)


def _flat(law: Gaussian) -> list[float]:
    return [*law.mean.tolist(), *law.cov.ravel().tolist()]


def extracted(function: Callable, at: Values) -> object:
    """Offset, state and noise of a sampler with two steps in the plane."""
    return np.concatenate([np.ravel(part) for part in function(_sampler(at), 2, 2)])


def law(function: Callable, at: Values) -> object:
    """(two means, four covariances)."""
    return _flat(function(_truth(at), _start(at)))


def asserted_law(function: Callable, at: Values) -> object:
    """The same, of a sampler whose law is the stated one."""
    return _flat(function(_sampler(at), _start(at), _truth(at).law(_start(at)), 2))


def _ratio(at: Values) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda x, z: x * (at["b"] + at["c"] * z + at["q"] * z**2)


def polynomial(function: Callable, at: Values) -> object:
    """b, c and q."""
    return function(_ratio(at), np.array([[1.0]]), 2)


def sign_agnostic(function: Callable, at: Values) -> object:
    """b and c of a step with a constant score."""
    process = GBM(at["mu"], at["sigma"])

    def step(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        score = np.full_like(x, at["h"])
        return SignAgnostic()(process, lambda x, t: score, x, 0.7, at["dt"], 1.0, z)

    return function(step, np.array([[1.0]]))


def asserted_polynomial(function: Callable, at: Values) -> object:
    """b, c and q of a step that has the stated ones."""
    stated = np.array([at["b"], at["c"], at["q"]]).reshape(3, 1, 1)
    return function(_ratio(at), np.array([[1.0]]), stated)


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.extract_affine_map": extracted,
    "gbm_ref.AffineMap.law": law,
    "gbm_ref.assert_law": asserted_law,
    "gbm_ref.extract_step_polynomial": polynomial,
    "gbm_ref.extract_step_polynomial[eq. 12]": sign_agnostic,
    "gbm_ref.assert_step": asserted_polynomial,
}
