"""CIFAR-10 to clean-fid's own distances: the whole way on made-up data, and what is refused."""

import json
from pathlib import Path

import pytest

import gbm_fast as gbm
from tests.support.fixtures import Patch, Shown
from validation import cifar10_fid
from validation.cifar10_fid import STAND_IN, Options, commands

IGNORED = ("ignore:.*torch.jit", "ignore:.*singular")
JIT_IS_OLD = pytest.mark.filterwarnings(*IGNORED)


@JIT_IS_OLD
def test_the_rehearsal_comes_to_clean_fids_numbers(tmp_path: Path, capfd: Shown) -> None:
    """Train, sample, write PNG files, and measure both folders; said to be no FID."""
    assert cifar10_fid.main(["--rehearse", "--out-dir", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert out.count(STAND_IN) == 2 and out.count("$ python -m gbm_fast.") == 2
    record = json.loads((tmp_path / "rehearsal_fid.json").read_text())
    assert record["features"] == STAND_IN and record["passed"] is True
    assert [check["name"] for check in record["checks"]] == ["FID", "KID"]
    run = gbm.load_run(tmp_path / "rehearsal_run", "cpu")
    assert (run.config.dataset, run.event_shape, run.step) == ("cifar10", (3, 32, 32), 3)
    for folder in ("png", "real"):
        pictures = list((tmp_path / "rehearsal_images" / folder).glob("*.png"))
        assert len(pictures) == cifar10_fid._REHEARSED


def test_distances_that_differ_are_no_agreement() -> None:
    """The same to four digits; a draw of KID's subsets may be a tenth apart."""
    for name, off, count, wanted in (
        ("FID", 1e-6, 48, True), ("FID", 1e-3, 48, False), ("FID", 1e-3, 5000, False),
        ("KID", 1e-3, 48, False), ("KID", 1e-3, 5000, True), ("KID", 0.3, 5000, False),
    ):  # fmt: skip
        (check,) = cifar10_fid._agreeing({name: (2.0, 2.0 * (1 + off))}, count)
        assert check.passed is wanted, (name, off, count)


def test_the_real_measure_is_of_the_files_that_are_given(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    given = Options(data_dir=tmp_path, inception_weights=tmp_path, num_images=70)
    training, sampling = commands(given, tmp_path / "run", tmp_path, tmp_path / "images")
    assert training[training.index("--data-dir") + 1] == f"{tmp_path}" and "auto" in training
    assert sampling[sampling.index("--num-images") + 1] == "70"
    with pytest.raises(ValueError, match="Inception weights are not at"):
        cifar10_fid.measured(given)
    for wrong in ({}, {"rehearse": True, "data_dir": tmp_path}, {"data_dir": tmp_path}):
        with pytest.raises(ValueError, match="pass --data-dir and --inception-weights"):
            Options(**wrong)
    with pytest.raises(ValueError, match="num_images must be 2 or more"):
        Options(rehearse=True, num_images=1)
    monkeypatch.setattr(cifar10_fid, "commands", lambda *unused: [["-c", "raise OSError('full')"]])
    with pytest.raises(ValueError, match=r"the command ended with 1: (?s:.*)full"):
        cifar10_fid.measured(Options(rehearse=True, out_dir=tmp_path))
