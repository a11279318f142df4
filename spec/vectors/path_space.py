"""Divergence of the exact reverse chain from that of the Dale-Langevin sampler (sheet R20b)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number, whole
from spec.vectors.points import across, cases, ordinary
from spec.vectors.records import Flag, Twin, VectorFunction
from spec.vectors.sampler_laws import stepped


def _paths(f: Arithmetic, v0: Number, v: Number, n: Number) -> Number:
    """The logarithms add up to log((v0 + v) / v0)."""
    h, total = v / n, f.log((v0 + v) / v0)
    for k in range(1, whole(n) + 1):
        total = total - h / (v0 + h * k)
    return total / 2


def _by_digamma(f: Arithmetic, v0: Number, v: Number, n: Number) -> Number:
    with mpmath.extradps(20):
        r = v0 * n / v
        gaps = mpmath.digamma(r + n + 1) - mpmath.digamma(r + 1)
        return (mpmath.log(1 + v / v0) - gaps) / 2


PATHS = VectorFunction(
    name="path_divergence",
    claim="R20b",
    text="sum_{k=1}^N (r_k - 1 - log r_k) / 2, r_k = (v0 + h (k - 1)) / (v0 + h k), h = v / N",
    meanings={
        "v0": "variance of log X_0, > 0", "v": "v(T) > 0",
        "n": "number of steps N, a whole number",
    },
    formula=_paths,
    second=_by_digamma,
    scale_text="out: a relative bound",
    scale=_paths,
    guard=40,
    twins=(
        Twin("reversed", Flag.SIGN, "1 / r_k - 1 + log r_k: the other chain first",
             lambda f, v0, v, n: sum(
                 v / n / (v0 + v / n * k) for k in range(whole(n))) / 2 - f.log(1 + v / v0) / 2),
        Twin("twice", Flag.BASIC, "the factor 1/2 is left out",
             lambda f, *args: 2 * _paths(f, *args)),
        Twin("one_step_more", Flag.T_INDEX, "N + 1 steps",
             lambda f, v0, v, n: _paths(f, v0, v, n + 1)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, v0, v, n: _paths(f, v0, f.sqrt(v), n)),
        Twin("logarithms_last", Flag.CANCELLATION, "the sum of r_k - 1 and the log apart, in "
             "float64", _paths, naive=True),
    ),
    cases=(
        *stepped(ordinary({"v0": across(0.02, 4), "v": across(0.1, 4), "n": across(1, 50)},
                          (Flag.SIGN, Flag.T_INDEX, Flag.S_VS_S2), basic=12)),
        *cases(Flag.CANCELLATION, "v0 v n", [
            (1e6, 0.3, 4.0), (2.0, 1e-9, 3.0), (0.7, 1e-4, 50.0), (0.05, 0.64, 200.0),
        ]),
        *cases(Flag.TAIL, "v0 v n", [(1e-12, 0.64, 10.0), (0.02, 1e6, 2.0), (1e-12, 1e-12, 5.0)]),
    ),
)  # fmt: skip

FUNCTIONS = (PATHS,)
