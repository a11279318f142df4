"""The maps and laws of the probe as right-hand sides of pins, with their condition scales.

Names: c1, c2 offset; a11 .. matrix on log x_T; b11 .., d11 .. those on the two draws; M, S mean
and covariance of log x_T. A value log(exp(v)) is known to 2^-53 (1 + |v|), and the entries are
differences of values.
"""

from collections.abc import Mapping

from mpmath import matrix, mpf
from sympy import sqrt, symbols

from spec.checking.old import Pin
from spec.checking.symbols import dt, h, mu, sigma

Values = Mapping[str, mpf]


def _square(at: Values, name: str) -> matrix:
    entries = [at[f"{name}{i}{j}"] for i in (1, 2) for j in (1, 2)]
    return matrix([entries[:2], entries[2:]])


def _entries(at: Values) -> tuple[mpf, ...]:
    parts = [_square(at, name) for name in "abd"]
    return (at["c1"], at["c2"], *(e for part in parts for e in part))


def _transposed(at: Values) -> tuple[mpf, ...]:
    return _entries({**at, "a12": at["a21"], "a21": at["a12"]})


def _draws_exchanged(at: Values) -> tuple[mpf, ...]:
    pairs = [(f"b{i}{j}", f"d{i}{j}") for i in (1, 2) for j in (1, 2)]
    swapped = {b: at[d] for b, d in pairs} | {d: at[b] for b, d in pairs}
    return _entries({**at, **swapped})


def _entries_scale(at: Values) -> tuple[mpf, ...]:
    found = _entries(at)
    offsets = found[:2] + found[:2] * 6
    # Entries go along the rows: the coordinate of an entry is that of its row.
    rows = [0, 1] + [0, 0, 1, 1] * 3
    return tuple(1 + abs(offsets[row]) + abs(e) for row, e in zip(rows, found, strict=True))


def _law(at: Values) -> tuple[mpf, ...]:
    offset, mean = matrix([at["c1"], at["c2"]]), matrix([at["M1"], at["M2"]])
    state, first, second = (_square(at, name) for name in "abd")
    cov = matrix([[at["S11"], at["S12"]], [at["S12"], at["S22"]]])
    total = state * cov * state.T + first * first.T + second * second.T
    return (*(offset + state * mean), *total)


def _law_without_transposing(at: Values) -> tuple[mpf, ...]:
    first = _square(at, "b")
    wrong = first * first - first * first.T
    return tuple(e + w for e, w in zip(_law(at), (mpf(0), mpf(0), *wrong), strict=True))


def _law_without_second_draw(at: Values) -> tuple[mpf, ...]:
    return _law({name: mpf(0) if name[0] == "d" else at[name] for name in at})


def _law_scale(at: Values) -> tuple[mpf, ...]:
    """The law with the absolute values of all terms."""
    return _law({name: abs(value) for name, value in at.items()})


def _extracted_scale(at: Values) -> tuple[mpf, ...]:
    """Entries that are themselves only known to their own scale."""
    grown = {name: 1 + abs(at["c1"]) + abs(at["c2"]) + abs(value) for name, value in at.items()}
    return _law({name: abs(at[name]) if name[0] in "MS" else grown[name] for name in at})


_COEFFICIENTS = (
    {"c1": 0.3, "c2": -1.1, "a11": 0.7, "a12": -0.2, "a21": 0.4, "a22": 0.5}
    | {"b11": 0.6, "b12": 0.1, "b21": -0.3, "b22": 0.4}
    | {"d11": 0.2, "d12": -0.5, "d21": 0.05, "d22": 0.9},
    {"c1": -7.0, "c2": 3.0, "a11": 1e-3, "a12": 2.0, "a21": -1.5, "a22": 1e-6}
    | {"b11": 1e-4, "b12": -3.0, "b21": 2.5, "b22": -1e-2}
    | {"d11": 1.0, "d12": 0.3, "d21": -0.8, "d22": 1e-3},
)
_STARTS = (
    {"M1": 0.4, "M2": -0.6, "S11": 0.9, "S12": 0.2, "S22": 0.5},
    {"M1": -3.0, "M2": 12.0, "S11": 4.0, "S12": -1.9, "S22": 1.0},
)
_BOTH = tuple(c | s for c, s in zip(_COEFFICIENTS, _STARTS, strict=True))

LAW = (
    Pin(
        "gbm_ref.extract_affine_map",
        formula=_entries,
        twins={"rows for columns": _transposed, "draws in reverse order": _draws_exchanged},
        points=_COEFFICIENTS,
        scale=_entries_scale,
    ),
    Pin(
        "gbm_ref.AffineMap.law",
        formula=_law,
        twins={
            "B B for B B^T": _law_without_transposing,
            "the second draw is lost": _law_without_second_draw,
        },
        points=_BOTH,
        scale=_law_scale,
    ),
    Pin(
        "gbm_ref.assert_law",
        formula=_law,
        twins={
            "B B for B B^T": _law_without_transposing,
            "the second draw is lost": _law_without_second_draw,
        },
        points=_BOTH,
        scale=_extracted_scale,
    ),
)

_B, _C, _Q = symbols("b c q", real=True)
_RATIOS = ({"b": 0.7, "c": 0.4, "q": -0.2}, {"b": -3.0, "c": 1e-4, "q": 1e-7})
_SIZE = 1 + abs(_B) + abs(_C) + abs(_Q)
_AGNOSTIC = (1 - dt * (mu - 2 * sigma**2) + dt * sigma**2 * h, sigma * sqrt(dt))
_LARGEST = 1 + dt * (abs(mu) + 2 * sigma**2 + sigma**2 * abs(h)) + sigma * sqrt(dt)

STEP = (
    Pin(
        "gbm_ref.extract_step_polynomial",
        formula=(_B, _C, _Q),
        twins={"curvature doubled": (_B, _C, 2 * _Q), "one-sided slope": (_B, _C + _Q, _Q)},
        points=_RATIOS,
        scale=(_SIZE, _SIZE, _SIZE),
    ),
    Pin(
        "gbm_ref.extract_step_polynomial",
        formula=_AGNOSTIC,
        twins={
            "no divergence term": (_AGNOSTIC[0] - 2 * dt * sigma**2, _AGNOSTIC[1]),
            "dt for its root": (_AGNOSTIC[0], sigma * dt),
        },
        points=(
            {"mu": 0.17, "sigma": 0.8, "dt": 0.11, "h": -1.4},
            {"mu": -0.6, "sigma": 1.4, "dt": 0.01, "h": 37.0},
        ),
        scale=(_LARGEST, _LARGEST),
        variant="eq. 12",
    ),
    Pin(
        "gbm_ref.assert_step",
        formula=(_B, _C, _Q),
        twins={"curvature doubled": (_B, _C, 2 * _Q), "one-sided slope": (_B, _C + _Q, _Q)},
        points=_RATIOS,
        scale=(_SIZE, _SIZE, _SIZE),
    ),
)
