"""Samplers whose output is not normal in log X: mixtures, and the sign-agnostic step. Null law:
the density carried through the rows of gbm_ref's step (`laws`), a twin's through its own."""

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
import torch
from scipy.special import ndtri

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics import laws, pieces
from tests.statistics.laws import Array, Law, RowMap, gaussian_line, log_sampler, signed_sampler
from tests.statistics.pieces import Build, Edit, correct, drawn, edited, row_maps, states
from tests.statistics.scenario import Scenario, Twin, View
from tests.support.problems import LOG_NORMALS, MIXTURES, PROCESSES

Transport = Callable[[list[RowMap], Law], Law]
Bugs = Mapping[str, Edit]
PATHS = 2**17
MIXTURE = MIXTURES["mixture-1d"]
CONSTANT = PROCESSES["constant"]
# Noise so strong that eight of a hundred paths end below zero.
STRONG = ref.GBM(mu=0.13, sigma=1.1, horizon=0.9)
LINE: Mapping[str, View] = {"log x": lambda draws: draws[:, 0]}
SIGNED: Mapping[str, View] = {
    "x": lambda draws: draws[:, 0],
    "x below zero": lambda draws: (draws[:, 0] < 0.0).astype(np.float64),
}


def oracle_rows(
    step: ref.Step, data: ref.Target, process: ref.Process, grid: ref.Grid
) -> list[RowMap]:
    score = ref.exact_score(data, process)

    def apply(row: ref.Row, x: Array, z: float) -> Array:
        return step(process, score, x[:, None], *row, np.full((x.size, 1), z))[:, 0]

    return [partial(apply, row) for row in grid]


def start_of(data: ref.Target, process: ref.Process, grid: ref.Grid) -> Law:
    """The normal law that `pieces.correct` starts from."""
    return gaussian_line(ref.log_moments(data.diffuse(process, grid[0].t_score)))


def rows_of(grid: ref.Grid) -> tuple[gbm.Row, ...]:
    return tuple(gbm.Row(*row) for row in grid)


MIXED_GRID, FLOW_GRID, SIGNED_GRID = (ref.uniform(n, 0.9) for n in (6, 6, 4))
SIGNED_DATA = LOG_NORMALS["log-normal-1d"]
MIXED = correct(gbm.DaleLangevin(), MIXTURE, CONSTANT, rows_of(MIXED_GRID))
MIXED_FLOW = correct(gbm.ProbabilityFlow(), MIXTURE, CONSTANT, rows_of(FLOW_GRID))
AMBIENT = correct(gbm.SignAgnostic(), SIGNED_DATA, STRONG, rows_of(SIGNED_GRID))
PRESERVING = correct(gbm.AmbientMarginalPreserving(0.6), SIGNED_DATA, STRONG, rows_of(SIGNED_GRID))


def _moved(rows: list[RowMap], start: Law) -> Law:
    """The law after rows without noise, which map the line monotonically."""
    x = np.exp(start.mean + np.sqrt(start.var) * ndtri(laws.midpoints(40_000)))
    for row in rows:
        x = row(x, 0.0)
    return laws.pushforward(np.log(x))


def _of_oracle(
    transport: Transport, step: ref.Step, data: ref.Target, process: ref.Process, grid: ref.Grid
) -> Law:
    return transport(oracle_rows(step, data, process, grid), start_of(data, process, grid))


_mixed, _signed = (MIXTURE, CONSTANT), (SIGNED_DATA, STRONG, SIGNED_GRID)
# log X_0 of two samplers of a mixture, and X_0 of two that change signs.
mixture_dale = cache(partial(_of_oracle, log_sampler, ref.DaleLangevin(), *_mixed, MIXED_GRID))
mixture_flow = cache(partial(_of_oracle, _moved, ref.ProbabilityFlow(), *_mixed, FLOW_GRID))
sign_agnostic = cache(partial(_of_oracle, signed_sampler, ref.SignAgnostic(), *_signed))
ambient_preserving = cache(
    partial(_of_oracle, signed_sampler, ref.AmbientMarginalPreserving(0.6), *_signed)
)


def sign_agnostic_below_zero() -> float:
    """P(X_0 < 0) of the sign-agnostic sampler."""
    return float(sign_agnostic().cdf(np.zeros(1))[0])


def _twin(build: Build, edit: Edit, draw: Callable[..., Array], transport: Transport) -> Twin:
    wrong = edited(build, edit)

    @cache
    def law() -> Law:
        return transport(row_maps(wrong), gaussian_line(wrong(torch.float64).start))

    def truth(view: str) -> Law | float:
        return float(law().cdf(np.zeros(1))[0]) if view == "x below zero" else law()

    return Twin(partial(draw, wrong, PATHS), truth)


def _signs_dropped() -> Twin:
    """|x| in the place of x: a sampler that thinks of positive data."""
    right = sign_agnostic()
    assert sign_agnostic_below_zero() > 0.0

    def cdf(x: Array) -> Array:
        return np.where(x > 0.0, right.cdf(x) - right.cdf(-x), 0.0)

    folded = Law(cdf, right.low, right.high, error=2 * right.error)
    return Twin(
        lambda source: np.abs(states(AMBIENT, PATHS, source)),
        lambda view: 0.0 if view == "x below zero" else folded,
    )


# One draw for all rows leaves no Markov chain to transport. For the sign-agnostic sampler at this
# noise the start without the data and sigma = 1.1 for its square are less than 0.01 away in
# distribution from the right one, and are left to the other samplers.
_MARKOV = {name: edit for name, edit in pieces.COMMON.items() if name != "one draw for all rows"}
_FLOW_BUGS = {
    name: pieces.COMMON[name] for name in ("score one row late", "start without the data")
}
_FLOW_BUGS["Ito term missing"] = pieces.score_plus(0.5)
_UNSEEN = ("start without the data", "sigma for sigma^2")
_SIGNED_BUGS = {name: edit for name, edit in _MARKOV.items() if name not in _UNSEEN}
_FORGOTTEN = {"kappa forgotten": pieces.other_step(gbm.SignAgnostic())}


def _on_line(name: str, about: str, build: Build, bugs: Bugs, transport: Transport) -> Scenario:
    twins = {bug: _twin(build, edit, drawn, transport) for bug, edit in bugs.items()}
    return Scenario(name, about, partial(drawn, build, PATHS), twins, LINE)


def _with_signs(name: str, about: str, build: Build, bugs: Bugs, **more: Twin) -> Scenario:
    twins = {bug: _twin(build, edit, states, signed_sampler) for bug, edit in bugs.items()} | more
    return Scenario(name, about, partial(states, build, PATHS), twins, SIGNED)


_DALE, _HEUN = (f"{scheme} on a mixture, d = 1, 6 rows" for scheme in ("eq. (13)", "Heun"))
_EIGHT = "eq. (12), d = 1, 4 rows, 8 % of the paths end below zero"
_IN_X = "kappa = 0.6 in X, d = 1, 4 rows"
_DROPPED = {"signs dropped": _signs_dropped()}
SCENARIOS = [
    _on_line("dale-langevin mixture", _DALE, MIXED, _MARKOV, log_sampler),
    _on_line("probability flow mixture", _HEUN, MIXED_FLOW, _FLOW_BUGS, _moved),
    _with_signs("sign-agnostic", _EIGHT, AMBIENT, _SIGNED_BUGS, **_DROPPED),
    _with_signs("ambient marginal-preserving", _IN_X, PRESERVING, _FORGOTTEN),
]
