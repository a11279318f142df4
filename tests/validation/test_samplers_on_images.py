"""The comparison of starts and samplers: its table, its files, and going on where it stopped."""

import json
from pathlib import Path

import numpy as np
import pytest

from gbm_fast.data import pictures
from gbm_fast.evaluation import features
from gbm_fast.sampling import sampler as sampling
from tests.support.tiny_data import tiny_extractor
from tests.support.tiny_runs import make_run
from validation.gate import gate
from validation.gate.gate import Outcome
from validation.provenance import digest, standing
from validation.samplers_on_images import Options, compare, rows
from validation.study import Check
from validation.trained import Source


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    folder = tmp_path_factory.mktemp("comparison")
    run = make_run(folder / "runs" / "tiny", num_steps=6)
    few = {"num_images": 4, "num_flow_images": 5, "num_steps": 6}
    return Options(Source(run), **few, out_dir=folder / "out")


def test_the_rows_are_the_settings_that_they_are_called() -> None:
    table = {row.name: row.settings for row in rows(Options(Source(Path("run"))))}
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


def test_it_writes_and_goes_on(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, save_panels = [], pictures.save_panels
    monkeypatch.setattr(features, "load_or_train_classifier", tiny_extractor)

    def draw_the_first(path: Path, panels: list, *rest: object, columns: int) -> None:
        """The picture is made anew after every row, a second each time; one is enough here."""
        drawn.append(len(panels))
        if len(panels) == 2:
            save_panels(path, panels, *rest, columns=columns)

    monkeypatch.setattr(pictures, "save_panels", draw_the_first)
    compare(options)
    path = options.out_dir / "digits_samplers.json"
    first = json.loads(path.read_text())
    assert [entry["name"] for entry in first["rows"]] == [row.name for row in rows(options)]
    for entry in first["rows"]:
        assert entry["result"]["N"] == entry["settings"]["num_images"]
        assert entry["result"]["frechet_floor"] > 0
    assert first["training"]["step"] == 3
    assert first["gate"]["passed"] is True
    assert (options.out_dir / "digits_samplers.png").stat().st_size > 10_000
    with_picture = [r for r in rows(options) if r.settings.num_images == options.num_images]
    assert drawn == list(range(2, len(with_picture) + 2))
    assert standing(first).current
    said = "python -m validation.samplers_on_images --run RUN --num-im"
    assert first["command"].startswith(said)
    made = sorted((options.source.run / "comparison" / digest(first["code"])).glob("*.npy"))
    assert len(made) == len(first["rows"]) == len({np.load(p).tobytes() for p in made})

    passed = Outcome((Check("as before", True, ""),), 0.0)
    monkeypatch.setattr(gate, "run_gate", lambda run, lines: passed)
    monkeypatch.setattr(sampling.Sampler, "__call__", refuse)
    compare(options)
    assert json.loads(path.read_text())["rows"] == first["rows"]
    made[0].unlink()
    with pytest.raises(AssertionError, match="made again"):
        compare(options)
