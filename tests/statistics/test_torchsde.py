"""torchsde integrates the same equations on the same noise: paths agree to rounding. SignAgnostic
and AmbientMilstein are Euler's and Milstein's schemes for the reverse equation in X, DaleLangevin
Euler's in log X, and MarginalPreserving(0) Euler's for the probability flow in log X."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.polynomial.hermite_e import hermegauss

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics import witness as equations
from tests.statistics.witness import Equation, Given, forward, forward_stratonovich, integrate
from tests.support.problems import TARGETS, draws, states
from tests.support.twins import tensor, twin_process, twin_target

PROCESS = ref.GBM(mu=0.13, sigma=0.7, horizon=1.0)
TWIN = gbm.GBM(0.13, 0.7, 1.0)
ROWS, PATHS = 32, 12
# Some hundred roundings a row, none of which grows: the maps contract towards the data.
TOLERANCE = 1e-12

# Name of the step -> its arguments, the equation and the scheme.
STEPS: dict[str, tuple[tuple[float, ...], Callable[..., Equation], str]] = {
    "SignAgnostic": ((), equations.reverse, "euler"),
    "AmbientMilstein": ((), equations.reverse, "milstein"),
    "DaleLangevin": ((), equations.reverse_log, "euler"),
    "MarginalPreserving": ((0.0,), equations.flow, "euler"),
}


def paths(name: str, law: str, equation: Equation | None = None) -> list[np.ndarray]:
    """x along the path by torchsde, gbm_fast and gbm_ref, each (ROWS + 1, PATHS, d)."""
    target = TARGETS[law]
    x, z = states(target.d, PATHS, spread=0.8), draws(ROWS, PATHS, target.d)
    arguments, make, method = STEPS[name]
    step, oracle = (getattr(library, name)(*arguments) for library in (gbm, ref))
    score = gbm.exact_score(twin_target(target), twin_process(PROCESS))
    equation = make(TWIN, score) if equation is None else equation
    in_log = make in (equations.reverse_log, equations.flow)
    y = tensor(np.log(x) if in_log else x)
    witness = integrate(equation, y, Given(tensor(z), 1.0 / ROWS), ROWS, method)
    run = step, TWIN, score, tensor(x), gbm.uniform(ROWS), tensor(z)
    _, ours = gbm.simulate(*run, return_path=True)
    run = oracle, PROCESS, ref.exact_score(target, PROCESS), x, ref.uniform(ROWS), z
    _, theirs = ref.simulate(*run, return_path=True)
    return [(witness.exp() if in_log else witness).numpy(), ours.numpy(), theirs]


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """The largest relative difference; NaN is infinite."""
    return float(np.nan_to_num(np.abs(a / b - 1.0), nan=np.inf).max())


@pytest.mark.parametrize("law", ["log-normal-2d", "mixture-2d", "points-1d"])
@pytest.mark.parametrize("name", STEPS)
def test_the_steps_are_the_schemes_of_torchsde(name: str, law: str) -> None:
    witness, ours, theirs = paths(name, law)
    assert gap(ours, witness) <= TOLERANCE
    assert gap(theirs, witness) <= TOLERANCE


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("SignAgnostic", lambda score: equations.reverse(TWIN, score, divergence=1.0)),
        ("SignAgnostic", lambda score: equations.reverse(TWIN, score, divergence=1.5)),
        ("DaleLangevin", lambda score: equations.reverse_log(TWIN, score, ito=2.0)),
        ("DaleLangevin", lambda score: equations.reverse_log(TWIN, score, ito=1.0)),
    ],
    ids=["divergence once", "drift of log X", "drift of X", "Ito term twice"],
)
def test_another_equation_is_refused(name: str, wrong: Callable[..., Equation]) -> None:
    score = gbm.exact_score(twin_target(TARGETS["mixture-2d"]), TWIN)
    witness, ours, theirs = paths(name, "mixture-2d", wrong(score))
    assert gap(ours, witness) > 1e9 * TOLERANCE
    assert gap(theirs, witness) > 1e9 * TOLERANCE


def one_step(method: str, equation: Equation, dt: float, z: np.ndarray) -> np.ndarray:
    """X_dt / X_0 of one step of torchsde at each z (n,)."""
    start = torch.full((z.size, 1), 1.3, dtype=torch.float64)
    path = integrate(equation, start, Given(tensor(z)[None, :, None], dt), 1, method, end=dt)
    return path[-1, :, 0].numpy() / 1.3


NODES, WEIGHTS = hermegauss(40)
WEIGHTS = WEIGHTS / math.sqrt(2.0 * math.pi)


def strong_error(method: str, equation: Equation, steps: int) -> float:
    """E (X_1 - numerical X_1)^2 / X_0^2 of torchsde's own scheme, exactly: with independent
    factors B(z), A(z) of the steps, E[B^2]^N - 2 E[A B]^N + E[A^2]^N by Gauss-Hermite sums."""
    dt = 1.0 / steps
    a = one_step(method, equation, dt, NODES)
    b = np.exp((TWIN.mu - TWIN.sigma**2 / 2) * dt + TWIN.sigma * math.sqrt(dt) * NODES)
    b_b, a_b, a_a = (float(WEIGHTS @ product) for product in (b * b, a * b, a * a))
    return b_b**steps - 2.0 * a_b**steps + a_a**steps


def closed_form(steps: int, milstein: bool, mu: float = 0.13, s2: float = 0.49) -> float:
    """The same in closed form; Milstein's scheme adds sigma^4 dt^2 / 2 to both brackets."""
    dt = 1.0 / steps
    more = s2**2 * dt**2 / 2 if milstein else 0.0
    cross = math.exp(mu * dt) * (1 + (mu + s2) * dt + more)
    square = (1 + mu * dt) ** 2 + s2 * dt + more
    return math.exp(2 * mu + s2) - 2 * cross**steps + square**steps


@pytest.mark.parametrize("steps", [2, 4, 8, 16, 32, 64])
def test_the_strong_error_of_torchsde_is_the_closed_form(steps: int) -> None:
    """To the rounding of three powers that cancel; Euler's is not Milstein's."""
    rounding = 1e-14 * steps
    euler = strong_error("euler", forward(TWIN), steps)
    milstein = strong_error("milstein", forward(TWIN), steps)
    stratonovich = strong_error("milstein", forward_stratonovich(TWIN), steps)
    assert abs(euler - closed_form(steps, milstein=False)) <= rounding
    assert abs(milstein - closed_form(steps, milstein=True)) <= rounding
    assert abs(stratonovich - closed_form(steps, milstein=True)) <= rounding
    assert abs(euler - closed_form(steps, milstein=True)) > 1e6 * rounding
    # The equation of one calculus in the other's solver has not this error.
    mixed = Equation(forward_stratonovich(TWIN).f, forward(TWIN).g)
    assert abs(strong_error("euler", mixed, steps) - euler) > 1e6 * rounding


def test_the_orders_are_those_that_torchsde_states() -> None:
    """Root mean squares fall as dt^(1/2) and dt; slopes at N = 512 to 1024 in closed form."""
    for milstein, order in ((False, 0.5), (True, 1.0)):
        errors = [closed_form(n, milstein) for n in (512, 1024)]
        assert math.log2(errors[0] / errors[1]) / 2 == pytest.approx(order, abs=0.01)
