"""The ancestral and the DDIM step as maps of the state.

Symbols: y = log X_t; D the denoiser, frozen over the step; V = v(t) = rb^2 and v = v(s) = ra^2;
m = m(t), m_s = m(s); V0 variance of log X_0 that the denoiser leaves unexplained.
"""

from sympy import Abs, Expr, Integer, Symbol, solve, sqrt, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import dt, h, kappa, m, mu, sigma, t
from spec.steps._pinned import STEP_POINTS, exponential_formula

y, m_s = symbols("y m_s", real=True)
ra, rb = symbols("ra rb", positive=True)
v0 = Symbol("v0", nonnegative=True)

# weight of (1 + h) in the ancestral and in the DDIM step, the ancestral noise variance
Steps = tuple[Expr, Expr, Expr]


def are_the_frozen_maps(candidate: Steps) -> bool:
    """Whether log X_s - log X_t = m(s) - m(t) + weight (1 + h) + noise is the frozen solution.

    The mean of the bridge, and the flow, are put together from D and the gains of R17-bridge,
    with Tweedie's D. The variance is that of Y_s given Y_t for Y_0 ~ N(., V0): the Schur
    complement of the joint covariance, solved here as a regression.
    """
    ancestral, ddim, variance = candidate
    tweedie = y - m + rb**2 * (1 + h)
    deviation = y - m - tweedie
    bridge = tweedie + m_s + (ra**2 / rb**2) * deviation
    flow = tweedie + m_s + (ra / rb) * deviation
    gain = Symbol("gain")
    # Cov(Y_s - gain Y_t, Y_t) = 0 with Cov(Y_s, Y_t) = V0 + v and Var Y_t = V0 + V.
    (regression,) = solve((v0 + ra**2) - gain * (v0 + rb**2), gain)
    residual = (v0 + ra**2) - regression * (v0 + ra**2)
    return (
        same(y + (m_s - m) + ancestral * (1 + h), bridge)
        and same(y + (m_s - m) + ddim * (1 + h), flow)
        and same(variance, residual)
    )


_DV = rb**2 - ra**2
_VARIANCE = _DV * (v0 + ra**2) / (v0 + rb**2)

# The right-hand sides with constant coefficients, for the pins.
DM, DV = (mu - sigma**2 / 2) * dt, sigma**2 * dt
V_T, V_S = sigma**2 * t, sigma**2 * (t - dt)
ROOT = kappa * sqrt(DV * (v0 + V_S) / (v0 + V_T))
FLOW_WEIGHT = V_T - sqrt(V_S * V_T)


# Not down to t = 0 exactly: there v(s) is a rounding error of t - dt in the formula.
POINTS = tuple(
    {**point, "dt": length, "v0": variance}
    for point, length, variance in zip(
        STEP_POINTS, (0.11, 0.99, 9e-4), (0.0, 0.31, 2e-5), strict=True
    )
)
_NAMES = ("mu", "sigma", "t", "dt", "kappa", "v0")
COEFFICIENT_POINTS = tuple({name: point[name] for name in _NAMES} for point in POINTS)
# The roundings of sigma^2 t and sigma^2 dt are seen in v(s).
_SIZES = (Abs(mu) * dt + DV, DV * (1 + V_T / V_S), kappa * sqrt(DV) * (1 + V_T / (v0 + V_S)))
PINS = (
    Pin(
        "gbm_ref.Ancestral.coefficients",
        formula=(-DM, DV, ROOT),
        twins={"noise of eq. (13)": (-DM, DV, kappa * sqrt(DV))},
        points=COEFFICIENT_POINTS,
        scale=_SIZES,
    ),
    Pin(
        "gbm_ref.Ancestral.__call__",
        formula=exponential_formula(-DM, DV, ROOT),
        twins={"noise of eq. (13)": exponential_formula(-DM, DV, kappa * sqrt(DV))},
        points=POINTS,
    ),
    Pin(
        "gbm_ref.DDIM.coefficients",
        formula=(-DM, FLOW_WEIGHT, Integer(0)),
        twins={"gain of the bridge": (-DM, DV, Integer(0))},
        points=COEFFICIENT_POINTS,
        scale=(*_SIZES[:2], Integer(1)),
    ),
    Pin(
        "gbm_ref.DDIM.__call__",
        formula=exponential_formula(-DM, FLOW_WEIGHT, Integer(0)),
        twins={"gain of the bridge": exponential_formula(-DM, DV, Integer(0))},
        points=POINTS,
    ),
)

R17_STEPS = Claim(
    id="R17-steps",
    title="the ancestral and the DDIM step as maps",
    statement=r"With Tweedie's denoiser the ancestral step is $\log X_s=\log X_t-[m(t)-m(s)]+"
    r"[v(t)-v(s)](\mathbf 1+H)+\sqrt{[v(t)-v(s)]\frac{V_0+v(s)}{V_0+v(t)}}\,Z$, $V_0=0$ for a "
    r"frozen denoiser and the data's log-variance for log-normal data, where it is exact (R7); "
    r"the DDIM step is $\log X_s=\log X_t-[m(t)-m(s)]+[v(t)-\sqrt{v(s)v(t)}](\mathbf 1+H)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R7", "R17"),
    assumptions=("0 < s < t",),
    depends=("R17-bridge", "R7", "R5"),
    derivation=r"Put $D=y-m(t)+v(t)(1+H)$ into the two solutions of R17-bridge: the deviation "
    r"$y-m(t)-D=-v(t)(1+H)$ is multiplied by $\frac{v(s)}{v(t)}$ or by $\sqrt{v(s)/v(t)}$. For "
    r"data of log-variance $V_0$, $\mathrm{Cov}(Y_s,Y_t)=V_0+v(s)$ and "
    r"$\mathrm{Var}Y_t=V_0+v(t)$; what the regression of $Y_s$ on $Y_t$ leaves is the variance "
    r"above.",
    proof=Proof(
        are_the_frozen_maps,
        holds=(_DV, rb**2 - ra * rb, _VARIANCE),
        twins={
            "noise of eq. (13)": (_DV, rb**2 - ra * rb, _DV),
            "weight of the bridge in the flow": (_DV, _DV, _VARIANCE),
            "half of it, as in the flow's drift": (_DV, _DV / 2, _VARIANCE),
            "variance ratio upside down": (
                _DV,
                rb**2 - ra * rb,
                _DV * (v0 + rb**2) / (v0 + ra**2),
            ),
        },
    ),
    pins=PINS,
)

CLAIMS = (R17_STEPS,)
