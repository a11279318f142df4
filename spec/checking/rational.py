"""Rational functions as quotients of polynomials with integer coefficients, by their definition.

A quotient is a numerator, expanded, over a product of powers of factors that is left as it is:

    a / f^i + b / g^j = (a g^j + b f^i) / (f^i g^j)

No divisor is ever looked for, since a quotient vanishes as soon as its numerator does, and no
expression is built on the way: that is what makes it quick."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from math import prod

from sympy import ZZ, Expr, Symbol
from sympy.polys.rings import PolyElement, PolyRing

# Powers of the factors of a denominator; a factor is no constant unless it is a whole number.
Factors = Counter[PolyElement]
Quotient = tuple[PolyElement, Factors]


class Undecidable(ValueError):
    """The expression is not a rational function of symbols with rational coefficients."""


class Quotients:
    """The quotients of polynomials in the given symbols."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self._ring = PolyRing(symbols, ZZ)
        self._symbols = dict(zip(symbols, self._ring.gens, strict=True))
        self._known: dict[Expr, Quotient] = {}

    def __call__(self, expression: Expr) -> Quotient:
        """The quotient that an expression is.

        Raises Undecidable where the expression is not rational, and where a denominator in it is
        identically zero."""
        if expression not in self._known:
            self._known[expression] = self._made(expression)
        return self._known[expression]

    def _made(self, expression: Expr) -> Quotient:
        if expression.is_Symbol:
            return self._symbols[expression], Counter()
        if expression.is_Rational:
            return self._ring(expression.p), self._factors(self._ring(expression.q))
        if expression.is_Add:
            return self._sum(map(self, expression.args))
        if expression.is_Mul:
            numerators, factors = zip(*map(self, expression.args), strict=True)
            return prod(numerators, start=self._ring.one), sum(factors, Counter())
        if not (expression.is_Pow and expression.exp.is_Integer):
            raise Undecidable(f"{expression} is not rational in {list(self._symbols)}")
        (numerator, factors), exponent = self(expression.base), int(expression.exp)
        if exponent >= 0:
            return numerator**exponent, Counter({f: p * exponent for f, p in factors.items()})
        if not numerator:
            raise Undecidable(f"the denominator of {expression} is identically zero")
        below = Counter({f: -p * exponent for f, p in self._factors(numerator).items()})
        return self._expanded(factors) ** -exponent, below

    def _expanded(self, factors: Factors) -> PolyElement:
        return prod((factor**power for factor, power in factors.items()), start=self._ring.one)

    def _factors(self, polynomial: PolyElement) -> Factors:
        """A whole number, powers of symbols and a rest, of which equal ones have to be equal."""
        content, rest = polynomial.primitive()
        if rest.LC < 0:
            content, rest = -content, -rest
        powers = rest.tail_degrees()
        found = Counter({g: p for g, p in zip(self._ring.gens, powers, strict=True) if p})
        rest = rest.quo_term((powers, 1))
        found.update(factor for factor in (self._ring(content), rest) if factor != 1)
        return found

    def _sum(self, terms: Iterable[Quotient]) -> Quotient:
        """Terms over the same denominator first: there are few different ones."""
        grouped: dict[frozenset, PolyElement] = defaultdict(lambda: self._ring.zero)
        for numerator, factors in terms:
            grouped[frozenset(factors.items())] += numerator
        groups = [(Counter(dict(key)), numerator) for key, numerator in grouped.items()]
        common = reduce(Counter.__or__, (factors for factors, _ in groups))
        total = sum((n * self._expanded(common - f) for f, n in groups if n), self._ring.zero)
        return total, common
