"""A finite data set and its diffusions: equal isotropic log-normals round given points (torch).

With points x_n, n = 1..N, and log-variance V round each (claim R3)

    s = 1 + h = (sum_n r_n log x_n - log x) / V,    r = softmax(-|log x - log x_n|^2 / (2 V)),

which is the score that the ideal denoiser of a finite data set has; V = 0 is the data set itself.

Cost. States are taken in chunks of (rows, N) distances, at most 2^24 of them at a time, so memory
does not grow with the batch. A state in float64 is compared with every point by differences. A
state in float32 is compared by a matrix product in float64,

    |y - y_n|^2 = |y|^2 - 2 y . y_n + |y_n|^2        (log x and log x_n less the mean of log x_n)

whose cancellation costs 2^-53 (|y|^2 + |y_n|^2) / V in an exponent, below the rounding of float32
for V above 2^-29 (|y|^2 + |y_n|^2). A product in float32 would cost 2^-24 (|y|^2 + |y_n|^2) / V:
tenths, for images of 784 pixels at sqrt(V) = 0.005. Where the device has no float64, differences
serve as well. Logarithms of the points are taken once for a data set, for all its diffusions.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from gbm_fast.checks import (
    RandomState,
    generator,
    has_values,
    real_number,
    require_positive,
    whole_number,
)
from gbm_fast.process import Process, Time
from gbm_fast.process.times import float64
from gbm_fast.shapes import exact_arithmetic, lasting, owned, times_exp
from gbm_fast.targets.base import (
    Target,
    floating,
    normal_cdf,
    schedule_at,
    standard_normal,
)
from gbm_fast.targets.quantiles import Coordinates, mean_and_var, mixture_quantile, staircase
from gbm_fast.targets.quantiles import coordinates as indices

LARGEST_CHUNK = 2**24


class _DataSet:
    """The points (N, d), and what is computed from them once."""

    def __init__(self, points: Tensor) -> None:
        self.points = points
        self.by_differences = points.dtype == torch.float64 or points.device.type == "mps"
        # Kept by hand: Python 3.11's cached_property takes a lock, which does not compile.
        self._logs: Tensor | None = None
        self._gaps: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def logs(self) -> Tensor:
        """log points in the precision of the distances."""
        if self._logs is not None:
            return self._logs
        with lasting():
            logs = (self.points if self.by_differences else self.points.double()).log()
        if not self.points.requires_grad:  # else it is made anew, in the graph of each call
            self._logs = logs
        return logs

    @property
    def _centred(self) -> tuple[Tensor, Tensor, Tensor]:
        """The mean of the logs (d,), the logs less their mean (N, d), and half squares (N,)."""
        if self._gaps is not None:
            return self._gaps
        with lasting():
            centre = self.logs.mean(0)
            gaps = self.logs - centre
            found = centre, gaps, gaps.square().sum(-1) / 2
        if not self.points.requires_grad:
            self._gaps = found
        return found

    def half_squares(self, rows: Tensor) -> Tensor:
        """|row - log point_n|^2 / 2 for rows (n, d) of log-space states, shape (n, N)."""
        if self.by_differences:
            # The matrix-product form of cdist loses the digits of small distances.
            mode = "donot_use_mm_for_euclid_dist"
            with exact_arithmetic(rows):
                return torch.cdist(rows, self.logs, compute_mode=mode).square() / 2
        centre, gaps, halves = self._centred
        residual = rows - centre
        own = residual.square().sum(-1, keepdim=True) / 2
        with exact_arithmetic(rows):
            return (own - residual @ gaps.mT + halves).clamp(min=0)


class PointMasses(Target):
    """log X ~ (1 / N) sum_n N(log points_n, log_var I): claim R3.

    points (N, d) positive, of which a copy is kept; log_var >= 0. With log_var = 0 there is no
    density: logpdf and the scores raise ValueError until the law is diffused. Raises ValueError
    for bad points or a negative log_var.
    """

    def __init__(self, points: Tensor, log_var: float = 0.0) -> None:
        points = floating(points, "points")
        if points.ndim != 2 or points.numel() == 0:
            raise ValueError(f"points must have shape (n, d), got {tuple(points.shape)}.")
        require_positive(points, "points")
        spread = real_number(log_var, "log_var")
        if not 0 <= spread < math.inf:
            raise ValueError(f"log_var must be finite and not negative, got {log_var!r}.")
        self._data = _DataSet(owned(points))
        # m and V as tensors, so that a time on a device or in a compiled function stays there.
        with lasting():
            self._m, self._v = float64(0.0), float64(spread)

    @property
    def log_var(self) -> float:
        """V, the log-variance round each point."""
        return float(self._v)

    @property
    def points(self) -> Tensor:
        """The points (N, d), moved by exp(m) when the law was diffused."""
        return times_exp(self._data.points, self._m)

    @property
    def d(self) -> int:
        """The dimension."""
        return self._data.points.shape[1]

    def responsibilities(self, x: Tensor) -> Tensor:
        """r, the probability of each point given a draw x: (..., N)."""
        rows = self._centred(self._log(x))
        shares = [torch.softmax(e, dim=-1) for _, e in self._chunks(rows)]
        return torch.cat(shares).to(x.dtype).reshape(*x.shape[:-1], len(self._data.points))

    def logpdf(self, x: Tensor) -> Tensor:
        """log p(x), shape (...)."""
        rows = self._centred(self._log(x))
        logs = torch.cat([torch.logsumexp(e, dim=-1) for _, e in self._chunks(rows)])
        count = self._data.points.shape[0]
        constant = math.log(count) + self.d / 2 * (2 * math.pi * self._v).log()
        density = logs - constant - (rows + self._m).sum(-1)
        return density.to(x.dtype).reshape(x.shape[:-1])

    def log_score_at(self, y: Tensor) -> Tensor:
        """s = (sum_n r_n log x_n - y) / log_var at log x = y, shape (..., d)."""
        rows = self._centred(y)
        means = [torch.softmax(e, dim=-1) @ self._data.logs - r for r, e in self._chunks(rows)]
        return (torch.cat(means) / self._v).to(y.dtype).reshape(y.shape)

    def log_score_divergence(self, x: Tensor) -> Tensor:
        """tr grad_y s = (sum_n r_n |log x_n - mean|^2 / log_var - d) / log_var, shape (...).

        With mean = sum_n r_n log x_n, the sum of squares about it is taken from that about log x.
        """
        traces = []
        for rows, exponents in self._chunks(self._centred(self._log(x))):
            shares = torch.softmax(exponents, dim=-1)
            about_x = -2 * (shares * exponents).sum(-1)
            shift = (shares @ self._data.logs - rows).square().sum(-1) / self._v
            traces.append((about_x - shift - self.d) / self._v)
        return torch.cat(traces).to(x.dtype).reshape(x.shape[:-1])

    def cdf(self, x: Tensor) -> Tensor:
        """P(X <= x), shape (...), d = 1 only; a staircase where log_var = 0."""
        self._require_line()
        std = self._v.sqrt().to(self._data.points)
        return normal_cdf(self._log(x) - self.points[:, 0].log(), std).mean(-1)

    def mean(self) -> Tensor:
        """The mean of the points times exp(log_var / 2), (d,)."""
        return mean_and_var(*self._parts())[0]

    def var(self) -> Tensor:
        """Var[X_i], (d,)."""
        return mean_and_var(*self._parts())[1]

    def ppf(self, q: Tensor | float) -> Tensor:
        """The smallest x with P(X <= x) >= q, d = 1 only: q (...) to (..., 1)."""
        self._require_line("ppf")
        if self.log_var == 0:
            return staircase(q, self.points.detach())
        weights, means, variances = (part.detach().double() for part in self._parts())
        line, std = means[:, 0], variances[0, 0].sqrt()

        def cdf(y: Tensor) -> Tensor:
            return normal_cdf(y[..., None] - line, std).mean(-1)

        found = mixture_quantile(q, weights, line, std.expand(len(line)), cdf).exp()
        return found[..., None].to(self.points)

    def marginal(self, coordinates: Coordinates) -> "PointMasses":
        """The law of some coordinates: one index, or several in the order that is wanted."""
        return PointMasses(self.points[:, indices(coordinates, self.d)], self.log_var)

    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (n,), and means and variances of the coordinates of log X, (n, d)."""
        logs = self.points.log()
        spread = self._v.to(logs).expand(logs.shape)
        return logs.new_full((len(logs),), 1 / len(logs)), logs, spread

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """Draws (size, d): a point at random, times its log-normal noise."""
        points, source = self._data.points, generator(random_state)
        count = whole_number(size, "size", 1)
        chosen = torch.randint(points.shape[0], (count,), generator=source, device=source.device)
        z = standard_normal(count, source, points)
        exponent = (self._m + self._v.sqrt() * z).to(points)
        return times_exp(points[chosen.to(points.device)], exponent)

    def diffuse(self, process: Process, t: Time) -> "PointMasses":
        """The points times exp(m(t)), with log_var + v(t) round each."""
        law = object.__new__(PointMasses)
        law._data = self._data
        m, v = schedule_at(process, t, self.d)
        if v.ndim == 1:
            raise ValueError(
                "the blur of PointMasses is the same in every coordinate, that of this process is "
                "not: take LogNormalMixture(weights, points.log(), zeros) for the data set."
            )
        with lasting():
            law._m, law._v = self._m + m, self._v + v
        return law

    def _centred(self, y: Tensor) -> Tensor:
        """y - m for y = log x (..., d), as rows (n, d) in the precision of the distances."""
        if has_values(self._v) and self.log_var == 0:
            raise ValueError("a finite set of points has no density: diffuse first.")
        return self._rows(y).to(self._data.logs.dtype) - self._m

    def _chunks(self, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Chunks of rows, with -|row - log x_n|^2 / (2 log_var) of shape (n, N)."""
        length = max(1, LARGEST_CHUNK // self._data.points.shape[0])
        for chunk in rows.split(length):
            yield chunk, -self._data.half_squares(chunk) / self._v
