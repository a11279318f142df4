"""Train on the built-in digits from Python, open the run again, and sample from it.

    python examples/train_and_sample.py [steps, default 300]

Three hundred steps take some seconds and show the shapes of digits; four thousand look like them.
"""

import sys
import tempfile
from pathlib import Path

import gbm_fast as gbm

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
folder = Path(tempfile.mkdtemp()) / "run"
config = gbm.TrainConfig(
    dataset="digits", steps=steps, run_dir=folder, class_conditional=True, metrics_images=0
)
run = gbm.train_run(config)

# The folder is all that is needed later, or elsewhere.
run = gbm.load_run(folder)
images = run.sample(16, seed=0, sampler="probability-flow", label=7)
print("sevens:", tuple(images.shape), "in", [float(images.min()), float(images.max())])

# Every setting of `python -m gbm_fast.sample`, and samples of any number, batch by batch.
settings = gbm.SamplingSettings(sampler="ancestral", num_steps=50, num_images=32, batch_size=16)
sampler = run.sampler(settings)
print("step:", sampler.step, "in", len(sampler.grid), "rows")
for batch, made in sampler.batches([range(0, 16), range(16, 32)], show_progress=False):
    print("images", batch.start, "to", batch.stop - 1, "of the classes", made.labels.tolist())
