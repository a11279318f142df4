"""Fisher information, floor of the denoising loss and the bound of a wrong score, for affine
scores: the values that quadratures are compared with.

Symbols: C variance of log X_0; v that of the noise; W their sum at the end; c0, c1 coefficients of
an error of the score that is affine in log X.
"""

from sympy import Expr, diff, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.gaussian import expectation

C, v, V, W, v0 = symbols("C v V W v0", positive=True)
c0, c1 = symbols("c0 c1", real=True)
y, n = symbols("y n", real=True)
_ERROR = c0 + c1 * y


def are_of_log_normal_data(values: tuple[Expr, Expr]) -> bool:
    r"""For log-normal data of log-variance $C$, one coordinate with the exact score at noise $v$:
    the Fisher information of $\log X_t$ is $[[0]]$ and the floor of the denoising loss $[[1]]$.

    The score of $\log X_t$ is affine, so that the first is the average of a square. The second is
    half the mean square of what the target of the loss differs from the score by, averaged over
    data and noise.
    """
    information, floor = values
    score = -(y + n) / (C + v)  # of log X_t = data + noise, measured from its mean
    target = -n / v

    def mean(e: Expr) -> Expr:
        return expectation(expectation(e, n, 0, v), y, 0, C)

    return same(mean(score**2), information) and same(mean((target - score) ** 2) / 2, floor)


def is_the_bound(bound: Expr) -> bool:
    r"""For log-normal data whose log-variance grows from $V_0$ to $W$, and a score that is
    wrong by $[[error]]$, with $y$ the distance of $\log X$ from its mean, the integral in the
    bound of R20 is $[[it]]$ in one coordinate.

    It vanishes where no time passes, and its slope in the variance at the end is half the mean
    square of the error there.
    """
    square = expectation(_ERROR**2, y, 0, W)
    return vanishes((diff(bound, W) - square / 2, bound.subs(W, v0)))


_BOUND = (c0**2 * (W - v0) + c1**2 * (W**2 - v0**2) / 2) / 2
_S, _sigma, _t = symbols("S sigma t", positive=True)
_AT = (
    {"S": 0.3, "sigma": 0.7, "t": 0.4},
    {"S": 2.6, "sigma": 1.3, "t": 0.05},
)


def _rate(value: Expr) -> Expr:
    return value.subs({C: _S, v: _sigma**2 * _t})


VALUES = Claim(
    "information-log-normal",
    "Fisher information and floor on log-normal data",
    are_of_log_normal_data,
    holds=(1 / (C + v), C / (2 * v * (C + v))),
    twins={
        "of the noise": (1 / v, C / (2 * v * (C + v))),
        "floor without the half": (1 / (C + v), C / (v * (C + v))),
        "floor of the data": (1 / (C + v), 1 / (2 * (C + v))),
    },
    names={"C": "C", "v": "v"},
    sheet=("R4b",),
    depends=("R4", "A37"),
    pins=tuple(
        Pin(f"gbm_ref.{name}", _AT, reads=lambda c, j=j: _rate(c[j]))
        for j, name in enumerate(("fisher_information", "m_dsm_floor"))
    ),
)

BOUND = Claim(
    "R20-affine",
    "the bound of R20 for an affine error",
    is_the_bound,
    holds=_BOUND,
    twins={
        "without the half": 2 * _BOUND,
        "constant part alone": _BOUND.subs(c1, 0),
        "variance at the end throughout": (c0**2 + c1**2 * W) * (W - v0) / 2,
    },
    values=lambda: {"error": _ERROR},
    names={"v0": "V_{0}", "W": "W", "c0": "c_{0}", "c1": "c_{1}", "y": "y"},
    sheet=("R20",),
    depends=("R20",),
    pins=(
        Pin(
            "gbm_ref.score_error_bound",
            (
                {"S": 0.3, "sigma": 0.7, "c0": 0.4, "c1": -0.2},
                {"S": 1.6, "sigma": 1.3, "c0": -0.1, "c1": 0.7},
            ),
            reads=lambda bound: bound.subs({W: _S + _sigma**2, v0: _S}),
            k=256.0,
        ),
    ),
)
CLAIMS = (VALUES, BOUND)
