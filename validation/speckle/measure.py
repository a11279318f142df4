"""The measurement of the despeckling study: every method on every image, and the gate.

Seconds are of the processor, so that a busy machine does not change them; with one thread
(OMP_NUM_THREADS=1) they are those of one core. Every method sees the same image, whose zeros are
replaced by its least positive number, and every estimate is 0 where the image is: there the truth
is known.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gbm_fast.settings.restoration import RestorationSettings
from gbm_fast.training.runs import TrainedModel
from validation.speckle.images import NAMES, SIDE, Array, Seen, case, filled
from validation.speckle.methods import METHODS, PEERS, TV_WEIGHT, Method, log_tv
from validation.speckle.mistakes import mistakes_lose, noise_is_right
from validation.speckle.ours import (
    additive_peer,
    band,
    load_peer,
    load_restorer,
    one_evaluation,
    ours,
    posterior_samples,
)
from validation.speckle.peers import Peer, elsewhere
from validation.speckle.scores import Scores, covered, score
from validation.study import Check, Findings

OURS, SAMPLED, ADDITIVE = "ours, one evaluation", "ours, mean of samples", "additive peer"
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Probabilities of the bands of samples whose coverage is measured."""
QUICK_SIDE, QUICK_LOOKS, QUICK_SAMPLES = 64, (4.0,), 4
Timed = Callable[[Array, float], tuple[Array, float]]
"""As a method, with the seconds that it took."""


@dataclass(frozen=True)
class Plan:
    """What is measured, and with what."""

    run: Path | None
    additive_run: Path | None
    looks: tuple[float, ...]
    num_samples: int
    side: int = SIDE
    seed: int = 0
    skip_mulog: bool = False
    peers_python: Path | None = None


@dataclass(frozen=True)
class Row:
    """One method on one image."""

    method: str
    image: str
    looks: float
    scores: Scores
    coverage_by_level: dict[str, float] | None = None


def timed(method: Method) -> Timed:
    """The method with its seconds of the processor."""

    def both(y: Array, looks: float) -> tuple[Array, float]:
        started = time.process_time()
        found = method(y, looks)
        return found, time.process_time() - started

    return both


def methods_of(plan: Plan, run: TrainedModel | None) -> tuple[dict[str, Timed], dict[str, str]]:
    """The methods that can be run, and of the others why not."""
    able = {name: timed(method) for name, method in METHODS.items()}
    unable: dict[str, str] = {}
    for name, peer in PEERS.items():
        if plan.skip_mulog and "mulog" in peer.modules:
            unable[name] = "not run: --skip-mulog"
        elif plan.peers_python is not None:
            able[name] = _by(plan.peers_python, name)
        elif missing := peer.missing():
            unable[name] = missing
        else:
            able[name] = _here(peer)
    if plan.additive_run is None:
        unable[ADDITIVE] = "not run: --additive-run"
    else:
        other = load_peer(plan.additive_run)
        able[ADDITIVE] = timed(lambda y, looks: additive_peer(other, y, looks))
    if run is None:
        unable |= dict.fromkeys((OURS, SAMPLED), "not run: --run")
    return able, unable


def _by(python: Path, name: str) -> Timed:
    return lambda y, looks: elsewhere(python, name, y, looks)


def _here(peer: Peer) -> Timed:
    peer.load()
    return timed(peer.method)


def measure_case(
    plan: Plan, run: TrainedModel | None, able: dict[str, Timed], of: Seen
) -> tuple[list[Row], dict[str, Array]]:
    """Every method on one image: the rows, and the estimates by name."""
    y, positive = filled(of.noisy), of.noisy > 0
    rows, estimates = [], {}
    for name, method in able.items():
        found, seconds = method(y, of.looks)
        estimates[name] = np.where(positive, found, 0.0)
        rows.append(Row(name, of.name, of.looks, score(of, estimates[name], seconds)))
    if run is not None:
        started = time.process_time()
        found, *ends = one_evaluation(run, y, of.looks)
        seconds = time.process_time() - started
        estimates[OURS] = np.where(positive, found, 0.0)
        scores = score(of, estimates[OURS], seconds, covered(of, *ends))
        rows.append(Row(OURS, of.name, of.looks, scores))
    if run is not None and plan.num_samples:
        rows.append(_sampled(plan, run, of, y, estimates))
    for row in rows:
        says = f"{row.scores.psnr:.2f} dB, {row.scores.seconds:.1f} s"
        print(f"{row.image}, L = {row.looks:g}, {row.method}: {says}", flush=True)
    return rows, estimates


def _sampled(
    plan: Plan, run: TrainedModel, of: Seen, y: Array, estimates: dict[str, Array]
) -> Row:
    """The mean of posterior samples, which joins the estimates, and what their bands cover."""
    started = time.process_time()
    samples = posterior_samples(run, y, of.looks, plan.num_samples, plan.seed)
    seconds = time.process_time() - started
    estimates[SAMPLED] = np.where(of.noisy > 0, samples.mean(axis=0), 0.0)
    levels = {f"{level:g}": covered(of, *band(samples, level)) for level in LEVELS}
    scores = score(of, estimates[SAMPLED], seconds, levels["0.9"])
    return Row(SAMPLED, of.name, of.looks, scores, levels)


def measure_with(plan: Plan) -> tuple[Findings, dict[str, Array]]:
    """The study by its plan; and images of the first case by method, for the figure."""
    run = load_restorer(plan.run) if plan.run is not None else None
    able, unable = methods_of(plan, run)
    rows: list[Row] = []
    checks: list[Check] = []
    pictures: dict[str, Array] = {}
    for looks in plan.looks:
        cases = [case(name, looks, plan.side) for name in NAMES]
        checks += [noise_is_right(of) for of in cases] + _mistakes(run, cases)
        for of in cases:
            measured, estimates = measure_case(plan, run, able, of)
            rows += measured
            pictures = pictures or {**estimates, "truth": of.truth}
    measurements: dict[str, Any] = {"rows": [_flat(row) for row in rows], "not_run": unable}
    measurements |= {"trained": None if run is None else run.identity()}
    return Findings(parameters(plan), measurements, tuple(checks)), pictures


def _mistakes(run: TrainedModel | None, cases: Sequence[Seen]) -> list[Check]:
    found = mistakes_lose("log-TV", log_tv, cases)
    if run is not None:
        found += mistakes_lose(OURS, lambda y, looks: ours(run, y, looks), cases)
    return found


def _flat(row: Row) -> dict[str, Any]:
    """A row of the record."""
    flat = {"method": row.method, "image": row.image, "looks": row.looks, **asdict(row.scores)}
    levels = row.coverage_by_level
    return flat if levels is None else flat | {"coverage_by_level": levels}


def parameters(plan: Plan) -> dict[str, object]:
    """What is fixed, for the record."""
    return {
        "looks": plan.looks,
        "side": plan.side,
        "num_samples": plan.num_samples,
        "run": _place(plan.run),
        "additive_run": _place(plan.additive_run),
        "log_tv_weight": TV_WEIGHT,
        "chain_steps": RestorationSettings().num_steps,
        "images": "central squares of scikit-image's camera, coins, astronaut; grey, 0..255",
        "speckle": "x Gamma(L, 1) / L, seeded by SHA-256 of 'despeckling NAME L'",
        "ssim": "scikit-image's structural_similarity, data_range=255",
        "psnr": "peak 255; estimates are not clipped",
    }


def _place(folder: Path | None) -> str | None:
    """A folder as the record has it: of this repository by its place there."""
    if folder is None:
        return None
    root = Path(__file__).resolve().parents[2]
    whole = folder.resolve()
    return str(whole.relative_to(root) if whole.is_relative_to(root) else folder)
