"""A picture: what noise does to an image, and what a trained network takes the image to be.

python examples/plot_denoising.py [FILE.png, default denoising.png] [steps, default 400]
"""

import sys
import tempfile
from pathlib import Path

import torch
from matplotlib.figure import Figure

import gbm_fast as gbm

steps = int(sys.argv[2]) if len(sys.argv) > 2 else 400
folder = Path(tempfile.mkdtemp()) / "run"
run = gbm.train_run(gbm.TrainConfig(steps=steps, run_dir=folder, metrics_images=0))
data = gbm.load_dataset("digits")
x0 = gbm.positive_from_integers(data.test_images[3:4], data.max_value)
z = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))

levels = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
figure = Figure(figsize=(1.5 * len(levels), 3.4), layout="constrained")
axes = figure.subplots(2, len(levels))
for column, std in enumerate(levels):
    t = run.process.time_at_log_var(torch.tensor(std**2)).item()
    x = run.process.sample(x0, t, z)
    for axis, image in zip(axes[:, column], (x, run.denoiser(x, t).exp()), strict=True):
        axis.imshow(image[0, 0].cpu().log().numpy(), cmap="gray", vmin=0, vmax=0.7)
        axis.set_xticks([])
        axis.set_yticks([])
    axes[0, column].set_title(f"noise {std:g}")
axes[0, 0].set_ylabel("log X_t")
axes[1, 0].set_ylabel("E[log X_0 | X_t]")
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "denoising.png", dpi=120)
print("written")
