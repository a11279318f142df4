"""Studies of the samplers' error, run from a clone: `python -m validation` lists and runs them."""

import os

# A study writes its figure to a file: a window's backend that a notebook names is not asked for.
os.environ["MPLBACKEND"] = "Agg"
