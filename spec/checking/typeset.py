"""LaTeX of the objects that the routines decide about.

A printed formula is made here from the candidate of a claim, so that it cannot say anything else.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import mpmath
from mpmath import mpf
from sympy import Basic, Expr, MatrixBase, Symbol
from sympy.printing.latex import LatexPrinter

from spec.checking.algebra import same

# Names that SymPy would not typeset as the paper does; a claim may add its own.
LEXICON = {"s2": r"\sigma^{2}", "dt": r"\delta", "x": "X", "x0": "X_{0}", "L": r"\log X",
           "L0": r"\log X_{0}", "h": r"X\circ\nabla\log p"}  # fmt: skip


@dataclass(frozen=True)
class Chain:
    """Expressions that are equal one to the next, which is decided when the chain is printed."""

    expressions: tuple[Expr, ...]

    def __init__(self, *expressions: Expr) -> None:
        object.__setattr__(self, "expressions", expressions)


@dataclass(frozen=True)
class Says:
    """left, a sign such as "=", r"\\leftarrow" or r"\\to", and right: a printed relation."""

    left: object
    right: object
    sign: str = "="


@dataclass(frozen=True)
class Sde:
    """d state = drift d time + noise d W; a clock "r" runs backwards, with its own W."""

    state: str
    drift: Expr
    noise: Expr
    clock: str = "t"


class BrokenChain(ValueError):
    """Two neighbours of a chain are not equal."""


class _Printer(LatexPrinter):
    """SymPy's, with our names and with powers of a name that is a square already."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__({"fold_short_frac": False, "mul_symbol": r"\,"})
        self._our_names = {**LEXICON, **names}

    def _print_Symbol(self, expr: Symbol, style: str = "plain") -> str:  # noqa: N802
        return self._our_names.get(expr.name) or super()._print_Symbol(expr)

    def _print_Pow(self, expr: Expr) -> str:  # noqa: N802
        base = self._our_names.get(getattr(expr.base, "name", ""), "")
        power = int(expr.exp) if expr.exp.is_Integer else 0
        if power > 1 and base.startswith(r"\sqrt{") and power % 2 == 0:
            return base[6:-1] + ("" if power == 2 else f"^{{{power // 2}}}")
        if power > 1 and base.endswith("^{2}"):
            return f"{base[:-3]}{{{2 * power}}}"
        if power > 1 and _is_composite(base):
            return rf"\left({base}\right)^{{{power}}}"
        return super()._print_Pow(expr)

    def _print_polygamma(self, expr: Expr, exp: str | None = None) -> str:  # noqa: N802
        order, argument = expr.args
        name = r"\psi" if order == 0 else rf"\psi_{{{self._print(order)}}}"
        power = f"^{{{exp}}}" if exp else ""
        return rf"{name}{power}\left({self._print(argument)}\right)"

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:  # noqa: N802
        """What is taken off comes last, as one writes it."""
        terms = self._as_ordered_terms(expr, order=order)
        first, *others = sorted(terms, key=lambda term: term.could_extract_minus_sign())
        said = self._print(first)
        for term in others:
            less = term.could_extract_minus_sign()
            tex = self._print(-term if less else term)
            said += (" - " if less else " + ") + (rf"\left({tex}\right)" if term.is_Add else tex)
        return said

    def doprint(self, expr: Basic) -> str:
        """As SymPy prints it, but names that are long come last in a product."""
        last = {}
        for symbol in expr.atoms(Symbol):
            if _is_composite(tex := self._our_names.get(symbol.name, symbol.name)):
                last[symbol] = Symbol(f"zz{symbol.name}", **symbol.assumptions0)
                self._our_names.setdefault(f"zz{symbol.name}", tex)
        return str(super().doprint(expr.xreplace(last)))


def _is_composite(tex: str) -> bool:
    return any(sign in tex for sign in (r"\log", r"\nabla", r"\circ", r"\mathbb", r"\,"))


def latex(value: object, names: Mapping[str, str], digits: int = 4) -> str:
    """LaTeX of an expression, a matrix, a relation, a chain, a number, a sequence or a text."""

    def tex(part: object) -> str:
        return latex(part, names, digits)

    match value:
        case str():
            return value
        case Chain():
            return " = ".join(map(tex, _verified(value)))
        case Says():
            return f"{tex(value.left)} {value.sign} {tex(value.right)}"
        case Sde():
            drift = rf"\left({tex(value.drift)}\right)" if value.drift.is_Add else tex(value.drift)
            motion = r"\bar W" if value.clock == "r" else "W"
            return rf"d{value.state} = {drift}\,d{value.clock} + {tex(value.noise)}\,d{motion}"
        case Basic() | MatrixBase():
            return _Printer(names).doprint(value)
        case int() | float() | mpf():
            return number(value, digits)
        case Mapping():
            return r",\; ".join(rf"\text{{{k}: }}{tex(v)}" for k, v in value.items())
        case tuple() | list() | range():
            return r",\; ".join(map(tex, value))
        case set() | frozenset():
            return tex(sorted(value, key=str))
    raise TypeError(f"no LaTeX for {value!r}: let `shown` give expressions, numbers or text")


def number(value: mpf | float | int, digits: int = 4) -> str:
    """A number with so many significant digits, in LaTeX."""
    if isinstance(value, int):
        return str(value)
    mantissa, _, exponent = mpmath.nstr(mpf(value), digits).partition("e")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _verified(chain: Chain) -> tuple[Expr, ...]:
    for left, right in pairwise(chain.expressions):
        if not same(left, right):
            raise BrokenChain(f"{left} is not {right}")
    return chain.expressions


def parts(candidate: object) -> dict[str, object]:
    """What is printed of a candidate when its claim does not say: its parts by name.

    An expression is "it", the entries of a sequence "0", "1", ..., those of a mapping and of a
    dataclass have their names; a function is called with symbols named as its parameters."""
    if callable(candidate) and not isinstance(candidate, Basic):
        return parts(applied(candidate))
    if dataclasses.is_dataclass(candidate) and not isinstance(candidate, Says | Chain | Sde):
        return _named({f.name: getattr(candidate, f.name) for f in dataclasses.fields(candidate)})
    if isinstance(candidate, Mapping):
        return _named(candidate)
    if isinstance(candidate, tuple | list):
        plain = type(candidate) in {tuple, list}
        return _named(dict(enumerate(candidate)) if plain else candidate._asdict())
    return {"it": candidate}


def applied(function: Callable) -> object:
    """A function of expressions at symbols that have the names of its parameters."""
    found = inspect.signature(function).parameters.values()
    return function(*(Symbol(p.name, positive=True) for p in found if p.default is p.empty))


def _named(entries: Mapping) -> dict[str, object]:
    """The parts of the entries, those of a single entry under its own name."""
    return {
        str(name) if inner == "it" else f"{name}.{inner}": value
        for name, entry in entries.items()
        for inner, value in parts(entry).items()
    }
