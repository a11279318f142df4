"""One vector, its pass rule in exact arithmetic, and the judgement on an implementation."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

UNIT = Fraction(1, 2**53)
SMALLEST = Fraction(1, 2**1074)

Argument = float | tuple[float, ...]
# Called with the arguments of a row by name.
Implementation = Callable[..., float]


@dataclass(frozen=True)
class Vector:
    """One row of a file: what a function must give at some arguments, and how accurately.

    tc_id    number within the file
    fn       name of the function
    args     argument values, exact; a list in the file is a tuple here
    exact    the value to 50 digits
    nearest  the float64 nearest to it
    scale    S, the size of the terms that a float64 evaluation adds up
    k        the factor of the bound
    flags    why the row is there
    claim    the claim of `spec` that states the function
    kills    the mistakes that this row refuses (described in the manifest)
    """

    tc_id: int
    fn: str
    args: Mapping[str, Argument]
    exact: Fraction
    nearest: float
    scale: float
    k: float
    flags: tuple[str, ...]
    claim: str
    kills: tuple[str, ...]

    @property
    def bound(self) -> Fraction:
        """The largest error that passes: k * 2^-53 * S + 2^-1074."""
        return Fraction(self.k) * UNIT * Fraction(self.scale) + SMALLEST

    def accepts(self, value: float) -> bool:
        """Whether `value` passes; NaN and infinities do not."""
        return math.isfinite(value) and abs(Fraction(value) - self.exact) <= self.bound

    def error(self, value: float) -> float:
        """The error of `value` as a multiple of the bound: passes up to 1; NaN gives infinity."""
        if not math.isfinite(value):
            return math.inf
        ratio = abs(Fraction(value) - self.exact) / self.bound
        return float(ratio) if ratio < 10**300 else math.inf


@dataclass(frozen=True)
class Failure:
    """A row that an implementation failed, with what it gave."""

    vector: Vector
    value: float


@dataclass(frozen=True)
class Report:
    """The judgement on one implementation of one function.

    rows      rows that were judged
    worst     the largest error, as a multiple of the bound of its row
    failures  the rows that failed, in the order of the file
    """

    fn: str
    rows: int
    worst: float
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether there was a row and all rows passed."""
        return self.rows > 0 and not self.failures


def judge(name: str, values: Iterable[tuple[Vector, float]]) -> Report:
    """The report on the values that were computed for rows of the function `name`."""
    count, worst, failures = 0, 0.0, []
    for vector, value in values:
        count, worst = count + 1, max(worst, vector.error(value))
        if not vector.accepts(value):
            failures.append(Failure(vector, value))
    return Report(name, count, worst, tuple(failures))


def verify_rows(name: str, rows: Iterable[Vector], implementation: Implementation) -> Report:
    """Call `implementation` with the arguments of each row and judge what it gives.

    A ValueError or an arithmetic error of the implementation counts as NaN.
    """
    return judge(name, ((vector, _called(implementation, vector)) for vector in rows))


def _called(implementation: Implementation, vector: Vector) -> float:
    try:
        return float(implementation(**vector.args))
    except (ArithmeticError, ValueError):
        return math.nan


def parse(line: str) -> Vector:
    """A vector from one line of a file. Raises ValueError for a line that is not one."""
    try:
        row = json.loads(line)
        return Vector(
            tc_id=int(row["tcId"]),
            fn=str(row["fn"]),
            args={str(name): _number(value) for name, value in row["args"].items()},
            exact=Fraction(row["out50"]),
            nearest=float.fromhex(row["out_f64"]),
            scale=float.fromhex(row["S"]),
            k=float(row["k"]),
            flags=tuple(row["flags"]),
            claim=str(row["claim"]),
            kills=tuple(row["kills"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a row of accuracy vectors: {line[:80]!r}: {error}") from error


def _number(value: str | list[str]) -> Argument:
    if isinstance(value, list):
        return tuple(float.fromhex(entry) for entry in value)
    return float.fromhex(value)
