"""The constant of Theorem 4.1: in closed form for log-normal data, and for any data.

Symbols as in `_setting`; q density of log X_t, ell its logarithm; v = step k at level k.
"""

from functools import cache

from sympy import (
    Expr,
    Function,
    Matrix,
    Symbol,
    diff,
    digamma,
    expand,
    expand_func,
    eye,
    harmonic,
    log,
    ones,
    polygamma,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Pin, Values
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import H, L, a, h, m, s2, v, v0
from spec.checking.typeset import Chain
from spec.objectives._setting import (
    DENOISING,
    EXPLICIT,
    FINITE_MODEL,
    LOG_NORMAL,
    NAMES,
    NOISE,
    POSITIVE_TIME,
    TARGET,
    TARGET_SQUARE,
    c,
    denoising_loss,
    explicit_loss,
    floor,
    marginal_score,
    without_harmonic,
)

INFORMATION, N, step, rate = symbols("I N step rate", positive=True)
q, ell, b = symbols("q q' q''", positive=True), Symbol("ell"), Symbol("b")
_LOG_SCORE, _u, _n = 1 + H, symbols("u1 u2"), symbols("n1 n2")
_INVERSE, _OF_DIAGONAL, _DETERMINANT = symbols("trace diagonal determinant")
_NAMES = NAMES | {
    "trace": r"\mathrm{tr}\,(S_0+vI)^{-1}",
    "diagonal": r"\mathrm{tr}\,(\mathrm{diag}\,S_0+vI)^{-1}",
    "determinant": r"\det\,(S_0+vI)^{-1}", "step": "h", "ell": r"\log q",
    "rate": r"\frac{d}{dt}\mathrm{Ent}(q_t)",
}  # fmt: skip
_FLUX = b * q[0] * ell - s2 / 2 * (1 + ell) * q[1]


def is_the_gap(constant: Expr) -> bool:
    r"""For log-normal data in one coordinate $\mathcal L_{\text{M-DSM}}$ is $\mathcal
    L_{\text{M-ESM}}$ and $[[it]]$, $v$ being $\sigma^2t$, for models quadratic in $\log x$.

    Both losses are Gaussian moments of their definitions, over different laws.
    """
    model = sum(b * L**k for k, b in enumerate(symbols("b0:3")))
    return same(denoising_loss(model) - explicit_loss(model), constant)


def are_of_log_normal_data(values: tuple[Expr, Expr]) -> bool:
    r"""For log-normal data in one coordinate the Fisher information of $\log X_t$, the mean square
    of its score, is $[[0]]$, and the least value of $\mathcal L_{\text{M-DSM}}$ is $[[1]]$.

    The score is affine in $\log x$. The loss is least at it (A-Thm).
    """
    information = expectation((1 + marginal_score()) ** 2, L, a + m, v0 + v)
    return vanishes((information - values[0], floor() - values[1]))


def is_the_gap_in_the_plane(constant: Expr) -> bool:
    r"""In the plane, for log-normal data of any covariance $S_0$ of $\log X_0$, $\mathcal
    L_{\text{M-DSM}}$ is $\mathcal L_{\text{M-ESM}}$ and $[[it]]$, for models affine in $\log x$.

    With $u$ standard normal and $T$ a triangular root of $S_0$, the state is moved by $Tu$ and by
    the noise. Both losses are averaged over the two.
    """
    covariance, gap = _gap_in_the_plane()
    inverse = (covariance + v * eye(2)).inv()
    meant = {_INVERSE: inverse.trace(), _DETERMINANT: inverse.det()}
    meant[_OF_DIAGONAL] = sum(1 / (entry + v) for entry in covariance.diagonal())
    return same(gap, constant.subs(meant))


@cache
def _gap_in_the_plane() -> tuple[Matrix, Expr]:
    """S0, and M-DSM - M-ESM averaged over u and n for an affine model h."""
    root = Matrix([[Symbol("p", positive=True), 0], symbols("q r", positive=True)])
    total, inverse = root * root.T + v * eye(2), Symbol("inverse_determinant")
    moved = root * Matrix(_u) + Matrix(_n)
    target = -ones(2, 1) - Matrix(_n) / v
    score = -ones(2, 1) - total.adjugate() * inverse * moved
    model = Matrix(symbols("b1 b2")) + Matrix(2, 2, symbols("B11 B12 B21 B22")) * moved
    gap = sum(
        (DENOISING - EXPLICIT).subs({c: e, h: f, H: g}, simultaneous=True)
        for e, f, g in zip(target, model, score, strict=True)
    )
    for variable in (*_u, *_n):
        gap = expectation(gap, variable, 0, 1 if variable in _u else v)
    return root * root.T, gap.subs(inverse, 1 / total.det())


def are_floor_and_error(candidate: Values) -> bool:
    r"""For data of any law, in each coordinate: the least value of $\mathcal L_{\text{M-DSM}}$ is
    $[[floor]]$, and the mean square of the denoiser's error is $[[error]]$, where $v$ is
    $\sigma^2t$ and $I$ the mean square of $[[score]]$, the score of $\log X_t$.

    By A-Thm the least value is that of $h$ equal to $H$. The mean of $cH$ is that of $H^2$ and the
    mean of $H$ is that of $c$, as $H$ is the mean of $c$ given $X_t$. The moments of $c$ are
    Gaussian. The denoiser differs from $\log X_0$ by $v$ times $c-H$: its error is $[[of_floor]]$.
    """
    squared = Symbol("E_H2")
    means = {c**2: TARGET_SQUARE, c * H: squared, H**2: squared}
    information = expand(_LOG_SCORE**2).subs(means).subs(H, expectation(TARGET, NOISE, 0, v))
    # log X_0 = y - m - n and D = y - m + v (1 + H), with c = -1 - n / v.
    found = {"floor": DENOISING.subs(h, H), "error": (v * (1 + c) - v * _LOG_SCORE) ** 2}
    stated = {name: candidate[name].subs(INFORMATION, information) for name in found}
    return vanishes([expand(found[name]).subs(means) - stated[name] for name in found])


def is_entropy_production(factor: Expr) -> bool:
    r"""For $t$ positive the entropy of $\log X_t$ grows at $[[factor]]$ times the mean square of
    its score. So the floor of R4b is $[[floor]]$ in each coordinate.

    The density $q$ follows the Fokker-Planck equation of A9. The integrand of the rate of the
    entropy is that of the mean square and the derivative of $[[flux]]$, with $b$ the drift.
    """
    change = s2 / 2 * q[2] - b * q[1]
    flux = sum(diff(_FLUX, q[i]) * q[i + 1] for i in (0, 1)) + diff(_FLUX, ell) * q[1] / q[0]
    return vanishes(-(1 + ell) * change - factor * q[1] ** 2 / q[0] - flux)


def is_the_sum_of_floors(total: Expr) -> bool:
    r"""For log-normal data the mean of $C$ over levels one to $N$, where $v$ is $hk$ at level $k$,
    is $[[mean]]$.

    By induction: the sum over no levels is zero, and one more adds its floor, $[[level]]$, as the
    harmonic number $H$ grows by the reciprocal of the new number, digamma $\psi$ by that of its
    argument.
    """
    more = expand_func(total.subs(N, N + 1) - total)
    gaps = (more - floor().subs(v, step * (N + 1)), expand_func(total.subs(N, 0)))
    functions = {f: Symbol(str(f)) for e in gaps for f in e.atoms(Function)}
    return vanishes(tuple(e.xreplace(functions) for e in gaps))


_GAP, _IN_THE_PLANE, _RATIO = v0 / (2 * v * (v0 + v)), (2 / v - _INVERSE) / 2, v0 / step
_FLOOR = {"floor": (1 / v - INFORMATION) / 2, "error": v - v**2 * INFORMATION}
_SUM = (harmonic(N) - digamma(N + _RATIO + 1) + digamma(_RATIO + 1)) / (2 * step)
_S, _sigma, _t = symbols("S sigma t", positive=True)
CONSTANT = Claim(
    "A-Thm-log-normal", "the constant, log-normal data", is_the_gap, _GAP, twins={
        "without the half": 2 * _GAP, "variance of the target": 1 / (2 * v),
        "of the marginal": 1 / (2 * (v0 + v)), "v0 + 2 v": v0 / (2 * v * (v0 + 2 * v)),
    }, names=_NAMES, sheet=("A-Thm", "E26"), assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm", "A16", "R2"),
)  # fmt: skip

VALUES = Claim(
    "information-log-normal", "Fisher information and floor on log-normal data",
    are_of_log_normal_data, (1 / (v0 + v), _GAP), twins={
        "of the noise": (1 / v, _GAP), "floor without the half": (1 / (v0 + v), 2 * _GAP),
        "floor of the data": (1 / (v0 + v), 1 / (2 * (v0 + v))),
    }, names=_NAMES, sheet=("R4b",), assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm", "R2"), pins=tuple(
        Pin(
            f"gbm_ref.{name}", table("S sigma t", (0.3, 0.7, 0.4), (2.6, 1.3, 0.05)),
            reads=lambda values, j=j: values[j].subs({v0: _S, v: _sigma**2 * _t}),
        ) for j, name in enumerate(("fisher_information", "m_dsm_floor"))
    ),
)  # fmt: skip

CONSTANT_IN_THE_PLANE = Claim(
    "A-Thm-log-normal-matrix", "the constant, correlated log-normal data", is_the_gap_in_the_plane,
    _IN_THE_PLANE, twins={
        "coordinates treated as independent": _IN_THE_PLANE.subs(_INVERSE, _OF_DIAGONAL),
        "without the half": 2 * _IN_THE_PLANE,
        "determinant for trace": _IN_THE_PLANE.subs(_INVERSE, _DETERMINANT),
    }, names=_NAMES, sheet=("A-Thm",), assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm", "A16", "R2"),
)  # fmt: skip

FLOOR = Claim(
    "R4b", "floor of the denoising loss", are_floor_and_error, _FLOOR, twins={
        "floor without the half": _FLOOR | {"floor": 1 / v - INFORMATION},
        "Hyvarinen for log score": _FLOOR | {"floor": (1 / v - INFORMATION - 1) / 2},
        "error with v for v^2": _FLOOR | {"error": v - v * INFORMATION},
        "sign of the information": _FLOOR | {"floor": (1 / v + INFORMATION) / 2},
    }, values=lambda: {
        "score": _LOG_SCORE, "of_floor": Chain(2 * v**2 * _FLOOR["floor"], _FLOOR["error"]),
    }, names=_NAMES, assumptions=(POSITIVE_TIME, FINITE_MODEL),
    depends=("A-Thm", "A29", "A-Assumption-1-data", "R4", "R5"),
)  # fmt: skip

DE_BRUIJN = Claim(
    "R4b-de-bruijn", "entropy grows with the Fisher information", is_entropy_production, s2 / 2,
    twins={"sigma^2": s2, "sigma^2 / 4": s2 / 4, "entropy falls": -s2 / 2}, shown=lambda factor: {
        "factor": factor, "floor": _FLOOR["floor"].subs(INFORMATION, rate / factor).expand(),
    }, values=lambda: {"flux": _FLUX}, names=_NAMES, sheet=("R4b",), assumptions=(
        POSITIVE_TIME, "the entropy is finite, and the flux vanishes at both ends",
        "one coordinate; the same for each",
    ), depends=("R4b", "A9"),
)  # fmt: skip

MEAN_FLOOR = Claim(
    "R4b-mean", "mean floor of the unweighted loss, log-normal data", is_the_sum_of_floors, _SUM,
    twins={
        "psi one step early": _SUM.replace(polygamma, lambda order, at: polygamma(order, at - 1)),
        "without the half": 2 * _SUM,
        "logarithm for psi": (harmonic(N) - log((v0 + step * N) / v0)) / (2 * step),
    }, shown=lambda total: {"mean": without_harmonic(total / N)},
    values=lambda: {"level": floor()}, names=_NAMES, sheet=("R4b",),
    assumptions=(POSITIVE_TIME, LOG_NORMAL), depends=("A-Thm-log-normal", "A38"),
)  # fmt: skip

CLAIMS = (CONSTANT, VALUES, CONSTANT_IN_THE_PLANE, FLOOR, DE_BRUIJN, MEAN_FLOOR)
