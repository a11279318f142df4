"""Records as command lines: groups, defaults, examples, version, and what ends in one line."""

import dataclasses
import re
import sys

import pytest

import gbm_fast
import gbm_fast as gbm
from gbm_fast import evaluate, sample, train
from gbm_fast.settings import command_line
from gbm_fast.settings.command_line import Command
from gbm_fast.settings.commands import EVALUATE, SAMPLE, EvaluateConfig, SampleConfig
from gbm_fast.settings.restoration import RESTORE, RestoreConfig
from gbm_fast.train import COMMAND
from tests.support.fixtures import Patch, Shown

PARSERS = {
    "train": lambda words: train.parse(words, has_gpu=False),
    "sample": sample.parse,
    "evaluate": evaluate.parse,
}


def help_of(name: str, *arguments: str, capsys: Shown) -> str:
    """What a command prints for --help, its lines joined."""
    with pytest.raises(SystemExit) as left:
        PARSERS[name]([*arguments, "--help"])
    assert left.value.code == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("command", "record", "aside"),
    [(COMMAND, gbm.TrainConfig, {"config"}), (SAMPLE, SampleConfig, set())]
    + [(EVALUATE, EvaluateConfig, {"sampling.image_size"}), (RESTORE, RestoreConfig, set())],
    ids=["train", "sample", "evaluate", "restore"],
)
def test_each_setting_is_in_one_group(command: Command, record: type, aside: set[str]) -> None:
    """A setting that no group has could be chosen in Python alone."""
    inside = set()
    for field in dataclasses.fields(record):
        if dataclasses.is_dataclass(field.default):
            inside |= {f"{field.name}.{part.name}" for part in dataclasses.fields(field.default)}
        else:
            inside.add(field.name)
    shown = [name for group in command.groups for name in group.settings]
    assert len(shown) == len(set(shown))
    assert {name.removeprefix("training.") for name in shown} - aside == inside - aside


FIRST = {"train": "data", "sample": "run-and-output", "evaluate": "run"}


@pytest.mark.parametrize(("name", "first"), FIRST.items())
def test_help_has_groups_and_examples(name: str, first: str, capsys: Shown) -> None:
    text = help_of(name, capsys=capsys)
    assert re.findall(r"([\w-]+) options\b", text)[0] == first
    assert "{None}" not in text and "(default: None)" not in text
    examples = 3 if name == "sample" else 2
    assert text.count(f"-m gbm_fast.{name} --", text.index("examples:")) == examples
    assert f"usage: python -m gbm_fast.{name}" in text and "--version prints" in text


def test_defaults_in_the_help_follow_the_data(capsys: Shown) -> None:
    """What `resolve` fills in is shown, as it is for these data."""
    digits = help_of("train", capsys=capsys)
    assert "units a layer of the mlp. (default: 32)" in digits
    assert "Stop after this many steps. (default: 4000)" in digits
    assert "else ./data, to which missing files are fetched)" in digits
    law = help_of("train", "--dataset", "lognormal-1d", capsys=capsys)
    assert "units a layer of the mlp. (default: 128)" in law and "(default: mlp)" in law


@pytest.mark.parametrize("name", PARSERS)
def test_every_command_prints_the_version(name: str, capsys: Shown) -> None:
    with pytest.raises(SystemExit) as left:
        PARSERS[name](["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"gbm-diffusion {gbm_fast.__version__}\n"


def test_options_reach_the_records_inside_and_the_lists_of_a_search() -> None:
    found = sample.parse(
        ["--run", "RUN", "--seed", "3", "--features-dir", "F", "--grid-search"]
        + ["--search.chi", "0.9", "1.0", "--search.step-length", "None"]
    )
    assert (found.run.name, found.sampling.seed, found.search.chi) == ("RUN", 3, (0.9, 1.0))
    assert found.search.step_length == (None,) and str(found.measurement.features_dir) == "F"
    default = SampleConfig(found.run)
    assert dataclasses.replace(default.sampling, seed=3) == found.sampling
    assert found.search.inner_steps == default.search.inner_steps


def test_a_console_script_is_called_by_its_name(monkeypatch: Patch) -> None:
    assert COMMAND.program == "python -m gbm_fast.train"
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/gbm-train", "--seed", "3"])
    assert COMMAND.program == "gbm-train"


def _raises(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ValueError("a wrong setting."), 2, "error: a wrong setting.\n"),
        (FloatingPointError("not finite."), 2, "error: not finite.\n"),
        (ModuleNotFoundError("No module", name="tyro"), 2, "pip install 'gbm-diffusion[fast]'"),
        (KeyboardInterrupt(), 130, "again: python -m gbm_fast.sample --run 'my run'\n"),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    monkeypatch: Patch, capsys: Shown, error: BaseException, status: int, words: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["sample.py", "--run", "my run"])
    assert command_line.run(SAMPLE, lambda: _raises(error)) == status
    assert words in capsys.readouterr().err


def test_a_module_of_ours_that_is_missing_is_a_defect() -> None:
    """Only packages of the extra are named: a traceback of our own code is not swallowed."""
    with pytest.raises(ModuleNotFoundError):
        command_line.run(SAMPLE, lambda: _raises(ModuleNotFoundError("no", name="gbm_fast.no")))
