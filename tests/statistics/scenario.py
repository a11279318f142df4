"""What a scenario is: something that draws, views of the draws, and twins with a planted bug."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tests.statistics.checks import Reference
from tests.statistics.laws import Array
from tests.statistics.seeds import Source

Draw = Callable[[Source], Array]
View = Callable[[Array], Array]
Truth = Callable[[str], Reference | None]
"""view -> the law of that view under a twin; None where no formula is known."""


@dataclass(frozen=True)
class Twin:
    """A planted bug: draws with it, and the laws that the views then have (None where there is
    none, or where the draws are not independent)."""

    draw: Draw
    truth: Truth


def one_law(draw: Draw, law: Callable[[], Reference]) -> Twin:
    """A twin with the same law for every view."""
    return Twin(draw, lambda view: law())


@dataclass(frozen=True)
class Scenario:
    """A piece of the library, used as its users do: `about` is a line for readers of the matrix,
    draws are float64, and `views` are what a statistic sees of them ("all": themselves)."""

    name: str
    about: str
    draw: Draw
    twins: Mapping[str, Twin]
    views: Mapping[str, View] = field(default_factory=lambda: {"all": np.asarray})
