"""Divergence of two normal laws of log X in the plane."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, ordinary
from spec.vectors.records import Arguments, Case, Flag, Formula, Twin, VectorFunction

Matrix = tuple[Number, Number, Number]
K_SCALE = "I(A) = (A11 + A22) / det A, |A| = |A11| + 2 |A12| + |A22|"


def det(A: Matrix) -> Number:
    """Of a symmetric matrix."""
    return A[0] * A[2] - A[1] * A[1]


def _inverse_size(A: Matrix) -> Number:
    return (A[0] + A[2]) / det(A)


def _norm(A: Matrix) -> Number:
    return abs(A[0]) + 2 * abs(A[1]) + abs(A[2])


def _solved(Q: Matrix, A: Matrix, first: Number, second: Number) -> tuple[Number, Number]:
    """tr(Q^-1 A) and the quadratic form of Q^-1."""
    trace = (Q[2] * A[0] - 2 * Q[1] * A[1] + Q[0] * A[2]) / det(Q)
    square = Q[2] * first * first - 2 * Q[1] * first * second + Q[0] * second * second
    return trace, square / det(Q)


def kl(f: Arithmetic, first: Number, second: Number, P: Matrix, Q: Matrix) -> Number:
    """The divergence for a shift of the means and covariances P and Q."""
    trace, square = _solved(Q, _less(P, Q), first, second)
    return (trace - f.log(det(P) / det(Q)) + square) / 2


def _less(P: Matrix, Q: Matrix) -> Matrix:
    return P[0] - Q[0], P[1] - Q[1], P[2] - Q[2]


def _textbook(f: Arithmetic, first: Number, second: Number, P: Matrix, Q: Matrix) -> Number:
    trace, square = _solved(Q, P, first, second)
    return (trace - 2 + f.log(det(Q) / det(P)) + square) / 2


def by_factors(f: Arithmetic, first: Number, second: Number, P: Matrix, Q: Matrix) -> Number:
    """KL of the first coordinate, and of the second one given the first."""
    slope_p, slope_q = P[1] / P[0], Q[1] / Q[0]
    rest_p, rest_q = P[2] - slope_p * P[1], Q[2] - slope_q * Q[1]
    marginal = P[0] / Q[0] - 1 - mpmath.log(P[0] / Q[0]) + first**2 / Q[0]
    shift = (slope_p - slope_q) ** 2 * P[0] + (second - slope_q * first) ** 2
    given = rest_p / rest_q - 1 - mpmath.log(rest_p / rest_q) + shift / rest_q
    return (marginal + given) / 2


def size(
    f: Arithmetic, first: Number, second: Number, P: Matrix, Q: Matrix, added: Number = 0
) -> Number:
    """`added` is the size of the rounding of P - Q and of the shift, in units of their last place.

    The derivative of the variances' part is at most I(P) |P - Q| |d(Q^-1 P)|.
    """
    gap, shift = _norm(_less(P, Q)), first * first + second * second
    squares = _inverse_size(P) * gap * gap + shift
    rounding = added * (_inverse_size(P) * gap + abs(first) + abs(second))
    return kl(f, first, second, P, Q) + _inverse_size(Q) * (squares + rounding)


# (arithmetic, arguments) -> shift of the means and the two covariances
def given(formula: Formula, laws: Formula) -> Formula:
    """`formula` of what `laws` makes of the arguments."""
    return lambda f, *args: formula(f, *laws(f, *args))


PLANE = {
    "a1": "first mean of log X under p", "a2": "second mean of log X under p",
    "p11": "first variance under p, > 0", "p12": "covariance under p",
    "p22": "second variance under p, > p12^2 / p11",
    "b1": "first mean of log X under q", "b2": "second mean of log X under q",
    "q11": "first variance under q, > 0", "q12": "covariance under q",
    "q22": "second variance under q, > q12^2 / q11",
}  # fmt: skip


def laws(
    f: Arithmetic, a1: Number, a2: Number, p11: Number, p12: Number, p22: Number,
    b1: Number, b2: Number, q11: Number, q12: Number, q22: Number,
) -> tuple[Number, Number, Matrix, Matrix]:  # fmt: skip
    """Shift of the means and covariances, from entries."""
    return a1 - b1, a2 - b2, (p11, p12, p22), (q11, q12, q22)


def drawn(rows: int, correlations: tuple[float, ...], size: float = 1.0) -> list[Arguments]:
    """Two laws with the correlations in turn; `size` scales how far p is from q."""
    box = {
        "a1": between(-1.5, 1.5), "a2": between(-1.5, 1.5), "p11": across(0.1, 3),
        "p22": across(0.1, 3), "b1": between(-1.5, 1.5), "b2": between(-1.5, 1.5),
        "q11": across(0.1, 3), "q22": across(0.1, 3),
    }  # fmt: skip
    made: list[Arguments] = []
    for i, case in enumerate(ordinary(box, (), basic=rows)):
        at = {name: float(value) for name, value in case.args.items()}  # type: ignore[arg-type]
        one, other = (correlations[(i + j) % len(correlations)] for j in (0, 2))
        root = mpmath.sqrt(at["q11"] * at["q22"])
        q12 = float(other * root)
        if size < 1.0:
            near = {
                "p11": at["q11"] * (1 + size * at["a1"]),
                "p22": at["q22"] * (1 - size),
                "a1": at["b1"] + size * at["a2"],
                "a2": at["b2"],
                "p12": q12 * (1 + size),
            }
        else:
            near = {"p12": float(one * mpmath.sqrt(at["p11"] * at["p22"]))}
        merged = {**at, "q12": q12, **near}
        made.append({name: merged[name] for name in PLANE})
    return made


TURN = (0.5, -0.25, 0.875, 0.0, -0.75, 0.125)


def flagged(flag: Flag, rows: list[Arguments]) -> tuple[Case, ...]:
    """Cases of one flag."""
    return tuple(Case(flag, row) for row in rows)


KL = VectorFunction(
    name="gaussian_kl_in_the_plane",
    claim="gaussian-kl",
    text="(tr(Q^-1 (P - Q)) - log(det P / det Q) + d^T Q^-1 d) / 2, d = (a1 - b1, a2 - b2), "
    "P and Q the covariances with entries p11, p12, p22 and q11, q12, q22",
    meanings=PLANE,
    formula=given(kl, laws),
    second=given(by_factors, laws),
    scale_text=f"out + I(Q) (I(P) |P - Q|^2 + d1^2 + d2^2), {K_SCALE}",
    scale=given(size, laws),
    guard=40,
    twins=(
        Twin("reversed", Flag.T_INDEX, "KL(q || p)",
             lambda f, *args: kl(f, *laws(f, *args[5:], *args[:5]))),
        Twin("correlations_ignored", Flag.SIGN, "diagonal covariances",
             lambda f, a1, a2, p11, p12, p22, b1, b2, q11, q12, q22:
             kl(f, a1 - b1, a2 - b2, (p11, 0, p22), (q11, 0, q22))),
        Twin("twice", Flag.BASIC, "the factor 1/2 is left out",
             lambda f, *args: 2 * kl(f, *laws(f, *args))),
        Twin("means_ignored", Flag.BASIC, "covariances only",
             lambda f, *args: kl(f, 0, 0, *laws(f, *args)[2:])),
        Twin("textbook_form", Flag.CANCELLATION, "tr(Q^-1 P) - 2 - log ..., in float64",
             given(_textbook, laws), naive=True),
    ),
    cases=(
        *flagged(Flag.BASIC, drawn(12, TURN)),
        *flagged(Flag.T_INDEX, drawn(16, TURN)[12:]),
        *flagged(Flag.SIGN, drawn(21, (0.5, 0.75, -0.5, -0.25, 0.25))[16:]),
        *flagged(Flag.CANCELLATION, [*drawn(5, TURN, 1e-6), *drawn(3, TURN, 1e-4)]),
    ),
)  # fmt: skip

FUNCTIONS = (KL,)
