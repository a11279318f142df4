"""Training by the command's function: pictures on the way, the paper's networks, precision."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast.commands import training as pipeline
from gbm_fast.commands.training import run_training
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors
from gbm_fast.training.loop import require_tensorboard
from tests.support.tiny_runs import few_digits, saved, tiny_config


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command trains on forty digits, and its grids have six pictures."""
    monkeypatch.setattr(pipeline, "load_dataset", lambda name, folder: few_digits())
    monkeypatch.setattr(pipeline, "_ROWS", 1)


def test_pictures_and_tensorboard_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples of the averaged weights as they are then; the training itself is not disturbed."""
    settings = {"multipliers": (1,), "steps": 4, "metrics_images": 0, "dropout": 0.2}
    extra = {"samples_every": 2, "tensorboard": True}
    for folder, more in (("plain", {}), ("shown", extra)):
        assert run_training(tiny_config(run_dir=tmp_path / folder, **settings, **more)) == 0
    shown = tmp_path / "shown"
    names = [f"step-{step:08d}.png" for step in (2, 4)]
    assert sorted(path.name for path in (shown / "samples").iterdir()) == names
    pixels = [np.asarray(Image.open(shown / "samples" / name)) for name in names]
    assert pixels[0].shape == pixels[1].shape and not np.array_equal(*pixels)
    assert [path.name.split(".")[0] for path in (shown / "tensorboard").iterdir()] == ["events"]
    found, expected = saved(shown)[0], saved(tmp_path / "plain")[0]
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_float64_runs_are_sampled_and_loaded_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 1, "metrics_images": 0, "precision": "float64", "samples_every": 1}
    folder = tmp_path / "run"
    assert run_training(tiny_config(multipliers=(1,), run_dir=folder, **settings)) == 0
    assert (folder / "samples" / "step-00000001.png").exists()
    assert {p.dtype for p in gbm.load_run(folder, "cpu").model.parameters()} == {torch.float32}
    assert json.loads((folder / "stats.jsonl").read_text())["step"] == 1


def test_tensorboard_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        require_tensorboard()


NCSN = {"network": "ncsn", "width": 4, "blocks": None, "num_steps": 50}
NCSN |= {"times": "uniform", "weighting": "variance"}
DDPMPP = {"network": "ddpmpp", "width": 32, "multipliers": (1,), "blocks": 1, "dropout": 0.1}


# On the exploding process exp(u) of the paper's parameterisation leaves the range of float32.
@pytest.mark.parametrize(
    ("network", "process", "parameterisation"),
    [
        (NCSN, "constant", "stein"),
        (NCSN, "variance-exploding", "denoiser"),
        (DDPMPP, "constant", "stein"),
    ],
)
def test_the_networks_of_the_paper_train_and_sample(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: dict[str, object],
    process: str,
    parameterisation: str,
) -> None:
    """The run is loaded as it was stored, and its samples are within reach."""
    settings = {"steps": 2, "metrics_images": 0, "samples_every": 2, "run_dir": tmp_path / "run"}
    settings |= {"patch_size": None, "parameterisation": parameterisation, "process": process}
    assert run_training(tiny_config(**settings, **network)) == 0
    run = gbm.load_run(tmp_path / "run", "cpu")
    kind = gbm.NCSNDeeper if network is NCSN else gbm.DDPMpp
    assert isinstance(run.model.network, kind)
    stored, _ = load_tensors(run.folder / "weights.safetensors", WEIGHTS_FORMAT)
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, stored[name])
    assert (run.folder / "samples" / "step-00000002.png").exists()


def test_samples_that_cannot_be_made_do_not_stop_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(sampler: gbm.Sampler, *rest: object) -> Iterator[None]:
        raise ValueError("the score is too large")
        yield

    monkeypatch.setattr(gbm.Sampler, "batches", fails)
    settings = {"steps": 2, "metrics_images": 0, "samples_every": 1, "run_dir": tmp_path / "run"}
    assert run_training(tiny_config(multipliers=(1,), **settings)) == 0
    shown = capsys.readouterr().out
    assert "no samples at step 1: the score is too large" in shown and "trained 2 steps" in shown


def test_levels_that_a_network_does_not_have_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six levels of the exploding process begin well above its least noise."""
    config = tiny_config(patch_size=None, run_dir=tmp_path / "run", **(NCSN | {"num_steps": 6}))
    with pytest.raises(ValueError, match="sample within the levels of its training"):
        run_training(config)
    assert not (tmp_path / "run").exists()
