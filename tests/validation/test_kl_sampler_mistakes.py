"""The step-size study refuses planted mistakes: each passes with a chance below MISS, by its exact
law, a correct one is refused with at most ALPHA (three times a run: see the ledger)."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

import gbm_ref as ref
from validation.kl.gate import points_check
from validation.kl.measure import measure_with
from validation.kl.points import FALSE_ALARM, Cell, Plan, mirrored_cells, point, reverse_cells
from validation.kl.problem import MirroredProblem, ReverseProblem, gaussian, moments_of
from validation.kl.problem import relative_gap as gap
from validation.kl.samplers import REF, Implementation

REVERSE, MIRRORED = ReverseProblem(), MirroredProblem()
SIZE, ALPHA, MISS = 2**15, FALSE_ALARM / 18, 1e-9
STEPS, DELTA, CHECKPOINTS = 8, 0.2, (8, 32)
Chain = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(log start (n,), noise (rows, n)) -> log end (n,): a sampler with its randomness passed in."""


def reverse_chain(
    shift: float = 0.0, noise: float = 1.0, lag: float = 0.0, shared: bool = False
) -> Chain:
    """The oracle's Dale-Langevin chain of STEPS steps; the arguments plant mistakes in it."""
    process = ref.GBM(REVERSE.mu, REVERSE.sigma)
    exact = ref.exact_score(ref.LogNormal([REVERSE.log_mean], REVERSE.log_var), process)
    grid = tuple(row._replace(noise=noise * row.noise) for row in ref.uniform(STEPS))

    def score(x: np.ndarray, t: float) -> np.ndarray:
        return exact(x, max(t - lag / STEPS, 0.0)) + shift

    def chain(log_start: np.ndarray, z: np.ndarray) -> np.ndarray:
        start = np.exp(log_start)[:, None]

        def source(row: int) -> np.ndarray:
            return z[0 if shared else row][:, None]

        return np.log(ref.simulate(ref.DaleLangevin(), process, score, start, grid, source)[:, 0])

    return chain


def mirrored_chain(shift: float = 0.0, noise: float = 1.0, rate: float = 1.0) -> Chain:
    """The oracle's mirrored Langevin chain of max(CHECKPOINTS) steps, with mistakes planted."""
    target = ref.LogNormal([MIRRORED.log_mean], MIRRORED.log_var)

    def chain(log_start: np.ndarray, z: np.ndarray) -> np.ndarray:
        x = np.exp(log_start)[:, None]
        for draws_of_step in z[: max(CHECKPOINTS)]:
            stein = rate * target.stein_score(x) + shift / x
            x = ref.mirrored_langevin_step(x, stein, DELTA, noise * draws_of_step[:, None])
        return np.log(x[:, 0])

    return chain


class Setting(NamedTuple):
    """A cell, the law its chain starts from, and the number of rows of noise it takes."""

    cell: Cell
    start: ref.Gaussian
    rows: int


def settings_of(kind: str) -> Setting:
    if kind == "reverse":
        noised_mean = REVERSE.log_mean + REVERSE.mu - REVERSE.sigma**2 / 2
        start = gaussian(noised_mean, REVERSE.log_var + REVERSE.sigma**2)
        return Setting(reverse_cells(REVERSE, [STEPS])[0], start, STEPS)
    last = mirrored_cells(MIRRORED, DELTA, CHECKPOINTS)[-1]
    return Setting(last, MIRRORED.start_law, max(CHECKPOINTS))


MISTAKES = {
    "Ito term missing (version 1's Algorithm 1, E2)": ("reverse", reverse_chain(shift=-1.0)),
    "log score in place of the Hyvarinen score": ("reverse", reverse_chain(shift=1.0)),
    "noise sqrt(delta / 2)": ("reverse", reverse_chain(noise=math.sqrt(0.5))),
    "noise annealed by a tenth": ("reverse", reverse_chain(noise=0.9)),
    "score read one level too low": ("reverse", reverse_chain(lag=1.0)),
    "one draw shared by all steps": ("reverse", reverse_chain(shared=True)),
    "mirrored: noise sqrt(delta)": ("mirrored", mirrored_chain(noise=math.sqrt(0.5))),
    "mirrored: Jacobian term 1 missing": ("mirrored", mirrored_chain(shift=-1.0)),
    "mirrored: drift halved": ("mirrored", mirrored_chain(rate=0.5, shift=-0.5)),
    "mirrored: stepped with the reverse drift": ("mirrored", mirrored_chain(rate=-0.1)),
}


def law_of(chain: Chain, setting: Setting) -> ref.Gaussian:
    """Exact law of an affine chain, by one evaluation a unit of noise (no randomness)."""
    mean, variance = moments_of(setting.start)
    log_start = np.full(setting.rows + 2, mean)
    log_start[-1] += 1.0
    z = np.zeros((setting.rows, setting.rows + 2))
    z[np.arange(setting.rows), np.arange(setting.rows)] = 1.0
    ends = chain(log_start, z)
    centre, responses = ends[-2], ends - ends[-2]
    return gaussian(centre, responses[-1] ** 2 * variance + float(np.sum(responses[:-2] ** 2)))


def drawn(chain: Chain, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    mean, variance = moments_of(setting.start)
    log_start = mean + math.sqrt(variance) * rng.standard_normal(SIZE)
    return chain(log_start, rng.standard_normal((setting.rows, SIZE)))


def chance_of_missing(law: ref.Gaussian, exact: ref.Gaussian) -> float:
    """Upper bound of the probability that SIZE draws of `law` pass for draws of `exact`."""
    (mean, variance), (exact_mean, exact_variance) = moments_of(law), moments_of(exact)
    degrees = SIZE - 1
    low, high = (quantile(ALPHA / 4, degrees) for quantile in (stats.chi2.ppf, stats.chi2.isf))
    ratio = exact_variance / variance
    by_variance = stats.chi2.cdf(high * ratio, degrees) - stats.chi2.cdf(low * ratio, degrees)
    # The sample's standard deviation exceeds 1.1 of the true one with the probability added last.
    reach = 1.1 * stats.t.isf(ALPHA / 4, degrees)
    distance = abs(mean - exact_mean) / math.sqrt(variance / SIZE)
    by_mean = stats.norm.cdf(reach - distance) + stats.chi2.sf(1.21 * degrees, degrees)
    return float(min(by_variance, by_mean))


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_refused(name: str, rng: np.random.Generator) -> None:
    kind, chain = MISTAKES[name]
    setting = settings_of(kind)
    assert chance_of_missing(law_of(chain, setting), setting.cell.exact_law) < MISS
    measured = point(setting.cell, "planted", drawn(chain, setting, rng), ALPHA)
    assert not measured.accepted
    assert not points_check([measured], "planted", 1).passed


@pytest.mark.parametrize("kind", ["reverse", "mirrored"])
def test_the_same_path_without_a_mistake_is_accepted(kind: str, rng: np.random.Generator) -> None:
    """False alarm ALPHA < 3e-8; shows that the refusals above are not the test's own doing."""
    chain = {"reverse": reverse_chain, "mirrored": mirrored_chain}[kind]()
    setting = settings_of(kind)
    assert gap(law_of(chain, setting), setting.cell.exact_law) < 1e-12
    measured = point(setting.cell, "correct", drawn(chain, setting, rng), ALPHA)
    assert measured.accepted
    assert measured.kl_range.contains(setting.cell.exact_kl)


def test_version_one_curve_is_the_law_of_the_chain_without_the_ito_term() -> None:
    """The contrast line of the figure, against the sampler's own map (claim E2)."""
    law = law_of(reverse_chain(shift=-1.0), settings_of("reverse"))
    assert gap(law, REVERSE.version_one_law(STEPS)) < 1e-12
    limit = -REVERSE.log_var * math.log1p(REVERSE.sigma**2 / REVERSE.log_var)
    shift = moments_of(REVERSE.version_one_law(2**20))[0] - REVERSE.log_mean
    assert shift == pytest.approx(limit, rel=1e-5)


def test_the_whole_study_refuses_a_library_with_a_mistake() -> None:
    def without_ito(
        problem: ReverseProblem, num_steps: int, size: int, seed: np.random.SeedSequence
    ) -> np.ndarray:
        shift = moments_of(problem.version_one_law(num_steps))[0] - problem.log_mean
        return REF.reverse(problem, num_steps, size, seed) + shift

    planted = Implementation("planted", without_ito, REF.mirrored)
    findings = measure_with(Plan(SIZE, (2, 8), (0.2,), (8,)), 3, (planted,))
    assert not findings.passed
    failed = [check.name for check in findings.checks if not check.passed]
    assert failed == ["Monte Carlo of planted"]


def test_a_sampler_that_gives_nan_is_refused(rng: np.random.Generator) -> None:
    setting = settings_of("reverse")
    samples = drawn(reverse_chain(), setting, rng)
    samples[7] = math.nan
    assert not point(setting.cell, "planted", samples, ALPHA).accepted


def test_missing_points_are_refused(rng: np.random.Generator) -> None:
    setting = settings_of("reverse")
    good = point(setting.cell, "gbm_ref", drawn(reverse_chain(), setting, rng), ALPHA)
    assert points_check([good], "gbm_ref", 1).passed
    assert not points_check([good], "gbm_ref", 2).passed
    assert not points_check([good], "gbm_fast", 1).passed
    assert not points_check([], "gbm_ref", 0).passed
