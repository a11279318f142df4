"""The tests. A package, so that `tests` cannot be shadowed by one that a library left behind."""

from tests.support.annotations import checked as checked
