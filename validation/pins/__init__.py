"""The pins of the claims: how each function of `gbm_ref` is called, and whether it agrees."""
