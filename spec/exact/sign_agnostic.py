"""The sign-agnostic sampler on log-normal data: its leading bias, and exact values.

Symbols: v = v_k; h = r^2 = sigma^2 delta; m' = m / sigma^2; u = (log X - a - m t_k) / v_k;
ell = log(v_N / v). The sampler's log X_k has mean a + m t_k + h E(v) and variance v + h W(v) up to
O(h^2); with the noise factor kappa in `sign_agnostic_noise`.
"""

from collections.abc import Callable
from functools import cache

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Poly, Rational, diff, expand, symbols

from spec.checking.algebra import vanishes
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree, rounds_to
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _closed_pins, _iterations, _transport
from spec.exact._chain import hyvarinen, r, v, z

y, centre, w, slope, ell = symbols("y centre w m_prime ell", real=True)
vN = symbols("v_N", positive=True)
first_mean, first_variance = symbols("E W", real=True)
HIGHEST = 4
Bias = Callable[[Expr, Expr, Expr, Expr], tuple[Expr, Expr]]


def log_factor(strength: Expr) -> Expr:
    """log(1 - delta (mu - 2 sigma^2) + delta sigma^2 H + kappa sqrt(h) z) up to r^4 = h^2.

    With h = r^2: delta mu = h (m' + 1/2), and H is the score of log X_t ~ N(centre, v) at
    log X = centre + w. The series of the logarithm is formal: where the factor is not positive it
    does not converge, but that has a probability of the order exp(-1 / (2 h)).
    """
    drift = 2 - (slope + Rational(1, 2)) + hyvarinen(y, centre, v).subs(y, centre + w)
    increment = expand(r**2 * drift + strength * r * z)
    series = sum(
        (Rational((-1) ** (n + 1), n) * increment**n for n in range(1, HIGHEST + 1)), Integer(0)
    )
    return _up_to_h_squared(series)


def _up_to_h_squared(expression: Expr) -> Expr:
    polynomial = Poly(expand(expression), r)
    return sum((c * r**n for (n,), c in polynomial.terms() if n <= HIGHEST), Integer(0))


@cache
def one_level() -> tuple[Expr, Expr]:
    """Mean and variance of log X_{k-1} - a - m t_{k-1} up to h^2 = r^4, in E, W, v and m'.

    The state is centre + w with w ~ N(h E, v + h W) to the order that matters: its third cumulant
    is O(h) and enters at h^3. m delta = m' h is what the centre falls by.
    """
    change = log_factor(Integer(1))
    mean, variance = r**2 * first_mean, v + r**2 * first_variance

    def average(f: Expr) -> Expr:
        inner = expectation(_up_to_h_squared(f), z, 0, 1)
        return _up_to_h_squared(expectation(inner, w, mean, variance))

    image = w + change
    first, second = average(image), average(image**2)
    return first + slope * r**2, _up_to_h_squared(second - first**2)


def is_the_leading_bias(bias: Bias) -> bool:
    """Whether (E, W) = bias(v, v_N, log(v_N / v), m') are zero at v_N and go from v to v - h.

    There the mean is h E - h^2 dE/dv + O(h^3) and the variance v - h + h W - h^2 dW/dv + O(h^3):
    the moments of a step must agree to each order. Then, at v_0 = 0.2, sigma^2 = 0.1, m' = 0.3,
    the exact bias over h for 8, 16 and 32 steps, extrapolated to h = 0; the remainder, of third
    order in h, is about 1e-4, and 1e-3 is allowed.
    """
    E, W = claimed = bias(v, vN, ell, slope)
    at_start = tuple(f.subs(v, vN).subs(ell, 0) for f in claimed)
    h = r**2
    below = (h * E - h**2 * along_v(E), v - h + h * W - h**2 * along_v(W))
    here = {first_mean: E, first_variance: W}
    gaps = tuple(b - f.subs(here) for b, f in zip(below, one_level(), strict=True))
    return vanishes(at_start) and vanishes(gaps) and _matches_the_chain(bias)


def along_v(f: Expr) -> Expr:
    """df/dv, with d ell / dv = -1 / v."""
    return diff(f, v) - diff(f, ell) / v


def _matches_the_chain(bias: Bias) -> bool:
    with mpmath.workdps(30):
        data, total = mpf("0.2"), mpf("0.1")
        relative = []
        for steps in (8, 16, 32):
            mean, variance = _transport.law("0.2", "0.1", steps, drift="0.3")
            relative.append((mean * steps / total, (variance - data) * steps / total))
        limits = [_iterations.eliminated(*column) for column in zip(*relative, strict=True)]
        end = data + total
        claimed = bias(data, end, mpmath.log(end / data), mpf("0.3"))
        return all([agree(f, g, 3) for f, g in zip(limits, claimed, strict=True)])


def are_the_values(printed: tuple[str, str]) -> bool:
    """Whether mean error and variance round to these at v_0 = 0.2, sigma = 0.8, N = 100, m = 0."""
    values = _transport.law("0.2", "0.64", 100)
    return all([rounds_to(value, text) for value, text in zip(values, printed, strict=True)])


def _bias(v: Expr, vN: Expr, ell: Expr, s: Expr) -> tuple[Expr, Expr]:
    return (
        -((1 - v / vN) / 2 + (3 + 4 * s + 4 * s**2) / 8 * v * ell),
        (1 - v**2 / vN**2 + v * (1 - v / vN)) / 2,
    )


R14 = Claim(
    id="R14",
    title="sign-agnostic sampler on log-normal data: leading bias",
    statement=r"For eq. (12) with $\kappa=1$ and an exact start, $m'=m/\sigma^2$: the mean of "
    r"$\log\lvert X_0\rvert$ is off by $-h\big[\tfrac12(1-\tfrac{v_0}{v_N})+(\tfrac38+\tfrac{m'}2+"
    r"\tfrac{m'^2}2)v_0\ln\tfrac{v_N}{v_0}\big]+O(h^2)$ and its variance by $\tfrac h2\big[1-"
    r"\tfrac{v_0^2}{v_N^2}+v_0(1-\tfrac{v_0}{v_N})\big]+O(h^2)$. Eq. (13) has no error of the "
    "mean.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R14",),
    assumptions=(
        "log-normal data, exact score read at |X|, exact start",
        "asymptotic in h: the series of the logarithm is used where the factor is positive, which "
        "fails with probability of order exp(-1/(2h)) a step",
    ),
    depends=("A12", "R8"),
    derivation=r"$\log\lvert X'\rvert=\log\lvert X\rvert+\log\lvert1+\epsilon\rvert$, "
    r"$\epsilon=h(\tfrac12-m'-u)+\sqrt hZ$. Four terms of the series give mean and variance of a "
    r"step to $h^2$: beyond eq. (13) the mean gains $-h^2[\tfrac38+\tfrac{m'}2+\tfrac{m'^2}2+"
    r"\tfrac1{2v}]$ and the variance $\tfrac{h^2}2$, $m'$ having cancelled. Carried to level $0$ "
    r"by $v_0/v$ and $v_0^2/v^2$ and summed, the sums being integrals to first order, they are "
    r"the two formulas. As equations: $E'=\tfrac Ev+\tfrac38+\tfrac{m'}2+\tfrac{m'^2}2+\tfrac1{2v}"
    r"$, $W'=\tfrac{2W}v-\tfrac1v-\tfrac12$, zero at $v_N$. The exact chain with 8, 16, 32 steps, "
    "extrapolated, agrees.",
    proof=Proof(
        is_the_leading_bias,
        holds=_bias,
        twins={
            "1/8 for 3/8": lambda v, vN, ell, s: (
                _bias(v, vN, ell, s)[0] + v * ell / 4,
                _bias(v, vN, ell, s)[1],
            ),
            "m' linear only": lambda v, vN, ell, s: (
                _bias(v, vN, ell, s)[0] + s**2 * v * ell / 2,
                _bias(v, vN, ell, s)[1],
            ),
            "variance of eq. (13)": lambda v, vN, ell, s: (
                _bias(v, vN, ell, s)[0],
                (1 - v**2 / vN**2) / 2,
            ),
            "mean too bright": lambda v, vN, ell, s: (
                -_bias(v, vN, ell, s)[0],
                _bias(v, vN, ell, s)[1],
            ),
        },
    ),
)

VALUES = Claim(
    id="R14-numbers",
    title="sign-agnostic sampler on log-normal data: reference values",
    statement=r"$v_0=0.2$, $\sigma=0.8$, $N=100$, $m=0$: $\mathbb E\log\lvert X_0\rvert-a="
    r"-0.003200$ and $\mathrm{Var}\log\lvert X_0\rvert=0.203601$.",
    kind=Kind.PROVED,
    means=Means.QUADRATURE,
    sheet=("R14",),
    assumptions=(
        "exact score read at |X|, exact start",
        "two pairs of rules agree within 1e-8, not at the 30 digits of other integrals",
    ),
    depends=("A12",),
    derivation=r"$\mathbb E[U_0\mid U_k]$ and $\mathbb E[U_0^2\mid U_k]$, $U=\log\lvert X\rvert-a-"
    r"mt$, obey a backward recursion over $U'=U+\log\lvert b+\sqrt hZ\rvert+m\delta$. They are "
    "nearly linear and quadratic; polynomials of degree 4 and 5 with Gauss-Hermite rules of 8 and "
    r"9 points agree within $10^{-8}$.",
    proof=Proof(
        are_the_values,
        holds=("-0.003200", "0.203601"),
        twins={
            "last digit of the mean": ("-0.003201", "0.203601"),
            "last digit of the variance": ("-0.003200", "0.203600"),
            "leading terms only": ("-0.003127", "0.203506"),
        },
    ),
    pins=(_closed_pins.SIGN_AGNOSTIC,),
)

CLAIMS = (R14, VALUES)
