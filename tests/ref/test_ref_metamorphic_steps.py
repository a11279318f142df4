"""Every step obeys the laws of metamorphic.py and metamorphic_pieces.py; broken ones do not.

Hypothesis draws the cases; besides, every step is tried at one case.
"""

from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, note, settings

import gbm_ref.steps
from gbm_ref import GBM, Ancestral, DaleLangevin, LogNormal, SignAgnostic, Step, extract_affine_map
from tests.support.metamorphic import (
    AMBIENT,
    COVARIANT,
    STEPS,
    Case,
    arrangement,
    cases,
    clock,
    oddness,
    power,
    rotation,
    scale,
    sign,
)
from tests.support.metamorphic_pieces import DIVISIBLE, SPOILT, Broken, no_noise, no_time, pieces

Law = Callable[[Step, Case], None]
LAWS: dict[str, tuple[Law, dict[str, Step]]] = {
    "scale": (scale, STEPS),
    "oddness": (oddness, {name: STEPS[name] for name in AMBIENT}),
    "sign": (sign, STEPS),
    "arrangement": (arrangement, STEPS),
    "clock": (clock, STEPS),
    "power": (power, {name: STEPS[name] for name in COVARIANT}),
    "rotation": (rotation, {name: STEPS[name] for name in COVARIANT}),
    "pieces": (pieces, DIVISIBLE),
    "no time": (no_time, STEPS),
    "no noise": (no_noise, STEPS),
}
HERE = Case(
    process=GBM(0.23, 0.7),
    t=0.62,
    dt=0.31,
    noise=0.9,
    x=np.array([[0.4, 1.7], [2.2, 0.9], [1.1, 0.3]]),
    z=np.array([[-0.8, 1.3], [2.4, -0.2], [-3.1, 0.5]]),
    h=np.array([[-1.7, 0.4], [-0.2, -3.3], [1.6, -0.9]]),
    power=-7,
    factor=3.1,
    alpha=-0.5,
    angle=0.8,
    fractions=(0.3, 0.9, 0.5),
)


def test_every_step_is_tried() -> None:
    offered = {vars(gbm_ref.steps)[name] for name in gbm_ref.steps.__all__}
    concrete = {kind for kind in offered if "strong_order" in vars(kind)}
    assert {type(step) for step in STEPS.values()} == concrete


@pytest.mark.parametrize("name", LAWS)
def test_each_step_obeys(name: str) -> None:
    law, steps = LAWS[name]
    for step in steps.values():
        law(step, HERE)


@settings(derandomize=True, max_examples=100)
@given(case=cases())
def test_any_step_obeys_every_law_anywhere(case: Case) -> None:
    """All laws at each case, since drawing one takes longer than running a step.

    The step is chosen by a checksum of the case, which gives each of them its share; Hypothesis
    would prefer the first.
    """
    for name, (law, steps) in LAWS.items():
        chosen = sorted(steps)[crc32((name + repr(case)).encode()) % len(steps)]
        note(f"{name}: {chosen}")
        law(steps[chosen], case)


@pytest.mark.parametrize("name", SPOILT)
def test_broken_steps_are_refused(name: str) -> None:
    law, spoil = SPOILT[name]
    with pytest.raises(AssertionError):
        law(Broken(SignAgnostic() if law is oddness else DaleLangevin(), spoil), HERE)


def test_every_law_has_a_step_that_breaks_it() -> None:
    assert {law for law, _ in SPOILT.values()} == {law for law, _ in LAWS.values()}


def test_version_one_s_algorithm_one_breaks_the_law_of_powers() -> None:
    """Without the Jacobian's 1 it is no step for log X: an inversion shows it (sheet E2)."""
    for law in (power, rotation):
        with pytest.raises(AssertionError):
            law(STEPS["PrintedAlgorithm1"], HERE)


@settings(derandomize=True, max_examples=100)
@given(case=cases())
def test_forward_and_back_is_the_joint_law(case: Case) -> None:
    """Geweke's check without sampling: X_s then the kernel to X_t, or X_t then the step to X_s.

    (log X_s, log X_t) has the covariances V_s, V_s, V_t, V = S + v. The probe gives the map of
    the step, and that of the kernel is a shift with added noise.
    """
    c, s = np.cos(case.angle), np.sin(case.angle)
    turn = np.array([[c, -s], [s, c]])
    cov = turn @ np.diag([0.04, 0.4 * case.factor]) @ turn.T
    data, process = LogNormal([0.4, -0.7], cov), case.process
    late, early = data.diffuse(process, case.t), data.diffuse(process, case.t - case.dt)
    step = Ancestral(cov)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return step(process, lambda x, t: late.hyvarinen_score(x), x, case.t, case.dt, 1.0, z[0])

    found = extract_affine_map(sampler, rows=1, d=2)
    back = found.state @ late.log_cov
    added = found.noise[0] @ found.noise[0].T
    size = 1e-12 * (1 + 0.4 * case.factor)
    np.testing.assert_allclose(
        found.offset + found.state @ late.log_mean, early.log_mean, rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(back, early.log_cov, rtol=0, atol=size)
    np.testing.assert_allclose(back @ found.state.T + added, early.log_cov, rtol=0, atol=size)
