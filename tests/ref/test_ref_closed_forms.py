"""Closed forms against 50 digits, the recursion of `exact_law` and their twins; and limits."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from mpmath import mpf, psi

import gbm_ref as ref
from tests.support.assertions import assert_accurate, assert_inaccurate, assert_same_law
from tests.support.problems import LOG_NORMALS, PROCESSES, end_law, normal

Law = Callable[[ref.Target, ref.Process, int, ref.Gaussian], ref.Gaussian]
# (gain, added) from q = v_0 / h, N and h.
Formula = Callable[[mpf, int, mpf], tuple[mpf, mpf]]
MU, SIGMA, HORIZON, CENTRE = 0.13, 0.7, 0.9, 0.31
PROCESS = ref.GBM(MU, SIGMA, HORIZON)
WIDE = LOG_NORMALS["log-normal-2d"]
FLAT = ref.LogNormal(WIDE.log_mean, np.array([[0.5, 0.3], [0.3, 0.18]]))
START = ref.Gaussian(np.array([0.9, -0.2]), np.array([[1.1, -0.3], [-0.3, 0.8]]))
CASES = [(v0, n) for v0 in (1e-9, 3e-4, 0.23, 41.0) for n in (1, 3, 19, 23, 1000)]


def dale_langevin(q: mpf, n: int, h: mpf) -> tuple[mpf, mpf]:
    return q / (q + n), h * q**2 * (psi(1, q) - psi(1, q + n))


def ancestral(q: mpf, n: int, h: mpf) -> tuple[mpf, mpf]:
    harmonic = psi(0, n + 1) - psi(0, 1) - psi(0, q + n) + psi(0, q)
    noise = (psi(1, q) - psi(1, q + n)) * q / (q - 1) - harmonic / (q - 1) ** 2
    return q / (q + n), q**2 * h * noise


def euler_flow(q: mpf, n: int, h: mpf) -> tuple[mpf, mpf]:
    half = mpf(1) / 2
    return mpmath.gammaprod([q + n + half, q + 1], [q + half, q + n + 1]), mpf(0)


def without_first(q: mpf, n: int, h: mpf) -> tuple[mpf, mpf]:
    return q / (q + n), h * q**2 * (psi(1, q + 1) - psi(1, q + n))


def without_bridge(q: mpf, n: int, h: mpf) -> tuple[mpf, mpf]:
    return q / (q + n), dale_langevin(q, n, h)[1] - h


def exact_flow(q: mpf, n: int, h: mpf) -> tuple[mpf, mpf]:
    return mpmath.sqrt(q / (q + n)), mpf(0)


LAWS: dict[str, tuple[Law, ref.Step, Formula, Formula]] = {
    "Dale-Langevin": (ref.dale_langevin_law, ref.DaleLangevin(), dale_langevin, without_first),
    "ancestral": (ref.ancestral_law, ref.Ancestral(), ancestral, without_bridge),
    "Euler flow": (ref.euler_flow_law, ref.MarginalPreserving(0.0), euler_flow, exact_flow),
}


def assert_is_the_formula(law: Law, formula: Formula, v0: float, n: int) -> None:
    """Mean and variance within 20 u S: S adds up the terms, and h and v_0 for the variance."""
    start_mean, start_var = 1.7, 0.83
    found = law(ref.LogNormal([CENTRE], v0), PROCESS, n, normal(start_mean, start_var))
    h = mpf(SIGMA) ** 2 * mpf(HORIZON) / n
    gain, added = formula(mpf(v0) / h, n, h)
    end = mpf(CENTRE) + (mpf(MU) - mpf(SIGMA) ** 2 / 2) * mpf(HORIZON)
    wanted = (mpf(CENTRE) + gain * (start_mean - end), gain**2 * mpf(start_var) + added)
    noise = 0.0 if formula in (euler_flow, exact_flow) else v0 + float(h)
    scale = np.array([2.0 * CENTRE + 1.7, float(gain) ** 2 * start_var + noise])
    assert_accurate(np.array([found.mean[0], found.cov[0, 0]]), wanted, scale, k=20)


@pytest.mark.parametrize("v0, n", CASES)
@pytest.mark.parametrize("name", list(LAWS))
def test_a_law_is_its_formula_at_50_digits(name: str, v0: float, n: int) -> None:
    """R8, R16, R17; the formula of R17 is by partial fractions, the function a sum."""
    law, _, formula, _ = LAWS[name]
    assert_is_the_formula(law, formula, v0, n)


@pytest.mark.parametrize("name", list(LAWS))
def test_a_twin_of_each_formula_is_refused(name: str) -> None:
    law, _, _, twin = LAWS[name]
    with pytest.raises(AssertionError, match="more than the 20 allowed"):
        assert_is_the_formula(law, twin, 0.23, 1000)


@pytest.mark.parametrize("n", [1, 2, 21, 200])
@pytest.mark.parametrize("target", [WIDE, FLAT], ids=["regular", "singular"])
@pytest.mark.parametrize("name", list(LAWS))
def test_a_law_is_the_recursion(name: str, target: ref.LogNormal, n: int) -> None:
    """The recursion rounds N times, each time by about u S; S is below 2 here."""
    law, step, _, _ = LAWS[name]
    found = law(target, PROCESS, n, START)
    wanted = ref.exact_law(step, target, PROCESS, ref.uniform(n, HORIZON), START)
    assert_same_law(found, wanted, rtol=0.0, atol=4.0 * (n + 10.0) * 2.0**-53)


@pytest.mark.parametrize("name", list(LAWS))
def test_another_step_has_another_law(name: str) -> None:
    law = LAWS[name][0]
    for other, (_, step, _, _) in LAWS.items():
        wanted = ref.exact_law(step, WIDE, PROCESS, ref.uniform(30, HORIZON), START).cov
        gap = np.abs(law(WIDE, PROCESS, 30, START).cov - wanted).max()
        assert (gap < 1e-13) == (other == name)


def test_a_point_mass() -> None:
    """R8: V_0 = h whatever the start. R17: the point itself. R16: what the product leaves."""
    point = ref.LogNormal([CENTRE], 0.0)
    start = normal(2.0, 3.0)
    blurred = ref.dale_langevin_law(point, PROCESS, 50, start)
    assert blurred.cov[0, 0] == pytest.approx(SIGMA**2 * HORIZON / 50, rel=1e-14)
    assert ref.ancestral_law(point, PROCESS, 50, start).cov[0, 0] == 0.0
    factor = np.prod(1.0 - 0.5 / np.arange(1, 51))
    flow = ref.euler_flow_law(point, PROCESS, 50, start)
    assert flow.cov[0, 0] == pytest.approx(3.0 * factor**2, rel=1e-13)


@pytest.mark.parametrize("name", list(PROCESSES))
@pytest.mark.parametrize("inner", [1, 3, 40])
def test_an_inner_loop_is_the_recursion(name: str, inner: int) -> None:
    """R10, any process: L equal rows at one level."""
    process, row = PROCESSES[name], ref.Row(0.31, 0.07, 0.6)
    found = ref.inner_loop_law(WIDE, process, row, inner, START)
    wanted = ref.exact_law(ref.DaleLangevin(), WIDE, process, (row,) * inner, START)
    assert_same_law(found, wanted, rtol=0.0, atol=1e-14 * inner)
    once_more = ref.inner_loop_law(WIDE, process, row, inner + 1, START)
    assert np.abs(once_more.cov - wanted.cov).max() > 1e-8


def test_a_whole_step_at_the_last_level_forgets_the_start_of_a_point_mass() -> None:
    """alpha = 0: the boundary of the geometric sums."""
    point, row = ref.LogNormal([CENTRE], 0.0), ref.Row(0.3, 0.3, 0.8)
    law = ref.inner_loop_law(point, PROCESS, row, 3, normal(5.0, 2.0))
    assert law.mean[0] == pytest.approx(CENTRE, abs=1e-15)
    assert law.cov[0, 0] == pytest.approx(0.64 * PROCESS.log_var(0.3), rel=1e-15)


def extrapolated(target: ref.LogNormal, speed: float, inner: int, decay: float) -> ref.Gaussian:
    """The limit of the recursions of 50, 100 and 200 levels with two orders removed."""

    def law(levels: int) -> ref.Gaussian:
        length = speed * HORIZON / levels / inner
        grid = ref.annealed(levels, HORIZON, length, inner, float(np.exp(-decay / levels)))
        return ref.exact_law(ref.DaleLangevin(), target, PROCESS, grid, START)

    parts = zip(*map(law, (50, 100, 200)), strict=True)
    return ref.Gaussian(*((8 * fine - 6 * middle + coarse) / 3 for coarse, middle, fine in parts))


@pytest.mark.parametrize("speed, inner, decay", [(0.5, 1, 0.0), (1.0, 1, 5.01), (0.6, 2, 2.3)])
def test_the_limit_of_many_levels(speed: float, inner: int, decay: float) -> None:
    """R10 with m(T) not 0; the remainder is of order N^-3, about 1e-6."""
    found = ref.annealed_limit_law(WIDE, PROCESS, START, speed, decay)
    wanted = extrapolated(WIDE, speed, inner, decay)
    assert_same_law(found, wanted, rtol=0.0, atol=2e-6)
    twin = ref.annealed_limit_law(WIDE, PROCESS, START, speed, decay + 0.02)
    assert np.abs(twin.cov - wanted.cov).max() > 2e-5


@pytest.mark.parametrize(
    ("speed", "decay", "ratio"),
    [(0.2, 0.0, "6.1"), (0.6, 0.0, "1.82"), (3.0, 0.0, "0.60"), (1.0, "0.995", "0.081")],
)
def test_the_printed_limits(speed: float, decay: float | str, ratio: str) -> None:
    """E17 and E18 at v_0 = 0.05, sigma = 0.8, from an exact start; chi = 0.995 for N = 1000."""
    target, process = ref.LogNormal([CENTRE], 0.05), ref.GBM(sigma=0.8)
    rate = -1000 * float(np.log(float(decay))) if isinstance(decay, str) else decay
    law = ref.annealed_limit_law(target, process, end_law(target, process), speed, rate)
    assert f"{law.cov[0, 0] / 0.05:.{len(ratio) - 2}f}" == ratio


def test_the_reverse_equation_keeps_the_data_law_in_the_limit() -> None:
    law = ref.annealed_limit_law(WIDE, PROCESS, end_law(WIDE, PROCESS))
    assert_same_law(law, ref.Gaussian(WIDE.log_mean, WIDE.log_cov), rtol=1e-14)


@pytest.mark.parametrize("n", [1, 3, 19, 300])
@pytest.mark.parametrize("v0", [1e-9, 3e-4, 0.23, 41.0])
def test_the_path_divergence_at_50_digits(v0: float, n: int) -> None:
    """R20b: the plain sum at high precision, terms down to 1e-11 of v_0 / h."""
    found = ref.path_divergence(ref.LogNormal([CENTRE], v0), PROCESS, n)
    h, data = mpf(SIGMA) ** 2 * mpf(HORIZON) / n, mpf(v0)
    ratios = [(data + h * (k - 1)) / (data + h * k) for k in range(1, n + 1)]
    wanted = mpmath.fsum(r - 1 - mpmath.log(r) for r in ratios) / 2
    twin = mpmath.fsum(1 / r - 1 + mpmath.log(r) for r in ratios) / 2
    assert_accurate(np.array([found]), [wanted], float(wanted), k=20)
    assert_inaccurate(np.array([found]), [twin], float(wanted), k=20)


def test_the_path_divergence_adds_up_the_kernels() -> None:
    """In the plane: the Gaussian divergence of each exact kernel from that of a step."""
    total, n, zero, eye = 0.0, 12, np.zeros(2), np.eye(2)
    h = SIGMA**2 * HORIZON / n
    for k in range(1, n + 1):
        ratio = (WIDE.log_cov + h * (k - 1) * eye) @ np.linalg.inv(WIDE.log_cov + h * k * eye)
        total += ref.kl_divergence(ref.Gaussian(zero, h * ratio), ref.Gaussian(zero, h * eye))
    assert ref.path_divergence(WIDE, PROCESS, n) == pytest.approx(total, rel=1e-11)
    assert ref.path_divergence(FLAT, PROCESS, n) > 15.0  # 1 log(1 / 0), up to rounding
    assert ref.path_divergence(ref.LogNormal([CENTRE], 0.0), PROCESS, n) == np.inf
