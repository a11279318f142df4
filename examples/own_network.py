"""A network of your own: in a loop of your own, and in the trainer.

    python examples/own_network.py [steps, default 400]

A network takes what it is to look at, (n, *event) and standardised, and a number (n,) that says
how noisy it is, and returns the shape of its input. Nothing else is asked of it.
"""

import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

import gbm_fast as gbm

torch.manual_seed(0)
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 400


class Network(nn.Module):
    """Two layers for points in the plane."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.first = nn.Linear(3, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 2)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(n, 2) and (n,) to (n, 2)."""
        hidden = torch.cat([x, condition[:, None]], 1)
        hidden = nn.functional.silu(self.first(hidden))
        return self.last(nn.functional.silu(self.second(hidden)))


law = gbm.LogNormalMixture(
    torch.tensor([0.4, 0.6]), torch.tensor([[-0.8, 0.3], [0.7, -0.2]]), torch.tensor([0.1, 0.2])
)
low, high = 0.01, 10.0
process = gbm.VarianceExploding(low, high)
source = torch.Generator().manual_seed(0)

# ---------------------------------------------------------------- a loop of your own, in ten lines
mean, std = 0.13, 0.73  # of the logarithms of the data
model = gbm.ScoreModel(Network(), gbm.Denoiser(mean, std), mean, std)
score = gbm.score_function(model, process)
optimiser = torch.optim.Adam(model.parameters(), 3e-3)
for _ in range(steps):
    x0 = law.rvs(256, source)
    t = process.time_at_log_var((low * (high / low) ** torch.rand(256)).double() ** 2)
    loss = gbm.m_dsm(score, x0, t, torch.randn(256, 2), process, gbm.PreconditionedWeighting(std))
    optimiser.zero_grad()
    loss.loss.backward()
    optimiser.step()
# ------------------------------------------------------------------------------------------------

with torch.no_grad():
    x_T = torch.exp(high * torch.randn(2000, 2))
    grid = gbm.power(process, 18, std_min=low, std_max=high)
    x_0 = gbm.simulate(gbm.ProbabilityFlow(), process, score, x_T, grid)
found = gbm.law_distances(x_0, law)
print(f"own loop: largest Kolmogorov-Smirnov distance {found['ks']:.3f}")

# The same network in the trainer, with its checkpoints, averages and logs; nothing is pickled, so
# whoever opens the run brings the network.
folder = Path(tempfile.mkdtemp()) / "run"
config = gbm.TrainConfig(steps=steps, run_dir=folder, metrics_images=0, batch_size=256)
gbm.train_run(config, data=law, network=Network())
run = gbm.load_run(folder, network=Network())
found = gbm.law_distances(run.sample(2000, batch_size=2000), law)
print(f"trainer:  largest Kolmogorov-Smirnov distance {found['ks']:.3f}")
