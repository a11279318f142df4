"""The commands that the README names exist, and answer `--help` without loading heavy libraries.

No wall clock is read: the list of imported modules is what decides, and it is exact.
"""

import importlib.util
import re
import subprocess
import sys

import pytest

from tests.support.source_tree import ROOT

COMMANDS = (
    "gbm_fast.train",
    "gbm_fast.sample",
    "gbm_fast.evaluate",
    "validation.gate",
    "validation.kl_vs_stepsize",
    "validation.learned_score",
    "validation.overhead",
    "validation.recorded",
    "validation.speed",
    "validation.terminal_mismatch",
    "spec",
    "spec.vectors",
    "gbm_ref.vectors",
)
HEAVY = {"torch", "torchvision", "sympy", "matplotlib", "cleanfid", "sklearn"}
MAIN_LINE = "pip install -e '.[fast]' && python -m gbm_fast.train"
TEST_LINE = "pip install -e '.[test]' && pytest -n auto tests/"


def imported_modules(importtime: str) -> set[str]:
    """Top-level names in what `python -X importtime` writes to stderr."""
    return set(re.findall(r"^import time:[\s\d|]*\|\s*(\w+)", importtime, re.MULTILINE))


def run_timed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs this Python from the root of the clone with its imports listed."""
    command = [sys.executable, "-X", "importtime", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_light(command: str) -> None:
    done = run_timed("-m", command, "--help")
    errors = [x for x in done.stderr.splitlines() if not x.startswith("import time:")]
    assert (done.returncode, errors) == (0, [])
    assert "usage" in done.stdout.lower()
    assert imported_modules(done.stderr) & HEAVY == set()


def test_a_planted_heavy_import_is_seen() -> None:
    done = run_timed("-c", "def f():\n    import matplotlib.colors\nf()")
    assert done.returncode == 0
    assert imported_modules(done.stderr) & HEAVY == {"matplotlib"}


def readme_modules() -> set[str]:
    """What follows `python -m` in the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return set(re.findall(r"python -m ([\w.]*\w)", text))


def test_the_readme_names_modules_that_exist() -> None:
    modules = readme_modules()
    assert set(COMMANDS) <= modules
    missing = {name for name in modules if importlib.util.find_spec(name) is None}
    assert missing == set()


@pytest.mark.parametrize("line", [MAIN_LINE, TEST_LINE])
def test_the_readme_has_the_two_set_up_lines(line: str) -> None:
    lines = [x.strip() for x in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()]
    assert line in lines
