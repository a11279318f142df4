"""Calls of `gbm_ref.process`, `grids`, `steps`, `simulate`, `exact`, `closed_forms`, `probe`,
`sign_agnostic_law`, `flips` and `mirror`."""

from collections.abc import Callable

import numpy as np

import gbm_ref as ref
from validation.pins import shared
from validation.pins.shared import Adapter, Values, pair, square, symmetric


def _constant(at: Values) -> ref.GBM:
    """mu is left to its default where the point has none."""
    return ref.GBM(mu=at.get("mu"), sigma=at["sigma"], horizon=at["T"])


def _polynomial(at: Values) -> ref.TimeVaryingGBM:
    """mu(t) = b0 + b1 t + b2 t^2 and sigma(t) = c0 + c1 t."""
    return ref.TimeVaryingGBM(
        mu=lambda t: at["b0"] + at["b1"] * t + at["b2"] * t**2,
        sigma=lambda t: at["c0"] + at["c1"] * t,
        horizon=at["T"],
    )


def _piecewise(at: Values) -> ref.PiecewiseGBM:
    """Three equal intervals."""
    sigma, mu = ([at[f"{letter}{i}"] for i in range(3)] for letter in "su")
    return ref.PiecewiseGBM(sigma, mu, at["T"])


def _at_time(process: Callable) -> Adapter:
    return lambda f, at: f(process(at), at["t"])


def _methods(name: str, process: Callable) -> dict[str, Adapter]:
    return {
        **{f"{name}.{rate}": _at_time(process) for rate in ("drift", "diffusion")},
        **{f"{name}.{moment}": _at_time(process) for moment in ("log_mean", "log_var")},
        f"{name}.increments": lambda f, at: f(process(at), at["t"], at["dt"]),
        f"{name}.time_at_log_var": lambda f, at: f(process(at), at["v"]),
        f"{name}.sample": lambda f, at: f(process(at), pair(at), at["t"], pair(at, "z")),
    }


_CALLS: dict[str, Adapter] = {
    **_methods("GBM", _constant),
    "GBM.drift[mu not given]": _at_time(_constant),
    **_methods("TimeVaryingGBM", _polynomial),
    **_methods("VarianceExploding", shared.exploding),
    **_methods("PiecewiseGBM", _piecewise),
}
_BY_VECTORS = {
    *(f"VarianceExploding.{name}" for name in ("diffusion", "log_var", "time_at_log_var")),
    *(f"PiecewiseGBM.{name}" for name in ("log_mean", "log_var", "increments")),
}
PROCESSES = {name: call for name, call in _CALLS.items() if name not in _BY_VECTORS}


def _annealed(f: Callable, at: Values) -> object:
    """From a level below the top one."""
    steps, inner, start = int(at["N"]), int(at["L"]), int(at["start"])
    return f(steps, at["T"], at["step"], inner, at["chi"], start)


def _denoised(f: Callable, at: Values) -> object:
    extra = int(at["extra"])
    return f(int(at["N"]), at["T"], at["step"], chi=at["chi"], denoise_steps=extra)


def _power(f: Callable, at: Values) -> object:
    process, n = shared.process(at, at["T"]), int(at["n"])
    return f(process, n, at["rho"], std_min=at["low"], std_max=at["high"])


GRIDS: dict[str, Adapter] = {
    "uniform": lambda f, at: f(int(at["N"]), at["T"]),
    "annealed": _annealed,
    "annealed[terminal denoising]": _denoised,
    "printed": lambda f, at: f(int(at["N"]), at["T"], at["step"], at["chi"]),
    "geometric": lambda f, at: f(shared.process(at, at["T"]), int(at["n"]), at["low"], at["high"]),
    "power": _power,
}

Score = Callable[[np.ndarray, float], np.ndarray]


def _affine_score(at: Values) -> Score:
    """h_i = a_i + b_i1 log|x1| + b_i2 log|x2| + c t."""
    shift, matrix = np.array(pair(at, "a")), shared.square(at, "b")
    return lambda x, t: shift + matrix @ np.log(np.abs(x)) + at["c"] * t


MakeStep = Callable[[Values], ref.Step]


def _step(make: MakeStep, process: Callable = shared.process) -> Adapter:
    """In the plane."""

    def call(f: Callable, at: Values) -> object:
        arguments = process(at), _affine_score(at), pair(at), at["t"], at["dt"], at["kappa"]
        return f(make(at), *arguments, pair(at, "z"))

    return call


def _flow(f: Callable, at: Values) -> object:
    process, score = shared.process(at), _affine_score(at)
    return f(ref.ProbabilityFlow(), process, score, pair(at), at["t"], at["dt"], 1.0, None)


def _weights(f: Callable, at: Values) -> object:
    process = shared.process(at)
    found = f(ref.DPMSolver(3), process, at["t"], at["dt"], [at["t1"], at["t2"]])
    return [found.shift, found.weight, *found.shares]


def _raised(f: Callable, at: Values) -> object:
    return list(f(ref.Churn(ref.DDIM(), at["gamma"]), shared.process(at), at["t"], at["dt"]))


def _coefficients(make: MakeStep) -> Adapter:
    return lambda f, at: list(f(make(at), shared.process(at), at["t"], at["dt"], at["kappa"]))


def _growing(at: Values) -> ref.VarianceExploding:
    return ref.VarianceExploding(at["std_min"], at["std_max"])


def _simulation(at: Values) -> tuple:
    grid = tuple(ref.Row(at[f"t{row}"], at[f"dt{row}"], at[f"kappa{row}"]) for row in "AB")
    draws = [[at[f"z1{row}"], at[f"z2{row}"]] for row in "AB"]
    return ref.DaleLangevin(), shared.process(at), _affine_score(at), pair(at), grid, draws


LOG_STEPS: dict[str, MakeStep] = {
    "MarginalPreserving": lambda at: ref.MarginalPreserving(at["lam"]),
    "Corrector": lambda at: ref.Corrector(),
    "PrintedAlgorithm1": lambda at: ref.PrintedAlgorithm1(),
    "Ancestral": lambda at: ref.Ancestral(at["v0"]),
    "DDIM": lambda at: ref.DDIM(),
    "DaleLangevin": lambda at: ref.DaleLangevin(),
}
STEPS: dict[str, Adapter] = {
    **{f"{name}.coefficients": _coefficients(step) for name, step in LOG_STEPS.items()},
    "PrintedAlgorithm1.__call__": _step(LOG_STEPS["PrintedAlgorithm1"]),
    "DaleLangevin.__call__[sigma that varies]": _step(LOG_STEPS["DaleLangevin"], _growing),
    "SignAgnostic.__call__[negative state]": _step(lambda at: ref.SignAgnostic()),
    "SignAgnostic.__call__[sigma that varies]": _step(lambda at: ref.SignAgnostic(), _growing),
    "ProbabilityFlow.__call__[last step]": _flow,
    "DPMSolver.__call__": _step(lambda at: ref.DPMSolver(3)),
    "DPMSolver.weights": _weights,
    "Churn.raised": _raised,
    "simulate": lambda f, at: f(*_simulation(at)),
    "simulate[path]": lambda f, at: f(*_simulation(at), return_path=True)[1],
}


def _exact_chain(f: Callable, at: Values) -> object:
    grid = ref.annealed(int(at["N"]), at["T"], at["length"], int(at["L"]), at["chi"])
    process, start = shared.process(at, at["T"]), shared.normal(at)
    return shared.flat(f(ref.DaleLangevin(), shared.on_line(at), process, grid, start))


def _exact_chain_in_plane(f: Callable, at: Values) -> object:
    process, grid = shared.process(at, at["T"]), ref.uniform(int(at["N"]), at["T"])
    start = shared.normal_in_plane(at, "M", "B")
    return shared.flat(f(ref.DaleLangevin(), shared.in_plane(at), process, grid, start))


def _exact_flow(f: Callable, at: Values) -> object:
    process, grid = shared.process(at, at["T"]), ref.uniform(int(at["N"]), at["T"])
    start = shared.normal(at)
    return shared.flat(f(ref.ProbabilityFlow(), shared.on_line(at), process, grid, start))


def _exact_multistep(f: Callable, at: Values) -> object:
    process, grid = shared.process(at, at["T"]), ref.uniform(int(at["N"]), at["T"])
    step, start = ref.DPMSolver(int(at["order"])), shared.normal(at)
    return shared.flat(f(step, shared.on_line(at), process, grid, start))


def _exact_churn(f: Callable, at: Values) -> object:
    process, grid = shared.process(at, at["T"]), ref.uniform(int(at["N"]), at["T"])
    step = ref.Churn(ref.ProbabilityFlow() if at["heun"] else ref.DDIM(), at["gamma"])
    return shared.flat(f(step, shared.on_line(at), process, grid, shared.normal(at)))


def _equal_steps(f: Callable, at: Values) -> object:
    process = shared.process(at, at["T"])
    return shared.flat(f(shared.on_line(at), process, int(at["N"]), shared.normal(at)))


def _inner_loop(f: Callable, at: Values) -> object:
    row = ref.Row(at["t"], at["dt"], at["kappa"])
    law = f(shared.on_line(at), shared.process(at), row, int(at["L"]), shared.normal(at))
    return shared.flat(law)


def _annealed_limit(f: Callable, at: Values) -> object:
    """(mean, variance) in the limit of many levels, m = 0."""
    process = ref.GBM(None, at["sigma"], at["T"])
    return shared.flat(f(shared.on_line(at), process, shared.normal(at), at["rho"], at["c"]))


def _log_moments(f: Callable, at: Values) -> object:
    """(mean, variance) of log |X_0| from an exact start, constant noise factor."""
    target, process = shared.on_line(at), shared.process(at, at["T"])
    end = target.diffuse(process, process.horizon)
    rows = ref.uniform(int(at["N"]), at["T"])
    grid = tuple(row._replace(noise=at["kappa"]) for row in rows)
    result = f(target, process, grid, ref.Gaussian(end.log_mean, end.log_cov))
    return [result.mean, result.var]


def _moments_of_a_step(f: Callable, at: Values) -> object:
    """(E X, E X^2) after one row from log X ~ N(M, V)."""
    grid = (ref.Row(at["t"], at["dt"], at["kappa"]),)
    given = shared.on_line(at), shared.process(at), grid, shared.normal(at)
    return [f(np.exp, *given, signed=True).value, f(lambda y: np.exp(2.0 * y), *given).value]


LAWS: dict[str, Adapter] = {
    "exact_law[dale-langevin-1d]": _exact_chain,
    "exact_law[dale-langevin-2d]": _exact_chain_in_plane,
    "exact_law[dpm-solver]": _exact_multistep,
    "exact_law[churn]": _exact_churn,
    "exact_law[probability-flow]": _exact_flow,
    "ancestral_law": _equal_steps,
    "annealed_limit_law": _annealed_limit,
    "sign_agnostic_moments": _log_moments,
    "sign_agnostic_average": _moments_of_a_step,
}


def _truth(at: Values) -> ref.AffineMap:
    noise = np.stack([square(at, "b"), square(at, "d")])
    return ref.AffineMap(np.array(pair(at, "c")), square(at, "a"), noise)


def _sampler(at: Values) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    truth = _truth(at)

    def run(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        noise = np.einsum("kij,knj->ni", truth.noise, z)
        return np.exp(truth.offset + np.log(x) @ truth.state.T + noise)

    return run


def _start(at: Values) -> ref.Gaussian:
    return shared.normal_in_plane(at, "M", "S")


def _extracted(f: Callable, at: Values) -> object:
    """Offset, state and noise of a sampler with two steps in the plane."""
    return np.concatenate([np.ravel(part) for part in f(_sampler(at), 2, 2)])


def _asserted_law(f: Callable, at: Values) -> object:
    """(two means, four covariances) of a sampler whose law is the stated one."""
    return shared.flat(f(_sampler(at), _start(at), _truth(at).law(_start(at)), 2))


def _ratio(at: Values) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda x, z: x * (at["b"] + at["c"] * z + at["q"] * z**2)


def _sign_agnostic(f: Callable, at: Values) -> object:
    """b and c of a step with a constant score."""

    def step(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        score = np.full_like(x, at["h"])
        process = shared.process(at)
        return ref.SignAgnostic()(process, lambda x, t: score, x, 0.7, at["dt"], 1.0, z)

    return f(step, np.array([[1.0]]))


def _asserted_polynomial(f: Callable, at: Values) -> object:
    """b, c and q of a step that has the stated ones."""
    stated = np.array([at["b"], at["c"], at["q"]]).reshape(3, 1, 1)
    return f(_ratio(at), np.array([[1.0]]), stated)


PROBE: dict[str, Adapter] = {
    "extract_affine_map": _extracted,
    "AffineMap.law": lambda f, at: shared.flat(f(_truth(at), _start(at))),
    "assert_law": _asserted_law,
    "extract_step_polynomial": lambda f, at: f(_ratio(at), np.array([[1.0]]), 2),
    "extract_step_polynomial[eq. 12]": _sign_agnostic,
    "assert_step": _asserted_polynomial,
}


def _law_on_line(f: Callable, at: Values) -> object:
    """(mean, variance) of f(log_mean, log_cov, delta, num_steps, start), one coordinate."""
    start = ref.Gaussian([at["b"]], [[at["V"]]])
    law = f([at["a"]], at["lam"], at["delta"], int(at["n"]), start)
    return [law.mean[0], law.cov[0, 0]]


def _law_in_plane(f: Callable, at: Values) -> object:
    """(mean1, mean2, cov11, cov12, cov22) of the same for two coordinates."""
    start = ref.Gaussian(pair(at, "m"), symmetric(at, "V"))
    law = f(pair(at, "a"), symmetric(at, "S"), at["delta"], int(at["n"]), start)
    return [*law.mean, law.cov[0, 0], law.cov[0, 1], law.cov[1, 1]]


def _of_potential(f: Callable, at: Values) -> object:
    return f(np.array(pair(at, "w")))


MIRROR: dict[str, Adapter] = {
    "mirrored_langevin_law[one coordinate]": _law_on_line,
    "mirrored_langevin_law[full covariance]": _law_in_plane,
    "bregman[entropy, opposite signs]": lambda f, at: f(ref.ENTROPY, [-at["a"]], [at["b"]]),
    "EUCLIDEAN.value": _of_potential,
    "EUCLIDEAN.gradient": _of_potential,
    "ENTROPY.value": _of_potential,
    "ENTROPY.gradient": _of_potential,
}
ADAPTERS = PROCESSES | GRIDS | STEPS | LAWS | PROBE | MIRROR
