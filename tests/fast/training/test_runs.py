"""Run folders: their numbers, which one is continued, and what is not taken for a run."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

import gbm_fast as gbm
from gbm_fast.data.statistics import data_statistics
from gbm_fast.runtime.files import STATISTICS_FORMAT, WEIGHTS_FORMAT, load_tensors, save_tensors
from gbm_fast.settings.stored import from_json, to_json
from gbm_fast.training.resuming import run_folder
from gbm_fast.training.runs import read_config
from tests.support.fixtures import Patch
from tests.support.tiny_runs import few_digits, make_run, newest, saved, tiny_config


def pretend_run(folder: Path, config: gbm.TrainConfig, checkpoint: bool = True) -> Path:
    """A folder with the settings and, where asked for, a file in the place of a checkpoint."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(to_json(config))
    if checkpoint:
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / "state-00000003.safetensors").write_bytes(b"a checkpoint")
    return folder


def test_new_folders_are_numbered_on_from_the_greatest(tmp_path: Path) -> None:
    config = tiny_config(out_dir=tmp_path / "deep" / "runs", process="constant")
    first, second = run_folder(config, {}), run_folder(config, {})
    assert first == config.out_dir / "00000-digits-constant"
    assert second == config.out_dir / "00001-digits-constant"
    assert first.is_dir() and second.is_dir()
    # Gaps are not filled, and neither a file nor a folder without a number counts.
    (config.out_dir / "00041-mnist-constant").mkdir()
    (config.out_dir / "00090-notes.txt").write_text("not a folder")
    (config.out_dir / "features").mkdir()
    (config.out_dir / "123-short").mkdir()
    assert run_folder(config, {}).name == "00042-digits-constant"


def test_resume_auto_takes_the_newest_run_of_the_same_training(tmp_path: Path) -> None:
    config = tiny_config(out_dir=tmp_path, resume="auto", steps=90, seed=3)
    # Budgets and places may differ, the training may not.
    same = dataclasses.replace(config, resume="never", steps=4, metrics_images=0, minutes=7.5)
    pretend_run(tmp_path / "00003-digits-old", same)
    expected = pretend_run(tmp_path / "00011-digits-new", same)
    pretend_run(tmp_path / "00012-digits-other", dataclasses.replace(same, seed=4))
    pretend_run(tmp_path / "00013-digits-killed-early", same, checkpoint=False)
    assert run_folder(config, {}) == expected
    # A twin that ignored the training settings would have taken number 12.
    assert run_folder(dataclasses.replace(config, seed=4), {}).name == "00012-digits-other"
    assert run_folder(dataclasses.replace(config, resume="never"), {}).name.startswith("00014-")


def test_resume_auto_without_a_run_to_continue_starts_a_new_one(tmp_path: Path) -> None:
    config = tiny_config(out_dir=tmp_path, resume="auto")
    pretend_run(tmp_path / "00006-digits-other", dataclasses.replace(config, dropout=0.25))
    assert run_folder(config, {}).name == "00007-digits-variance-exploding"


def test_two_trainings_at_once_have_two_folders(tmp_path: Path, monkeypatch: Patch) -> None:
    config = tiny_config(out_dir=tmp_path)
    # Neither sees the other.
    monkeypatch.setattr("gbm_fast.training.resuming._numbered", lambda out_dir: [])
    first, second = run_folder(config, {}), run_folder(config, {})
    assert [first.name[:5], second.name[:5]] == ["00000", "00001"] and second.is_dir()


def test_a_given_folder_is_used_continued_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    config = tiny_config(run_dir=folder)
    assert run_folder(config, {}) == folder and folder.is_dir()
    (folder / "config.json").write_text(to_json(config))
    with pytest.raises(ValueError, match="mine already holds a run: .* --resume auto"):
        run_folder(config, {})
    auto = dataclasses.replace(config, resume="auto", steps=70)
    assert run_folder(auto, {}) == folder
    with pytest.raises(ValueError, match=r"other settings \(learning_rate 0.001, now 0.0625\)"):
        run_folder(dataclasses.replace(auto, learning_rate=0.0625), {})


def test_the_settings_of_a_folder_are_read_or_refused_with_the_path(tmp_path: Path) -> None:
    config = tiny_config(seed=17)
    folder = pretend_run(tmp_path / "run", config)
    assert read_config(folder) == config
    with pytest.raises(ValueError, match="is not a run folder: it has no config.json"):
        read_config(tmp_path)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"run/config\.json cannot be used: .* not JSON"):
        read_config(folder)


def test_a_run_is_loaded_with_its_averaged_weights_and_statistics(tmp_path: Path) -> None:
    run = gbm.load_run(make_run(tmp_path / "run", steps=2, dropout=0.25), "cpu")
    assert run.config == tiny_config(steps=2, dropout=0.25)
    assert (run.event_shape, run.max_value) == ((1, 8, 8), 16)
    assert not run.model.training
    assert not any(parameter.requires_grad for parameter in run.model.parameters())
    state, facts = saved(run.folder)
    assert facts["step"] == 2
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, state[f"average.module.{name}"]), name
    # The two sets of weights differ, so that the assertion above can tell which one was loaded.
    head = "network.head.2.weight"
    assert not torch.equal(state[f"average.module.{head}"], state[f"model.{head}"])
    data = few_digits()
    images = gbm.positive_from_integers(data.train_images, data.max_value)
    expected = data_statistics(images, data.train_labels, data.num_classes)
    for field in dataclasses.fields(expected):
        found = getattr(run.statistics, field.name)
        assert torch.equal(found, getattr(expected, field.name)), field.name


def test_a_foreign_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a run folder"):
        gbm.load_run(tmp_path / "nowhere", "cpu")
    folder = pretend_run(tmp_path / "untrained", tiny_config())
    with pytest.raises(ValueError, match="weights.safetensors does not exist"):
        gbm.load_run(folder, "cpu")


def test_damaged_files_of_a_run_are_refused_by_name(folder: Path) -> None:
    for name in ("weights.safetensors", "statistics.safetensors"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=f"{name} is truncated"):
            gbm.load_run(folder, "cpu")
        (folder / name).write_bytes(whole)
    # The training state has the right tensors and more, but is not the file that was asked for.
    (folder / "weights.safetensors").write_bytes(newest(folder).read_bytes())
    with pytest.raises(ValueError, match="weights.safetensors is a foreign file"):
        gbm.load_run(folder, "cpu")


# The first changes the shapes; the second none, and would load in silence as another model.
@pytest.mark.parametrize("changes", [{"width": 12}, {"parameterisation": "noise"}])
def test_weights_of_other_settings_are_refused(folder: Path, changes: dict[str, object]) -> None:
    (folder / "config.json").write_text(to_json(tiny_config(**changes)))
    with pytest.raises(ValueError, match="are of other settings than its config.json"):
        gbm.load_run(folder, "cpu")


def test_weights_without_a_tensor_are_refused(folder: Path) -> None:
    weights, facts = load_tensors(folder / "weights.safetensors", WEIGHTS_FORMAT)
    del weights["network.stem.bias"]
    save_tensors(folder / "weights.safetensors", weights, WEIGHTS_FORMAT, facts)
    with pytest.raises(ValueError, match="do not fit its network(.|\n)*network.stem.bias"):
        gbm.load_run(folder, "cpu")


def test_the_files_of_a_run_say_where_it_comes_from(folder: Path) -> None:
    assert from_json((folder / "config.json").read_text()) == tiny_config(steps=1)
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["packages"]["torch"].startswith(torch.__version__.split("+")[0])
    assert environment["command"] and environment["threads"] >= 1
    stored, _ = load_tensors(folder / "statistics.safetensors", STATISTICS_FORMAT)
    assert stored["class_averages"].shape == (10, 1, 8, 8)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="file cannot be written in .File exists"):
        run_folder(tiny_config(run_dir=tmp_path / "file"), {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of one step."""
    return make_run(tmp_path / "run", steps=1)
