"""What a reader of the README runs: its example, its commands, and the examples.

The commands exist, and answer `--help` without loading heavy libraries: no wall clock is read, the
list of imported modules decides, and it is exact.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.support.source_tree import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (
    *(f"gbm_fast.{name}" for name in ("train", "sample", "evaluate")),
    *(f"validation.{name}" for name in ("gate", "kl_vs_stepsize", "learned_score", "overhead")),
    *(f"validation.{name}" for name in ("recorded", "speed", "terminal_mismatch")),
    *("spec", "spec.vectors", "gbm_ref.vectors"),
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


def test_the_readme_names_modules_that_exist() -> None:
    modules = set(re.findall(r"python -m ([\w.]*\w)", README))
    assert set(COMMANDS) <= modules
    missing = {name for name in modules if importlib.util.find_spec(name) is None}
    assert missing == set()


@pytest.mark.parametrize("line", [MAIN_LINE, TEST_LINE])
def test_the_readme_has_the_two_set_up_lines(line: str) -> None:
    assert line in [x.strip() for x in README.splitlines()]


def test_the_readme_example_agrees_with_the_law_that_it_prints() -> None:
    """The sampled variance lies in an exact chi-square interval round the law's variance.

    False alarms for a fresh seed: 1e-9. It would catch an example whose sampler and law have
    drifted apart by 9 %, as that of ten steps, 0.138, has (the last line).
    """
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict = {}
    exec(compile(block, "README.md", "exec"), names)
    variance, draws = float(names["law"].cov[0, 0]), names["x_0"].size
    assert abs(variance - 0.103210) < 5e-7
    low, high = stats.chi2.interval(1 - 1e-9, draws - 1)
    sampled = names["np"].log(names["x_0"]).var(ddof=1)
    assert low < sampled / variance * (draws - 1) < high
    assert not low < sampled / 0.137777 * (draws - 1) < high


def output_of(example: str, folder: Path) -> str:
    """What examples/<example>.py prints, run from another folder, warnings being errors."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / f"{example}.py")]
    env = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sampler_is_checked_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    """The variance lost with the last step's noise is h = sigma^2 / N (sheet R8), of V_0."""
    printed = output_of("check_my_sampler", tmp_path)
    right, refused = printed.split("my_other_sampler is refused: ")
    mean = float(re.findall(r"^my_sampler is right: Gaussian\(mean=array\(\[(.*?)\]\)", right)[0])
    np.testing.assert_allclose(mean, 0.4, rtol=1e-12)
    variance = float(re.findall(r"cov=array\(\[\[(.*?)\]\]", right)[0])
    (gap,) = re.findall(r"^the covariance of log x_0 is off by ([\d.]+) of the stated", refused)
    np.testing.assert_allclose(float(gap), 0.64 / 50 / variance, rtol=2e-3)
    found, stated = re.findall(r"standard deviations \[([\d.]+)\]", refused)
    np.testing.assert_allclose(float(stated) ** 2, variance, rtol=1e-6)
    np.testing.assert_allclose(float(found) ** 2, variance - 0.64 / 50, rtol=1e-6)


def test_the_check_takes_fewer_than_ten_lines() -> None:
    text = (ROOT / "examples" / "check_my_sampler.py").read_text(encoding="utf-8")
    theirs, ours = text.split("# ----", maxsplit=1)
    assert "gbm_ref import" not in theirs
    lines = [line for line in ours.splitlines()[1:] if line.strip()]
    assert len([line for line in lines if " import " not in line]) < 10
