"""The measurement of the study of learned scores: every network, and the gate."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gbm_fast.parameterisation import ScoreModel
from gbm_fast.settings.datasets import ToyName
from validation.kl.samplers import one_torch_thread
from validation.learned import gate, identity
from validation.learned.line import Line
from validation.learned.networks import LogScore, log_score, train
from validation.learned.plane import Plane
from validation.learned.problems import (
    LINES,
    SIGMA,
    WAYS,
    Array,
    Case,
    Plan,
    cases,
    process,
    shown_levels,
)
from validation.learned.sampled import ALPHA, band, distance, draws
from validation.learned.shares import EARLY, shares, target_share
from validation.study import Findings

_IDENTITY_DRAWS = 2**14
_CURVES, _SHOWN = 200, 800


def measure_with(plan: Plan, seed: int, runs: Path, workers: int = 1) -> Findings:
    """The study; a training that `runs` holds is continued, or read where it is finished.

    The laws are shared by `workers` processes; their number changes the time and nothing else.
    """
    one = partial(_measure_law, plan=plan, seed=seed, runs=runs)
    if workers == 1:
        results = [one(law) for law in plan.laws]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            results = list(pool.map(one, plan.laws))
    laws = dict(zip(plan.laws, (facts for facts, _ in results), strict=True))
    networks = [network for _, found in results for network in found]
    measurements = {
        "laws": laws,
        "summary": summary(plan, networks),
        "networks": networks,
        "share_of_small_times_in_the_unweighted_target": target_share(plan.num_steps),
        "small_times_up_to": EARLY,
        "false_alarm_of_each_band_at_most": ALPHA,
    }
    parameters = {"plan": asdict(plan), "sigma": SIGMA}
    return Findings(parameters, measurements, gate.checks(plan, laws, networks))


def summary(plan: Plan, networks: list[dict]) -> list[dict]:
    """For each law and way the main numbers, a list over the seeds for each."""
    rows = []
    for law in plan.laws:
        for way in WAYS:
            chosen = [one for one in networks if (one["law"], one["way"]) == (law, way)]
            names = ("kl_nats", "kl_bound_nats", "distance_from_data")
            row = {name: [one[name] for one in chosen if name in one] for name in names}
            first = [one["errors"][0]["error_times_v"] for one in chosen]
            rows.append({"law": law, "way": way, "error_times_v_at_smallest_t": first} | row)
    return rows


def _measure_law(law: ToyName, plan: Plan, seed: int, runs: Path) -> tuple[dict, list[dict]]:
    """The facts of one law, and what is reported of each of its networks."""
    networks = []
    with one_torch_thread():
        problem = Line(law, plan.num_steps) if law in LINES else _plane(law, plan)
        for case in tqdm(cases(plan, law, seed), desc=law, leave=False):
            model, seconds = train(case, plan, runs)
            entry = _network(problem, case, plan, model, seed)
            networks.append(entry | {"training_seconds": seconds})
        return problem_facts(problem), networks


def rounded(values: Array) -> list:
    """For what is only drawn, (n,) or (n, d): lists with four significant digits."""
    if values.ndim == 1:
        return [float(f"{value:.4g}") for value in values]
    return [rounded(row) for row in values]


def _plane(law: str, plan: Plan) -> Plane:
    return Plane(law, plan.num_steps, tuple(shown_levels(plan)))


def problem_facts(problem: Line | Plane) -> dict:
    """What does not depend on a network."""
    facts = {
        "d": problem.target.d,
        "discretisation_nats": problem.discretisation,
        "start_divergence_nats": _start_divergence(problem),
    }
    if isinstance(problem, Line):
        exact = problem.transport(problem.scores)
        curve = _thinned(problem)
        facts |= {
            "perfect_network_kl": problem.divergence(exact),
            "log_x": rounded(problem.y[curve]),
            "density": rounded(problem.densities[0][curve]),
        } | gate.line_facts(problem, exact)
    return facts


def _start_divergence(problem: Line | Plane) -> float:
    if isinstance(problem, Line):
        return problem.divergence(problem.start_density, problem.num_steps)
    return problem.start_divergence


def _thinned(line: Line) -> Array:
    """Indices of the nodes where the data have their mass, for the figure."""
    inside = np.flatnonzero(line.densities[0] > 1e-6 * line.densities[0].max())
    return inside[:: max(1, inside.size // _CURVES)]


def _network(problem: Line | Plane, case: Case, plan: Plan, model: ScoreModel, seed: int) -> dict:
    """Everything that is reported of one network."""
    first = case.seed == seed
    entry: dict = {"law": case.law, "way": case.way, "seed": case.seed}
    if isinstance(problem, Line):
        entry |= _on_line(problem, case, plan, model, first)
    else:
        entry |= _in_plane(problem, case, plan, model, first)
    if first:
        taken = shares(case, plan, model)
        order = np.argsort(taken.times)
        shared = np.cumsum(taken.gradients[order]) / taken.gradients.sum()
        entry |= {
            "loss_share_of_small_times": taken.early(taken.losses),
            "gradient_share_of_small_times": taken.early(taken.gradients),
            "gradient_times": rounded(taken.times[order][:: max(1, order.size // _CURVES)]),
            "gradient_share_up_to": rounded(shared[:: max(1, order.size // _CURVES)]),
        }
    return entry


def _bound(problem: Line | Plane, error_sum: float) -> dict:
    """The terms of the bound of the package docstring, in nats."""
    score = 0.5 * problem.dv * error_sum
    start = _start_divergence(problem)
    total = start + score + problem.discretisation
    return {"score_term_nats": score, "kl_bound_nats": total}


def _level_rows(levels: list[int], errors: Array, problem: Line | Plane) -> list[dict]:
    """E |h_model - h|^2 at the levels, and times v(t): the error of the expected noise."""
    return [
        {"t": k / problem.num_steps, "error": error, "error_times_v": error * k * problem.dv}
        for k, error in zip(levels, errors.tolist(), strict=True)
    ]


def _on_line(line: Line, case: Case, plan: Plan, model: ScoreModel, first: bool) -> dict:
    score = log_score(model)
    learned = line.learned(score)
    errors = line.errors(learned)
    law = line.transport(learned)
    levels, curve = shown_levels(plan), _thinned(line)
    losses = [identity.on_the_line(line, score, errors, k)._asdict() for k in _few(levels)]
    cdf = np.cumsum(law) * line.spacing
    exact_cdf = np.cumsum(line.densities[0]) * line.spacing
    entry = {
        "errors": _level_rows(levels, errors[np.array(levels) - 1], line),
        "identity": losses,
        **_bound(line, float(errors.sum())),
        "kl_nats": line.divergence(law),
        "mass": line.integral(law),
        "distance_from_data": float(np.abs(cdf - exact_cdf).max()),
    }
    if first:
        sampled = draws(model, line.start, plan.num_steps, plan.line_samples, case.seed)[:, 0]
        entry |= {
            "samples": plan.line_samples,
            "samples_from_own_law": distance(sampled, line.y, cdf - 0.5 * law * line.spacing),
            "band": band(plan.line_samples),
            "density": rounded(law[curve]),
            "scores": _score_curves(line, learned, curve, levels),
            "drawn": rounded(sampled[:_SHOWN]),
        }
    return entry


def _score_curves(line: Line, learned: Array, curve: Array, levels: list[int]) -> list[dict]:
    """s and s_model at a small, a middle and the last time, where the law has its mass."""
    chosen = [levels[0], levels[len(levels) // 2], levels[-1]]
    return [
        {
            "t": k / line.num_steps,
            "exact": rounded(line.scores[k - 1][curve]),
            "learned": rounded(learned[k - 1][curve]),
        }
        for k in chosen
    ]


def _in_plane(plane: Plane, case: Case, plan: Plan, model: ScoreModel, first: bool) -> dict:
    score = log_score(model)
    errors = plane.errors(score)
    terms = _bound(plane, plane.sum_over_steps(errors))
    sampled = draws(model, plane.start, plan.num_steps, plan.plane_samples, case.seed)
    distances = plane.distances(sampled)
    indices = list(_few(list(range(len(plane.levels)))))
    losses = [
        identity.in_the_plane(plane, score, errors, i, _IDENTITY_DRAWS, case.seed)._asdict()
        for i in indices
    ]
    return {
        "errors": _level_rows(list(plane.levels), errors, plane),
        "identity": losses,
        **terms,
        "samples": plan.plane_samples,
        "distance_from_data": float(distances.max()),
        "band": band(plan.plane_samples, ALPHA / distances.size),
    } | (_shown(plane, score, sampled) if first else {})


def _shown(plane: Plane, score: LogScore, sampled: Array) -> dict:
    """Draws, and the exact and the learned field s on a coarse grid, at t near 0.05."""
    k = min(plane.levels, key=lambda level: abs(level / plane.num_steps - 0.05))
    axes = [np.linspace(-2.0, 2.0, 15)] * 2
    y = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    law = plane.target.diffuse(process(), k / plane.num_steps)
    field = {
        "t": k / plane.num_steps,
        "y": rounded(y),
        "exact": rounded(law.log_score(np.exp(y))),
        "learned": rounded(score(y, k / plane.num_steps)),
    }
    return {"drawn": rounded(sampled[:_SHOWN]), "field": field}


def _few(levels: list[int]) -> Iterator[int]:
    """Five of the levels, the first and the last among them."""
    for i in np.linspace(0, len(levels) - 1, 5).round().astype(int).tolist():
        yield levels[i]
