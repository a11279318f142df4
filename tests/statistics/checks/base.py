"""What every check offers: a p-value, its power against another law, its own rejection."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np

from tests.statistics.checks.rejections import LawRejected, NotFinite, WrongShape
from tests.statistics.laws import Array, Law, Plane

Reference = Law | Plane | float
R = TypeVar("R", Law, Plane, float)


@dataclass(frozen=True)
class Check(ABC, Generic[R]):
    """One statistic at n draws and level alpha, against one law."""

    effect: ClassVar[str]
    rejection: ClassVar[type[LawRejected]]
    columns: ClassVar[int] = 1

    law: R
    n: int
    alpha: float

    def __call__(self, draws: Array, name: str = "draws") -> float:
        """The p-value; raises this check's own class where it is alpha or less, or NaN."""
        if draws.shape != ((self.n,) if self.columns == 1 else (self.n, self.columns)):
            raise WrongShape(f"{name}: {draws.shape} for n = {self.n}")
        if not np.isfinite(draws).all():
            raise NotFinite(f"{name}: {int((~np.isfinite(draws)).sum())} draws are not finite")
        p = self.p_value(draws)
        if not p > self.alpha:
            raise self.rejection(f"{name}: p = {p:.3g} at alpha = {self.alpha:.3g}, n = {self.n}")
        return p

    @abstractmethod
    def p_value(self, draws: Array) -> float:
        """The chance, or a bound of it, of draws as far from the law as these."""

    @abstractmethod
    def size(self, truth: R) -> float:
        """How far another law is, in the unit of the statistic."""

    @abstractmethod
    def miss(self, truth: R) -> float:
        """The chance that n draws of another law pass."""

    @abstractmethod
    def smallest(self, beta: float) -> float:
        """The least size that is missed with a chance of at most beta."""
