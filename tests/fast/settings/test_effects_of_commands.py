"""Every setting of sampling, measuring and searching has an effect: two values of it, and what is
seen to differ. A setting without a row fails, and so does one whose two values do the same."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

import gbm_fast as gbm
from gbm_fast.commands import evaluation, sampling
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.evaluation import generated, grid_search, metrics
from gbm_fast.evaluation.distances import kernel_distance
from gbm_fast.evaluation.metrics import Evaluator
from gbm_fast.settings.commands import EvaluateConfig, GridSearch, Measurement, SampleConfig
from tests.support.evaluation_by_hand import stub_extractor
from tests.support.fixtures import Folders, Patch
from tests.support.hand_runs import EXPLODING, image_run, write_folder
from tests.support.small_colour import SIZE, Told

FEW = gbm.SamplingSettings(sampler="ddim", num_steps=2, num_images=4, seed=2)
CONSTANT = {"process": "constant", "sigma": 0.6}


class Row(NamedTuple):
    """Two values of a setting, and the settings that both are beside."""

    first: object
    second: object
    beside: dict[str, object] = {}  # noqa: RUF012


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> Path:
    """A run on a folder of colour images, beside a copy of it and another such run."""
    root = tmp_path_factory.mktemp("effects")
    pictures = write_folder(root / "pictures")
    write_folder(root / "others")
    for name, seed in (("run", 3), ("another", 4)):
        image_run(root / name, pictures, True, Told(), seed=seed, **EXPLODING)
    return root / "run"


@contextmanager
def noted() -> Iterator[dict[str, object]]:
    """Stub features in place of a classifier, what is asked for, and the data that are read."""
    seen: dict[str, object] = {}
    load, device = generated.load_dataset, {}

    def inception(shape: tuple, path: Path | None) -> gbm.FeatureExtractor:
        seen["inception"] = path
        return stub_extractor(SIZE)

    def weights(path: Path | None) -> None:
        seen["weights"] = path

    def classifier(data: gbm.ImageData, folder: Path) -> gbm.FeatureExtractor:
        seen["classifier"] = folder
        return stub_extractor(SIZE)

    def loaded(name: str, folder: Path, **reading: str) -> gbm.ImageData:
        seen["data"] = folder
        return load(name, folder, **reading)

    with Patch.context() as patch:
        patch.setattr(metrics, "kernel_distance", partial(kernel_distance, num_subsets=3))
        patch.setattr(generated, "load_inception", inception)
        patch.setattr(generated, "find_weights", weights)
        patch.setattr(generated, "load_or_train_classifier", classifier)
        patch.setattr(generated, "load_dataset", loaded)
        for command in (evaluation, sampling):
            take = command.load_trained

            def opened(folder: Path, name: str, take: Callable = take) -> object:
                device["device"] = name
                return take(folder, "cpu", Told())

            patch.setattr(command, "load_trained", opened)
        yield seen
    seen |= device


def evaluated(run: Path, settings: dict[str, object]) -> object:
    """What is read and asked for, and the entry of metrics.json with the run it is in."""
    settings = {"run": run, "device": "cpu", "sampling": FEW} | settings
    path = settings["run"] / "metrics.json"
    path.unlink(missing_ok=True)
    with noted() as seen:
        run_evaluation(EvaluateConfig(**settings))
    return seen | {"run": path.parent.name, "entry": json.loads(path.read_text())}


@pytest.fixture(scope="module")
def known() -> dict[str, object]:
    """What was seen, by command and settings: many rows begin with the same."""
    return {}


def once(known: dict[str, object], key: str, look: Callable[[], object]) -> object:
    """What `look` sees, which is called once for each key."""
    if key not in known:
        known[key] = look()
    return known[key]


FOLDER = Path("features")
OF_MEASURING: dict[str, Row] = {
    "features": Row("classifier", "inception"),
    "features_dir": Row(None, FOLDER),
    "inception_weights": Row(None, Path("weights.pt"), {"features": "inception"}),
    "data_dir": Row(None, "others"),
    "floor_repeats": Row(2, 3),
}


@pytest.mark.parametrize("name", OF_MEASURING)
def test_a_setting_of_measuring_has_an_effect(
    run: Path, name: str, known: dict[str, object]
) -> None:
    first, second, beside = OF_MEASURING[name]
    second = run.parent / second if name == "data_dir" else second
    base = {"floor_repeats": 2} | beside
    begun, changed = (Measurement(**(base | {name: value})) for value in (first, second))
    one = once(known, f"measured {begun}", lambda: evaluated(run, {"measurement": begun}))
    other = evaluated(run, {"measurement": changed})
    assert one != other
    if name in ("features_dir", "inception_weights"):
        assert FOLDER in other.values() or Path("weights.pt") in other.values()
    if name == "inception_weights":
        assert other["weights"] == other["inception"] == Path("weights.pt")
    if name == "floor_repeats":
        assert one["entry"][0]["result"] != other["entry"][0]["result"]
    if name == "data_dir":
        assert (one["data"].name, other["data"].name) == ("pictures", "others")


TWICE = Measurement(floor_repeats=2)
FOREIGN = {"sampling": gbm.SamplingSettings(num_images=256), "device": "auto"}
OF_EVALUATING: dict[str, Row] = {
    "run": Row("run", "another"),
    "images": Row("right", "left", FOREIGN),
    "device": Row("cpu", "auto"),
    "measurement": Row(TWICE, Measurement(floor_repeats=3)),
    "sampling": Row(FEW, dataclasses.replace(FEW, num_steps=3)),
    "neighbours": Row(False, True),
}


@pytest.mark.parametrize("name", OF_EVALUATING)
def test_a_setting_of_evaluating_has_an_effect(
    run: Path, name: str, known: dict[str, object]
) -> None:
    first, second, beside = OF_EVALUATING[name]
    folder = {"images": run.parent / "pictures" / "train", "run": run.parent}.get(name)
    first, second = (v if folder is None else folder / v for v in (first, second))
    base = {"run": run, "device": "cpu", "sampling": FEW, "measurement": TWICE} | beside
    begun = EvaluateConfig(**(base | {name: first}))
    # As `test_a_setting_of_measuring_has_an_effect` has it.
    own = begun == EvaluateConfig(run, None, "cpu", TWICE, FEW)
    key = f"measured {TWICE}" if own else str(begun)
    one = once(known, key, lambda: evaluated(run, base | {name: first}))
    other = evaluated(run, base | {name: second})
    assert one != other
    if name != "device":
        assert one["entry"][0]["result"] != other["entry"][0]["result"]


def test_the_same_evaluation_is_the_same(run: Path, known: dict[str, object]) -> None:
    """Otherwise the tests above would see a difference where there is none."""
    one = once(known, f"measured {TWICE}", lambda: evaluated(run, {"measurement": TWICE}))
    assert one == evaluated(run, {"measurement": TWICE})


OUT = Path("out")
FOR_WRITING = {"output": ("npz",), "device": "cpu", "sampling": FEW}


def written(folder: Path, run: Path, settings: dict[str, object]) -> object:
    """What is asked for, and the names and contents of the files."""
    folder.mkdir()
    base = FOR_WRITING | {"run": run, "out": OUT} | settings
    base["out"] = folder / OUT if base["out"] == OUT else base["out"]
    with noted() as seen:
        run_sampling(SampleConfig(**base))
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    place = run / "samples" / FEW.slug
    if place.exists():
        found |= {f"own {p.name}": b"" for p in place.glob("*")}
        shutil.rmtree(place)
    return seen | found


LISTS = GridSearch(chi=(0.9, 1.0), inner_steps=(1,), step_length=(None,))
FOR_SEARCH = {"sampling": dataclasses.replace(FEW, sampler="ancestral"), "measurement": TWICE}
FOR_SEARCH |= {"grid_search": True, "search": LISTS, "output": ("png", "npz", "grid")}
OF_WRITING: dict[str, Row] = {
    "run": Row("run", "another"),
    "pretrained": Row("run", "another", {"run": None}),
    "out": Row(OUT, None),
    "output": Row(("npz",), ("png",)),
    "film": Row(0, 1),
    "grid_search": Row(False, True, {"output": ("png", "npz", "grid"), "search": GridSearch()}),
    "search": Row(LISTS, dataclasses.replace(LISTS, chi=(0.8, 1.0)), FOR_SEARCH),
    "device": Row("cpu", "auto"),
    "measurement": Row(TWICE, Measurement(floor_repeats=3), FOR_SEARCH),
    "sampling": Row(FEW, dataclasses.replace(FEW, seed=3)),
}


@pytest.mark.parametrize("name", OF_WRITING)
def test_a_setting_of_the_sample_command_has_an_effect(
    run: Path, tmp_path: Path, name: str, known: dict[str, object], monkeypatch: Patch
) -> None:
    monkeypatch.setenv("GBM_PRETRAINED", str(run.parent))
    first, second, beside = OF_WRITING[name]
    seen = []
    for place, value in (("a", first), ("b", second)):
        if name == "run":
            value = run.parent / value
        chosen = beside | {name: value}
        if name == "grid_search" and value:
            chosen |= FOR_SEARCH
        own = SampleConfig(**(FOR_WRITING | {"run": run, "out": OUT} | chosen))
        look = partial(written, tmp_path / place, run, chosen)
        seen.append(once(known, f"written {own}", look))
    assert seen[0] != seen[1]
    if name == "sampling":
        assert seen[0] == written(tmp_path / "c", run, {})


def test_the_preset_of_the_paper_is_what_is_sampled(run: Path, tmp_path: Path) -> None:
    """For the data set of the run: the rows are counted and not taken."""
    chosen: list[gbm.SamplingSettings] = []
    take = gbm.load_run(run, "cpu", Told())
    named = dataclasses.replace(take.config, dataset="mnist", std_min=0.005, std_max=10.0)
    mnist = dataclasses.replace(take, config=named)
    with Patch.context() as patch:
        patch.setattr(sampling, "load_trained", lambda *_: mnist)
        patch.setattr(sampling, "_sample", lambda sampler, *_: chosen.append(sampler.settings))
        for preset in (None, "paper", "paper-v1"):
            config = SampleConfig(run, tmp_path, preset=preset)
            run_sampling(config)
    plain, paper, first = chosen
    assert plain == gbm.SamplingSettings()
    wanted = dataclasses.replace(plain, process="constant", num_steps=1000, chi=0.995)
    assert paper == dataclasses.replace(wanted, step_length=6.16545e-4, inner_steps=1)
    assert first == dataclasses.replace(wanted, step_length=2e-4, inner_steps=3)


def searched(run: Path, out: Path, lists: GridSearch) -> list[dict]:
    """The journal of a search in which the distances are planted: the more chi, the less Fréchet
    and the more kernel distance."""

    def planted(evaluator: Evaluator, features: object) -> dict:
        chi = current[-1]
        shown = ("frechet", "kernel", "precision", "recall", "density", "coverage")
        rest = dict.fromkeys([*shown, *(f"{n}_floor" for n in shown), "frechet_floor_sd"], 1.0)
        rest |= {"kernel_floor_sd": 1.0, "N": 4, "feature": "x", "feature_hash": "y"}
        return rest | {"frechet": 2 - chi, "kernel": chi}

    current: list[float] = []
    make = grid_search.generated_features

    def noting(sampler: gbm.Sampler, *rest: object) -> object:
        current.append(sampler.settings.chi)
        return make(sampler, *rest)

    with noted(), Patch.context() as patch:
        patch.setattr(Evaluator, "of_features", planted)
        patch.setattr(grid_search, "generated_features", noting)
        settings = FOR_SEARCH | {"search": lists, "run": run, "out": out, "device": "cpu"}
        settings["sampling"] = dataclasses.replace(
            settings["sampling"], process="constant", sigma=0.6, num_steps=2
        )
        run_sampling(SampleConfig(**settings))
    return [json.loads(line) for line in (out / "search.jsonl").read_text().splitlines()]


OF_SEARCHING: dict[str, Row] = {
    "chi": Row((0.9, 1.0), (0.8, 1.0)),
    "inner_steps": Row((1,), (2,)),
    "step_length": Row((None,), (0.2,)),
    "criterion": Row("frechet", "kernel"),
}


@pytest.mark.parametrize("name", OF_SEARCHING)
def test_a_setting_of_the_search_has_an_effect(
    run: Path, tmp_path: Path, name: str, known: dict[str, object]
) -> None:
    row = OF_SEARCHING[name]
    begun, changed = (
        dataclasses.replace(LISTS, **{name: value}) for value in (row.first, row.second)
    )
    one = once(known, f"searched {begun}", lambda: searched(run, tmp_path / "0", begun))
    other = searched(run, tmp_path / "1", changed)
    assert one != other
    tried = [entry[name] for entry in other[1:-1]] if name != "criterion" else []
    assert set(tried) == (set(row.second) if tried else set())
    if name == "criterion":
        assert (one[-1]["chi"], other[-1]["chi"]) == (1.0, 0.9)
        assert (one[-1]["criterion"], other[-1]["criterion"]) == ("frechet", "kernel")


TABLES = {
    Measurement: OF_MEASURING,
    EvaluateConfig: OF_EVALUATING,
    GridSearch: OF_SEARCHING,
    SampleConfig: OF_WRITING | {"preset": Row(None, "paper")},
}


@pytest.mark.parametrize("record", TABLES)
def test_every_setting_has_two_values(record: type) -> None:
    assert {field.name for field in dataclasses.fields(record)} == TABLES[record].keys()


def test_a_label_is_below_the_number_of_classes(run: Path) -> None:
    """The number of classes itself is none of them, wherever a label is taken."""
    images = gbm.load_dataset("folder", run.parent / "pictures")
    labels = images.train_labels.clone()
    labels[4] = 3
    with pytest.raises(ValueError, match=r"labels run from 0 to 3, but there are 3 classes"):
        dataclasses.replace(images, train_labels=labels)
    with pytest.raises(ValueError, match=r"label 3: the classes of .* are 0\.\.2"):
        gbm.Sampler(gbm.load_run(run, "cpu", Told()), dataclasses.replace(FEW, label=3))
