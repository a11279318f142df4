"""A data law of your own, and how far what a network learns of it is from the truth.

    python examples/own_law.py [steps, default 500]

The scores of log-normal mixtures are known at every time, so nothing has to be judged by eye.
"""

import sys
import tempfile
from pathlib import Path

import torch

import gbm_fast as gbm

law = gbm.LogNormalMixture(
    weights=torch.tensor([0.3, 0.7]),
    log_means=torch.tensor([[-1.0], [0.6]]),
    log_covs=torch.tensor([0.05, 0.15]),
)
folder = Path(tempfile.mkdtemp()) / "run"
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 500
config = gbm.TrainConfig(
    steps=steps, batch_size=512, width=64, depth=2, metrics_images=0, run_dir=folder
)
run = gbm.train_run(config, data=law)

# The learned score beside the exact one, at a time of your choice.
t = 0.4
x = torch.linspace(0.2, 3.0, 6)[:, None]
exact = law.diffuse(run.process, t).hyvarinen_score(x)
for point, learned, true in zip(x, run.score(x, t), exact, strict=True):
    print(f"x = {float(point):.2f}: learned {float(learned):+.3f}, exact {float(true):+.3f}")

# Over the law: E|s_model - s|^2 / E|s|^2 at five noise levels, and how far samples are.
for std, error in gbm.score_errors(run, count=5000, seed=0):
    print(f"noise sqrt(v) = {std:.3g}: relative squared error of the score {error:.2g}")
found = gbm.law_distances(run.sample(5000, batch_size=5000), law)
print(f"Kolmogorov-Smirnov distance {found['ks']:.3f}, of exact draws {found['ks_floor']:.3f}")
