"""The examples run as a reader would run them, and print what they promise."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.support.source_tree import ROOT


def output_of(example: str, folder: Path) -> str:
    """What examples/<example>.py prints, run from another folder, warnings being errors."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / f"{example}.py")]
    environment = {"PYTHONPATH": str(ROOT)}
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
