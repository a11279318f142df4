"""The examples run as a reader would run them, and print what they promise."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.source_tree import ROOT
from tests.support.tiny_runs import make_run


def output_of(example: str, folder: Path, *arguments: object) -> str:
    """What examples/<example>.py prints, run from another folder, warnings being errors."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / f"{example}.py")]
    command += map(str, arguments)
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
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


def test_a_run_is_trained_and_sampled_from_python(tmp_path: Path) -> None:
    printed = output_of("train_and_sample", tmp_path, 10)
    assert "sevens: (16, 1, 8, 8) in [1.0, " in printed and "in 50 rows" in printed
    assert len(re.findall(r"images \d+ to \d+ of the classes \[(?:\d, ){15}\d\]", printed)) == 2


def test_a_network_of_ones_own_learns_in_both_loops(tmp_path: Path) -> None:
    """2000 exact draws are 0.045 away once in a thousand times; here a small error is added.

    A network that learned nothing is the best linear denoiser: its samples are log-normal, 0.1
    and more away from two components.
    """
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


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    output_of("plot_denoising", tmp_path, "mine.png", 10)
    with Image.open(tmp_path / "mine.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 30, "not blank"
