"""Going on with a training: never begun anew in silence, and never with what is of another one."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import gbm_fast as gbm
from gbm_fast.commands.training import run_training
from gbm_fast.data.toys import load_toy
from gbm_fast.runtime import files
from gbm_fast.runtime.files import load_tensors, save_tensors
from gbm_fast.settings.stored import to_json
from gbm_fast.training import runs
from gbm_fast.training.batches import law_tensors
from gbm_fast.training.checkpoints import checkpoint_path, checkpoint_steps
from gbm_fast.training.loop import truncate_stats
from gbm_fast.training.resuming import begun_settings, continuing, run_folder
from tests.support.fixtures import Folders, Patch
from tests.support.tiny_runs import advance, few_digits, log, make_run, make_trainer, tiny_config

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def three(tmp_path_factory: Folders) -> Path:
    """A run of three steps with a checkpoint at each."""
    return make_run(tmp_path_factory.mktemp("three") / "00000-run", checkpoint_every=1)


@pytest.fixture
def folder(tmp_path: Path, three: Path) -> Path:
    return shutil.copytree(three, tmp_path / "00000-run")


def again(folder: Path, **changes: object) -> gbm.TrainConfig:
    """The settings of the run, to be gone on with."""
    return tiny_config(checkpoint_every=1, steps=3, run_dir=folder, resume="auto", **changes)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


DAMAGES: list[Damage] = [cut, zeroed, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_settings_are_taken_from_the_checkpoint(folder: Path, damage: Damage) -> None:
    damage(folder / "config.json")
    with pytest.warns(UserWarning, match="settings are taken from its newest checkpoint"):
        assert begun_settings(folder) == tiny_config(checkpoint_every=1, steps=3)
    with pytest.warns(UserWarning, match="config.json"):
        assert run_folder(again(folder), {}) == folder
    with (
        pytest.warns(UserWarning, match="config.json"),
        pytest.raises(ValueError, match="other settings .seed 5, now 6"),
    ):
        run_folder(again(folder, seed=6), {})
    automatic = dataclasses.replace(again(folder), run_dir=None, out_dir=folder.parent)
    with pytest.warns(UserWarning, match="config.json"):
        assert run_folder(automatic, {}) == folder
    with pytest.raises(ValueError, match="already holds a run: .*, with --resume auto"):
        run_folder(dataclasses.replace(again(folder), resume="never"), {})


@pytest.mark.usefixtures("few")
def test_the_command_goes_on_with_damaged_settings(folder: Path) -> None:
    cut(folder / "config.json")
    longer = dataclasses.replace(again(folder), steps=4, metrics_images=0)
    with pytest.warns(UserWarning, match="config.json"):
        assert run_training(longer) == 0
    assert checkpoint_steps(folder)[-1] == 4 and [line["step"] for line in log(folder)][-1] == 4
    assert runs.read_config(folder) == longer


@pytest.mark.filterwarnings("ignore:.*truncated")
def test_a_training_whose_files_are_all_damaged_is_not_begun_anew(folder: Path) -> None:
    """Neither at once, nor by a second job that finds the files put aside."""
    for step in checkpoint_steps(folder):
        cut(checkpoint_path(folder, step))
    automatic = dataclasses.replace(again(folder), run_dir=None, out_dir=folder.parent)
    for _ in range(2):
        assert run_folder(automatic, {}) == folder
        with pytest.raises(ValueError, match=r"are damaged: .* --config .* --run-dir \S+-anew\."):
            make_trainer(folder, checkpoint_every=1)
    cut(folder / "config.json")
    for config in (automatic, again(folder)):
        with pytest.raises(ValueError, match="put a copy of its config.json back, or move"):
            run_folder(config, {})
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_checkpoints_of_another_version_stay_as_they_are(folder: Path) -> None:
    newest = checkpoint_path(folder, 3)
    tensors, facts = load_tensors(newest, files.STATE_FORMAT)
    save_tensors(newest, tensors, "gbm-diffusion training state 99", facts)
    before = newest.read_bytes()
    with pytest.raises(files.OtherVersionError, match="state 99.* to begin it anew in another fo"):
        make_trainer(folder, checkpoint_every=1)
    assert newest.read_bytes() == before and checkpoint_steps(folder) == [2, 3]


def test_settings_of_another_version_stop_this_training_and_no_other(folder: Path) -> None:
    record = json.loads((folder / "config.json").read_text())
    del record["choose"]
    (folder / "config.json").write_text(json.dumps(record | {"of_another_version": 1}))
    automatic = dataclasses.replace(again(folder), run_dir=None, out_dir=folder.parent)
    for config in (automatic, again(folder)):
        with pytest.raises(ValueError, match=r"no settings: \['of_another_version'\]"):
            run_folder(config, {})
    other = run_folder(dataclasses.replace(automatic, seed=6), {})
    assert other.name == "00001-digits-variance-exploding"


def test_a_second_damaged_checkpoint_of_a_step_leaves_the_first(folder: Path) -> None:
    aside = folder / "checkpoints" / "state-00000003.damaged"
    aside.write_bytes(b"the first")
    cut(checkpoint_path(folder, 3))
    with pytest.warns(UserWarning, match="state-00000003.damaged-2; the checkpoint before it"):
        make_trainer(folder, checkpoint_every=1)
    assert aside.read_bytes() == b"the first"


def other_images(**changes: int) -> gbm.ImageData:
    """The forty digits, with two labels, two pixels of one image, or of a test image, swapped."""
    data = few_digits()
    names = ("train_images", "train_labels", "test_images")
    parts = {name: getattr(data, name).clone() for name in names}
    for part in map(parts.__getitem__, changes):
        part.view(-1)[[3, 20]] = part.view(-1)[[20, 3]]
    return dataclasses.replace(data, **parts)


@pytest.mark.parametrize("name", ["train_images", "train_labels"])
def test_swapped_pixels_and_labels_are_other_data(folder: Path, name: str) -> None:
    """Their moments are the same; test images are seen by no step of a training."""
    data = other_images(**{name: 1})
    with pytest.raises(ValueError, match="of other training images or labels than these"):
        make_trainer(folder, data, checkpoint_every=1)
    assert make_trainer(folder, other_images(test_images=1), checkpoint_every=1).step == 3
    facts = gbm.ImageBatches(data).facts()
    automatic = dataclasses.replace(again(folder), run_dir=None, out_dir=folder.parent)
    assert run_folder(automatic, facts).name.startswith("00001-")
    assert run_folder(automatic, gbm.ImageBatches(few_digits()).facts()) == folder


def weights_of_another_run(path: Path) -> None:
    tensors, facts = load_tensors(path, files.WEIGHTS_FORMAT)
    tensors = {name: tensor + 1 for name, tensor in tensors.items()}
    save_tensors(path, tensors, files.WEIGHTS_FORMAT, facts)


@pytest.mark.parametrize("damage", [*DAMAGES, weights_of_another_run])
def test_weights_that_are_not_those_of_the_checkpoint_are_made_anew(
    folder: Path, damage: Damage
) -> None:
    path = folder / "weights.safetensors"
    whole, _ = load_tensors(path, files.WEIGHTS_FORMAT)
    damage(path)
    make_trainer(folder, checkpoint_every=1)
    found, facts = load_tensors(path, files.WEIGHTS_FORMAT)
    assert facts["step"] == 3 and files.tensors_sha256(found) == files.tensors_sha256(whole)


def test_the_weights_of_the_least_loss_are_missed_aloud(tmp_path: Path) -> None:
    """They may be of a step that has no checkpoint any more."""
    settings = {"choose": "least-loss", "checkpoint_every": 1}
    trainer = make_trainer(tmp_path, **settings)
    improvements = iter([True, False, False])
    trainer._least_loss.improves = lambda: next(improvements)  # type: ignore[method-assign]
    advance(trainer, 3)
    path = tmp_path / "weights.safetensors"
    assert load_tensors(path, files.WEIGHTS_FORMAT)[1]["step"] == 1
    make_trainer(tmp_path, **settings)  # says nothing: they are there
    cut(path)
    with pytest.warns(UserWarning, match="until there are better ones it has those of step 3"):
        make_trainer(tmp_path, **settings)
    assert load_tensors(path, files.WEIGHTS_FORMAT)[1]["step"] == 3


def test_a_damaged_page_of_the_log_does_not_stop_a_training(folder: Path) -> None:
    path = folder / "stats.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = lines[0] + b"\0" * 512 + lines[1] + lines[2] + b'{"step": 4, "lo'
    path.write_bytes(damaged)
    with pytest.warns(UserWarning, match="1 lines of .* damaged .* stats-before-00000003.jsonl"):
        truncate_stats(path, 3)
    assert path.read_bytes() == lines[0] + lines[2]
    assert (folder / "stats-before-00000003.jsonl").read_bytes() == damaged
    truncate_stats(path, 1)  # a line that a kill cut short is no damage, and nothing is said
    assert path.read_bytes() == lines[0]


def test_the_log_is_on_the_disk_before_the_checkpoint(tmp_path: Path, monkeypatch: Patch) -> None:
    """A computer that stops must not leave a checkpoint without the lines that lead up to it."""
    events: list[tuple[str, int]] = []
    fsync, replace = os.fsync, os.replace
    trainer = make_trainer(tmp_path, checkpoint_every=2)

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        events.append(("synced", os.fstat(descriptor).st_ino))

    def named(source: Path, target: Path) -> None:
        replace(source, target)
        events.append((Path(target).name, len((tmp_path / "stats.jsonl").read_text().split("\n"))))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", named)
    advance(trainer, 4)
    logs = [
        i
        for i, e in enumerate(events)
        if e == ("synced", (tmp_path / "stats.jsonl").stat().st_ino)
    ]
    states = [(i, lines) for i, (name, lines) in enumerate(events) if name.startswith("state-")]
    assert [lines for _, lines in states] == [3, 5] and len(logs) >= 2
    assert logs[0] < states[0][0] < logs[1] < states[1][0]


@pytest.mark.parametrize("name", ["threads", "torch"])
def test_another_rounding_is_said(folder: Path, name: str) -> None:
    path = checkpoint_path(folder, 3)
    tensors, facts = load_tensors(path, files.STATE_FORMAT)
    facts["machine"][name] = 97
    save_tensors(path, tensors, files.STATE_FORMAT, facts)
    with pytest.warns(UserWarning, match=rf"goes on with {name} 97, now .* not the same bits"):
        make_trainer(folder, checkpoint_every=1)


def test_other_random_numbers_are_said(folder: Path) -> None:
    """Those of a version that drew them otherwise, and did not say so either."""
    path = checkpoint_path(folder, 3)
    tensors, facts = load_tensors(path, files.STATE_FORMAT)
    del facts["machine"]
    save_tensors(path, tensors, files.STATE_FORMAT, facts)
    with pytest.warns(UserWarning, match="with other random numbers: it goes on with other noise"):
        make_trainer(folder, checkpoint_every=1)


def test_statistics_and_laws_of_other_data_are_refused(folder: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", 1, other_images(train_labels=1))
    shutil.copy(other / "statistics.safetensors", folder)
    with pytest.raises(ValueError, match="of other training images than the weights: put the"):
        gbm.load_run(folder, "cpu")
    # What has no hash, of an older version, has moments at least.
    brighter = make_run(tmp_path / "brighter", 1, few_digits(train=30))
    stored, _ = load_tensors(brighter / "statistics.safetensors", files.STATISTICS_FORMAT)
    save_tensors(folder / "statistics.safetensors", stored, files.STATISTICS_FORMAT, {})
    with pytest.raises(ValueError, match="of other training images than the weights"):
        gbm.load_run(folder, "cpu")


def test_a_law_in_the_place_of_another_is_refused(tmp_path: Path) -> None:
    config = tiny_law_config()
    trainer = gbm.Trainer(config, gbm.LawBatches(load_toy("lognormal-1d")), tmp_path)
    runs.write_run_files(tmp_path, config, trainer.batches)
    advance(trainer, 1)
    assert gbm.load_run(tmp_path, "cpu").law is not None
    law = gbm.LawBatches(load_toy("lognormal-mixture-1d")).law
    save_tensors(tmp_path / "law.safetensors", law_tensors(law), files.LAW_FORMAT, {})
    with pytest.raises(ValueError, match="another law than that of the weights"):
        gbm.load_run(tmp_path, "cpu")


def tiny_law_config() -> gbm.TrainConfig:
    size = {"width": 8, "patch_size": None, "blocks": None, "network": "mlp", "depth": 1}
    return tiny_config(dataset="lognormal-1d", **size)


def test_weights_have_one_hash_wherever_they_are(folder: Path, three: Path) -> None:
    found, other = gbm.load_run(folder, "cpu"), gbm.load_run(three, "cpu")
    assert found.weights_sha256() == other.weights_sha256()
    with torch.no_grad():
        next(found.model.parameters()).view(-1)[0] += 1
    assert found.weights_sha256() != other.weights_sha256()
    # Those in memory, whatever the training has written into the folder since.
    (folder / "weights.safetensors").unlink()
    assert other.identity()["step"] == 3 and len(str(found.weights_sha256())) == 64


def test_weights_that_another_process_has_not_read_are_refused(
    folder: Path, monkeypatch: Patch
) -> None:
    """A training that goes on meanwhile replaced the file between the reads of two processes."""
    monkeypatch.setattr(runs, "from_main", lambda action: "the hash of process 0")
    with pytest.raises(ValueError, match="was replaced while it was read: give the command again"):
        gbm.load_run(folder, "cpu")


def test_the_folder_of_the_data_is_stored_as_an_absolute_one(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tiny_config(dataset="folder", data_dir=Path("pictures"), run_dir=Path("run"))
    (tmp_path / "run").mkdir()
    runs.write_run_files(Path("run"), config, gbm.ImageBatches(few_digits()))
    assert runs.read_config(Path("run")).data_dir == tmp_path / "pictures"
    assert "--resume auto" in continuing(Path("run"))


def test_the_home_folder_stands_for_a_tilde(monkeypatch: Patch) -> None:
    """In Python and in a file as well, where no shell expands it."""
    monkeypatch.setenv("HOME", "/home/somebody")
    config = gbm.TrainConfig(data_dir=Path("~/d"), out_dir=Path("~/o"), run_dir=Path("~/r"))
    places = (config.data_dir, config.out_dir, config.run_dir)
    assert places == tuple(Path("/home/somebody") / name for name in "dor")
    assert '"/home/somebody/o"' in to_json(config)
    with pytest.raises(ValueError, match="out_dir ~nobody-at-all/o names no home folder"):
        gbm.TrainConfig(out_dir=Path("~nobody-at-all/o"))
