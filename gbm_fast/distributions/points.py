"""A data set and its diffusions as a torch distribution (claim R3)."""

import math

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from gbm_fast import targets
from gbm_fast.distributions.scores import Scores, Shape
from gbm_fast.process import Process, Time
from gbm_fast.shapes import times_exp


class PointMasses(Scores, Distribution):
    """log X ~ (1 / N) sum_n N(log points_n, log_var I), of event shape (d,).

    points (N, d) positive, log_var >= 0; with log_var = 0 the law can be drawn from and diffused,
    but has no density (ValueError). The arithmetic is that of `gbm_fast.targets.PointMasses`, for
    data sets of the size of images.
    """

    arg_constraints: dict[str, Constraint] = {
        "points": constraints.independent(constraints.positive, 2)
    }
    support = constraints.independent(constraints.positive, 1)
    has_rsample = False

    def __init__(
        self, points: Tensor, log_var: float = 0.0, validate_args: bool | None = None
    ) -> None:
        self._set(targets.PointMasses(points, log_var), Size(), validate_args)

    @classmethod
    def of(cls, target: targets.PointMasses, validate_args: bool | None = None) -> "PointMasses":
        """The distribution of a target, with whose diffusions it shares its logarithms."""
        law = cls.__new__(cls)
        law._set(target, Size(), validate_args)
        return law

    def _set(
        self, target: targets.PointMasses, batch_shape: Size, validate_args: bool | None
    ) -> None:
        self.target = target
        super().__init__(batch_shape, Size([target.d]), validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: object = None) -> "PointMasses":
        """The same law for every element of a batch."""
        new = self._get_checked_instance(PointMasses, _instance)
        new._set(self.target, Size(batch_shape), self._validate_args)
        return new

    @property
    def points(self) -> Tensor:
        """The points (N, d)."""
        return self.target.points

    @property
    def log_var(self) -> float:
        """The log-variance round each point."""
        return self.target.log_var

    @property
    def mean(self) -> Tensor:
        """The mean of the points times exp(log_var / 2)."""
        mean = self.points.mean(0) * math.exp(self.log_var / 2)
        return mean.expand(self._extended_shape())

    @property
    def variance(self) -> Tensor:
        """exp(log_var) times the variance of the points, plus what the noise adds to each."""
        points, factor = self.points, math.exp(self.log_var)
        between = points.var(0, unbiased=False)
        within = math.expm1(self.log_var) * points.square().mean(0)
        return (factor * (between + within)).expand(self._extended_shape())

    @torch.no_grad()
    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """A point at random, times its log-normal noise: (*sample_shape, *batch, d)."""
        points, shape = self.points, self._extended_shape(Size(sample_shape))
        chosen = torch.randint(len(points), shape[:-1], device=points.device)
        z = torch.randn(shape, dtype=points.dtype, device=points.device)
        return times_exp(points[chosen], math.sqrt(self.log_var) * z)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), of the shape of the samples and the batch."""
        if self._validate_args:
            self._validate_sample(value)
        density = self.target.logpdf(value)
        return density.expand(torch.broadcast_shapes(density.shape, self.batch_shape))

    def cdf(self, value: Tensor) -> Tensor:
        """P(X <= value) for d = 1 (ValueError otherwise)."""
        return self.target.cdf(value)

    def log_score(self, value: Tensor) -> Tensor:
        """s = (sum_n r_n log x_n - log x) / log_var."""
        if self._validate_args:
            self._validate_sample(value)
        return self.target.log_score(value)

    def diffuse(self, process: Process, t: Time) -> "PointMasses":
        """The law of X_t; `t` a scalar."""
        new = self._get_checked_instance(PointMasses, None)
        new._set(self.target.diffuse(process, t), self.batch_shape, self._validate_args)
        return new
