"""A computer that stops at any operation on a file: the command given again leaves the same.

A child does the work and ends, as by SIGKILL, before its n-th operation: nothing is cleaned up.
Some of the points are in the suite; `python -m tests.support.crash_points` goes through all.
"""

import io
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

import gbm_fast as gbm
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.commands.training import run_training
from gbm_fast.runtime.files import STATE_FORMAT, load_tensors
from gbm_fast.settings.commands import EvaluateConfig, Measurement, SampleConfig
from gbm_fast.settings.training_presets import resolve
from tests.support.processes import join, start
from tests.support.tiny_data import digits_extractor
from tests.support.tiny_runs import log, make_run, newest

CRASHED = 86
_OPERATIONS = {
    io: ("open",),
    os: (
        "open",
        "replace",
        "rename",
        "unlink",
        "mkdir",
        "rmdir",
        "fsync",
        "truncate",
        "ftruncate",
    ),
}
Work = Callable[[Path], None]
Content = dict[str, object]


def _counted(work: Work, folder: Path, at: int, report: Path) -> None:
    """Do the work; end before operation `at`, or note how many there were."""
    count = 0

    def watch(function: Callable) -> Callable:
        def watched(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == at:
                os._exit(CRASHED)
            return function(*arguments, **options)

        return watched

    originals = [(m, n, getattr(m, n)) for m, names in _OPERATIONS.items() for n in names]
    for module, name, function in originals:
        setattr(module, name, watch(function))
    try:
        work(folder)
    finally:
        for module, name, function in originals:
            setattr(module, name, function)
    report.write_text(str(count))


def train(folder: Path) -> None:
    """A training on a law, three steps with a checkpoint at each, or what is left of it."""
    size = {"width": 8, "depth": 1, "batch_size": 8, "steps": 3, "metrics_images": 0}
    every = {"checkpoint_every": 1, "log_every": 1, "device": "cpu", "resume": "auto"}
    config = gbm.TrainConfig(dataset="lognormal-1d", run_dir=folder / "run", **size, **every)
    run_training(resolve(config))


def sample(folder: Path) -> None:
    """Five images of a run in three batches."""
    settings = gbm.SamplingSettings("ddim", num_steps=2, num_images=5, batch_size=2)
    run_sampling(SampleConfig(folder / "run", folder / "out", device="cpu", sampling=settings))


def measure(folder: Path) -> None:
    """The distances of a few images."""
    settings = gbm.SamplingSettings("ddim", num_steps=2, num_images=5)
    measurement = Measurement(floor_repeats=2)
    config = EvaluateConfig(folder / "run", None, "cpu", measurement, settings)
    run_evaluation(config)


def _of_training(folder: Path) -> Content:
    run = folder / "run"
    tensors, facts = load_tensors(newest(run), STATE_FORMAT)
    weights = gbm.load_run(run, "cpu").weights_sha256()
    state = {name: tensor.tolist() for name, tensor in tensors.items()}
    return {"state": state, "step": facts["step"], "weights": weights, "log": log(run)}


def _of_files(folder: Path) -> Content:
    """Files byte by byte, without the time in an archive and the place of the run."""
    found: Content = {}
    for path in folder.rglob("[!.]*"):
        if path.suffix == ".npz":
            with np.load(path) as archive:
                found |= {name: archive[name].tolist() for name in archive.files}
        elif path.name == "settings.json":
            found[path.name] = json.loads(path.read_text()) | {"run": ""}
        elif path.is_file():
            found[path.name] = path.read_bytes()
    return found


WORKS: dict[str, tuple[Work, Callable[[Path], Content]]] = {
    "train": (train, _of_training),
    "sample": (sample, lambda folder: _of_files(folder / "out")),
    "measure": (measure, lambda folder: _of_files(folder / "run")),
}


def prepared(name: str, folder: Path) -> Path:
    """What the work needs to be there."""
    folder.mkdir(parents=True)
    if name != "train":
        digits_extractor(folder)
        make_run(folder / "run", 1, gbm.load_dataset("digits"))
    return folder


def survive(name: str, root: Path, points: Callable[[int], Iterable[int]]) -> int:
    """Crash at each of the points, of 1..n, and do the work again; how many crashes there were.

    Raises AssertionError where what is left then differs from what is left without a crash.
    """
    work, contents = WORKS[name]
    torch.set_num_threads(1)
    fresh, whole, report = prepared(name, root / "fresh"), root / "whole", root / "count"
    shutil.copytree(fresh, whole)
    assert join([start(_counted, work, whole, 0, report)]) == [0]
    expected, crashes = contents(whole), 0
    for at in points(int(report.read_text())):
        folder = shutil.copytree(fresh, root / f"at-{at}")
        assert join([start(_counted, work, folder, at, report)]) == [CRASHED], at
        work(folder)
        assert contents(folder) == expected, f"{name}, crash at operation {at}"
        left = [p for p in folder.rglob("*") if p.name.endswith(".tmp") or p.name == "parts"]
        assert not left, (at, left)
        crashes += 1
        shutil.rmtree(folder)
    return crashes


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for chosen in sys.argv[1:] or WORKS:
        with tempfile.TemporaryDirectory() as place:
            number = survive(chosen, Path(place), lambda n: range(1, n + 1))
            print(f"{chosen}: {number} crashes, and nothing was lost")
