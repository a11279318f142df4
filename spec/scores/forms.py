"""The forms of the score and the conversions between them.

    S score of X    h = x S    s score of log X    eps = E[z | X_t]    D = E[log X_0 | X_t]

Symbols: x, L = log x; m, v of the kernel, r = sqrt(v); h, S (stein), s (log_score), eps (noise),
D (denoised) as names of the forms.
"""

from sympy import Abs, Expr, Matrix, Symbol, log, sqrt, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import L, h, m, mu, sigma, t, v, x
from spec.scores import _posterior

S, s, eps, D = symbols("S s eps D", real=True)
r = Symbol("r", positive=True)
M_T, V_T = (mu - sigma**2 / 2) * t, sigma**2 * t

# (the form that is wanted, the form that is given) -> formula
Conversions = dict[tuple[Symbol, Symbol], Expr]

RIGHT: Conversions = {
    (h, S): x * S,
    (S, h): h / x,
    (s, h): 1 + h,
    (h, s): s - 1,
    (eps, h): -r * (1 + h),
    (h, eps): -1 - eps / r,
    (D, h): L - m + r**2 * (1 + h),
    (h, D): -1 + (D + m - L) / r**2,
}


def converts(conversions: Conversions) -> bool:
    """Whether all eight conversions hold for the forms as they are defined, for every data law.

    s is the kernel's derivative averaged over the posterior; p(x) = q(log x) / x, so that
    x d/dx log p = d/dL (log q - L) and S is that over x; z = (L - log X_0 - m) / r.
    """
    y, a, data = _posterior.Y[0], _posterior.DRIFT[0], _posterior.DATA[0]
    score = _posterior.log_score()[0].subs(v, r**2)
    forms = {
        s: score,
        h: score - 1,
        S: (score - 1) / x,
        eps: _posterior.posterior((y - data - a) / r),
        D: _posterior.mean()[0],
    }
    names = {L: y, m: a, **forms}
    return conversions.keys() == RIGHT.keys() and all(
        same(forms[wanted], formula.subs(names, simultaneous=True))
        for (wanted, _), formula in conversions.items()
    )


def _but(wanted: Symbol, given: Symbol, formula: Expr) -> Conversions:
    return {**RIGHT, (wanted, given): formula}


_PROCESS = (
    {"mu": 0.1, "sigma": 0.8, "t": 0.37},
    {"mu": -1.4, "sigma": 1.7, "t": 0.93},
    {"mu": 0.3, "sigma": 0.6, "t": 1e-6},
)


def _points(*values: dict[str, float]) -> tuple[dict[str, float], ...]:
    return tuple({**at, **value} for at, value in zip(_PROCESS, values, strict=True))


PINS = (
    Pin(
        "gbm_ref.hyvarinen_from_stein",
        formula=x * S,
        twins={"without x": S, "divided by x": S / x},
        points=({"x": 1.7, "S": -0.9}, {"x": 3e-7, "S": 4.1e6}, {"x": 812.0, "S": -2e-9}),
        k=2,
    ),
    Pin(
        "gbm_ref.stein_from_hyvarinen",
        formula=h / x,
        twins={"times x": h * x, "one added first": (1 + h) / x},
        points=({"x": 1.7, "h": -0.9}, {"x": 3e-7, "h": 4.1}, {"x": 812.0, "h": -1.0000001}),
        k=2,
    ),
    Pin(
        "gbm_ref.hyvarinen_from_log_score",
        formula=s - 1,
        twins={"no Jacobian": s, "wrong sign": s + 1},
        points=({"s": -0.7}, {"s": 31.5}, {"s": 1.0000001}),
        k=2,
    ),
    Pin(
        "gbm_ref.noise_from_hyvarinen",
        formula=-sqrt(V_T) * (1 + h),
        twins={
            "h for 1 + h": -sqrt(V_T) * h,
            "sign": sqrt(V_T) * (1 + h),
            "v for sqrt(v)": -V_T * (1 + h),
        },
        points=_points({"h": -0.4}, {"h": -1.0000001}, {"h": 870.0}),
    ),
    Pin(
        "gbm_ref.hyvarinen_from_noise",
        formula=-1 - eps / sqrt(V_T),
        twins={"without -1": -eps / sqrt(V_T), "v for sqrt(v)": -1 - eps / V_T},
        points=_points({"eps": -1.3}, {"eps": -1.6393}, {"eps": 6.5}),
    ),
    Pin(
        "gbm_ref.denoiser",
        formula=log(x) - M_T + V_T * (1 + h),
        twins={
            "h for 1 + h": log(x) - M_T + V_T * h,
            "m added": log(x) + M_T + V_T * (1 + h),
            "sqrt(v) for v": log(x) - M_T + sqrt(V_T) * (1 + h),
        },
        points=_points({"x": 1.4, "h": -0.4}, {"x": 55.0, "h": -1.9}, {"x": 0.031, "h": 870.0}),
        # The terms that are added; log x is rounded before they cancel.
        scale=Abs(log(x)) + 1 + 2 * (Abs(mu) + sigma**2) * t + 2 * V_T * (1 + Abs(h)),
    ),
    Pin(
        "gbm_ref.hyvarinen_from_denoiser",
        formula=-1 + (D + M_T - log(x)) / V_T,
        twins={
            "without -1": (D + M_T - log(x)) / V_T,
            "m subtracted": -1 + (D - M_T - log(x)) / V_T,
            "sqrt(v) for v": -1 + (D + M_T - log(x)) / sqrt(V_T),
        },
        points=_points({"x": 1.4, "D": 0.2}, {"x": 55.0, "D": 1.1}, {"x": 0.9, "D": -0.1}),
        # As for the denoiser, all divided by v.
        scale=1 + (Abs(D) + Abs(log(x)) + 1 + 2 * (Abs(mu) + sigma**2) * t) / V_T,
    ),
)


def _log_normal_score(shift: int) -> tuple[Expr, Expr]:
    """shift - (S_0 + v I)^-1 (log x - a - m) in the plane."""
    x1, x2 = symbols("x1 x2", positive=True)
    a1, a2, s11, s12, s22 = symbols("a1 a2 S11 S12 S22", real=True)
    covariance = Matrix([[s11 + V_T, s12], [s12, s22 + V_T]])
    deviation = Matrix([log(x1) - a1 - M_T, log(x2) - a2 - M_T])
    pull = covariance.inv() * deviation
    return shift - pull[0], shift - pull[1]


_LAW = {"a1": 0.4, "a2": -0.2, "S11": 0.3, "S12": -0.2, "S22": 0.5}
EXACT_SCORE_PIN = Pin(
    "gbm_ref.exact_score",
    formula=_log_normal_score(-1),
    twins={"log score": _log_normal_score(0), "wrong sign of the Jacobian": _log_normal_score(1)},
    points=(
        {**_LAW, "x1": 1.3, "x2": 0.6, "mu": 0.1, "sigma": 0.8, "t": 0.37},
        {**_LAW, "x1": 0.02, "x2": 40.0, "mu": -0.7, "sigma": 1.4, "t": 1.0},
        {**_LAW, "S12": 0.387, "x1": 1.5, "x2": 0.8, "mu": 0.3, "sigma": 0.6, "t": 1e-4},
    ),
)

FORMS = Claim(
    id="forms-of-the-score",
    title="forms of the score",
    statement=r"With $s=\nabla\log q_t$, $H=x\circ S$, $S=\nabla\log p_t$, $\hat\varepsilon="
    r"\mathbb E[Z\mid X_t]$ and $D=\mathbb E[\log X_0\mid X_t]$: $s=1+H$, $\hat\varepsilon=-\sqrt "
    r"v\,(1+H)$, $D=\log x-m+v(1+H)$, and conversely $H=x\circ S=s-1=-1-\hat\varepsilon/\sqrt "
    r"v=-1+(D+m-\log x)/v$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("C4", "R5"),
    assumptions=("x > 0", "v > 0 where a form divides by it", "any law of the data"),
    depends=("A6", "A10-score"),
    derivation=r"$q_t(y)$ is the average of the kernel $N(y;y_0+m,v)$ over the data, so "
    r"$\nabla\log q=\mathbb E[-(y-y_0-m)/v\mid y]$, a linear function of $D$. The noise is "
    r"$z=(y-y_0-m)/\sqrt v$, so $\hat\varepsilon=-\sqrt v\,s$. $p(x)=q(\log x)/x$ gives $H=s-1$, "
    "$S=H/x$. All eight conversions are decided with the posterior mean as a symbol.",
    proof=Proof(
        converts,
        holds=RIGHT,
        twins={
            "noise from h for 1 + h": _but(eps, h, -r * h),
            "denoiser with h for 1 + h": _but(D, h, L - m + r**2 * h),
            "noise divided by v": _but(h, eps, -1 - eps / r**2),
            "Stein score without x": _but(h, S, S),
        },
    ),
    pins=(*PINS, EXACT_SCORE_PIN),
)

CLAIMS = (FORMS,)
