"""The example in the README runs, and says what its comments promise."""

import re

from scipy import stats

from tests.support.source_tree import ROOT


def test_the_readme_example_agrees_with_the_law_that_it_prints() -> None:
    """The sampled variance lies in an exact chi-square interval round the law's variance.

    False alarms for a fresh seed: 1e-9. It would catch an example whose sampler and law have
    drifted apart by 9 %, as that of ten steps, 0.138, has (the last line).
    """
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(compile(block, "README.md", "exec"), names)
    variance, draws = float(names["law"].cov[0, 0]), names["x_0"].size
    assert abs(variance - 0.103210) < 5e-7
    low, high = stats.chi2.interval(1 - 1e-9, draws - 1)
    sampled = names["np"].log(names["x_0"]).var(ddof=1)
    assert low < sampled / variance * (draws - 1) < high
    assert not low < sampled / 0.137777 * (draws - 1) < high
