"""Pins of multiplicative gamma noise.

Symbols: x, x0 noisy state and data; L looks, K fewer looks; g a gamma draw, b a beta draw; h the
Hyvarinen score; al, be shape and scale of inverse-gamma data.
"""

from sympy import symbols

from spec.checking.old import Pin

x, x0, L, K, g, b, h, al, be = symbols("x x0 L K g b h al be")

_POINTS = (
    {"x": 1.7, "x0": 0.9, "L": 3.7},
    {"x": 0.02, "x0": 55.0, "L": 0.6},
    # Near a zero of the score, where L x = (L - 1) x0.
    {"x": 0.75, "x0": 1.0, "L": 4.0000001},
)
_CHAIN = (
    {"x": 1.7, "x0": 0.9, "L": 5.0, "K": 2.0, "g": 2.8, "b": 0.4},
    {"x": 0.02, "x0": 55.0, "L": 0.9, "K": 0.3, "g": 0.01, "b": 0.97},
)

SCORE = (
    Pin(
        "gbm_ref.gamma_noise_sample",
        formula=x0 * g / L,
        twins={"mean not one": x0 * g},
        points=tuple({k: p[k] for k in ("x0", "g", "L")} for p in _CHAIN),
    ),
    Pin(
        "gbm_ref.gamma_conditional_hyvarinen_score",
        formula=L - 1 - L * x / x0,
        twins={"log score": L - L * x / x0, "rate 1": L - 1 - x / x0},
        points=_POINTS,
        scale=1 + L + L * x / x0,
    ),
)
DENOISER = (
    Pin(
        "gbm_ref.gamma_denoiser",
        formula=(L - 1 - h) / (L * x),
        twins={"log score for the score": (L - h) / (L * x)},
        points=tuple({"x": p["x"], "L": p["L"], "h": 0.3 - i} for i, p in enumerate(_POINTS)),
        scale=(1 + L + abs(h)) / (L * x),
    ),
)
MARGINAL = (
    Pin(
        "gbm_ref.gamma_marginal",
        formula=(L, al, be / L),
        twins={"scale of the data": (L, al, be)},
        points=({"L": 3.7, "al": 2.6, "be": 1.9}, {"L": 0.6, "al": 0.8, "be": 31.0}),
    ),
)
CHAIN = (
    Pin(
        "gbm_ref.gamma_chain_step",
        formula=x * b * L / K,
        twins={"factor left out": x * b, "factor upside down": x * b * K / L},
        points=tuple({k: p[k] for k in ("x", "L", "K", "b")} for p in _CHAIN),
    ),
)
ANCESTRAL = (
    Pin(
        "gbm_ref.gamma_ancestral_step",
        formula=(K * x + x0 * g) / L,
        twins={"looks exchanged": (L * x + x0 * g) / K},
        points=tuple({k: p[k] for k in ("x", "x0", "L", "K", "g")} for p in _CHAIN),
    ),
)
