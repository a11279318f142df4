"""Rates of its own for each coordinate: against one process a coordinate, against mpmath, and
against the map of the sampler itself."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.assertions import assert_accurate
from tests.support.problems import DATA_SETS, LOG_NORMALS, MIXTURES, draws, end_law, states
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tables import COORDINATE_PROCESSES, STEPS, STEPS_2D

BOTH = COORDINATE_PROCESSES["rates by coordinate"]
DRIFTS = COORDINATE_PROCESSES["mu by coordinate"]
LINES = [
    ref.GBM(float(m), float(s), BOTH.horizon) for m, s in zip(BOTH.mu, BOTH.sigma, strict=True)
]
X, Z, T, DT = states(2), draws(12, 2), 0.63, 0.21
PLANE = LOG_NORMALS["log-normal-2d"]
PAIR = [ref.LogNormal([0.31], 0.5), ref.LogNormal([-0.42], 0.3)]
PRODUCT = ref.LogNormal([0.31, -0.42], [0.5, 0.3])
EVERY_STEP = {name: step for name, (_, step) in {**STEPS, **STEPS_2D}.items()}


def by_line(call: Callable[[ref.GBM, int], np.ndarray]) -> np.ndarray:
    """One coordinate after the other, each with its own process, (..., 1) each."""
    return np.concatenate([call(process, i) for i, process in enumerate(LINES)], axis=-1)


def column(x: np.ndarray, i: int) -> np.ndarray:
    return x[:, i : i + 1]


def test_schedules_match_mpmath() -> None:
    for i in (0, 1):
        mu, sigma = mpf(float(BOTH.mu[i])), mpf(float(BOTH.sigma[i]))
        m, v = (mu - sigma**2 / 2), sigma**2
        dm, dv = BOTH.increments_of_each(T, DT)
        for value, exact in (
            (BOTH.log_means(T)[i], m * mpf(T)), (BOTH.log_vars(T)[i], v * mpf(T)),
            (dm[i], m * mpf(DT)), (dv[i], v * mpf(DT)),
        ):  # fmt: skip
            assert_accurate(np.array(value), [exact], float(abs(exact)), 8.0)


CALLS: dict[str, Callable[[ref.Process, np.ndarray, np.ndarray], np.ndarray]] = {
    "kernel": lambda p, x, z: p.sample(x, T, z),
    "conditional score": lambda p, x, z: ref.conditional_hyvarinen_score(x, np.exp(z), p, T),
    "noise": lambda p, x, z: ref.noise_from_hyvarinen(z, p, T),
    "from noise": lambda p, x, z: ref.hyvarinen_from_noise(z, p, T),
    "denoiser": lambda p, x, z: ref.denoiser(x, z, p, T),
    "from denoiser": lambda p, x, z: ref.hyvarinen_from_denoiser(x, z, p, T),
    **{
        name: lambda p, x, z, step=step: step(p, lambda x, t: -1.2 - z, x, T, DT, 0.7, z)
        for name, step in EVERY_STEP.items()
        if name not in STEPS_2D
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_a_coordinate_is_what_its_own_process_makes_of_it(name: str) -> None:
    call = CALLS[name]
    one_by_one = by_line(lambda p, i: call(p, column(X, i), column(Z, i)))
    np.testing.assert_allclose(call(BOTH, X, Z), one_by_one, rtol=1e-14)


def test_the_densities_of_coordinates_multiply() -> None:
    later = PRODUCT.diffuse(BOTH, T)
    each = [law.diffuse(p, T) for law, p in zip(PAIR, LINES, strict=True)]
    logs = sum(law.logpdf(column(X, i)) for i, law in enumerate(each))
    np.testing.assert_allclose(later.logpdf(X), logs, rtol=1e-13, atol=1e-13)
    kernels = sum(
        ref.conditional_logpdf(column(X, i), column(np.exp(Z), i), p, T)
        for i, p in enumerate(LINES)
    )
    np.testing.assert_allclose(ref.conditional_logpdf(X, np.exp(Z), BOTH, T), kernels, rtol=1e-13)


def test_losses_take_the_weight_of_each_coordinate() -> None:
    def model(x: np.ndarray, t: float) -> np.ndarray:
        return -1.1 * np.ones_like(x)

    weight = ref.PreconditionedWeighting(0.8)
    found = ref.m_dsm(model, X, T, Z, BOTH, weight).per_sample
    esm = ref.m_esm(model, PRODUCT, X, T, BOTH, weight).per_sample
    implicit = ref.implicit_m_esm(model, model, X, T, BOTH, weight).per_sample
    parts = [
        (
            ref.m_dsm(model, column(X, i), T, column(Z, i), p, weight).per_sample,
            ref.m_esm(model, PAIR[i], column(X, i), T, p, weight).per_sample,
            ref.implicit_m_esm(model, model, column(X, i), T, p, weight).per_sample,
        )
        for i, p in enumerate(LINES)
    ]
    for value, each in zip((found, esm, implicit), zip(*parts, strict=True), strict=True):
        np.testing.assert_allclose(value, sum(each), rtol=1e-13)


def mp_density(target: ref.LogNormalMixture, x: np.ndarray) -> mpf:
    """log p(x) at 50 digits of the mixture diffused by BOTH to T, from its definition."""
    with mpmath.workdps(50):
        y, total = mpmath.matrix([mpmath.log(mpf(float(v))) for v in x]), mpf(0)
        rates = [(mpf(float(m)), mpf(float(s))) for m, s in zip(BOTH.mu, BOTH.sigma, strict=True)]
        for w, a, S in zip(target.weights, target.log_means, target.log_covs, strict=True):
            cov = mpmath.matrix(S.tolist())
            gap = mpmath.matrix(2, 1)
            for i, (mu, sigma) in enumerate(rates):
                cov[i, i] += sigma**2 * mpf(T)
                gap[i] = y[i] - mpf(float(a[i])) - (mu - sigma**2 / 2) * mpf(T)
            square = (gap.T * mpmath.inverse(cov) * gap)[0]
            norm = mpmath.sqrt(mpmath.det(2 * mpmath.pi * cov))
            total += mpf(float(w)) * mpmath.exp(-square / 2) / norm
        return mpmath.log(total) - y[0] - y[1]


def test_a_mixture_with_correlations_matches_mpmath() -> None:
    target = MIXTURES["mixture-2d"]
    later = target.diffuse(BOTH, T)
    exact = [float(mp_density(target, x)) for x in X[:5]]
    np.testing.assert_allclose(later.logpdf(X[:5]), exact, rtol=1e-13, atol=1e-13)


LAW_STEPS = {
    name: step
    for name, step in EVERY_STEP.items()
    if isinstance(step, ref.LogAffineStep | ref.ProbabilityFlow | ref.Churn)
}
GRID = ref.uniform(4, BOTH.horizon)


@pytest.mark.parametrize("process", [BOTH, DRIFTS], ids=list(COORDINATE_PROCESSES))
@pytest.mark.parametrize("name", LAW_STEPS)
def test_exact_law_is_that_of_the_sampler(name: str, process: ref.CoordinateGBM) -> None:
    step, start = LAW_STEPS[name], end_law(PLANE, process)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return ref.simulate(step, process, ref.exact_score(PLANE, process), x, GRID, z)

    law = ref.exact_law(step, PLANE, process, GRID, start)
    # The law of a noise-free sampler may be flat, so the map's law is compared as it is.
    found = ref.extract_affine_map(sampler, len(GRID), 2).law(start)
    np.testing.assert_allclose(found.mean, law.mean, atol=1e-13)
    np.testing.assert_allclose(found.cov, law.cov, atol=1e-13)


@pytest.mark.parametrize("process", [BOTH, DRIFTS], ids=list(COORDINATE_PROCESSES))
def test_the_ancestral_step_with_the_data_covariance_is_the_exact_reverse_kernel(
    process: ref.CoordinateGBM,
) -> None:
    step = ref.Ancestral(PLANE.log_cov)
    law = ref.exact_law(step, PLANE, process, GRID, end_law(PLANE, process))
    np.testing.assert_allclose(law.mean, PLANE.log_mean, atol=1e-14)
    np.testing.assert_allclose(law.cov, PLANE.log_cov, atol=1e-14)


def test_equal_rates_are_those_of_one_process() -> None:
    line, same = ref.GBM(0.13, 0.7, 0.9), ref.CoordinateGBM([0.13, 0.13], [0.7, 0.7], 0.9)
    for call in CALLS.values():
        np.testing.assert_allclose(call(same, X, Z), call(line, X, Z), rtol=1e-15)
    start = end_law(PLANE, line)
    for step in LAW_STEPS.values():
        found, one = (ref.exact_law(step, PLANE, p, GRID, start) for p in (same, line))
        np.testing.assert_allclose(found.cov, one.cov, atol=1e-15)
    names = ("drift", "diffusion", "log_mean", "log_var")
    assert [getattr(same, n)(T) for n in names] == [getattr(line, n)(T) for n in names]
    assert same.increments(T, DT) == line.increments(T, DT)
    assert same.time_at_log_var(0.2) == line.time_at_log_var(0.2)


def test_a_vector_mu_with_one_sigma_goes_with_what_needs_no_more() -> None:
    assert DRIFTS.log_var(T) == ref.GBM(sigma=0.7, horizon=0.9).log_var(T)
    assert len(ref.power(DRIFTS, 5, 3.0, std_min=0.1, std_max=0.5)) == 5
    shift = np.exp(DRIFTS.log_means(T))
    still = ref.CoordinateGBM(None, [0.7, 0.7], 0.9)  # the same without drift
    for target in (PLANE, MIXTURES["mixture-2d"], DATA_SETS["points-2d"]):
        moved = ref.posterior_log_mean(X, target, DRIFTS, T)
        np.testing.assert_allclose(moved, ref.posterior_log_mean(X / shift, target, still, T))
    terminal = PLANE.diffuse(DRIFTS, DRIFTS.horizon)
    likelihood = ref.exact_log_likelihood(X, PLANE, DRIFTS, terminal)
    np.testing.assert_allclose(likelihood, PLANE.logpdf(X), rtol=1e-13, atol=1e-13)


def test_terminal_laws_have_the_moments_of_the_process() -> None:
    data = ref.Gaussian(PLANE.log_mean, PLANE.log_cov)
    end = PLANE.diffuse(BOTH, BOTH.horizon)
    law = ref.terminal_gaussian(data, BOTH)
    np.testing.assert_array_equal(law.mean, end.log_mean)
    np.testing.assert_array_equal(law.cov, end.log_cov)
    assert ref.terminal_mismatch(end, data, BOTH) == 0.0


RATES = {"mu": [0.1, 0.2], "sigma": [0.3, 0.4], "horizon": 1.0}
ONE = {"process": ref.GBM(0.13, 0.7, 0.9)}
NEEDS_ONE = [
    Refusal(call, {**ONE, **good}, "process", wrong, words)
    for call, good, wrong, words in (
        (
            ref.power,
            {"num_steps": 4, "rho": 3.0, "std_min": 0.1, "std_max": 0.5},
            BOTH,
            "differ in v",
        ),
        (ref.geometric, {"num_steps": 4, "std_min": 0.1, "std_max": 0.5}, BOTH, "differ in v"),
        (ref.posterior_log_mean, {"x": X, "target": PLANE, "t": T}, BOTH, "differ in v"),
        (ref.fitted_lognormal, {"data": end_law(PLANE, BOTH)}, DRIFTS, "differ in m"),
        (ref.log_flip_probability, {"hyvarinen": Z, "t_score": T, "dt": DT}, BOTH, "differ in"),
        (DATA_SETS["points-2d"].diffuse, {"t": T}, BOTH, "take LogNormalMixture"),
        (
            ref.dale_langevin_law,
            {"target": PLANE, "num_steps": 3, "start": end_law(PLANE, BOTH)},
            BOTH,
            "use exact_law",
        ),
    )
]


@table(
    rows(
        ref.CoordinateGBM,
        RATES,
        ("mu", [0.1, 0.2, 0.3], "of one shape"),
        ("mu", [[0.1, 0.2]], "of one shape"),
        ("mu", [0.1, np.inf], "mu must be finite"),
        ("sigma", [0.3, 0.0], "sigma must be positive"),
        ("sigma", [], "of one shape"),
        ("sigma", [0.3, 1e160], "sigma must lie between"),
        ("horizon", 0.0, "horizon must be positive"),
        ("horizon", 1e-310, "beyond the range"),
    ),
    rows(BOTH.sample, {"x0": X, "t": T, "z": Z}, ("x0", X[:, :1], r"shape \(..., 2\)")),
    rows(BOTH.log_means, {"t": T}, ("t", 1.1, "t must lie in")),
    rows(PLANE.diffuse, {"process": BOTH, "t": T}, ("process", ref.CoordinateGBM([1, 2, 3]), "3")),
    rows(
        ref.denoiser,
        {"x": X, "hyvarinen": Z, "process": BOTH, "t": T},
        ("process", ref.CoordinateGBM([1.0, 2.0, 3.0]), r"x must have shape \(..., 3\)"),
    ),
    rows(
        ref.exact_law,
        {
            "step": ref.DDIM(), "target": PLANE, "process": BOTH, "grid": GRID,
            "start": end_law(PLANE, BOTH),
        },
        ("process", ref.CoordinateGBM([1.0, 2.0, 3.0]), "must have shape"),
        ("step", [ref.DDIM()], "one step a row: 1 for 4"),
        ("step", [ref.SignAgnostic()] * 4, "not affine"),
        ("grid", (ref.Row(0.0, 0.0, 1.0),), "t_score > 0"),
    ),
    NEEDS_ONE,
)  # fmt: skip
def test_what_does_not_fit_is_refused(refusal: Refusal) -> None:
    check(refusal)


@pytest.mark.parametrize("name", ["drift", "diffusion", "log_mean", "log_var"])
def test_one_number_is_refused_where_coordinates_differ(name: str) -> None:
    with pytest.raises(ValueError, match=r"differ in .*log_means, log_vars"):
        getattr(BOTH, name)(T)
    for call in (lambda: BOTH.increments(T, DT), lambda: BOTH.time_at_log_var(0.1)):
        with pytest.raises(ValueError, match="differ in"):
            call()


def test_a_grid_may_mix_steps() -> None:
    """Predictor and corrector in turn: the law of what `simulate` does with them, row by row."""
    process = ref.GBM(0.13, 0.7, 0.9)
    steps = [ref.Ancestral(), ref.Corrector(), ref.ProbabilityFlow(), ref.DaleLangevin()]
    times = [(0.9, 0.3), (0.6, 0.2), (0.6, 0.3), (0.3, 0.3)]
    grid = tuple(ref.Row(t, dt, 0.8) for t, dt in times)
    start, score = end_law(PLANE, process), ref.exact_score(PLANE, process)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        for step, row, draw in zip(steps, grid, z, strict=True):
            x = ref.simulate(step, process, score, x, (row,), draw[None])
        return x

    law = ref.exact_law(steps, PLANE, process, grid, start)
    ref.assert_law(sampler, start, law, rows=4)
    chained = start
    for step, row in zip(steps, grid, strict=True):
        chained = ref.exact_law(step, PLANE, process, (row,), chained)
    np.testing.assert_allclose(law.cov, chained.cov, rtol=1e-13)
