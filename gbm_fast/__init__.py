"""Multiplicative diffusion in PyTorch: geometric Brownian motion as the forward noise.

The state is positive, every marginal of a point is log-normal, and the networks learn the
Hyvarinen score x * grad log p_t(x). The mathematics lives in the modules named as in `gbm_ref`
(`process`, `targets`, `laws`, `gamma_noise`, `scores`, `objectives`, `posterior`, `likelihood`,
`steps`, `grids`, `simulate`, `starts`, `mismatch`, `mirror`, `divergence`, `flips`), of which
`distributions` is a front in the style of torch.distributions; `python -m gbm_fast.train`,
`gbm_fast.sample` and `gbm_fast.evaluate` are the commands.

Nothing is imported here, so that the commands' `--help` does not wait for torch.
"""
