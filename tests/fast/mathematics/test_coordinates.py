"""Rates of its own for each coordinate: the twins agree, events of several axes have them in their
order, and what needs one number for all coordinates refuses."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.problems import LOG_NORMALS, MIXTURES, draws, end_law, states
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tables import COORDINATE_PROCESSES, STEPS, STEPS_2D
from tests.support.twins import assert_agree, assert_twins, tensor, twin_process, twin_target

X, Z, T, DT = states(2), draws(12, 2), 0.63, 0.21
PLANE, MIXED = LOG_NORMALS["log-normal-2d"], MIXTURES["mixture-2d"]
EVERY_STEP = {**STEPS, **STEPS_2D}
BOTH = twin_process(COORDINATE_PROCESSES["rates by coordinate"])
DRIFTS = twin_process(COORDINATE_PROCESSES["mu by coordinate"])
IMAGE = tensor(X).reshape(4, 3, 2, 1)  # three rows of two, as an event of six


@pytest.fixture(params=list(COORDINATE_PROCESSES))
def theirs(request: pytest.FixtureRequest) -> ref.CoordinateGBM:
    return COORDINATE_PROCESSES[request.param]


def test_schedules_agree(theirs: ref.CoordinateGBM) -> None:
    ours = twin_process(theirs)
    for t in (0.0, T, 0.9):
        assert_twins(ours.log_means(t), theirs.log_means(t), 1.0, 1e-15)
        assert_twins(ours.log_vars(t), theirs.log_vars(t), 1.0, 1e-15)
    each = zip(ours.increments_of_each(T, DT), theirs.increments_of_each(T, DT), strict=True)
    for found, expected in each:
        assert_twins(found, expected, 1.0, 1e-15)
    times = tensor([0.1, T, 0.9])
    assert ours.log_means(times).shape == (3, 2)
    torch.testing.assert_close(ours.log_vars(times)[1], ours.log_vars(T), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("conditional_hyvarinen_score", (np.exp(Z),)),
        ("conditional_logpdf", (np.exp(Z),)),
        ("denoiser", (Z,)),
        ("hyvarinen_from_denoiser", (Z,)),
    ],
)
def test_kernels_agree(name: str, more: tuple, theirs: ref.CoordinateGBM) -> None:
    assert_agree(name, X, *more, theirs, T, scale=100.0)


def test_noise_agrees(theirs: ref.CoordinateGBM) -> None:
    assert_agree("noise_from_hyvarinen", Z, theirs, T, scale=10.0)
    assert_agree("hyvarinen_from_noise", Z, theirs, T, scale=100.0)
    assert_twins(twin_process(theirs).sample(tensor(X), T, tensor(Z)), theirs.sample(X, T, Z), 1e3)


@pytest.mark.parametrize("name", EVERY_STEP)
def test_steps_agree(name: str, theirs: ref.CoordinateGBM) -> None:
    fast, slow = EVERY_STEP[name]
    expected = slow(theirs, lambda x, t: -1.2 - Z, X, T, DT, 0.7, Z)
    process, score = twin_process(theirs), lambda x, t: -1.2 - tensor(Z)
    found = fast(process, score, tensor(X), T, DT, 0.7, tensor(Z))
    assert_twins(found, expected, 1.0 + np.abs(expected))


@pytest.mark.parametrize("name", EVERY_STEP)
def test_runs_agree(name: str, theirs: ref.CoordinateGBM) -> None:
    fast, slow = EVERY_STEP[name]
    grid, z = ref.uniform(3, theirs.horizon), 0.3 * draws(3, 12, 2)
    expected = ref.simulate(slow, theirs, ref.exact_score(PLANE, theirs), X, grid, z)
    score = gbm.exact_score(twin_target(PLANE), twin_process(theirs))
    rows = gbm.uniform(3, theirs.horizon)
    found = gbm.simulate(fast, twin_process(theirs), score, tensor(X), rows, tensor(z))
    assert_twins(found, expected, 10.0 + np.abs(expected))


@pytest.mark.parametrize("target", [PLANE, MIXED], ids=["log-normal", "mixture"])
def test_diffused_laws_agree(target: ref.Target, theirs: ref.CoordinateGBM) -> None:
    ours = twin_target(target).diffuse(twin_process(theirs), T)
    slow = target.diffuse(theirs, T)
    assert_twins(ours.logpdf(tensor(X)), slow.logpdf(X), 100.0)
    assert_twins(ours.log_score(tensor(X)), slow.log_score(X), 100.0)


def test_losses_agree(theirs: ref.CoordinateGBM) -> None:
    ours, weights = twin_process(theirs), [p.PreconditionedWeighting(0.8) for p in (gbm, ref)]
    model = lambda x, t: -1.1 * x  # noqa: E731
    found = gbm.m_dsm(model, tensor(X), T, tensor(Z), ours, weights[0])
    assert_twins(found.per_sample, ref.m_dsm(model, X, T, Z, theirs, weights[1]).per_sample, 100.0)
    esm = gbm.m_esm(model, twin_target(MIXED), tensor(X), T, ours, weights[0])
    assert_twins(
        esm.per_sample, ref.m_esm(model, MIXED, X, T, theirs, weights[1]).per_sample, 100.0
    )
    implicit = gbm.implicit_m_esm(model, model, tensor(X), T, ours, weights[0])
    expected = ref.implicit_m_esm(model, model, X, T, theirs, weights[1])
    assert_twins(implicit.per_sample, expected.per_sample, 100.0)


def test_one_time_a_sample_is_each_alone() -> None:
    times = torch.linspace(0.1, 0.9, 12, dtype=torch.float64)
    x, z = tensor(X), tensor(Z)
    for process in (BOTH, DRIFTS):
        calls: list[Callable] = [
            lambda x, z, t, p=process: p.sample(x, t, z),
            lambda x, z, t, p=process: gbm.conditional_hyvarinen_score(x, z.exp(), p, t),
            lambda x, z, t, p=process: gbm.m_dsm(lambda x, t: -x, x, t, z, p).per_sample,
            lambda x, z, t, p=process: gbm.exact_score(twin_target(PLANE), p)(x, t),
        ]
        for call in calls:
            together = call(x, z, times)
            alone = [call(x[i : i + 1], z[i : i + 1], times[i]) for i in range(12)]
            torch.testing.assert_close(together, torch.cat(alone), rtol=1e-14, atol=1e-14)


def test_an_image_has_its_rates_in_its_order() -> None:
    mu, sigma = torch.linspace(-0.4, 0.3, 6), torch.linspace(0.2, 1.1, 6)
    process = gbm.CoordinateGBM(mu, sigma)
    flat, z = IMAGE.flatten(1), 0.4 * IMAGE.log()
    score = lambda x, t: -0.7 * x  # noqa: E731
    for call in (
        lambda x, z: process.sample(x, T, z),
        lambda x, z: gbm.denoiser(x, z, process, T),
        *(
            lambda x, z, step=step: step(process, score, x, T, DT, 1.0, z)
            for step, _ in STEPS.values()
        ),
    ):
        image = call(IMAGE, z)
        assert image.shape == IMAGE.shape
        torch.testing.assert_close(image.flatten(1), call(flat, z.flatten(1)), rtol=0, atol=0)


def test_float32_stays_float32() -> None:
    x, z = (tensor(part, torch.float32) for part in (X, Z))
    for step, _ in EVERY_STEP.values():
        score = lambda x, t: -x  # noqa: E731
        assert step(BOTH, score, x, T, DT, 1.0, z).dtype == torch.float32
    assert BOTH.sample(x, T, z).dtype == torch.float32
    assert twin_target(PLANE, torch.float32).diffuse(BOTH, T).logpdf(x).dtype == torch.float32


def test_terminal_laws_agree(theirs: ref.CoordinateGBM) -> None:
    data = end_law(PLANE, theirs, 0.1)
    for found, expected in zip(
        gbm.terminal_gaussian(
            gbm.Gaussian(*(tensor(part) for part in data)), twin_process(theirs)
        ),
        ref.terminal_gaussian(data, theirs),
        strict=True,
    ):
        assert_twins(found, expected, 10.0)


RATES = {"mu": [0.1, 0.2], "sigma": [0.3, 0.4], "horizon": 1.0}
STEP = {
    "process": BOTH, "score": lambda x, t: -x, "x_t": tensor(X), "t_score": T, "dt": DT,
    "noise": 1.0, "z": tensor(Z),
}  # fmt: skip
ONE = gbm.GBM(0.13, 0.7, 0.9)
THREE = gbm.CoordinateGBM([1.0, 2.0, 3.0])


@table(
    rows(
        gbm.CoordinateGBM,
        RATES,
        ("mu", [0.1, 0.2, 0.3], "of one shape"),
        ("mu", tensor([[0.1, 0.2]]), r"a number or \(d,\)"),
        ("mu", [0.1, float("inf")], "mu must be finite"),
        ("sigma", [0.3, 0.0], "sigma must be positive"),
        ("sigma", [0.3, 1e160], "sigma must lie between"),
        ("horizon", 0.0, "horizon must be"),
        ("horizon", 1e-310, "beyond the range"),
    ),
    *(
        rows(
            step,
            STEP,
            ("process", THREE, "an event must have as many elements|must be|coordinates"),
            ("t_score", torch.full((12,), T), "one time for all samples"),
        )
        for step in (gbm.DaleLangevin(), gbm.SignAgnostic(), gbm.ProbabilityFlow())
    ),
    rows(gbm.DaleLangevin(), STEP, ("noise", torch.ones(12), "one factor on the noise")),
    rows(
        gbm.denoiser,
        {"x": tensor(X), "hyvarinen": tensor(Z), "process": BOTH, "t": T},
        ("process", THREE, "rates for 3 coordinates"),
    ),
    rows(
        gbm.PointMasses(tensor(X)).diffuse,
        {"process": DRIFTS, "t": T},
        ("process", BOTH, "take LogNormalMixture"),
    ),
    *(
        rows(law.diffuse, {"process": BOTH, "t": T}, ("process", THREE, "3 coordinates, this law"))
        for law in (twin_target(PLANE), twin_target(MIXED))
    ),
    rows(
        gbm.posterior_log_cov,
        {"x": tensor(X), "target": twin_target(MIXED), "process": DRIFTS, "t": T},
        ("process", THREE, "3 coordinates, this law"),
    ),
    rows(
        gbm.terminal_gaussian,
        {"data": gbm.Gaussian(tensor([0.1, 0.2]), tensor(np.eye(2))), "process": BOTH},
        ("process", THREE, "3 coordinates"),
    ),
    rows(
        gbm.posterior_log_mean,
        {"x": tensor(X), "target": twin_target(MIXED), "process": DRIFTS, "t": T},
        ("process", BOTH, "differ in v"),
    ),
    rows(
        gbm.power,
        {"process": DRIFTS, "num_steps": 4, "rho": 3.0, "std_min": 0.1, "std_max": 0.5},
        ("process", BOTH, "differ in v"),
    ),
    rows(
        gbm.fitted_lognormal,
        {"data": gbm.Gaussian(tensor([0.1, 0.2]), tensor(np.eye(2))), "process": ONE},
        ("process", DRIFTS, "differ in m"),
    ),
)
def test_what_does_not_fit_is_refused(refusal: Refusal) -> None:
    check(refusal)


def test_posteriors_take_a_vector_mu() -> None:
    theirs = COORDINATE_PROCESSES["mu by coordinate"]
    for name in ("posterior_log_mean", "posterior_log_cov", "log_posterior_moment"):
        assert_agree(name, X, MIXED, theirs, T, scale=100.0)
    terminal = PLANE.diffuse(theirs, theirs.horizon)
    assert_agree("exact_log_likelihood", X, PLANE, theirs, terminal, scale=100.0)
