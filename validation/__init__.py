"""Studies of the samplers' error, run from a clone: `python -m validation` lists and runs them."""
