"""The caller's state of torch: it changes nothing here, and nothing here changes it."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.runtime.devices import choose_device
from gbm_fast.runtime.distributed import process_group
from gbm_fast.runtime.state import callers_state_aside
from tests.support.fixtures import Patch
from tests.support.tiny_runs import few_digits


@contextlib.contextmanager
def float64_by_default() -> object:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


STATES: dict[str, Callable[[], AbstractContextManager]] = {
    "plain": contextlib.nullcontext,
    "float64": float64_by_default,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}
SETTINGS = {"width": 8, "steps": 2, "batch_size": 4, "device": "cpu", "metrics_images": 0}
SETTINGS |= {"dropout": 0.2, "warmup_steps": 1}


def numbers(folder: Path) -> list[torch.Tensor]:
    """What a training, its samples and its score come to."""
    config = gbm.TrainConfig(run_dir=folder, **SETTINGS)  # type: ignore[arg-type]
    run = gbm.train_run(config, few_digits())
    opened = gbm.load_run(folder, "cpu")
    x = torch.full((1, 1, 8, 8), 1.4, dtype=torch.float32)
    found = [opened.sample(2, num_steps=3), run.score(x, 0.4), opened.denoiser(x, 0.4)]
    return [*found, opened.log_likelihood(x, num_steps=2, num_probes=1)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[torch.Tensor]:
    return numbers(tmp_path_factory.mktemp("plain") / "run")


@pytest.mark.parametrize("name", STATES)
def test_a_training_under_the_callers_state_is_that_without(
    tmp_path: Path, expected: list[torch.Tensor], name: str
) -> None:
    drawn, threads = torch.get_rng_state(), torch.get_num_threads()
    numpys = np.random.get_state()[1].copy()  # noqa: NPY002
    with STATES[name]():
        before = torch.get_default_dtype(), torch.is_grad_enabled()
        found = numbers(tmp_path / "run")
        assert (torch.get_default_dtype(), torch.is_grad_enabled()) == before
        assert torch.is_autocast_enabled("cpu") == (name == "autocast")
    assert torch.equal(torch.get_rng_state(), drawn) and torch.get_num_threads() == threads
    assert (np.random.get_state()[1] == numpys).all()  # noqa: NPY002
    assert not torch.are_deterministic_algorithms_enabled()
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)


def test_what_fails_inside_leaves_the_callers_state_too() -> None:
    with float64_by_default(), torch.no_grad(), pytest.raises(KeyError), callers_state_aside():
        assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32
        raise KeyError
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()


@pytest.mark.parametrize("name", ["meta", "nonsense", "cuda:99", "cpu:x"])
def test_a_device_that_cannot_compute_is_refused(name: str) -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=f"device '{name}' cannot be used here"):
        choose_device(name)


GROUP = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1"}
GROUP |= {"MASTER_PORT": "29500"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("RANK", ""), ("RANK", "1"), ("RANK", "-1"), ("RANK", "one"), ("WORLD_SIZE", "")]
    + [("WORLD_SIZE", "0"), ("LOCAL_RANK", ""), ("LOCAL_RANK", "x"), ("MASTER_PORT", "")]
    + [("MASTER_PORT", "65536"), ("MASTER_PORT", "port"), ("MASTER_ADDR", "")],
)
def test_variables_that_describe_no_group_are_refused(
    monkeypatch: Patch, name: str, value: str
) -> None:
    for known, good in (GROUP | {name: value}).items():
        monkeypatch.setenv(known, good)
    with pytest.raises(ValueError, match=f"the environment variable {name} "):
        with process_group(use_cuda=False, timeout_minutes=1):
            raise AssertionError("a group was made")


def test_processes_that_do_not_meet_say_where(monkeypatch: Patch) -> None:
    for name, value in GROUP.items():
        monkeypatch.setenv(name, value)

    def fails(*given: object, timeout: object, store: object, rank: int, world_size: int) -> None:
        raise RuntimeError("refused")

    monkeypatch.setattr(torch.distributed, "init_process_group", fails)
    with pytest.raises(ConnectionError, match="find each other at 127.0.0.1:29500"):
        with process_group(use_cuda=False, timeout_minutes=1):
            pass
