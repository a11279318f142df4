"""Symbols of the folder, and how they are printed.

v, V the variances of log X_{t_k} and of the sampler's log X_k; e = E log X_k - a - m t_k; h =
sigma^2 delta; r = sqrt(delta); v0, vN the variances of the data and of log X_{t_N}; q = v / h at
the level that is reached; n steps taken; z a draw, kappa the factor on it.
"""

from sympy import symbols

L, z, a, e, m = symbols("L z a e m", real=True)
v, V, h, sigma, r, t, kappa, n, q = symbols("v V h sigma r t kappa n q", positive=True)
v0, vN = symbols("v0 v_N", positive=True)
NAMES = {"h": "h", "v": "v_k", "V": "V_k", "e": "e_k", "n": "N", "r": r"\sqrt{\delta}"}
AT_THE_END = {**NAMES, "V": "V_N", "e": "e_N"}
