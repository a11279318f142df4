"""gbm_ref.probe recovers known maps and refuses every planted bug (probe_twins.py, step_twins.py)
for its own reason and size, compared with the twin's law or coefficients found independently."""

from functools import cache, partial

import numpy as np
import pytest
from scipy.special import psi

import gbm_ref as ref
from tests.support.assertions import assert_same_law
from tests.support.cases import generator
from tests.support.fixtures import Patch
from tests.support.probe_twins import RIGHT, TWINS, Twin
from tests.support.problems import LOG_NORMALS, PROCESSES, draws, end_law, states
from tests.support.step_twins import BENT, LINEAR, Parts, parts

UNIT = ref.Gaussian(np.zeros(1), np.eye(1))


def same(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return x


def test_a_known_affine_map_is_recovered() -> None:
    """Three rows in two dimensions with matrices that are not symmetric."""
    rng = generator("affine map")
    truth = ref.AffineMap(rng.normal(size=2), rng.normal(size=(2, 2)), rng.normal(size=(3, 2, 2)))

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        noise = np.einsum("kij,knj->ni", truth.noise, z)
        return np.exp(truth.offset + np.log(x) @ truth.state.T + noise)

    for found, wanted in zip(ref.extract_affine_map(sampler, rows=3, d=2), truth, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)
    start = ref.Gaussian(np.array([0.4, -1.1]), np.array([[0.7, 0.2], [0.2, 0.5]]))
    by_hand = ref.Gaussian(
        truth.offset + truth.state @ start.mean,
        truth.state @ start.cov @ truth.state.T + sum(b @ b.T for b in truth.noise),
    )
    ref.assert_law(sampler, start, by_hand, rows=3)
    transposed = by_hand._replace(cov=by_hand.cov + truth.state - truth.state.T)
    with pytest.raises(ValueError, match="symmetric"):
        ref.assert_law(sampler, start, transposed, rows=3)


def test_a_sampler_is_read_where_its_states_are() -> None:
    """One that clips at e^-3, far above its states, is affine about them and flat about 1."""
    truth = ref.AffineMap(
        np.array([0.2, -1.0]), np.array([[0.9, 0.1], [0.0, 0.7]]), np.eye(2)[None]
    )

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        y = np.minimum(np.log(x), -3.0)
        return np.exp(truth.offset + y @ truth.state.T + z[0] @ truth.noise[0].T)

    for cov in (np.array([[0.09, 0.01], [0.01, 0.04]]), np.diag([1e-4, 0.0])):
        start = ref.Gaussian(np.array([-5.0, -40.0]), cov)
        found = ref.extract_affine_map(sampler, 1, 2, start)
        allowed = 64 * 2.0**-53 * 43.0 / 1e-2
        for part, wanted in zip(found, truth, strict=True):
            np.testing.assert_allclose(part, wanted, rtol=0, atol=43.0 * allowed)
        law, wanted_law = found.law(start), truth.law(start)
        np.testing.assert_allclose(law.mean, wanted_law.mean, rtol=0, atol=allowed)
        np.testing.assert_allclose(law.cov, wanted_law.cov, rtol=0, atol=allowed)
    assert not ref.extract_affine_map(sampler, 1, 2).state.any()
    # Beyond 600 exp is nearly out of range: then the states lie on the near side.
    edge = ref.Gaussian(np.array([600.0, -600.0]), 1e6 * np.eye(2))
    np.testing.assert_allclose(ref.extract_affine_map(same, 0, 2, edge).state, np.eye(2))


def test_as_many_states_are_evaluated_as_it_takes() -> None:
    """N + 2 on the line, in one call."""
    shapes = []

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        shapes.append((x.shape, z.shape))
        return x * np.exp(0.3 * z.sum(axis=0))

    ref.extract_affine_map(sampler, rows=7, d=1)
    assert shapes == [((9, 1), (7, 9, 1))]


def test_a_sampler_without_noise_has_a_law_too() -> None:
    found = ref.assert_law(lambda x, z: x**2.0, UNIT, UNIT._replace(cov=4 * np.eye(1)), rows=0)
    # Powers and logarithms of NumPy differ in the last bits from one processor to another.
    assert abs(found.cov[0, 0] - 4.0) <= 8 * 2.0**-53 * 4.0


def test_the_size_of_a_rejection_is_that_of_the_defect() -> None:
    """By hand: a mean of 0.3 for 0.1 and a variance of 0.09 for 0.04."""

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return 1.0 / x**0 * np.exp(0.3 + 0.3 * z[0])

    stated = ref.Gaussian(np.array([0.1]), np.array([[0.04]]))
    message = r"mean .* off by 1 .*\n.*found.*0\.3.*\n.*stated.*0\.1"
    with pytest.raises(ref.LawRejected, match=message) as e:
        ref.assert_law(sampler, UNIT, stated, rows=1)
    assert e.value.reasons == pytest.approx({"mean": 1.0, "covariance": 1.25}, rel=1e-12)
    assert e.value.found is not None
    assert e.value.found.mean[0] == pytest.approx(0.3, rel=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_output_that_is_not_positive_is_refused(value: float) -> None:
    with pytest.raises(ref.LawRejected, match="not positive and finite") as e:
        ref.assert_law(lambda x, z: np.full_like(x, value), UNIT, UNIT, rows=2)
    assert e.value.reasons == {"positivity": 4.0}


def test_a_sampler_that_draws_its_own_noise_is_refused() -> None:
    rng = generator("own noise")
    with pytest.raises(ref.LawRejected, match="random numbers of its own"):
        ref.assert_law(lambda x, z: x * np.exp(rng.normal(size=x.shape)), UNIT, UNIT, rows=2)


def test_a_known_polynomial_is_recovered() -> None:
    x = states(2) * np.array([1.0, -1.0])
    truth = np.stack([0.7 + 0.1 * x, 0.4 - x**2, 0.05 * x**3])

    def step(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return x * (truth[0] + truth[1] * z + truth[2] * z**2)

    found = ref.assert_step(step, x, truth)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-14 * np.abs(truth).max())
    with pytest.raises(ref.LawRejected, match="no polynomial of the stated degree"):
        ref.assert_step(step, x, truth[:2])
    for index, name in enumerate(("offset", "slope", "curvature")):
        wrong = truth.copy()
        wrong[index] += 1e-9
        with pytest.raises(ref.LawRejected) as e:
            ref.assert_step(step, x, wrong)
        assert set(e.value.reasons) == {name}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_step_to_nowhere_is_refused(value: float) -> None:
    with pytest.raises(ref.LawRejected, match="not finite") as e:
        ref.extract_step_polynomial(lambda x, z: np.full_like(x, value), states(2))
    assert e.value.reasons == {"finiteness": 24.0}


def test_version_one_s_bias_has_its_predicted_size() -> None:
    """E2: at v0 = .05, sigma = .8, N = 1000 the log-mean is off by -0.1315 (digamma form)."""
    process, target = ref.GBM(sigma=0.8), ref.LogNormal(np.array([0.31]), 0.05)
    grid, score = ref.uniform(1000), ref.exact_score(target, process)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """-delta (mu - sigma^2 / 2) where eq. (13) has 3/2; mu = sigma^2 / 2 here."""
        for row, noise in zip(grid, z, strict=True):
            x = x * np.exp(0.64 * row.dt * score(x, row.t_score) + 0.8 * np.sqrt(row.dt) * noise)
        return x

    found = ref.extract_affine_map(sampler, rows=1000, d=1).law(end_law(target, process))
    bias, q = found.mean[0] - 0.31, 0.05 / (0.64 / 1000)
    assert bias == pytest.approx(-0.05 * (psi(q + 1000) - psi(q)), rel=1e-9)
    assert f"{bias:.4f}" == "-0.1315"


SETTINGS = [("constant", name) for name in LOG_NORMALS] + [("time-varying", "log-normal-2d")]
T, DT = 0.5, 0.07


@cache
def wanted(process: ref.Process, target: ref.LogNormal, grid: ref.Grid) -> ref.Gaussian:
    """The law of eq. (13) on this grid from the exact start."""
    return ref.exact_law(ref.DaleLangevin(), target, process, grid, end_law(target, process))


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
def test_planted_bugs_are_refused_for_their_reason(process: str, target: str, name: str) -> None:
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
        assert_same_law(e.value.found, twin.law(motion, data), rtol=0, atol=1e-12)


def test_every_reason_is_needed_and_every_twin_is_refused() -> None:
    """The detection matrix has no empty row and no empty column."""
    assert all(twin.fails for twin in TWINS.values())
    reasons = frozenset().union(*(t.fails for t in TWINS.values()))
    assert reasons == {"affinity", "mean", "covariance"}
    assert len(TWINS) + len(LINEAR) + len(BENT) >= 12


def test_the_literal_algorithm_two_throws_noise_away() -> None:
    """Of each level's three draws the first two have no effect (claim E3)."""
    process, target = PROCESSES["constant"], LOG_NORMALS["log-normal-2d"]
    literal = TWINS["Algorithm 2 of version 1, literally"].sampler(process, target)
    noise = ref.extract_affine_map(literal, rows=18, d=2).noise.reshape(6, 3, 2, 2)
    assert (noise[:, :2] == 0).all() and (np.abs(noise[:, 2]).max(axis=(1, 2)) > 1e-3).all()


def test_a_clip_is_seen_with_noise_of_size_eight_alone(monkeypatch: Patch) -> None:
    process, target = PROCESSES["constant"], LOG_NORMALS["log-normal-2d"]
    for module in ("law", "one_step"):
        monkeypatch.setattr(f"gbm_ref.probe.{module}.NOISE_SIZES", (3.0,))
    judge(TWINS["noise clipped"], process, target)
    here = place("constant", "log-normal-2d")
    _, clipped = BENT["noise clipped"]
    ref.assert_step(lambda x, z: x * clipped(here, z), here.x, np.stack([here.offset, here.slope]))


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
    """Eq. (12), the same with less noise (claim R11) and Milstein's scheme (claim R15)."""
    here, motion = place(process, target), PROCESSES[process]
    score = ref.exact_score(LOG_NORMALS[target], motion)
    slope = kappa * here.slope
    kept = 1 - here.dm + here.dv * ((1 + kappa**2) * (1 + here.h) + kappa**2) / 2
    second = np.full_like(here.x, kappa**2 * here.dv / 2)
    for step, coefficients in {
        ref.SignAgnostic(): [here.offset, slope],
        ref.AmbientMarginalPreserving(): [kept, slope],
        ref.AmbientMilstein(): [here.offset - second, slope, second],
    }.items():
        call = partial(step, motion, score)
        stated = np.stack(coefficients)
        ref.assert_step(lambda x, z, call=call: call(x, T, DT, kappa, z), here.x, stated)


@pytest.mark.parametrize(("process", "target"), SETTINGS)
@pytest.mark.parametrize("name", LINEAR)
def test_bugs_in_x_are_refused_for_their_reason(process: str, target: str, name: str) -> None:
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
def test_steps_not_of_the_stated_form_are_refused(process: str, target: str, name: str) -> None:
    here, (reason, twin) = place(process, target), BENT[name]
    stated = np.stack([here.offset, here.slope])
    if reason == "coupling" and here.x.shape[1] == 1:
        ref.assert_step(lambda x, z: x * twin(here, z), here.x, stated)
        return
    with pytest.raises(ref.LawRejected) as e:
        ref.assert_step(lambda x, z: x * twin(here, z), here.x, stated)
    assert set(e.value.reasons) == {reason}
    assert e.value.reasons[reason] > 1e-3


def in_single(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """exp(0.3 z) x in float32, as a network's sampler has it."""
    return x.astype(np.float32) * np.exp(np.float32(0.3) * z[0].astype(np.float32))


HALF = UNIT._replace(cov=1.09 * np.eye(1))


def test_a_sampler_in_float32_is_told_its_tolerance() -> None:
    with pytest.raises(ref.LawRejected, match=r"what float32 leaves.*tolerance=5e-05"):
        ref.assert_law(in_single, UNIT, HALF, rows=1)
    ref.assert_law(in_single, UNIT, HALF, rows=1, tolerance=5e-5)
    x, wrong = states(1), np.stack([np.ones((12, 1)), np.full((12, 1), 0.7)])
    with pytest.raises(ref.LawRejected) as caught:
        ref.assert_law(in_single, UNIT, UNIT, rows=1, tolerance=1e-4)  # off by much more
    assert "float32" not in str(caught.value)
    with pytest.raises(ref.LawRejected, match="what float32 leaves"):
        ref.assert_step(lambda x, z: x * (1.0 + (0.7 + 1e-6) * z), x, wrong)


def test_a_sampler_with_its_own_numbers_is_told_what_to_do() -> None:
    source, x = generator("own numbers"), states(1)

    def own(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return x * np.exp(0.3 * source.standard_normal(x.shape))

    words = "draws random numbers of its own: pass z on .*kstest"
    with pytest.raises(ref.LawRejected, match=words):
        ref.assert_law(own, UNIT, HALF, rows=1)
    with pytest.raises(ref.LawRejected, match=words):
        ref.assert_step(own, x, np.stack([np.ones((12, 1)), np.ones((12, 1))]))
    words = r"must be called as sampler\(x, z\), .*kstest"
    for call in (ref.assert_law, lambda *given, rows: ref.extract_affine_map(given[0], rows, 1)):
        with pytest.raises(ValueError, match=words):
            call(lambda x: x, UNIT, HALF, rows=1)  # type: ignore[arg-type, misc]
