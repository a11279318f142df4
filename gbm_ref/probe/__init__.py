"""The exact law of anybody's sampler, by injected noise: no random numbers, no Monte Carlo.

A *sampler* is any callable (x_T, z) -> x_0, whatever it is written with, that takes its noise as
an argument: NumPy arrays go in and come out. Two kinds can be examined.

Samplers written in log space. For log-normal data the map from (log x_T, z_1 .. z_rows) to
log x_0 is affine (claims R8, R9), so 1 + d + rows * d evaluations determine it, N + 2 on the line
(`extract_affine_map`), and with it the law of the output for a normal start:

    log x_0 = offset + state log x_T + sum_k noise_k z_k,      log x_T ~ N(M, S)
    =>  log x_0 ~ N(offset + state M, state S state^T + sum_k noise_k noise_k^T)

Steps written in X, such as eq. (12) of version 2. They are not affine in log x, but for each x_t
the ratio x_s / x_t is a polynomial in z, of degree 1, or 2 for Milstein's scheme
(`extract_step_polynomial`).

Whether the map really is affine, or of that degree, is looked at with noise of size 3 and 8: a
step that clips shows only beyond its bound. `assert_law` and `assert_step` compare with what the
caller states and raise `LawRejected`, which says what failed and by how much. They judge the map
alone: a sampler that draws random numbers of its own is rejected, with what can be done.
"""

from gbm_ref.probe.law import AffineMap, Sampler, assert_law, extract_affine_map
from gbm_ref.probe.one_step import OneStep, assert_step, extract_step_polynomial
from gbm_ref.probe.rejection import LawRejected

__all__ = [
    "AffineMap", "LawRejected", "OneStep", "Sampler", "assert_law", "assert_step",
    "extract_affine_map", "extract_step_polynomial",
]  # fmt: skip
