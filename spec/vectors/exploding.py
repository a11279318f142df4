"""The variance-exploding schedule on [0, 1], whose coefficient sigma(t) grows geometrically."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Case, Flag, Twin, VectorFunction

ENDS = {"lo": "std_min, > 0", "hi": "std_max = sqrt(v(1)), > std_min"}
TIME = {"t": "time in (0, 1]"}


def _growth(f: Arithmetic, lo: Number, hi: Number) -> Number:
    return f.log(1 + (hi / lo) * (hi / lo))


def _variance(f: Arithmetic, lo: Number, hi: Number, t: Number) -> Number:
    return lo * lo * (f.exp(_growth(f, lo, hi) * t) - 1)


def _song(f: Arithmetic, lo: Number, hi: Number, t: Number) -> Number:
    """sigma(t)^2 = lo^2 (hi / lo)^(2 t), the variance of Song et al. with the ends lo and hi."""
    return lo * lo * f.power(hi / lo, 2 * t)


def _rate(f: Arithmetic, lo: Number, hi: Number, t: Number) -> Number:
    g = _growth(f, lo, hi)
    return lo * f.sqrt(g) * f.exp(g * t / 2)


def _rate_by_derivative(f: Arithmetic, lo: Number, hi: Number, t: Number) -> Number:
    """sqrt(dv/dt), v(t) = (lo^2 + hi^2)^t lo^(2 - 2 t) - lo^2, by Richardson's difference."""
    with mpmath.extradps(120):
        step = mpmath.mpf(10) ** -40

        def difference(h: Number) -> Number:
            ends = [
                mpmath.exp(s * mpmath.log(lo**2 + hi**2) + (2 - 2 * s) * mpmath.log(lo))
                for s in (t + h, t - h)
            ]
            return (ends[0] - ends[1]) / (2 * h)

        return mpmath.sqrt((4 * difference(step / 2) - difference(step)) / 3)


_BOX = {"lo": across(1e-3, 0.1), "hi": across(0.5, 30), "t": between(0.02, 1)}
_ORDINARY: tuple[Case, ...] = ordinary(_BOX, (Flag.S_VS_S2, Flag.T_INDEX), basic=16)
_FAR = (
    *cases(
        Flag.SMALL_V,
        "lo hi t",
        [
            (0.005, 10.0, 1e-13),
            (0.01, 50.0, 3e-12),
            (1e-6, 1e-5, 1e-11),
            (0.3, 0.31, 1e-12),
        ],
    ),
    *cases(Flag.TAIL, "lo hi t", [(1e-6, 1e3, 0.999), (1e-4, 1e3, 0.37), (0.02, 1e3, 1.0)]),
)

VARIANCE = VectorFunction(
    name="exploding_log_var",
    claim="VE",
    text="v(t) = lo^2 (exp(g t) - 1), g = log(1 + (hi / lo)^2)",
    meanings={**ENDS, **TIME},
    formula=_variance,
    second=lambda f, lo, hi, t: f.power(lo * lo + hi * hi, t) * f.power(lo, 2 - 2 * t) - lo * lo,
    scale_text="out (1 + g t)",
    scale=lambda f, lo, hi, t: _variance(f, lo, hi, t) * (1 + _growth(f, lo, hi) * t),
    guard=20,
    twins=(
        Twin("geometric_variance", Flag.T_INDEX, "lo^2 (hi / lo)^(2 t), of Song et al.", _song),
        Twin("difference_of_exponentials", Flag.SMALL_V, "exp(g t) - 1, in float64",
             _variance, naive=True),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v)",
             lambda f, lo, hi, t: f.sqrt(_variance(f, lo, hi, t))),
    ),
    cases=(*_ORDINARY, *_FAR),
)  # fmt: skip

DIFFUSION = VectorFunction(
    name="exploding_diffusion",
    claim="VE",
    text="sigma(t) = lo sqrt(g) exp(g t / 2), g = log(1 + (hi / lo)^2)",
    meanings={**ENDS, **TIME},
    formula=_rate,
    second=_rate_by_derivative,
    scale_text="out (1 + g t / 2)",
    scale=lambda f, lo, hi, t: _rate(f, lo, hi, t) * (1 + _growth(f, lo, hi) * t / 2),
    twins=(
        Twin("deviation_of_song", Flag.T_INDEX, "lo (hi / lo)^t, a standard deviation",
             lambda f, lo, hi, t: f.sqrt(_song(f, lo, hi, t))),
        Twin("squared", Flag.S_VS_S2, "sigma^2",
             lambda f, lo, hi, t: _rate(f, lo, hi, t) * _rate(f, lo, hi, t)),
    ),
    cases=(*_ORDINARY, *_FAR),
)  # fmt: skip

INVERSE = VectorFunction(
    name="exploding_time_at_log_var",
    claim="VE",
    text="t = log(1 + v / lo^2) / g, g = log(1 + (hi / lo)^2)",
    meanings={**ENDS, "v": "v(t), in (0, hi^2)"},
    formula=lambda f, lo, hi, v: f.log(1 + v / (lo * lo)) / _growth(f, lo, hi),
    second=lambda f, lo, hi, v: (f.log(lo * lo + v) - 2 * f.log(lo))
    / (f.log(lo * lo + hi * hi) - 2 * f.log(lo)),
    scale_text="out: a relative bound",
    scale=lambda f, lo, hi, v: f.log(1 + v / (lo * lo)) / _growth(f, lo, hi),
    guard=20,
    twins=(
        Twin("logarithm_of_one_plus", Flag.SMALL_V, "log(1 + v / lo^2), in float64",
             lambda f, lo, hi, v: f.log(1 + v / (lo * lo)) / _growth(f, lo, hi), naive=True),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, lo, hi, v: f.log(1 + f.sqrt(v) / (lo * lo)) / _growth(f, lo, hi)),
        Twin("schedule_of_song", Flag.T_INDEX, "log(v / lo^2) / log(hi^2 / lo^2)",
             lambda f, lo, hi, v: f.log(v / (lo * lo)) / f.log(hi * hi / (lo * lo))),
    ),
    cases=(
        *ordinary({"lo": across(1e-3, 0.1), "hi": across(2, 30), "v": across(1e-4, 3.9)},
                  (Flag.S_VS_S2, Flag.T_INDEX), basic=18),
        *cases(Flag.SMALL_V, "lo hi v", [
            (0.005, 10.0, 1e-16), (0.3, 2.0, 3e-12), (0.01, 50.0, 7e-13), (1.5, 2.5, 1e-12),
        ]),
        *cases(Flag.TAIL, "lo hi v", [(1e-6, 1e3, 999999.0), (0.02, 1e3, 3e5)]),
    ),
)  # fmt: skip

FUNCTIONS = (VARIANCE, DIFFUSION, INVERSE)
