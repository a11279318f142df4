"""The sampling command: shared by processes, interrupted and continued, the same images."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.commands import sampling as sample_job
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.settings.commands import EvaluateConfig, Measurement, SampleConfig
from tests.support.processes import join, start_group
from tests.support.tiny_data import BRIEF
from tests.support.tiny_runs import make_run

# Ten images in four batches: of three processes one gets two; of two each.
SETTINGS = gbm.SamplingSettings(
    sampler="ancestral", num_steps=4, num_images=10, batch_size=3, seed=6
)
COUNT = SETTINGS.num_images


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class-conditional run of three steps on the digits, with a classifier beside it."""
    root = tmp_path_factory.mktemp("job")
    gbm.load_or_train_classifier(gbm.load_dataset("digits"), root / "features", settings=BRIEF)
    return make_run(root / "run", class_conditional=True)


@pytest.fixture(scope="module")
def alone(run: Path) -> Path:
    """The set made in one go by one process."""
    sample(run, run.parent / "alone")
    return run.parent / "alone"


def sample(run: Path, out: Path, settings: gbm.SamplingSettings = SETTINGS) -> None:
    """The command; a function of the module, so that other processes can call it."""
    torch.set_num_threads(1)
    run_sampling(SampleConfig(run=run, out=out, device="cpu", sampling=settings))


def evaluate(run: Path) -> None:
    """Distances of 24 images in batches of 5, with one thread."""
    torch.set_num_threads(1)
    settings = replace(SETTINGS, num_images=24, batch_size=5)
    measurement = Measurement(floor_repeats=2)
    run_evaluation(EvaluateConfig(run, None, "cpu", measurement, settings))


def arrays(folder: Path) -> np.ndarray:
    with np.load(folder / "images.npz") as archive:
        return archive["images"]


def contents(folder: Path) -> dict[str, bytes]:
    """Everything but settings.json, byte by byte."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert set(files) == {
        "grid.png",
        "images.npz",
        "labels.txt",
        "settings.json",
        *(f"png/{i:06d}.png" for i in range(COUNT)),
    }
    with np.load(folder / "images.npz") as archive:
        assert archive["labels"].tolist() == np.loadtxt(folder / "labels.txt", int).tolist()
    content = {n: path.read_bytes() for n, path in files.items() if "png" in n or "labels" in n}
    return content | {"images": arrays(folder).tobytes()}


def test_three_processes_make_the_images_of_one(run: Path, alone: Path, tmp_path: Path) -> None:
    """Bit for bit: whole batches are shared, so the network adds up in the same order.

    Mistakes that this sees: noise or labels numbered from 0 in every process (two batches would be
    equal, which they are not here), a batch that two processes make or none, rows out of order.
    """
    assert join(start_group(3, sample, run, tmp_path / "shared")) == [0, 0, 0]
    assert contents(tmp_path / "shared") == contents(alone)
    images = arrays(alone).reshape(COUNT, -1)
    assert len(np.unique(images, axis=0)) == COUNT
    labels = np.loadtxt(alone / "labels.txt", int).tolist()
    assert labels[:3] != labels[3:6], "drawn anew in every batch"
    facts = json.loads((tmp_path / "shared" / "settings.json").read_text())
    expected = json.loads((alone / "settings.json").read_text())
    assert facts == expected | {"processes": 3}


def test_the_fit_of_the_start_is_printed_and_stored(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """mu_hat is the mean log pixel, between 0 and log 2; sigma_hat is little above √v = 10."""
    sample(run, tmp_path)
    facts = json.loads((tmp_path / "settings.json").read_text())
    assert 0 < facts["mu_hat"][0] < 0.69 and 10 < facts["sigma_hat"][0] < 10.1
    printed = capsys.readouterr().out
    for name in ("mu_hat", "sigma_hat"):
        assert f"{name}: {facts[name][0]:.6g}" in printed


def killed_after(batches: int, monkeypatch: pytest.MonkeyPatch) -> list[range]:
    """Have the command end before it stores batch number `batches`; lists what it stores."""
    stored: list[range] = []
    write = sample_job.write_batch

    def write_or_die(folder: Path, batch: range, *rest: object) -> None:
        if len(stored) == batches:
            raise KeyboardInterrupt
        stored.append(batch)
        write(folder, batch, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sample_job, "write_batch", write_or_die)
    return stored


def test_a_killed_command_goes_on_and_makes_nothing_twice(
    run: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = killed_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        sample(run, tmp_path)
    assert not (tmp_path / "settings.json").exists(), "it would say that the set is whole"
    # A file that the kill cut short is made again.
    (tmp_path / "png" / "000006.png").write_bytes(b"half")
    monkeypatch.undo()
    second = killed_after(99, monkeypatch)
    sample(run, tmp_path)
    assert (first, second) == ([range(0, 3), range(3, 6)], [range(6, 9), range(9, 10)])
    assert contents(tmp_path) == contents(alone)


def test_other_settings_do_not_mix_with_what_is_unfinished(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another seed is refused, and the parts are left; another number of images is welcome."""
    killed_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        sample(run, tmp_path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="interrupted command with other settings"):
        sample(run, tmp_path, replace(SETTINGS, seed=7))
    assert len(list((tmp_path / "parts").glob("*.npy"))) == 2
    stored = killed_after(99, monkeypatch)
    sample(run, tmp_path, replace(SETTINGS, num_images=8))
    assert stored == [range(6, 8)]
    assert len(arrays(tmp_path)) == 8


def test_only_what_is_wanted_is_written(run: Path, tmp_path: Path) -> None:
    config = SampleConfig(run=run, out=tmp_path, output=("npz",), device="cpu", sampling=SETTINGS)
    run_sampling(config)
    names = {"images.npz", "labels.txt", "settings.json"}
    assert {p.name for p in tmp_path.iterdir()} == names


def test_a_preset_is_applied_and_its_source_noted(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digits are not among the paper's data sets."""
    config = SampleConfig(run=run, out=tmp_path, preset="paper", device="cpu")
    with pytest.raises(ValueError, match="the paper has no setting for digits"):
        run_sampling(config)
    assert list(tmp_path.iterdir()) == []


def test_processes_measure_what_one_measures(run: Path) -> None:
    """The same distances to the last bit: features of image i are the same whoever makes it."""
    evaluate(run)
    before = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").unlink()
    assert join(start_group(2, evaluate, run)) == [0, 0]
    assert json.loads((run / "metrics.json").read_text()) == before
    assert before[0]["result"]["N"] == 24
