"""The commands of docs/ are accepted as they stand: no option that has gone, no contradiction."""

import re
import shlex

import pytest

from gbm_fast import evaluate, sample, train
from tests.support.source_tree import ROOT

PARSERS = {
    "gbm_fast.sample": sample.parse,
    "gbm_fast.evaluate": evaluate.parse,
    "gbm_fast.train": lambda words: train.parse(words, has_gpu=False),
}


def commands(page: str) -> list[str]:
    """The indented command lines of a page, continued lines joined."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in re.findall(r"^    ((?:python|torchrun) .*)$", text, re.M)]


def parse(command: str) -> object:
    """The options of one command; tyro leaves by SystemExit where it refuses them."""
    words = shlex.split(command)
    place = next(i for i, word in enumerate(words) if word in PARSERS)
    if words[0] == "torchrun" and "--run" in words:
        assert words[place + 1] == "--", "torchrun would take --run for an option of its own"
        place += 1
    module = next(word for word in words if word in PARSERS)
    return PARSERS[module](words[place + 1 :])


@pytest.mark.parametrize("command", commands("data.md") + commands("sampling.md"))
def test_a_command_of_the_docs_is_accepted(command: str) -> None:
    parse(command)


def test_the_pages_have_commands_and_a_wrong_option_is_seen() -> None:
    assert len(commands("data.md")) >= 3 and len(commands("sampling.md")) >= 6
    with pytest.raises(SystemExit):
        parse("python -m gbm_fast.sample --run RUN --chi-squared 3")
