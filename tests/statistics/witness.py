"""The forward and reverse equations as torchsde takes them, on given noise or on its own, for
constant mu and sigma, with r = T - t in reverse time:

    forward   dX = mu X dt + sigma X dW,   d log X = (mu - sigma^2 / 2) dt + sigma dW
    reverse   dX = (2 sigma^2 - mu + sigma^2 h) X dr + sigma X dW
              d log X = (3 sigma^2 / 2 - mu + sigma^2 h) dr + sigma dW
    flow      d log X = (sigma^2 - mu + sigma^2 h / 2) dr"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torchsde
from torch import Tensor

from gbm_fast import GBM, ScoreFunction

Field = Callable[[Tensor, Tensor], Tensor]
"""(t, y) -> drift or diffusion, of the shape of y (batch, d)."""


@dataclass(frozen=True)
class Equation:
    """dY = f dt + g dW with diagonal noise, in one calculus."""

    f: Field
    g: Field
    sde_type: str = "ito"
    noise_type: str = "diagonal"


def forward(process: GBM) -> Equation:
    mu, sigma = process.mu, process.sigma
    return Equation(lambda t, x: mu * x, lambda t, x: sigma * x)


def forward_stratonovich(process: GBM) -> Equation:
    """The same process in the other calculus: mu - sigma^2 / 2 for mu."""
    mu, sigma = process.mu - process.sigma**2 / 2, process.sigma
    return Equation(lambda t, x: mu * x, lambda t, x: sigma * x, "stratonovich")


def forward_log(process: GBM) -> Equation:
    rate, sigma = process.mu - process.sigma**2 / 2, process.sigma
    return Equation(lambda t, y: rate + 0 * y, lambda t, y: sigma + 0 * y)


def reverse(process: GBM, score: ScoreFunction, divergence: float = 2.0) -> Equation:
    """The reverse equation in X; `divergence` times sigma^2 is the divergence of the diffusion."""
    mu, s2, end = process.mu, process.sigma**2, process.horizon

    def drift(r: Tensor, x: Tensor) -> Tensor:
        return x * (divergence * s2 - mu + s2 * score(x.abs(), end - r))

    return Equation(drift, lambda r, x: process.sigma * x)


def reverse_log(process: GBM, score: ScoreFunction, ito: float = 1.5) -> Equation:
    """The reverse equation in log X; 3 / 2 is the divergence twice less Ito's term."""
    mu, s2, end = process.mu, process.sigma**2, process.horizon

    def drift(r: Tensor, y: Tensor) -> Tensor:
        return ito * s2 - mu + s2 * score(y.exp(), end - r)

    return Equation(drift, lambda r, y: process.sigma + 0 * y)


def flow(process: GBM, score: ScoreFunction) -> Equation:
    mu, s2, end = process.mu, process.sigma**2, process.horizon

    def drift(r: Tensor, y: Tensor) -> Tensor:
        return s2 - mu + s2 / 2 * score(y.exp(), end - r)

    return Equation(drift, lambda r, y: 0 * y)


class Given(torchsde.BaseBrownian):
    """A Brownian motion whose increments over even steps are sqrt(dt) z, z (rows, batch, d)."""

    dtype = property(lambda self: self.z.dtype)
    device = property(lambda self: self.z.device)
    shape = property(lambda self: self.z.shape[1:])
    levy_area_approximation = "none"

    def __init__(self, z: Tensor, dt: float) -> None:
        self.z, self.dt = z, dt

    def __call__(
        self, ta: Tensor, tb: Tensor | None = None, return_U: bool = False, return_A: bool = False
    ) -> Tensor:
        """The increment over [ta, tb], which is one of the steps."""
        assert tb is not None and not return_U and not return_A
        index = round(float(ta) / self.dt)
        assert abs(float(ta) - index * self.dt) + abs(float(tb - ta) - self.dt) < 1e-12
        return math.sqrt(self.dt) * self.z[index]

    def __repr__(self) -> str:
        """For messages of torchsde."""
        return f"Given({tuple(self.z.shape)})"


Brownian = torchsde.BaseBrownian


def integrate(
    equation: Equation, y: Tensor, brownian: Brownian, rows: int, method: str, end: float = 1.0
) -> Tensor:
    """The path over [0, end] in `rows` even steps, a power of 2: (rows + 1, batch, d)."""
    times = torch.linspace(0.0, end, rows + 1, dtype=torch.float64)
    path = torchsde.sdeint(equation, y, times, bm=brownian, method=method, dt=end / rows)
    # Milstein's scheme differentiates g and leaves the graph behind.
    return path.detach()
