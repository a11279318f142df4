"""The pages of the oracle: its examples run, and the table names what there is."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

import gbm_fast as gbm
import gbm_ref as ref
from tests.fast.mathematics.test_inventory import ORACLE
from tests.support.twins import twin_process, twin_target

PAGE = (Path(__file__).parent.parent / "docs" / "oracle.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@cache
def example(number: int) -> dict:
    names: dict = {}
    exec(compile(BLOCKS[number], "docs/oracle.md", "exec"), names)
    return names


@pytest.mark.parametrize("number", [0, 1])
def test_a_law_of_ones_own_is_sampled(number: int) -> None:
    """log X_0 is near uniform on [0, 1]: mean in its interval (false alarm 1e-9), and the sampler
    of 100 steps is within what it adds, sigma^2 / 100, of the variance 1 / 12."""
    y = np.log(np.asarray(example(number)["x_0"]))
    reach = stats.norm.isf(5e-10) * np.sqrt(1 / 12 + 0.0064) / np.sqrt(y.size)
    assert y.shape == (500, 1) and abs(y.mean() - 0.5) < reach
    assert abs(y.var() - 1 / 12) < 0.0064 + 6.5 / np.sqrt(180 * y.size)


def test_the_examples_are_twins_and_their_scores_are_derivatives() -> None:
    laws = [example(0)["LogUniform"](0.2, 0.3), example(1)["LogUniform"](0.2, 0.3)]
    x = np.array([[0.4], [1.1], [1.9], [4.2]])
    slow, fast = laws[0], laws[1]
    np.testing.assert_allclose(fast.logpdf(torch.tensor(x)).numpy(), slow.logpdf(x), rtol=1e-12)
    score = slow.log_score(x)
    np.testing.assert_allclose(fast.log_score(torch.tensor(x)).numpy(), score, rtol=1e-11)
    step = 1e-5
    up, down = (slow.logpdf(x * np.exp(s)) + s for s in (step, -step))
    np.testing.assert_allclose((up - down) / (2 * step), score[:, 0], rtol=1e-8)
    assert example(0)["loss"] == 0.0
    assert isinstance(slow, ref.Target) and isinstance(fast, gbm.Target)


def test_the_sampler_of_another_package_is_wrapped_as_the_page_says() -> None:
    start = ref.Gaussian(np.zeros(1), np.eye(1))
    names = {
        "torch": torch, "ref": ref, "my_sampler": lambda x, z: x * (0.1 * z.sum(0)).exp(),
        "start": start, "expected": start._replace(cov=2.0 * np.eye(1)),
    }  # fmt: skip
    exec(compile(BLOCKS[2], "docs/oracle.md", "exec"), names)


def test_a_score_of_torch_is_priced_by_the_oracle_as_the_page_says() -> None:
    """That of log-normal data, too large by a tenth: the loss and the bound in closed form."""
    process, law = ref.GBM(sigma=0.8), ref.LogNormal(np.array([0.3]), 0.2)
    exact = gbm.exact_score(twin_target(law), twin_process(process))
    names = {
        "torch": torch, "ref": ref, "my_score": lambda x, t: 1.1 * (1 + exact(x, t)) - 1,
        "process": process, "data": law, "start": law.diffuse(process, 1.0),
    }  # fmt: skip
    exec(compile(BLOCKS[3], "docs/oracle.md", "exec"), names)
    # E s^2 = 1 / (lambda + v), over v from 0 to 0.64; the floor is lambda / (2 v (lambda + v)).
    assert names["bound"].value == pytest.approx(0.005 * np.log(0.84 / 0.2), rel=1e-9)
    assert names["floor"].value == pytest.approx(0.2 / (0.64 * 0.52), rel=1e-9)
    assert max(names["bound"].error, names["floor"].error) < 1e-12


def test_every_module_without_a_twin_is_named_with_its_reason() -> None:
    section = PAGE.split("## What is in the oracle alone")[1]
    for module in ORACLE:
        assert f"`{module}`" in section or f"`gbm_ref.{module}`" in section


def test_the_page_names_what_is_there() -> None:
    table = PAGE.split("| question | function |")[1].split("\n\n")[0]
    named = re.findall(r"`(\w+)`", table)
    assert len(named) > 10 and set(named) <= set(ref.__all__)
    assert len(BLOCKS) == 4
