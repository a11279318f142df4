"""References are computed with 50 digits in every test of this folder."""

from collections.abc import Iterator

import mpmath
import pytest

from tests.support.assertions import DIGITS


@pytest.fixture(autouse=True)
def fifty_digits() -> Iterator[None]:
    """mpmath's numbers of a test; `workdps` inside it asks for others."""
    with mpmath.workdps(DIGITS):
        yield
