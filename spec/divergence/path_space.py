"""The divergence of whole paths: Euler-Maruyama against the exact reverse chain. Sheet R20b.

Symbols: h the log-variance of a step, v_k = v_0 + h k; e = h / v_k = 1 - r; Lr = log r.
"""

from collections.abc import Callable

from sympy import Expr, Matrix, integrate, log, series, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.divergence.gaussian import kl

_r, _Lr, _h, _e, _v, v0, vN = symbols("r Lr h e v v_0 v_N", positive=True)
_before, _after = symbols("v_before v_after", positive=True)


def is_one_step(cost: Expr) -> bool:
    r"""For log-normal data, in one coordinate, the divergence of the exact reverse kernel from the
    kernel of A13 over one step is $[[it]]$ with $r=[[ratio]]$, whatever the state.

    The drift of A13 is exact on these data (R7): both kernels are normal with the same mean, of
    the variances $[[exact]]$ and $h$, which go into gaussian-kl with a symbol for $\log r$.
    """
    return same(_divergence_from(_h), cost.subs(_r, _before / _after))


def _divergence_from(variance: Expr) -> Expr:
    return kl(Matrix([_EXACT]), Matrix([variance]), Matrix([0]), _Lr)


_EXACT = _h * _before / _after


def is_the_slope(slope: Callable[[Expr, Expr], Expr]) -> bool:
    r"""For log-normal data, in one coordinate, with both chains started from the exact law at the
    end, the divergence of their paths, divided by the $h$ of a step, tends to $[[it]]$ as the
    steps get shorter: it is of first order in the step.

    The chain rule of the divergence adds the costs of R20b-step, which do not depend on the state.
    With $e$ for $h$ over $v_k$, a cost is $[[series]]$ and higher powers of $e$. So the sum over
    the steps, divided by $h$, is a Riemann sum of the integral of $[[integrand]]$ from $v_0$ to
    $v_N$, up to terms that vanish with $h$.
    """
    found = _series()
    leading = found.coeff(_e, 2) / _v**2
    rest = found - found.coeff(_e, 2) * _e**2
    return vanishes((rest, integrate(leading, (_v, v0, vN)) - slope(v0, vN)))


def _series() -> Expr:
    """The cost of a step up to the second power of e."""
    cost = STEP.holds.subs(_Lr, log(_r)).subs(_r, 1 - _e)
    return series(cost, _e, 0, 3).removeO()


STEP = Claim(
    "R20b-step",
    "divergence of one step's kernel",
    is_one_step,
    holds=(_r - 1 - _Lr) / 2,
    twins={
        "the reverse divergence": (1 / _r - 1 + _Lr) / 2,
        "without the factor 1/2": _r - 1 - _Lr,
        "logarithm left out": (_r - 1) / 2,
    },
    values=lambda: {"ratio": _before / _after, "exact": _EXACT},
    names={"Lr": r"\log r", "v_before": "v_{k-1}", "v_after": "v_k", "h": "h"},
    sheet=("R20b",),
    assumptions=(
        Assumption(
            "a step adds all of its noise: L delta_s = delta and kappa = 1",
            "the variance h of the step",
            lambda: not same(_divergence_from(4 * _h), _divergence_from(_h)),
        ),
        "log-normal data and their exact score",
    ),
    depends=("R7", "gaussian-kl"),
)

R20B = Claim(
    "R20b",
    "divergence of paths is of first order",
    is_the_slope,
    holds=lambda v_0, v_N: (1 / v_0 - 1 / v_N) / 4,
    twins={
        "half of it": lambda v_0, v_N: (1 / v_0 - 1 / v_N) / 8,
        "without the upper end": lambda v_0, v_N: 1 / (4 * v_0),
        "the marginals' order: no term of order h": lambda v_0, v_N: 0 * v_0,
    },
    values=lambda: {"series": _series(), "integrand": _series().coeff(_e, 2) / _v**2},
    names={"h": "h", "v": "v"},
    means=Means.CALCULUS,
    assumptions=(
        Assumption(
            "the variance of the log data is positive",
            "the integrand is integrated down to it",
            lambda: not R20B.holds(v0, vN).subs(v0, 0).is_finite,
        ),
        "both chains start from the exact law at the end",
    ),
    depends=("R20b-step", "R8"),
    pins=(
        Pin(
            "gbm_ref.path_divergence",
            vectors="path_divergence",
            because="it is the sum over finitely many steps, of which the statement is the limit",
        ),
    ),
)

CLAIMS = (STEP, R20B)
