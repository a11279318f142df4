"""Law of the mirrored Langevin dynamics after n steps on a log-normal target (sheet R22)."""

from spec.vectors.arithmetic import Arithmetic, Number, whole
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Flag, Twin, VectorFunction
from spec.vectors.sampler_laws import stepped

_STEPS = {
    "lam": "variance of log X under the target, > 0", "delta": "step, > 0",
    "n": "number of steps, a whole number",
}  # fmt: skip

_SHORT = (1.0, 2.0, 3.0, 8.0, 20.0, 5.0, 4.0, 13.0)


def _power(base: Number, n: Number) -> Number:
    """base^n, with base^0 = 1 for a base of 0 as well."""
    result = base * 0 + 1
    for _ in range(whole(n)):
        result = result * base
    return result


def _mean(f: Arithmetic, a: Number, lam: Number, delta: Number, n: Number, b: Number) -> Number:
    return a + _power(1 - delta / lam, n) * (b - a)


def _mean_again(
    f: Arithmetic, a: Number, lam: Number, delta: Number, n: Number, b: Number
) -> Number:
    y = b
    for _ in range(whole(n)):
        y = y - delta * (y - a) / lam
    return y


def _mean_size(
    f: Arithmetic, a: Number, lam: Number, delta: Number, n: Number, b: Number
) -> Number:
    alpha = abs(1 - delta / lam)
    gain = _power(alpha, n) + n * delta / lam * _power(alpha, n - 1)
    return abs(a) + gain * (abs(b) + abs(a))


def _var(f: Arithmetic, lam: Number, delta: Number, n: Number, q: Number) -> Number:
    square, total = (1 - delta / lam) ** 2, q * 0
    for _ in range(whole(n)):
        total = square * total + 1
    return _power(square, n) * q + 2 * delta * total


def _var_again(f: Arithmetic, lam: Number, delta: Number, n: Number, q: Number) -> Number:
    """Deviations from the limit shrink by alpha^2 in a step; without a limit n steps add up."""
    if delta == 2 * lam:
        return q + 2 * delta * n
    limit = lam / (1 - delta / (2 * lam))
    return limit + (1 - delta / lam) ** (2 * whole(n)) * (q - limit)


def _var_size(f: Arithmetic, lam: Number, delta: Number, n: Number, q: Number) -> Number:
    """With the derivative of each power of alpha times delta / lam."""
    alpha, gap = abs(1 - delta / lam), delta / lam
    power, slope, total = q * 0 + 1, q * 0, q * 0
    for _ in range(whole(n)):
        total = total + power * power + 2 * gap * power * slope
        power, slope = power * alpha, slope * alpha + power
    return (power * power + 2 * gap * power * slope) * q + 2 * delta * total


MEAN = VectorFunction(
    name="mirrored_langevin_law_log_mean",
    claim="R22",
    text="a + (1 - delta / lam)^n (b - a)",
    meanings={"a": "mean of log X under the target", **_STEPS,
              "b": "mean of log X at the start"},
    formula=_mean,
    second=_mean_again,
    scale_text="|a| + (|alpha|^n + n |alpha|^(n - 1) delta / lam) (|a| + |b|), "
    "alpha = 1 - delta / lam",
    scale=_mean_size,
    guard=30,
    twins=(
        Twin("one_step_more", Flag.T_INDEX, "n + 1",
             lambda f, a, lam, delta, n, b: _mean(f, a, lam, delta, n + 1, b)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(lam) in place of lam",
             lambda f, a, lam, delta, n, b: _mean(f, a, f.sqrt(lam), delta, n, b)),
        Twin("size_of_alpha", Flag.SIGN, "|alpha|^n",
             lambda f, a, lam, delta, n, b: a + abs(_power(1 - delta / lam, n)) * (b - a)),
        Twin("exponential", Flag.BASIC, "exp(-n delta / lam): continuous time",
             lambda f, a, lam, delta, n, b: a + f.exp(-n * delta / lam) * (b - a)),
        Twin("half_a_step", Flag.BASIC, "delta / 2: noise sqrt(delta)",
             lambda f, a, lam, delta, n, b: _mean(f, a, lam, delta / 2, n, b)),
        Twin("start", Flag.TAIL, "b", lambda f, *args: args[-1]),
    ),
    cases=(
        *stepped(ordinary(
            {"a": between(-2, 2), "lam": across(0.3, 3), "delta": across(0.02, 0.4),
             "n": across(1, 9), "b": between(-2, 2)}, (Flag.T_INDEX, Flag.S_VS_S2), basic=12)),
        *cases(Flag.SIGN, "a lam delta n b", [
            (0.3, 0.5, 0.8, 3.0, 1.4), (-0.7, 0.2, 0.45, 7.0, 0.6), (0.4, 1.0, 1.25, 5.0, -0.9),
            (0.2, 0.3, 0.5999, 21.0, 2.0),
        ]),
        *cases(Flag.TAIL, "a lam delta n b", [
            (300.0, 0.5, 0.1, 9.0, -400.0), (0.3, 0.7, 0.7, 2.0, 0.9), (0.1, 1e6, 1.0, 150.0, 2.0),
            (0.4, 1e-12, 5e-13, 4.0, 0.6), (-0.2, 0.3, 3.0, 15.0, 0.5),
        ]),
    ),
)  # fmt: skip

VARIANCE = VectorFunction(
    name="mirrored_langevin_law_log_var",
    claim="R22",
    text="alpha^(2n) q + 2 delta sum_{j=0}^{n-1} alpha^(2j), alpha = 1 - delta / lam",
    meanings={**_STEPS, "q": "variance of log X at the start, >= 0"},
    formula=_var,
    second=_var_again,
    scale_text="(alpha^(2n) + 2 n g |alpha|^(2n-1)) q + 2 delta sum_{j=0}^{n-1} (alpha^(2j) + "
    "2 j g |alpha|^(2j-1)), g = delta / lam",
    scale=_var_size,
    guard=40,
    twins=(
        Twin("one_step_more", Flag.T_INDEX, "n + 1",
             lambda f, lam, delta, n, q: _var(f, lam, delta, n + 1, q)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(lam) in place of lam",
             lambda f, lam, delta, n, q: _var(f, f.sqrt(lam), delta, n, q)),
        Twin("target_law", Flag.BASIC, "lam: no bias", lambda f, lam, *rest: lam),
        Twin("noise_halved", Flag.BASIC, "sqrt(delta) z: delta in place of 2 delta",
             lambda f, lam, delta, n, q: (_var(f, lam, delta, n, q)
             + _power(1 - delta / lam, 2 * n) * q) / 2),
        Twin("gain_once", Flag.TAIL, "alpha^n q",
             lambda f, lam, delta, n, q: _var(f, lam, delta, n, q)
             + (abs(_power(1 - delta / lam, n)) - _power(1 - delta / lam, 2 * n)) * q),
        Twin("difference_of_powers", Flag.CANCELLATION,
             "2 delta (1 - alpha^(2n)) / (1 - alpha^2), in float64",
             lambda f, lam, delta, n, q: _power(1 - delta / lam, 2 * n) * q + 2 * delta
             * (1 - _power(1 - delta / lam, 2 * n)) / (1 - (1 - delta / lam) ** 2), naive=True),
    ),
    cases=(
        *stepped(ordinary(
            {"lam": across(0.3, 3), "delta": across(0.02, 0.4), "n": across(1, 9),
             "q": across(0.05, 5)}, (Flag.T_INDEX, Flag.S_VS_S2), basic=12), _SHORT),
        *cases(Flag.TAIL, "lam delta n q", [
            (0.5, 0.1, 9.0, 1e6), (0.3, 3.0, 15.0, 0.5), (0.7, 1.1, 5.0, 40.0),
            (0.2, 0.3, 4.0, 9.0),
        ]),
        *cases(Flag.CANCELLATION, "lam delta n q", [
            (1e6, 1.0, 150.0, 0.3), (2.0, 1e-9, 12.0, 1e-9), (1e-3, 1e-12, 50.0, 1e-12),
            (0.3, 0.59999999, 30.0, 0.4),
        ]),
        *cases(Flag.BASIC, "lam delta n q", [
            (0.5, 0.5, 3.0, 0.7), (0.25, 0.5, 6.0, 0.3), (1e-12, 5e-13, 4.0, 2e-12),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (MEAN, VARIANCE)
