"""What a few evaluations with chosen noise say about a sampler.

Symbols, in the plane with two steps: y = log x_T, z1 and z2 the draws of the steps; c, A, B1, B2
the coefficients of log x_0 = c + A y + B1 z1 + B2 z2; M, S = R R^T mean and covariance of log x_T.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sympy import Expr, Integer, Matrix, Rational, expand, eye, symbols, zeros

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import h, mu, sigma, z
from spec.exact import _probe_pins
from spec.steps._reverse import ambient_factor, root

Map = Callable[[Matrix, Sequence[Matrix]], Matrix]
_ZERO, _UNITS = zeros(2, 1), [eye(2)[:, i] for i in range(2)]
_DRAWS = [Matrix(symbols(f"z{k}1 z{k}2", real=True)) for k in (1, 2)]
_UNIT_DRAW = Matrix(symbols("u1 u2", real=True))


class Coefficients(NamedTuple):
    """c, A and the matrices on the draws."""

    offset: Matrix
    state: Matrix
    noise: tuple[Matrix, Matrix]


class Probe(NamedTuple):
    """How the coefficients are read off a map, and what law they make with M and S."""

    read: Callable[[Map], Coefficients]
    law: Callable[[Coefficients, Matrix, Matrix], tuple[Matrix, Matrix]]


def _square(name: str) -> Matrix:
    return Matrix(2, 2, symbols(f"{name}11 {name}12 {name}21 {name}22", real=True))


_TRUE = Coefficients(
    Matrix(symbols("c1 c2", real=True)), _square("a"), (_square("b"), _square("d"))
)
_MEAN, _ROOT = Matrix(symbols("M1 M2", real=True)), _square("r")


def _apply(y: Matrix, draws: Sequence[Matrix]) -> Matrix:
    noise = sum((b * z for b, z in zip(_TRUE.noise, draws, strict=True)), _ZERO)
    return _TRUE.offset + _TRUE.state * y + noise


def _average(expression: Expr) -> Expr:
    """Over the draws and the standard normal vector that makes log x_T."""
    for symbol in (*_UNIT_DRAW, *_DRAWS[0], *_DRAWS[1]):
        expression = expectation(expression, symbol, Integer(0), Integer(1))
    return expand(expression)


def determines_the_law(probe: Probe) -> bool:
    """Whether the coefficients are read off rightly, and make the law of log x_0.

    Left: the coefficients themselves, symbols; mean and covariance of the map by exact moments of
    six independent standard normal variables. Right: what the candidate says.
    """
    found = probe.read(_apply)
    pairs = zip((*found[:2], *found.noise), (*_TRUE[:2], *_TRUE.noise), strict=True)
    end = _apply(_MEAN + _ROOT * _UNIT_DRAW, _DRAWS)
    mean = end.applyfunc(_average)
    cov = ((end - mean) * (end - mean).T).applyfunc(_average)
    claimed = probe.law(_TRUE, _MEAN, _ROOT * _ROOT.T)
    return all([same(a, b) for a, b in pairs]) and vanishes((mean - claimed[0], cov - claimed[1]))


def _differences(log_map: Map) -> Coefficients:
    """From the map at zero and at unit vectors of y, z1 and z2."""
    still = log_map(_ZERO, [_ZERO, _ZERO])
    state = [log_map(e, [_ZERO, _ZERO]) - still for e in _UNITS]
    first = [log_map(_ZERO, [e, _ZERO]) - still for e in _UNITS]
    second = [log_map(_ZERO, [_ZERO, e]) - still for e in _UNITS]
    noise = (Matrix.hstack(*first), Matrix.hstack(*second))
    return Coefficients(still, Matrix.hstack(*state), noise)


def _transposed(log_map: Map) -> Coefficients:
    found = _differences(log_map)
    return found._replace(state=found.state.T)


def _without_the_offset(log_map: Map) -> Coefficients:
    found = _differences(log_map)
    return found._replace(state=found.state + Matrix.hstack(found.offset, found.offset))


def _law(found: Coefficients, mean: Matrix, cov: Matrix) -> tuple[Matrix, Matrix]:
    added = sum((b * b.T for b in found.noise), zeros(2, 2))
    return found.offset + found.state * mean, found.state * cov * found.state.T + added


def _law_of_squares(found: Coefficients, mean: Matrix, cov: Matrix) -> tuple[Matrix, Matrix]:
    added = sum((b * b for b in found.noise), zeros(2, 2))
    return _law(found, mean, cov)[0], found.state * cov * found.state.T + added


def _law_of_one_draw(found: Coefficients, mean: Matrix, cov: Matrix) -> tuple[Matrix, Matrix]:
    total = found.noise[0] + found.noise[1]
    return _law(found, mean, cov)[0], found.state * cov * found.state.T + total * total.T


LAW = Claim(
    id="probe",
    title="a sampler that is affine in log x is known from N + 2 evaluations",
    statement=r"If $\log x_0=c+A\log x_T+\sum_kB_kz_k$, its values at $\log x_T=0$ without noise, "
    r"and at the unit vectors of $\log x_T$ and of each $z_k$, determine $c$, $A$ and $B_k$: "
    r"$1+d+Nd$ evaluations, $N+2$ on the line. With $\log x_T\sim N(M,S)$ and independent "
    r"standard normal $z_k$, $\log x_0\sim N\big(c+AM,\ ASA^\top+\sum_kB_kB_k^\top\big)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R9",),
    assumptions=("the map is affine; in the plane, with two steps",),
    derivation="The map at zero is $c$, and what a unit vector adds to it is a column of its "
    "matrix. An affine map of independent normal variables is normal; mean and covariance are "
    "linear and quadratic in them, and are taken with exact moments.",
    proof=Proof(
        determines_the_law,
        holds=Probe(_differences, _law),
        twins={
            "rows for columns": Probe(_transposed, _law),
            "the offset is not taken off": Probe(_without_the_offset, _law),
            "B B for B B^T": Probe(_differences, _law_of_squares),
            "one draw for all steps": Probe(_differences, _law_of_one_draw),
        },
    ),
    pins=_probe_pins.LAW,
)


class Reading(NamedTuple):
    """Coefficients of b + c z + q z^2 from its values at 0, 1, -1; and b, c of eq. 12."""

    read: Callable[[Expr, Expr, Expr], tuple[Expr, Expr, Expr]]
    agnostic: tuple[Expr, Expr]


def reads_the_step(reading: Reading) -> bool:
    """Whether any polynomial of degree 2 is recovered, and eq. 12 has these coefficients.

    Left: symbols; and the ratio of the step that is built from the reverse equation.
    """
    b, c, q = symbols("b c q", real=True)
    found = reading.read(b, b + c + q, b - c + q)
    factor = ambient_factor(h, z, root)
    values = (factor.subs(z, at) for at in (0, 1, -1))
    offset, slope, curvature = reading.read(*values)
    known = tuple(f - w for f, w in zip(found, (b, c, q), strict=True))
    step = (offset - reading.agnostic[0], slope - reading.agnostic[1], curvature)
    return vanishes(known) and vanishes(step)


_DT = root**2
_AGNOSTIC = (1 - _DT * (mu - 2 * sigma**2) + _DT * sigma**2 * h, sigma * root)
_HALF = Rational(1, 2)


def _central(still: Expr, up: Expr, down: Expr) -> tuple[Expr, Expr, Expr]:
    return still, (up - down) * _HALF, (up + down) * _HALF - still


def _one_sided(still: Expr, up: Expr, down: Expr) -> tuple[Expr, Expr, Expr]:
    return still, up - still, _central(still, up, down)[2]


STEP = Claim(
    id="probe-step",
    title="a step in x is known from two or three evaluations",
    statement=r"$r(z)=b+cz+qz^2$ has $b=r(0)$, $c=\tfrac12(r(1)-r(-1))$ and "
    r"$q=\tfrac12(r(1)+r(-1))-r(0)$. The ratio $X_{k-1}/X_k$ of eq. 12 is such a polynomial with "
    r"$b=1-\delta(\mu-2\sigma^2)+\delta\sigma^2h$, $c=\sigma\sqrt\delta$ and $q=0$, so that two "
    "values are enough.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("A12",),
    assumptions=("the ratio is a polynomial of degree 2 at most in the draw",),
    depends=("A12",),
    derivation=r"Three values determine a parabola. With $q=0$, $r(1)-r(0)=c$.",
    proof=Proof(
        reads_the_step,
        holds=Reading(_central, _AGNOSTIC),
        twins={
            "a one-sided difference": Reading(_one_sided, _AGNOSTIC),
            "curvature without the half": Reading(
                lambda still, up, down: (*_central(still, up, down)[:2], up + down - 2 * still),
                _AGNOSTIC,
            ),
            "the additive-noise drift": Reading(
                _central, (1 - _DT * mu + _DT * sigma**2 * h, sigma * root)
            ),
            "dt for its root": Reading(_central, (_AGNOSTIC[0], sigma * _DT)),
        },
    ),
    pins=_probe_pins.STEP,
)

CLAIMS = (LAW, STEP)
