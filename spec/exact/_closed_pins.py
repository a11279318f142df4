"""The closed forms of this folder as right-hand sides of pins.

Names: a, v0 mean and variance of log X_0; mu, sigma, T the process; N steps; M, V mean and
variance of log X_T, or before the rows of a loop. h = sigma^2 T / N, q = v0 / h.
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf

from spec.checking.old import Pin
from spec.exact import _transport

Values = Mapping[str, mpf]
Parts = Callable[[mpf, mpf, mpf], tuple[mpf, mpf]]


def _law(at: Values, parts: Parts) -> tuple[mpf, mpf]:
    """a + gain e_N and gain^2 V_N + added, (gain, added) = parts(q, N, h)."""
    h = at["sigma"] ** 2 * at["T"] / at["N"]
    gain, added = parts(at["v0"] / h, at["N"], h)
    end = at["a"] + (at["mu"] - at["sigma"] ** 2 / 2) * at["T"]
    return at["a"] + gain * (at["M"] - end), gain**2 * at["V"] + added


def _trigammas(q: mpf, n: mpf, first: int = 0) -> mpf:
    return mpmath.psi(1, q + first) - mpmath.psi(1, q + n)


def _dale_langevin(at: Values) -> tuple[mpf, mpf]:
    return _law(at, lambda q, n, h: (q / (q + n), h * q**2 * _trigammas(q, n)))


def _one_noise_short(at: Values) -> tuple[mpf, mpf]:
    return _law(at, lambda q, n, h: (q / (q + n), h * q**2 * _trigammas(q, n, 1)))


def _gain_of_the_flow(at: Values) -> tuple[mpf, mpf]:
    return _law(at, lambda q, n, h: (mpmath.sqrt(q / (q + n)), h * q**2 * _trigammas(q, n)))


def _ancestral_noise(q: mpf, n: mpf, power: int) -> mpf:
    harmonic = mpmath.harmonic(n) - mpmath.digamma(q + n) + mpmath.digamma(q)
    return q**2 * (_trigammas(q, n) * q / (q - 1) - harmonic / (q - 1) ** power)


def _ancestral(at: Values) -> tuple[mpf, mpf]:
    return _law(at, lambda q, n, h: (q / (q + n), h * _ancestral_noise(q, n, 2)))


def _ancestral_not_squared(at: Values) -> tuple[mpf, mpf]:
    return _law(at, lambda q, n, h: (q / (q + n), h * _ancestral_noise(q, n, 1)))


def _flow_gain(q: mpf, n: mpf) -> mpf:
    return mpmath.gammaprod([q + n + 0.5, q + 1], [q + 0.5, q + n + 1])


def _euler_flow(at: Values) -> tuple[mpf, mpf]:
    return _law(at, lambda q, n, h: (_flow_gain(q, n), mpf(0)))


def _flow_one_step_short(at: Values) -> tuple[mpf, mpf]:
    return _law(at, lambda q, n, h: (_flow_gain(q, n - 1), mpf(0)))


_LAW_POINTS = (
    {"a": 0.3, "v0": 0.05, "mu": 0.2, "sigma": 0.8, "T": 1.0, "N": 8, "M": 0.7, "V": 0.6},
    {"a": -1.1, "v0": 6.4, "mu": -0.3, "sigma": 1.3, "T": 1.5, "N": 3, "M": 2.0, "V": 3.1},
    {"a": 0.2, "v0": 1e-7, "mu": 0.5, "sigma": 0.6, "T": 0.7, "N": 1000, "M": -0.4, "V": 0.01},
)

DALE_LANGEVIN = Pin(
    "gbm_ref.dale_langevin_law",
    formula=_dale_langevin,
    twins={"one noise term short": _one_noise_short, "gain of the flow": _gain_of_the_flow},
    points=_LAW_POINTS,
)

ANCESTRAL = Pin(
    "gbm_ref.ancestral_law",
    formula=_ancestral,
    twins={"noise of eq. (13)": _dale_langevin, "q - 1 not squared": _ancestral_not_squared},
    points=_LAW_POINTS,
)

EULER_FLOW = Pin(
    "gbm_ref.euler_flow_law",
    formula=_euler_flow,
    twins={"noise of eq. (13)": _dale_langevin, "one step short": _flow_one_step_short},
    points=_LAW_POINTS,
)


def _loop(at: Values) -> tuple[mpf, mpf]:
    """Mean and variance after L steps of length dt at t from N(M, V), noise factor kappa."""
    drift, dv = at["mu"] - at["sigma"] ** 2 / 2, at["sigma"] ** 2 * at["dt"]
    centre = at["a"] + drift * at["t"]
    alpha = 1 - dv / (at["v0"] + at["sigma"] ** 2 * at["t"])
    power = alpha ** at["L"]
    mean = power * (at["M"] - centre) - drift * at["dt"] * (1 - power) / (1 - alpha)
    added = at["kappa"] ** 2 * dv * (1 - power**2) / (1 - alpha**2)
    return centre + mean, power**2 * at["V"] + added


def _loop_with_kappa(at: Values) -> tuple[mpf, mpf]:
    return _loop({**at, "kappa": mpmath.sqrt(at["kappa"])})


def _loop_one_more(at: Values) -> tuple[mpf, mpf]:
    return _loop({**at, "L": at["L"] + 1})


INNER_LOOP = Pin(
    "gbm_ref.inner_loop_law",
    formula=_loop,
    twins={"kappa for kappa^2": _loop_with_kappa, "one step more": _loop_one_more},
    points=(
        {"a": 0.3, "v0": 0.05, "mu": 0.2, "sigma": 0.8, "t": 0.4, "dt": 0.05, "L": 3}
        | {"kappa": 0.7, "M": 0.7, "V": 0.6},
        {"a": -1.1, "v0": 1e-6, "mu": 0.9, "sigma": 1.3, "t": 0.02, "dt": 0.0199, "L": 2}
        | {"kappa": 0.31, "M": -0.2, "V": 0.08},
        {"a": 0.2, "v0": 0.4, "mu": -0.5, "sigma": 0.6, "t": 0.9, "dt": 1e-4, "L": 500}
        | {"kappa": 0.995, "M": 0.1, "V": 1.2},
    ),
)


def _limit(at: Values) -> tuple[mpf, mpf]:
    """The limit of many levels with m = 0, for the speed rho and the decay c."""
    v0, total, rho, c = at["v0"], at["sigma"] ** 2 * at["T"], at["rho"], at["c"]
    end = v0 + total

    def weight(v: mpf) -> mpf:
        return (v0 / v) ** (2 * rho) * mpmath.exp(-2 * c * (end - v) / total)

    with mpmath.workdps(30):
        noise = rho * mpmath.quad(weight, mpmath.linspace(v0, end, 5))
    gain = (v0 / end) ** rho
    return at["a"] + gain * (at["M"] - at["a"]), gain**2 * at["V"] + noise


def _limit_half_the_decay(at: Values) -> tuple[mpf, mpf]:
    return _limit({**at, "c": at["c"] / 2 + mpf("0.01")})


def _limit_at_speed_one(at: Values) -> tuple[mpf, mpf]:
    return _limit({**at, "rho": mpf(1)})


def _limit_scale(at: Values) -> tuple[mpf, mpf]:
    """The sizes of the terms, times 1 + log of each power that is raised."""
    mean, variance = _limit({**at, "a": -abs(at["a"]), "M": abs(at["M"])})
    powers = 1 + 2 * at["rho"] * mpmath.log1p(at["sigma"] ** 2 * at["T"] / at["v0"])
    return (abs(mean) + 2 * abs(at["a"])) * powers, variance * (powers + 2 * at["c"])


LIMIT = Pin(
    "gbm_ref.annealed_limit_law",
    formula=_limit,
    twins={"half the decay": _limit_half_the_decay, "speed 1": _limit_at_speed_one},
    points=(
        {"a": 0.3, "v0": 0.05, "sigma": 0.8, "T": 1.0, "rho": 0.6, "c": 5.0, "M": 0.7, "V": 0.6},
        {"a": -1.1, "v0": 0.4, "sigma": 1.3, "T": 1.5, "rho": 3.0, "c": 0.0, "M": 2.0, "V": 3.1},
        {"a": 0.2, "v0": 0.1, "sigma": 0.6, "T": 0.7, "rho": 0.5, "c": 0.7, "M": 0.1, "V": 0.2},
    ),
    scale=_limit_scale,
)


def _sign_agnostic(at: Values) -> tuple[mpf, mpf]:
    """Mean and variance of log |X_0| from an exact start, kappa constant; within 1e-8."""
    total = at["sigma"] ** 2 * at["T"]
    drift = at["mu"] / at["sigma"] ** 2 - mpf(1) / 2
    texts = [mpmath.nstr(number, 17) for number in (at["v0"], total, drift, at["kappa"])]
    mean, variance = _transport.law(*texts[:2], int(at["N"]), *texts[2:])
    return at["a"] + mean, variance


def _sign_agnostic_full_noise(at: Values) -> tuple[mpf, mpf]:
    return _sign_agnostic({**at, "kappa": mpf(1)})


def _sign_agnostic_without_bias(at: Values) -> tuple[mpf, mpf]:
    """The mean of eq. (13) from an exact start."""
    return at["a"], _sign_agnostic(at)[1]


def _agreement_of_the_rules(at: Values) -> tuple[mpf, mpf]:
    """A scale that turns k u S into 1e-8, within which the recursion is computed."""
    return (mpf("1e-8") * 2**50,) * 2


SIGN_AGNOSTIC = Pin(
    "gbm_ref.sign_agnostic_moments",
    formula=_sign_agnostic,
    twins={
        "full noise": _sign_agnostic_full_noise,
        "mean of eq. (13)": _sign_agnostic_without_bias,
    },
    points=(
        {"a": 0.0, "v0": 0.2, "mu": 0.32, "sigma": 0.8, "T": 0.25, "N": 12, "kappa": 0.9},
        {"a": 0.3, "v0": 0.3, "mu": 0.1, "sigma": 0.5, "T": 0.4, "N": 10, "kappa": 0.6},
    ),
    scale=_agreement_of_the_rules,
)
