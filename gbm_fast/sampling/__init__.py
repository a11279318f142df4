"""Sampling from a trained run: the sampler, its initial states, files and film strips."""
