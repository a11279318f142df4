"""Restoring images with multiplicative noise: what `python -m gbm_fast.restore` does."""
