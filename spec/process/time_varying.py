"""Rates that depend on time: the equation, its kernel and the integrals m and v.

Symbols: mu, sigma  the rates at one time;  m, v  mean and variance that the kernel has added to
log x0 by then;  b0 + b1 t + b2 t^2 and c0 + c1 t  polynomial rates for the comparison of numbers.
"""

from sympy import Expr, Matrix, Pow, Rational, diff, exp, integrate, log, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Kind, Means, Pin, Proof, v2
from spec.checking.diffusions import fokker_planck, partials_of_exponentials
from spec.checking.symbols import L0, L, dt, m, mu, sigma, t, v, x


def is_the_kernel(rates: tuple[Expr, Expr]) -> bool:
    """Whether log X_t = N(log x0 + m, v) with (dm/dt, dv/dt) = rates, for mu(t) and sigma(t).

    Decided by the Fokker-Planck equation of dX = mu(t) X dt + sigma(t) X dW in x: at each time
    it holds the rates at that time alone, which are symbols, as are m and v.
    """
    log_density = -L - (L - L0 - m) ** 2 / (2 * v) - log(v) / 2
    change = sum(rate * diff(log_density, s) for rate, s in zip(rates, (m, v), strict=True))
    in_x = partials_of_exponentials((L,), (x,))
    flow = fokker_planck(log_density, Matrix([mu * x]), Matrix([sigma**2 * x**2]), in_x)
    return vanishes(change - flow)


b0, b1, b2, c0, c1 = symbols("b0 b1 b2 c0 c1", real=True)
x1, x2 = symbols("x1 x2", positive=True)
z1, z2 = symbols("z1 z2", real=True)

_DRIFT = b0 + b1 * t + b2 * t**2
_DIFFUSION = c0 + c1 * t
_MEAN = integrate(_DRIFT - _DIFFUSION**2 / 2, t)
_VARIANCE = integrate(_DIFFUSION**2, t)
# (c0 + c1 t)^3 = c0^3 + 3 c1 v solves v(t) = v.
_TIME = (Pow(c0**3 + 3 * c1 * v, Rational(1, 3)) - c0) / c1

_RATES = {"b0": 0.31, "b1": -0.7, "b2": 1.1, "c0": 0.45, "c1": 0.8, "T": 2.0}
_STEEP = {"b0": -2.0, "b1": 0.4, "b2": 0.05, "c0": 0.01, "c1": 3.0, "T": 1.0}
# Here mu(t) - sigma(t)^2 / 2 = -0.001 t^2: the mean nearly vanishes against v.
_NEAR = {"b0": 0.32, "b1": 0.08, "b2": 0.004, "c0": 0.8, "c1": 0.1, "T": 1.0}
_TIMES = ({**_RATES, "t": 1.3}, {**_STEEP, "t": 0.9}, {**_NEAR, "t": 0.4}, {**_RATES, "t": 1e-6})
_STEPS = (
    {**_RATES, "t": 1.3, "dt": 0.4},
    {**_STEEP, "t": 0.9, "dt": 1e-4},
    {**_NEAR, "t": 0.4, "dt": 0.4},
)
_STATES = (
    {**_TIMES[0], "x1": 1.3, "x2": 0.02, "z1": -0.4, "z2": 1.9},
    {**_TIMES[1], "x1": 7e-4, "x2": 210.0, "z1": 6.5, "z2": -6.5},
)
# The quadrature promises 1e-13 of the value or, for m, 1e-14 of v, for any rates. For polynomials
# its rule is exact, and what is left is the rounding of its sums.
_QUADRATURE = 100.0


def _over_step(antiderivative: Expr) -> Expr:
    return antiderivative - antiderivative.subs(t, t - dt)


def _sample(scale: Expr) -> tuple[Expr, Expr]:
    return tuple(x * exp(_MEAN + scale * z) for x, z in ((x1, z1), (x2, z2)))


def _sample_scale() -> tuple[Expr, Expr]:
    """The state times the sizes of m, of sqrt(v) z, and one for the exponential."""
    parts = (abs(_MEAN) + _VARIANCE / 10 + sqrt(_VARIANCE) * abs(z) + 1 for z in (z1, z2))
    return tuple(state * part for state, part in zip(_sample(sqrt(_VARIANCE)), parts, strict=True))


_PINS = (
    Pin(
        "gbm_ref.TimeVaryingGBM.drift",
        formula=_DRIFT,
        twins={"the drift of log X": _DRIFT - _DIFFUSION**2 / 2},
        points=_TIMES,
    ),
    Pin(
        "gbm_ref.TimeVaryingGBM.diffusion",
        formula=_DIFFUSION,
        twins={"its square": _DIFFUSION**2},
        points=_TIMES,
    ),
    Pin(
        "gbm_ref.TimeVaryingGBM.log_mean",
        formula=_MEAN,
        twins={
            "no Itô term": integrate(_DRIFT, t),
            "rates at the end of the interval": t * (_DRIFT - _DIFFUSION**2 / 2),
        },
        points=_TIMES,
        scale=abs(_MEAN) + _VARIANCE / 10,
        k=_QUADRATURE,
    ),
    Pin(
        "gbm_ref.TimeVaryingGBM.log_var",
        formula=_VARIANCE,
        twins={
            "square of the integral": integrate(_DIFFUSION, t) ** 2,
            "rate at the end of the interval": t * _DIFFUSION**2,
        },
        points=_TIMES,
        scale=_VARIANCE,
        k=_QUADRATURE,
    ),
    Pin(
        "gbm_ref.TimeVaryingGBM.increments",
        formula=(_over_step(_MEAN), _over_step(_VARIANCE)),
        twins={"from zero": (_MEAN, _VARIANCE)},
        points=(*_STEPS, {**_RATES, "t": 0.7, "dt": 0.2}),
        # The second part: t - dt is rounded, which moves an end of the interval.
        scale=(
            abs(_over_step(_MEAN))
            + _over_step(_VARIANCE) / 10
            + t * abs(_DRIFT - _DIFFUSION**2 / 2) / 50,
            _over_step(_VARIANCE) + t * _DIFFUSION**2 / 50,
        ),
        k=_QUADRATURE,
    ),
    Pin(
        "gbm_ref.TimeVaryingGBM.time_at_log_var",
        formula=_TIME,
        twins={"rate at time zero kept": v / c0**2},
        points=(
            {**_RATES, "v": 0.9},
            {**_RATES, "v": 1e-9},
            {**_STEEP, "v": 1e-3},
            {**_NEAR, "v": 0.7},
        ),
        # The error of v over dv/dt = sigma^2; the root search stops at a few units of t.
        scale=v / (c0 + c1 * _TIME) ** 2 + _TIME,
        k=_QUADRATURE,
    ),
    Pin(
        "gbm_ref.TimeVaryingGBM.sample",
        formula=_sample(sqrt(_VARIANCE)),
        twins={"variance for deviation": _sample(_VARIANCE)},
        points=_STATES,
        scale=_sample_scale(),
        k=16.0,
    ),
)

A33 = Claim(
    id="A33",
    title="drift and diffusion that depend on time",
    statement=r"$d\log X_t=\big(\mu(t)-\tfrac{\sigma^2(t)}2\mathbf 1\big)dt+\sigma(t)\,dW_t$ for "
    r"$dX_t=\mu(t)\circ X_t\,dt+\sigma(t)X_t\circ dW_t$, with the exact kernel $\log X_t\mid "
    r"X_0\sim\mathcal N(\log X_0+m(t),v(t)I)$, $m(t)=\int_0^t(\mu-\tfrac{\sigma^2}2)ds$, "
    r"$v(t)=\int_0^t\sigma^2ds$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 33"),
    sheet=("A33",),
    assumptions=(
        "mu(t) and sigma(t) > 0 are integrable, sigma also squared, and do not depend on X",
        "formula lost in the text of version 2; reconstructed: eq. 8 with rates that depend on "
        "time, as the words around it say",
    ),
    depends=("A5", "A8"),
    derivation=r"The log-normal density with parameters $\log x_0+m$ and $v$ is put into "
    r"$\partial_tp=-\partial_x(\mu(t)xp)+\tfrac12\partial_x^2(\sigma^2(t)x^2p)$. Only $\dot "
    r"m,\dot v$ and the rates at that time enter; the residual vanishes for all $x$ if and only "
    r"if $\dot m=\mu-\tfrac{\sigma^2}2$ and $\dot v=\sigma^2$. Per coordinate. The integrals of "
    "`gbm_ref` are compared for polynomial rates, where they are closed forms.",
    proof=Proof(
        is_the_kernel,
        holds=(mu - sigma**2 / 2, sigma**2),
        twins={
            "no Itô term": (mu, sigma**2),
            "Itô term of the reverse equation": (mu - 3 * sigma**2 / 2, sigma**2),
            "sigma for sigma^2": (mu - sigma**2 / 2, sigma),
        },
    ),
    pins=_PINS,
)

CLAIMS = (A33,)
