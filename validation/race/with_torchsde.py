"""The same work by torchsde's Euler scheme (test extra): importing this needs torchsde."""

import math

import torch
import torchsde
from torch import Tensor

from validation.race.problem import MU, SIGMA, Work, fast_score


class Reverse:
    """dY = (-(mu - sigma^2 / 2) + sigma^2 s(Y, 1 - r)) dr + sigma dW, as torchsde takes it."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self) -> None:
        self.score = fast_score()

    def f(self, r: Tensor, y: Tensor) -> Tensor:
        """The drift."""
        log_score = self.score.at_log(y, 1.0 - float(r))
        return torch.add(torch.tensor(SIGMA**2 / 2 - MU), log_score, alpha=SIGMA**2)

    def g(self, r: Tensor, y: Tensor) -> Tensor:
        """The diffusion."""
        return torch.full_like(y, SIGMA)


class Given(torchsde.BaseBrownian):
    """A Brownian motion with increments sqrt(dt) z over the steps of the run, z (rows, ...)."""

    dtype, device = torch.float32, torch.device("cpu")
    shape = property(lambda self: self.z.shape[1:])
    levy_area_approximation = "none"

    def __init__(self, z: Tensor) -> None:
        self.z = z

    def __call__(
        self, ta: Tensor, tb: Tensor, return_U: bool = False, return_A: bool = False
    ) -> Tensor:
        """The increment over [ta, tb], one of the steps."""
        return self.z[round(float(ta) * len(self.z))] / math.sqrt(len(self.z))

    def __repr__(self) -> str:
        """For messages of torchsde."""
        return "Given()"


@torch.no_grad()
def integrate(work: Work, noise: Tensor | None) -> Tensor:
    """x_0 of `work` on `noise`, or on noise of torchsde's own."""
    path = torchsde.sdeint(
        Reverse(),
        work.start.log(),
        torch.tensor([0.0, 1.0]),
        bm=None if noise is None else Given(noise),
        dt=1.0 / work.rows,
        method="euler",
    )
    return path[-1].exp()
