"""Trainings that begin with the weights of others: first step, ledger, and what is refused."""

import shutil
from pathlib import Path

import pytest
import torch

import gbm_fast as gbm
from gbm_fast.commands.training import run_training
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors, tensors_sha256
from gbm_fast.sampling.pretrained import export
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.resuming import run_folder
from gbm_fast.training.runs import weights_facts
from tests.support.fixtures import Folders
from tests.support.tiny_runs import advance, averages, make_run, make_trainer, same, saved, weights


@pytest.fixture(scope="module")
def first(tmp_path_factory: Folders) -> Path:
    """A run of three steps of eight images."""
    return make_run(tmp_path_factory.mktemp("first") / "run")


def test_the_first_weights_are_the_averages_of_the_other_run(first: Path, tmp_path: Path) -> None:
    """Not its weights, and not those of the seed; the average begins with them as well."""
    stored = load_tensors(first / "weights.safetensors", WEIGHTS_FORMAT)[0]
    trainer = make_trainer(tmp_path / "run", initial_weights=first, seed=6)
    found = trainer.model.state_dict()
    assert found.keys() == stored.keys() and all(torch.equal(found[k], stored[k]) for k in stored)
    assert same(averages(trainer), weights(trainer))
    other = make_trainer(tmp_path / "random", seed=6)
    assert not same(weights(other), weights(trainer))
    assert not any(key.startswith("optimiser") for key in trainer.optimiser.state_dict()["state"])
    before = weights(trainer)
    advance(trainer, 1)
    assert not same(before, weights(trainer))


def test_the_ledger_names_every_training_before(first: Path, tmp_path: Path) -> None:
    second = make_run(tmp_path / "second", 2, initial_weights=first, seed=6)
    third = make_run(tmp_path / "third", 1, initial_weights=second, seed=7)
    assert "began_from" not in weights_facts(first)
    for facts in (weights_facts(third), saved(third)[1]):
        one, two = facts["began_from"]
        assert (one["steps"], one["images"], two["steps"], two["images"]) == (3, 24, 2, 16)
        assert one["weights_sha256"] == gbm.load_run(first, "cpu").weights_sha256()
        assert two["weights_sha256"] == gbm.load_run(second, "cpu").weights_sha256()
        assert one["seconds"] == weights_facts(first)["seconds"] > 0
    assert gbm.load_run(third, "cpu").sample(1, num_steps=2).isfinite().all()


def test_pretrained_weights_are_begun_with_as_they_are_loaded(first: Path, tmp_path: Path) -> None:
    """Half precision on the disk, single in use: the hash is that of what is used."""
    export(first, tmp_path / "half")
    trainer = make_trainer(tmp_path / "run", initial_weights=tmp_path / "half")
    (entry,) = trainer.origin.ledger
    loaded = gbm.load_run(tmp_path / "half", "cpu")
    assert entry["weights_sha256"] == loaded.weights_sha256()
    assert entry["weights_sha256"] == tensors_sha256(trainer.model.state_dict())


def test_a_training_goes_on_as_the_one_that_began_with_them(first: Path, tmp_path: Path) -> None:
    """From a copy elsewhere too, to the same bits; with other weights it is another training."""
    whole = make_trainer(tmp_path / "whole", initial_weights=first, seed=6)
    advance(whole, 2)
    part = make_trainer(tmp_path / "part", initial_weights=first, seed=6)
    advance(part, 1)
    part.save()
    moved = shutil.copytree(first, tmp_path / "moved")
    again = make_trainer(tmp_path / "part", initial_weights=moved, seed=6)
    assert again.step == 1
    advance(again, 2)
    assert same(weights(whole), weights(again)) and same(averages(whole), averages(again))
    other = make_run(tmp_path / "other", 1, seed=9)
    for wrong in (other, None):
        with pytest.raises(ValueError, match="others than those that this training began with"):
            make_trainer(tmp_path / "part", initial_weights=wrong, seed=6)
    with pytest.raises(ValueError, match=r"began with \(random ones\)"):
        make_trainer(other, initial_weights=first, seed=9)


def command(first: Path, out: Path, **changes: object) -> gbm.TrainConfig:
    """Settings of the command for a training on digits that begins with a run's weights."""
    size = {"width": 8, "patch_size": 2, "blocks": 1, "batch_size": 8, "steps": 1, "device": "cpu"}
    rest = {"metrics_images": 0, "out_dir": out, "initial_weights": first, "precision": "float32"}
    return resolve(gbm.TrainConfig(**(size | rest | changes)))


def test_the_command_chooses_the_run_of_these_weights(first: Path, tmp_path: Path) -> None:
    """With --resume auto; the run says where the weights were, from anywhere."""
    out, config = tmp_path / "runs", command(first, tmp_path / "runs")
    assert run_training(config) == 0
    (made,) = out.iterdir()
    ledger = weights_facts(made)["began_from"]
    stored = gbm.load_run(made, "cpu").config.initial_weights
    assert stored == first and stored.is_absolute()
    auto = command(first, out, resume="auto")
    data = {"train_sha256": weights_facts(made)["train_sha256"]}
    assert run_folder(auto, data | {"began_from": ledger}) == made
    assert run_folder(auto, data) != made


def test_what_cannot_be_begun_with_is_refused_before_anything_is_written(
    first: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    with pytest.raises(ValueError, match=r"there is no .*weights\.safetensors: pass the folder"):
        run_training(command(tmp_path, out))
    with pytest.raises(ValueError, match=r"of another network: .* --config FOLDER/config\.json"):
        run_training(command(first, out, width=16))
    assert not out.exists()
