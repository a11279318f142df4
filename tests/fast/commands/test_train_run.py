"""Training from Python: own data, own laws, own networks; what is stored, and what is refused."""

import dataclasses
import shlex
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast import train
from gbm_fast.training.runs import continuing
from tests.support.tiny_runs import few_digits

LAW = gbm.LogNormalMixture(
    torch.tensor([0.4, 0.6]), torch.tensor([[-0.8, 0.3], [0.7, -0.2]]), torch.tensor([0.1, 0.2])
)
SMALL = {"steps": 2, "batch_size": 8, "metrics_images": 0, "device": "cpu", "warmup_steps": 0}


def config(folder: Path, **overrides: object) -> gbm.TrainConfig:
    return gbm.TrainConfig(**(SMALL | {"run_dir": folder} | overrides))  # type: ignore[arg-type]


class Own(nn.Module):
    """A network of two numbers for any event, with classes where they are given."""

    def __init__(self, scale: float = 0.5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([scale, 0.1]))

    def forward(self, x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        """Of the shape of x."""
        noise = condition.reshape(-1, *[1] * (x.ndim - 1))
        told = 0.0 if labels is None else labels.reshape(noise.shape)
        return self.weight[0] * x + self.weight[1] * (noise + told)


def test_a_network_of_ones_own_is_trained_stored_and_loaded(
    tmp_path: Path, torch_rng: torch.Generator
) -> None:
    """The module that is given stays as it is; the run needs one of the same shape again."""
    mine, folder = Own(), tmp_path / "run"
    run = gbm.train_run(config(folder, class_conditional=True), data=LAW, network=mine)
    assert torch.equal(mine.weight.detach(), Own().weight.detach())
    assert run.config.network == "own" and run.config.dataset == "own-law"
    again = gbm.load_run(folder, "cpu", network=Own(0.9))
    x, labels = LAW.labelled_rvs(5, torch_rng)
    assert torch.equal(run.score(x, 0.5, labels), again.score(x, 0.5, labels))
    assert not torch.equal(again.model.network.weight, mine.weight)
    assert torch.equal(again.law.log_means, LAW.log_means) and again.num_classes == 2
    with pytest.raises(ValueError, match="is your own: pass it as network"):
        gbm.load_run(folder, "cpu")
    with pytest.raises(ValueError, match="do not fit its network"):
        gbm.load_run(folder, "cpu", network=nn.Linear(2, 2))
    assert "gbm_fast.train_run(...)" in continuing(folder)


def test_such_a_training_goes_on_and_only_with_the_same_law(tmp_path: Path) -> None:
    """Four steps at once, and two and two, end with the same weights."""
    whole = gbm.train_run(config(tmp_path / "a", steps=4), LAW, Own())
    gbm.train_run(config(tmp_path / "b"), LAW, Own())
    longer = config(tmp_path / "b", steps=4, resume="auto")
    parts = gbm.train_run(longer, LAW, Own())
    assert torch.equal(whole.model.network.weight, parts.model.network.weight)
    other = dataclasses.replace(LAW, log_covs=torch.tensor([0.1, 0.21]))
    with pytest.raises(ValueError, match="is of other data"):
        gbm.train_run(dataclasses.replace(longer, steps=6), other, Own())


def test_images_of_ones_own_are_trained_on(tmp_path: Path) -> None:
    shape = {"width": 8, "multipliers": (1,), "metrics_images": 4}
    run = gbm.train_run(config(tmp_path / "run", **shape), few_digits())
    assert run.config.dataset == "own-images" and run.max_value == 16
    assert run.sample(2, num_steps=3, sampler="ddim").shape == (2, 1, 8, 8)
    assert (run.folder / "samples.png").exists()
    with pytest.raises(ValueError, match="were given in Python and cannot be read again"):
        run.sample(2, sampler="ddim", num_steps=3, start="data")


class Wrong(nn.Module):
    """Returns a column."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Of another shape than x."""
        return x[:, :1]


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Wrong(), r"returns shape \(2, 1\) for input \(2, 2\)"),
        (nn.Linear(2, 2), r"cannot be called with \(input \(2, 2\), condition \(2,\)\)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, network: nn.Module, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        gbm.train_run(config(tmp_path / "run"), LAW, network)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--network", "own"], "network own is a module in Python: call gbm_fast.train_run"),
        (["--dataset", "own-law"], "the data set own-law is an object in Python"),
        (["--dataset", "own-images"], "the data set own-images is an object in Python"),
    ],
)
def test_what_only_python_can_give_is_refused_on_the_command_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train", *options, "--device", "cpu"])
    assert train.main() == 2
    assert words in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_the_command_that_continues_works_as_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with a blank in its name; the settings come from the run."""
    folder = tmp_path / "my run"
    law = {"dataset": "lognormal-1d", "width": 8, "depth": 1}
    gbm.train_run(config(folder, **law))
    words = shlex.split(continuing(folder))
    assert words[:3] == ["python", "-m", "gbm_fast.train"]
    monkeypatch.setattr("sys.argv", ["train", *words[3:], "--steps", "3"])
    assert train.main() == 0
    assert gbm.load_run(folder, "cpu").config.steps == 3
    assert continuing(folder, 2).startswith("torchrun --nproc-per-node 2 -m gbm_fast.train -- ")
