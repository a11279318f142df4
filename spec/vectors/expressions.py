"""Formulas in plain characters: what is published is what is evaluated.

    -log(x) - log(2 pi v) / 2 - r^2 / (2 v), r = log(x) - log(x0) - m

The value comes first; definitions follow in any order, and clauses without "=" are words. Factors
side by side are multiplied, |x| is a size, x_1 is x1, "log 2 pi v" the logarithm of the product.
A definition of q_j (or q_n, or q_i) stands for q1 and q2, and "sum_j" adds up the term behind it
for both. The order of operations is that of the text, so that float64 rounds as it says."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial, reduce

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import MPMATH, Arithmetic, Formula, Number, whole

_TOKEN = re.compile(r"\s*(\d*\.?\d+(?:e[+-]?\d+)?|log (?:Gamma|N|B)(?= ?\()"
    r"|(?:sum|prod)_\{\w=\d\}\^(?:\{[^}]+\}|\w)|[A-Za-z]\w*'?|[-+*/^()|,;])")  # fmt: skip
# What an index stands for: components and points, intervals.
_INDICES = {"j": "12", "n": "12", "i": "123"}
_DEFINITION = re.compile(r"(\w+'?)(?:\(t\))? = (.*)", re.DOTALL)


@lru_cache
def _functions(f: Arithmetic) -> Mapping[str, Formula]:
    """What a text may call, by its name."""
    return {
        "exp": f.exp, "log": f.log, "sqrt": f.sqrt, "Phi": f.ncdf, "max": max, "min": min,
        "e": f.exp, "log2": lambda a: f.log(a) / f.log(2), "sign": lambda a: 1 if a > 0 else -1,
        "phi": lambda z: f.exp(-z * z / 2) / f.sqrt(2 * f.pi()),
        "N": lambda y, mean, var: f.exp(f.log_normal_density(y, mean, var)),
        "log N": f.log_normal_density, "log Gamma": f.log_gamma,
        "log B": lambda a, b: f.log_gamma(a) + f.log_gamma(b) - f.log_gamma(a + b),
        "P": f.gamma_lower, "Q": f.gamma_upper, "I": lambda y, a, b: f.beta_lower(a, b, y),
        # Of second formulas, which mpmath alone evaluates.
        "log1p": mpmath.log1p, "erfc": mpmath.erfc, "normal_cdf": _normal_cdf,
    }  # fmt: skip


def _normal_cdf(z: mpf) -> mpf:
    """Phi by the incomplete gamma function."""
    tail = mpmath.gammainc(mpf(1) / 2, z * z / 2, mpmath.inf, regularized=True) / 2
    return tail if z < 0 else 1 - tail


_CALLED = frozenset(_functions(MPMATH))


class Scope(dict[str, Number]):
    """The values of names in one evaluation; definitions are evaluated when they are asked for."""

    def __init__(self, f: Arithmetic, of: "Expression", values: Mapping[str, Number]) -> None:
        super().__init__(values)
        self.f, self.of = f, of

    def __missing__(self, name: str) -> Number:
        if name == "pi":
            return self.f.pi()
        self[name] = value = self.of.parts[name](self)
        return value

    def called(self, name: str, arguments: list[Number]) -> Number:
        """The value of a function of the expression's own, or of one that all have."""
        own = self.of.helpers.get(name)
        return own(self.f, *arguments) if own else _functions(self.f)[name](*arguments)

    def repeated(self, kind: str, term: Callable, index: str, first: int, last: Number) -> Number:
        """The sum or the product of a term over whole numbers."""
        given = {name: self[name] for name in self.of.names}
        total: Number = 0 if kind == "sum" else 1
        for n in range(first, whole(last) + 1):
            value = term(Scope(self.f, self.of, {**given, index: n}))
            total = total + value if kind == "sum" else total * value
        return total


# A piece of a formula that has been read.
Node = Callable[[Scope], Number]


def _divided(a: Number, b: Number, f: Arithmetic) -> Number:
    return (f.number(str(a)) if isinstance(a, int) and isinstance(b, int) else a) / b


def _power(a: Number, b: Number, f: Arithmetic) -> Number:
    """By multiplication where b is a small whole number, which the base may be negative for."""
    n = int(float(b))
    if n != b or abs(n) > 1000:
        return f.power(a, b)
    result = a / a if n < 0 else a * 0 + 1
    for _ in range(abs(n)):
        result = result / a if n < 0 else result * a
    return result


_OPERATIONS: dict[str, Callable[[Number, Number, Arithmetic], Number]] = {
    "+": lambda a, b, f: a + b, "-": lambda a, b, f: a - b, "*": lambda a, b, f: a * b,
    "/": _divided, "^": _power}  # fmt: skip


class _Reader:
    """Reads a formula from left to right: sums of products of powers of atoms."""

    def __init__(self, tokens: list[str], called: frozenset[str]) -> None:
        self.tokens, self.at, self.called, self.bars = [*tokens, ""], 0, called, False

    def next(self, *expected: str) -> str:
        """The token here if it is expected, or any; an empty text if it is not."""
        token = self.tokens[self.at]
        if expected and token not in expected:
            return ""
        self.at += 1
        return token

    def _chain(self, inner: Callable[[], Node], operators: Callable[[], str]) -> Node:
        left = inner()
        while operator := operators():
            left = _joined(operator, left, inner())
        return left

    def sum(self) -> Node:
        """a + b - c."""
        return self._chain(self.product, lambda: self.next("+", "-"))

    def product(self) -> Node:
        """a b / c, by signs or side by side."""
        return self._chain(self.signed, lambda: self.next("*", "/") or self._beside())

    def _beside(self) -> str:
        token = self.tokens[self.at]
        starts = token[:1].isalnum() or token == "(" or (token == "|" and not self.bars)
        return "*" if starts else ""

    def signed(self) -> Node:
        """-a, a^b."""
        if self.next("-"):
            inner = self.signed()
            return lambda s: -inner(s)
        base = self.atom()
        return _joined("^", base, self.signed()) if self.next("^") else base

    def atom(self) -> Node:
        """A number, a name, a call, or what is in brackets."""
        token = self.next()
        if token[:1].isdigit() or token[:1] == ".":
            return lambda s: int(token) if token.isdigit() else s.f.number(token)
        if "_{" in token:
            return self._repeated(token)
        if token.startswith("sum_"):
            return self._summed(token[4:])
        if token == "e" and self.tokens[self.at] == "^":
            return lambda s: s.f.exp(1)
        if token in self.called:
            if self.tokens[self.at] == "(":
                return _call(token, self.bracketed())
            if len(token) > 1:
                return _call(token, [self._chain(self.signed, self._beside)])
        if token[:1].isalpha():
            return lambda s: s[token]
        self.at -= 1
        (inner,) = self.bracketed()
        return inner if token == "(" else lambda s: abs(inner(s))

    def bracketed(self) -> list[Node]:
        """(a, b; c) or |a|."""
        end, before = {"(": ")", "|": "|"}.get(self.next()), self.bars
        if end is None:
            raise ValueError(f"an operand is missing in {' '.join(self.tokens)}.")
        self.bars = end == "|"
        found = [self.sum()]
        while self.next(",", ";"):
            found.append(self.sum())
        if not self.next(end):
            raise ValueError(f"{end} is missing in {' '.join(self.tokens)}.")
        self.bars = before
        return found

    def _repeated(self, token: str) -> Node:
        kind, index, first, last = re.split(r"_\{|=|\}\^", token)
        term, end = self.product(), read(last.strip("{}"), self.called)
        return lambda s: s.repeated(kind, term, index, int(first), end(s))

    def _summed(self, index: str) -> Node:
        start = self.at
        self.product()
        term = self.tokens[start : self.at]
        found = [read(" ".join(_indexed(term, index, n)), self.called) for n in _INDICES[index]]
        return reduce(partial(_joined, "+"), found)


def _joined(operator: str, left: Node, right: Node) -> Node:
    work = _OPERATIONS[operator]
    return lambda s: work(left(s), right(s), s.f)


def _call(name: str, arguments: list[Node]) -> Node:
    return lambda s: s.called(name, [each(s) for each in arguments])


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"{text[at:]!r} is no formula.")
        yield re.sub(r"_(?=\d$)", "", found[1])
        at = found.end()


def _indexed(tokens: list[str], index: str, number: str) -> list[str]:
    return [re.sub(rf"_{index}$", number, token) for token in tokens]


def read(text: str, called: frozenset[str] = _CALLED) -> Node:
    """The formula of a text. Raises ValueError where it is none."""
    reader = _Reader(list(_tokens(text)), called)
    node = reader.sum()
    if reader.tokens[reader.at]:
        raise ValueError(f"{text!r} is no formula from {reader.tokens[reader.at]!r} on.")
    return node


def clauses(text: str) -> list[str]:
    """The parts of a text between commas that stand outside of brackets."""
    found, depth = [""], 0
    for character in text.replace("  ", " "):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [each.strip() for each in found]


def _definitions(text: list[str], called: frozenset[str]) -> dict[str, Node]:
    found = {}
    for name, formula in (given.groups() for given in map(_DEFINITION.fullmatch, text) if given):
        index = re.fullmatch(r"\w*[A-Za-z]_([jni])", name)
        for n in _INDICES[index[1]] if index else [""]:
            tokens = [name, *_tokens(formula)]
            one, *rest = _indexed(tokens, index[1], n) if index else tokens
            found[re.sub(r"_(?=\d$)", "", one)] = read(" ".join(rest), called)
    return found


@dataclass(frozen=True)
class Expression:
    """A formula of named arguments, as a function of an arithmetic and of the arguments.

    parts    what the names of the text stand for besides the arguments; "out" is the value
    root     the name of what is evaluated
    helpers  functions f(arithmetic, ...) that the text calls by name"""

    names: tuple[str, ...]
    parts: Mapping[str, Node]
    helpers: Mapping[str, Formula]
    root: str = "out"

    def __call__(self, f: Arithmetic, *arguments: Number) -> Number:
        return Scope(f, self, dict(zip(self.names, arguments, strict=True)))[self.root]

    def _called(self) -> frozenset[str]:
        return frozenset({*_CALLED, *self.helpers} - {*self.names})

    def let(self, text: str) -> "Expression":
        """The same with more definitions."""
        more = _definitions(clauses(text), self._called())
        return replace(self, parts={**self.parts, **more})

    def of(self, text: str, root: str = "value") -> "Expression":
        """Another formula, in which `out` is the value of this one and its definitions hold."""
        first, *rest = clauses(text)
        main = re.sub(r"^\w+(?:\(t\))? = ", "", first).partition(": ")[0]
        parts = {**self.parts, **_definitions(rest, self._called())}
        return replace(self, parts={**parts, root: read(main, self._called())}, root=root)

    def changed(self, text: str) -> Formula:
        """The formula with names replaced, all at once, as in "v -> sqrt(v), m -> m + v / 2"."""
        pairs = [each.split(" -> ") for each in clauses(text)]
        new = {name: read(value, self._called()) for name, value in pairs}

        def formula(f: Arithmetic, *arguments: Number) -> Number:
            given = Scope(f, self, dict(zip(self.names, arguments, strict=True)))
            values = {name: node(given) for name, node in new.items()}
            before = {name: given[name] for name in self.names}
            return Scope(f, self, {**before, **values})[self.root]

        return formula
