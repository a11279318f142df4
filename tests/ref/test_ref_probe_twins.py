"""The probe bites: every planted bug is refused for its own reason, of its own size.

The twins and the reasons are in probe_twins.py and step_twins.py; what the refusal says is
compared with an independent computation of the twin's law or coefficients. The right samplers,
run through the same code, are accepted.
"""

from functools import cache

import numpy as np
import pytest

import gbm_ref as ref
from tests.support.probe_twins import RIGHT, TWINS, Twin
from tests.support.problems import LOG_NORMALS, PROCESSES, draws, states
from tests.support.step_twins import BENT, LINEAR, Parts, parts

SETTINGS = [
    ("constant", "log-normal-1d"),
    ("constant", "log-normal-2d"),
    ("time-varying", "log-normal-2d"),
]
T, DT = 0.5, 0.07


@cache
def wanted(process: ref.Process, target: ref.LogNormal, grid: ref.Grid) -> ref.Gaussian:
    """The law of eq. (13) on this grid from the exact start."""
    end = target.diffuse(process, process.horizon)
    start = ref.Gaussian(end.log_mean, end.log_cov)
    return ref.exact_law(ref.DaleLangevin(), target, process, grid, start)


def judge(twin: Twin, process: ref.Process, target: ref.LogNormal) -> ref.Gaussian:
    """Raise LawRejected unless the twin has the law of eq. (13) on the right grid and start."""
    grid, start = twin.grid(process), twin.start(process, target)
    expected = wanted(process, target, grid)
    return ref.assert_law(twin.sampler(process, target), start, expected, len(grid))


@pytest.mark.parametrize("process", list(PROCESSES))
@pytest.mark.parametrize("target", list(LOG_NORMALS))
@pytest.mark.parametrize("name", RIGHT)
def test_the_right_sampler_is_accepted(process: str, target: str, name: str) -> None:
    judge(RIGHT[name], PROCESSES[process], LOG_NORMALS[target])


@pytest.mark.parametrize(("process", "target"), SETTINGS)
@pytest.mark.parametrize("name", TWINS)
def test_planted_bugs_are_refused_for_their_own_reason(
    process: str, target: str, name: str
) -> None:
    twin, motion, data = TWINS[name], PROCESSES[process], LOG_NORMALS[target]
    if twin.shared and data.d == 1:
        # One coordinate has nobody to share its noise with.
        judge(twin, motion, data)
        return
    with pytest.raises(ref.LawRejected) as e:
        judge(twin, motion, data)
    assert set(e.value.reasons) == twin.fails
    # At least a hundred million times the tolerance, and the worst at least a billion times.
    assert min(e.value.reasons.values()) > 1e-3 and max(e.value.reasons.values()) > 1e-2
    if "affinity" not in twin.fails:
        assert e.value.found is not None
        predicted = twin.law(motion, data)
        np.testing.assert_allclose(e.value.found.mean, predicted.mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(e.value.found.cov, predicted.cov, rtol=0, atol=1e-12)


def test_every_reason_is_needed_and_every_twin_is_refused() -> None:
    """The detection matrix has no empty row and no empty column."""
    assert all(twin.fails for twin in TWINS.values())
    assert frozenset().union(*(t.fails for t in TWINS.values())) == {
        "affinity",
        "mean",
        "covariance",
    }
    assert len(TWINS) + len(LINEAR) + len(BENT) >= 12


def test_the_literal_algorithm_two_throws_noise_away() -> None:
    """Of each level's three draws the first two have no effect (sheet E3)."""
    process, target = PROCESSES["constant"], LOG_NORMALS["log-normal-2d"]
    literal = TWINS["Algorithm 2 of version 1, literally"].sampler(process, target)
    noise = ref.extract_affine_map(literal, rows=18, d=2).noise.reshape(6, 3, 2, 2)
    assert (noise[:, :2] == 0).all() and (np.abs(noise[:, 2]).max(axis=(1, 2)) > 1e-3).all()


def test_a_clip_is_seen_with_noise_of_size_eight_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    process, target = PROCESSES["constant"], LOG_NORMALS["log-normal-2d"]
    for module in ("law", "one_step"):
        monkeypatch.setattr(f"gbm_ref.probe.{module}.NOISE_SIZES", (3.0,))
    judge(TWINS["noise clipped"], process, target)
    here = place("constant", "log-normal-2d")
    _, clipped = BENT["noise clipped"]
    stated = np.stack([here.offset, here.slope])
    ref.assert_step(lambda x, z: x * clipped(here, z), here.x, stated)


@cache
def place(process: str, target: str) -> Parts:
    """Where the steps in X are examined: states of both signs."""
    motion, data = PROCESSES[process], LOG_NORMALS[target]
    x = states(data.d) * np.where(draws(12, data.d) > 0, 1, -1)
    return parts(motion, ref.exact_score(data, motion), x, T, DT)


@pytest.mark.parametrize("kappa", [1.0, 0.6])
@pytest.mark.parametrize("process", list(PROCESSES))
@pytest.mark.parametrize("target", list(LOG_NORMALS))
def test_the_steps_in_x_are_accepted(process: str, target: str, kappa: float) -> None:
    """Eq. (12), the same with less noise (sheet R11) and Milstein's scheme (sheet R15)."""
    here, motion = place(process, target), PROCESSES[process]
    score = ref.exact_score(LOG_NORMALS[target], motion)
    slope = kappa * here.slope
    kept = 1 - here.dm + here.dv * ((1 + kappa**2) * (1 + here.h) + kappa**2) / 2
    second = np.full_like(here.x, kappa**2 * here.dv / 2)
    expected = {
        ref.SignAgnostic(): [here.offset, slope],
        ref.AmbientMarginalPreserving(): [kept, slope],
        ref.AmbientMilstein(): [here.offset - second, slope, second],
    }
    for step, coefficients in expected.items():
        ref.assert_step(
            lambda x, z, step=step: step(motion, score, x, T, DT, kappa, z),
            here.x,
            np.stack(coefficients),
        )


@pytest.mark.parametrize(("process", "target"), SETTINGS)
@pytest.mark.parametrize("name", LINEAR)
def test_planted_bugs_in_x_are_refused_for_their_own_reason(
    process: str, target: str, name: str
) -> None:
    here, (reason, twin) = place(process, target), LINEAR[name]
    offset, slope = twin(here)
    stated = np.stack([here.offset, here.slope])
    with pytest.raises(ref.LawRejected) as e:
        ref.assert_step(lambda x, z: x * (offset + slope * z), here.x, stated)
    gaps = np.abs(np.stack([offset, slope]) - stated) / (1 + np.abs(stated).sum(axis=0))
    assert e.value.reasons == pytest.approx({reason: gaps.max()}, rel=1e-10)
    assert gaps.max() > 1e-3


@pytest.mark.parametrize(("process", "target"), SETTINGS)
@pytest.mark.parametrize("name", BENT)
def test_steps_that_are_not_of_the_stated_form_are_refused(
    process: str, target: str, name: str
) -> None:
    here, (reason, twin) = place(process, target), BENT[name]
    stated = np.stack([here.offset, here.slope])
    if reason == "coupling" and here.x.shape[1] == 1:
        ref.assert_step(lambda x, z: x * twin(here, z), here.x, stated)
        return
    with pytest.raises(ref.LawRejected) as e:
        ref.assert_step(lambda x, z: x * twin(here, z), here.x, stated)
    assert set(e.value.reasons) == {reason}
    assert e.value.reasons[reason] > 1e-3
