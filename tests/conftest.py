"""Settings of every test process: one thread, no display, no time limit for single examples."""

import os

# Read when NumPy and torch are loaded, and inherited by the commands that the tests start.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"

import hypothesis  # noqa: E402
import torch  # noqa: E402

# With `-n auto` there is a worker for every core, so that more threads only get in each other's
# way; and the order of a sum, hence its last bits, would depend on their number.
torch.set_num_threads(1)

# A time limit for an example would fail on a busy machine without a defect in the code.
hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")
