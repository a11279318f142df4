"""Calls of `gbm_ref.probe` and `gbm_ref.mirror`."""

from collections.abc import Callable

import numpy as np

import gbm_ref as ref
from tests.spec.adapters import shared
from tests.spec.adapters.shared import Adapter, Values, pair, square, symmetric


def _truth(at: Values) -> ref.AffineMap:
    noise = np.stack([square(at, "b"), square(at, "d")])
    return ref.AffineMap(np.array(pair(at, "c")), square(at, "a"), noise)


def _sampler(at: Values) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    truth = _truth(at)

    def run(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        noise = np.einsum("kij,knj->ni", truth.noise, z)
        return np.exp(truth.offset + np.log(x) @ truth.state.T + noise)

    return run


def _start(at: Values) -> ref.Gaussian:
    return shared.normal_in_plane(at, "M", "S")


def _extracted(f: Callable, at: Values) -> object:
    """Offset, state and noise of a sampler with two steps in the plane."""
    return np.concatenate([np.ravel(part) for part in f(_sampler(at), 2, 2)])


def _asserted_law(f: Callable, at: Values) -> object:
    """(two means, four covariances) of a sampler whose law is the stated one."""
    return shared.flat(f(_sampler(at), _start(at), _truth(at).law(_start(at)), 2))


def _ratio(at: Values) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda x, z: x * (at["b"] + at["c"] * z + at["q"] * z**2)


def _sign_agnostic(f: Callable, at: Values) -> object:
    """b and c of a step with a constant score."""

    def step(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        score = np.full_like(x, at["h"])
        process = shared.process(at)
        return ref.SignAgnostic()(process, lambda x, t: score, x, 0.7, at["dt"], 1.0, z)

    return f(step, np.array([[1.0]]))


def _asserted_polynomial(f: Callable, at: Values) -> object:
    """b, c and q of a step that has the stated ones."""
    stated = np.array([at["b"], at["c"], at["q"]]).reshape(3, 1, 1)
    return f(_ratio(at), np.array([[1.0]]), stated)


PROBE: dict[str, Adapter] = {
    "extract_affine_map": _extracted,
    "AffineMap.law": lambda f, at: shared.flat(f(_truth(at), _start(at))),
    "assert_law": _asserted_law,
    "extract_step_polynomial": lambda f, at: f(_ratio(at), np.array([[1.0]]), 2),
    "extract_step_polynomial[eq. 12]": _sign_agnostic,
    "assert_step": _asserted_polynomial,
}


def _law_on_line(f: Callable, at: Values) -> object:
    """(mean, variance) of f(log_mean, log_cov, delta, num_steps, start), one coordinate."""
    start = ref.Gaussian([at["m0"]], [[at["V0"]]])
    law = f([at["a"]], at["lam"], at["delta"], int(at["n"]), start)
    return [law.mean[0], law.cov[0, 0]]


def _law_in_plane(f: Callable, at: Values) -> object:
    """(mean1, mean2, cov11, cov12, cov22) of the same for two coordinates."""
    start = ref.Gaussian(pair(at, "m"), symmetric(at, "V"))
    law = f(pair(at, "a"), symmetric(at, "S"), at["delta"], int(at["n"]), start)
    return [*law.mean, law.cov[0, 0], law.cov[0, 1], law.cov[1, 1]]


def _bregman(phi: ref.Potential) -> Adapter:
    return lambda f, at: f(phi, pair(at, "w"), pair(at, "r"))


def _of_potential(f: Callable, at: Values) -> object:
    return f(np.array(pair(at, "w")))


MIRROR: dict[str, Adapter] = {
    "gradient_step": lambda f, at: f(pair(at, "r"), pair(at, "g"), at["eta"]),
    "exponentiated_gradient_step": lambda f, at: f(pair(at, "w"), pair(at, "g"), at["eta"]),
    "mirrored_langevin_step": lambda f, at: f(pair(at), pair(at, "S"), at["delta"], pair(at, "z")),
    "mirrored_langevin_law[one coordinate]": _law_on_line,
    "mirrored_langevin_law[full covariance]": _law_in_plane,
    "bregman[Euclidean]": _bregman(ref.EUCLIDEAN),
    "bregman[entropy, equal signs]": _bregman(ref.ENTROPY),
    "bregman[entropy, opposite signs]": lambda f, at: f(ref.ENTROPY, [-at["a"]], [at["b"]]),
    "EUCLIDEAN.value": _of_potential,
    "EUCLIDEAN.gradient": _of_potential,
    "ENTROPY.value": _of_potential,
    "ENTROPY.gradient": _of_potential,
}
ADAPTERS = PROBE | MIRROR
