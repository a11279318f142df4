"""Texts with slots: words are typed, formulas come from objects; what is typed is refused."""

import pytest

from spec.checking.symbols import L, h, mu, s2, t
from spec.checking.text import UnknownSlot, filled, typed
from spec.checking.typeset import BrokenChain, Chain, Says, Sde, latex, parts

SQUARE = h**2 + 2 * h * t + t**2
TYPED = {
    "typed relation $a=b$": r"here $a=b$ holds",
    "typed arithmetic in $a+b$": r"the sum $a+b$",
    "typed arithmetic in $\\frac ab$": r"the ratio $\frac ab$",
    "typed arithmetic in $2x$": "twice, $2x$",
    "typed exponent in $e^{-x/2}$": r"the weight $e^{-x/2}$",
    "typed number '-0.1315' in words": "off by -0.1315 in the mean",
    "a dollar sign without its partner": "half a $formula",
}
FREE = (
    r"$\sigma^2$, $X_{k-1}$, $\nabla\log p_t(X)$, $[0, T]$ and $dz/dx$ name things",
    "as eq. (13) of version 1, Section 6.2, Tables 3 and 4, Appendix D.4, A10 and E2-bias say",
    "in [[n]] steps $a=[[a]]$ and $[[a]]>b$",
)


@pytest.mark.parametrize("trouble", TYPED)
def test_typed_mathematics_only_names_things(trouble: str) -> None:
    assert typed(TYPED[trouble])[0].startswith(trouble)


@pytest.mark.parametrize("text", FREE)
def test_names_references_and_slots_are_free(text: str) -> None:
    assert typed(text) == []


def test_slots_are_filled_from_values() -> None:
    values = {"n": 3, "a": s2**2 / t, "b": 0.00000123456, "chain": Chain((h + t) ** 2, SQUARE)}
    said = filled("[[n]] steps, $v=[[a]]$, [[b|3]] and [[chain]]", values, {})
    assert said == (
        r"$3$ steps, $v=\frac{\sigma^{4}}{t}$, $1.23\cdot 10^{-6}$ and "
        rf"${latex((h + t) ** 2, {})} = {latex(SQUARE, {})}$"
    )
    with pytest.raises(UnknownSlot, match="the names are n, a"):
        filled("[[m]]", values, {})
    with pytest.raises(BrokenChain):
        filled("[[x]]", {"x": Chain(h, t)}, {})


def test_formulas_are_typeset_from_objects() -> None:
    drift = mu - s2 / 2
    assert latex(Sde("Y", drift, h, "r"), {"h": "k"}) == (
        r"dY = \left(\mu - \frac{\sigma^{2}}{2}\right)\,dr + k\,d\bar W"
    )
    assert latex(Says("a", L**2, r"\to"), {}) == r"a \to \left(\log X\right)^{2}"
    assert latex(h * s2, {}) == r"\sigma^{2}\,X\circ\nabla\log p"
    assert parts((h, {"a": t})) == {"0": h, "1.a": t}
    assert list(parts(lambda x, y: (x, y))) == ["0", "1"]
    with pytest.raises(TypeError, match="let `shown` give"):
        latex(object(), {})
