"""Steps and the loop as compiled code agree with eager code, to a stated rounding.

Eager code adds a multiple of a tensor in one pass, where compiled code multiplies and adds: one
rounding more in an exponent of size at most 4, for each row.
"""

import json
import subprocess
import sys

import pytest

from tests.support.compiled_errors import ALL_STEPS
from tests.support.source_tree import ROOT

ROUNDING = 16 * 2.0**-53
SINGLE = 12 * 16 * 2.0**-24  # twelve rows in float32
LOOPS = [f"loop of {step}" for step in ("SignAgnostic", "DaleLangevin", "ProbabilityFlow")]


@pytest.fixture(scope="module")
def errors() -> dict[str, float]:
    command = [sys.executable, "-m", "tests.support.compiled_errors"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", [*ALL_STEPS, *LOOPS])
def test_one_graph_holds_it_and_agrees(errors: dict[str, float], case: str) -> None:
    assert errors[case] <= ROUNDING


def test_generated_code_agrees(errors: dict[str, float]) -> None:
    if "generated code" not in errors:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    assert errors["generated code"] <= SINGLE
    assert errors["bad times are not refused"] == errors["declarations are lost"] == 0


def test_a_planted_difference_is_seen(errors: dict[str, float]) -> None:
    assert errors["planted"] > 1e6 * ROUNDING
