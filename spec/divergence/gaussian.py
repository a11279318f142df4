"""Divergences are those of log X (sheet C6); that of two Gaussian laws of log X.

Symbols: r = w - 1 for an eigenvalue w; lp, lr logarithms of densities of X."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from sympy import (
    Expr, Matrix, MatrixSymbol, Poly, Symbol, atanh, det, diff, exp, expand, expand_log, fraction,
    log, symbols, together, trace)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.gaussian import expectation
from spec.checking.symbols import z

Law = tuple[Matrix, Matrix, Symbol]
# p's and q's covariance, the shift of the means, log det P - log det Q: to the divergence.
Formula = Callable[[Matrix, Matrix, Matrix, Expr], Expr]
Y = symbols("Y_1 Y_2", real=True)
_LOG_VOLUME = sum(Y)  # the logarithm of dx / dy
_w1, _w2, _p_x, _lp, _lr = symbols("w_1 w_2 p lp lr")
_DETS = symbols("det_P det_Q")
_LOG_RATIO = log(_DETS[0] / _DETS[1])
_INTEGRAND = _p_x * (_w1 * _lp + _w2 * _lr)
_r, _s, _p, _q, _a, _b = symbols("r s var_p var_q mean_p mean_q")
_T = atanh(_s)
_RATIO, _LEFT = _r / (2 + _r), _r - log(1 + _r)
_NEARLY = _r * _s - 2 * (_T - _s)
_VECTORS, _IN_PLANE = "gaussian_kl", "gaussian_kl_in_the_plane"
_MATRICES = (MatrixSymbol("P", 2, 2), MatrixSymbol("Q", 2, 2), MatrixSymbol("d", 2, 1))


def has_no_negative_coefficient(ratio: Expr, of: Symbol) -> bool:
    """Of numerator and denominator, polynomials in `of`: so it is positive for positive values."""
    return all(e >= 0 for part in fraction(together(ratio)) for e in Poly(part, of).all_coeffs())


def is_tangent_of_log(line: Expr) -> bool:
    """Whether log z <= line(z) for z > 0 with equality at 1 alone: the difference is convex and
    touches zero at 1. The line has no second derivative, so that it averages to line(mean)."""
    gap = expand(line) - log(z)
    touches = (gap.subs(z, 1), diff(gap, z).subs(z, 1), diff(line, z, 2))
    return bool(has_no_negative_coefficient(diff(gap, z, 2), z)) and vanishes(touches)


def changes_by(factor: Callable[[Expr, Expr], Expr]) -> bool:
    r"""In the plane, and for any weights, the integral of $[[integrand]]$ over the densities of
    $Y$, the logarithm of $X$, is that over those of $X$ and $[[it]]$ times the mean of
    $[[volume]]$ under $p$. So the divergence, the integral of $[[of_divergence]]$, changes by
    $[[divergence]]$, the entropy, that of $[[of_entropy]]$, by $[[entropy]]$ and the
    cross-entropy, that of $[[of_cross]]$, by $[[cross]]$ of that mean.

    The densities of $Y$, symbols at a point, are those of $X$ times the Jacobian determinant of
    $\exp$, which is differentiated; the integrands are compared per volume."""
    volume = Symbol("volume")
    in_y = {_p_x: _p_x * volume, _lp: _lp + _LOG_VOLUME, _lr: _lr + _LOG_VOLUME}
    gained = _INTEGRAND.subs(in_y, simultaneous=True) - _INTEGRAND * volume
    of_exp = log(Matrix([exp(y) for y in Y]).jacobian(Y).det()).expand()
    due = C6.shown(factor)["it"] * _p_x * volume * _LOG_VOLUME
    return vanishes((gained - due, of_exp - _LOG_VOLUME))


def law(name: str) -> Law:
    """Mean, full symmetric covariance and the logarithm of its determinant, all symbols."""
    one, off, two = symbols(f"{name}11 {name}12 {name}22")
    mean = Matrix(symbols(f"{name}1 {name}2"))
    return mean, Matrix([[one, off], [off, two]]), Symbol(f"logdet_{name}")


def log_density(point: Matrix, of: Law) -> Expr:
    """log N(point; mean, cov) without -log(2 pi), which is common to all laws of the plane."""
    mean, cov, logdet = of
    shift = point - mean
    return -((shift.T * cov.inv() * shift)[0] + logdet) / 2


def is_the_divergence(formula: Formula) -> bool:
    r"""In the plane, for $p$ and $q$ normal in $\log X$ with means that differ by $d$ and
    covariances $P$ and $Q$, $\mathrm{KL}(p\Vert q)=[[it]]$.

    The log ratio of the densities is averaged under $p$ exactly, at a lower triangular root of $P$
    times standard normal draws. The log determinants are symbols. On the line the formula gives
    what it gives in the plane for laws that agree in a second, independent coordinate."""
    (mean_p, _, logdet_p), q, draws = law("p"), law("q"), symbols("z1 z2")
    root = Matrix([[Symbol("r11", positive=True), 0], symbols("r21 r22", positive=True)])
    cov_p, point = root * root.T, mean_p + root * Matrix(draws)
    left = log_density(point, (mean_p, cov_p, logdet_p)) - log_density(point, q)
    for draw in draws:
        left = expectation(left, draw, 0, 1)
    on_line = (cov_p[:1, :1], q[1][:1, :1], mean_p[:1, :] - q[0][:1, :])
    beside = (*(Matrix.diag(e, 1) for e in on_line[:2]), Matrix([*on_line[2], 0]))
    gap = formula(*on_line, logdet_p) - formula(*beside, logdet_p)
    ratio = expand_log(_log_ratio(exp(logdet_p), exp(q[2])), force=True)
    return vanishes((gap, left - formula(cov_p, q[1], mean_p - q[0], ratio)))


def kl(cov_p: Matrix, cov_q: Matrix, shift: Matrix, log_ratio: Expr) -> Expr:
    """[tr Q^-1 P + shift^T Q^-1 shift - dim - log(det P / det Q)] / 2."""
    inverse = cov_q.inv()
    quadratic = trace(inverse * cov_p) + trace(shift.T * inverse * shift)
    return (quadratic - cov_p.shape[0] - log_ratio) / 2


def _log_ratio(det_p: Expr, det_q: Expr) -> Expr:
    return _LOG_RATIO.xreplace(dict(zip(_DETS, (det_p, det_q), strict=True)))


def explicit(formula: Formula, cov_p: Matrix, cov_q: Matrix, shift: Matrix) -> Expr:
    """The formula with the logarithms of the determinants written out."""
    return formula(cov_p, cov_q, shift, _log_ratio(cov_p.det(), cov_q.det()))


def _in_plane(formula: Formula) -> Expr:
    (mean_p, cov_p, _), (mean_q, cov_q, _) = law("p"), law("q")
    means = dict(zip((*mean_p, *mean_q), symbols("a1 a2 b1 b2"), strict=True))
    return explicit(formula, cov_p, cov_q, mean_p - mean_q).subs(means)


def _sought(P: Matrix, Q: Matrix, d: Matrix) -> tuple[Expr, Expr, Expr]:
    """What `kl` needs: the trace, the quotient of the determinants, the quadratic form."""
    return trace(Q.inv() * P), det(P) / det(Q), trace(d.T * Q.inv() * d)


def is_spectral(parts: Callable[..., tuple[Matrix, Matrix, Matrix]]) -> bool:
    r"""In the plane, with any invertible $A$ such that $A^\top QA$ is the identity, the
    eigenvalues $w_i$ of $[[0]]$ have the sum $[[trace]]$ and the product $[[ratio]]$, the
    eigenvalues of $[[1]]$ are $w_i$ less one, the squared length of $[[2]]$ is $[[form]]$: what
    gaussian-kl needs.

    Sum and product are trace and determinant. $A$ is a matrix of symbols, which gives $Q$."""
    given, needed = _any_laws()
    W, gaps, whitened = parts(*given)
    if not vanishes(gaps - (W - Matrix.eye(2))):
        return False
    return vanishes(Matrix([W.trace(), W.det(), (whitened.T * whitened)[0]]) - needed)


@cache
def _any_laws() -> tuple[tuple[Matrix, ...], Matrix]:
    """A, P, Q and d, and what is needed of them."""
    A, (d, P, _) = Matrix(2, 2, symbols("A11 A12 A21 A22")), law("p")
    Q = A.inv().T * A.inv()
    return (A, P, Q, d), Matrix(_sought(P, Q, d))


def _whitened(A: Matrix, P: Matrix, Q: Matrix, d: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    return A.T * P * A, A.T * (P - Q) * A, A.T * d


def is_r_minus_log1p(form: Expr) -> bool:
    r"""For $r$ above minus one, $[[left]]=[[it]]$, where $s$ is $[[s]]$.

    Both sides are zero at $r$ zero; their derivatives are compared as rational functions, that of
    the inverse hyperbolic tangent at $s$ among them."""
    value = form.expand().subs(_s, _RATIO)
    return vanishes(((value - _LEFT).diff(_r), (value - _LEFT).subs(_r, 0)))


def _of_forms(form: Expr) -> Expr:
    """The divergence on the line, by r = w - 1."""
    written = form.subs(_s, _RATIO).subs(_r, (_p - _q) / _q)
    return (written + (_a - _b) ** 2 / _q) / 2


_WEIGHTS = {"divergence": (1, -1), "entropy": (-1, 0), "cross": (0, -1)}
C6 = Claim(
    "C6", "the divergence is that of the logarithms", changes_by,
    holds=lambda w_1, w_2: w_1 + w_2, twins={
        "the entropy does not change": lambda w_1, w_2: w_2,
        "the cross-entropy does not change": lambda w_1, w_2: w_1,
        "difference of the weights": lambda w_1, w_2: w_1 - w_2,
    }, shown=lambda factor: {
        "it": factor(_w1, _w2), **{name: factor(*w) for name, w in _WEIGHTS.items()},
    }, values=lambda: {
        "volume": _LOG_VOLUME, "integrand": _INTEGRAND, **{
            f"of_{n}": _INTEGRAND.subs(tuple(zip((_w1, _w2), w, strict=True)))
            for n, w in _WEIGHTS.items()
        },
    }, names={"lp": r"\log p", "lr": r"\log r"}, depends=("Robbins",),
    assumptions=("both laws have densities on the positive orthant, and the integrals exist",),
)  # fmt: skip

DEFINITE = Assumption(
    "the covariances are positive definite", "the logarithm of the quotient of the determinants",
    lambda: bool(law("Q")[1].det().subs({"Q11": 1, "Q22": 1, "Q12": 2}) < 0))  # fmt: skip
GAUSSIAN_KL = Claim(
    "gaussian-kl", "divergence of two log-normal laws", is_the_divergence, holds=kl, twins={
        "P and Q exchanged in the trace": lambda P, Q, d, r: (
            kl(P, Q, d, r) + (trace(P.inv() * Q) - trace(Q.inv() * P)) / 2
        ), "shift measured with P": lambda P, Q, d, r: (
            kl(P, Q, d, r) + trace(d.T * (P.inv() - Q.inv()) * d) / 2
        ), "sign of the log determinants": lambda P, Q, d, r: kl(P, Q, d, -r),
        "dimension not subtracted": lambda P, Q, d, r: kl(P, Q, d, r) + 1,
    }, shown=lambda formula: {"it": formula(*_MATRICES, _LOG_RATIO)},
    names={"det_P": r"\det P", "det_Q": r"\det Q"}, sheet=("C6",), assumptions=(DEFINITE,),
    depends=("C6",), pins=(
        Pin("gbm_ref.kl_divergence", vectors=_VECTORS, variant="one dimension",
            reads=lambda formula: explicit(formula, *map(Matrix, ([_p], [_q], [_a - _b])))),
        Pin("gbm_ref.kl_divergence", vectors=_IN_PLANE, reads=_in_plane, variant="plane"),
    ))  # fmt: skip

SPECTRAL = Claim(
    "gaussian-kl-eigenvalues", "the divergence from eigenvalues", is_spectral, holds=_whitened,
    twins={
        "wrong side": lambda A, P, Q, d: (A * P * A.T, A * P * A.T - A.T * Q * A, A.T * d),
        "wrong sign": lambda A, P, Q, d: (A.T * P * A, A.T * (Q - P) * A, A.T * d),
        "whitened once": lambda A, P, Q, d: (P * A, P * A - A.T * Q * A, A.T * d),
        "shift from the wrong side": lambda A, P, Q, d: (*_whitened(A, P, Q, d)[:2], A * d),
    },
    shown=lambda parts: dict(zip("012", parts(MatrixSymbol("A", 2, 2), *_MATRICES), strict=True)),
    values=lambda: dict(zip(("trace", "ratio", "form"), _sought(*_MATRICES), strict=True)),
    sheet=("C6",), assumptions=(
        replace(DEFINITE, used="an A with which Q becomes the identity"),
    ), depends=("gaussian-kl",))  # fmt: skip

NEARLY_EQUAL = Claim(
    "gaussian-kl-nearly-equal", "the divergence of nearly equal laws", is_r_minus_log1p,
    holds=_NEARLY, twins={
        "one artanh only": _NEARLY + _T - _s, "without the product r s": _NEARLY - _r * _s,
        "s = r / (1 + r) in the product": _NEARLY - _r * _s + _r**2 / (1 + _r),
    }, values=lambda: {"left": _LEFT, "s": _RATIO}, sheet=("C6",), assumptions=(Assumption(
        "r is above minus one", "the logarithm of one and r",
        lambda: not _LEFT.subs(_r, -2).is_real,
    ),), depends=("gaussian-kl-eigenvalues",), pins=(
        Pin("gbm_ref.kl_divergence", vectors=_VECTORS, reads=_of_forms,
            variant="nearly equal, one dimension"),
        Pin("gbm_ref.kl_divergence", vectors=_IN_PLANE, variant="nearly equal, plane",
            because="it adds the statement's formula over the eigenvalues"),
    ))  # fmt: skip
CLAIMS = (C6, GAUSSIAN_KL, SPECTRAL, NEARLY_EQUAL)
