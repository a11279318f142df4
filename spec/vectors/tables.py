"""A function from its table: formula, scale, mistakes and cases as lines of plain text.

    out  published formula            S  published condition scale     again  second formula
    value  what is evaluated where `out` cannot be read; size  the same for `S`
    let  definitions that all of them share and that are not published
    name  FLAG  words  change         a mistake, fields two spaces (or a line) apart
    common  name, name                mistakes of `COMMON`
    FLAG values; values               cases, in the order of the arguments
    ordinary 12+3 FLAG FLAG: box      12 BASIC cases and 3 for each flag, spread over a box
    POW2 x: 600 -600                  the first cases again with x times 2^600 and 2^-600

A change is a formula, in which `out` is the right value, or replacements such as "v -> sqrt(v)";
without one the words are the formula. Words that end in "in float64" say that it loses digits: it
is evaluated in float64. In a box a~b is a range filled evenly in the logarithm, a..b one filled
evenly, a,b,c are values in turn. Lines that start otherwise continue the line above.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from spec.vectors.arithmetic import FLOAT64, Formula
from spec.vectors.expressions import Expression, Scope, read
from spec.vectors.points import Range, ordinary, scaled
from spec.vectors.records import Case, Flag, Twin, VectorFunction

COMMON = """
deviation_for_variance  S_VS_S2  sqrt(v) in place of v  v -> sqrt(v)
deviation_for_variance(v_j)  S_VS_S2  sqrt(v_j) in place of v_j  v1 -> sqrt(v1), v2 -> sqrt(v2)
variance_for_deviation  S_VS_S2  dv z in place of sqrt(dv) z  z -> z sqrt(dv)
standard_deviation  S_VS_S2  the root  sqrt(out)
scale_left_out  S_VS_S2  1 in place of l  scale -> 1
ito_term  ITO  mu t in place of m  m -> m + v / 2
clipped_noise  TAIL  z kept within 5  z -> max(-5, min(5, z))
logarithm_of_density  TAIL  the density first, then its log, in float64  log(exp(out))
guarded_variance  SMALL_V  1e-8 added to v  v -> v + 1e-8
stein_score  H_VS_STEIN  divided by x  out / x
score_times_x  H_VS_STEIN  x h: h taken for a Stein score  h -> h |x|
log_score  H_VS_LOGSCORE  the -1 is left out  1 + out
log_score(h)  H_VS_LOGSCORE  1 + h in place of h  h -> h + 1
hyvarinen_for_log_score  H_VS_LOGSCORE  h in place of 1 + h  h -> h - 1
density_of_the_logarithm  H_VS_LOGSCORE  the -log x is left out  out + log(x)
survival  SIGN  the probability of a larger value  1 - out
sign_lost  SIGN  |x| in place of x  x -> |x|
drift_of_the_wrong_sign  SIGN  + m in place of - m  m -> -m
drift_of_the_wrong_sign(dm)  T_INDEX  + dm: the forward drift  dm -> -dm
equal_weights  BASIC  1/2 in place of w  w -> 1 / 2
twice  BASIC  the factor 1/2 is left out  2 out
"""
_KNOWN = {line.split("  ")[0]: line for line in COMMON.strip().splitlines()}
_TEXTS = ("out", "value", "again", "S", "size", "let")
_FLAGS = "|".join(Flag)
_START = re.compile(
    rf"(?:{'|'.join(_TEXTS)}|common)  |(?:ordinary|{_FLAGS}) |\w+  (?:{_FLAGS})(?:  |$)"
)


def _entries(text: str) -> Iterator[list[str]]:
    """The lines, each with those that continue it."""
    found: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if _START.match(line) and found:
            yield found
            found = []
        found.append(line)
    yield found


def _twin(line: str, out: Expression) -> Twin:
    key, flag, words, *change = line.split("  ")
    if len(change) > 1:
        raise ValueError(f"{key} has more than one change, or the line after it no flag: {line}.")
    wrong = change[0] if change else words.removesuffix(", in float64")
    formula = out.changed(wrong) if " -> " in wrong else out.of(wrong)
    name, naive = key.partition("(")[0], words.endswith("in float64")
    return Twin(name, Flag(flag), words, formula, naive)


def twins(text: str, out: Expression) -> tuple[Twin, ...]:
    """The mistakes of lines of a table, made in a formula."""
    lines: list[str] = []
    for each in map("  ".join, _entries(text)):
        names = each.removeprefix("common  ")
        lines += [each] if names == each else [_KNOWN[name] for name in names.split(", ")]
    return tuple(_twin(line, out) for line in lines)


def _value(text: str) -> float:
    """A number, or a formula of numbers such as e(700) and 1-2^-50."""
    try:
        return float(text)
    except ValueError:
        return float(read(text)(Scope(FLOAT64, Expression((), {}, {}), {})))


def _filling(text: str) -> Range | tuple[float, ...]:
    for sign in ("~", ".."):
        if sign in text:
            low, high = map(_value, text.split(sign))
            return Range(low, high, logarithmic=sign == "~")
    return tuple(map(_value, text.split(",")))


def _cases(line: str, names: Sequence[str], before: Sequence[Case]) -> Iterator[Case]:
    head, colon, values = line.partition(":")
    flag, *more = head.split()
    if flag == "ordinary":
        basic, each = map(int, more.pop(0).split("+")) if "+" in head else (12, 3)
        box = dict(zip(names, map(_filling, values.split()), strict=True))
        yield from ordinary(box, tuple(map(Flag, more)), basic, each)
    elif colon:
        powers = tuple(map(int, values.split()))
        yield from scaled(before[: len(powers)], more, powers)
    else:
        for row in line.removeprefix(flag).split(";"):
            yield Case(Flag(flag), dict(zip(names, map(_value, row.split()), strict=True)))


def function(
    name: str,
    claim: str,
    meanings: Mapping[str, str],
    table: str,
    helpers: Mapping[str, Formula] | None = None,
    keep: Callable[[Case], bool] = lambda case: True,
    guard: int = 0,
    k: int = 8,
    k_reason: str = "",
) -> VectorFunction:
    """A function from its table.

    helpers  functions f(arithmetic, ...) that the formulas call by their names
    keep     which of the cases to keep
    """
    names, texts, mistakes, rows = tuple(meanings), {}, "", []
    for lines in _entries(table):
        key, _, text = " ".join(lines).partition(" ")
        if key in _TEXTS:
            texts[key] = text.strip()
        elif key in {*Flag, "ordinary"}:
            rows += _cases(" ".join(lines), names, rows)
        else:
            mistakes += "\n".join([*lines, ""])
    start = Expression(names, {}, helpers or {}).let(texts.get("let", ""))
    out = start.of(texts.get("value", texts["out"]), "out")
    second, scale = out.of(texts["again"]), out.of(texts.get("size", texts["S"]))
    return VectorFunction(
        name, claim, texts["out"], meanings, out, second, texts["S"], scale, twins(mistakes, out),
        tuple(filter(keep, rows)), k, k_reason, guard,
    )  # fmt: skip
