"""Laws that relate two runs of a step: exact, and bitwise where nothing is rounded differently.

Each law is a function of a step and a case; it raises AssertionError where the law is broken."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import gbm_ref as ref

Array, Maybe = np.ndarray, np.ndarray | None
COV = np.array([[0.5, 0.2], [0.2, 0.3]])
STEPS: dict[str, ref.Step] = {
    "SignAgnostic": ref.SignAgnostic(),
    "AmbientMilstein": ref.AmbientMilstein(),
    "AmbientMarginalPreserving": ref.AmbientMarginalPreserving(0.7),
    "DaleLangevin": ref.DaleLangevin(),
    "MarginalPreserving": ref.MarginalPreserving(0.7),
    "PrintedAlgorithm1": ref.PrintedAlgorithm1(),
    "Corrector": ref.Corrector(),
    "Ancestral": ref.Ancestral(),
    "Ancestral, matrix": ref.Ancestral(COV),
    "DDIM": ref.DDIM(),
    "ProbabilityFlow": ref.ProbabilityFlow(),
    "DPMSolver": ref.DPMSolver(3),
    # So little that the row from t_hat is not long beside dt, which the size of the terms has.
    "Churn": ref.Churn(ref.DDIM(), 0.05),
    "Churn, flow": ref.Churn(ref.ProbabilityFlow(), 0.03),
}
AMBIENT = [name for name, step in STEPS.items() if step.coordinates == "ambient"]
LOG = [name for name, step in STEPS.items() if step.coordinates == "log"]
# Without the 1 of 1 + h a step in log X feels where the origin of log X is (claim E2).
COVARIANT = [name for name in LOG if name != "PrintedAlgorithm1"]
UNIT = 2.0**-53


@dataclass(frozen=True)
class Case:
    """What a step is called with, and the transformation that a law applies.

    power  exponent of two, `factor` > 0 a change of scale or clock, `alpha` an exponent,
    angle  of a rotation, `fractions` the lengths of consecutive pieces of a step"""

    process: ref.GBM
    t: float
    dt: float
    noise: float
    x: np.ndarray
    z: np.ndarray
    h: np.ndarray
    power: int
    factor: float
    alpha: float
    angle: float
    fractions: tuple[float, ...]

    def run(self, step: ref.Step, x: Maybe = None, score: object = None, z: Maybe = None) -> Array:
        """One step, by default with the score h everywhere."""
        state, draws = self.x if x is None else x, self.z if z is None else z
        given = self.constant_score if score is None else score
        return step(self.process, given, state, self.t, self.dt, self.noise, draws)

    def constant_score(self, x: np.ndarray, t: float) -> np.ndarray:
        return self.h

    def size(self) -> np.ndarray:
        """S: 1 + |log x| + the sizes of the terms that any of the steps adds up."""
        dm, dv = self.process.increments(self.t, self.dt)
        noise = np.sqrt(dv) * (1 + self.noise) * np.abs(self.z)
        drift = abs(dm) + (1 + self.noise**2) * dv * (2 + np.abs(self.h))
        return 1 + np.abs(np.log(self.x)) + drift + noise + noise**2


@st.composite
def _tables(draw: st.DrawFn, low: float, high: float) -> np.ndarray:
    """(3, 2) numbers; a second column made from the first, since each draw takes its time."""
    first = np.array(draw(st.tuples(*(st.floats(low, high) for _ in range(3)))))
    return np.stack([first, 0.2 - 0.7 * np.roll(first, 1)], axis=-1)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    process = ref.GBM(draw(st.floats(-0.6, 0.6)), draw(st.floats(0.3, 1.2)))
    t = draw(st.floats(0.2, 0.9))
    return Case(
        process,
        t,
        t * draw(st.floats(0.02, 0.9)),
        draw(st.floats(0.1, 1.5)),
        np.exp(draw(_tables(-2.0, 2.0))),
        draw(_tables(-4.0, 4.0)),
        draw(_tables(-5.0, 3.0)),
        draw(st.integers(-40, 40)),
        draw(st.floats(0.1, 10.0)),
        draw(st.sampled_from([-1.0, 2.0, -0.5, 0.7])),
        draw(st.floats(0.1, 3.0)),
        tuple(draw(st.lists(st.floats(0.1, 1.0), min_size=2, max_size=4))),
    )


def ratio_score(x: np.ndarray, t: float) -> np.ndarray:
    """A score of the ratio of the coordinates alone: unchanged by a common scale or a sign."""
    ratio = np.abs(x / x[..., ::-1])
    return -1.4 + t * (1.0 - ratio) / (1.0 + ratio)


def scale(step: ref.Step, case: Case) -> None:
    """step(c x) = c step(x) for a score that a scale leaves alone (claim R1); c = 2^k bitwise."""
    scaled = case.run(step, np.ldexp(case.x, case.power), ratio_score)
    np.testing.assert_array_equal(scaled, np.ldexp(case.run(step, score=ratio_score), case.power))
    scaled = case.run(step, case.factor * case.x)
    np.testing.assert_allclose(scaled, case.factor * case.run(step), rtol=4 * UNIT)


def oddness(step: ref.Step, case: Case) -> None:
    """step(-x) = -step(x), bitwise: the score is read at |x| (claim E28)."""
    mirrored = case.run(step, -case.x, ratio_score)
    np.testing.assert_array_equal(mirrored, -case.run(step, score=ratio_score))


def sign(step: ref.Step, case: Case) -> None:
    """A step in log X keeps every sign at any size of noise; one in X flips with its factor."""
    z = 30 * case.z
    moved = case.run(step, z=z)
    if step.keeps_sign:
        assert (moved > 0).all()
        return
    b, c, q = ref.extract_step_polynomial(lambda x, z: case.run(step, x, z=z), case.x, degree=2)
    factor = b + c * z + q * z**2
    clear = np.abs(factor) > 1e-9
    assert (np.sign(moved) == np.sign(factor))[clear].all()


def arrangement(step: ref.Step, case: Case) -> None:
    """Rows may be reordered, taken alone or padded, coordinates exchanged, bitwise.
    A matrix times the draws is a sum that a library may order by the shape: 4 units there."""
    mixes = isinstance(step, ref.Ancestral) and isinstance(step.data_log_cov, np.ndarray)
    rtol = 4 * UNIT * case.size().max() if mixes else 0.0
    plain, rows = case.run(step, score=ratio_score), np.array([2, 0, 1])
    moved = case.run(step, case.x[rows], ratio_score, case.z[rows])
    np.testing.assert_allclose(moved, plain[rows], rtol=rtol)
    alone = case.run(step, case.x[1], ratio_score, case.z[1])
    np.testing.assert_allclose(alone, plain[1], rtol=rtol)
    more = (np.concatenate([a, 0.1 + a[:2] ** 2]) for a in (case.x, case.z))
    padded = case.run(step, next(more), ratio_score, next(more))
    np.testing.assert_allclose(padded[:3], plain, rtol=rtol)
    if not mixes:
        turned = case.run(step, case.x[:, ::-1], ratio_score, case.z[:, ::-1])
        np.testing.assert_array_equal(turned, plain[:, ::-1])


def clock(step: ref.Step, case: Case) -> None:
    """(sigma^2, mu, dt) -> (c sigma^2, c mu, dt / c) changes nothing: only m and v matter."""
    c, process = case.factor, case.process
    fast = ref.GBM(c * process.drift(0.0), np.sqrt(c) * process.sigma, process.horizon / c)
    arguments = (case.x, case.t / c, case.dt / c, case.noise, case.z)
    found = step(fast, case.constant_score, *arguments)
    moved = case.run(step)
    allowed = 8 * UNIT * case.size() * np.maximum(case.x, np.abs(moved))
    np.testing.assert_array_less(np.abs(found - moved), allowed)


def power(step: ref.Step, case: Case) -> None:
    """step(x^a) = step(x)^a, with the process and score of X^a (claim R1); a = -1 inverts.
    m -> a m, v -> a^2 v, 1 + h -> (1 + h) / a, and z changes its sign with a."""
    a, process = case.alpha, case.process
    sigma = abs(a) * process.sigma
    drift = a * (process.drift(0.0) - process.sigma**2 / 2) + sigma**2 / 2
    image = ref.GBM(drift, sigma, process.horizon)
    arguments = (case.x**a, case.t, case.dt, case.noise, np.sign(a) * case.z)
    moved = scaled_kernel(step, a**2)(image, lambda x, t: (1 + case.h) / a - 1, *arguments)
    gap = np.abs(np.log(moved) - a * np.log(case.run(step)))
    np.testing.assert_array_less(gap, 8 * UNIT * (1 + abs(a)) * case.size())


def scaled_kernel(step: ref.Step, factor: float) -> ref.Step:
    """The step for data whose log covariance is `factor` times as large."""
    return ref.Ancestral(factor * COV) if step is STEPS["Ancestral, matrix"] else step


def rotation(step: ref.Step, case: Case) -> None:
    """A rotation of log X commutes with the step and with the score, for m = 0."""
    c, s = np.cos(case.angle), np.sin(case.angle)
    turn, process = np.array([[c, -s], [s, c]]), ref.GBM(None, case.process.sigma)
    data = ref.LogNormal([0.4, -0.7], COV)
    turned = ref.LogNormal(turn @ data.log_mean, turn @ COV @ turn.T)
    other = ref.Ancestral(turned.log_cov) if step is STEPS["Ancestral, matrix"] else step
    results = []
    for kind, law, y, z in (
        (step, data, np.log(case.x), case.z),
        (other, turned, np.log(case.x) @ turn.T, case.z @ turn.T),
    ):
        score = ref.exact_score(law, process)
        results.append(kind(process, score, np.exp(y), case.t, case.dt, case.noise, z))
    np.testing.assert_allclose(np.log(results[1]), np.log(results[0]) @ turn.T, rtol=0, atol=1e-12)
