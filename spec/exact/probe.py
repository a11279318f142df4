"""What a few evaluations with chosen noise say about a sampler.

Symbols, in the plane with two steps: y = log x_T, z1 and z2 the draws of the steps; c, A, B1, B2
the coefficients of log x_0 = c + A y + B1 z1 + B2 z2, entries c1, a11, b11, d11 ...; M, S = R R^T
mean and covariance of log x_T; f_i^p a coordinate of log x_0 where p, one of y1, ..., z22, is one.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from sympy import Abs, Add, Expr, Matrix, MatrixSymbol, Mul, sqrt, symbols, zeros
from sympy.polys.polyutils import dict_from_expr

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.gaussian import moment
from spec.checking.pins import table, when_asked
from spec.checking.symbols import dt, h, mu, sigma
from spec.steps._reverse import ambient_factor, in_delta, root

Coefficients = tuple[Matrix, Matrix, Matrix, Matrix]
_PLACES = ("0", "y1", "y2", "z11", "z12", "z21", "z22")
_STILL, *_MOVED = (Matrix(symbols(f"f_{{1}}^{{{p}}} f_{{2}}^{{{p}}}")) for p in _PLACES)
_DRAWS = Matrix(symbols("z11 z12 z21 z22", real=True))
_UNIT_DRAW = Matrix(symbols("u1 u2", real=True))


class Probe(NamedTuple):
    """c, A, B1 and B2 in the values f_i^p, and the law that they make with M and S."""

    read: Coefficients
    law: Callable[[Coefficients, Matrix, Matrix], tuple[Matrix, Matrix]]


def _square(name: str) -> Matrix:
    return Matrix(2, 2, symbols(f"{name}11 {name}12 {name}21 {name}22", real=True))


_TRUE = (Matrix(symbols("c1 c2", real=True)), *map(_square, "abd"))
_MEAN, _ROOT = Matrix(symbols("M1 M2", real=True)), _square("r")


def _apply(at: Matrix, curvature: int = 0) -> Matrix:
    """log x_0 from y, z1 and z2, one below the other."""
    bent = curvature * at[:2, :].applyfunc(lambda y: y**2)
    return _TRUE[0] + Matrix.hstack(*_TRUE[1:]) * at + bent


@cache
def _average(expression: Expr) -> Expr:
    """Over the draws and what makes log x_T, independent standard normal variables."""
    terms, _ = dict_from_expr(expression, gens=(*_UNIT_DRAW, *_DRAWS))
    return Add(*(Mul(c, *(moment(k, 0, 1) for k in powers)) for powers, c in terms.items()))


def _read(probe: Probe, curvature: int = 0) -> Coefficients:
    """The coefficients that the probe reads off the values at zero and at unit vectors."""
    places = Matrix.hstack(zeros(6, 1), Matrix.eye(6))
    found = Matrix.hstack(*(_apply(places[:, i], curvature) for i in range(7)))
    values = dict(zip(Matrix.hstack(_STILL, *_MOVED), found, strict=True))
    return tuple(part.xreplace(values) for part in probe.read)


def determines_the_law(probe: Probe, curvature: int = 0) -> bool:
    r"""In the plane with two steps, if $\log x_0$ is $c$ and a linear map of $\log x_T$ and the
    draws, with the matrices $A$, $B_1$ and $B_2$, then from the values $f_i^p$ of its coordinates
    at zero and at the unit vectors $p$ of each of the three: $c=[[c]]$, $A=[[A]]$, $B_1=[[B1]]$
    and $B_2=[[B2]]$. If $\log x_T$ has the mean $M$ and the covariance $S$ and the draws are
    standard, then $\log x_0$ has the mean $[[mean]]$ and the covariance $[[covariance]]$.

    What a unit vector adds to the value at zero is a column of its matrix. Mean and covariance are
    exact moments of six independent standard normal variables, of which two make $\log x_T$."""
    if not all(vanishes(a - b) for a, b in zip(_read(probe, curvature), _TRUE, strict=True)):
        return False
    end = _apply(Matrix.vstack(_MEAN + _ROOT * _UNIT_DRAW, _DRAWS), curvature)
    mean = end.applyfunc(_average)
    cov = ((end - mean) * (end - mean).T).applyfunc(_average)
    claimed = probe.law(_TRUE, _MEAN, _ROOT * _ROOT.T)
    return vanishes((mean - claimed[0], cov - claimed[1]))


def _columns(place: int, still: Matrix = _STILL) -> Matrix:
    return Matrix.hstack(*(_MOVED[2 * place + i] - still for i in (0, 1)))


def _law(noise: Callable[[Matrix, Matrix], Matrix]) -> Callable:
    """Mean and covariance, with what the draws add to it."""
    return lambda c, mean, cov: (c[0] + c[1] * mean, c[1] * cov * c[1].T + noise(*c[2:]))


def _shown(probe: Probe) -> dict[str, object]:
    matrices = (MatrixSymbol("c", 2, 1), *(MatrixSymbol(n, 2, 2) for n in ("A", "B_1", "B_2")))
    law = probe.law(matrices, MatrixSymbol("M", 2, 1), MatrixSymbol("S", 2, 2))
    return dict(zip("c A B1 B2 mean covariance".split(), (*probe.read, *law), strict=True))


def _law_of_start(probe: Probe) -> tuple[Expr, ...]:
    mean, cov = probe.law(_TRUE, _MEAN, Matrix(2, 2, symbols("S11 S12 S12 S22")))
    return (*mean, *cov)


def _sizes(known: Expr | int = 0) -> tuple[Expr, ...]:
    """The law with the absolute values of all terms, each coefficient being larger by `known`."""
    law, coefficients = _law_of_start(PROBE), {e for part in _TRUE for e in part}
    sizes = {s: Abs(s) + (known if s in coefficients else 0) for f in law for s in f.free_symbols}
    return tuple(f.subs(sizes, simultaneous=True) for f in law)


_READ, _LAW = (_STILL, *map(_columns, range(3))), _law(lambda b, d: b * b.T + d * d.T)
PROBE = Probe(_READ, _LAW)
# log(exp(v)) is known to 2^-53 (1 + |v|), and the entries are differences of values.
_OF_VALUES = when_asked(lambda: _sizes(1 + sum(map(Abs, _TRUE[0]))))
_ENTRIES_SCALE = tuple(1 + Abs(_TRUE[0][i // part.cols]) + Abs(f) for part in _TRUE for i, f in
    enumerate(part))  # fmt: skip
_NAMES = "c1 c2 a11 a12 a21 a22 b11 b12 b21 b22 d11 d12 d21 d22"
_COEFFICIENTS = ((0.3, -1.1, 0.7, -0.2, 0.4, 0.5, 0.6, 0.1, -0.3, 0.4, 0.2, -0.5, 0.05, 0.9),
    (-7.0, 3.0, 1e-3, 2.0, -1.5, 1e-6, 1e-4, -3.0, 2.5, -1e-2, 1.0, 0.3, -0.8, 1e-3),)  # fmt: skip
_STARTS = ((0.4, -0.6, 0.9, 0.2, 0.5), (-3.0, 12.0, 4.0, -1.9, 1.0))
_BOTH = table(f"{_NAMES} M1 M2 S11 S12 S22", *(c + s for c, s in zip(_COEFFICIENTS, _STARTS,
    strict=True)))  # fmt: skip
LAW = Claim(
    "probe", "a sampler that is affine in log x is known from a few evaluations",
    determines_the_law, holds=PROBE, twins={
        "rows for columns": Probe((_STILL, _columns(0).T, *_READ[2:]), _LAW),
        "the offset is not taken off": Probe((_STILL, _columns(0, zeros(2, 1)), *_READ[2:]), _LAW),
        "B B for B B^T": Probe(_READ, _law(lambda b, d: b * b + d * d)),
        "one draw for all steps": Probe(_READ, _law(lambda b, d: (b + d) * (b + d).T)),
    }, shown=_shown, sheet=("R9",), assumptions=(
        Assumption(
            "the sampler is affine in log x", "the differences of values, which a square changes",
            lambda: not determines_the_law(PROBE, curvature=1),
        ),
        "log x_T and the draws are independent; they are normal for the law, not for the moments",
    ), pins=(
        Pin(
            "gbm_ref.extract_affine_map", table(_NAMES, *_COEFFICIENTS),
            reads=lambda probe: tuple(entry for part in _read(probe) for entry in part),
            scale=_ENTRIES_SCALE,
        ), Pin("gbm_ref.AffineMap.law", _BOTH, reads=_law_of_start, scale=when_asked(_sizes)),
        Pin("gbm_ref.assert_law", _BOTH, reads=_law_of_start, scale=_OF_VALUES),
    ))  # fmt: skip

B, C, Q = symbols("b c q", real=True)
_R0, _UP, _DOWN = symbols("r_0 r_+ r_-")


def reads_the_step(reading: dict) -> bool:
    r"""A polynomial of degree two at most in the draw has, from its values $r_0$, $r_+$ and $r_-$
    at zero, one and minus one, the coefficients $[[read.0]]$, $[[read.1]]$ and $[[read.2]]$ from
    the constant one up. The ratio that eq. 12 multiplies a state by is such a polynomial, with the
    constant $[[constant]]$, the slope $[[slope]]$ and no square.

    Read off a parabola with symbols for coefficients, and off the step of the reverse equation."""
    ratios = _read_off(reading, lambda draw: ambient_factor(h, draw, root))
    known = Matrix(_of_parabola(reading)) - Matrix([B, C, Q])
    line = ambient_factor(h, B, root) - reading["constant"] - reading["slope"] * B
    return vanishes(
        (line, known, Matrix(ratios) - Matrix([reading["constant"], reading["slope"], 0]))
    )


def _read_off(reading: dict, ratio: Callable[[int], Expr]) -> tuple[Expr, ...]:
    values = {_R0: ratio(0), _UP: ratio(1), _DOWN: ratio(-1)}
    return tuple(f.subs(values) for f in reading["read"])


def _of_parabola(reading: dict) -> tuple[Expr, ...]:
    return _read_off(reading, lambda draw: B + C * draw + Q * draw**2)


_CENTRAL = (_R0, (_UP - _DOWN) / 2, (_UP + _DOWN) / 2 - _R0)
_STEP = {
    "read": _CENTRAL, "constant": 1 - root**2 * (mu - 2 * sigma**2) + root**2 * sigma**2 * h,
    "slope": sigma * root}  # fmt: skip
_RATIOS = table("b c q", (0.7, 0.4, -0.2), (-3.0, 1e-4, 1e-7))
_SIZE = (1 + Abs(B) + Abs(C) + Abs(Q),) * 3
_LARGEST = 1 + dt * (Abs(mu) + 2 * sigma**2 + sigma**2 * Abs(h)) + sigma * sqrt(dt)
STEP = Claim(
    "probe-step", "a step in x is known from three evaluations", reads_the_step,
    holds=_STEP, twins={
        "a one-sided difference": {**_STEP, "read": (_R0, _UP - _R0, _CENTRAL[2])},
        "curvature without the half": {**_STEP, "read": (*_CENTRAL[:2], 2 * _CENTRAL[2])},
        "the additive-noise drift": {
            **_STEP, "constant": _STEP["constant"] - 2 * root**2 * sigma**2,
        }, "dt for its root": {**_STEP, "slope": sigma * root**2},
    }, names={"root": r"\sqrt{\delta}"}, sheet=("A12",), assumptions=(
        Assumption(
            "the ratio is a polynomial of degree two at most in the draw",
            "the three values; a cube is read as a slope",
            lambda: not same(_CENTRAL[1].subs({_UP: B + C + Q + 1, _DOWN: B - C + Q - 1}), C),
        ),
    ), depends=("A12",), pins=(
        Pin("gbm_ref.extract_step_polynomial", _RATIOS, reads=_of_parabola, scale=_SIZE), Pin(
            "gbm_ref.extract_step_polynomial",
            table("mu sigma dt h", (0.17, 0.8, 0.11, -1.4), (-0.6, 1.4, 0.01, 37.0)),
            reads=lambda step: tuple(in_delta(step[part]) for part in ("constant", "slope")),
            scale=(_LARGEST, _LARGEST), variant="eq. 12",
        ), Pin("gbm_ref.assert_step", _RATIOS, reads=_of_parabola, scale=_SIZE),
    ))  # fmt: skip
CLAIMS = (LAW, STEP)
