"""The ledger of statistical assertions, read from ledger.toml, and the sums of its error rates,
checked at import: no suite runs whose false alarms or missed twins exceed the budget."""

import importlib
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("ledger.toml")
ALPHA_BUDGET, BETA_BUDGET = 1e-6, 1e-4


@dataclass(frozen=True, eq=False)
class Entry:
    """One statistical assertion.

    scenario   what is drawn (`catalogue`), or the file that makes the assertion itself
    view       what of the draws is looked at
    statistic  a name of `checks.STATISTICS`, or the words of a test elsewhere
    n          draws that the statistic sees
    alpha      chance that correct code is refused, in a whole run
    count      how many times the assertion is made in a run, each at alpha / count
    beta       chance that one of the twins is missed
    effect     name and size of the least effect that must be seen (the names are in `checks`)
    null       "module:function", which returns the law of correct code
    twins      the planted bugs that this assertion must refuse, of that size or more"""

    scenario: str
    view: str
    statistic: str
    n: int
    alpha: float
    beta: float
    effect: dict[str, float]
    null: str
    twins: tuple[str, ...]
    count: int = 1

    @property
    def id(self) -> str:
        return f"{self.scenario}/{self.view}/{self.statistic}"

    @property
    def elsewhere(self) -> bool:
        return self.scenario.endswith(".py")

    @property
    def size(self) -> float:
        (size,) = self.effect.values()
        return size

    def reference(self) -> object:
        module, _, name = self.null.partition(":")
        return getattr(importlib.import_module(module), name)()


def load(path: Path = FILE) -> tuple[int, tuple[Entry, ...]]:
    """The run seed and the entries; ValueError where a row is malformed or stands twice."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    entries = tuple(_entry(row) for row in content["assertion"])
    names = [entry.id for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"assertions that stand twice: {twice}")
    return content["run_seed"], entries


def _entry(row: dict) -> Entry:
    try:
        entry = Entry(**{**row, "twins": tuple(row["twins"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a row of the ledger ({error}): {row}") from error
    rates = 0.0 < entry.alpha < 1.0 and 0.0 < entry.beta < 1.0
    if not rates or entry.n < 1 or len(entry.effect) != 1 or not entry.twins:
        what = "alpha and beta in (0, 1), n >= 1, one effect, at least one twin"
        raise ValueError(f"{entry.id}: {what}")
    return entry


def sums(entries: Sequence[Entry]) -> tuple[float, float]:
    """The sums of alpha, and of beta over all twins; ValueError above the budgets."""
    alpha = math.fsum(entry.alpha for entry in entries)
    beta = math.fsum(entry.beta * len(entry.twins) for entry in entries)
    if not (alpha <= ALPHA_BUDGET and beta <= BETA_BUDGET):
        budgets = f"budgets {ALPHA_BUDGET:g} and {BETA_BUDGET:g}"
        raise ValueError(f"sum of alpha {alpha:.3g}, sum of beta {beta:.3g}: {budgets}")
    return alpha, beta


RUN_SEED, LEDGER = load()
ALPHA, BETA = sums(LEDGER)
