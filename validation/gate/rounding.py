"""How far float32, and a network in bfloat16, may take a sampler's path from the exact one.

A row maps an error e of log x to at most g e and adds at most `added`, both read off the path of
`gbm_ref`: b <- g b + added. With J = -(log_cov + v I)^-1 the derivative of the log score,

    steps in log X   g = |I + weight J|, the weight of `gbm_ref.LogAffineStep` (dv in eq. (13))
    steps in X       g = |I + dv J / factor|, and what is added is divided by the factor on x
    ProbabilityFlow  g = |1 + l (p + q (1 + l p)) / 2|, the gains of `gbm_ref.exact`
    DPMSolver        g as in log X, and |c| times the errors of the denoisers for each share c
    Churn            the row that adds the noise, g = 1, and that of the inner step after it

in spectral norms. What is added is K u times the sizes of the terms (K roundings of unit u = 2^-24
each), and the weight times the error of the score. That is K u times the score's own terms, and
the unit roundoff of the network's arithmetic times |h - offset|, the part of h that comes from F:
rounding F is the only thing that bfloat16 does to a sampler, whose state and score stay in
float32. The bound is of first order and a worst case: rounding that adds up at random stays far
below it.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

import gbm_ref
from gbm_fast.parameterisation import ScoreModel
from validation.gate.problem import Array, Problem, coefficients
from validation.gate.reference import Draws, Reference

ROUNDINGS = 8
_UNIT = ROUNDINGS * 2.0**-24


@dataclass(frozen=True, eq=False)
class Rounding:
    """The bound for a problem, a sampler and the model whose arithmetic it is."""

    problem: Problem
    sampler: Reference
    model: ScoreModel

    def path_bound(self, draws: Draws, path: Array) -> Array:
        """b after the last row, one a picture (n,); `path` (rows + 1, n, d) of `gbm_ref`."""
        size = 1.0 + np.abs(np.log(draws.x_T))
        bound = _UNIT * _norm(size)
        if isinstance(self.sampler.step, gbm_ref.DPMSolver):
            return self._multistep_bound(self.sampler.step, bound, path)
        for index, row in enumerate(self.sampler.grid):
            z = draws.z[index] if self.sampler.step.uses_noise else None
            growth, added = self._row(row, path[index], path[index + 1], z)
            bound = growth * bound + added
        return bound

    def _multistep_bound(self, step: gbm_ref.DPMSolver, bound: Array, path: Array) -> Array:
        process, variances = self.sampler.process, self.problem.eigen[0]
        past: list[tuple[float, Array]] = []
        for row, x in zip(self.sampler.grid, path, strict=False):
            t, v = row.t_score, process.log_var(row.t_score)
            weights = step.weights(process, t, row.dt, [time for time, _ in past])
            h, error = self._score_error(x, t)
            reach = 1.0 + np.abs(np.log(x)) + abs(process.log_mean(t))
            size = reach + abs(weights.shift) + weights.weight * (1.0 + np.abs(h))
            found = _norm(_UNIT * (reach + v * (1.0 + np.abs(h))) + v * error)
            found = found + float((variances / (variances + v)).max()) * bound
            lent = [abs(c) * (found + e) for c, (_, e) in zip(weights.shares, past, strict=False)]
            gains = 1.0 - weights.weight / (variances + v)
            bound = float(np.abs(gains).max()) * bound + sum(lent, np.zeros_like(bound))
            bound = bound + _norm(_UNIT * size + weights.weight * error)
            past = [(t, found), *past][: step.order - 1]
        return bound

    def _row(
        self, row: gbm_ref.Row, x: Array, x_s: Array, z: Array | None
    ) -> tuple[Array | float, Array]:
        step, process = self.sampler.step, self.sampler.process
        if isinstance(step, gbm_ref.Churn):
            return self._churned(step, row, x, x_s, z)
        dm, dv = process.increments(row.t_score, row.dt)
        if isinstance(step, gbm_ref.ProbabilityFlow):
            return self._flow(row, x, dm, dv)
        h, error = self._score_error(np.abs(x), row.t_score)
        variances, basis = self.problem.eigen
        spread = variances + process.log_var(row.t_score)
        size = 1.0 + np.abs(np.log(np.abs(x))) + abs(dm)
        if isinstance(step, gbm_ref.LogAffineStep):
            _, weight, root = step.coefficients(process, row.t_score, row.dt, row.noise)
            size = size + weight * (1.0 + np.abs(h)) + (0.0 if z is None else root * np.abs(z))
            gains = 1.0 - weight / spread
            return float(np.abs(gains).max()), _norm(_UNIT * size + weight * error)
        assert z is not None
        noise = row.noise * math.sqrt(dv) * np.abs(z)
        size = size + dv * (1.5 + np.abs(h)) + noise + noise**2 + dv
        factor = x_s / x
        matrix = np.eye(basis.shape[0]) - (basis * (dv / spread)) @ basis.T / factor[:, :, None]
        added = (_UNIT * size + dv * error) / np.abs(factor)
        return np.linalg.norm(matrix, 2, axis=(-2, -1)), _norm(added)

    def _churned(
        self, step: gbm_ref.Churn, row: gbm_ref.Row, x: Array, x_s: Array, z: Array | None
    ) -> tuple[Array | float, Array]:
        assert z is not None
        up = step.raised(self.sampler.process, row.t_score, row.dt)
        noise = row.noise * up.root * z
        size = _norm(_UNIT * (1.0 + np.abs(np.log(x)) + np.abs(up.shift) + np.abs(noise)))
        inner = replace(self, sampler=replace(self.sampler, step=step.step))
        above = gbm_ref.Row(up.time, up.dt, row.noise)
        growth, added = inner._row(above, x * np.exp(up.shift + noise), x_s, None)
        return growth, growth * size + added

    def _flow(self, row: gbm_ref.Row, x: Array, dm: float, dv: float) -> tuple[float, Array]:
        process = self.sampler.process
        s = max(row.t_score - row.dt, 0.0)
        s = 0.0 if s < 1e-12 * process.horizon else s
        a, b = (math.sqrt(process.log_var(t)) for t in (row.t_score, s))
        length = dv / (a + b)
        h, error = self._score_error(x, row.t_score)
        size = 1.0 + np.abs(np.log(x)) + abs(dm) + length * a * (1.0 + np.abs(h))
        variances, _ = self.problem.eigen
        p = a / (variances + a**2)
        if b == 0.0:
            return float(np.abs(1.0 - length * p).max()), _norm(_UNIT * size + length * a * error)
        predicted = x * np.exp(-length * a * (1.0 + h) - dm)
        _, end_error = self._score_error(predicted, s)
        q = b / (variances + b**2)
        both = (1.0 + length * float(q.max())) * a * _norm(error) + b * _norm(end_error)
        gains = 1.0 - length * (p + q * (1.0 - length * p)) / 2.0
        return float(np.abs(gains).max()), _norm(_UNIT * size) + length * both / 2.0

    def _score_error(self, x: Array, t: float) -> tuple[Array, Array]:
        """The exact h at positive `x` (n, d), and what rounding may do to it, elementwise."""
        process, model = self.sampler.process, self.model
        m, v = process.log_mean(t), process.log_var(t)
        h = self.problem.target.diffuse(process, t).hyvarinen_score(x)
        y = np.log(x)
        u, log_mean = y - m, model.log_mean
        offset, _ = coefficients(model.parameterisation, log_mean, model.log_std, u, v)
        width = min(float(self.problem.eigen[0][0]), model.log_std**2) + v
        reach = 1.0 + np.abs(y) + abs(m) + abs(log_mean) + np.abs(self.problem.log_mean)
        head = (1.0 + np.abs(u) + abs(math.log(v))) * (1.0 + np.abs(h) + np.abs(offset))
        from_network = _unit_of_network(model) * np.abs(h - offset)
        return h, _UNIT * (head + reach / width) + from_network


def _unit_of_network(model: ScoreModel) -> float:
    """The unit roundoff of the arithmetic that F comes in, where it is not float32."""
    return 0.0 if model.autocast is None else torch.finfo(model.autocast).eps / 2.0


def _norm(size: Array) -> Array:
    return np.linalg.norm(size, axis=-1)
