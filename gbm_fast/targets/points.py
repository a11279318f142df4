"""A finite data set and its diffusions: equal isotropic log-normals round given points (torch).

With points x_n, n = 1..N, and log-variance V round each (sheet R3)

    s = 1 + h = (sum_n r_n log x_n - log x) / V,    r = softmax(-|log x - log x_n|^2 / (2 V)),

which is the score that the ideal denoiser of a finite data set has; V = 0 is the data set itself.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.process import Process, Time
from gbm_fast.targets.base import Target, floating, normal_cdf, standard_normal


@dataclass(frozen=True, eq=False)
class PointMasses(Target):
    """log X ~ (1 / N) sum_n N(log points_n, log_var I): sheet R3.

    points (N, d) positive; log_var >= 0. With log_var = 0 there is no density: logpdf and the
    scores raise ValueError until the law is diffused. Raises ValueError for bad points or a
    negative log_var.
    """

    points: Tensor
    log_var: float = 0.0

    def __post_init__(self) -> None:
        """Validate."""
        points = floating(self.points)
        if points.ndim != 2 or points.numel() == 0:
            raise ValueError(f"points must have shape (n, d), got {tuple(points.shape)}.")
        require_positive(points, "points")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "log_var", float(self.log_var))
        if not 0 <= self.log_var < math.inf:
            raise ValueError(f"log_var must be finite and not negative, got {self.log_var!r}.")

    @property
    def d(self) -> int:
        """The dimension."""
        return self.points.shape[1]

    def _exponents(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log x (..., d) and -|log x - log x_n|^2 / (2 log_var), shape (..., N)."""
        if self.log_var == 0:
            raise ValueError("a finite set of points has no density: diffuse first.")
        y = self._log(x)
        # The matrix-product form of cdist loses the digits of small distances: not used.
        distances = torch.cdist(
            y.reshape(-1, self.d),
            self.points.log(),
            compute_mode="donot_use_mm_for_euclid_dist",
        )
        return y, (-distances.square() / (2 * self.log_var)).reshape(*y.shape[:-1], -1)

    def logpdf(self, x: Tensor) -> Tensor:
        """log p(x), shape (...)."""
        y, exponents = self._exponents(x)
        count = self.points.shape[0]
        constant = math.log(count) + self.d / 2 * math.log(2 * math.pi * self.log_var)
        return torch.logsumexp(exponents, dim=-1) - constant - y.sum(-1)

    def log_score(self, x: Tensor) -> Tensor:
        """s = (sum_n r_n log x_n - log x) / log_var, shape (..., d)."""
        y, exponents = self._exponents(x)
        return (torch.softmax(exponents, dim=-1) @ self.points.log() - y) / self.log_var

    def cdf(self, x: Tensor) -> Tensor:
        """P(X <= x), shape (...), d = 1 only; a staircase where log_var = 0."""
        self._require_line()
        std = self.points.new_tensor(math.sqrt(self.log_var))
        return normal_cdf(self._log(x) - self.points[:, 0].log(), std).mean(-1)

    def rvs(self, size: int, random_state: torch.Generator) -> Tensor:
        """Draws (size, d): a point at random, times its log-normal noise."""
        device = random_state.device
        chosen = torch.randint(
            self.points.shape[0], (size,), generator=random_state, device=device
        ).to(self.points.device)
        z = standard_normal(size, random_state, self.points)
        return self.points[chosen] * torch.exp(math.sqrt(self.log_var) * z)

    def diffuse(self, process: Process, t: Time) -> "PointMasses":
        """The points times exp(m(t)), with log_var + v(t) round each."""
        shift = process.log_mean(t).to(self.points).exp()
        return PointMasses(self.points * shift, self.log_var + float(process.log_var(t)))
