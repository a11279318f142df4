"""Multiplicative gamma noise, and the Hyvarinen scores of laws that are not log-normal."""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction

LOOKS = {"L": "number of looks, > 0"}
_KINDS = (Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE)


def _score(f: Arithmetic, x: Number, x0: Number, L: Number) -> Number:
    return L - 1 - L * x / x0


_BOX = {"x": across(0.02, 50), "x0": across(0.1, 10), "L": across(0.5, 30)}
_ORDINARY = ordinary(_BOX, (*_KINDS, Flag.T_INDEX))

CONDITIONAL = VectorFunction(
    name="gamma_conditional_hyvarinen_score",
    claim="R24",
    text="L - 1 - L x / x0",
    meanings={"x": "noisy state, > 0", "x0": "clean state, > 0", **LOOKS},
    formula=_score,
    second=lambda f, x, x0, L: (L * (x0 - x) - x0) / x0,
    scale_text="L + 1 + L x / x0",
    scale=lambda f, x, x0, L: L + 1 + L * x / x0,
    twins=(
        Twin("log_score", Flag.H_VS_LOGSCORE, "L (1 - x / x0): the -1 is left out",
             lambda f, x, x0, L: L * (1 - x / x0)),
        Twin("stein_score", Flag.H_VS_STEIN, "divided by x",
             lambda f, x, x0, L: _score(f, x, x0, L) / x),
        Twin("noise_of_rate_one", Flag.S_VS_S2, "L - 1 - x / x0: Gamma(L) with rate 1",
             lambda f, x, x0, L: L - 1 - x / x0),
        Twin("ratio_inverted", Flag.T_INDEX, "x0 / x in place of x / x0",
             lambda f, x, x0, L: _score(f, x0, x, L)),
    ),
    cases=(
        *_ORDINARY,
        *cases(Flag.NEAR_ROOT, "x x0 L", [
            (0.9, 1.2, 4.0), (1.5, 2.0, 4.0000000000000009), (0.6, 1.0, 2.5),
            (1.05, 1.4, 3.9999999),
        ]),
        *cases(Flag.CANCELLATION, "x x0 L", [
            (1.0000001, 1.0, 1e6), (e(700), e(700), 7.5), (e(-700), 1.5 * e(-700), 1e12),
        ]),
        *cases(Flag.TAIL, "x x0 L", [
            (e(300), 1.3, 2.5), (1.4, e(300), 0.7), (2.0, 0.3, 1e-12), (e(-650), 2.0, 40.0),
        ]),
        *scaled(_ORDINARY[:2], "x x0", (500, -500)),
    ),
)  # fmt: skip


def _denoiser(f: Arithmetic, x: Number, h: Number, L: Number) -> Number:
    return (L - 1 - h) / (L * x)


_DENOISER_BOX = {"x": across(0.02, 50), "h": between(-6, 0), "L": across(0.5, 30)}
_DENOISER_CASES = ordinary(_DENOISER_BOX, _KINDS)

DENOISER = VectorFunction(
    name="gamma_denoiser",
    claim="R24-denoiser",
    text="(L - 1 - h) / (L x)",
    meanings={"x": "noisy state, > 0", "h": "Hyvarinen score at x", **LOOKS},
    formula=_denoiser,
    second=lambda f, x, h, L: 1 / x - (1 + h) / L / x,
    scale_text="(L + 1 + |h|) / (L x)",
    scale=lambda f, x, h, L: (L + 1 + abs(h)) / (L * x),
    twins=(
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "L - h in place of L - 1 - h",
             lambda f, x, h, L: _denoiser(f, x, h - 1, L)),
        Twin("not_divided_by_x", Flag.H_VS_STEIN, "(L - 1 - h) / L",
             lambda f, x, h, L: (L - 1 - h) / L),
        Twin("inverse", Flag.SIGN, "its reciprocal, E[X_0] in place of E[1 / X_0]",
             lambda f, x, h, L: 1 / _denoiser(f, x, h, L)),
    ),
    cases=(
        *_DENOISER_CASES,
        *cases(Flag.NEAR_ROOT, "x h L", [(1.3, 2.9999999999999996, 4.0), (0.7, 0.4999999, 1.5)]),
        *cases(Flag.TAIL, "x h L", [
            (e(650), -3.5, 2.5), (e(-650), -1e3, 4.0), (1.1, -1e12, 0.7), (2.3, -0.5, 1e-12),
            (0.4, -2.0, 1e12),
        ]),
        *cases(Flag.SIGN, "x h L", [(1.6, -0.7, 3.0), (0.2, -4.1, 9.0)]),
        *scaled(_DENOISER_CASES[:2], "x", (500, -500)),
    ),
)  # fmt: skip


def _sample(f: Arithmetic, x0: Number, L: Number, g: Number) -> Number:
    return x0 * g / L


_SAMPLE_CASES = ordinary(
    {"x0": across(0.02, 50), "L": across(0.5, 30), "g": across(0.2, 40)}, (Flag.T_INDEX,), 18, 6
)

SAMPLE = VectorFunction(
    name="gamma_noise_sample",
    claim="R24",
    text="x0 g / L",
    meanings={"x0": "clean state, > 0", **LOOKS, "g": "a draw of Gamma(L, 1), > 0"},
    formula=_sample,
    second=lambda f, x0, L, g: f.exp(f.log(x0) + f.log(g) - f.log(L)),
    scale_text="out: a relative bound",
    scale=_sample,
    twins=(
        Twin("rate_one", Flag.T_INDEX, "x0 g: a mean of L", lambda f, x0, L, g: x0 * g),
        Twin("added", Flag.BASIC, "x0 + g / L", lambda f, x0, L, g: x0 + g / L),
    ),
    cases=(
        *_SAMPLE_CASES,
        *cases(Flag.TAIL, "x0 L g", [(e(690), 2.5, 3.0), (1.3, 0.2, 1e-30), (e(-690), 4.0, 5.5)]),
        *scaled(_SAMPLE_CASES[:2], "x0", (500, -500)),
    ),
)  # fmt: skip


def _chain(f: Arithmetic, x: Number, L: Number, M: Number, b: Number) -> Number:
    return x * b * L / M


_FALLING = ordinary(
    {"x": across(0.02, 50), "L": across(6, 40), "M": across(0.5, 5), "b": between(0.02, 1)},
    (Flag.T_INDEX,), 18, 6,
)  # fmt: skip

CHAIN = VectorFunction(
    name="gamma_chain_step",
    claim="R24b",
    text="x b L / M",
    meanings={
        "x": "state at L looks, > 0", "L": "looks now, > 0", "M": "looks after the step, < L",
        "b": "a draw of Beta(M, L - M), in (0, 1]",
    },
    formula=_chain,
    second=lambda f, x, L, M, b: f.exp(f.log(x) + f.log(b) + f.log(L / M)),
    scale_text="out: a relative bound",
    scale=_chain,
    twins=(
        Twin("looks_exchanged", Flag.T_INDEX, "x b M / L",
             lambda f, x, L, M, b: _chain(f, x, M, L, b)),
        Twin("mean_not_kept", Flag.BASIC, "x b", lambda f, x, L, M, b: x * b),
    ),
    cases=(
        *_FALLING,
        *cases(Flag.TAIL, "x L M b", [
            (e(690), 3.0, 2.5, 0.9), (1.3, 40.0, 1e-3, 1e-30), (e(-690), 5.5, 4.0, 0.7),
        ]),
        *scaled(_FALLING[:2], "x", (500, -500)),
    ),
)  # fmt: skip


def _ancestral(f: Arithmetic, x: Number, x0: Number, L: Number, M: Number, g: Number) -> Number:
    return (L * x + x0 * g) / M


_CHAIN_BOX = {
    "x": across(0.05, 20), "x0": across(0.1, 10), "L": across(0.5, 5), "M": across(6, 40),
    "g": across(0.3, 30),
}  # fmt: skip
_CHAIN_CASES = ordinary(_CHAIN_BOX, (Flag.T_INDEX,), basic=20, each=6)

ANCESTRAL = VectorFunction(
    name="gamma_ancestral_step",
    claim="R24b-ancestral",
    text="(L x + x0 g) / M",
    meanings={
        "x": "state at L looks, > 0", "x0": "clean state, > 0", "L": "looks now, > 0",
        "M": "looks after the step, > L", "g": "a draw of Gamma(M - L, 1), > 0",
    },
    formula=_ancestral,
    second=lambda f, x, x0, L, M, g: x * (L / M) + x0 * (g / M),
    scale_text="out: a relative bound",
    scale=_ancestral,
    twins=(
        Twin("looks_exchanged", Flag.T_INDEX, "(M x + x0 g) / L",
             lambda f, x, x0, L, M, g: _ancestral(f, x, x0, M, L, g)),
        Twin("added_noise", Flag.BASIC, "(L x + g) / M: the noise is not scaled by x0",
             lambda f, x, x0, L, M, g: (L * x + g) / M),
        Twin("looks_forgotten", Flag.T_INDEX, "(x + x0 g) / M",
             lambda f, x, x0, L, M, g: (x + x0 * g) / M),
    ),
    cases=(
        *_CHAIN_CASES,
        *cases(Flag.TAIL, "x x0 L M g", [
            (e(600), 1.2, 0.5, 3.0, 2.0), (1.3, e(-600), 2.0, 7.5, 4.0),
            (0.6, e(600), 1.5, 4.0, 1e-9),
        ]),
        *scaled(_CHAIN_CASES[:2], "x x0", (500, -500)),
    ),
)  # fmt: skip

FUNCTIONS = (SAMPLE, CONDITIONAL, DENOISER, CHAIN, ANCESTRAL)
