"""The likelihood along the probability flow: sheet R19.

The flow dY/dt = m - (sigma^2/2) s carries q_t, so log q_t(Y_t) changes by minus the divergence of
the velocity. Symbols: l = log q or log p, an arbitrary function through its 2-jet at a point;
s = grad_y log q; H = x * grad_x log p; D = sum_i x_i d/dx_i H_i.
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, diff, exp, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import s2


def _two_jet(d: tuple[Expr, Expr]) -> Expr:
    """g . d + half a quadratic form in d: log density relative to its value at the point."""
    g1, g2, l11, l12, l22 = symbols("g1 g2 l11 l12 l22")
    return g1 * d[0] + g2 * d[1] + (l11 * d[0] ** 2 + 2 * l12 * d[0] * d[1] + l22 * d[1] ** 2) / 2


def grows_along_the_flow(weights: tuple[Expr, Expr]) -> bool:
    """Whether d/dt log q_t(Y_t) = w2 sigma^2 tr grad s along dY/dt = m - w1 sigma^2 s.

    Left: d/dt of log q at a fixed point from the Fokker-Planck equation of dY = m dt + sigma dW
    (eq. 9), differentiated out for q = exp(l), plus velocity . grad log q. In the plane.
    """
    d, m = symbols("d1 d2"), symbols("m1 m2")
    origin = {d[0]: 0, d[1]: 0}
    log_q = _two_jet(d)
    q = exp(log_q)
    rate = sum(-m[i] * diff(q, d[i]) + s2 / 2 * diff(q, d[i], 2) for i in (0, 1))
    at_a_point = rate.subs(origin)
    score = [diff(log_q, e) for e in d]
    velocity = [m[i] - weights[0] * s2 * score[i] for i in (0, 1)]
    carried = sum(velocity[i] * score[i] for i in (0, 1)).subs(origin)
    trace = sum(diff(score[i], d[i]) for i in (0, 1))
    return vanishes(at_a_point + carried - weights[1] * s2 * trace)


def grows_in_ambient_space(weights: tuple[Expr, Expr, Expr]) -> bool:
    """Whether d/dt log p_t(X_t) = -{sum(mu_i - w1 s2 - w2 s2 H_i) - w3 s2 D} along the flow.

    Left: the Fokker-Planck equation of dX = mu X dt + sigma X dW (eq. 5) differentiated out for
    p = exp(l), plus the velocity X (mu - sigma^2 - sigma^2/2 H) times grad log p. In the plane,
    at an arbitrary point, p arbitrary; nothing is used from log space.
    """
    d, x, mu = symbols("d1 d2"), symbols("x1 x2"), symbols("mu1 mu2")
    origin = {d[0]: 0, d[1]: 0}
    log_p = _two_jet(d)
    p = exp(log_p)
    at = [x[i] + d[i] for i in (0, 1)]
    rate = sum(
        -diff(mu[i] * at[i] * p, d[i]) + s2 / 2 * diff(at[i] ** 2 * p, d[i], 2) for i in (0, 1)
    )
    h = [at[i] * diff(log_p, d[i]) for i in (0, 1)]
    carried = sum(at[i] * (mu[i] - s2 - s2 / 2 * h[i]) * diff(log_p, d[i]) for i in (0, 1)).subs(
        origin
    )
    spread = sum(at[i] * diff(h[i], d[i]) for i in (0, 1))
    growth = sum(mu[i] - weights[0] * s2 - weights[1] * s2 * h[i] for i in (0, 1))
    right = -(growth - weights[2] * s2 * spread).subs(origin)
    return vanishes(rate.subs(origin) + carried - right)


def _mixture(values: Mapping[str, mpf], jacobian: int = 1, widened: int = 0) -> mpf:
    """log p_0(x) of the mixture w1 N(a, S) + w2 N(b, T) of log X; `widened` times v(T) added."""
    y, noise = mpmath.log(values["x"]), widened * values["sigma"] ** 2 * values["horizon"]
    total = sum(
        values[w] * mpmath.npdf(y, values[mean], mpmath.sqrt(values[variance] + noise))
        for w, mean, variance in (("w1", "a", "S"), ("w2", "b", "T"))
    )
    return mpmath.log(total) - jacobian * y


_PATH = Pin(
    "gbm_ref.log_likelihood",
    formula=_mixture,
    twins={
        "the Jacobian left out": lambda values: _mixture(values, jacobian=0),
        "density at the end": lambda values: _mixture(values, widened=1),
    },
    points=(
        {"x": 1.7, "w1": 0.25, "a": 0.3, "S": 0.64, "w2": 0.75, "b": -0.4, "T": 0.3}
        | {"mu": 0.2, "sigma": 0.8, "horizon": 1.0},
        {"x": 0.2, "w1": 0.5, "a": 0.3, "S": 0.01, "w2": 0.5, "b": -0.9, "T": 0.9}
        | {"mu": -0.3, "sigma": 1.3, "horizon": 1.5},
    ),
    scale=lambda values: 1 + abs(_mixture(values)),
    k=2.0**19,  # 6e-11: the tolerance of the integration
    variant="mixture",
)

R19 = Claim(
    id="R19",
    title="likelihood along the probability flow",
    statement=r"Along $\frac{dY}{dt}=m-\frac{\sigma^2}2s$: $\frac{d}{dt}\log "
    r"q_t(Y_t)=\frac{\sigma^2}2\mathrm{tr}\nabla_ys$, hence $\log p_0(x_0)=\log "
    r"q_1(y_1)-\frac{\sigma^2}2\int_0^1\mathrm{tr}\nabla_ys(y_t,t)\,dt-\sum_i\log x_{0,i}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R19",),
    assumptions=("q_t is positive and C^2 along the path", "the flow exists on [0, 1]"),
    depends=("A9", "R16-ode", "C6"),
    derivation=r"$\partial_tq=-m\cdot\nabla q+\frac{\sigma^2}2\Delta q$, so $\partial_t\log "
    r"q=-m\cdot s+\frac{\sigma^2}2(\mathrm{tr}\nabla s+\lVert s\rVert^2)$. Add "
    r"$\frac{dY}{dt}\cdot s=m\cdot s-\frac{\sigma^2}2\lVert s\rVert^2$: only "
    r"$\frac{\sigma^2}2\mathrm{tr}\nabla s$ is left. Integrate from 0 to 1, and pass to $p_0$ by "
    r"$\log p_0=\log q_0-\sum\log x_{0,i}$. Decided for an arbitrary density of the plane, "
    "through its 2-jet at a point.",
    proof=Proof(
        grows_along_the_flow,
        holds=(Rational(1, 2), Rational(1, 2)),
        twins={
            "weight of the reverse SDE in the flow": (Rational(1), Rational(1, 2)),
            "trace with the full rate": (Rational(1, 2), Rational(1)),
            "sign of the trace": (Rational(1, 2), Rational(-1, 2)),
        },
    ),
    pins=(_PATH,),
)

AMBIENT = Claim(
    id="R19-ambient",
    title="likelihood in the original coordinates",
    statement=r"$\log p_0(x_0)=\log p_1(x_1)+\int_0^1\{\sum_i(\mu_i-\sigma^2-\frac{\sigma^2}2H_i)"
    r"-\frac{\sigma^2}2\sum_ix_i\partial_iH_i\}dt$ along "
    r"$\frac{dX}{dt}=X\circ(\mu-\sigma^2\mathbf 1-\frac{\sigma^2}2H)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R19",),
    assumptions=("p_t is positive and C^2 along the path", "the flow exists on [0, 1]"),
    depends=("A5", "R16-ode"),
    derivation=r"The integrand is the divergence of the velocity, "
    r"$\partial_i[x_i(\mu_i-\sigma^2-\frac{\sigma^2}2H_i)]$ summed. Directly: "
    r"$\partial_tp=-\nabla\cdot(\mu\circ x\,p)+\frac{\sigma^2}2\sum\partial_i^2(x_i^2p)$, divided "
    r"by $p$, plus $\frac{dX}{dt}\cdot\nabla\log p$; all terms with $\lVert\nabla\log p\rVert^2$ "
    "cancel. Decided for an arbitrary density at an arbitrary point of the plane; it is "
    r"independent of the proof in log space, and agrees with it by $s=\mathbf 1+H$.",
    proof=Proof(
        grows_in_ambient_space,
        holds=(Rational(1), Rational(1, 2), Rational(1, 2)),
        twins={
            "drift mu - sigma^2/2": (Rational(1, 2), Rational(1, 2), Rational(1, 2)),
            "full weight of the score": (Rational(1), Rational(1), Rational(1)),
            "without the derivative of H": (Rational(1), Rational(1, 2), Rational(0)),
        },
    ),
)


CLAIMS = (R19, AMBIENT)
