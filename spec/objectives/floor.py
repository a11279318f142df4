"""The constant of Theorem 4.1, which the denoising loss cannot go below: in closed form for
log-normal data, and what it says about any data.

Symbols as in `_setting`; s = 1 + H the log score, I = E s^2 the Fisher information of log X_t;
q density of log X_t, S0 covariance of log X_0; N levels with v = step k at level k.
"""

from functools import cache

from sympy import (
    Expr,
    Function,
    Matrix,
    Symbol,
    diff,
    expand,
    eye,
    log,
    ones,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Values
from spec.checking.gaussian import expectation
from spec.checking.symbols import H, L, M, V, h, s2, v, v0
from spec.checking.typeset import Chain
from spec.objectives._setting import (
    DENOISING,
    EXPLICIT,
    FINITE_MODEL,
    LOG_NORMAL,
    NAMES,
    NOISE,
    POSITIVE_TIME,
    c,
    conditional_score,
    denoising_loss,
    explicit_loss,
    floor,
)

INFORMATION, N, step, rate = symbols("I N step rate", positive=True)
_LOG_SCORE = 1 + H
number, psi = Function("H"), Function(r"psi")  # harmonic numbers, digamma
_u, _n = symbols("u1 u2"), symbols("n1 n2")
_INVERSE, _OF_DIAGONAL, _DETERMINANT = symbols("trace diagonal determinant")
_NAMES = NAMES | {
    "trace": r"\mathrm{tr}\,(S_0+vI)^{-1}",
    "diagonal": r"\mathrm{tr}\,(\mathrm{diag}\,S_0+vI)^{-1}",
    "determinant": r"\det\,(S_0+vI)^{-1}",
    "step": "h",
    "rate": r"\frac{d}{dt}\mathrm{Ent}(q_t)",
}


def is_the_gap(constant: Expr) -> bool:
    r"""For log-normal data in one coordinate $\mathcal L_{\text{M-DSM}}$ is $\mathcal
    L_{\text{M-ESM}}$ and $[[it]]$, where $v$ is $\sigma^2t$, for every model that is quadratic in
    $\log x$.

    Both losses are Gaussian moments of their definitions, over different laws.
    """
    b = symbols("b0:3")
    model = b[0] + b[1] * L + b[2] * L**2
    return same(denoising_loss(model) - explicit_loss(model), constant)


def is_the_gap_in_the_plane(constant: Expr) -> bool:
    r"""In the plane, for log-normal data of any covariance $S_0$ of $\log X_0$, $\mathcal
    L_{\text{M-DSM}}$ is $\mathcal L_{\text{M-ESM}}$ and $[[it]]$, for every model that is affine
    in $\log x$.

    With $u$ standard normal and $T$ a triangular root of $S_0$, the state is moved by $Tu$ and by
    the noise. Both losses are averaged over the two.
    """
    covariance, gap = _gap_in_the_plane()
    inverse = (covariance + v * eye(2)).inv()
    diagonal = sum(1 / (entry + v) for entry in covariance.diagonal())
    meant = {_INVERSE: inverse.trace(), _OF_DIAGONAL: diagonal, _DETERMINANT: inverse.det()}
    return same(gap, constant.subs(meant))


@cache
def _gap_in_the_plane() -> tuple[Matrix, Expr]:
    """S0 = T T^T, and M-DSM - M-ESM averaged from the definitions over u and n, for the model
    h = b + B (y - a - m). The marginal score needs the inverse of S0 + v I."""
    root = Matrix([[Symbol("p", positive=True), 0], symbols("q r", positive=True)])
    covariance = root * root.T
    total, inverse = covariance + v * eye(2), Symbol("inverse_determinant")
    moved = root * Matrix(_u) + Matrix(_n)
    target = -ones(2, 1) - Matrix(_n) / v
    score = -ones(2, 1) - total.adjugate() * inverse * moved
    model = Matrix(symbols("b1 b2")) + Matrix(2, 2, symbols("B11 B12 B21 B22")) * moved
    gap = expand(
        sum(
            DENOISING.subs({c: e, h: f}, simultaneous=True)
            - EXPLICIT.subs({H: g, h: f}, simultaneous=True)
            for e, f, g in zip(target, model, score, strict=True)
        )
    )
    for variable in (*_u, *_n):
        gap = expectation(gap, variable, 0, 1 if variable in _u else v)
    return covariance, gap.subs(inverse, 1 / total.det())


def are_floor_and_error(candidate: Values) -> bool:
    r"""For data of any law, in each coordinate: the least value of $\mathcal L_{\text{M-DSM}}$ is
    $[[floor]]$, and the mean square of the denoiser's error is $[[error]]$, where $v$ is
    $\sigma^2t$ and $I$ the mean square of $[[score]]$, the score of $\log X_t$.

    By A-Thm the least value is that of $h$ equal to $H$. The mean of $cH$ is that of $H^2$ and the
    mean of $H$ is that of $c$, as $H$ is the mean of $c$ given $X_t$; no boundary term is
    involved. The moments of $c$ are Gaussian. The denoiser differs from $\log X_0$ by $v$ times
    $c-H$, so that its error is $[[of_floor]]$.
    """
    squared = Symbol("E_H2")
    first, second = (expectation(conditional_score() ** k, NOISE, 0, v) for k in (1, 2))
    means = {c**2: second, c * H: squared, H**2: squared}
    least = expand(DENOISING.subs(h, H)).subs(means)
    information = expand(_LOG_SCORE**2).subs({H**2: squared, H: first})
    # log X_0 = y - m - n and D = y - m + v (1 + H), with c = -1 - n / v.
    error = expand((v * (1 + c) - v * _LOG_SCORE) ** 2).subs(means)
    return all(
        [
            same(value, candidate[name].subs(INFORMATION, information))
            for name, value in (("floor", least), ("error", error))
        ]
    )


def is_entropy_production(factor: Expr) -> bool:
    r"""For $t$ positive the entropy of $\log X_t$ grows at $[[factor]]$ times the mean square of
    its score. So the floor of R4b is $[[floor]]$ in each coordinate.

    The density $q$ follows the Fokker-Planck equation of A9. In the rate of the entropy one
    integration by parts leaves that mean square: what is left over is the derivative of a
    function, since the Euler operator takes it to zero, for every $q$. For Gaussian $q$ both sides
    are computed as well.
    """
    q = symbols("q q1 q2 q3 q4 q5", positive=True)
    ell, b = symbols("ell b")

    def d_dy(e: Expr) -> Expr:
        """The total derivative along y; ell is log q."""
        chain = sum(diff(e, q[i]) * q[i + 1] for i in range(5))
        return chain + diff(e, ell) * q[1] / q[0]

    def partial(e: Expr, order: int) -> Expr:
        """Derivative with respect to q^(order), through log q as well."""
        return diff(e, q[order]) + (diff(e, ell) / q[0] if order == 0 else 0)

    change = s2 / 2 * q[2] - b * q[1]
    rest = -(1 + ell) * change - factor * q[1] ** 2 / q[0]
    euler = partial(rest, 0) - d_dy(partial(rest, 1)) + d_dy(d_dy(partial(rest, 2)))
    return vanishes(euler) and _on_gaussian(factor)


def _on_gaussian(factor: Expr) -> bool:
    """The same for N(M, V) with V growing at the rate s2; the entropy up to a constant."""
    y = Symbol("y")
    information = expectation(diff(-((y - M) ** 2) / (2 * V), y) ** 2, y, M, V)
    return same(s2 * diff(log(V) / 2, V), factor * information)


def is_the_sum_of_floors(total: Expr) -> bool:
    r"""For log-normal data the mean over the levels from one to $N$ of $C$, where $v$ is $hk$ at
    level $k$, is $[[mean]]$ in each coordinate.

    By induction. The floor of a level is $[[level]]$. The sum over no levels is zero; one level
    more adds its floor, since the harmonic number $H$ grows by the reciprocal of the new number,
    and $\psi$, the digamma function, by that of its argument.
    """
    ratio = v0 / step
    more = total.subs(N, N + 1)
    floor_of_next = floor().subs(v, step * (N + 1))
    empty = total.subs(N, 0)
    return vanishes(_recursive(empty, ratio)) and same(
        _recursive(more, ratio) - _recursive(total, ratio), floor_of_next
    )


def _recursive(expression: Expr, ratio: Expr) -> Expr:
    """The functions at one level more through those at N; whatever else there is a symbol."""
    h_n, psi_n = Symbol("H_N"), Symbol("psi_N")

    def of_number(argument: Expr) -> Expr:
        return {0: 0, N: h_n, N + 1: h_n + 1 / (N + 1)}.get(argument, number(argument))

    def of_psi(argument: Expr) -> Expr:
        after = (argument - ratio - N).expand()
        known = {0: psi_n - 1 / (ratio + N), 1: psi_n, 2: psi_n + 1 / (ratio + N + 1)}
        return known.get(after, Symbol(f"psi({argument})"))

    replaced = expression.replace(number, of_number).replace(psi, of_psi)
    return replaced.replace(log, lambda argument: Symbol(f"log({argument})"))


_GAP = v0 / (2 * v * (v0 + v))
CONSTANT = Claim(
    "A-Thm-log-normal",
    "the constant, log-normal data",
    is_the_gap,
    _GAP,
    twins={
        "without the half": 2 * _GAP,
        "variance of the target": 1 / (2 * v),
        "Fisher information of the marginal": 1 / (2 * (v0 + v)),
        "v0 + 2 v": v0 / (2 * v * (v0 + 2 * v)),
    },
    names=_NAMES,
    sheet=("A-Thm", "E26"),
    assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm", "A16", "R2"),
)

_IN_THE_PLANE = (2 / v - _INVERSE) / 2
CONSTANT_IN_THE_PLANE = Claim(
    "A-Thm-log-normal-matrix",
    "the constant, correlated log-normal data",
    is_the_gap_in_the_plane,
    _IN_THE_PLANE,
    twins={
        "coordinates treated as independent": _IN_THE_PLANE.subs(_INVERSE, _OF_DIAGONAL),
        "without the half": 2 * _IN_THE_PLANE,
        "determinant for trace": _IN_THE_PLANE.subs(_INVERSE, _DETERMINANT),
    },
    names=_NAMES,
    sheet=("A-Thm",),
    assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm", "A16", "R2"),
)

_FLOOR = {"floor": (1 / v - INFORMATION) / 2, "error": v - v**2 * INFORMATION}
FLOOR = Claim(
    "R4b",
    "floor of the denoising loss",
    are_floor_and_error,
    _FLOOR,
    twins={
        "floor without the half": _FLOOR | {"floor": 1 / v - INFORMATION},
        "Hyvarinen for log score": _FLOOR | {"floor": (1 / v - INFORMATION - 1) / 2},
        "error with v for v^2": _FLOOR | {"error": v - v * INFORMATION},
        "sign of the information": _FLOOR | {"floor": (1 / v + INFORMATION) / 2},
    },
    values=lambda: {
        "score": _LOG_SCORE,
        "of_floor": Chain(2 * v**2 * _FLOOR["floor"], _FLOOR["error"]),
    },
    names=_NAMES,
    assumptions=(POSITIVE_TIME, FINITE_MODEL),
    depends=("A-Thm", "A29", "A-Assumption-1-data", "R4", "R5"),
)

DE_BRUIJN = Claim(
    "R4b-de-bruijn",
    "entropy grows with the Fisher information",
    is_entropy_production,
    s2 / 2,
    twins={"sigma^2": s2, "sigma^2 / 4": s2 / 4, "entropy falls": -s2 / 2},
    shown=lambda factor: {
        "factor": factor,
        "floor": _FLOOR["floor"].subs(INFORMATION, rate / factor).expand(),
    },
    names=_NAMES,
    sheet=("R4b",),
    assumptions=(
        POSITIVE_TIME,
        "the entropy is finite, and what is integrated by parts vanishes at both ends",
        "one coordinate; the same for each",
    ),
    depends=("R4b", "A9"),
)


def _sum_of_floors(shift: int = 1) -> Expr:
    ratio = v0 / step
    return (number(N) - psi(ratio + N + shift) + psi(ratio + shift)) / (2 * step)


MEAN_FLOOR = Claim(
    "R4b-mean",
    "mean floor of the unweighted loss, log-normal data",
    is_the_sum_of_floors,
    _sum_of_floors(),
    twins={
        "psi one step early": _sum_of_floors(0),
        "without the half": 2 * _sum_of_floors(),
        "logarithm for psi": (number(N) - log((v0 + step * N) / v0)) / (2 * step),
    },
    shown=lambda total: {"mean": total / N},
    values=lambda: {"level": floor()},
    names=_NAMES,
    sheet=("R4b",),
    assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm-log-normal", "A38"),
)

CLAIMS = (CONSTANT, CONSTANT_IN_THE_PLANE, FLOOR, DE_BRUIJN, MEAN_FLOOR)
