"""Training by the command and from Python: settings, own data and networks, pictures."""

import dataclasses
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import tyro
from PIL import Image
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast import evaluate, sample, train
from gbm_fast.commands import training as pipeline
from gbm_fast.commands.training import run_training
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors
from gbm_fast.settings.datasets import TOYS, ImageName
from gbm_fast.settings.stored import to_json
from gbm_fast.settings.training_presets import CODED, OURS, PAPER, choose_preset, resolve
from gbm_fast.training.loop import require_tensorboard
from gbm_fast.training.resuming import continuing
from tests.fast.conftest import Command
from tests.support.fixtures import Patch, Shown
from tests.support.source_tree import ROOT
from tests.support.tiny_runs import few_digits, saved, tiny_config
from validation import cifar10_fid, image_benchmark


def settings(*arguments: object, has_gpu: bool = False) -> gbm.TrainConfig:
    return train.parse([str(word) for word in arguments], has_gpu)[0]


def test_the_command_line_comes_after_the_file_and_that_after_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"learning_rate": 5e-4, "clip_norm": 2.0, "times": "uniform"}))
    options = ("--preset", "paper", "--dataset", "mnist", "--config", file)
    found = settings(*options, "--clip-norm", 3)
    assert (found.clip_norm, found.learning_rate, found.weight_decay) == (3.0, 5e-4, 0.01)
    assert (found.network, found.steps, found.minutes) == ("ncsn", 300_000, None)
    # Without each of them in turn, the one before it shows.
    assert settings(*options).clip_norm == 2.0
    assert settings(*options[:4]).clip_norm == PAPER["mnist"]["clip_norm"].value == 1.0
    assert settings("--config", file).learning_rate == 5e-4
    assert settings().learning_rate == gbm.TrainConfig().learning_rate


def test_a_stored_configuration_gives_the_same_settings_again(tmp_path: Path) -> None:
    first = settings("--dataset", "fashion-mnist", "--preset", "demo", "--network", "ddpmpp")
    (file := tmp_path / "config.json").write_text(to_json(first))
    assert settings("--config", file) == first
    changed = settings(f"--config={file}", "--seed=9", "--dataset=mnist")
    assert changed == dataclasses.replace(first, seed=9, dataset="mnist")


def test_as_coded_differs_from_as_printed_by_what_the_code_does() -> None:
    for dataset, coded in CODED.items():
        printed = PAPER[dataset]
        changed = {name for name, value in coded.items() if printed.get(name) != value}
        assert all("code" in coded[name].source for name in changed)
        resolved = resolve(gbm.preset_config("paper-code", dataset))
        assert (resolved.weighting, resolved.target_level) == ("squared-variance", "next")
        assert (resolved.weight_decay, resolved.ema_decay) == (0.0, 0.0)
        steps = 1_300_000 if dataset == "cifar10" else 300_001
        assert (resolved.steps, resolved.blocks) == (steps, 8 if dataset == "cifar10" else None)
    _, said = choose_preset("paper-code", "mnist", has_gpu=True)
    assert "8 as coded" in said
    with pytest.raises(ValueError, match="preset paper-code is for mnist"):
        choose_preset("paper-code", "digits", has_gpu=True)


@pytest.mark.parametrize("dataset", PAPER)
def test_every_value_of_the_paper_is_a_setting_with_a_source(dataset: str) -> None:
    """A place in the paper, or a reason; and the values resolve without a contradiction."""
    preset = gbm.preset_config("paper", dataset)
    for name, (value, source) in PAPER[dataset].items():
        place = source.startswith(("v1 ", "v2 "))
        assert place or (source.startswith(OURS) and len(source) > len(OURS) + 10), name
        assert vars(preset)[name] == value
    resolved = resolve(preset)
    assert resolved.minutes is None and resolved.preset == "paper"
    # What version 1 states, in numbers.
    steps = {"mnist": 300_000, "cifar10": 1_000_000}.get(dataset, 200_000)
    assert (resolved.steps, resolved.sigma, resolved.num_steps) == (steps, 0.8, 1000)
    assert (resolved.average, resolved.average_every) == ("saved-checkpoints", 50_000)
    if dataset != "cifar10":
        assert (resolved.checkpoint_every, resolved.choose) == (5000, "least-loss")


@pytest.mark.parametrize("preset", ["cpu", "demo"])
def test_every_data_set_has_the_small_presets_within_an_hour(preset: str) -> None:
    for dataset in (*TOYS, *get_args(ImageName)):
        resolved = resolve(gbm.preset_config(preset, dataset))
        assert resolved.minutes is not None and resolved.minutes <= (3 if preset == "demo" else 45)
        # Colour is trained in batches that two cores take ten of a second, so as not to end early.
        colour = dataset in ("natural-patches", "cifar10")
        assert (resolved.batch_size == 32) == (resolved.steps == 30_000) == colour
    # Steps that are asked for are taken, whatever time that needs.
    assert settings("--steps", "9", "--preset", preset).minutes is None


@pytest.mark.parametrize(
    ("dataset", "has_gpu", "preset"),
    [("mnist", True, "gpu"), ("mnist", False, "cpu"), ("digits", True, "gpu")],
)
def test_auto_suits_the_machine_and_says_so(dataset: str, has_gpu: bool, preset: str) -> None:
    config, line = train.parse(["--dataset", dataset], has_gpu)
    words = f"preset {preset}, since there is {'a' if has_gpu else 'no'} GPU"
    assert config.preset == preset and line.startswith(words)
    assert choose_preset("demo", dataset, has_gpu) == ("demo", "preset demo")


PARTS = ([0.4, 0.6], [[-0.8, 0.3], [0.7, -0.2]], [0.1, 0.2])
LAW = gbm.LogNormalMixture(*map(torch.tensor, PARTS))
SMALL = {"steps": 2, "batch_size": 8, "metrics_images": 0, "device": "cpu", "warmup_steps": 0}


def config(folder: Path, **overrides: object) -> gbm.TrainConfig:
    return gbm.TrainConfig(**(SMALL | {"run_dir": folder} | overrides))


class Own(nn.Module):
    """A network of two numbers for any event, with classes where they are given."""

    def __init__(self, scale: float = 0.5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([scale, 0.1]))

    def forward(self, x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        noise = condition.reshape(-1, *[1] * (x.ndim - 1))
        told = 0.0 if labels is None else labels.reshape(noise.shape)
        return self.weight[0] * x + self.weight[1] * (noise + told)


class Column(nn.Module):
    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x[:, :1]


def test_a_network_of_ones_own_is_trained(tmp_path: Path, torch_rng: torch.Generator) -> None:
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
    shape = {"width": 8, "multipliers": (1,)}
    run = gbm.train_run(config(tmp_path / "run", **shape), few_digits())
    assert run.config.dataset == "own-images" and run.max_value == 16
    assert run.sample(2, num_steps=3, sampler="ddim").shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match="were given in Python and cannot be read again"):
        run.sample(2, sampler="ddim", num_steps=3, start="data")


@pytest.mark.parametrize(
    ("network", "words"),
    [(Column(), r"returns shape \(2, 1\) for input \(2, 2\)")]
    + [(nn.Linear(2, 2), r"cannot be called with \(input \(2, 2\), condition \(2,\)\)")],
)
def test_a_network_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, network: nn.Module, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        gbm.train_run(config(tmp_path / "run"), LAW, network)
    assert not (tmp_path / "run").exists()


def test_the_command_that_continues_works_as_printed(tmp_path: Path, command: Command) -> None:
    """A folder with a blank in its name; the settings come from the run."""
    folder = tmp_path / "my run"
    gbm.train_run(config(folder, dataset="lognormal-1d", width=8, depth=1))
    words = shlex.split(continuing(folder))
    assert words[:3] == ["python", "-m", "gbm_fast.train"]
    assert command(train.main, *words[3:], "--steps", "3").status == 0
    assert gbm.load_run(folder, "cpu").config.steps == 3
    assert continuing(folder, 2).startswith("torchrun --nproc-per-node 2 -m gbm_fast.train -- ")


@pytest.fixture
def one_row(few: None, monkeypatch: Patch) -> None:
    """The command trains on forty digits, and its grids have six pictures."""
    monkeypatch.setattr(pipeline, "_ROWS", 1)


def command_config(folder: Path, **overrides: object) -> gbm.TrainConfig:
    """Settings of two steps of the smallest network, without distances."""
    settings = {"multipliers": (1,), "steps": 2, "metrics_images": 0, "run_dir": folder}
    return tiny_config(**(settings | overrides))


@pytest.mark.usefixtures("one_row")
def test_pictures_and_tensorboard_on_the_way(tmp_path: Path) -> None:
    """Samples of the averaged weights as they are then; the training itself is not disturbed."""
    plain, shown = tmp_path / "plain", tmp_path / "shown"
    for folder, extra in ((plain, {}), (shown, {"samples_every": 2, "tensorboard": True})):
        assert run_training(command_config(folder, steps=4, dropout=0.2, **extra)) == 0
    names = [f"step-{step:08d}.png" for step in (2, 4)]
    assert sorted(path.name for path in (shown / "samples").iterdir()) == names
    pixels = [np.asarray(Image.open(shown / "samples" / name)) for name in names]
    assert pixels[0].shape == pixels[1].shape and not np.array_equal(*pixels)
    assert [path.name.split(".")[0] for path in (shown / "tensorboard").iterdir()] == ["events"]
    found, expected = saved(shown)[0], saved(plain)[0]
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


@pytest.mark.usefixtures("one_row")
def test_float64_runs_are_sampled_and_loaded_in_float32(tmp_path: Path) -> None:
    settings = {"steps": 1, "precision": "float64", "samples_every": 1}
    assert run_training(command_config(tmp_path, **settings)) == 0
    assert (tmp_path / "samples" / "step-00000001.png").exists()
    assert {p.dtype for p in gbm.load_run(tmp_path, "cpu").model.parameters()} == {torch.float32}
    assert json.loads((tmp_path / "stats.jsonl").read_text())["step"] == 1


def test_tensorboard_that_is_not_there_is_refused(monkeypatch: Patch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        require_tensorboard()


NCSN = {"network": "ncsn", "width": 4, "blocks": None, "num_steps": 50, "patch_size": None}
NCSN |= {"times": "uniform", "weighting": "variance", "multipliers": None}
DDPMPP = {"network": "ddpmpp", "width": 32, "blocks": 1, "dropout": 0.1, "patch_size": None}


# On the exploding process exp(u) of the paper's parameterisation leaves the range of float32.
@pytest.mark.usefixtures("one_row")
@pytest.mark.parametrize(
    ("network", "process", "parameterisation"),
    [(NCSN, "constant", "stein"), (NCSN, "variance-exploding", "denoiser")]
    + [(DDPMPP, "constant", "stein")],
)
def test_the_networks_of_the_paper_train_and_sample(
    tmp_path: Path, network: dict[str, object], process: str, parameterisation: str
) -> None:
    """The run is loaded as it was stored, and its samples are within reach."""
    settings = {"samples_every": 2, "parameterisation": parameterisation, "process": process}
    assert run_training(command_config(tmp_path, **settings, **network)) == 0
    run = gbm.load_run(tmp_path, "cpu")
    assert isinstance(run.model.network, gbm.NCSNDeeper if network is NCSN else gbm.DDPMpp)
    stored, _ = load_tensors(run.folder / "weights.safetensors", WEIGHTS_FORMAT)
    assert all(torch.equal(tensor, stored[n]) for n, tensor in run.model.state_dict().items())
    assert (run.folder / "samples" / "step-00000002.png").exists()


@pytest.mark.usefixtures("one_row")
def test_samples_that_cannot_be_made_do_not_stop_the_training(
    tmp_path: Path, monkeypatch: Patch, capsys: Shown
) -> None:
    def fails(sampler: gbm.Sampler, *rest: object) -> Iterator[None]:
        raise ValueError("the score is too large")
        yield

    monkeypatch.setattr(gbm.Sampler, "batches", fails)
    assert run_training(command_config(tmp_path, samples_every=1)) == 0
    shown = capsys.readouterr().out
    assert "no samples at step 1: the score is too large" in shown and "trained 2 steps" in shown


@pytest.mark.usefixtures("one_row")
def test_levels_that_a_network_does_not_have_are_refused_at_once(tmp_path: Path) -> None:
    """Six levels of the exploding process begin well above its least noise."""
    with pytest.raises(ValueError, match="sample within the levels of its training"):
        run_training(command_config(tmp_path / "run", **(NCSN | {"num_steps": 6})))
    assert not (tmp_path / "run").exists()


PARSERS = {
    "gbm_fast.sample": sample.parse,
    "gbm_fast.evaluate": evaluate.parse,
    "gbm_fast.train": lambda words: train.parse(words, has_gpu=False),
    "validation.image_benchmark": lambda words: tyro.cli(image_benchmark.Options, args=words),
    "validation.cifar10_fid": lambda words: tyro.cli(cifar10_fid.Options, args=words),
}


def commands(page: str) -> list[str]:
    """The indented command lines of a page, continued lines joined."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in re.findall(r"^    ((?:python|torchrun) .*)$", text, re.M)]


def parse(command: str) -> object:
    """The options of one command; tyro leaves by SystemExit where it refuses them."""
    words = shlex.split(command, comments=True)
    place = next(i for i, word in enumerate(words) if word in PARSERS)
    module, rest = words[place], words[place + 1 :]
    if words[0] == "torchrun" and "--run" in words:
        assert rest.pop(0) == "--", "torchrun would take --run for an option of its own"
    return PARSERS[module](rest)


@pytest.mark.parametrize("command", commands("data.md") + commands("sampling.md"))
def test_a_command_of_the_docs_is_accepted(command: str) -> None:
    parse(command)


def test_the_pages_have_commands_and_a_wrong_option_is_seen() -> None:
    assert len(commands("data.md")) >= 3 and len(commands("sampling.md")) >= 6
    with pytest.raises(SystemExit):
        parse("python -m gbm_fast.sample --run RUN --chi-squared 3")
