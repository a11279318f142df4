"""Tests of the claims, and the comparison of their right-hand sides with `gbm_ref`."""
