"""The step-size study refuses exact curves and laws with planted mistakes (no randomness)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gbm_ref import Gaussian
from validation.kl.gate import (
    false_alarm_check,
    law_check,
    mirrored_leading_check,
    reverse_leading_check,
    stationarity_check,
)
from validation.kl.measure import exact_checks, plan
from validation.kl.points import (
    FALSE_ALARM,
)
from validation.kl.problem import (
    MirroredProblem,
    ReverseProblem,
    gaussian,
    moments_of,
)

REVERSE, MIRRORED = ReverseProblem(), MirroredProblem()


def test_the_exact_part_of_the_gate_holds_in_full() -> None:
    assert all(check.passed for check in exact_checks(REVERSE, MIRRORED, plan(quick=False)))


def test_r8_reference_values() -> None:
    """V_0 / v_0 at v_0 = 0.1, sigma = 0.8 for N = 10, 100, 1000, as printed on the sheet (R8)."""
    problem = ReverseProblem(log_var=0.1)
    ratios = [moments_of(problem.law(count))[1] / 0.1 for count in (10, 100, 1000)]
    assert [round(ratio, 5) for ratio in ratios] == [1.37777, 1.03210, 1.00315]


REVERSE_DIVERGENCES: dict[str, Callable[[int], float]] = {
    "version 1": lambda n: REVERSE.divergence(REVERSE.version_one_law(n)),
    "factor two": lambda n: 2 * REVERSE.divergence(REVERSE.law(n)),
    "wrong in the fourth digit": lambda n: 1.0003 * REVERSE.divergence(REVERSE.law(n)),
    "first order": lambda n: math.sqrt(REVERSE.divergence(REVERSE.law(n))) / 97.0,
    "without the start's share": lambda n: REVERSE.divergence(
        gaussian(REVERSE.log_mean, moments_of(REVERSE.law(n))[1] + 0.01 * REVERSE.log_var / n)
    ),
}


@pytest.mark.parametrize("name", REVERSE_DIVERGENCES)
def test_another_curve_than_r8_is_refused(name: str) -> None:
    assert reverse_leading_check(REVERSE).passed
    assert not reverse_leading_check(REVERSE, REVERSE_DIVERGENCES[name]).passed


def scaled_limit(factor: Callable[[float], float]) -> Callable[[float], float]:
    """Divergence of a stationary law whose variance is `factor(u)` times the target's."""
    return lambda delta: MIRRORED.divergence(
        gaussian(MIRRORED.log_mean, MIRRORED.log_var * factor(delta / MIRRORED.stability_limit))
    )


MIRRORED_FACTORS: dict[str, Callable[[float], float]] = {
    "noise sqrt(delta) (E20)": lambda u: 0.5 / (1 - u),
    "factor on the standard deviation": lambda u: 1 / (1 - u) ** 2,
    "exact integration": lambda u: 1.0,
    "u twice as large": lambda u: 1 / (1 - 2 * u),
}


@pytest.mark.parametrize("name", MIRRORED_FACTORS)
def test_another_curve_than_e20_is_refused(name: str) -> None:
    assert mirrored_leading_check(MIRRORED, scaled_limit(lambda u: 1 / (1 - u))).passed
    assert not mirrored_leading_check(MIRRORED, scaled_limit(MIRRORED_FACTORS[name])).passed


@dataclass(frozen=True)
class OffByOne(ReverseProblem):
    """Its closed form is that of one step more."""

    def closed_form(self, num_steps: int) -> Gaussian:
        return super().closed_form(num_steps + 1)


@dataclass(frozen=True)
class WrongLimit(MirroredProblem):
    """Its stationary law is the target itself, as if Euler-Maruyama had no bias (E20)."""

    def stationary_law(self, delta: float) -> Gaussian:
        return self.target_law


def test_laws_that_disagree_are_refused() -> None:
    assert not law_check(OffByOne(), (8, 64)).passed
    assert not stationarity_check(WrongLimit(), (0.05, 0.3)).passed


def test_a_spent_false_alarm_budget_is_refused() -> None:
    assert false_alarm_check(FALSE_ALARM / 40, 40).passed
    assert not false_alarm_check(FALSE_ALARM / 40, 41).passed
    assert not false_alarm_check(FALSE_ALARM / 40, 0).passed


@pytest.mark.parametrize("delta", [0.0, -0.1, 1.2, 1.7, math.nan])
def test_no_stationary_law_outside_the_stable_steps(delta: float) -> None:
    with pytest.raises(ValueError, match="stationary"):
        MIRRORED.stationary_law(delta)
