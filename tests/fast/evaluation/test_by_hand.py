"""An evaluation against one that is written out by hand, in colour and on vectors: which images
are the reference, the floor and the classifier's; the distances, the entry, what is printed."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.commands import evaluation as command
from gbm_fast.commands import report as ending
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.evaluation import generated, grid_search
from gbm_fast.evaluation.classifier import (
    ClassifierSettings,
    FeatureClassifier,
    accuracy,
    train_classifier,
)
from gbm_fast.evaluation.generated import choose_extractor, measured_data
from gbm_fast.evaluation.metrics import read_metrics
from gbm_fast.settings.commands import EvaluateConfig, GridSearch, Measurement, SampleConfig
from tests.support.batch_noise import classifier_order, classifier_weights, law_noise
from tests.support.evaluation_by_hand import DIM, FACTS, measured, stub_extractor
from tests.support.fixtures import Folders, Patch, Shown
from tests.support.hand_runs import (
    EXPLODING,
    LAW,
    by_hand,
    folder_data,
    image_run,
    law_run,
    write_folder,
)
from tests.support.small_colour import SIZE, Told, small_colour
from tests.support.tiny_data import BRIEF
from tests.support.training_by_hand import HandData, law_draws

SETTINGS = gbm.SamplingSettings(
    sampler="ancestral", num_steps=4, chi=0.9, num_images=7, seed=23, batch_size=3
)
SHIFT = 19
UNET = {"width": 8, "multipliers": (1,), "blocks": 1, "patch_size": 4}


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> gbm.Run:
    """A run on a folder of colour images, beside a copy of it and another such folder."""
    root = tmp_path_factory.mktemp("by hand")
    write_folder(root / "others")
    write_folder(root / "wrong", SHIFT)
    return image_run(root / "run", write_folder(root / "pictures"), False, **UNET, **EXPLODING)


@pytest.fixture
def stub(monkeypatch: Patch) -> None:
    """Three numbers an image in place of the classifier's."""
    monkeypatch.setattr(command, "choose_extractor", lambda *_: stub_extractor(SIZE))


def numbers(entry: dict) -> dict:
    """What is measured, without the words."""
    words = ("dataset", "feature", "test_accuracy", "step")
    return {
        name: value
        for name, value in entry["result"].items()
        if not name.startswith(words) and not name.endswith("_sha256")
    }


@pytest.mark.usefixtures("stub")
def test_samples_are_measured_against_the_test_images(run: gbm.Run, capsys: Shown) -> None:
    """Of a copy of the run's own folder; the floor is of training images."""
    measurement = Measurement(floor_repeats=3, data_dir=run.folder.parent / "others")
    run_evaluation(EvaluateConfig(run.folder, None, "cpu", measurement, SETTINGS))
    images = gbm.Sampler(run, SETTINGS)(show_progress=False).double().numpy()
    expected = measured(images, *folder_data(), repeats=3, seed=23)
    entry = read_metrics(run.folder / "metrics.json")[-1]
    assert entry["settings"] == asdict(SETTINGS)
    assert numbers(entry) == pytest.approx(expected, rel=1e-6)
    words = {name: entry["result"][name] for name in entry["result"].keys() - expected.keys()}
    assert words == run.identity() | {
        "dataset": "folder-others",
        "feature": FACTS["name"],
        "feature_dim": DIM,
        "feature_hash": FACTS["hash"],
        "test_accuracy": 0.6,
    }
    shown = capsys.readouterr().out
    assert f"{FACTS['name']} {FACTS['hash']}: 60.0% of the test images" in shown
    for name, form in (("frechet", ".4g"), ("frechet_floor", ".3g"), ("frechet_floor_sd", ".1g")):
        assert format(expected[name], form) in shown


@pytest.mark.usefixtures("stub")
def test_images_of_others_are_measured_with_the_seed_of_the_floor(
    run: gbm.Run, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Eight of them, three at once."""
    monkeypatch.setattr(generated, "_BATCH", 3)
    images = 1 + (small_colour(8).train_images.double() / 255) ** 2
    np.save(tmp_path / "x.npy", images.numpy())
    seeded = gbm.SamplingSettings(num_images=256, seed=31)
    options = Measurement(floor_repeats=2), seeded
    run_evaluation(EvaluateConfig(run.folder, tmp_path / "x.npy", "auto", *options))
    entry = read_metrics(run.folder / "metrics.json")[-1]
    assert entry["settings"] == {"images": str(tmp_path / "x.npy"), "seed": 31}
    expected = measured(images.float().double().numpy(), *folder_data(), repeats=2, seed=31)
    assert numbers(entry) == pytest.approx(expected, rel=1e-6)


def test_a_search_measures_further_images_of_its_seed(
    run: gbm.Run, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Images 0 to 4 of each candidate, then 5 to 9 of the best; the floor by its own settings."""
    monkeypatch.setattr(grid_search, "choose_extractor", lambda *_: stub_extractor(SIZE))
    lists = GridSearch(chi=(0.6, 1.0), inner_steps=(1,), step_length=(None,))
    base = replace(SETTINGS, num_images=5, chi=1.0)
    options = {"measurement": Measurement(floor_repeats=3), "sampling": base, "search": lists}
    run_sampling(SampleConfig(run.folder, tmp_path, device="cpu", grid_search=True, **options))
    lines = (tmp_path / "search.jsonl").read_text().splitlines()
    _, *candidates, report = map(json.loads, lines)
    results = []
    for chi in lists.chi:
        sampler = gbm.Sampler(run, replace(base, chi=chi, num_images=10))
        images = sampler(show_progress=False).double().numpy()
        results.append(
            [measured(part, *folder_data(), 3, 23) for part in (images[:5], images[5:])]
        )
    for entry, (seen, _) in zip(candidates, results, strict=True):
        assert numbers(entry) == pytest.approx(seen, rel=1e-4)
    best = min(range(2), key=lambda i: results[i][0]["frechet"])
    assert report["chi"] == lists.chi[best]
    assert numbers(report) == pytest.approx(results[best][1], rel=1e-4)


def test_a_training_measures_its_samplers_at_its_end(
    run: gbm.Run, tmp_path: Path, monkeypatch: Patch, capsys: Shown
) -> None:
    """The flow and eq. (13) on its own process, the paper's two on the constant one: five images
    of seed 0 each, ten floors, and what is drawn and printed."""
    shown: list[list[tuple[str, torch.Tensor]]] = []
    monkeypatch.setattr(ending, "load_or_train_classifier", lambda *_: stub_extractor(SIZE))
    monkeypatch.setattr(ending, "save_panels", lambda path, panels, *_: shown.append([*panels]))
    given = {"num_steps": 6, "metrics_images": 5, "steps": 2, "run_dir": tmp_path / "run"}
    given |= {"dataset": "folder", "data_dir": run.config.data_dir, "device": "cpu"}
    done = gbm.train_run(gbm.TrainConfig(**(EXPLODING | given)), network=Told())
    flow = gbm.SamplingSettings(sampler="probability-flow", num_images=5)
    dale = replace(flow, sampler="dale-langevin", num_steps=6)
    paper = replace(dale, process="constant", start="class-average")
    wanted = [flow, dale, paper, replace(paper, sampler="sign-agnostic")]
    entries = read_metrics(done.folder / "metrics.json")
    assert [entry["settings"] for entry in entries] == [asdict(settings) for settings in wanted]
    printed, (before, panels) = capsys.readouterr().out, shown
    assert [caption for caption, _ in before[:-1]] == [settings.caption for settings in wanted]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(before, panels, strict=True))
    for entry, settings, (caption, drawn) in zip(entries, wanted, panels, strict=False):
        images = gbm.Sampler(done, settings)(show_progress=False)
        expected = measured(images.double().numpy(), *folder_data(), repeats=10, seed=0)
        assert numbers(entry) == pytest.approx(expected, rel=1e-6)
        assert torch.equal(drawn, images)
        assert caption == f"{settings.caption}\nFréchet {expected['frechet']:.1f}"
        assert format(expected["frechet"], ".4g") in printed
    _, real = panels[-1]
    assert np.allclose(real, folder_data()[1].positive(), rtol=0, atol=1e-7)


def test_as_many_images_as_there_are_need_no_subsets() -> None:
    data, train = small_colour(10, 6), small_colour(10, 6).train_images
    images = 1 + (train[:6].double() / 255).sqrt()
    result = gbm.evaluate_images(images.float(), data, stub_extractor(SIZE), 4, seed=5)
    sets = [(data.train_images, data.train_labels), (data.test_images, data.test_labels)]
    hand = [HandData(x.numpy(), labels.numpy(), 255) for x, labels in sets]
    expected = measured(images.float().double().numpy(), *hand, repeats=4, seed=5)
    assert {name: result[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert result["kernel_sd"] == 0


def test_the_data_and_the_features_are_those_of_the_run_unless_told(
    run: gbm.Run, tmp_path: Path
) -> None:
    places = [Measurement(data_dir=run.folder.parent / name) for name in ("others", "wrong")]
    own, told = (measured_data(run.folder, m) for m in (Measurement(), places[0]))
    assert (own.name, told.name) == ("folder-pictures", "folder-others")
    expected = [part.images for part in folder_data()]
    for data in (own, told):
        assert np.array_equal(data.train_images, expected[0])
        assert np.array_equal(data.test_images, expected[1])
    with pytest.raises(ValueError, match="other training and test images or labels"):
        measured_data(run.folder, places[1])
    beside = gbm.load_or_train_classifier(own, run.folder.parent / "features", 0, BRIEF)
    elsewhere = gbm.load_or_train_classifier(own, tmp_path, 1, BRIEF)
    told_so = Measurement(features_dir=tmp_path)
    assert choose_extractor(run.folder, Measurement(), own).hash == beside.hash
    assert choose_extractor(run.folder, told_so, own).hash == elsewhere.hash != beside.hash


def classifier_by_hand(data: gbm.ImageData, seed: int, options: ClassifierSettings) -> nn.Module:
    """Cross-entropy on the training images alone, a ragged last batch of an epoch left out."""
    x = torch.from_numpy(HandData(data.train_images.numpy(), None, data.max_value).positive())
    total, size = len(x), min(options.batch_size, len(x))
    whole = total // size
    steps = max(options.epochs * whole, options.min_steps)
    with classifier_weights(seed):
        network = FeatureClassifier(data.channels, data.image_size, data.num_classes)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options.weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.peak_learning_rate, total_steps=steps
    )
    orders = classifier_order(seed, total, -(-steps // whole))
    for step in range(steps):
        first = step % whole * size
        rows = orders[step // whole][first : first + size]
        logits = network(x[rows].float()).log_softmax(1)
        loss = -logits[range(size), data.train_labels[rows]].mean()
        network.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
    return network.eval()


@pytest.mark.parametrize("epochs", [1, 4])
def test_the_classifier_learns_the_training_images(epochs: int) -> None:
    """Eleven of them in batches of four, for the epochs or for the least number of steps."""
    data, options = small_colour(11), ClassifierSettings(epochs, 5, 4, 0.02, 0.3)
    expected = classifier_by_hand(data, 9, options)
    found = train_classifier(data, 9, options)
    for name, value in expected.state_dict().items():
        assert torch.allclose(found.state_dict()[name], value, rtol=0, atol=2e-5), name
    x = torch.from_numpy(HandData(data.test_images.numpy(), None, 255).positive()).float()
    centred = found.standardise(found.trunk(2 * x - 3))
    assert torch.allclose(found.features(x), centred, rtol=0, atol=1e-4)
    right = [int(found(image[None]).argmax()) for image in x] == data.test_labels.numpy()
    assert accuracy(found, data) == pytest.approx(right.mean(), abs=1e-12)


def law_score(hand_law: ref.LogNormalMixture, labels: np.ndarray | None) -> Callable:
    """The exact log score at x, of the components that the draws are from."""

    def score(x: np.ndarray) -> np.ndarray:
        if labels is None:
            return hand_law.log_score(x)
        parts = list(zip(hand_law.log_means, hand_law.log_covs, strict=True))
        rows = [
            np.linalg.solve(parts[k][1], parts[k][0] - np.log(r))
            for r, k in zip(x, labels, strict=True)
        ]
        return np.array(rows)

    return score


@pytest.mark.parametrize("conditional", [True, False])
def test_the_errors_of_the_score_of_a_law(tmp_path: Path, conditional: bool) -> None:
    """At the five inner ones of seven levels that are spaced geometrically over the run's range,
    on draws of the law there; in a class-conditional run of each component."""
    run = law_run(tmp_path / "run", conditional, **EXPLODING)
    hand = by_hand(run, HandData(None, None, law=LAW))
    parts = (part.numpy() for part in (LAW.weights, LAW.log_means, LAW.log_covs))
    law, process = ref.LogNormalMixture(*parts), ref.VarianceExploding(0.05, 1.7)
    found, expected = gbm.score_errors(run, 40, 12), []
    for place in range(1, 6):
        std = 0.05 * (1.7 / 0.05) ** (place / 6)
        t = hand.time(process, std**2)
        drawn, labels = law_draws(LAW.diffuse(run.process, t), *law_noise(12, 0, 40, 2, True))
        labels = labels.tolist() if conditional else None
        x = drawn.astype(np.float32).astype(np.float64)
        truth = law_score(law.diffuse(process, t), labels)(x)
        learned = 1 + hand.hyvarinen(process, labels)(x, t)
        expected.append((std, ((learned - truth) ** 2).mean() / (truth**2).mean()))
    assert np.array(found) == pytest.approx(np.array(expected), rel=1e-4)


def test_an_entry_of_a_law_says_what_was_sampled(
    tmp_path: Path, monkeypatch: Patch, capsys: Shown
) -> None:
    run = law_run(tmp_path / "run", False, **EXPLODING)
    monkeypatch.setattr(command, "load_trained", lambda *_: run)
    monkeypatch.setattr(command, "_SCORED", 30)
    settings = replace(SETTINGS, num_images=40)
    run_evaluation(EvaluateConfig(run.folder, device="cpu", sampling=settings))
    (entry,) = read_metrics(run.folder / "metrics.json")
    draws = gbm.Sampler(run, settings)(show_progress=False)
    scores = {f"score at {std:.3g}": error for std, error in gbm.score_errors(run, 30, 23)}
    assert entry["settings"] == asdict(settings)
    assert entry["result"] == run.identity() | gbm.law_distances(draws, LAW) | scores
    assert (
        f"N 40: Kolmogorov-Smirnov distance {entry['result']['ks']:.4f}" in capsys.readouterr().out
    )
