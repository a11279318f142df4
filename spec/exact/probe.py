"""What a few evaluations with chosen noise say about a sampler.

Symbols, in the plane with two steps: y = log x_T, z1 and z2 the draws of the steps; c, A, B1, B2
the coefficients of log x_0 = c + A y + B1 z1 + B2 z2, entries c1, a11, b11, d11 ...; M, S = R R^T
mean and covariance of log x_T.
"""

from collections.abc import Callable
from typing import NamedTuple

from sympy import (
    Abs,
    Expr,
    Integer,
    Matrix,
    MatrixSymbol,
    Rational,
    Symbol,
    expand,
    eye,
    sqrt,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import dt, h, mu, sigma, z
from spec.steps._reverse import ambient_factor, root

Map = Callable[[Matrix, Matrix, Matrix], Matrix]
_ZERO, _UNITS = Matrix([0, 0]), [eye(2)[:, i] for i in range(2)]
_DRAWS = [Matrix(symbols(f"z{k}1 z{k}2", real=True)) for k in (1, 2)]
_UNIT_DRAW = Matrix(symbols("u1 u2", real=True))


class Coefficients(NamedTuple):
    """c, A and the matrices on the draws."""

    offset: Matrix
    state: Matrix
    first: Matrix
    second: Matrix


class Probe(NamedTuple):
    """How the coefficients are read off a map, and what law they make with M and S."""

    read: Callable[[Map], Coefficients]
    law: Callable[[Coefficients, Matrix, Matrix], tuple[Matrix, Matrix]]


def _square(name: str) -> Matrix:
    return Matrix(2, 2, symbols(f"{name}11 {name}12 {name}21 {name}22", real=True))


_TRUE = Coefficients(Matrix(symbols("c1 c2", real=True)), *map(_square, "abd"))
_MEAN, _ROOT = Matrix(symbols("M1 M2", real=True)), _square("r")


def _apply(y: Matrix, z1: Matrix, z2: Matrix) -> Matrix:
    return _TRUE.offset + _TRUE.state * y + _TRUE.first * z1 + _TRUE.second * z2


def _curved(y: Matrix, z1: Matrix, z2: Matrix) -> Matrix:
    return _apply(y, z1, z2) + y.multiply_elementwise(y)


def _average(expression: Expr) -> Expr:
    """Over the draws and the standard normal vector that makes log x_T."""
    for symbol in (*_UNIT_DRAW, *_DRAWS[0], *_DRAWS[1]):
        expression = expectation(expression, symbol, Integer(0), Integer(1))
    return expand(expression)


def determines_the_law(probe: Probe, log_map: Map = _apply) -> bool:
    r"""In the plane with two steps, if $\log x_0$ is $c$ and a linear map of $\log x_T$ and the
    draws, with the matrices $A$, $B_1$ and $B_2$, then from the values $f_i^p$ of its coordinates
    at zero and at the unit vectors $p$ of each of the three: $c=[[c]]$, $A=[[A]]$,
    $B_1=[[B1]]$ and $B_2=[[B2]]$. If $\log x_T$ has the mean $M$ and the covariance $S$, then
    $\log x_0$ has the mean $[[mean]]$ and the covariance $[[covariance]]$.

    What a unit vector adds to the value at zero is a column of its matrix. Mean and covariance are
    taken with exact moments of six independent standard normal variables, of which two make $\log
    x_T$; an affine map of normal variables is normal.
    """
    found = probe.read(log_map)
    end = log_map(_MEAN + _ROOT * _UNIT_DRAW, *_DRAWS)
    mean = end.applyfunc(_average)
    cov = ((end - mean) * (end - mean).T).applyfunc(_average)
    claimed = probe.law(_TRUE, _MEAN, _ROOT * _ROOT.T)
    pairs = (*zip(found, _TRUE, strict=True), (mean, claimed[0]), (cov, claimed[1]))
    return all([same(a, b) for a, b in pairs])


def _differences(log_map: Map) -> Coefficients:
    """From the map at zero and at unit vectors of y, z1 and z2."""
    still = log_map(_ZERO, _ZERO, _ZERO)

    def columns(place: int) -> Matrix:
        probes = ([unit if i == place else _ZERO for i in range(3)] for unit in _UNITS)
        return Matrix.hstack(*(log_map(*at) - still for at in probes))

    return Coefficients(still, *map(columns, range(3)))


def _transposed(log_map: Map) -> Coefficients:
    found = _differences(log_map)
    return found._replace(state=found.state.T)


def _without_the_offset(log_map: Map) -> Coefficients:
    found = _differences(log_map)
    return found._replace(state=found.state + Matrix.hstack(found.offset, found.offset))


def _law(
    found: Coefficients, mean: Matrix, cov: Matrix, added: Matrix | None = None
) -> tuple[Matrix, Matrix]:
    offset, state, b, d = found
    noise = b * b.T + d * d.T if added is None else added
    return offset + state * mean, state * cov * state.T + noise


def _law_of_squares(found: Coefficients, mean: Matrix, cov: Matrix) -> tuple[Matrix, Matrix]:
    return _law(found, mean, cov, found.first * found.first + found.second * found.second)


def _law_of_one_draw(found: Coefficients, mean: Matrix, cov: Matrix) -> tuple[Matrix, Matrix]:
    total = found.first + found.second
    return _law(found, mean, cov, total * total.T)


def _values_at(*at: Matrix) -> Matrix:
    """The coordinates of a map at a point, by name: f_1^{y1} at the first unit vector of y."""
    stacked = [entry for vector in at for entry in vector]
    names = ("y1", "y2", "z11", "z12", "z21", "z22")
    where = next((name for name, entry in zip(names, stacked, strict=True) if entry), "0")
    return Matrix(symbols(f"f_{{1}}^{{{where}}} f_{{2}}^{{{where}}}"))


def _shown(probe: Probe) -> dict[str, object]:
    matrices = (MatrixSymbol("c", 2, 1), *(MatrixSymbol(n, 2, 2) for n in ("A", "B_1", "B_2")))
    law = probe.law(Coefficients(*matrices), MatrixSymbol("M", 2, 1), MatrixSymbol("S", 2, 2))
    read = dict(zip(("c", "A", "B1", "B2"), probe.read(_values_at), strict=True))
    return {**read, "mean": law[0], "covariance": law[1]}


def _entries(probe: Probe) -> tuple[Expr, ...]:
    return tuple(entry for part in probe.read(_apply) for entry in part)


def _law_of_start(probe: Probe) -> tuple[Expr, ...]:
    one, off, two = symbols("S11 S12 S22")
    mean, cov = probe.law(_TRUE, _MEAN, Matrix([[one, off], [off, two]]))
    return (*mean, *cov)


def _sizes(known: Expr | int = 0) -> tuple[Expr, ...]:
    """The law with the absolute values of all terms, each coefficient being larger by `known`."""
    law, coefficients = _law_of_start(PROBE), {e for part in _TRUE for e in part}
    symbols_of = sorted(set().union(*(f.free_symbols for f in law)), key=str)
    sizes = {s: Abs(s) + (known if s in coefficients else 0) for s in symbols_of}
    return tuple(f.subs(sizes, simultaneous=True) for f in law)


PROBE = Probe(_differences, _law)
# log(exp(v)) is known to 2^-53 (1 + |v|), and the entries are differences of values.
_KNOWN = 1 + sum(Abs(c) for c in _TRUE.offset)
_ENTRIES_SCALE = tuple(
    1 + Abs(_TRUE.offset[row]) + Abs(part[row, column])
    for part in _TRUE
    for row in (0, 1)
    for column in range(part.cols)
)
_NAMES = "c1 c2 a11 a12 a21 a22 b11 b12 b21 b22 d11 d12 d21 d22"
_COEFFICIENTS = (
    (0.3, -1.1, 0.7, -0.2, 0.4, 0.5, 0.6, 0.1, -0.3, 0.4, 0.2, -0.5, 0.05, 0.9),
    (-7.0, 3.0, 1e-3, 2.0, -1.5, 1e-6, 1e-4, -3.0, 2.5, -1e-2, 1.0, 0.3, -0.8, 1e-3),
)
_STARTS = ((0.4, -0.6, 0.9, 0.2, 0.5), (-3.0, 12.0, 4.0, -1.9, 1.0))
_BOTH = table(
    f"{_NAMES} M1 M2 S11 S12 S22", *(c + s for c, s in zip(_COEFFICIENTS, _STARTS, strict=True))
)
LAW = Claim(
    "probe",
    "a sampler that is affine in log x is known from a few evaluations",
    determines_the_law,
    holds=PROBE,
    twins={
        "rows for columns": Probe(_transposed, _law),
        "the offset is not taken off": Probe(_without_the_offset, _law),
        "B B for B B^T": Probe(_differences, _law_of_squares),
        "one draw for all steps": Probe(_differences, _law_of_one_draw),
    },
    shown=_shown,
    sheet=("R9",),
    assumptions=(
        Assumption(
            "the sampler is affine in log x",
            "the differences of values, which a square changes",
            lambda: not determines_the_law(PROBE, _curved),
        ),
        "log x_T and the draws are independent; they are normal for the law, not for the moments",
    ),
    pins=(
        Pin(
            "gbm_ref.extract_affine_map",
            table(_NAMES, *_COEFFICIENTS),
            reads=_entries,
            scale=_ENTRIES_SCALE,
        ),
        Pin("gbm_ref.AffineMap.law", _BOTH, reads=_law_of_start, scale=_sizes()),
        Pin("gbm_ref.assert_law", _BOTH, reads=_law_of_start, scale=_sizes(_KNOWN)),
    ),
)


class Reading(NamedTuple):
    """Coefficients of b + c z + q z^2 from its values at 0, 1, -1; and b, c of eq. 12."""

    read: Callable[[Expr, Expr, Expr], tuple[Expr, Expr, Expr]]
    agnostic: tuple[Expr, Expr]


B, C, Q = symbols("b c q", real=True)


def reads_the_step(reading: Reading) -> bool:
    r"""A polynomial of degree two in the draw has, from its values $r_0$, $r_+$ and $r_-$ at zero,
    one and minus one, the coefficients $[[read]]$ from the constant one up. The ratio that eq. 12
    multiplies a state by is such a polynomial, with the constant $[[constant]]$, the slope
    $[[slope]]$ and no square, so that two values are enough.

    Three values determine a parabola, whose coefficients are symbols; and they are read off the
    ratio of the step that is built from the reverse equation.
    """
    found = reading.read(B, B + C + Q, B - C + Q)
    factor = ambient_factor(h, z, root)
    offset, slope, curvature = reading.read(*(factor.subs(z, at) for at in (0, 1, -1)))
    known = tuple(f - w for f, w in zip(found, (B, C, Q), strict=True))
    step = (offset - reading.agnostic[0], slope - reading.agnostic[1], curvature)
    return vanishes((*known, *step))


_DT, _HALF = root**2, Rational(1, 2)
_AGNOSTIC = (1 - _DT * (mu - 2 * sigma**2) + _DT * sigma**2 * h, sigma * root)


def _central(still: Expr, up: Expr, down: Expr) -> tuple[Expr, Expr, Expr]:
    return still, (up - down) * _HALF, (up + down) * _HALF - still


def _one_sided(still: Expr, up: Expr, down: Expr) -> tuple[Expr, Expr, Expr]:
    return still, up - still, _central(still, up, down)[2]


def _without_half(still: Expr, up: Expr, down: Expr) -> tuple[Expr, Expr, Expr]:
    return *_central(still, up, down)[:2], up + down - 2 * still


def _of_parabola(reading: Reading) -> tuple[Expr, ...]:
    return reading.read(B, B + C + Q, B - C + Q)


def _of_eq_12(reading: Reading) -> tuple[Expr, ...]:
    return tuple(f.subs(root, sqrt(dt)) for f in reading.agnostic)


_RATIOS = table("b c q", (0.7, 0.4, -0.2), (-3.0, 1e-4, 1e-7))
_SIZE = (1 + Abs(B) + Abs(C) + Abs(Q),) * 3
_LARGEST = 1 + dt * (Abs(mu) + 2 * sigma**2 + sigma**2 * Abs(h)) + sigma * sqrt(dt)
STEP = Claim(
    "probe-step",
    "a step in x is known from two or three evaluations",
    reads_the_step,
    holds=Reading(_central, _AGNOSTIC),
    twins={
        "a one-sided difference": Reading(_one_sided, _AGNOSTIC),
        "curvature without the half": Reading(_without_half, _AGNOSTIC),
        "the additive-noise drift": Reading(
            _central, (_AGNOSTIC[0] - 2 * _DT * sigma**2, _AGNOSTIC[1])
        ),
        "dt for its root": Reading(_central, (_AGNOSTIC[0], sigma * _DT)),
    },
    shown=lambda reading: {
        "read": reading.read(*(Symbol(name) for name in ("r_0", "r_+", "r_-"))),
        **dict(zip(("constant", "slope"), _of_eq_12(reading), strict=True)),
    },
    sheet=("A12",),
    assumptions=(
        Assumption(
            "the ratio is a polynomial of degree two at most in the draw",
            "the three values; a cube is read as a slope",
            lambda: not same(_central(B, B + C + Q + 1, B - C + Q - 1)[1], C),
        ),
    ),
    depends=("A12",),
    pins=(
        Pin("gbm_ref.extract_step_polynomial", _RATIOS, reads=_of_parabola, scale=_SIZE),
        Pin(
            "gbm_ref.extract_step_polynomial",
            table("mu sigma dt h", (0.17, 0.8, 0.11, -1.4), (-0.6, 1.4, 0.01, 37.0)),
            reads=_of_eq_12,
            scale=(_LARGEST, _LARGEST),
            variant="eq. 12",
        ),
        Pin("gbm_ref.assert_step", _RATIOS, reads=_of_parabola, scale=_SIZE),
    ),
)

CLAIMS = (LAW, STEP)
