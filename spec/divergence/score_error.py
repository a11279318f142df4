"""What a wrong score costs: an exact balance, and the bound that follows. Sheet R20.

In reverse time r, both the true law q and the law u of the sampler solve a Fokker-Planck equation
with diffusion sigma^2; their drifts b and b' differ by sigma^2 e, e = s - s_theta = H - h_theta.
Symbols: g = grad log(q/u); jets of log q, log u, b, b' at a point of the plane.
"""

from sympy import Expr, Poly, Rational, Symbol, diff, exp, fraction, log, symbols, together

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import s2, v, v0

_c, _Lg, _w = symbols("c Lg w", positive=True)
_low, _high, _T = symbols("std_min std_max T", positive=True)


def balances(weights: tuple[Expr, Expr]) -> bool:
    """Whether d/dr KL(q || u) = sigma^2 E_q[w1 |e|^2 - w2 |e - g|^2].

    The integrand of the derivative, dq/dr log(q/u) - (q/u) du/dr, is differentiated out with both
    Fokker-Planck equations; adding the divergence of a flux that vanishes at the ends must leave
    q times the right-hand side. q, u and both drifts are arbitrary: one coordinate, jets.
    """
    d = Symbol("d")
    drifts = [Symbol(f"b{i}") + Symbol(f"db{i}") * d for i in (0, 1)]
    logs = [Symbol(f"l{i}") + Symbol(f"g{i}") * d + Symbol(f"c{i}") * d**2 / 2 for i in (0, 1)]
    q, u = (exp(entry) for entry in logs)
    flows = [drift * f - s2 / 2 * diff(f, d) for drift, f in zip(drifts, (q, u), strict=True)]
    ratio = logs[0] - logs[1]
    change = -diff(flows[0], d) * ratio + q / u * diff(flows[1], d)
    flux = flows[0] * ratio - q / u * flows[1]
    left = (change + diff(flux, d)) / q
    error = (drifts[0] - drifts[1]) / s2
    slope = diff(ratio, d)
    right = s2 * (weights[0] * error**2 - weights[1] * (error - slope) ** 2)
    return vanishes((left - right).subs(d, 0).expand())


def is_the_exact_cost(cost: Expr) -> bool:
    """Whether KL = cost(c, v_0, Lg) for log-normal data and a score that is wrong by c.

    `cost` is in c, v0 and Lg = ln(v_N / v_0). The mean error E of the sampler starts at 0 at
    v_N and obeys dE/dr = -sigma^2 E / v + sigma^2 c with dv/dr = -sigma^2; the variance is exact,
    so E^2 = 2 v KL. Multiplied by 2E and squared, the equation is free of roots.
    """
    v_now, error = symbols("v E", positive=True)
    rate = (-s2 * error / v_now + s2 * _c) / (-s2)  # dE/dv
    square = (2 * v0 * cost).subs(v0, v_now)  # E^2, with Lg = ln(v_N / v)

    def along(f: Expr) -> Expr:
        return diff(f, v_now) - diff(f, _Lg) / v_now

    slope = along(square)
    linear, constant = diff(rate, error), rate.subs(error, 0)
    at_start = {_Lg: 0}
    return vanishes(
        (
            (slope - 2 * linear * square) ** 2 - 4 * constant**2 * square,
            square.subs(at_start),
            slope.subs(at_start),
            along(slope).subs(at_start) - 2 * constant**2,
        )
    )


def bounds_the_logarithm(bound: Expr) -> bool:
    """Whether 2 ln w <= bound(w) and bound(w)^2 <= w^2 - 1 for all w >= 1.

    The first holds if bound(1) = 0 and bound' - 2/w >= 0; both inequalities are certified by
    w = 1 + k: numerator and denominator must be polynomials in k without a negative coefficient.
    """
    rises = _has_no_negative_coefficient(diff(bound, _w) - 2 / _w)
    below = _has_no_negative_coefficient(_w**2 - 1 - bound**2)
    return vanishes(bound.subs(_w, 1)) and rises and below


def _has_no_negative_coefficient(expression: Expr) -> bool:
    k = Symbol("k", nonnegative=True)
    parts = fraction(together(expression.subs(_w, 1 + k)))
    return all(bool(c >= 0) for part in parts for c in Poly(part, k, domain="QQ").all_coeffs())


# sigma^2 of the variance-exploding process (claim VE), as a function of v.
_GROWTH = log(1 + (_high / _low) ** 2) / _T
_WEIGHT = Pin(
    "gbm_ref.LikelihoodWeighting.__call__",
    formula=_GROWTH * (v + _low**2),
    twins={
        "zero at the data": _GROWTH * v,
        "sigma for its square": (_GROWTH * (v + _low**2)) ** Rational(1, 2),
    },
    points=(
        {"std_min": 0.3, "std_max": 2.1, "T": 1.7, "v": 0.64},
        {"std_min": 0.02, "std_max": 0.9, "T": 0.8, "v": 1e-9},
        {"std_min": 0.05, "std_max": 7.0, "T": 1.2, "v": 17.0},
    ),
)

R20 = Claim(
    id="R20",
    title="what a wrong score costs",
    statement=r"With the exact $\kappa=1$ reverse SDE run with $h_\theta$ for $H$ from the start "
    r"$\pi$: $\mathrm{KL}(p_0\Vert p_{\rm "
    r"model})=\mathrm{KL}(p_1\Vert\pi)+\frac{\sigma^2}2\int_0^1\mathbb E\lVert "
    r"e\rVert^2dt-\frac{\sigma^2}2\int_0^1\mathbb E\lVert e-g\rVert^2dt$, $e=H-h_\theta$, "
    r"$g=\nabla\log\frac{q}{u}$; in particular $\le\mathrm{KL}(p_1\Vert\pi)+"
    r"\frac{\sigma^2}2\int_0^1\mathbb E\lVert H-h_\theta\rVert^2dt$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R20",),
    assumptions=(
        "positive smooth densities, the fluxes vanish at the ends",
        "the SDE is solved exactly: a step length adds its own error",
        "expectations are under the true law at each t",
    ),
    depends=("A10", "C6", "A10-score"),
    derivation=r"In reverse time $\partial_rq=-\nabla\cdot F_q$, $F_q=bq-\frac{\sigma^2}2\nabla "
    r"q$, and $\partial_ru=-\nabla\cdot F_u$. Then "
    r"$\frac{d}{dr}\mathrm{KL}=\int\partial_rq\log\frac qu-\frac qu\partial_ru=\int F_q\cdot "
    r"g-\frac quF_u\cdot g$ after integrating by parts, and $F_q-\frac "
    r"quF_u=q(b-b')-\frac{\sigma^2}2qg$. With $b-b'=\sigma^2e$ the rate is $\mathbb E["
    r"\sigma^2e\cdot g-\frac{\sigma^2}2\lVert g\rVert^2]=\frac{\sigma^2}2\mathbb E[\lVert "
    r"e\rVert^2-\lVert e-g\rVert^2]$. Integrate over $r$. The integrand with its flux is decided "
    "for arbitrary densities and drifts, one coordinate.",
    proof=Proof(
        balances,
        holds=(Rational(1, 2), Rational(1, 2)),
        twins={
            "full rate sigma^2": (Rational(1), Rational(1)),
            "the square left out": (Rational(1, 2), Rational(0)),
            "equality without a remainder of its sign": (Rational(1, 2), Rational(-1, 2)),
        },
    ),
    pins=(_WEIGHT,),
)

EXACT_COST = Claim(
    id="R20-log-normal",
    title="a constant score error on log-normal data",
    statement=r"For LN data, a score that is wrong by the constant $c$ and an exact start: "
    r"$\mathrm{KL}=\frac12c^2v_0\ln^2\frac{v_N}{v_0}$ per dimension (the bound of R20 is "
    r"$\frac12c^2(v_N-v_0)$).",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R20",),
    assumptions=("log-normal data", "the SDE is solved exactly"),
    depends=("R20", "gaussian-kl"),
    derivation=r"The mean error obeys $\frac{dE}{dr}=-\sigma^2\frac Ev+\sigma^2c$; with "
    r"$dv=-\sigma^2dr$, $(E/v)'=-c/v$, so $E(v_0)=c\,v_0\ln\frac{v_N}{v_0}$. The variance obeys "
    r"the equation of the exact score, hence $\mathrm{KL}=E^2/2v_0$. The bound's integral is "
    r"$\frac{\sigma^2}2c^2\cdot1=\frac12c^2(v_N-v_0)$. Decided by the differential equation of "
    "$E^2$ and its first two derivatives at the start.",
    proof=Proof(
        is_the_exact_cost,
        holds=_c**2 * v0 * _Lg**2 / 2,
        twins={
            "logarithm not squared": _c**2 * v0 * _Lg / 2,
            "without the factor 1/2": _c**2 * v0 * _Lg**2,
            "divided by v_0": _c**2 * _Lg**2 / (2 * v0),
        },
    ),
)

INEQUALITY = Claim(
    id="R20-inequality",
    title="the exact cost is below the bound",
    statement=r"$v_0\ln^2\frac{v_N}{v_0}\le v_N-v_0$ for $v_N\ge v_0>0$, by $2\ln w\le "
    r"w-\frac1w$, $w=\sqrt{v_N/v_0}\ge1$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R20",),
    assumptions=("v_N >= v_0 > 0",),
    depends=("R20-log-normal",),
    derivation=r"$w-\frac1w-2\ln w$ is 0 at $w=1$ and has the derivative $(1-\frac1w)^2\ge0$. So "
    r"$\ln^2w^2\le(w-\frac1w)^2=w^2-2+w^{-2}\le w^2-1$ for $w\ge1$; multiply by $v_0$. Both "
    r"inequalities are certified by polynomials in $w-1$ with no negative coefficient.",
    proof=Proof(
        bounds_the_logarithm,
        holds=_w - 1 / _w,
        twins={
            "a lower bound of the logarithm": 2 - 2 / _w,
            "too large a bound": _w**2 - 1,
            "half of it": (_w - 1 / _w) / 2,
        },
    ),
)

CLAIMS = (R20, EXACT_COST, INEQUALITY)
