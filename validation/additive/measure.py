"""The measurement of the study of additive noise: trainings, distances, intervals, the gate."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from gbm_fast.data import ImageData, load_dataset, positive_from_integers
from gbm_fast.evaluation.features import load_or_train_classifier
from gbm_fast.evaluation.metrics import Evaluator
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.training import NoiseName
from gbm_fast.training.images import ImageBatches
from gbm_fast.training.loop import fit
from gbm_fast.training.runs import TrainedModel
from gbm_fast.training.trainer import Trainer
from validation.additive.plan import (
    ARMS,
    Plan,
    block_seed,
    evaluations,
    sampling,
    training,
    training_seed,
)
from validation.kl.samplers import one_torch_thread
from validation.study import Check, Findings

LEVEL = 0.95
"""Of each interval by itself."""


class Peers:
    """Both arms on one data set, with their trainings in the folder `runs`."""

    def __init__(self, plan: Plan, seed: int, runs: Path, data: ImageData) -> None:
        self.plan, self.seed, self.runs = plan, seed, runs
        self.batches = {noise: ImageBatches(data, noise=noise) for noise in ARMS}
        features = load_or_train_classifier(data, runs / "features", settings=plan.classifier)
        self.evaluate = Evaluator(data, features)

    def scale(self, noise: NoiseName) -> float:
        """How many times wider the logarithms of the states are than those of the images."""
        return self.batches[noise].log_std / self.batches[ARMS[0]].log_std

    def trainer(self, noise: NoiseName, rate: float, number: int) -> Trainer:
        """Training `number` of an arm, as far as it is; its folder is made."""
        seed = training_seed(self.seed, number)
        config = training(self.plan, noise, self.scale(noise), rate, seed)
        name = f"{noise}-{rate:g}-{seed}-{self.plan.train_steps}x{self.plan.batch_size}"
        folder = self.runs / f"{name}-width-{self.plan.width}"
        folder.mkdir(parents=True, exist_ok=True)
        return Trainer(config, self.batches[noise], folder)

    def trained(self, noise: NoiseName, rate: float, number: int) -> TrainedModel:
        """The same at its end; ValueError where it was interrupted."""
        trainer = self.trainer(noise, rate, number)
        if not fit(trainer, self.plan.train_steps, None, show_progress=False):
            raise ValueError("the training was interrupted: run the study again.")
        self.seconds = trainer.seconds
        return trainer.trained_model()

    def distances(self, run: TrainedModel, sampler: int, block: int) -> dict[str, float]:
        """Of one block of images of a sampler, and the floor."""
        settings = sampling(self.plan, sampler, block_seed(self.seed, block))
        result = self.evaluate(Sampler(run, settings)(show_progress=False))
        names = ("frechet", "kernel", "frechet_floor", "frechet_floor_sd", "kernel_floor")
        return {name: float(result[name] or 0.0) for name in names}


def paired(differences: Sequence[float]) -> tuple[float, float]:
    """(mean, half width) of the interval of Student's t for the mean; two numbers or more."""
    values = np.array(differences)
    reach = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1)
    return float(values.mean()), float(reach / math.sqrt(len(values)))


def verdict(intervals: Sequence[tuple[float, float]]) -> str:
    """Which arm is nearer to the data: the same in the intervals of all trainings, or neither."""
    lower, upper = (all(s * m > half for m, half in intervals) for s in (-1, 1))
    return "additive" if lower else "multiplicative" if upper else "neither"


def measure_with(plan: Plan, seed: int, runs: Path) -> Findings:
    """The study; a training that `runs` holds is continued, or read where it is finished."""
    data = load_dataset("digits")
    with one_torch_thread():
        peers = Peers(plan, seed, runs, data)
        fair = fairness(peers)
        tuned, seconds = _tuning(peers)
        chosen = {noise: min(tuned[noise], key=lambda row: row["frechet"]) for noise in ARMS}
        rows = []
        for number, noise in product(range(plan.training_seeds), ARMS):
            run = peers.trained(noise, chosen[noise]["rate"], number)
            seconds[f"{noise}, {number}"] = round(peers.seconds, 1)
            for sampler, block in product(range(len(plan.samplers)), range(1, plan.blocks + 1)):
                at = {"noise": noise, "training": number, "sampler": sampler, "block": block}
                rows.append(at | peers.distances(run, sampler, block))
    measurements = {
        "log_mean_and_std": {n: (b.log_mean, b.log_std) for n, b in peers.batches.items()},
        "std_min_and_max_over_scale": {n: peers.scale(n) for n in ARMS},
        "tuning": tuned,
        "chosen_rate": {noise: chosen[noise]["rate"] for noise in ARMS},
        "training_seconds": seconds,
        "rows": rows,
        "comparison": comparison(plan, rows),
        "straightness": straightness(data),
        "level_of_each_interval": LEVEL,
        "fairness": fair,
    }
    parameters = {"plan": asdict(plan), "dataset": data.name, "arms": list(ARMS)}
    return Findings(parameters, measurements, checks(plan, measurements))


def _tuning(peers: Peers) -> tuple[dict[str, list[dict]], dict[str, float]]:
    """The distance of each learning rate, on the block that is not reported, and the seconds."""
    tuned: dict[str, list[dict]] = {noise: [] for noise in ARMS}
    seconds: dict[str, float] = {}
    for noise, rate in product(ARMS, peers.plan.rates):
        run = peers.trained(noise, rate, 0)
        seconds[f"{noise}, {rate:g}"] = round(peers.seconds, 1)
        found = peers.distances(run, 1, 0)["frechet"]
        tuned[noise].append({"rate": rate, "frechet": found})
    return tuned, seconds


def fairness(peers: Peers) -> dict[str, float]:
    """How far the arms differ in what is to be the same, before the first step: initial weights,
    noise, and noise levels in units of the data's deviation."""
    first, second = (peers.trainer(noise, 0.5, 0) for noise in ARMS)
    states = [trainer.model.state_dict().values() for trainer in (first, second)]
    gaps = [float((a - b).abs().max()) for a, b in zip(*states, strict=True)]
    items = range(peers.plan.batch_size)
    drawn = [trainer.data.draw(0, items) for trainer in (first, second)]
    levels = [
        trainer.process.log_var(batch.t) / trainer.batches.log_std**2
        for trainer, batch in zip((first, second), drawn, strict=True)
    ]
    return {
        "initial_weights": max(gaps),
        "noise": float((drawn[0].z - drawn[1].z).abs().max()),
        "images": float((drawn[0].x0.double() - drawn[1].x0.log()).abs().max()),
        "relative_levels": float((levels[0] / levels[1] - 1).abs().max()),
    }


def comparison(plan: Plan, rows: list[dict]) -> list[dict]:
    """For each sampler the means, additive minus multiplicative with its interval, who is nearer.

    The blocks of the two arms have the same noise, and their differences are taken in pairs.
    """
    found = []
    for number, (sampler, levels) in enumerate(plan.samplers):

        def of(noise: str, training: int, name: str = "frechet", number: int = number) -> list:
            where = {"noise": noise, "training": training, "sampler": number}
            return [r[name] for r in rows if where.items() <= r.items()]

        every = range(plan.training_seeds)
        gaps = [np.subtract(of(ARMS[1], t), of(ARMS[0], t)) for t in every]
        intervals = [paired(gap.tolist()) for gap in gaps]
        entry = {"sampler": sampler, "levels": levels, "evaluations": evaluations(sampler, levels)}
        for noise in ARMS:
            entry[noise] = [float(np.mean(of(noise, t))) for t in every]
            entry[f"{noise}_kernel"] = [float(np.mean(of(noise, t, "kernel"))) for t in every]
        entry |= {"additive_minus_multiplicative": intervals, "nearer": verdict(intervals)}
        found.append(entry | {"floor": rows[0]["frechet_floor"]})
    return found


def straightness(data: ImageData) -> dict[str, float]:
    """How near the logarithm is to a straight line on [1, 2], and on the pixels of the data.

    By calculus the line that is nearest in the greatest difference has half the gap of the chord,
    whose greatest is where 1 / x = log 2.
    """
    at = 1 / math.log(2)
    gap = (math.log(at) - (at - 1) * math.log(2)) / 2
    x = positive_from_integers(data.train_images, data.max_value).double().flatten()
    return {
        "greatest_gap_over_range": gap / math.log(2),
        "correlation_of_pixels": float(torch.corrcoef(torch.stack([x, x.log()]))[0, 1]),
        "slope_at_1_over_slope_at_2": 2.0,
    }


def checks(plan: Plan, measurements: dict) -> tuple[Check, ...]:
    """What must hold whatever the networks have learned."""
    fair, rows = measurements["fairness"], measurements["rows"]
    same = max(fair["initial_weights"], fair["noise"]) == 0 and fair["relative_levels"] < 1e-9
    whole = len(ARMS) * plan.training_seeds * len(plan.samplers) * plan.blocks
    distances = [row["frechet"] for row in rows]
    sound = len(rows) == whole and all(math.isfinite(d) and d > 0 for d in distances)
    return (
        Check(
            "both arms begin with the same weights, noise and relative levels",
            same and fair["images"] < 1e-6,
            ", ".join(f"{name} {gap:.1g}" for name, gap in fair.items()),
        ),
        Check(
            "every block of every sampler is measured",
            sound,
            f"{len(rows)} of {whole} distances, {min(distances):.3g} to {max(distances):.3g}",
        ),
    )
