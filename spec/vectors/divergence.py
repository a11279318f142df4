"""Kullback-Leibler divergence of two normal laws of log X in one dimension."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Flag, Twin, VectorFunction


def _excess(f: Arithmetic, p: Number, q: Number) -> Number:
    """r - log(1 + r) for r = p / q - 1."""
    return (p - q) / q - f.log(p / q)


def _divergence(
    f: Arithmetic, mean_p: Number, var_p: Number, mean_q: Number, var_q: Number
) -> Number:
    return (_excess(f, var_p, var_q) + (mean_p - mean_q) ** 2 / var_q) / 2


def _by_entropy(
    f: Arithmetic, mean_p: Number, var_p: Number, mean_q: Number, var_q: Number
) -> Number:
    """Cross entropy minus entropy, in standard deviations."""
    ratio = mpmath.sqrt(var_q) / mpmath.sqrt(var_p)
    second_moment = 1 / ratio**2 + ((mean_p - mean_q) / mpmath.sqrt(var_q)) ** 2
    return mpmath.log(ratio) + second_moment / 2 - mpmath.mpf(1) / 2


_BOX = {
    "mean_p": between(-2, 2), "var_p": across(0.05, 5), "mean_q": between(-2, 2),
    "var_q": across(0.05, 5),
}  # fmt: skip
_NAMES = "mean_p var_p mean_q var_q"

KL = VectorFunction(
    name="gaussian_kl",
    claim="gaussian-kl",
    text="(r - log(1 + r) + (mean_p - mean_q)^2 / var_q) / 2, r = var_p / var_q - 1",
    meanings={
        "mean_p": "mean of log X under p", "var_p": "variance of log X under p, > 0",
        "mean_q": "mean of log X under q", "var_q": "variance of log X under q, > 0",
    },
    formula=_divergence,
    second=_by_entropy,
    scale_text="out: a relative bound",
    scale=_divergence,
    guard=40,
    twins=(
        Twin("reversed", Flag.T_INDEX, "KL(q || p)",
             lambda f, mean_p, var_p, mean_q, var_q: _divergence(f, mean_q, var_q, mean_p, var_p)),
        Twin("deviations_for_variances", Flag.S_VS_S2, "sqrt(var) in place of var",
             lambda f, mean_p, var_p, mean_q, var_q:
             _divergence(f, mean_p, f.sqrt(var_p), mean_q, f.sqrt(var_q))),
        Twin("twice", Flag.BASIC, "the factor 1/2 is left out",
             lambda f, *args: 2 * _divergence(f, *args)),
        Twin("means_ignored", Flag.BASIC, "variances only",
             lambda f, mean_p, var_p, mean_q, var_q: _divergence(f, 0 * mean_p, var_p, 0, var_q)),
        Twin("textbook_form", Flag.CANCELLATION, "(w - 1 - log w + ...) / 2, in float64",
             lambda f, mean_p, var_p, mean_q, var_q:
             (var_p / var_q - 1 - f.log(var_p / var_q) + (mean_p - mean_q) ** 2 / var_q) / 2,
             naive=True),
        Twin("leading_order", Flag.TAIL, "r^2 / 4 for the variances",
             lambda f, mean_p, var_p, mean_q, var_q:
             ((var_p - var_q) / var_q) ** 2 / 4 + (mean_p - mean_q) ** 2 / var_q / 2),
    ),
    cases=(
        *ordinary(_BOX, (Flag.T_INDEX, Flag.S_VS_S2)),
        *cases(Flag.CANCELLATION, _NAMES, [
            (0.3, 0.64, 0.3, 0.6400001), (-1.1, 2.5000000001, -1.1, 2.5),
            (0.2, 0.5, 0.2, 0.5000000000000001),
            (0.3, 0.1, 0.3, 0.1003), (0.1, 1e6, 0.1, 1000001.0), (0.3, 1e-12, 0.3, 1.0000001e-12),
            (1e-9, 0.64, 2e-9, 0.6400000001),
        ]),
        *cases(Flag.BASIC, _NAMES, [
            (0.7, 0.714, 0.7, 0.7), (0.5, 2.91, 0.5, 3.0), (1.0, 0.327, 1.0, 0.3),
            (0.4, 1.11, 0.4, 1.0),
            (0.4, 0.267, 0.4, 0.3), (0.4, 9.1, 0.4, 7.0), (0.4, 0.49, 0.4, 0.7),
            (0.4, 0.33, 0.4, 1.1),
            (0.4, 0.304, 0.4, 0.19), (0.4, 0.38, 0.4, 0.77), (0.4, 2.1, 0.4, 1.3),
            (0.4, 0.13, 0.4, 0.41),
        ]),
        *cases(Flag.TAIL, _NAMES, [
            (0.3, 1e6, 0.1, 0.5), (0.3, 1e-12, 0.1, 0.5), (700.0, 0.4, -700.0, 0.3),
            (0.5, 1e-12, 0.4, 1e6), (2.0, 1e6, 1.0, 1e-12),
        ]),
        *cases(Flag.SMALL_V, _NAMES, [(1e-6, 1e-12, 2e-6, 3e-12), (0.3, 2e-12, 0.3000001, 1e-12)]),
    ),
)  # fmt: skip

FUNCTIONS = (KL,)
