"""What a log-normal start costs in the plane, and what the best one with a single pair costs."""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.plane import (
    K_SCALE,
    PLANE,
    TURN,
    Matrix,
    by_factors,
    det,
    drawn,
    flagged,
    given,
    kl,
    laws,
    size,
)  # fmt: skip
from spec.vectors.records import Arguments, Case, Flag, Twin, VectorFunction

_MISMATCH = {
    "a1": "first mean of log X_0", "a2": "second mean of log X_0",
    "c11": "first variance of log X_0", "c12": "covariance of log X_0",
    "c22": "second variance of log X_0", "m": "m(T), any number", "v": "v(T) > 0",
    "b1": "first mean of the start's log", "b2": "second mean of the start's log",
    "q11": "first variance of the start's log, > 0", "q12": "covariance of the start's log",
    "q22": "second variance of the start's log, > q12^2 / q11",
}  # fmt: skip


def _at_end(
    f: Arithmetic, a1: Number, a2: Number, c11: Number, c12: Number, c22: Number, m: Number,
    v: Number, *start: Number,
) -> tuple[Number, Number, Matrix, Matrix]:  # fmt: skip
    return laws(f, a1 + m, a2 + m, c11 + v, c12, c22 + v, *start)


def _mismatch_size(f: Arithmetic, *args: Number) -> Number:
    a1, a2, c11, c12, c22, m, v, b1, b2, *_ = args
    added = c11 + c22 + 2 * v + abs(a1) + abs(a2) + 2 * abs(m) + abs(b1) + abs(b2)
    return size(f, *_at_end(f, *args), added)


def _noised(rows: list[Arguments]) -> list[Arguments]:
    """Data with covariance P / 2 and steps of the process in turn."""
    made = []
    for i, row in enumerate(rows):
        law = {"a1": row["a1"], "a2": row["a2"], "c11": row["p11"], "c12": row["p12"],
               "c22": row["p22"], "m": (0.3, -0.45, 0.125, 0.0)[i % 4] or 0.7,
               "v": (0.64, 0.2, 1.7, 0.05, 3.0)[i % 5]}  # fmt: skip
        made.append({**law, **{name: row[name] for name in list(PLANE)[5:]}})
    return made


def _nearly_exact(rows: list[Arguments]) -> list[Arguments]:
    """The start of almost the right law."""
    made = []
    for row in _noised(rows):
        at = {name: float(value) for name, value in row.items()}  # type: ignore[arg-type]
        near = {"b1": at["a1"] + at["m"] + 1e-4, "b2": at["a2"] + at["m"] - 2e-4,
                "q11": (at["c11"] + at["v"]) * (1 + 3e-4), "q12": at["c12"] * (1 - 1e-4),
                "q22": (at["c22"] + at["v"]) * (1 - 2e-4)}  # fmt: skip
        made.append({**at, **near})
    return made


MISMATCH = VectorFunction(
    name="terminal_mismatch",
    claim="R23",
    text="(tr(Q^-1 (P - Q)) - log(det P / det Q) + d^T Q^-1 d) / 2, "
    "d = (a1 + m - b1, a2 + m - b2), P of c11 + v, c12, c22 + v and Q of q11, q12, q22",
    meanings=_MISMATCH,
    formula=given(kl, _at_end),
    second=given(by_factors, _at_end),
    scale_text="out + I(Q) (I(P) |P - Q|^2 + d1^2 + d2^2 + (c11 + c22 + 2 v + |a1| + |a2| "
    f"+ 2 |m| + |b1| + |b2|) (I(P) |P - Q| + |d1| + |d2|)), {K_SCALE}",
    scale=_mismatch_size,
    guard=40,
    twins=(
        Twin("reversed", Flag.T_INDEX, "KL(start || X_T)",
             lambda f, a1, a2, c11, c12, c22, m, v, *q:
             kl(f, *laws(f, *q, a1 + m, a2 + m, c11 + v, c12, c22 + v))),
        Twin("against_the_data", Flag.T_INDEX, "X_0 in place of X_T",
             lambda f, a1, a2, c11, c12, c22, m, v, *q:
             kl(f, *laws(f, a1, a2, c11, c12, c22, *q))),
        Twin("ito_term", Flag.ITO, "mu T in place of m",
             lambda f, a1, a2, c11, c12, c22, m, v, *q:
             kl(f, *_at_end(f, a1, a2, c11, c12, c22, m + v / 2, v, *q))),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, a1, a2, c11, c12, c22, m, v, *q:
             kl(f, *_at_end(f, a1, a2, c11, c12, c22, m, f.sqrt(v), *q))),
        Twin("correlation_ignored", Flag.SIGN, "c12 = 0",
             lambda f, a1, a2, c11, c12, *rest: kl(f, *_at_end(f, a1, a2, c11, 0, *rest))),
    ),
    cases=(
        *flagged(Flag.BASIC, _noised(drawn(10, TURN))),
        *(case for i, flag in enumerate((Flag.ITO, Flag.S_VS_S2, Flag.SIGN, Flag.T_INDEX))
          for case in flagged(flag, _noised(drawn(22, (0.5, 0.75, -0.5)))[10 + 3 * i:13 + 3 * i])),
        *flagged(Flag.BASIC, _nearly_exact(drawn(4, TURN))),
    ),
)  # fmt: skip


def _fitted(
    f: Arithmetic, a1: Number, a2: Number, c11: Number, c12: Number, c22: Number, v: Number
) -> tuple[Number, Number, Matrix, Matrix]:
    fitted = (c11 + c22) / 2 + (a1 - a2) * (a1 - a2) / 4 + v
    return (a1 - a2) / 2, (a2 - a1) / 2, (c11 + v, c12, c22 + v), (fitted, 0, fitted)


def _fitted_size(f: Arithmetic, *args: Number) -> Number:
    a1, a2, c11, c12, c22, v = args
    return size(f, *_fitted(f, *args), c11 + c22 + 2 * v + abs(a1) + abs(a2))


def _price(
    f: Arithmetic, a1: Number, a2: Number, c11: Number, c12: Number, c22: Number, v: Number
) -> Number:
    """(log s^4 - log det) / 2."""
    first, _, P, Q = _fitted(f, a1, a2, c11, c12, c22, v)
    return f.log(Q[0]) - f.log(det(P)) / 2


_DATA = {name: _MISMATCH[name] for name in ("a1", "a2", "c11", "c12", "c22", "v")}


def _data(rows: list[Arguments]) -> list[Arguments]:
    return [{name: row[name] for name in _DATA} for row in _noised(rows)]


def _alike(flag: Flag, rows: list[tuple[float, ...]]) -> tuple[Case, ...]:
    return tuple(Case(flag, dict(zip(_DATA, row, strict=True))) for row in rows)


BEST_START = VectorFunction(
    name="best_start_cost",
    claim="R23-single",
    text="log(s) - log((c11 + v) (c22 + v) - c12^2) / 2, "
    "s = (c11 + c22) / 2 + (a1 - a2)^2 / 4 + v",
    meanings=_DATA,
    formula=given(kl, _fitted),
    second=_price,
    scale_text="out + I(Q) (I(P) |P - Q|^2 + d^2 / 2 + (c11 + c22 + 2 v + |a1| + |a2|) "
    f"(I(P) |P - Q| + |d|)), d = a1 - a2, P of c11 + v, c12, c22 + v, Q = s times 1, {K_SCALE}",
    scale=_fitted_size,
    guard=40,
    twins=(
        Twin("of_the_data", Flag.T_INDEX, "v = 0",
             lambda f, *args: _price(f, *args[:5], 0 * args[5])),
        Twin("difference_of_logarithms", Flag.CANCELLATION, "the formula as it is, in float64",
             _price, naive=True),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, *args: _price(f, *args[:5], f.sqrt(args[5]))),
        Twin("correlation_ignored", Flag.SIGN, "c12 = 0",
             lambda f, a1, a2, c11, c12, *rest: _price(f, a1, a2, c11, 0, *rest)),
        Twin("means_ignored", Flag.BASIC, "a1 = a2",
             lambda f, a1, *rest: _price(f, a1, a1, *rest[1:])),
        Twin("twice", Flag.BASIC, "log det in place of half of it",
             lambda f, *args: 2 * _price(f, *args)),
    ),
    cases=(
        *flagged(Flag.BASIC, _data(drawn(10, TURN))),
        *(case for i, flag in enumerate((Flag.S_VS_S2, Flag.SIGN, Flag.T_INDEX))
          for case in flagged(flag, _data(drawn(19, (0.5, 0.75, -0.5)))[10 + 3 * i:13 + 3 * i])),
        *_alike(Flag.CANCELLATION, [
            (0.3, 0.30001, 0.5, 1e-6, 0.500003, 0.64), (-0.2, -0.2, 0.4, 1e-5, 0.4, 1.0),
            (0.0, 1e-6, 1e-7, -1e-8, 2e-7, 0.7), (0.1, 0.1004, 0.02, 1e-4, 0.0201, 4.0),
        ]),
        *_alike(Flag.BASIC, [
            (0.4, -0.7, 30.0, 4.0, 2.0, 0.1), (2.0, 1.0, 1e-3, 9e-4, 1e-3, 0.01),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (MISMATCH, BEST_START)
