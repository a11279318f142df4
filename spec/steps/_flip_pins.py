"""Right-hand sides of R13 for the pins: the law of a sign-agnostic step and of its sign.

Names: h Hyvarinen score; a, v0 mean and variance of log X_0; t, dt, kappa a row; M, V mean and
variance of log X_t.
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf

from spec.checking.old import Pin

Values = Mapping[str, mpf]


def _log_tail(z: mpf) -> mpf:
    """log Phi(-z), by the half that is not near 1."""
    if z < 0:
        return mpmath.log1p(-mpmath.erfc(-z / mpmath.sqrt(2)) / 2)
    return mpmath.log(mpmath.erfc(z / mpmath.sqrt(2)) / 2)


def _given(at: Values, divergence: mpf) -> mpf:
    s2 = at["sigma"] ** 2
    b = 1 - at["dt"] * (at["mu"] - divergence * s2) + at["dt"] * s2 * at["h"]
    return _log_tail(b / (at["kappa"] * at["sigma"] * mpmath.sqrt(at["dt"])))


def _conditional(at: Values) -> mpf:
    return _given(at, mpf(2))


def _conditional_divergence_once(at: Values) -> mpf:
    return _given(at, mpf(1))


def _averaged(at: Values, score_spread: int) -> mpf:
    s2 = at["sigma"] ** 2
    h, total = s2 * at["dt"], at["v0"] + s2 * at["t"]
    spread = at["kappa"] ** 2 * h + score_spread * h**2 / total
    return _log_tail((1 - at["dt"] * (at["mu"] - s2)) / mpmath.sqrt(spread))


def _average(at: Values) -> mpf:
    return _averaged(at, 1)


def _average_of_the_mean_score(at: Values) -> mpf:
    return _averaged(at, 0)


def _two_moments(at: Values, noise_power: int, divergence: mpf) -> tuple[mpf, mpf]:
    """E X_s and E X_s^2 for log X_t ~ N(M, V): b is affine in log X_t, whose law e^y shifts."""
    s2 = at["sigma"] ** 2
    h, drift = s2 * at["dt"], at["mu"] - s2 / 2
    slope = h / (at["v0"] + s2 * at["t"])
    centre = at["a"] + drift * at["t"]

    def factor(y: mpf) -> mpf:
        return 1 - at["dt"] * (at["mu"] - divergence * s2) - h - slope * (y - centre)

    once, twice = at["M"] + at["V"], at["M"] + 2 * at["V"]
    spread = slope**2 * at["V"] + at["kappa"] ** noise_power * h
    first = mpmath.exp(at["M"] + at["V"] / 2) * factor(once)
    return first, mpmath.exp(2 * at["M"] + 2 * at["V"]) * (factor(twice) ** 2 + spread)


def _moments(at: Values) -> tuple[mpf, mpf]:
    return _two_moments(at, 2, mpf(2))


def _moments_with_kappa(at: Values) -> tuple[mpf, mpf]:
    return _two_moments(at, 1, mpf(2))


def _moments_with_the_other_drift(at: Values) -> tuple[mpf, mpf]:
    """With the drift of eq. (13) in place of that of eq. (12)."""
    return _two_moments(at, 2, mpf(3) / 2)


PINS = (
    Pin(
        "gbm_ref.log_flip_probability",
        formula=_conditional,
        twins={"divergence term once": _conditional_divergence_once},
        points=(
            {"mu": 0.17, "sigma": 0.8, "dt": 0.3, "kappa": 1.0, "h": -2.4},
            {"mu": -0.6, "sigma": 1.4, "dt": 1e-3, "kappa": 0.43, "h": 31.0},
            {"mu": 0.32, "sigma": 0.8, "dt": 0.02, "kappa": 0.9, "h": -130.0},
        ),
    ),
    Pin(
        "gbm_ref.log_average_flip_probability",
        formula=_average,
        twins={"spread of the score left out": _average_of_the_mean_score},
        points=(
            {"mu": 0.17, "sigma": 0.8, "t": 0.3, "dt": 0.3, "kappa": 1.0, "v0": 0.05},
            {"mu": -0.6, "sigma": 1.4, "t": 0.7, "dt": 1e-3, "kappa": 0.43, "v0": 1e-4},
            {"mu": 0.32, "sigma": 0.8, "t": 1e-3, "dt": 1e-3, "kappa": 0.0, "v0": 0.0},
        ),
    ),
    Pin(
        "gbm_ref.sign_agnostic_average",
        formula=_moments,
        twins={
            "kappa for kappa^2": _moments_with_kappa,
            "drift of eq. (13)": _moments_with_the_other_drift,
        },
        points=(
            {"a": 0.3, "v0": 0.2, "mu": 0.17, "sigma": 0.8, "t": 0.6, "dt": 0.3, "kappa": 0.8}
            | {"M": 0.4, "V": 0.5},
            {"a": -0.7, "v0": 0.05, "mu": -0.6, "sigma": 1.1, "t": 0.2, "dt": 0.2, "kappa": 0.9}
            | {"M": -0.2, "V": 0.3},
        ),
    ),
)
