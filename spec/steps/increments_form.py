"""The steps in the increments of m and v, which serve coefficients that vary in time.

Symbols: dm = m(t) - m(s), dv = v(t) - v(s), r = sqrt(dv); h Hyvarinen score at (x, t); z draw;
kappa factor on the noise; v_t, v_s variances of log X on log-normal data, v_t - v_s = dv.
"""

from sympy import Expr, Integer, Symbol, exp, log, sqrt, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import dt, h, kappa, mu, sigma, t, z
from spec.steps._pinned import PAIRS, SLOPE_VALUES, affine_score
from spec.steps._reverse import ambient_factor, log_step, root

dm = Symbol("dm", real=True)
r, std_min, std_max = symbols("r std_min std_max", positive=True)


def are_the_steps(candidate: tuple[Expr, Expr]) -> bool:
    """Whether (exponent, factor) are A13 and A12 in the increments, and fit any schedule.

    With constant coefficients, dm = (mu - sigma^2/2) dt and dv = sigma^2 dt, they have to be the
    Euler-Maruyama steps that the reverse equation gives. With any m and v the exponent has to
    carry the mean of log-normal data exactly: from a + m_t + e to a + m_s + (v_s / v_t) e.
    """
    exponent, factor = candidate
    constant = {dm: (mu - sigma**2 / 2) * root**2, r: sigma * root}
    m_t, e = symbols("m_t e", real=True)
    v_t = Symbol("v_t", positive=True)
    mean = m_t + e + exponent.subs({h: -1 - e / v_t, z: 0}, simultaneous=True)
    return all(
        [
            same(exponent.subs(constant, simultaneous=True), log_step(h, z, root, kappa)),
            same(factor.subs(constant, simultaneous=True), ambient_factor(h, z, root, kappa)),
            same(mean, m_t - dm + (v_t - r**2) / v_t * e),
        ]
    )


def _exploding(ambient: bool, end: Expr) -> tuple[Expr, ...]:
    """A step of the process with v = std_min^2 (e^{g t} - 1); dv taken from t down to `end`."""
    growth = log(1 + (std_max / std_min) ** 2)
    added = std_min**2 * (exp(growth * t) - exp(growth * end))
    x1, x2, z1, z2 = PAIRS
    found = []
    for e, s, w in zip((x1, x2), affine_score((x1, x2), t), (z1, z2), strict=True):
        noise = kappa * sqrt(added) * w
        factor = 1 + added * 3 / 2 + added * s + noise if ambient else exp(added * (1 + s) + noise)
        found.append(e * factor)
    return tuple(found)


_EXPONENT = -dm + r**2 * (1 + h) + kappa * r * z
_FACTOR = 1 - dm + r**2 * (Integer(3) / 2 + h) + kappa * r * z
_POINTS = (
    {"x1": 0.7, "x2": 1.9, "z1": -0.8, "z2": 1.3, "t": 0.62, "dt": 0.11, "kappa": 1.0,
     "std_min": 0.3, "std_max": 2.0, **SLOPE_VALUES},
    {"x1": 3e-2, "x2": 8.0, "z1": 3.1, "z2": -2.9, "t": 1.0, "dt": 0.02, "kappa": 0.7,
     "std_min": 0.05, "std_max": 1.1, **SLOPE_VALUES},
)  # fmt: skip

INCREMENTS = Claim(
    id="increments-form",
    title="the steps in increments of m and v",
    statement=r"$X_s=X_t\circ\exp[-\Delta m+\Delta v(\mathbf 1+h)+\kappa\sqrt{\Delta v}Z]$ and "
    r"$X_s=X_t\circ[\mathbf 1-\Delta m+\Delta v(\frac32+h)+\kappa\sqrt{\Delta v}Z]$ are A13 and "
    r"A12 for constant coefficients; for any $\mu(t),\sigma(t)$ the first carries the mean of "
    "log-normal data exactly.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("A12", "A13", "E19"),
    assumptions=(r"$\Delta m$, $\Delta v$ the increments of the forward integrals over the step",),
    depends=("A12", "A13"),
    derivation=r"$-\delta(\mu-\frac{3\sigma^2}2)=-\Delta m+\Delta v$ and $-\delta(\mu-2\sigma^2)="
    r"-\Delta m+\frac32\Delta v$ with $\Delta m=(\mu-\frac{\sigma^2}2)\delta$, $\Delta v=\sigma^2"
    r"\delta$. On log-normal data $1+h=-\frac e{v_t}$ in the mean, so $e$ becomes "
    r"$e(1-\frac{\Delta v}{v_t})=\frac{v_s}{v_t}e$: exact if and only if $\Delta v$ is the "
    "variance that the forward process adds between $s$ and $t$.",
    proof=Proof(
        are_the_steps,
        holds=(_EXPONENT, _FACTOR),
        twins={
            "3/2 in the exponent": (_EXPONENT + r**2 / 2, _FACTOR),
            "1 in the factor": (_EXPONENT, _FACTOR - r**2 / 2),
            "noise with dv": (_EXPONENT + kappa * (r**2 - r) * z, _FACTOR),
        },
    ),
    pins=tuple(
        Pin(
            f"gbm_ref.{name}.__call__",
            formula=_exploding(ambient, t - dt),
            twins={"variance of the next step": _exploding(ambient, t - 2 * dt)},
            points=_POINTS,
            variant="sigma that varies",
        )
        for name, ambient in (("SignAgnostic", True), ("DaleLangevin", False))
    ),
)

CLAIMS = (INCREMENTS,)
