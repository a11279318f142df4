"""The record of one function: all that its file of vectors is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from spec.vectors.arithmetic import Number

# f(arithmetic, one argument after the other, in the order of `arguments`)
Formula = Callable[..., Number]
Argument = float | tuple[float, ...]
Arguments = Mapping[str, Argument]


class Flag(StrEnum):
    """Why a row is there: a range of arguments, or a kind of mistake."""

    BASIC = "BASIC"
    NEAR_ROOT = "NEAR_ROOT"
    CANCELLATION = "CANCELLATION"
    TAIL = "TAIL"
    UNDERFLOW = "UNDERFLOW"
    OVERFLOW = "OVERFLOW"
    SMALL_V = "SMALL_V"
    SIGN = "SIGN"
    POW2 = "POW2"
    ITO = "ITO"
    H_VS_STEIN = "H_VS_STEIN"
    H_VS_LOGSCORE = "H_VS_LOGSCORE"
    S_VS_S2 = "S_VS_S2"
    T_INDEX = "T_INDEX"


FLAG_MEANINGS: dict[Flag, str] = {
    Flag.BASIC: "ordinary arguments",
    Flag.NEAR_ROOT: "the value is much smaller than the terms that it is made of",
    Flag.CANCELLATION: "large terms cancel, or a difference is needed to full precision",
    Flag.TAIL: "far from the bulk of the law, or large noise",
    Flag.UNDERFLOW: "the value or an obvious intermediate value underflows",
    Flag.OVERFLOW: "an obvious intermediate value overflows",
    Flag.SMALL_V: "very small variance",
    Flag.SIGN: "negative states, changes of sign, exact zeros",
    Flag.POW2: "states scaled by a power of two, which scales the value exactly",
    Flag.ITO: "the term v/2 of Ito's rule",
    Flag.H_VS_STEIN: "Hyvarinen score x grad log p(x) against Stein score grad log p(x)",
    Flag.H_VS_LOGSCORE: "Hyvarinen score against log score, one more; density of X or of log X",
    Flag.S_VS_S2: "standard deviation against variance",
    Flag.T_INDEX: "a quantity of the wrong time or level",
}


@dataclass(frozen=True)
class Twin:
    """A mistake that some row must catch.

    flag     the kind of mistake; a row with that flag catches one of that kind
    mistake  what was done, in words
    formula  what it gives, of the same arguments
    naive    True for a formula that is right but loses its digits: it is evaluated in float64
    """

    name: str
    flag: Flag
    mistake: str
    formula: Formula
    naive: bool = False


@dataclass(frozen=True)
class Case:
    """Arguments and the reason for choosing them. BASIC stands alone."""

    flag: Flag
    args: Arguments


@dataclass(frozen=True)
class VectorFunction:
    """One function of real arguments with a real value.

    text       the formula in plain characters, for readers of any language
    formula    the same, written from the claim
    second     another way of computing it: another arrangement, a derivative, an integral
    scale      S: the size of the terms that a float64 evaluation adds up
    meanings   what each argument is, in the order in which the formulas take them
    k          an implementation must be within k 2^-53 S
    k_reason   why k is not 8 or less
    guard      more digits in all computations, for a value far below the terms of its formula
    """

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
