"""One row of a file: the value at two precisions and by a second formula, and what it catches."""

from dataclasses import dataclass

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import to_float
from spec.vectors.records import DIGITS, MORE_DIGITS, Case, Flag, Twin, VectorFunction, evaluate

AGREEMENT = mpf("1e-55")  # of two precisions, in units of S
SECOND_AGREEMENT = mpf("1e-50")  # of two formulas, in units of S
# A mistake is named in a row only when its error is this many times what the row allows.
CLEARLY = 4


class BadVector(ValueError):
    """Arguments for which no row can be made; the message says why."""


@dataclass(frozen=True)
class Row:
    """One line of a file, with its numbers as they are written."""

    id: int
    function: VectorFunction
    case: Case
    value: mpf
    scale: float
    kills: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The fields in the order of the schema."""
        return {
            "tcId": self.id, "fn": self.function.name,
            "args": {name: _written(value) for name, value in self.case.args.items()},
            "out50": decimal(self.value), "out_f64": to_float(self.value).hex(),
            "S": self.scale.hex(), "k": self.function.k, "flags": [self.case.flag.value],
            "claim": self.function.claim, "kills": list(self.kills),
        }  # fmt: skip


def bound(k: int, scale: float) -> mpf:
    """The error that a row allows: k 2^-53 S + 2^-1074."""
    with mpmath.workdps(DIGITS):
        return k * mpf(2) ** -53 * mpf(scale) + mpf(2) ** -1074


def make_row(number: int, function: VectorFunction, case: Case) -> Row:
    """The row, or BadVector when it fails one of its own checks."""
    where = f"{function.name} {number} {dict(case.args)}"
    if tuple(case.args) != function.arguments:
        raise BadVector(f"{where}: the arguments are {list(function.meanings)}")
    fewer, more = DIGITS + function.guard, MORE_DIGITS + function.guard
    low, value = evaluate(function.formula, case.args, fewer), function.at(case.args)
    size = evaluate(function.scale, case.args, fewer)
    second = evaluate(function.second, case.args, more)
    if not (mpmath.isfinite(value) and mpmath.isfinite(size) and size > 0):
        raise BadVector(f"{where}: value {value}, scale {size}")
    with mpmath.workdps(more):
        if abs(low - value) > AGREEMENT * size:
            raise BadVector(f"{where}: {DIGITS} and {MORE_DIGITS} digits disagree: {low}, {value}")
        if abs(second - value) > SECOND_AGREEMENT * size:
            raise BadVector(f"{where}: the second formula disagrees: {value}, {second}")
    if max(abs(value), size) >= mpf(2) ** 1023:
        raise BadVector(f"{where}: too large for float64: value {value}, scale {size}")
    scale = to_float(size)
    killed = [twin for twin in function.twins if catches(function, case, value, scale, twin)]
    if not killed:
        raise BadVector(f"{where}: catches no mistake")
    kinds = {twin.flag for twin in function.twins} - {Flag.BASIC}
    if case.flag in kinds and case.flag not in {twin.flag for twin in killed}:
        raise BadVector(f"{where}: flagged {case.flag} but catches no mistake of that kind")
    return Row(number, function, case, value, scale, tuple(twin.name for twin in killed))


def catches(function: VectorFunction, case: Case, value: mpf, scale: float, twin: Twin) -> bool:
    """Whether the row refuses what the mistake gives, with room to spare; NaN is refused."""
    wrong = twin.at(case.args)
    with mpmath.workdps(DIGITS):
        return not abs(wrong - value) <= CLEARLY * bound(function.k, scale)


def rows(function: VectorFunction) -> list[Row]:
    """All rows, numbered from 1. Raises BadVector as well for a mistake that none catches."""
    made = [make_row(i, function, case) for i, case in enumerate(function.cases, start=1)]
    named = {name for row in made for name in row.kills}
    missed = [twin.name for twin in function.twins if twin.name not in named]
    if missed:
        raise BadVector(f"{function.name}: no row catches {', '.join(missed)}")
    return made


def decimal(value: mpf) -> str:
    """50 significant digits in scientific notation, or "0"."""
    if value == 0:
        return "0"
    digits = str(mpmath.libmp.to_str(value._mpf_, 50, strip_zeros=False, min_fixed=1, max_fixed=0))
    return digits if "e" in digits else f"{digits}e+0"


def _written(value: float | tuple[float, ...]) -> str | list[str]:
    return [v.hex() for v in value] if isinstance(value, tuple) else value.hex()
