"""Functions from their tables: formula, scale, mistakes and cases as lines of plain text.

    where  x a state, > 0; v v(t) > 0  what arguments are, in the tables that follow
    name  claim  x v  guard 40         a function, its claim in `spec`, its arguments in order, and
                                       40 more digits in all computations
    out  published formula             S  published condition scale     again  second formula
    value  what is evaluated where `out` cannot be read; size  the same for `S`
    let  definitions that all of them share and that are not published; k  64  reason
    name  FLAG  words  change          a mistake, fields two spaces (or a line) apart
    common  name, name                 mistakes of `COMMON`
    FLAG values; values; FLAG values   cases, in the order of the arguments
    ordinary 12+3 FLAG FLAG: box       12 BASIC cases and 3 for each flag, spread over a box
    POW2 x: 600 -600                   the first cases again with x times 2^600 and 2^-600

Texts may share a line, as may cases; without an S the bound is relative to `out`. A change is a
formula, in which `out` is the right value, or replacements such as "v -> sqrt(v)"; without one the
words are the formula. Words that end in "in float64" say that it loses digits: it is evaluated in
float64. In a box a~b is a range filled evenly in the logarithm, a..b one filled evenly, a,b,c are
values in turn. A function f of before may be called, and slope_f(x, ...) is its derivative in log
x. Lines that start otherwise continue the line above."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import FLOAT64, Formula, log_slope
from spec.vectors.expressions import Expression, Scope, read
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
correlation_ignored  SIGN  c12 = 0  c12 -> 0
log_of_mean  ITO  a + v/2, the logarithm of the mean of X, in place of a  a -> a + v / 2
shapes_exchanged  T_INDEX  a and b exchanged  a -> b, b -> a
equal_weights  BASIC  1/2 in place of w  w -> 1 / 2
twice  BASIC  the factor 1/2 is left out  2 out"""
_KNOWN = {line.split("  ")[0]: line for line in COMMON.strip().splitlines()}
_TEXTS = ("out", "value", "again", "S", "size", "let", "k")
_FLAGS = "|".join(Flag)
_HEADER = re.compile(
    rf"(\w+)  (?!(?:{_FLAGS})  )([\w-]+)  ([A-Za-z_]\w*(?: [A-Za-z_]\w*)*)(?:  guard (\d+))?$"
)
_BREAK = re.compile(rf"\n|  (?=(?:{'|'.join(_TEXTS)})  )")
_START = re.compile(
    rf"(?:{'|'.join(_TEXTS)}|common|where)  |(?:ordinary|{_FLAGS}) |\w+  (?:{_FLAGS})(?:  |$)"
)


def _entries(text: str) -> Iterator[list[str]]:
    """The lines, each with those that continue it; several texts may share one."""
    found: list[str] = []
    for line in filter(None, map(str.strip, _BREAK.split(text))):
        if found and (_START.match(line) or _HEADER.match(line)):
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
    return float(read(text)(Scope(FLOAT64, Expression((), {}, {}), {})))


# The fractional parts of i * sqrt(prime) fill the unit cube evenly.
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)


def _filled(text: str) -> Callable[[int, mpf], float]:
    """The value of an interval at a fraction, rounded once, or of a list at its turn."""
    for sign in ("~", ".."):
        if sign in text:
            low, high = (mpf(_value(end)) for end in text.split(sign))
            if sign == "~":
                return lambda i, fraction: float(low * (high / low) ** fraction)
            return lambda i, fraction: float(low + fraction * (high - low))
    values = [_value(value) for value in text.split(",")]
    return lambda i, fraction: values[i % len(values)]


def spread(count: int, names: Sequence[str], box: str) -> list[dict[str, float]]:
    """`count` points of a box, the same on every machine."""
    with mpmath.workdps(40):
        sides = tuple(
            zip(names, map(_filled, box.split()), map(mpmath.sqrt, _PRIMES), strict=False)
        )
        return [{name: at(i, mpmath.frac((i + 1) * root)) for name, at, root in sides}
                for i in range(count)]  # fmt: skip


def _cases(line: str, names: Sequence[str], before: Sequence[Case]) -> Iterator[Case]:
    flag = ""
    for given in filter(None, map(str.strip, line.split(";"))):
        head, colon, values = given.partition(":")
        first, *more = head.split()
        flag = first if first in {*Flag} else flag
        if first == "ordinary":
            basic, each = map(int, more.pop(0).split("+")) if "+" in head else (12, 3)
            flags = [Flag.BASIC] * basic + [Flag(kind) for _ in range(each) for kind in more]
            if len(values.split()) != len(names):
                raise ValueError(f"a box for {', '.join(names)} has as many intervals: {given}.")
            yield from map(Case, flags, spread(len(flags), names, values))
        elif colon:
            if not {*more} <= {*names}:
                raise ValueError(f"{given} scales what is no argument.")
            for case, power in zip(before, map(int, values.split()), strict=False):
                args = {n: a * 2.0**power if n in more else a for n, a in case.args.items()}
                yield Case(Flag.POW2, args)
        else:
            row = more if first == flag else [first, *more]
            yield Case(Flag(flag), dict(zip(names, map(_value, row), strict=True)))


def functions(
    text: str, helpers: Mapping[str, Formula] | None = None,
    keep: Mapping[str, Callable[[Case], bool]] | None = None,
) -> tuple[VectorFunction, ...]:  # fmt: skip
    """Functions from a text with their tables.

    helpers  functions f(arithmetic, ...) that the formulas call by their names
    keep     which of the cases of a function to keep, where not all"""
    meanings: dict[str, str] = {}
    tables: list[tuple[tuple[str, str, int], dict[str, str], list[list[str]]]] = []
    for lines in _entries(text):
        if lines[0].startswith("where  "):
            pairs = " ".join(lines).removeprefix("where  ").split("; ")
            meanings.update(pair.strip().split(" ", 1) for pair in pairs)
        elif header := _HEADER.match(lines[0]):
            name, claim, arguments, guard = header.groups("0")
            given = {argument: meanings[argument] for argument in arguments.split()}
            tables.append(((name, claim, int(guard)), given, []))
        else:
            tables[-1][2].append(lines)
    known, made = dict(helpers or {}), []
    for (name, claim, guard), given, table in tables:
        made.append(replace(_function(name, claim, given, table, dict(known)), guard=guard))
        known |= {name: made[-1].formula, f"slope_{name}": log_slope(made[-1].formula)}
        if keep and name in keep:
            made[-1] = replace(made[-1], cases=tuple(filter(keep[name], made[-1].cases)))
    return tuple(made)


def _function(
    name: str, claim: str, meanings: Mapping[str, str], table: Iterable[list[str]],
    helpers: Mapping[str, Formula],
) -> VectorFunction:  # fmt: skip
    names, mistakes, rows = tuple(meanings), "", []
    texts = {"k": "8  ", "S": "out: a relative bound"}
    for lines in table:
        key, _, text = " ".join(lines).partition(" ")
        if key in _TEXTS:
            texts[key] = text.strip()
        elif key in {*Flag, "ordinary"}:
            rows += _cases(" ".join(lines), names, rows)
        else:
            mistakes += "\n".join([*lines, ""])
    start = Expression(names, {}, helpers).let(texts.get("let", ""))
    out = start.of(texts.get("value", texts["out"]), "out")
    second, scale = out.of(texts["again"]), out.of(texts.get("size", texts["S"]))
    k, _, reason = texts["k"].partition("  ")
    return VectorFunction(
        name, claim, texts["out"], meanings, out, second, texts["S"], scale, twins(mistakes, out),
        tuple(rows), int(k), reason.strip(),
    )  # fmt: skip
