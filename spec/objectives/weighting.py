"""The preconditioned weighting is the EDM weighting of Karras et al. (2022), in log space.

Symbols: v = sigma^2 t variance of the noise; s standard deviation of log X_0, s2 its square;
D denoiser, an estimate of log X_0; h = -1 + (D + m - log x) / v.
"""

from collections.abc import Callable

from sympy import Expr, Symbol, diff, solve, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import L0, L, a, m, v

_s = Symbol("s", positive=True)


def is_the_preconditioned(weight: Callable[[Expr, Expr], Expr]) -> bool:
    """Whether weight(v, s) gives a preconditioned network a target of unit variance at every v.

    The network sees what is left of log X_0 after the best multiple of log X_t is taken off. That
    multiple and the variance of the rest are found here from Gaussian moments, for data of
    log-deviation s; the weight of the rest in the loss lambda |c - h|^2 is found by writing c and
    h through log X_0 and the denoiser.
    """
    n, skip, D = symbols("n skip D")
    rest = (L0 - a) - skip * (L0 - a + n)
    variance = expectation(expectation(rest**2, n, 0, v), L0, a, _s**2)
    (best,) = solve(diff(variance, skip), skip)
    in_loss = _per_denoiser_error(D)
    return same(weight(v, _s) * in_loss * variance.subs(skip, best), 1)


def _per_denoiser_error(D: Symbol) -> Expr:
    """|c - h|^2 divided by |log X_0 - D|^2, which must not depend on either."""
    target = -1 - (L - L0 - m) / v
    model = -1 + (D + m - L) / v
    ratio = (target - model) ** 2 / (L0 - D) ** 2
    if not vanishes(tuple(diff(ratio, e) for e in (L, L0, D, m))):
        raise ValueError("the losses are not proportional")
    return ratio


def is_the_edm_weight(weight: Callable[[Expr, Expr], Expr]) -> bool:
    """Whether weight(v, s) is, in terms of the denoiser, the inverse square of EDM's c_out.

    c_out^2 = noise^2 s^2 / (noise^2 + s^2) with noise^2 = v; the EDM loss is
    |D - log X_0|^2 / c_out^2.
    """
    D = Symbol("D")
    return same(weight(v, _s) * _per_denoiser_error(D) * v * _s**2 / (v + _s**2), 1)


def is_the_weighting(weight: Callable[[Expr, Expr], Expr]) -> bool:
    """Both of the above."""
    return is_the_preconditioned(weight) and is_the_edm_weight(weight)


def _weight(variance: Expr, deviation: Expr) -> Expr:
    return variance * (1 + variance / deviation**2)


WEIGHTING = Claim(
    id="weighting",
    title="preconditioned weighting",
    statement=r"With $D=\log x-m+v(1+h)$: $\tfrac\lambda2\lVert c-h\rVert^2=\tfrac\lambda{2v^2}"
    r"\lVert\log X_0-D\rVert^2$. For $\lambda=v(1+v/s^2)$ the weight of the denoiser is "
    r"$(v+s^2)/(vs^2)=1/c_{\rm out}^2$, that of EDM with noise variance $v$, and for data of "
    r"log-deviation $s$ the preconditioned target has unit variance at every time.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R4",),
    assumptions=("t > 0", "the unit variance: entries of log X_0 have standard deviation s"),
    depends=("R4", "R5"),
    derivation=r"$c-h=(\log X_0-D)/v$, since both are $-1+(\,\cdot\,+m-\log x)/v$. EDM writes "
    r"$D=c_{\rm skip}y+c_{\rm out}F$, so that $F$ is trained on $(\log X_0-c_{\rm skip}y)/c_{\rm "
    r"out}$. The least variance of $\log X_0-a-c(\log X_0-a+n)$ over $c$ is at $c_{\rm "
    r"skip}=s^2/(v+s^2)$ and equals $vs^2/(v+s^2)=c_{\rm out}^2$. The weight "
    r"$\lambda/v^2=1/c_{\rm out}^2$ makes the loss of $F$ unweighted.",
    proof=Proof(
        is_the_weighting,
        holds=_weight,
        twins={
            "deviation for variance": lambda w, s: w * (1 + w / s),
            "variance weighting": lambda w, s: w,
            "weight of the denoiser": lambda w, s: (w + s**2) / (w * s**2),
            "square root of v": lambda w, s: w * (1 + w**2 / s**2),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.PreconditionedWeighting.__call__",
            formula=_weight(v, _s),
            twins={"deviation for variance": v * (1 + v / _s), "variance weighting": v},
            points=(
                {"v": 0.64, "s": 0.3},
                {"v": 6.4e-4, "s": 0.05},
                {"v": 9.0, "s": 2.5},
                {"v": 1e-9, "s": 1e-3},
            ),
        ),
    ),
)

CLAIMS = (WEIGHTING,)
