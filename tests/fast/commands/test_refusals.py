"""What the command refuses to train: status 2 and a message, before anything is written."""

from pathlib import Path

import pytest

from gbm_fast import train
from tests.fast.conftest import Command
from tests.support.fixtures import Patch

FILES = {
    "typo.json": '{"sigmas": 1}',
    "type.json": '{"batch_size": "8"}',
    "word.json": '{"dataset": "faces"}',
}
MNIST = "--dataset mnist --preset paper"
REFUSED = [
    ("--dataset imagenet", "digits"),
    ("--sigma 0", "sigma must be a positive finite number"),
    ("--num-steps 1", "num_steps must be 2 or more"),
    ("--metrics-images 1", "metrics_images must be 0, or 2 or more"),
    ("--seed 4294967296", "seed must be below"),
    ("--patch-size 3", "patch_size 3 does not divide"),
    ("--width 6 --multipliers 1 3", "multiple of its 4 attention heads"),
    ("--device abacus", "device 'abacus' cannot be used here"),
    ("--learning-rat 1", "learning-rate"),
    ("--preset papers", "invalid choice 'papers'"),
    ("--preset", "preset"),
    ("--preset paper", "the paper has no training on digits"),
    ("--config missing.json", "--config missing.json cannot be used"),
    ("--config typo.json", r"keys that are no settings: ['sigmas']"),
    ("--config type.json", "batch_size has a value of a wrong type, '8'"),
    ("--config word.json", "dataset must be one of digits"),
    ("--sigma 0.5", "sigma is no setting of process variance-exploding"),
    (f"{MNIST} --blocks 2", "blocks is no setting of"),
    (f"{MNIST} --times log-uniform", "--times uniform"),
    ("--network own", "network own is a module in Python: call gbm_fast.train_run"),
    ("--dataset own-law", "the data set own-law is an object in Python"),
    ("--dataset own-images", "the data set own-images is an object in Python"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_settings_that_cannot_be_used_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: Patch, command: Command, options: str, message: str
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    done = command(train.main, *options.split())
    assert done.status == 2 and message in done.err
    assert {path.name for path in tmp_path.rglob("*")} == set(FILES)


def test_absent_data_are_refused(tmp_path: Path, monkeypatch: Patch, command: Command) -> None:
    """An empty folder and no network: a proxy that nobody listens at."""
    (tmp_path / "data").mkdir()
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.chdir(tmp_path)
    done = command(train.main, "--dataset", "cifar10", "--data-dir", "data")
    for part in ("could not download cifar-10-binary.tar.gz", "https://", "expected MD5"):
        assert part in done.err
    assert done.status == 2 and list(tmp_path.rglob("*")) == [tmp_path / "data"]
