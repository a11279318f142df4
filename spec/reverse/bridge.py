"""Steps that freeze the denoiser: the Brownian bridge (ancestral step) and the flow (DDIM).

Symbols: D = E[log X_0 | X_t] frozen; times s < t, with m, v at t written m, V and at s written
m_s, v; the step dm = m - m_s, dv = V - v; ra = sqrt(v), rb = sqrt(V); h = x * grad log p_t.
"""

from sympy import Expr, Symbol, diff, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import V, dt, h, m, mu, s2, v

D, y, m_s = symbols("D y m_s", real=True)
ra, rb = symbols("ra rb", positive=True)

# gain and variance of the bridge in (v, V), gain of the flow in (ra, rb)
Steps = tuple[Expr, Expr, Expr]


def are_the_frozen_steps(candidate: Steps) -> bool:
    """Whether gain and variance are those of the bridge, its mean A13's, and the flow's gain."""
    gain, variance, flow_gain = candidate
    return (
        _is_bridge(gain, variance)
        and _integrates_frozen_equation(gain, variance)
        and _has_the_drift_of_eq_13(gain)
        and _on_uniform_grid(variance)
        and _integrates_frozen_flow(flow_gain)
    )


def _is_bridge(gain: Expr, variance: Expr) -> bool:
    """N(y_s; D + m_s, v) N(y_t; y_s + dm, dv) = N(y_t; D + m, V) N(y_s; mean, variance)."""
    y_s = Symbol("y_s", real=True)
    mean = D + m_s + gain * (y - D - m)
    left = (y_s - D - m_s) ** 2 / v + (y - y_s - (m - m_s)) ** 2 / (V - v)
    right = (y - D - m) ** 2 / V + (y_s - mean) ** 2 / variance
    return same(left, right) and same(v * (V - v), V * variance)


def _integrates_frozen_equation(gain: Expr, variance: Expr) -> bool:
    """A10 with the score -(y - D - m)/v of the frozen D, solved exactly from t down to s.

    The deviation e = y - D - m has de = -e dv'/v' and dVar = (1 - 2 Var/v') dv' per dv' = -dv.
    """
    return (
        same(-diff(gain, v), -gain / v)
        and same(-diff(variance, v), 1 - 2 * variance / v)
        and same(gain.subs(v, V), 1)
        and same(variance.subs(v, V), 0)
    )


def _has_the_drift_of_eq_13(gain: Expr) -> bool:
    """The mean with Tweedie's D = y - m + V (1 + h), against the exponent of eq. (13)."""
    tweedie = y - m + V * (1 + h)
    mean = (D + m_s + gain * (y - D - m)).subs(D, tweedie)
    rates = {m_s: m - (mu - s2 / 2) * dt, v: V - s2 * dt}
    return same(mean.subs(rates) - y, -dt * (mu - 3 * s2 / 2) + dt * s2 * h)


def _on_uniform_grid(variance: Expr) -> bool:
    """With v(t) = s2 k dt the factor on the noise variance s2 dt of eq. (13) is (k - 1) / k."""
    k = Symbol("k", positive=True)
    at_k = variance.subs({V: s2 * k * dt, v: s2 * (k - 1) * dt}, simultaneous=True)
    return same(at_k / (s2 * dt), (k - 1) / k)


def _integrates_frozen_flow(gain: Expr) -> bool:
    """de/dv = e / (2 v) for the probability flow with the score of the frozen D; v = ra^2."""
    return same(diff(gain, ra) / (2 * ra), gain / (2 * ra**2)) and same(gain.subs(ra, rb), 1)


R17_BRIDGE = Claim(
    id="R17-bridge",
    title="ancestral and DDIM steps",
    statement=r"Let $D=\mathbb E[\log X_0\mid X_t]$ be frozen over the step. Then the reverse "
    r"equation is integrated exactly by the Brownian bridge, $\log X_s=D+m(s)+\frac{v(s)}{v(t)}"
    r"(\log X_t-D-m(t))+\sqrt{v(s)(v(t)-v(s))/v(t)}\,Z$, and the probability flow by $\log "
    r"X_s=D+m(s)+\sqrt{v(s)/v(t)}\,(\log X_t-D-m(t))$. The drift of the first equals that of A13; "
    r"only the noise changes, on a uniform grid from $\sqrt h$ to $\sqrt{h(k-1)/k}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R17",),
    assumptions=("0 < s < t", "mu and sigma constant over the step for the comparison with A13"),
    depends=("A6", "A10", "R5", "R16-ode", "A13"),
    derivation=r"Given $Y_0=D$ and $Y_t$, Bayes' rule for the kernels $\mathcal N(D+m(s),v(s))$ "
    r"and $\mathcal N(Y_s+m(t)-m(s),v(t)-v(s))$ gives the bridge; the routine decides it as an "
    r"identity of exponents and normalizations. With $D$ frozen the score is $-(y-D-m)/v$, so the "
    r"deviation $e$ and its variance $W$ obey $de=-\frac ev\,d\bar v$, $dW=(1-\frac{2W}v)\,d\bar "
    r"v$ with $d\bar v=-dv>0$, which gain and variance solve. Put $D=y-m+v(1+H)$ (R5): the mean "
    "is $y-[m(t)-m(s)]+[v(t)-v(s)](1+H)$, the exponent of A13. For the flow $de/dv=e/(2v)$, so "
    r"$e\propto\sqrt v$. At $v=\sigma^2k\delta$ the bridge's variance is $h(k-1)/k$.",
    proof=Proof(
        are_the_frozen_steps,
        holds=(v / V, v * (V - v) / V, ra / rb),
        twins={
            "noise of eq. (13)": (v / V, V - v, ra / rb),
            "gain of the flow in the ancestral step": (ra / rb, v * (V - v) / V, ra / rb),
            "gain of the bridge in the flow": (v / V, v * (V - v) / V, ra**2 / rb**2),
            "variance of the bridge seen from the data": (v / V, (V - v) ** 2 / V, ra / rb),
        },
    ),
)

CLAIMS = (R17_BRIDGE,)
