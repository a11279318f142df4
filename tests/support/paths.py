"""How rounding grows along a sampler's path: the condition scale of its relative error.

One row of a sampler maps a relative error e of the state (an error of log x) to at most g e and
adds at most its own scale S, so the scale of a path is b_0 = 1, b_{k+1} = g_k b_k + S_k. With J
the Jacobian of the log score with respect to log x, and scale(s) the condition scale of the score
(`twins.py`),

    steps in log x    g = |I + weight J|      S = 1 + |log x| + |log x_s| + |shift|
                                                  + weight scale(s) + |root| |z|
    steps in x        g = |I + slope J / F|   S = (1 + |dm| + 3/2 dv + slope scale(s)
                                                  + |noise| + |noise|^2) / |F|
    ProbabilityFlow   g = 1 + l (a |J_t| + b |J_s| (1 + l a |J_t|)) / 2,   l = dv / (a + b),
                      S = 1 + |log x| + |log x_s| + |dm| + l (a scale(s_t) + b scale(s_s)) / 2
    DPMSolver         as the steps in log x, and for each share c of an earlier denoiser
                      |c| (E + E_earlier), E = |I + v J| b + |log x| + |m| + v scale(s)
    Churn             what its noise adds, g = 1 and S = 1 + 2 |log x| + |shift| + |root| |z|, and
                      then its inner step, from the raised time and state

in spectral norms, with F the factor on x, slope = dF / dh, noise = kappa sqrt(dv) z, a =
sqrt(v_t), b = sqrt(v_s); at b = 0 the first term counts twice. Steps in log x carry log x.
All of it is computed from gbm_ref alone, sample by sample."""

import math

import numpy as np

import gbm_ref as ref
from tests.support.cases import Problem
from tests.support.twins import Array, target_scales


def jacobian(law: ref.Target, x: Array) -> Array:
    """d s_i / d log x_j of `law` at `x` (n, d), shape (n, d, d), by central differences."""
    nudge = 1e-5
    factors = np.exp(nudge * np.eye(law.d))[:, None, :]
    difference = law.log_score(x * factors) - law.log_score(x / factors)
    return np.moveaxis(difference, 0, -1) / (2 * nudge)


def steepness(law: ref.Target, x: Array) -> Array:
    return np.linalg.norm(jacobian(law, x), 2, axis=(-2, -1))


def score_scale(law: ref.Target, x: Array) -> Array:
    """The condition scale of the score of `law` at `x` (n, d), shape (n,)."""
    return target_scales(law, x)[0][:, 0]


def _flow(problem: Problem, row: ref.Row, x: Array, x_s: Array) -> tuple[Array, Array]:
    s = max(row.t_score - row.dt, 0.0)
    dm, dv = problem.process.increments(row.t_score, row.dt)
    a, b = (math.sqrt(problem.process.log_var(t)) for t in (row.t_score, s))
    length = dv / (a + b)
    law = problem.target.diffuse(problem.process, row.t_score)
    first, scale_t = length * a * steepness(law, x), length * a * score_scale(law, x)
    if b < 1e-6 * a:
        return 1 + first, 1 + abs(dm) + scale_t
    law = problem.target.diffuse(problem.process, s)
    second, scale_s = length * b * steepness(law, x_s), length * b * score_scale(law, x_s)
    growth = 1 + (first + second * (1 + first)) / 2
    return growth, 1 + abs(dm) + (scale_t + scale_s) / 2


def _in_x(
    step: ref.AmbientStep, problem: Problem, row: ref.Row, x: Array, x_s: Array, z: Array
) -> tuple[Array, Array]:
    dm, dv = problem.process.increments(row.t_score, row.dt)
    law, two = problem.target.diffuse(problem.process, row.t_score), np.array([0.0, 1.0])
    still, at_one = step._factor(dm, dv, two, row.noise, np.zeros(2))
    slope, factor = float(at_one - still), x_s / x
    noise = row.noise * math.sqrt(dv) * np.linalg.norm(z, axis=-1)
    size = 1 + abs(dm) + 1.5 * dv + slope * score_scale(law, np.abs(x)) + noise + noise**2
    matrix = slope * jacobian(law, np.abs(x)) / factor[..., None]
    growth = np.linalg.norm(np.eye(x.shape[-1]) + matrix, 2, axis=(-2, -1))
    return growth, size / np.abs(factor).min(-1)


def row_scales(
    step: ref.Step, problem: Problem, row: ref.Row, x: Array, x_s: Array, z: Array
) -> tuple[Array, Array]:
    """(g, S) of one row for each sample, from its states before and after, all (n, d)."""
    if isinstance(step, ref.AmbientStep):
        return _in_x(step, problem, row, x, x_s, z)
    if isinstance(step, ref.Churn):
        up = step.raised(problem.process, row.t_score, row.dt)
        noise, above = row.noise * up.root * z, ref.Row(up.time, up.dt, row.noise)
        raised = x * np.exp(up.shift + noise)
        growth, added = row_scales(step.step, problem, above, raised, x_s, z)
        first = 1 + 2 * np.linalg.norm(np.log(x), axis=-1) + abs(up.shift)
        return growth, growth * (first + np.linalg.norm(noise, axis=-1)) + added
    if isinstance(step, ref.DPMSolver):
        step = ref.DDIM()  # by itself
    carried = np.linalg.norm(np.log(x), axis=-1) + np.linalg.norm(np.log(x_s), axis=-1)
    if isinstance(step, ref.ProbabilityFlow):
        growth, added = _flow(problem, row, x, x_s)
        return growth, added + carried
    assert isinstance(step, ref.LogAffineStep)
    law = problem.target.diffuse(problem.process, row.t_score)
    shift, weight, root = step.coefficients(problem.process, row.t_score, row.dt, row.noise)
    reach = np.linalg.norm(np.atleast_2d(root), 2) * np.linalg.norm(z, axis=-1)
    size = 1 + carried + abs(shift) + weight * score_scale(law, x) + reach
    matrix = np.eye(x.shape[-1]) + weight * jacobian(law, x)
    return np.linalg.norm(matrix, 2, axis=(-2, -1)), size


def _multistep_scales(
    step: ref.DPMSolver, problem: Problem, grid: tuple[ref.Row, ...], path: Array
) -> Array:
    scales, past = [np.ones(path.shape[1])], []
    for k, row in enumerate(grid):
        process, t = problem.process, row.t_score
        law, sizes = problem.target.diffuse(process, t), np.linalg.norm(np.log(path), axis=-1)
        matrix, of_score = jacobian(law, path[k]), score_scale(law, path[k])
        weights = step.weights(process, t, row.dt, [time for time, _ in past])
        grown = [
            np.linalg.norm(np.eye(path.shape[-1]) + weight * matrix, 2, axis=(-2, -1))
            for weight in (weights.weight, process.log_var(t))
        ]
        added = 1 + sizes[k] + sizes[k + 1] + abs(weights.shift) + weights.weight * of_score
        error = grown[1] * scales[-1] + sizes[k] + abs(process.log_mean(t))
        error = error + process.log_var(t) * of_score
        pairs = zip(weights.shares, past, strict=False)
        lent = sum(abs(share) * (error + earlier) for share, (_, earlier) in pairs)
        scales.append(grown[0] * scales[-1] + added + lent)
        past = [(t, error), *past][: step.order - 1]
    return np.stack(scales)[..., None]


def path_scales(
    step: ref.Step, problem: Problem, grid: tuple[ref.Row, ...], path: Array, z: Array
) -> Array:
    """b_k along `path` (rows + 1, n, d) with draws z (rows, n, d): shape (rows + 1, n, 1)."""
    if isinstance(step, ref.DPMSolver):
        return _multistep_scales(step, problem, grid, path)
    scales = [np.ones(path.shape[1])]
    for k, row in enumerate(grid):
        growth, added = row_scales(step, problem, row, path[k], path[k + 1], z[k])
        scales.append(growth * scales[-1] + added)
    return np.stack(scales)[..., None]
