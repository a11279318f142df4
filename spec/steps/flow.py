"""The probability flow in sqrt(v): its equation, Heun's rule, and the last step.

Symbols: tau = sqrt(v(t)); u = log X - m(t); h Hyvarinen score; s = 1 + h log score, s1 its
derivative in u; q density of u; f(u, tau) any slope; ell step in tau; y = log x.
"""

from collections.abc import Callable

from sympy import Expr, Rational, diff, exp, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import dt, h, m, mu, sigma, t, v
from spec.steps._pinned import PAIRS, SLOPE_VALUES, affine_score

tau, ell, u, s1, y = symbols("tau ell u s1 y", real=True)
Slope = Callable[[Expr, Expr], Expr]
Scheme = Callable[[Slope, Expr, Expr, Expr], Expr]


def transports_the_density(slope: Expr) -> bool:
    """Whether du/dtau = slope (an expression in tau and h) carries the density of u along.

    Under the process u is data plus normal noise of variance v, so dq/dv = q''/2 and
    dq/dtau = tau q''. The flow transports q by dq/dtau = -(slope q)'. Divided by q, with
    q'/q = s = 1 + h and q''/q = s^2 + s1, so h' = s1.
    """
    s = 1 + h
    return same(tau * (s**2 + s1), -(diff(slope, h) * s1 + slope * s))


def is_of_second_order(scheme: Scheme) -> bool:
    """Whether one step of the scheme agrees with the solution up to ell^2, and not to ell^3.

    The slope is an arbitrary polynomial of degree two in u and tau: more derivatives do not enter
    up to ell^3. Solution: Taylor's series with u'' = f_tau + f f_u and once more.
    """
    c = symbols("c0:6")

    def f(a: Expr, b: Expr) -> Expr:
        return c[0] + c[1] * a + c[2] * b + c[3] * a**2 + c[4] * a * b + c[5] * b**2

    derivative, exact = f(u, tau), u
    for n in (1, 2, 3):
        exact += derivative * ell**n / (1, 2, 6)[n - 1]
        derivative = diff(derivative, tau) + f(u, tau) * diff(derivative, u)
    error = (scheme(f, u, tau, ell) - exact).expand()
    low = [error.coeff(ell, n) for n in range(3)]
    return vanishes(tuple(low)) and not vanishes(error.coeff(ell, 3))


def lands_on_the_denoiser(landing: Expr) -> bool:
    """Whether log X_0 = landing, in y, m, v and h, is E[log X_0 | X_t].

    Three data points with arbitrary weights; r_j, which sum to one, are the posterior weights.
    Then 1 + h is the sum of r_j (y_j + m - y) / v, and the denoiser that of r_j y_j.
    """
    r1, r2, y1, y2, y3 = symbols("r1 r2 y1 y2 y3", real=True)
    points = ((r1, y1), (r2, y2), (1 - r1 - r2, y3))
    score = sum(r * (p + m - y) / v for r, p in points) - 1
    return same(landing.subs(h, score), sum(r * p for r, p in points))


def _heun(f: Slope, a: Expr, b: Expr, step: Expr) -> Expr:
    first = f(a, b)
    return a + step * (first + f(a + step * first, b + step)) / 2


def _euler_landing() -> Expr:
    """The Euler step of the flow from tau = sqrt(v) to 0, back in log X with m(0) = 0."""
    start = y - m
    slope = -sqrt(v) * (1 + h)
    return start + (0 - sqrt(v)) * slope


def _step(weight: Expr, end_time: Expr) -> tuple[Expr, ...]:
    """The pinned step: first slope weighted `weight`, second 1 - weight, read at `end_time`."""
    end = t - dt
    a, b = sigma * sqrt(t), sigma * sqrt(end)
    length, shift = b - a, (mu - sigma**2 / 2) * dt
    state = PAIRS[:2]
    slopes = [-a * (1 + e) for e in affine_score(state, t)]
    ahead = [e * exp(length * d - shift) for e, d in zip(state, slopes, strict=True)]
    ends = [-b * (1 + e) for e in affine_score((ahead[0], ahead[1]), end_time)]
    return tuple(
        e * exp(length * (weight * d + (1 - weight) * w) - shift)
        for e, d, w in zip(state, slopes, ends, strict=True)
    )


def _last_step(sign: int = 1) -> tuple[Expr, ...]:
    """The pinned step to t = 0: x exp(-m(t) + v(t) (1 + h)); `sign` of m may be wrong."""
    state, at = PAIRS[:2], t
    rate = mu - sigma**2 / 2
    return tuple(
        e * exp(-sign * rate * at + sigma**2 * at * (1 + w))
        for e, w in zip(state, affine_score(state, at), strict=True)
    )


def is_the_flow_step(candidate: tuple[Expr, Scheme]) -> bool:
    """Whether the slope transports the density and the scheme is of second order."""
    slope, scheme = candidate
    return transports_the_density(slope) and is_of_second_order(scheme)


_SLOPE = -tau * (1 + h)
_POINTS = (
    {"x1": 0.7, "x2": 1.9, "mu": 0.17, "sigma": 0.8, "t": 0.62, "dt": 0.11, **SLOPE_VALUES},
    {"x1": 3e-4, "x2": 812.0, "mu": -0.6, "sigma": 1.4, "t": 1.0, "dt": 0.73, **SLOPE_VALUES},
    {"x1": 1.01, "x2": 0.98, "mu": 0.32, "sigma": 0.8, "t": 2e-3, "dt": 1e-3, **SLOPE_VALUES},
)
_LAST_POINTS = tuple({**point, "t": point["dt"]} for point in _POINTS)

HEUN_FLOW = Claim(
    id="heun-flow",
    title="probability flow by Heun's rule in the standard deviation",
    statement=r"With $\tau=\sqrt{v(t)}$ and $u=\log X-m(t)$ the noise-free equation with the same "
    r"marginals is $\frac{du}{d\tau}=-\tau(\mathbf 1+h)$. Heun's rule, $u+\ell\frac{f(u,\tau)+f(u+"
    r"\ell f,\tau+\ell)}2$, agrees with its solution up to $\ell^2$: local error $O(\ell^3)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R16",),
    assumptions=(
        "h twice differentiable in log x and sqrt(v)",
        "one coordinate; the others are parameters in the first part",
    ),
    depends=("A9", "A10-score", "R16-ode"),
    derivation=r"$u$ is data plus normal noise of variance $v=\tau^2$, so $\partial_\tau q=\tau "
    r"q''$. A flow with slope $c$ has $\partial_\tau q=-(cq)'$; both agree if $cq=-\tau q'$, so "
    r"$c=-\tau(\log q)'=-\tau(1+h)$. Taylor: $u'=f$, $u''=f_\tau+ff_u$. Heun's second slope is "
    r"$f+\ell(f_\tau+ff_u)+O(\ell^2)$, so the half sum gives $\ell "
    r"f+\frac{\ell^2}2(f_\tau+ff_u)$.",
    proof=Proof(
        is_the_flow_step,
        holds=(_SLOPE, _heun),
        twins={
            "Hyvarinen score without the one": (-tau * h, _heun),
            "twice the slope, as for the reverse equation": (2 * _SLOPE, _heun),
            "Euler": (_SLOPE, lambda f, a, b, step: a + step * f(a, b)),
            "second slope at the old state": (
                _SLOPE,
                lambda f, a, b, step: a + step * (f(a, b) + f(a, b + step)) / 2,
            ),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.ProbabilityFlow.__call__",
            formula=_step(Rational(1, 2), t - dt),
            twins={
                "Euler": _step(Rational(1), t - dt),
                "second score at the first time": _step(Rational(1, 2), t),
            },
            points=_POINTS,
        ),
    ),
)

LAST = Claim(
    id="heun-flow-last",
    title="the last step of the flow",
    statement=r"The Euler step of the flow from $\tau=\sqrt{v(t)}$ to 0 lands on the denoiser: "
    r"$\log X_0=\log X_t-m(t)+v(t)(\mathbf 1+h)=\mathbb E[\log X_0\mid X_t]$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R16", "R5"),
    assumptions=("decided for three data points of arbitrary weights and places",),
    depends=("heun-flow", "R5"),
    derivation=r"The step has length $-\sqrt v$ and slope $-\sqrt v(1+h)$; their product is "
    r"$v(1+h)$. For data on points, $1+h=\sum_jr_j\frac{y_j+m-y}v$ with posterior weights $r_j$, "
    r"so $y-m+v(1+h)=\sum_jr_jy_j$. Heun's second slope would be $0\cdot h(\cdot,0)$, which need "
    "not exist.",
    proof=Proof(
        lands_on_the_denoiser,
        holds=_euler_landing(),
        twins={
            "half the correction": y - m + v * (1 + h) / 2,
            "m with the other sign": y + m + v * (1 + h),
            "without the one": y - m + v * h,
        },
    ),
    pins=(
        Pin(
            "gbm_ref.ProbabilityFlow.__call__",
            formula=_last_step(),
            twins={"m with the other sign": _last_step(-1)},
            points=_LAST_POINTS,
            variant="last step",
        ),
    ),
)

CLAIMS = (HEUN_FLOW, LAST)
