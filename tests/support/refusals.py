"""Tables of refusals: rows of (call, good arguments, argument, value, words). The call is made
with the good arguments, so that only the wrong one can be the cause, then with the wrong value in
place of the good one: a ValueError whose message has the words."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pytest


class Refusal(NamedTuple):
    """`call(**good)` is accepted, with `value` for `argument` refused; `words` is a pattern."""

    call: Callable[..., object]
    good: Mapping[str, object]
    argument: str
    value: object
    words: str


def rows(
    call: Callable[..., object], good: Mapping[str, object], *wrong: tuple[str, object, str]
) -> list[Refusal]:
    """The rows of one call: (argument, value, words) each."""
    return [Refusal(call, good, *one) for one in wrong]


def table(*groups: Sequence[Refusal]) -> pytest.MarkDecorator:
    """Parametrizes a test over `refusal`, with ids such as `GBM-sigma-0.0`."""
    found = [row for group in groups for row in group]
    return pytest.mark.parametrize("refusal", found, ids=[_id(row) for row in found])


def _id(row: Refusal) -> str:
    name = getattr(row.call, "__name__", type(row.call).__name__)
    text = repr(row.value)
    return f"{name}-{row.argument}-{text if len(text) <= 24 else type(row.value).__name__}"


def check(refusal: Refusal) -> None:
    """Assert what the row says."""
    call, good, argument, value, words = refusal
    call(**good)
    with pytest.raises(ValueError, match=words) as caught:
        call(**{**good, argument: value})
    assert re.search(words, str(caught.value))
