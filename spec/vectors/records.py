"""The record of one function: all that its file of vectors is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import FLOAT64, MPMATH, Formula, Number, to_float

DIGITS, MORE_DIGITS = 60, 90
Argument = float | tuple[float, ...]
Arguments = Mapping[str, Argument]

# Why a row is there: a range of arguments, or a kind of mistake.
_MEANINGS = {
    "BASIC": "ordinary arguments",
    "NEAR_ROOT": "the value is much smaller than the terms that it is made of",
    "CANCELLATION": "large terms cancel, or a difference is needed to full precision",
    "TAIL": "far from the bulk of the law, or large noise",
    "UNDERFLOW": "the value or an obvious intermediate value underflows",
    "OVERFLOW": "an obvious intermediate value overflows",
    "SMALL_V": "very small variance",
    "SIGN": "negative states, changes of sign, exact zeros",
    "POW2": "states scaled by a power of two, which scales the value exactly",
    "ITO": "the term v/2 of Ito's rule",
    "H_VS_STEIN": "Hyvarinen score x grad log p(x) against Stein score grad log p(x)",
    "H_VS_LOGSCORE": "Hyvarinen score against log score, one more; density of X or of log X",
    "S_VS_S2": "standard deviation against variance",
    "T_INDEX": "a quantity of the wrong time or level",
}
Flag = StrEnum("Flag", {name: name for name in _MEANINGS})
FLAG_MEANINGS = {Flag(name): text for name, text in _MEANINGS.items()}


def evaluate(formula: Formula, args: Arguments, digits: int) -> mpf:
    """A formula at arguments, which are taken as exact, with that many digits."""
    with mpmath.workdps(digits):
        exact = (tuple(map(mpf, a)) if isinstance(a, tuple) else mpf(a) for a in args.values())
        return mpf(formula(MPMATH, *exact))


@dataclass(frozen=True)
class Twin:
    """A mistake that some row must catch.

    flag     the kind of mistake; a row with that flag catches one of that kind
    mistake  what was done, in words
    formula  what it gives, of the same arguments
    naive    True for a formula that is right but loses its digits: it is evaluated in float64"""

    name: str
    flag: Flag
    mistake: str
    formula: Formula
    naive: bool = False

    def at(self, args: Arguments) -> Number:
        """What the mistake gives: NaN where it gives no real number."""
        try:
            if self.naive:
                return mpf(self.formula(FLOAT64, *args.values()))
            return evaluate(self.formula, args, DIGITS)
        except (ArithmeticError, ValueError, TypeError):
            return mpf("nan")


@dataclass(frozen=True)
class Case:
    """Arguments and the reason for choosing them. BASIC stands alone."""

    flag: Flag
    args: Arguments


@dataclass(frozen=True)
class VectorFunction:
    """One function of real arguments with a real value.

    text       the formula in plain characters, for readers of any language
    meanings   what each argument is, in the order in which the formulas take them
    formula    what the text says, or a function with the same value
    second     another way of computing it: another arrangement, a derivative, an integral
    scale      S: the size of the terms that a float64 evaluation adds up
    k          an implementation must be within k 2^-53 S
    k_reason   why k is not 8 or less
    guard      more digits in all computations, for a value far below the terms of its formula"""

    name: str
    claim: str
    text: str
    meanings: Mapping[str, str]
    formula: Formula
    second: Formula
    scale_text: str
    scale: Formula
    twins: tuple[Twin, ...]
    cases: tuple[Case, ...]
    k: int = 8
    k_reason: str = ""
    guard: int = 0

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments, in order."""
        return tuple(self.meanings)

    def at(self, args: Arguments) -> mpf:
        """The value at exact arguments, in order, to more than 50 digits of S."""
        return evaluate(self.formula, args, MORE_DIGITS + self.guard)

    def scale_at(self, args: Arguments) -> float:
        """S at these arguments, as it stands in the rows."""
        return to_float(evaluate(self.scale, args, DIGITS + self.guard))

    @property
    def wrong(self) -> dict[str, Callable[[Arguments], Number]]:
        """What each mistake gives at such arguments, by its name."""
        return {twin.name: partial(Twin.at, twin) for twin in self.twins}
