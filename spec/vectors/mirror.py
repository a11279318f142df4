"""Mirrored Langevin, exponentiated gradient, gradient step and Bregman divergences."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction


def _langevin(f: Arithmetic, x: Number, s: Number, delta: Number, z: Number) -> Number:
    return x * f.exp(delta * (1 + x * s) + f.sqrt(2 * delta) * z)


_BOX = {
    "x": across(0.05, 20),
    "s": between(-3, 2),
    "delta": across(1e-3, 0.5),
    "z": between(-3, 3),
}
_KINDS = (Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2)
_LANGEVIN = ordinary(_BOX, _KINDS)

LANGEVIN = VectorFunction(
    name="mirrored_langevin_step",
    claim="A22",
    text="x * exp(delta (1 + x s) + sqrt(2 delta) z)",
    meanings={
        "x": "state, > 0", "s": "Stein score grad log p(x)", "delta": "step, > 0",
        "z": "a standard normal draw",
    },
    formula=_langevin,
    second=lambda f, x, s, delta, z: f.exp(f.log(x) + delta + x * (delta * s))
    * f.power(f.exp(2 * f.sqrt(delta)), z / f.sqrt(2 + 0 * z)),
    scale_text="|out| (1 + delta (1 + |x s|) + sqrt(2 delta) |z|)",
    scale=lambda f, x, s, delta, z: _langevin(f, x, s, delta, z)
    * (1 + delta * (1 + abs(x * s)) + f.sqrt(2 * delta) * abs(z)),
    twins=(
        Twin("noise_of_rate_one_half", Flag.S_VS_S2, "sqrt(delta) z in place of sqrt(2 delta) z",
             lambda f, x, s, delta, z: x * f.exp(delta * (1 + x * s) + f.sqrt(delta) * z)),
        Twin("variance_for_deviation", Flag.S_VS_S2, "2 delta z in place of sqrt(2 delta) z",
             lambda f, x, s, delta, z: x * f.exp(delta * (1 + x * s) + 2 * delta * z)),
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "the 1 is left out",
             lambda f, x, s, delta, z: x * f.exp(delta * x * s + f.sqrt(2 * delta) * z)),
        Twin("stein_score", Flag.H_VS_STEIN, "s in place of x s",
             lambda f, x, s, delta, z: _langevin(f, x, s / x, delta, z)),
        Twin("clipped_noise", Flag.TAIL, "z kept within 5",
             lambda f, x, s, delta, z: _langevin(f, x, s, delta, max(-5, min(5, z)))),
    ),
    cases=(
        *_LANGEVIN,
        *cases(Flag.SMALL_V, "x s delta z", [
            (1.3, -0.4, 1e-12, 0.7), (0.6, 2e3, 1e-12, -1.9), (4.0, -7e4, 1e-10, 0.2),
        ]),
        *cases(Flag.TAIL, "x s delta z", [
            (1.7, -0.8, 0.05, 8.0), (0.8, 1.5, 0.3, -8.0), (e(300), -e(-294.5), 0.9, 6.5),
        ]),
        *cases(Flag.OVERFLOW, "x s delta z", [(e(690), e(-695), 0.25, 0.4)]),
        *cases(Flag.UNDERFLOW, "x s delta z", [(e(-700), -e(699), 0.25, 0.4)]),
        *scaled(_LANGEVIN[:2], "x", (5, -7)),
    ),
)  # fmt: skip


def _sign(w: Number) -> int:
    return 1 if w > 0 else -1


def _exponentiated(f: Arithmetic, w: Number, g: Number, eta: Number) -> Number:
    return w * f.exp(-eta * g * _sign(w))


_WEIGHTS = {"w": "weight, not 0", "g": "gradient of the loss at w", "eta": "learning rate, > 0"}
_NAMES = "w g eta"
_WEIGHT_BOX = {"w": across(0.05, 20), "g": between(-4, 4), "eta": across(1e-3, 1)}
_ORDINARY = ordinary(_WEIGHT_BOX, (Flag.H_VS_STEIN,), basic=16)
_NEGATIVE = cases(Flag.SIGN, _NAMES, [
    (-1.7, 0.6, 0.3), (-0.02, -2.3, 0.05), (-31.0, 1.4, 0.9), (-5.5, -0.7, 1e-3),
    (-e(200), 3.3, 0.4),
])  # fmt: skip
_FAR = (
    *cases(Flag.TAIL, _NAMES, [(1.3, 350.0, 1.5), (0.4, -460.0, 1.25), (2.2, 1e6, 3e-4)]),
    *cases(Flag.OVERFLOW, _NAMES, [(e(699), 2.5, 0.5), (e(-600), -1100.0, 0.6)]),
    *cases(Flag.UNDERFLOW, _NAMES, [(e(-700), 2.5, 0.5), (e(-700), 45.0, 0.75)]),
    *cases(Flag.CANCELLATION, _NAMES, [(1.7, 1e-9, 1e-3), (0.9, -3e-7, 1e-5)]),
)

EXPONENTIATED = VectorFunction(
    name="exponentiated_gradient_step",
    claim="A19",
    text="w * exp(-eta g sign(w))",
    meanings=_WEIGHTS,
    formula=_exponentiated,
    second=lambda f, w, g, eta: _sign(w) * f.exp(f.log(abs(w)) - eta * g * abs(w) / w),
    scale_text="|out| (1 + eta |g|)",
    scale=lambda f, w, g, eta: abs(_exponentiated(f, w, g, eta)) * (1 + eta * abs(g)),
    twins=(
        Twin("sign_left_out", Flag.SIGN, "exp(-eta g) for weights of either sign",
             lambda f, w, g, eta: w * f.exp(-eta * g)),
        Twin("times_the_weight", Flag.H_VS_STEIN, "exp(-eta |w| g): the exponent of eq. (13)",
             lambda f, w, g, eta: _exponentiated(f, w, g * abs(w), eta)),
        Twin("ascent", Flag.BASIC, "of the wrong sign",
             lambda f, w, g, eta: _exponentiated(f, w, -g, eta)),
        Twin("first_order", Flag.TAIL, "1 - eta g sign(w) in place of the exponential",
             lambda f, w, g, eta: w * (1 - eta * g * _sign(w))),
        Twin("gradient_step", Flag.BASIC, "w - eta g", lambda f, w, g, eta: w - eta * g),
    ),
    cases=(*_ORDINARY, *_NEGATIVE, *_FAR, *scaled(_ORDINARY[:2], "w", (500, -500))),
)  # fmt: skip

GRADIENT = VectorFunction(
    name="gradient_step",
    claim="E8",
    text="w - eta g",
    meanings=_WEIGHTS,
    formula=lambda f, w, g, eta: w - eta * g,
    second=lambda f, w, g, eta: eta * (w / eta - g),
    scale_text="|w| + eta |g|",
    scale=lambda f, w, g, eta: abs(w) + eta * abs(g),
    twins=(
        Twin("half_a_step", Flag.BASIC, "eta / 2: the mirror step of |w|^2",
             lambda f, w, g, eta: w - eta * g / 2),
        Twin("times_the_weight", Flag.H_VS_STEIN, "w (1 - eta g)",
             lambda f, w, g, eta: w * (1 - eta * g)),
        Twin("ascent", Flag.SIGN, "of the wrong sign", lambda f, w, g, eta: w + eta * g),
    ),
    cases=(
        *_ORDINARY, *_NEGATIVE[:4],
        *cases(Flag.CANCELLATION, _NAMES, [(1.7, 1.7, 1.0), (1.1, 11.0, 0.1), (1e6, 1e9, 1e-3)]),
        *cases(Flag.TAIL, _NAMES, [(1e-3, 1e15, 1e-4), (e(600), -e(601), 0.3)]),
        *scaled(_ORDINARY[:2], "w g", (500, -500)),
    ),
)  # fmt: skip


def _entropy(f: Arithmetic, w: Number, r: Number) -> Number:
    return abs(w) * f.log(w / r) - abs(w) + abs(r)


def _entropy_size(f: Arithmetic, w: Number, r: Number) -> Number:
    sizes = abs(w * f.log(abs(w))) + abs(r * f.log(abs(r)))
    return sizes + (1 + abs(f.log(abs(r)))) * (abs(w) + abs(r))


_REFERENCE = {"w": "weight, not 0", "r": "reference weight of the same sign"}
_PAIRS = ordinary(
    {"w": across(0.02, 30), "r": across(0.02, 30)}, (Flag.T_INDEX,), basic=16, each=4
)
_SIGNED_PAIRS = cases(Flag.SIGN, "w r", [
    (-1.7, -0.4), (-0.03, -2.2), (-11.0, -13.5), (-0.8, -0.1), (-e(100), -e(101)),
])  # fmt: skip
_NEAR_PAIRS = cases(Flag.CANCELLATION, "w r", [
    (1.7, 1.6999999), (0.3, 0.300001), (25.0, 25.0000000001), (0.9, 0.91),
])  # fmt: skip

ENTROPY = VectorFunction(
    name="bregman_entropy",
    claim="E12-divergence",
    text="|w| log(w / r) - |w| + |r|",
    meanings=_REFERENCE,
    formula=_entropy,
    second=lambda f, w, r: _entropy_by_definition(w, r),
    scale_text="|w log|w|| + |r log|r|| + (1 + |log|r||) (|w| + |r|)",
    scale=_entropy_size,
    twins=(
        Twin("without_absolute_values", Flag.SIGN, "w log(w / r) - w + r (version 1)",
             lambda f, w, r: w * f.log(w / r) - w + r),
        Twin("arguments_exchanged", Flag.T_INDEX, "D(r, w)", lambda f, w, r: _entropy(f, r, w)),
        Twin("normalised", Flag.BASIC, "|w| log(w / r): the form for weights that sum to one",
             lambda f, w, r: abs(w) * f.log(w / r)),
        Twin("quadratic", Flag.TAIL, "(w - r)^2 / (2 |r|)",
             lambda f, w, r: (w - r) ** 2 / (2 * abs(r))),
    ),
    cases=(
        *_PAIRS, *_SIGNED_PAIRS,
        *cases(Flag.CANCELLATION, "w r", [(0.3, 0.31), (25.0, 24.0), (0.9, 0.91)]),
        *cases(Flag.TAIL, "w r", [(1e-12, 2.0), (3e8, 0.1), (e(600), e(-600)), (e(-690), e(690))]),
        *cases(Flag.POW2, "w r", [(1.5 * 2.0**300, 2.0**301), (1.25 * 2.0**-300, 2.0**-299)]),
    ),
)  # fmt: skip


def _entropy_by_definition(w: Number, r: Number) -> Number:
    """phi(w) - phi(r) - phi'(r) (w - r) for phi = |w| log|w|."""
    slope = _sign(r) * (1 + mpmath.log(abs(r)))
    return abs(w) * mpmath.log(abs(w)) - abs(r) * mpmath.log(abs(r)) - slope * (w - r)


EUCLIDEAN = VectorFunction(
    name="bregman_euclidean",
    claim="bregman-euclidean",
    text="(w - r)^2 / 2",
    meanings={"w": "weight, any number", "r": "reference weight"},
    formula=lambda f, w, r: (w - r) * (w - r) / 2,
    second=lambda f, w, r: w * w / 2 - r * r / 2 - r * (w - r),
    scale_text="w^2 / 2 + r^2 / 2 + |r| (|w| + |r|)",
    scale=lambda f, w, r: w * w / 2 + r * r / 2 + abs(r) * (abs(w) + abs(r)),
    twins=(
        Twin("of_the_square", Flag.BASIC, "(w - r)^2, for phi = |w|^2",
             lambda f, w, r: (w - r) * (w - r)),
        Twin("difference_of_potentials", Flag.T_INDEX, "phi(w) - phi(r), the linear term left out",
             lambda f, w, r: w * w / 2 - r * r / 2),
        Twin("opposite_sign", Flag.SIGN, "(w + r)^2 / 2", lambda f, w, r: (w + r) ** 2 / 2),
    ),
    cases=(
        *_PAIRS, *_SIGNED_PAIRS, *_NEAR_PAIRS,
        *cases(Flag.SIGN, "w r", [(1.5, -0.3), (-2.0, 7.5)]),
        *cases(Flag.TAIL, "w r", [(1e150, 3.0), (2.0, -1e140)]),
        *cases(Flag.UNDERFLOW, "w r", [(3e-160, 1e-160), (-2e-155, 5e-156)]),
    ),
)  # fmt: skip

FUNCTIONS = (LANGEVIN, EXPONENTIATED, GRADIENT, ENTROPY, EUCLIDEAN)
