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
    """A planted bug: draws with it, and the laws that the views then have.

    draw   as the scenario's own, with the bug
    truth  view -> law; None where there is none, or where the draws are not independent"""

    draw: Draw
    truth: Truth


def one_law(draw: Draw, law: Callable[[], Reference]) -> Twin:
    """A twin with the same law for every view."""
    return Twin(draw, lambda view: law())


@dataclass(frozen=True)
class Scenario:
    """A piece of the library, used as its users do, with randomness of its own.

    about  one line for readers of the matrix
    draw   source -> draws, float64
    views  name -> what a statistic sees of them; "all" is the draws themselves
    twins  name -> twin"""

    name: str
    about: str
    draw: Draw
    twins: Mapping[str, Twin]
    views: Mapping[str, View] = field(default_factory=lambda: {"all": np.asarray})
