"""A process whose noise grows geometrically from one standard deviation to another.

Symbols: std_min, std_max  its parameters;  T  last time;  g  ln(1 + (std_max/std_min)^2) / T;
E  exp(g t).
"""

from sympy import Expr, Integer, diff, exp, log, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import dt, t, v

std_min, std_max, T, g, E = symbols("std_min std_max T g E", positive=True)
x1, x2 = symbols("x1 x2", positive=True)
z1, z2 = symbols("z1 z2", real=True)

# v in E = exp(g t), and the value of E at the horizon.
Variance = tuple[Expr, Expr]


def is_its_variance(candidate: Variance) -> bool:
    """Whether v has the rate sigma^2 = std_min^2 g E, is 0 at t = 0 and std_max^2 at t = T.

    With E = exp(g t), dE/dt = g E.
    """
    variance, at_horizon = candidate
    rate = g * E * diff(variance, E) - std_min**2 * g * E
    ends = (variance.subs(E, 1), variance.subs(E, at_horizon) - std_max**2)
    return vanishes((rate, *ends))


_GROWTH = log(1 + (std_max / std_min) ** 2) / T
_DIFFUSION = std_min * sqrt(_GROWTH) * exp(_GROWTH * t / 2)
_VARIANCE = std_min**2 * (exp(_GROWTH * t) - 1)
_INCREMENT = std_min**2 * exp(_GROWTH * (t - dt)) * (exp(_GROWTH * dt) - 1)

_USUAL = {"std_min": 0.005, "std_max": 10.0, "T": 1.0}
_OTHER = {"std_min": 0.3, "std_max": 0.31, "T": 2.5}
_TIMES = ({**_USUAL, "t": 0.37}, {**_OTHER, "t": 2.1}, {**_USUAL, "t": 1e-9}, {**_USUAL, "t": 1.0})
_STATES = (
    {**_TIMES[0], "x1": 1.3, "x2": 0.02, "z1": -0.4, "z2": 1.9},
    {**_TIMES[3], "x1": 1.0, "x2": 7e-4, "z1": 6.5, "z2": -6.5},
    {**_TIMES[1], "x1": 210.0, "x2": 2.0, "z1": 0.7, "z2": 1e-3},
)


def _sample(scale: Expr) -> tuple[Expr, Expr]:
    return tuple(x * exp(scale * z) for x, z in ((x1, z1), (x2, z2)))


_PINS = (
    Pin(
        "gbm_ref.VarianceExploding.drift",
        formula=_DIFFUSION**2 / 2,
        twins={"sigma^2": _DIFFUSION**2, "sigma^2 without the growth": _DIFFUSION**2 / _GROWTH},
        points=_TIMES,
    ),
    Pin(
        "gbm_ref.VarianceExploding.diffusion",
        formula=_DIFFUSION,
        twins={"the standard deviation": std_min * exp(_GROWTH * t / 2)},
        points=_TIMES,
    ),
    Pin(
        "gbm_ref.VarianceExploding.log_mean",
        formula=Integer(0),
        twins={"no Itô term": _VARIANCE / 2},
        points=_TIMES,
        # The formula is 0 and so is its own scale; this one is far below the twin.
        scale=std_min**2 / 1000,
    ),
    Pin(
        "gbm_ref.VarianceExploding.log_var",
        formula=_VARIANCE,
        twins={
            "not zero at t = 0": std_min**2 * exp(_GROWTH * t),
            "growth at half the rate": std_min**2 * (exp(_GROWTH * t / 2) - 1),
        },
        points=_TIMES,
    ),
    Pin(
        "gbm_ref.VarianceExploding.increments",
        formula=(Integer(0), _INCREMENT),
        twins={
            "growth up to the end of the step": (
                Integer(0),
                std_min**2 * exp(_GROWTH * t) * (exp(_GROWTH * dt) - 1),
            ),
        },
        points=(
            {**_USUAL, "t": 0.8, "dt": 0.3},
            {**_USUAL, "t": 1.0, "dt": 1e-6},
            {**_OTHER, "t": 2.1, "dt": 2.1},
        ),
    ),
    Pin(
        "gbm_ref.VarianceExploding.time_at_log_var",
        formula=log(1 + v / std_min**2) / _GROWTH,
        twins={"not zero at v = 0": log(v / std_min**2) / _GROWTH},
        points=(
            {**_USUAL, "v": 3.0},
            {**_USUAL, "v": 1e-12},
            {**_OTHER, "v": 0.09},
            {**_USUAL, "v": 99.5},
        ),
    ),
    Pin(
        "gbm_ref.VarianceExploding.sample",
        formula=_sample(sqrt(_VARIANCE)),
        twins={"variance for deviation": _sample(_VARIANCE)},
        points=_STATES,
    ),
)

VE = Claim(
    id="VE",
    title="a variance-exploding process",
    statement=r"Let $g=\tfrac1T\ln\big(1+\tfrac{s_{\max}^2}{s_{\min}^2}\big)$, "
    r"$\sigma(t)=s_{\min}\sqrt g\,e^{gt/2}$ and $\mu(t)=\tfrac{\sigma^2(t)}2$. Then $m(t)=0$, "
    r"$v(t)=s_{\min}^2(e^{gt}-1)$, and $v(T)=s_{\max}^2$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("E19",),
    assumptions=("0 < s_min < s_max, T > 0",),
    depends=("A33", "E19-iii"),
    derivation=r"By A33, $\dot m=\mu-\tfrac{\sigma^2}2=0$ and $\dot v=\sigma^2=s_{\min}^2ge^{gt}$ "
    r"with $v(0)=0$. At the horizon $e^{gT}=1+s_{\max}^2/s_{\min}^2$. The diffusion coefficient "
    "grows geometrically; so does the standard deviation, once it is well above $s_{\\min}$.",
    proof=Proof(
        is_its_variance,
        holds=(std_min**2 * (E - 1), 1 + std_max**2 / std_min**2),
        twins={
            "sigma_min r^t as the deviation at t = 0 too": (
                std_min**2 * E,
                std_max**2 / std_min**2,
            ),
            "growth by the ratio of the deviations squared": (
                std_min**2 * (E - 1),
                std_max**2 / std_min**2,
            ),
            "sigma^2 for its integral": (
                std_min**2 * g * (E - 1),
                1 + std_max**2 / (std_min**2 * g),
            ),
        },
    ),
    pins=_PINS,
)

CLAIMS = (VE,)
