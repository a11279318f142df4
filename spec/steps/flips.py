"""The probability that the sign-agnostic step changes a sign.

Symbols: h = x d/dx log p Hyvarinen score; z, u independent standard normal; kappa factor on the
noise; root = sqrt(dt), so that h of the sheet is sigma^2 root^2; w^2 = v_k variance of log X_k on
log-normal data; mu, sigma rates.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Poly, lambdify, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree, normal_expectation, rounds_to
from spec.checking.old import Claim, Kind, Means, Proof, v2
from spec.checking.symbols import h, kappa, mu, sigma, z
from spec.steps import _flip_pins
from spec.steps._reverse import ambient_factor, root

u = symbols("u", real=True)
w = symbols("w", positive=True)

# mu, sigma, dt, kappa, v_k: steps so long that flips are common.
_CASES = (
    ("0.4", "1.3", "0.2", "0.8", "0.31"),
    ("-0.7", "0.9", "0.5", "0.6", "1.9"),
)


def are_the_moments(candidate: tuple[Expr, Expr, Expr, Expr]) -> bool:
    """Whether (b, c, B, C) are mean and variance of the factor, given x and averaged over p_k.

    Given x the factor of A12 is affine in the draw z; over log-normal data h = -1 - u / w with u
    the standardised log X_k, so it is affine in (u, z) and normal, and it is negative with
    probability Phi(-B / sqrt C). The moments are decided exactly; the probability is compared
    with the average of Phi(-b / sqrt c) over u, by quadrature.
    """
    b, c, mean, variance = candidate
    factor = ambient_factor(h, z, root, kappa)
    given = expectation(factor, z, Integer(0), Integer(1))
    spread = expectation((factor - given) ** 2, z, Integer(0), Integer(1))
    averaged = factor.subs(h, -1 - u / w)
    if Poly(averaged, u, z).total_degree() != 1:
        return False
    overall = _over_both(averaged)
    verdicts = [same(given, b), same(spread, c), same(overall, mean)]
    verdicts.append(same(_over_both((averaged - overall) ** 2), variance))
    return all(verdicts) and all([_probability_agrees(candidate, case) for case in _CASES])


def _over_both(polynomial: Expr) -> Expr:
    inner = expectation(polynomial, z, Integer(0), Integer(1))
    return expectation(inner, u, Integer(0), Integer(1))


def _probability_agrees(candidate: tuple[Expr, ...], case: tuple[str, ...]) -> bool:
    functions = [lambdify((mu, sigma, root, kappa, w, h), e, "mpmath") for e in candidate]
    with mpmath.workdps(50):
        drift, rate, length, noise, total = (mpf(text) for text in case)
        values = (drift, rate, mpmath.sqrt(length), noise, mpmath.sqrt(total))

        def flip(y: mpf) -> mpf:
            b, c = (function(*values, -1 - y / values[-1]) for function in functions[:2])
            return mpmath.ncdf(-b / mpmath.sqrt(c))

        mean, variance = (function(*values, 0) for function in functions[2:])
        return agree(normal_expectation(flip), mpmath.ncdf(-mean / mpmath.sqrt(variance)), 30)


def flip_probability(levels: int) -> mpf:
    """The chance of a flip in the last step, averaged over p_1 by quadrature, to 25 digits.

    v0 = 0.05, sigma = 0.8, mu = sigma^2 / 2; the normal law given x is that of A12.
    """
    with mpmath.workdps(50):
        step = mpf("0.64") / levels
        total = mpf("0.05") + step

        def flip(y: mpf) -> mpf:
            score = -1 - y / mpmath.sqrt(total)
            return mpmath.ncdf(-(1 + 3 * step / 2 + step * score) / mpmath.sqrt(step))

        return normal_expectation(flip, 25)


def are_the_probabilities(quoted: dict[int, str]) -> bool:
    """Whether the flip probabilities at k = 1 round to these decimals, keyed by N."""
    return all([rounds_to(flip_probability(n), text) for n, text in quoted.items()])


_STEP = sigma**2 * root**2
_B = 1 - root**2 * (mu - 2 * sigma**2) + _STEP * h
_MEAN = 1 - root**2 * (mu - sigma**2)
_C, _VARIANCE = kappa**2 * _STEP, kappa**2 * _STEP + _STEP**2 / w**2
R13 = Claim(
    id="R13",
    title="probability of a flip",
    statement=r"Given $x$, A12 gives $X_{k-1}\sim\mathcal N(x\circ "
    r"b,\kappa^2h\,\mathrm{diag}(x^2))$, $b=1-\delta(\mu-2\sigma^2)+hH(x)$, and an entry of "
    r"either sign flips with probability $\Phi(-\frac b{\kappa\sqrt h})$. Averaged over "
    r"log-normal $p_k$: $\Phi\big(-\frac{1-\delta(\mu-\sigma^2)}{\sqrt{\kappa^2h+h^2/v_k}}\big)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R13",),
    assumptions=("exact score; for the average, log-normal data (point masses: $v_k=hk$)",),
    depends=("A12", "R2"),
    derivation=r"An entry flips when its factor $b+\kappa\sqrt hZ$ is negative. On log-normal "
    r"data $H=-1-\frac U{\sqrt{v_k}}$ with $U$ standard normal under $p_k$, so the factor is "
    r"$1-\delta(\mu-\sigma^2)-\frac h{\sqrt{v_k}}U+\kappa\sqrt hZ$: affine in two independent "
    r"normals, hence normal with that mean and variance $\frac{h^2}{v_k}+\kappa^2h$. This is "
    r"$\mathbb E\,\Phi(\alpha+\beta U)=\Phi\big(\frac\alpha{\sqrt{1+\beta^2}}\big)$, which "
    "quadrature confirms to 30 digits.",
    proof=Proof(
        are_the_moments,
        holds=(_B, _C, _MEAN, _VARIANCE),
        twins={
            "mean with 2 sigma^2": (_B, _C, _MEAN + _STEP, _VARIANCE),
            "h / v_k in the variance": (_B, _C, _MEAN, _C + _STEP / w**2),
            "kappa for kappa^2": (
                _B,
                kappa * _STEP,
                _MEAN,
                _VARIANCE + (kappa - kappa**2) * _STEP,
            ),
        },
    ),
    pins=_flip_pins.PINS,
)

E28_SIZE = Claim(
    id="E28-size",
    title="flips are invisible at the paper's step",
    statement=r"With an exact score the flip probability of an entry in the last step ($k=1$, "
    r"$v_0=0.05$, $\sigma=0.8$, $\mu=\frac{\sigma^2}2$) is $5.4\cdot10^{-338}$, "
    r"$7.2\cdot10^{-33}$ and $5.5\cdot10^{-4}$ for $N=1000,100,10$.",
    kind=Kind.PROVED,
    means=Means.QUADRATURE,
    sources=v2("eq. 12"),
    sheet=("E28", "R13"),
    assumptions=("log-normal data and exact score", r"$\kappa=1$"),
    depends=("A12", "R13"),
    derivation=r"Average $\Phi(-\frac{b}{\sqrt h})$ over the standardised $\log X_1$ by the "
    r"trapezoidal rule, which does not use the closed form of R13. Both samplers keep signs at "
    r"$N=1000$; a flip can be seen when $h=\sigma^2\delta$ is about 0.05 or more, or when the "
    "score is poor.",
    proof=Proof(
        are_the_probabilities,
        holds={1000: "5.4e-338", 100: "7.2e-33", 10: "5.5e-4"},
        twins={
            "last digit at N = 10": {10: "5.6e-4"},
            "a power of ten at N = 1000": {1000: "5.4e-337"},
        },
    ),
)

CLAIMS = (R13, E28_SIZE)
