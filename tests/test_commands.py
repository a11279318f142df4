"""What a reader of the README runs: its example, its commands, and the examples. `--help` loads no
heavy library, by the list of imported modules, which is exact: no wall clock is read."""

import importlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from tests.support.fixtures import Patch
from tests.support.processes import run_program
from tests.support.source_tree import ROOT
from tests.support.tiny_runs import make_run

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (
    *(f"gbm_fast.{name}" for name in ("train", "sample", "evaluate", "restore")),
    *(f"validation.{name}" for name in ("gate", "kl_vs_stepsize", "learned_score", "overhead")),
    *(f"validation.{name}" for name in ("additive_peer", "recorded", "speed")),
    "validation.terminal_mismatch",
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
    """The variance lies in an exact chi-square interval round the law's: false alarm 1e-9.
    Planted: a law 9 % off, that of ten steps, 0.138 (the last line)."""
    _, block = re.findall(PYTHON, README)
    names: dict = {}
    exec(compile(block, "README.md", "exec"), names)
    variance, draws = float(names["law"].cov[0, 0]), names["x_0"].size
    assert abs(variance - 0.103210) < 5e-7
    low, high = stats.chi2.interval(1 - 1e-9, draws - 1)
    sampled = names["np"].log(names["x_0"]).var(ddof=1)
    assert low < sampled / variance * (draws - 1) < high
    assert not low < sampled / 0.137777 * (draws - 1) < high


@pytest.mark.parametrize("page", ["README.md", "docs/training.md"])
def test_a_run_is_trained_as_the_pages_say(page: str, tmp_path: Path, monkeypatch: Patch) -> None:
    """A minute is ten steps here, of a network that is small."""
    monkeypatch.chdir(tmp_path)
    block = re.findall(PYTHON, (ROOT / page).read_text(encoding="utf-8"))[0]
    small = "steps=10, width=8, multipliers=(1,), metrics_images=0"
    assert block.count("minutes=1.0") == 1
    names: dict = {}
    exec(compile(block.replace("minutes=1.0", small), page, "exec"), names)
    assert names["images"].shape == (16, 1, 8, 8) and (tmp_path / "runs").is_dir()


@pytest.mark.parametrize("name", ["train", "sample", "evaluate"])
def test_a_console_script_starts_the_command(name: str) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, function = scripts["scripts"][f"gbm-{name}"].split(":")
    assert (module, function) == (f"gbm_fast.{name}", "main")
    assert callable(getattr(importlib.import_module(module), function))


def output_of(example: str, folder: Path, *arguments: object) -> str:
    """What examples/<example>.py prints, run from another folder, warnings being errors."""
    path = ROOT / "examples" / f"{example}.py"
    return run_program(path, *map(str, arguments), folder=folder)


def test_a_sampler_is_checked_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    """The variance lost with the last step's noise is h = sigma^2 / N (claim R8), of V_0."""
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


def test_a_run_is_trained_and_sampled_from_python(tmp_path: Path) -> None:
    printed = output_of("train_and_sample", tmp_path, 10)
    assert "sevens: (16, 1, 8, 8) in [1.0, " in printed and "in 50 rows" in printed
    assert len(re.findall(r"images \d+ to \d+ of the classes \[(?:\d, ){15}\d\]", printed)) == 2


def test_a_network_of_ones_own_learns_in_both_loops(tmp_path: Path) -> None:
    """2000 exact draws are 0.045 away once in a thousand times; here a small error is added.
    Planted: the best linear denoiser, log-normal, is 0.1 and more away from two components."""
    printed = output_of("own_network", tmp_path, 300)
    own, trainer = map(float, re.findall(r"distance ([\d.]+)", printed))
    assert own < 0.12 and trainer < 0.25
    ten = (ROOT / "examples" / "own_network.py").read_text().split("# ----")[1].splitlines()[1:]
    assert len([line for line in ten if line.strip()]) <= 13


def test_a_law_of_ones_own_is_compared_with_the_truth(tmp_path: Path) -> None:
    printed = output_of("own_law", tmp_path, 150)
    assert len(re.findall(r"x = [\d.]+: learned [+-][\d.]+, exact [+-][\d.]+", printed)) == 6
    errors = [float(e) for e in re.findall(r"relative squared error of the score (\S+)", printed)]
    assert len(errors) == 5 and errors[-1] < 0.01


def test_score_and_likelihood_of_a_run_are_at_hand(tmp_path: Path) -> None:
    printed = output_of("score_and_likelihood", tmp_path, make_run(tmp_path / "run"))
    assert "score: (8, 1, 8, 8)" in printed and "denoised" in printed
    assert len(re.findall(r"-?\d+\.\d+", printed.splitlines()[-1])) == 8


def test_the_page_shows_what_few_scores_give(tmp_path: Path) -> None:
    """As printed, digit for digit; the multistep solvers are ahead of the others at 20 and 40, and
    where the start is wrong those with noise are."""
    printed = output_of("few_scores", tmp_path)
    assert printed in (ROOT / "docs" / "sampling.md").read_text(encoding="utf-8")
    rows = [(line[:18].strip(), line[18:].split()) for line in printed.splitlines()[2:]]
    far = {name: [float(number) for number in numbers[1:3]] for name, numbers in rows}
    wrong = {name: [float(number) for number in numbers[4:]] for name, numbers in rows}
    others = [far[name] for name in far if "Solver" not in name]
    assert len(others) == 5
    for name, churned in (("DDIM", "DDIM, churn 0.05"), ("Heun's rule", "Heun, churn 0.2")):
        assert all(a < b for a, b in zip(far[name], far[churned], strict=True))
        assert all(a < b for a, b in zip(wrong[churned], wrong[name], strict=True))
    for solver in ("DPM-Solver++(2M)", "DPM-Solver++(3M)"):
        assert all(
            ours < least for ours, least in zip(far[solver], map(min, *others), strict=True)
        )


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    output_of("plot_denoising", tmp_path, "mine.png", 10)
    with Image.open(tmp_path / "mine.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 30, "not blank"
