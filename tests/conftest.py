"""Settings of every test process: one thread, no display, no time limit for single examples.
`source`, `rng`, `torch_rng` follow from the test's id and the run seed (ledger or --run-seed)."""

import gc
import os
from collections.abc import Iterator

# Importing and collecting make a million objects of which none is garbage; looking through them
# again and again for cycles takes a quarter of the time. Enabled again before the first test runs.
gc.disable()

# Read when NumPy and torch are loaded, and inherited by the commands that the tests start.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"

import hypothesis  # noqa: E402
import jaxtyping  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

from tests.statistics import ledger  # noqa: E402
from tests.statistics.seeds import Source, sequence  # noqa: E402

# With `-n auto` there is a worker for every core, so that more threads only get in each other's
# way; and the order of a sum, hence its last bits, would depend on their number.
torch.set_num_threads(1)

# A time limit for an example would fail on a busy machine without a defect in the code.
hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--run-seed N, or --run-seed fresh for a new one, which the header shows."""
    parser.addoption(
        "--run-seed",
        default=str(ledger.RUN_SEED),
        help="root of all random numbers of the statistical tests, or 'fresh'",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A fresh seed is drawn once, before there are workers, which get it with the options."""
    given = config.option.run_seed
    config.option.run_seed = int.from_bytes(os.urandom(4)) if given == "fresh" else int(given)


def pytest_report_header(config: pytest.Config) -> str:
    """What repeats the run, and the chances of a false alarm and of a missed twin in it."""
    return (
        f"statistics: --run-seed {config.option.run_seed}, {len(ledger.LEDGER)} assertions, "
        f"sum of alpha {ledger.ALPHA:.2g}, sum of beta {ledger.BETA:.2g}"
    )


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Source:
    """Random numbers of this test."""
    return Source(sequence(request.config.option.run_seed, request.node.nodeid))


@pytest.fixture
def rng(source: Source) -> np.random.Generator:
    """NumPy's generator of this test."""
    return source.numpy


@pytest.fixture
def torch_rng(source: Source) -> torch.Generator:
    """torch's generator of this test."""
    return source.torch


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As in use: without the check of annotations, which would refuse a wrong type first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def pytest_collection_finish() -> None:
    """From here on garbage is collected, without what was there before the first test."""
    gc.freeze()
    gc.enable()
