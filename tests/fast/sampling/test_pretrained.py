"""Weights that come with a clone: a name finds them, half precision is all that they lose."""

import dataclasses
from pathlib import Path

import pytest
import torch

import gbm_fast as gbm
from gbm_fast import sample
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors, save_tensors
from gbm_fast.sampling.pretrained import export
from gbm_fast.settings.commands import SampleConfig
from gbm_fast.settings.pretrained import pretrained_folder
from tests.support.fixtures import Folders, Patch
from tests.support.tiny_data import tiny_extractor
from tests.support.tiny_runs import make_run, train_law
from validation import pretrained


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return make_run(folder, data=gbm.load_dataset("digits"), class_conditional=True)


@pytest.fixture
def place(run: Path, tmp_path: Path, monkeypatch: Patch) -> Path:
    """A folder of pretrained weights with one of them, `tiny`."""
    export(run, tmp_path / "pretrained" / "tiny")
    monkeypatch.setenv("GBM_PRETRAINED", str(tmp_path / "pretrained"))
    return tmp_path / "pretrained"


def test_a_name_loads_the_run_in_half_precision(run: Path, place: Path) -> None:
    whole, half = gbm.load_run(run, "cpu"), gbm.load_pretrained("tiny", "cpu")
    assert half.folder == place / "tiny"
    for name, tensor in whole.model.state_dict().items():
        expected = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(half.model.state_dict()[name], expected), name
    stored, _ = load_tensors(place / "tiny" / "weights.safetensors", WEIGHTS_FORMAT)
    assert {t.dtype for t in stored.values() if t.is_floating_point()} == {torch.float16}
    gap = (half.sample(4) - whole.sample(4)).abs().max()
    assert 0 < gap < 1e-2
    said = dataclasses.replace(whole.config, data_dir=None, run_dir=None, out_dir=Path("runs"))
    assert half.config == said
    assert (half.train_sha256, half.step) == (whole.train_sha256, whole.step)


def test_the_command_samples_it_into_the_current_folder(
    place: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = "--pretrained tiny --sampler ddim --num-steps 2 --num-images 3 --device cpu"
    monkeypatch.setattr("sys.argv", ["sample", *words.split()])
    before = sorted(p.name for p in (place / "tiny").iterdir())
    assert sample.main() == 0
    (made,) = (tmp_path / "samples" / "tiny").iterdir()
    assert len(list((made / "png").iterdir())) == 3
    assert sorted(p.name for p in (place / "tiny").iterdir()) == before


def test_the_command_draws_pretrained_weights_by_the_flow_unless_told() -> None:
    """35 evaluations in place of 1000: a picture within a minute."""
    chosen = {
        ("--pretrained", "tiny"): "probability-flow",
        ("--pretrained=tiny",): "probability-flow",
        ("--pretrained", "tiny", "--sampler", "ddim"): "ddim",
        ("--run", "tiny"): "dale-langevin",
    }
    for words, sampler in chosen.items():
        assert sample.parse(words).sampling.sampler == sampler
    assert sample.parse(["--pretrained", "tiny"]).sampling.evaluations == 35


def test_what_is_not_there_is_said_with_what_is(place: Path, monkeypatch: Patch) -> None:
    with pytest.raises(ValueError, match="no pretrained weights 'other' in .*: there are tiny"):
        gbm.load_pretrained("other")
    monkeypatch.setenv("GBM_PRETRAINED", str(place / "nowhere"))
    with pytest.raises(ValueError, match="there are none. They come with a clone"):
        gbm.load_pretrained("tiny")
    with pytest.raises(ValueError, match="no model is named: pass --run"):
        _ = SampleConfig().folder
    with pytest.raises(ValueError, match="two models"):
        SampleConfig(place, pretrained="tiny")
    with pytest.raises(ValueError, match="writes into the run folder"):
        SampleConfig(pretrained="tiny", grid_search=True)


def test_a_law_and_weights_out_of_range_are_not_exported(run: Path, tmp_path: Path) -> None:
    law = train_law(tmp_path / "law", "lognormal-1d", 1).folder
    with pytest.raises(ValueError, match="only runs on images"):
        export(law, tmp_path / "out")
    weights, facts = load_tensors(run / "weights.safetensors", WEIGHTS_FORMAT)
    name, tensor = next(iter(weights.items()))
    copied = tmp_path / "large"
    export(run, copied)
    large = weights | {name: torch.full_like(tensor, 1e6)}
    save_tensors(copied / "weights.safetensors", large, WEIGHTS_FORMAT, facts)
    with pytest.raises(ValueError, match="beyond the range of half precision"):
        export(copied, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_card_has_what_was_measured_of_the_stored_weights(
    run: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr("gbm_fast.evaluation.features.load_or_train_classifier", tiny_extractor)
    few = tuple(dataclasses.replace(s, num_steps=2) for s in pretrained.SHOWN)
    monkeypatch.setattr(pretrained, "SHOWN", few)
    options = pretrained.Options(run, "tiny", tmp_path, num_images=8)
    folder = pretrained.make(options)
    card = (folder / "README.md").read_text()
    half = gbm.load_run(folder, "cpu")
    assert half.weights_sha256()[:16] in card and "| probability-flow | 3 | 8 |" in card
    assert {p.name for p in folder.iterdir()} >= {"samples.png", "config.json", "README.md"}
    monkeypatch.setattr(pretrained, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="weights are kept up to 1,000"):
        pretrained.make(options)


def test_every_folder_of_the_clone_is_whole() -> None:
    """Each has a card, loads, and makes a sample or restores."""
    root = pretrained.PLACE
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    for name in names:
        assert (pretrained_folder(name) / "README.md").read_text().startswith(f"# {name}\n")
        run = gbm.load_pretrained(name, "cpu")
        if run.config.noise == "gamma":
            found = gbm.restore_image(torch.full((1, 9, 12), 3.0), run).estimate
        else:
            found = run.sample(1, num_steps=2)
        assert found.isfinite().all()
