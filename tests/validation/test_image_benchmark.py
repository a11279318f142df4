"""The benchmark on images: its rows, its files, the states that it keeps, and its predictions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref
from gbm_fast.data import pictures
from gbm_fast.evaluation import features
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors, save_tensors
from gbm_fast.sampling import sampler as sampling
from gbm_fast.settings.sampling import StartName
from tests.support.cases import generator
from tests.support.fixtures import Folders, Patch, Shown
from tests.support.tiny_data import tiny_extractor
from tests.support.tiny_runs import make_run
from validation import image_benchmark, trained
from validation.benchmark import images, predicted
from validation.benchmark.rows import table
from validation.gate import gate as gate_module
from validation.gate.gate import Outcome
from validation.image_benchmark import Options, benchmark
from validation.provenance import digest, standing
from validation.study import Check


@pytest.fixture(scope="module")
def options(tmp_path_factory: Folders) -> Options:
    folder = tmp_path_factory.mktemp("benchmark")
    run = make_run(folder / "runs" / "tiny", data=gbm.load_dataset("digits"), num_steps=6)
    few = {"num_images": 4, "num_slow_images": 3, "num_steps": 6}
    return Options(trained.Source(run), groups=("starts", "paper"), **few, out_dir=folder / "out")


def test_the_rows_are_the_settings_that_they_are_called() -> None:
    rows = table("fashion-mnist", ("few", "starts", "paper"), 3)
    assert len({row.name for row in rows}) == len(rows) == 28 + 16 + 4
    for row in rows:
        settings = row.settings
        few = row.group == "few"
        assert (settings.process, settings.sigma) == ("run" if few else "constant", 0.8)
        assert settings.sampler in row.name
        if few:
            assert f"{row.evaluations} evaluations" in row.name and settings.start == "lognormal"
    starts = {row.settings.start for row in rows}
    assert starts == set(get_args(StartName))
    named = {row.name: row.settings for row in rows}
    coded = named["class averages, as coded, sign-agnostic"]
    assert (coded.chi, coded.inner_steps, coded.step_length) == (0.9995, 3, 2.5929438e-4)
    spread = [row.evaluations for row in rows if row.group == "few"]
    assert (min(spread), max(spread)) == (5, 1000) and spread == sorted(spread)


def test_colour_has_rows_without_terminal_steps_and_other_data_version_ones_setting() -> None:
    names = [row.name for row in table("cifar10", ("paper",), 3)]
    assert len(names) == 8 and sum("no terminal steps" in name for name in names) == 4
    (first, *_) = [row.settings for row in table("digits", ("paper",), 3, num_steps=100)]
    assert (first.inner_steps, first.levels) == (3, 100)
    assert first.chi**100 == pytest.approx(0.995**1000, rel=1e-12)
    assert first.step_length == pytest.approx(2e-3, rel=1e-15)


@pytest.mark.parametrize("sampler", ["probability-flow", "ddim", "dpmpp-3m", "dale-langevin"])
def test_evaluations_are_those_of_the_sampler(options: Options, sampler: str) -> None:
    """Counted: how often the network is called for one image."""
    run = gbm.load_run(options.source.run)
    settings = gbm.SamplingSettings(sampler=sampler, num_steps=5, num_images=1)
    calls: list[int] = []
    run.model.network.register_forward_hook(lambda *_: calls.append(1))
    gbm.Sampler(run, settings)(show_progress=False)
    assert len(calls) == image_benchmark.Row("", settings, "few").evaluations


def refuse(*arguments: object, **settings: object) -> None:
    raise AssertionError("images that exist were made again")


def quiet(monkeypatch: Patch) -> None:
    """Features of a moment's training, and no picture, which takes a second each time."""
    monkeypatch.setattr(features, "load_or_train_classifier", tiny_extractor)
    monkeypatch.setattr(pictures, "save_panels", lambda *arguments, **settings: None)


def test_it_writes_and_goes_on(options: Options, monkeypatch: Patch) -> None:
    monkeypatch.setattr(features, "load_or_train_classifier", tiny_extractor)
    benchmark(options)
    path, chosen = (
        options.out_dir / "digits_benchmark.json",
        image_benchmark.rows(options, "digits"),
    )
    first = json.loads(path.read_text())
    assert [entry["name"] for entry in first["rows"]] == [row.name for row in chosen]
    for entry in first["rows"]:
        (block,) = entry["blocks"]
        assert block["result"]["N"] == entry["settings"]["num_images"]
        assert block["result"]["frechet_floor"] > 0 and block["result"]["log_pixels"] > 0
        affine = entry["settings"]["sampler"] != "sign-agnostic"
        assert (entry["predicted"] is not None) == affine
    assert first["training"]["step"] == 3 and first["gate"]["passed"] is True
    assert (options.out_dir / "digits_benchmark.png").stat().st_size > 10_000
    page = path.with_suffix(".md").read_text()
    assert all(row.name in page for row in chosen)
    assert standing(first).current
    assert first["command"].startswith(
        "python -m validation.image_benchmark --run RUN --groups st"
    )
    planned = {entry["group"]: entry for entry in first["ledger"]}
    evaluations = sum(row.settings.num_images * row.evaluations for row in chosen)
    assert sum(entry["evaluations"] for entry in planned.values()) == evaluations
    assert first["evaluations_made"] == evaluations
    stored = [load_tensors(p, images.CACHE_FORMAT) for p in kept(options)]
    said_of = {(of["step"], of["code"], len(of["weights_sha256"])) for _, of in stored}
    assert said_of == {(3, digest(first["code"]), 64)} and len(stored) == len(chosen)
    again(options, monkeypatch)
    second = json.loads(path.read_text())
    assert second["rows"] == first["rows"] and second["evaluations_made"] == 0


def test_annealing_is_measured_beside_its_prediction(options: Options, monkeypatch: Patch) -> None:
    quiet(monkeypatch)
    without_gate(monkeypatch)
    with pytest.raises(ValueError, match="annealing alone"):
        replace(options, groups=("annealing", "few"))
    before = set(kept(options))
    assert benchmark(replace(options, groups=("annealing",), num_images=2, num_slow_images=2))
    for path in set(kept(options)) - before:
        path.unlink()
    stem = options.out_dir / "digits_annealing"
    rows = json.loads(stem.with_suffix(".json").read_text())["rows"]
    assert len(rows) == 42 and len({entry["name"] for entry in rows}) == 42
    for entry in rows:
        settings = entry["settings"]
        assert (settings["process"], settings["step_length"]) == ("constant", None)
        known = settings["sampler"] == "dale-langevin"
        assert (entry["predicted"] is not None) == known
    assert stem.with_suffix(".png").stat().st_size > 20_000


def kept(options: Options) -> list[Path]:
    return sorted((options.source.run / "benchmark").glob("*.safetensors"))


def without_gate(monkeypatch: Patch) -> None:
    """With a gate that passed before."""
    passed = Outcome((Check("as before", True, ""),), 0.0)
    monkeypatch.setattr(gate_module, "run_gate", lambda run, lines: passed)


def again(options: Options, monkeypatch: Patch) -> None:
    """With a sampler that refuses to make images again."""
    without_gate(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(sampling.Sampler, "states", refuse)
        benchmark(options)


def test_kept_states_are_those_of_these_weights(options: Options, monkeypatch: Patch) -> None:
    """States that are missing, in each other's place, or of earlier weights, are not measured."""
    quiet(monkeypatch)
    without_gate(monkeypatch)
    one = replace(options, groups=("starts",))
    benchmark(one)
    made = kept(one)
    whole = load_tensors(made[0], images.CACHE_FORMAT)[0]["states"]
    made[0].write_bytes(made[1].read_bytes())
    with pytest.raises(ValueError, match="of other images than its name says"):
        again(options, monkeypatch)
    made[0].unlink()
    benchmark(options)
    made_again = load_tensors(made[0], images.CACHE_FORMAT)[0]["states"]
    assert torch.equal(made_again, whole)
    weights, facts = load_tensors(options.source.run / "weights.safetensors", WEIGHTS_FORMAT)
    later = {name: tensor + 1e-3 for name, tensor in weights.items()}
    save_tensors(options.source.run / "weights.safetensors", later, WEIGHTS_FORMAT, facts)
    with pytest.raises(AssertionError, match="made again"):
        again(one, monkeypatch)
    save_tensors(options.source.run / "weights.safetensors", weights, WEIGHTS_FORMAT, facts)


def test_what_does_not_fit_into_the_time_is_left_out_and_said(
    options: Options, monkeypatch: Patch, capsys: Shown
) -> None:
    quiet(monkeypatch)
    without_gate(monkeypatch)
    for path in kept(options):
        path.unlink()
    short = replace(options, minutes=1e-9, groups=("starts",))
    assert benchmark(short)
    assert kept(short) == [] and "what does not fit is left out" in capsys.readouterr().out
    with pytest.raises(ValueError, match="minutes must be positive"):
        replace(options, minutes=0.0)


def test_a_prediction_is_the_law_of_what_the_exact_score_makes() -> None:
    """Sixteen pixels with a common factor, the exact score of their logarithms in place of a
    network, the flow from a start of independent pixels. The map is affine in the logarithm, so
    32 states that have the mean and covariance of the start end with those of its law, but for
    the images' roundings of n - 1 and n. The starts that keep the factor, of class averages and of
    the data, predict less than a fifth of the distance."""
    rng = generator("benchmark", "prediction")
    z = rng.standard_normal((400, 17))
    levels = np.exp(0.35 + 0.12 * z[:, :1] + 0.05 * z[:, 1:])
    train = torch.from_numpy((255 * (levels - 1)).clip(0, 255).astype(np.uint8))
    train, total = train.reshape(-1, 1, 4, 4), train.float().sum(1)
    labels = (total > total.median()).long()
    data = gbm.ImageData("own-images", train, labels, train, labels, 255, ("dark", "bright"))
    config = gbm.TrainConfig(dataset="own-images")
    settings = gbm.SamplingSettings(
        sampler="probability-flow", process="constant", start="lognormal"
    )
    guess = predicted.Prediction(config, data)
    logs = predicted.logarithms(gbm.positive_from_integers(train, 255))
    target = gbm_ref.LogNormal(logs.mean(0), np.cov(logs.T, ddof=0))
    of = predicted.reference(config, settings)
    deviation = np.hypot(logs.std(), 0.8) * np.sqrt(31 / 2)  # the covariance of n - 1
    spread = np.concatenate([np.eye(16), -np.eye(16)]) * deviation
    start, unused = np.exp(logs.mean() + spread), np.zeros((len(of.grid), 32, 16))
    score = gbm_ref.exact_score(target, of.process)
    made = gbm_ref.simulate(of.step, of.process, score, start, of.grid, unused)
    found = guess.measured(torch.from_numpy(made).reshape(-1, 1, 4, 4))
    assert found == pytest.approx(guess(settings), rel=0.02)
    for other in ("class-average", "data", "lognormal-full"):
        assert (guess(replace(settings, start=other)) or 0.0) < found / 5
    # Equal moments are an equal law here; and the fit adds to the averages what the process adds
    # and the variance of the data once more, and takes half of that off the mean.
    full, noised = (guess(replace(settings, start=other)) for other in ("lognormal-full", "data"))
    assert full == noised
    assert guess(replace(settings, start="class-average-coded")) > found
