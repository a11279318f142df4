"""The prepared check of a GPU, rehearsed on the CPU; what it would find there is planted."""

import json
from pathlib import Path

import pytest
import torch

import gbm_fast as gbm
from tests.support.fixtures import Patch, Shown
from validation import gpu_check
from validation.gpu_check import Check, Options

WORDS = ["--device", "cpu", "--quick", "--steps", "3"]


@pytest.fixture
def gate_aside(monkeypatch: Patch) -> None:
    """The gate has tests of its own, and takes half a minute."""
    monkeypatch.setattr(gpu_check, "gate", lambda options: [Check("gate", True, "as before")])


def test_the_rehearsal_passes_and_writes_what_it_found(
    tmp_path: Path, gate_aside: None, capsys: Shown
) -> None:
    assert gpu_check.main([*WORDS, "--out-dir", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "gpu_check-quick.json").read_text())
    names = [check["name"] for check in record["checks"]]
    assert len(names) == 7 + 1 + 1 + 1 and record["passed"] is True
    assert record["measurements"]["eager_images_a_second"] > 0
    assert record["measurements"]["products_flops"] > 1e8
    assert "two processes have the weights of one" in capsys.readouterr().out


def test_another_step_on_the_device_is_found(
    tmp_path: Path, gate_aside: None, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(gpu_check, "speed", lambda options, measured: [])
    monkeypatch.setattr(gpu_check, "processes", lambda options: iter(()))
    whole = gbm.uniform
    shifted = lambda n: tuple(row._replace(noise=1.0 + 1e-6) for row in whole(n))  # noqa: E731
    monkeypatch.setattr(gbm, "uniform", shifted)
    assert gpu_check.main([*WORDS, "--out-dir", str(tmp_path)]) == 1
    record = json.loads((tmp_path / "gpu_check-quick.json").read_text())
    failed = {check["name"] for check in record["checks"] if not check["passed"]}
    assert {"DaleLangevin on cpu", "Ancestral on cpu"} <= failed and "DDIM on cpu" not in failed


def test_losses_of_a_compiled_network_that_differ_are_found(monkeypatch: Patch) -> None:
    monkeypatch.setattr(gpu_check, "products", lambda device, seconds: 1e12)
    monkeypatch.setattr(gpu_check, "_flops", lambda options: 1e9)
    for factor, agrees in ((1.01, True), (1.2, False)):
        losses = {False: [0.5, 0.4], True: [0.5, 0.4 * factor]}
        monkeypatch.setattr(
            gpu_check, "trained", lambda options, compiled, found=losses: (found[compiled], 9.0)
        )
        *_, last = gpu_check.speed(Options(device="cpu"), {})
        assert last.passed is agrees


def test_without_a_gpu_it_says_so_before_anything_is_done(monkeypatch: Patch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no CUDA device here: --device cpu --quick"):
        gpu_check.check(Options())
    with pytest.raises(ValueError, match="steps must be 3 or more"):
        Options(steps=2)
