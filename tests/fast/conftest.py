"""What several rooms share: a command in this process, and a training command on forty digits."""

import sys
from collections.abc import Callable
from typing import NamedTuple

from pytest import fixture

from gbm_fast.commands import training as pipeline
from tests.support.fixtures import Patch, Shown
from tests.support.tiny_runs import few_digits


class Done(NamedTuple):
    """What a command left: its exit status, stdout, and stderr joined to one line."""

    status: int
    out: str
    err: str


Command = Callable[..., Done]


@fixture
def command(monkeypatch: Patch, capsys: Shown) -> Command:
    """command(main, *words) calls a command's main in this process; tyro leaves by SystemExit."""

    def call(main: Callable[[], int], *words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, words)])
        capsys.readouterr()
        try:
            status = main()
        except SystemExit as left:
            status = int(left.code or 0)
        shown = capsys.readouterr()
        return Done(status, shown.out, " ".join(shown.err.replace("│", " ").split()))

    return call


@fixture
def few(monkeypatch: Patch) -> None:
    """The training command trains on forty digits."""
    monkeypatch.setattr(pipeline, "load_dataset", lambda *place, **reading: few_digits())
