"""Rational functions as quotients of polynomials with integer coefficients, by their definition.

A quotient is a numerator, expanded, over a product of powers of factors that is left as it is:

    a / f^i + b / g^j = (a g^j + b f^i) / (f^i g^j)

No divisor is ever looked for, since a quotient vanishes as soon as its numerator does, and no
expression is built on the way: that is what makes it quick.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import mul

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
        identically zero.
        """
        found = self._known.get(expression)
        if found is None:
            found = self._known[expression] = self._made(expression)
        return found

    def _made(self, expression: Expr) -> Quotient:
        if expression.is_Symbol:
            return self._symbols[expression], Counter()
        if expression.is_Rational:
            return self._ring(expression.p), self._factors(self._ring(expression.q))
        if expression.is_Add:
            return self._sum(self(term) for term in expression.args)
        if expression.is_Mul:
            parts = [self(factor) for factor in expression.args]
            return self._product(n for n, _ in parts), sum((d for _, d in parts), Counter())
        if expression.is_Pow and expression.exp.is_Integer:
            return self._power(self(expression.base), int(expression.exp), expression)
        raise Undecidable(f"{expression} is not rational in {list(self._symbols)}")

    def _product(self, polynomials: Iterable[PolyElement]) -> PolyElement:
        return reduce(mul, polynomials, self._ring.one)

    def _expanded(self, factors: Factors) -> PolyElement:
        return self._product(factor**power for factor, power in factors.items())

    def _power(self, base: Quotient, exponent: int, expression: Expr) -> Quotient:
        numerator, factors = base
        if exponent >= 0:
            return numerator**exponent, Counter({f: p * exponent for f, p in factors.items()})
        if not numerator:
            raise Undecidable(f"the denominator of {expression} is identically zero")
        below = Counter({f: -p * exponent for f, p in self._factors(numerator).items()})
        return self._expanded(factors) ** -exponent, below

    def _factors(self, polynomial: PolyElement) -> Factors:
        """A whole number, powers of symbols and a rest, of which equal ones have to be equal."""
        content, rest = polynomial.primitive()
        if rest.LC < 0:
            content, rest = -content, -rest
        common = tuple(map(min, zip(*rest.itermonoms(), strict=True)))
        if any(common):
            rest = self._ring.from_dict(
                {tuple(map(int.__sub__, m, common)): c for m, c in rest.iterterms()}
            )
        found = Counter({g: p for g, p in zip(self._ring.gens, common, strict=True) if p})
        found.update(factor for factor in (self._ring(content), rest) if factor != 1)
        return found

    def _sum(self, terms: Iterable[Quotient]) -> Quotient:
        """Terms over the same denominator first: there are few different ones."""
        grouped: dict[frozenset, PolyElement] = {}
        for numerator, factors in terms:
            key = frozenset(factors.items())
            grouped[key] = grouped.get(key, self._ring.zero) + numerator
        groups = [(Counter(dict(key)), numerator) for key, numerator in grouped.items()]
        common = reduce(Counter.__or__, (factors for factors, _ in groups))
        total = sum((n * self._expanded(common - f) for f, n in groups if n), self._ring.zero)
        return total, common
