"""Multiplicative against additive noise: one network, budget and sampler, two states."""
