"""Likelihood by the probability flow on log-normal data, bits, and the flow's divergence."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary
from spec.vectors.records import Flag, Twin, VectorFunction

NAMES = "x a v0 v_s dm dv b q"


def _ends(
    f: Arithmetic, x: Number, a: Number, v0: Number, v_s: Number, dm: Number, dv: Number
) -> tuple[Number, Number]:
    """log X_T on the flow's path from x, and the factor by which deviations grow."""
    growth = f.sqrt((v0 + v_s + dv) / (v0 + v_s))
    return a + dm + growth * (f.log(x) - a), growth


def _likelihood(
    f: Arithmetic, x: Number, a: Number, v0: Number, v_s: Number, dm: Number, dv: Number,
    b: Number, q: Number,
) -> Number:  # fmt: skip
    y, growth = _ends(f, x, a, v0, v_s, dm, dv)
    return f.log_normal_density(y, b, q) + f.log(growth) - f.log(x)


def _pulled_back(
    f: Arithmetic, x: Number, a: Number, v0: Number, v_s: Number, dm: Number, dv: Number,
    b: Number, q: Number,
) -> Number:  # fmt: skip
    """The affine flow carries N(b, q) at T to another normal law at t_min."""
    shrink = (v0 + v_s) / (v0 + v_s + dv)
    mean, var = a + mpmath.sqrt(shrink) * (b - a - dm), q * shrink
    return f.log_normal_density(mpmath.log(x), mean, var) - mpmath.log(x)


def _likelihood_size(
    f: Arithmetic, x: Number, a: Number, v0: Number, v_s: Number, dm: Number, dv: Number,
    b: Number, q: Number,
) -> Number:  # fmt: skip
    y, growth = _ends(f, x, a, v0, v_s, dm, dv)
    terms = abs(a) + abs(dm) + growth * (abs(f.log(x)) + abs(a)) + abs(b) + 1
    density = abs(f.log(2 * f.pi() * q)) / 2 + (y - b) ** 2 / (2 * q) + abs(y - b) * terms / q
    return 1 + density + f.log(growth) + abs(f.log(x)) + abs(y)


LIKELIHOOD = VectorFunction(
    name="exact_log_likelihood",
    claim="R19-log-normal",
    text="log N(a + dm + R (log(x) - a); b, q) + log(R) - log(x), "
    "R = sqrt((v0 + v_s + dv) / (v0 + v_s)), N the normal density",
    meanings={
        "x": "state at t_min, > 0", "a": "mean of log X at t_min",
        "v0": "variance of log X_0, > 0", "v_s": "v(t_min) > 0",
        "dm": "m(T) - m(t_min), any number", "dv": "v(T) - v(t_min) > 0",
        "b": "mean of log X_T in the model", "q": "variance of log X_T in the model, > 0",
    },
    formula=_likelihood,
    second=_pulled_back,
    scale_text="1 + |log x| + |Y| + log(R) + |log 2 pi q| / 2 + (Y - b)^2 / (2 q) + |Y - b| "
    "(1 + |a| + |dm| + R (|log x| + |a|) + |b|) / q, Y = a + dm + R (log(x) - a)",
    scale=_likelihood_size,
    twins=(
        Twin("density_of_the_logarithm", Flag.H_VS_LOGSCORE, "the -log x is left out",
             lambda f, x, *rest: _likelihood(f, x, *rest) + f.log(x)),
        Twin("no_volume", Flag.BASIC, "the growth log(R) is left out",
             lambda f, x, a, v0, v_s, dm, dv, b, q: _likelihood(f, x, a, v0, v_s, dm, dv, b, q)
             - f.log((v0 + v_s + dv) / (v0 + v_s)) / 2),
        Twin("growth_of_the_variance", Flag.S_VS_S2, "R^2 in place of R",
             lambda f, x, a, v0, v_s, dm, dv, b, q: _likelihood(
                 f, x, a, v0, v_s, dm, 2 * dv + dv * dv / (v0 + v_s), b, q)),
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, a, v0, v_s, dm, dv, b, q:
             _likelihood(f, x, a, v0, v_s, dm + dv / 2, dv, b, q)),
        Twin("variance_at_zero", Flag.T_INDEX, "v0 in place of v0 + v_s",
             lambda f, x, a, v0, v_s, *rest: _likelihood(f, x, a, v0, 0, *rest)),
        Twin("logarithm_of_density", Flag.TAIL, "the density first, then its log, in float64",
             lambda f, *args: f.log(f.exp(_likelihood(f, *args))), naive=True),
    ),
    cases=(
        *ordinary({"x": across(0.05, 20), "a": between(-1.5, 1.5), "v0": across(0.02, 3),
                   "v_s": across(0.02, 1), "dm": between(-0.5, 0.5), "dv": across(0.1, 3),
                   "b": between(-1.5, 1.5), "q": across(0.2, 5)},
                  (Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.ITO, Flag.T_INDEX), basic=10, each=2),
        *cases(Flag.TAIL, NAMES, [
            (e(300), 0.3, 0.6, 0.1, 0.2, 0.5, 0.4, 1.2),
            (e(-400), -0.2, 0.5, 0.3, 0.1, 0.7, 0.0, 2.0),
            (e(60), 0.4, 0.02, 0.01, 0.0, 0.6, 0.1, 0.7),
        ]),
        *cases(Flag.SMALL_V, NAMES, [
            (e(0.3), 0.3, 1e-12, 1e-13, 0.2, 0.64, 0.5, 0.64),
            (1.0000002, 0.0, 1e-12, 1e-12, 0.0, 1e-12, 1e-7, 3e-12),
            (1.35, 0.3, 1e-9, 1e-10, 0.1, 0.5, 0.45, 1e6),
        ]),
        *cases(Flag.BASIC, NAMES, [
            (1.7, 600.0, 1e5, 10.0, 5.0, 3e4, -20.0, 1e3),
            (e(500), 499.5, 0.4, 0.2, 3.0, 0.6, 502.0, 1.1),
            (1.4, 0.3, 1e4, 10.0, 0.1, 1e-8, 0.4, 1e4),
        ]),
    ),
)  # fmt: skip


def _bits(f: Arithmetic, L: Number, d: Number, cell: Number) -> Number:
    return -L / (d * f.log(2)) - f.log(cell) / f.log(2)


BITS = VectorFunction(
    name="bits_per_dim",
    claim="R19-bits",
    text="-L / (d log 2) - log2(cell)",
    meanings={
        "L": "log-likelihood in nats", "d": "number of dimensions, a whole number >= 1",
        "cell": "distance of two grey levels, > 0",
    },
    formula=_bits,
    second=lambda f, L, d, cell: -mpmath.log(mpmath.exp(L / d) * cell, 2),
    scale_text="|L| / (d log 2) + |log2(cell)|",
    scale=lambda f, L, d, cell: abs(L) / (d * f.log(2)) + abs(f.log(cell) / f.log(2)),
    twins=(
        Twin("nats", Flag.S_VS_S2, "the logarithm to the base e",
             lambda f, L, d, cell: f.log(2) * _bits(f, L, d, cell)),
        Twin("whole_image", Flag.T_INDEX, "not divided by d",
             lambda f, L, d, cell: _bits(f, L, 1, cell)),
        Twin("no_cell", Flag.BASIC, "the cell is left out",
             lambda f, L, d, cell: _bits(f, L, d, 1)),
        Twin("log_likelihood", Flag.SIGN, "L of the other sign",
             lambda f, L, d, cell: _bits(f, -L, d, cell)),
        Twin("cell_once", Flag.BASIC, "the cell added to the density of the whole image",
             lambda f, L, d, cell: -(L + f.log(cell)) / (d * f.log(2))),
    ),
    cases=(
        *cases(Flag.BASIC, "L d cell", [
            (1234.5, 784.0, 1 / 256), (-310.25, 784.0, 1 / 256), (6071.1, 3072.0, 1 / 256),
            (-8.75, 2.0, 1 / 256), (0.7, 1.0, 0.5), (-1.3, 1.0, 2.0), (55.0, 12.0, 0.01),
            (-733.0, 97.0, 1 / 255), (4096.0, 1024.0, 0.125), (13.0, 7.0, 3.7),
        ]),
        *cases(Flag.SIGN, "L d cell", [
            (2.0, 3.0, 1.5), (-901.0, 196.0, 0.03125), (1e-3, 1.0, 0.75), (-17.0, 5.0, 1e-3),
        ]),
        *cases(Flag.S_VS_S2, "L d cell", [
            (99.0, 64.0, 1 / 64), (-99.0, 64.0, 1 / 64), (3.3, 2.0, 0.9), (812.0, 300.0, 1 / 1024),
        ]),
        *cases(Flag.T_INDEX, "L d cell", [
            (-5e4, 12288.0, 1 / 256), (7e4, 12288.0, 1 / 256), (-2.5, 4.0, 1.25),
            (40.0, 784.0, 0.2),
        ]),
        *cases(Flag.TAIL, "L d cell", [
            (1e15, 3.0, 1e-6), (-1e200, 784.0, 1 / 256), (1e-12, 2.0, 1.0000001),
            (-3e5, 1.0, 1e-300),
        ]),
        *cases(Flag.NEAR_ROOT, "L d cell", [
            (5.545177444479562, 1.0, 1 / 256), (-4347.419116, 784.0, 256.0), (0.69, 1.0, 0.5),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (LIKELIHOOD, BITS)
