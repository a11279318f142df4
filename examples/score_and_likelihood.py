"""Score, denoiser and log-likelihood of a trained run, on the data that it has not seen.

python examples/score_and_likelihood.py [RUN, default: a short training on the digits]
"""

import math
import sys
import tempfile
from pathlib import Path

import torch

import gbm_fast as gbm

if len(sys.argv) > 1:
    run = gbm.load_run(sys.argv[1])
else:
    folder = Path(tempfile.mkdtemp()) / "run"
    run = gbm.train_run(gbm.TrainConfig(steps=300, run_dir=folder, metrics_images=0))

data = gbm.load_dataset(run.config.dataset, run.config.data_dir)
x0 = gbm.positive_from_integers(data.test_images[:8], data.max_value)
process = run.process

t = process.time_at_log_var(torch.tensor(0.1**2)).item()
x = process.sample(x0, t, torch.randn(x0.shape, generator=torch.Generator().manual_seed(0)))
labels = data.test_labels[:8] if run.num_classes else None
h = run.score(x, t, labels)
guess = run.denoiser(x, t, labels).exp()
print("score:", tuple(h.shape), "mean", round(float(h.mean()), 2))
before, after = ((part - x0).square().mean().sqrt() for part in (x.cpu(), guess.cpu()))
print(f"root mean square error {float(before):.3f} with noise, {float(after):.3f} denoised")

nats = run.log_likelihood(x0, labels, num_steps=16, num_probes=1)
bits = -nats / x0[0].numel() / math.log(2)
print("bits a dimension of eight test images, each:", [round(float(b), 2) for b in bits])
