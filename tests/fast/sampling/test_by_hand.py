"""Samples against those that are written out in NumPy with the oracle's steps: every sampler,
start and process, every setting away from its default, in colour and on vectors, and the files."""

import json
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.sampling.sampler import batches
from gbm_fast.settings.commands import SampleConfig
from gbm_fast.settings.sampling import SamplerName, StartName
from tests.support.fixtures import Folders, Patch
from tests.support.hand_runs import (
    CONSTANT,
    EXPLODING,
    LAW,
    by_hand,
    folder_data,
    image_run,
    law_run,
    write_folder,
)
from tests.support.sampling_by_hand import NOISE_FREE, STEPS, HandRun
from tests.support.small_colour import Told
from tests.support.training_by_hand import HandData

STARTS = ("class-average", "lognormal", "lognormal-averages", "data", "lognormal-full")
OF_CONSTANT = (*STARTS, "class-average-coded")
Pair = tuple[gbm.Run, HandRun]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: Folders) -> dict[str, Pair]:
    """Runs of both processes, with and without classes, on colour images and on a law; the one
    without on so little noise that a start still has the class."""
    root = tmp_path_factory.mktemp("by hand")
    pictures = write_folder(root / "pictures")
    made: dict[str, Pair] = {}
    kinds = {
        "exploding": (EXPLODING, True),
        "constant": (CONSTANT, True),
        "plain": (EXPLODING | {"std_max": 0.6}, False),
        "guided": (EXPLODING | {"label_dropout": 0.4}, True),
    }
    for name, (settings, conditional) in kinds.items():
        run = image_run(root / name, pictures, conditional, Told(), **settings)
        made[name] = run, by_hand(run, folder_data()[0])
        run = law_run(root / f"law {name}", conditional, **settings)
        made[f"law {name}"] = run, by_hand(run, HandData(None, None, law=LAW))
    return made


def settings_of(sampler: str, process: str, start: str) -> gbm.SamplingSettings:
    """Every setting that the sampler has on the process, away from its default."""
    chosen: dict[str, object] = {"num_steps": 4, "seed": 17, "num_images": 2, "batch_size": 2}
    if process == "constant":
        chosen["sigma"] = 0.55
    if sampler not in NOISE_FREE:
        chosen["chi"] = 0.8
        if process != "exploding":
            chosen |= {"inner_steps": 2, "step_length": 0.07, "denoise_steps": 1}
    if sampler == "marginal-preserving":
        chosen["kappa"] = 0.6
    named = "constant" if process == "constant" else "run"
    return gbm.SamplingSettings(sampler=sampler, process=named, start=start, **chosen)


def agree(pair: Pair, settings: gbm.SamplingSettings) -> torch.Tensor:
    """The samples, their labels, and the states that they come from; of which it is the first."""
    (run, hand), sampler, ends = pair, gbm.Sampler(pair[0], settings), []
    wanted = range(settings.num_images)
    expected, labels = hand.samples(settings, wanted)
    take = sampler.states
    sampler.states = lambda *given: ends.append(take(*given)) or ends[-1]
    made = list(sampler.batches(batches(wanted, settings.batch_size), False))
    assert max(len(batch) for batch, _ in made) == settings.batch_size
    states = torch.cat([part.x for part in ends]).numpy()
    assert np.abs(states / expected - 1).max() < 2e-4
    shown = torch.cat([part.x for _, part in made])
    assert np.array_equal(shown, states if run.law is not None else states.clip(1, 2))
    if labels is None:
        assert made[0][1].labels is None
    else:
        assert [int(label) for _, part in made for label in part.labels] == labels
    return shown


ON_RUN = [("exploding", s) for s in STEPS if s not in ("sign-agnostic", "milstein")]
ON_CONSTANT = [("constant", s) for s in STEPS]
# Every start and every sampler on both processes.
CELLS = [
    (*cell, start)
    for part, starts in ((ON_RUN, STARTS), (ON_CONSTANT, OF_CONSTANT))
    for cell, start in zip(part, cycle(starts))
]


@pytest.mark.parametrize(("process", "sampler", "start"), CELLS)
def test_images_are_those_written_by_hand(
    runs: dict[str, Pair], process: str, sampler: SamplerName, start: StartName
) -> None:
    agree(runs["exploding"], settings_of(sampler, process, start))


@pytest.mark.parametrize("process", ["exploding", "constant"])
@pytest.mark.parametrize("sampler", ["probability-flow", "ddim"])
def test_images_of_a_churned_sampler(
    runs: dict[str, Pair], process: str, sampler: SamplerName
) -> None:
    settings = settings_of(sampler, process, "lognormal")
    churned = agree(runs["exploding"], replace(settings, churn=0.4))
    assert not torch.equal(churned, agree(runs["exploding"], settings))


@pytest.mark.parametrize("sampler", STEPS)
def test_images_of_a_run_on_the_constant_process(
    runs: dict[str, Pair], sampler: SamplerName
) -> None:
    agree(runs["constant"], replace(settings_of(sampler, "own", "data"), num_steps=5))


@pytest.mark.parametrize("kind", ["exploding", "plain"])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("label", [None, 0, 2])
def test_labels_and_starts_are_those_of_the_class(
    runs: dict[str, Pair], kind: str, start: StartName, label: int | None
) -> None:
    settings = replace(settings_of("ancestral", "exploding", start), label=label, num_images=3)
    settings = replace(settings, num_steps=2)
    for name in (kind, f"law {kind}"):
        if label == 2 and name.startswith("law"):
            with pytest.raises(ValueError, match=r"0\.\.1|not class-conditional"):
                gbm.Sampler(runs[name][0], settings)
        elif label is not None and kind == "plain" and start.startswith("lognormal"):
            with pytest.raises(ValueError, match="not class-conditional"):
                gbm.Sampler(runs[name][0], settings)
        else:
            found = agree(runs[name], settings)
            if label is None and start == "lognormal":
                whole = gbm.Sampler(runs[name][0], settings)(show_progress=False)
                assert torch.equal(whole, found)


@pytest.mark.parametrize(
    ("sampler", "start"), [*zip(("probability-flow", "milstein") * 3, OF_CONSTANT, strict=True)]
)
def test_draws_of_a_law_are_those_written_by_hand(
    runs: dict[str, Pair], sampler: SamplerName, start: StartName
) -> None:
    agree(runs["law exploding"], settings_of(sampler, "constant", start))


GUIDED = [
    ("probability-flow", "exploding", "lognormal", 0.0),
    ("ancestral", "exploding", "data", 2.5),
    ("dpmpp-2m", "exploding", "class-average", 1.8),
    ("sign-agnostic", "constant", "lognormal", 3.0),
]


@pytest.mark.parametrize(("sampler", "process", "start", "weight"), GUIDED)
def test_guided_images_are_those_written_by_hand(
    runs: dict[str, Pair], sampler: SamplerName, process: str, start: StartName, weight: float
) -> None:
    """And not those of another weight, nor of class and all exchanged, 1 - w for w."""
    for name in ("guided", "law guided"):
        if name.startswith("law") and start == "class-average":
            continue
        settings = replace(settings_of(sampler, process, start), guidance=weight)
        agree(runs[name], settings)
        ends = gbm.Sampler(runs[name][0], settings).states
        found = ends(gbm.Sampler(runs[name][0], settings).noise(range(2))).x.numpy()
        for wrong in (weight - 1, 1 - weight):
            planted = SimpleNamespace(**(vars(settings) | {"guidance": wrong, "levels": 4}))
            other, _ = runs[name][1].samples(planted, range(2))
            assert np.abs(found / other - 1).max() > 0.01


def test_number_and_seed_may_be_given_anew_and_batches_are_of_the_size(
    runs: dict[str, Pair],
) -> None:
    """In place of those of the settings; samples 0 to 4 in batches of two."""
    (run, hand), sizes = runs["exploding"], []
    settings = replace(settings_of("ddim", "exploding", "lognormal"), num_images=9)
    sampler = gbm.Sampler(run, settings)
    take = sampler.states
    sampler.states = lambda noise, *rest: sizes.append(len(noise)) or take(noise, *rest)
    expected, _ = hand.samples(replace(settings, seed=41), range(5))
    assert np.abs(sampler(5, 41, False).numpy() - expected.clip(1, 2)).max() < 4e-4
    assert sizes == [2, 2, 1]
    options = {"seed": 41, "sampler": "ddim", "num_steps": 4, "batch_size": 3}
    made = run.sample(5, **options).numpy()
    assert np.abs(made - expected.clip(1, 2)).max() < 4e-4


def written(run: gbm.Run, out: Path, settings: gbm.SamplingSettings) -> dict:
    """settings.json of the command's samples."""
    run_sampling(SampleConfig(run=run.folder, out=out, device="cpu", sampling=settings))
    return json.loads((out / "settings.json").read_text())


def test_the_files_hold_the_images_written_by_hand(runs: dict[str, Pair], tmp_path: Path) -> None:
    """Of the built-in network: arrays, levels of the PNG files, labels, the fit of the start."""
    shape = {"width": 8, "multipliers": (1,), "blocks": 1, "patch_size": 4}
    pictures = runs["exploding"][0].config.data_dir
    run = image_run(tmp_path / "run", pictures, True, **shape, **EXPLODING)
    hand = by_hand(run, folder_data()[0])
    settings = replace(
        settings_of("dale-langevin", "constant", "lognormal-averages"), num_images=5
    )
    facts, (states, labels) = (
        written(run, tmp_path / "out", settings),
        hand.samples(settings, range(5)),
    )
    with np.load(tmp_path / "out" / "images.npz") as archive:
        images, told = archive["images"], archive["labels"]
    assert np.abs(images - states.clip(1, 2)).max() < 2e-4 and told.tolist() == labels
    assert np.loadtxt(tmp_path / "out" / "labels.txt", int).tolist() == labels
    assert len(set(labels)) > 1 and 0.2 < np.mean((images > 1) & (images < 2))
    for number, image in enumerate(images):
        with Image.open(tmp_path / "out" / "png" / f"{number:06d}.png") as picture:
            shown = np.asarray(picture).transpose(2, 0, 1)
        assert np.array_equal(shown, np.rint((image.astype(float) - 1) * 255))
    for name, value in zip(("mu_hat", "sigma_hat"), hand.fit(settings), strict=True):
        assert facts[name] == pytest.approx(value.tolist(), rel=1e-12)
    assert {name: facts[name] for name in vars(settings)} == vars(settings)


def test_the_file_of_a_law_holds_the_draws_written_by_hand(
    runs: dict[str, Pair], tmp_path: Path, monkeypatch: Patch
) -> None:
    run, hand = runs["law exploding"]
    monkeypatch.setattr("gbm_fast.commands.sampling.load_trained", lambda *_: run)
    settings = replace(settings_of("marginal-preserving", "exploding", "data"), num_images=3)
    written(run, tmp_path, settings)
    states, labels = hand.samples(settings, range(3))
    with np.load(tmp_path / "samples.npz") as archive:
        assert np.abs(archive["samples"] / states - 1).max() < 2e-4
        assert archive["labels"].tolist() == labels
