"""The recursions of this folder as right-hand sides of pins, with their condition scales.

A recursion e <- g e + ..., V <- g^2 V + n is computed in double precision with a rounding error
that each later step multiplies by g or g^2. The scale S is that running bound, with every local
error written as the size of the numbers that a step adds:

    S_mean <- |g| S_mean + |mean| + |1 - g| |mean - c| + |dm|
    S_cov  <- g^2 S_cov  + 2 |g| |V| + |V'|          V' the variance after the step

2 |g| |V| is there because g = 1 - dv / v_k is known to an absolute error, not a relative one. In
the plane g is the largest eigenvalue of the factor and |.| a Frobenius norm. The largest error at
the points below was 0.9 * 2^-53 * S when this was written; k = 8 leaves room for other platforms.
"""

from collections.abc import Iterable, Mapping

import mpmath
from mpmath import matrix, mpf

from spec.checking.old import Pin

Values = Mapping[str, mpf]
Rows = Iterable[tuple[mpf, mpf, mpf]]


def _annealed_rows(at: Values) -> Rows:
    """(t, dt, kappa): level k = N .. 1 at t = k T / N, L steps each, kappa = chi^i."""
    levels = int(at["N"])
    for i, k in enumerate(range(levels, 0, -1)):
        for _ in range(int(at["L"])):
            yield at["T"] * k / levels, at["length"], at["chi"] ** i


def _dale_langevin_line(at: Values, drift: mpf) -> tuple[mpf, mpf, mpf, mpf]:
    """Mean and variance of log X_0 on the line, and their scales; `drift` is that of log X."""
    mean, variance = at["M"], at["V"]
    size, spread = abs(mean), variance
    for t, dt, kappa in _annealed_rows(at):
        dv = at["sigma"] ** 2 * dt
        g = 1 - dv / (at["v0"] + at["sigma"] ** 2 * t)
        deviation = mean - at["a"] - drift * t
        size = abs(g) * size + abs(mean) + abs((1 - g) * deviation) + abs(drift * dt)
        after = g**2 * variance + kappa**2 * dv
        spread = g**2 * spread + 2 * abs(g) * variance + after
        mean, variance = mean + (g - 1) * deviation - drift * dt, after
    return mean, variance, size, spread


def _line(at: Values) -> tuple[mpf, mpf]:
    return _dale_langevin_line(at, at["mu"] - at["sigma"] ** 2 / 2)[:2]


def _line_scale(at: Values) -> tuple[mpf, mpf]:
    return _dale_langevin_line(at, at["mu"] - at["sigma"] ** 2 / 2)[2:]


def _line_without_ito(at: Values) -> tuple[mpf, mpf]:
    return _dale_langevin_line(at, at["mu"])[:2]


def _line_full_noise(at: Values) -> tuple[mpf, mpf]:
    return _line({**at, "chi": mpf(1)})


DALE_LANGEVIN_LINE = Pin(
    "gbm_ref.exact_law",
    formula=_line,
    twins={"log drift mu": _line_without_ito, "noise not annealed": _line_full_noise},
    points=(
        {"a": 0.3, "v0": 0.05, "mu": 0.2, "sigma": 0.8, "T": 1.0, "N": 8, "L": 1}
        | {"length": 0.125, "chi": 0.9, "M": 0.7, "V": 0.6},
        {"a": -1.1, "v0": 0.4, "mu": -0.3, "sigma": 1.3, "T": 1.5, "N": 5, "L": 3}
        | {"length": 0.2, "chi": 0.75, "M": 2.0, "V": 3.1},
        {"a": 0.2, "v0": 1e-7, "mu": 0.5, "sigma": 0.6, "T": 0.7, "N": 40, "L": 3}
        | {"length": 0.004, "chi": 0.97, "M": -0.4, "V": 0.01},
    ),
    scale=_line_scale,
    variant="dale-langevin-1d",
)


def _symmetric(one: mpf, off: mpf, two: mpf) -> matrix:
    return matrix([[one, off], [off, two]])


def _largest(symmetric: matrix) -> mpf:
    """The larger absolute value of the eigenvalues of a symmetric 2 x 2 matrix."""
    middle = (symmetric[0, 0] + symmetric[1, 1]) / 2
    half = mpmath.hypot((symmetric[0, 0] - symmetric[1, 1]) / 2, symmetric[0, 1])
    return abs(middle) + half


def _dale_langevin_plane(at: Values) -> tuple[matrix, matrix, mpf, mpf]:
    """Mean and covariance of log X_0 in the plane, uniform grid, and their two scales."""
    data = _symmetric(at["S11"], at["S12"], at["S22"])
    centre, ones, unit = matrix([at["a1"], at["a2"]]), matrix([1, 1]), mpmath.eye(2)
    mean, cov = matrix([at["M1"], at["M2"]]), _symmetric(at["B11"], at["B12"], at["B22"])
    drift, dt = at["mu"] - at["sigma"] ** 2 / 2, at["T"] / at["N"]
    dv = at["sigma"] ** 2 * dt
    size, spread = mpmath.norm(mean), mpmath.norm(cov)
    for k in range(int(at["N"]), 0, -1):
        pull = dv * (data + dv * k * unit) ** -1
        g, factor = _largest(unit - pull), unit - pull
        step = pull * (mean - centre - drift * dt * k * ones)
        size = g * size + mpmath.norm(mean) + mpmath.norm(step) + abs(drift * dt)
        after = factor * cov * factor.T + dv * unit
        spread = g**2 * spread + 2 * g * mpmath.norm(cov) + mpmath.norm(after)
        mean, cov = mean - step - drift * dt * ones, after
    return mean, cov, size, spread


def _plane(at: Values) -> tuple[mpf, ...]:
    mean, cov, _, _ = _dale_langevin_plane(at)
    return (*mean, *cov)


def _plane_scale(at: Values) -> tuple[mpf, ...]:
    _, _, size, spread = _dale_langevin_plane(at)
    return (size,) * 2 + (spread,) * 4


def _plane_uncorrelated_data(at: Values) -> tuple[mpf, ...]:
    return _plane({**at, "S12": mpf(0)})


def _plane_wider_start(at: Values) -> tuple[mpf, ...]:
    return _plane({name: 2 * at[name] if name[0] == "B" else at[name] for name in at})


DALE_LANGEVIN_PLANE = Pin(
    "gbm_ref.exact_law",
    formula=_plane,
    twins={"correlation ignored": _plane_uncorrelated_data, "twice the start": _plane_wider_start},
    points=(
        {"S11": 0.5, "S12": 0.2, "S22": 0.3, "a1": 0.4, "a2": -0.7, "B11": 1.3, "B12": -0.4}
        | {"B22": 0.9, "M1": 1.1, "M2": 0.2, "mu": 0.1, "sigma": 0.8, "T": 1.0, "N": 8},
        {"S11": 0.01, "S12": -0.019, "S22": 0.04, "a1": -0.4, "a2": 1.7, "B11": 2.3, "B12": 1.4}
        | {"B22": 1.1, "M1": 0.1, "M2": -2.2, "mu": 0.7, "sigma": 1.3, "T": 0.6, "N": 32},
        {"S11": 0.25, "S12": 0.25, "S22": 0.25, "a1": 0.1, "a2": 0.2, "B11": 1.0, "B12": 0.9}
        | {"B22": 1.0, "M1": 0.3, "M2": 0.5, "mu": 0.0, "sigma": 0.9, "T": 1.2, "N": 12},
    ),
    scale=_plane_scale,
    variant="dale-langevin-2d",
)


def _flow_law(at: Values, last_is_euler: bool) -> tuple[mpf, mpf, mpf, mpf]:
    """Mean and variance of log X_0 after Heun's rule in sqrt(v), uniform grid, and scales."""
    drift, dt = at["mu"] - at["sigma"] ** 2 / 2, at["T"] / at["N"]
    mean, variance = at["M"], at["V"]
    size, spread = abs(mean), variance
    for k in range(int(at["N"]), 0, -1):
        high, low = at["sigma"] * mpmath.sqrt(dt * k), at["sigma"] * mpmath.sqrt(dt * (k - 1))
        p, q = high / (at["v0"] + high**2), low / (at["v0"] + low**2)
        euler = 1 + (low - high) * p
        g = euler if k == 1 and last_is_euler else 1 + (low - high) * (p + q * euler) / 2
        deviation = mean - at["a"] - drift * dt * k
        size = abs(g) * size + abs(mean) + abs((1 - g) * deviation) + abs(drift * dt)
        spread = g**2 * spread + 2 * abs(g) * variance + g**2 * variance
        mean, variance = mean + (g - 1) * deviation - drift * dt, g**2 * variance
    return mean, variance, size, spread


def _flow(at: Values) -> tuple[mpf, mpf]:
    return _flow_law(at, last_is_euler=True)[:2]


def _flow_scale(at: Values) -> tuple[mpf, mpf]:
    return _flow_law(at, last_is_euler=True)[2:]


def _flow_without_last_euler(at: Values) -> tuple[mpf, mpf]:
    return _flow_law(at, last_is_euler=False)[:2]


PROBABILITY_FLOW_LINE = Pin(
    "gbm_ref.exact_law",
    formula=_flow,
    twins={"averaged slope in the last step too": _flow_without_last_euler},
    points=(
        {"a": 0.3, "v0": 0.05, "mu": 0.2, "sigma": 0.8, "T": 1.0, "N": 8, "M": 0.7, "V": 0.6},
        {"a": -1.1, "v0": 0.4, "mu": -0.3, "sigma": 1.3, "T": 1.5, "N": 3, "M": 2.0, "V": 3.1},
        {"a": 0.2, "v0": 1e-4, "mu": 0.5, "sigma": 0.6, "T": 0.7, "N": 30, "M": -0.4, "V": 0.01},
    ),
    scale=_flow_scale,
    variant="probability-flow",
)
