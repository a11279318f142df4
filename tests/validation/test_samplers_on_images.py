"""The comparison of samplers on images: its rows, its files, and the images that it keeps."""

import json
from pathlib import Path

import pytest

import gbm_fast as gbm
from gbm_fast.data import pictures
from gbm_fast.evaluation import features
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors, save_tensors
from gbm_fast.sampling import sampler as sampling
from tests.support.fixtures import Folders, Patch
from tests.support.tiny_data import tiny_extractor
from tests.support.tiny_runs import make_run
from validation import samplers_on_images, trained
from validation.gate import gate as gate_module
from validation.gate.gate import Outcome
from validation.provenance import digest, standing
from validation.samplers_on_images import Options, compare
from validation.study import Check


@pytest.fixture(scope="module")
def options(tmp_path_factory: Folders) -> Options:
    folder = tmp_path_factory.mktemp("comparison")
    run = make_run(folder / "runs" / "tiny", data=gbm.load_dataset("digits"), num_steps=6)
    few = {"num_images": 4, "num_flow_images": 5, "num_steps": 6}
    return Options(trained.Source(run), **few, out_dir=folder / "out")


def test_the_rows_are_the_settings_that_they_are_called() -> None:
    table = {
        row.name: row.settings
        for row in samplers_on_images.rows(Options(trained.Source(Path("run"))))
    }
    assert len(table) == 15
    for name, settings in table.items():
        noise = name.startswith("noise, ")
        assert (settings.process, settings.sigma) == ("run" if noise else "constant", 0.8)
        flow = "flow" in name
        assert settings.levels == (18 if flow else 1000)
        assert ("Dale-Langevin" in name) == (settings.sampler == "dale-langevin")
        assert ("sign-agnostic" in name) == (settings.sampler == "sign-agnostic")
    published = table["class averages, Dale-Langevin, version 1's chi, L, delta"]
    assert (published.chi, published.inner_steps) == (0.995, 3)
    assert published.step_length == pytest.approx(2e-4, rel=1e-15)
    starts = {settings.start for settings in table.values()}
    assert starts == {"class-average", "lognormal", "lognormal-averages", "data"}


def refuse(*arguments: object, show_progress: bool = False) -> None:
    raise AssertionError("images that exist were made again")


def test_it_writes_and_goes_on(options: Options, monkeypatch: Patch) -> None:
    drawn, save_panels = [], pictures.save_panels
    monkeypatch.setattr(features, "load_or_train_classifier", tiny_extractor)

    def draw_the_first(path: Path, panels: list, *rest: object, columns: int) -> None:
        """The picture is made anew after every row, a second each time; one is enough here."""
        drawn.append(len(panels))
        if len(panels) == 2:
            save_panels(path, panels, *rest, columns=columns)

    monkeypatch.setattr(pictures, "save_panels", draw_the_first)
    compare(options)
    path, chosen = options.out_dir / "digits_samplers.json", samplers_on_images.rows(options)
    first = json.loads(path.read_text())
    assert [entry["name"] for entry in first["rows"]] == [row.name for row in chosen]
    for entry in first["rows"]:
        assert entry["result"]["N"] == entry["settings"]["num_images"]
        assert entry["result"]["frechet_floor"] > 0
    assert first["training"]["step"] == 3
    assert first["gate"]["passed"] is True
    assert (options.out_dir / "digits_samplers.png").stat().st_size > 10_000
    with_picture = [r for r in chosen if r.settings.num_images == options.num_images]
    assert drawn == list(range(2, len(with_picture) + 2))
    assert standing(first).current
    said = "python -m validation.samplers_on_images --run RUN --num-im"
    assert first["command"].startswith(said)
    stored = [load_tensors(p, samplers_on_images.CACHE_FORMAT) for p in compared(options)]
    pictures_of = {tensors["images"].numpy().tobytes() for tensors, _ in stored}
    assert len(stored) == len(pictures_of) == len(first["rows"])
    said_of = {(of["step"], of["code"], len(of["weights_sha256"])) for _, of in stored}
    assert said_of == {(3, digest(first["code"]), 64)}
    compare_again(options, monkeypatch)
    assert json.loads(path.read_text())["rows"] == first["rows"]


def compared(options: Options) -> list[Path]:
    return sorted((options.source.run / "comparison").glob("*.safetensors"))


def compare_again(options: Options, monkeypatch: Patch) -> None:
    """With a gate that passed before, and a sampler that refuses to make images again."""
    passed = Outcome((Check("as before", True, ""),), 0.0)
    monkeypatch.setattr(gate_module, "run_gate", lambda run, lines: passed)
    monkeypatch.setattr(sampling.Sampler, "__call__", refuse)
    compare(options)


def test_kept_images_are_those_of_these_weights(options: Options, monkeypatch: Patch) -> None:
    """Images that are missing, in each other's place, or of earlier weights, are not measured."""
    monkeypatch.setattr(features, "load_or_train_classifier", tiny_extractor)
    monkeypatch.setattr(pictures, "save_panels", lambda *arguments, **settings: None)
    compare(options)
    made = compared(options)
    whole = made[0].read_bytes()
    made[0].write_bytes(made[1].read_bytes())
    with pytest.raises(ValueError, match="of other images than its name says"):
        compare_again(options, monkeypatch)
    made[0].unlink()
    with pytest.raises(AssertionError, match="made again"):
        compare(options)
    made[0].write_bytes(whole)
    weights, facts = load_tensors(options.source.run / "weights.safetensors", WEIGHTS_FORMAT)
    later = {name: tensor + 1e-3 for name, tensor in weights.items()}
    save_tensors(options.source.run / "weights.safetensors", later, WEIGHTS_FORMAT, facts)
    with pytest.raises(AssertionError, match="made again"):
        compare(options)
