"""A fitted start of the samplers against the law at the horizon: erratum E22.

Two pixels stand for all: their log moments there are means M1, M2, variances S11, S22 and
covariance S12. Symbols: Delta = M1 - M2; v, v_N log-variances on the way, v_N where it starts;
B the variance of a start.
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Symbol, eye, lambdify, ones, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, v1, v2
from spec.divergence.gaussian import kl, law
from spec.divergence.terminal_mismatch import DEFINITE, single_fit

_S11, _S12, _S22, _Delta = symbols("S11 S12 S22 Delta")
_v, _vN, _B = symbols("v v_N B")
_s2, _c, _gap = symbols("s2 c gap", positive=True)
_TWO = {_S11: _s2 + _c / 2, _S22: _s2 + _c / 2, _S12: _c / 2, _Delta: _gap}


def are_the_costs(excesses: Mapping[str, Expr]) -> bool:
    r"""For two pixels with the covariance $\Sigma$ and the difference $\Delta$ of means in $\log
    X_1$, the best start with independent pixels is at the divergence of half the logarithm of one
    and $[[product]]$ from the Gaussian of these moments, and the best start with one pair
    $(\hat\mu,\hat\sigma)$ further by half the logarithm of one and $[[pair]]$. By R23 the law of
    $\log X_1$ is at least as far.

    At the fits of R23-product and R23-single the quadratic terms of gaussian-kl cancel and the
    logarithms remain. Those are symbols, of which the quotients under them are read off.
    """
    p = law("S")
    logs = symbols("log_S11 log_S22 log_fit")
    product = kl(p[1], Matrix.diag(_S11, _S22), 0 * p[0], p[2] - logs[0] - logs[1])
    mean, variance, _ = single_fit(p)
    single = kl(p[1], variance * eye(2), p[0] - mean * ones(2, 1), p[2] - 2 * logs[2])
    in_logs = (logs[0] + logs[1] - p[2], 2 * logs[2] - p[2])
    means = {Symbol("S1"): _Delta / 2, Symbol("S2"): -_Delta / 2}
    factors = {
        "product": _S11 * _S22 / p[1].det(),
        "pair": variance.subs(means) ** 2 / (_S11 * _S22),
    }
    return vanishes(
        (2 * product - in_logs[0], 2 * single - in_logs[1])
        + tuple(factor - 1 - excesses[name] for name, factor in factors.items())
        + tuple(_image(Integer(2))[name] - 1 - f.subs(_TWO) for name, f in excesses.items())
    )


def _image(d: Expr) -> dict[str, Expr]:
    """What is under the half logarithms for d pixels, half of them brighter by `gap`, with one
    component of log-variance c that all pixels share."""
    pixel = _s2 + _c / d
    return {
        "product": (pixel / _s2) ** d / (1 + _c / _s2),
        "pair": (1 + _gap**2 / (4 * pixel)) ** d,
    }


def _pair(variances: int = 1, means: int = 1) -> Expr:
    return (
        variances * (_S11 - _S22) ** 2 / 4
        + means * ((_S11 + _S22) * _Delta**2 / 4 + _Delta**4 / 16)
    ) / (_S11 * _S22)


def _figures() -> tuple[Figure, ...]:
    """An image with one component in the log, half of the pixels brighter."""
    with mpmath.workdps(50):
        d, s2, component, gap = 784, mpf("0.64"), mpf(2), mpmath.log(2) / 2
        names = (_s2, _c, _gap)
        parts = (lambdify(names, f, "mpmath")(s2, component, gap) for f in _image(d).values())
        product, more = (mpmath.log(part) / 2 for part in parts)
        single = product + more
        kept = _shrunk(component, component + s2)
    shift = f"{mpmath.nstr(gap, 4)} in the log"
    image = f"{d} pixels, sigma^2 = {mpmath.nstr(s2)}, a component of log-variance {component}"
    return (
        Figure(f"best product, nats ({image})", product),
        Figure(f"one pair for all pixels, half of them brighter by {shift}, nats", single),
        Figure("share of a start's error along the component that is left at t = 0", kept),
    )


_COSTS = {"product": _S12**2 / (_S11 * _S22 - _S12**2), "pair": _pair()}
E22 = Claim(
    "E22",
    "a fitted log-normal is not the law at the end",
    are_the_costs,
    holds=_COSTS,
    twins={
        "correlation squared over the product": _COSTS | {"product": _S12**2 / (_S11 * _S22)},
        "means left out": _COSTS | {"pair": _pair(means=0)},
        "variances left out": _COSTS | {"pair": _pair(variances=0)},
    },
    printed={"the start is the law at the end": {"product": Integer(0), "pair": Integer(0)}},
    names={f"S{i}": rf"\Sigma_{{{i}}}" for i in (11, 12, 22)},
    sources=v1("App. D.4: initial fit") + v2("sec. 6.2: lognormal initialization"),
    assumptions=(DEFINITE,),
    depends=("R23", "R23-product", "R23-single", "E21"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Version 1, Appendix D.4: “we must draw a sample $\\bm X_{N-1}$ from the "
        "log-normal density, whose parameters $\\hat{\\bm\\mu},\\hat\\sigma$ are obtained by "
        "fitting a log-normal density to the histogram of pixel intensities of the samples at the "
        "end of the forward process”; Section 5.1: “$\\bm X_{N-1}$ is log-normally distributed”.",
        trouble="The law at the end is the data law, blurred in the log: pixels keep their own "
        "means and their correlations. A histogram of pooled pixels sees neither, and one pair of "
        "parameters cannot hold them. The sampler has no way to repair it: of an error along a "
        "principal component a share is left (E22-shrink). Version 2 is right that initialization "
        "is critical (Section 6.4), and this is a reason why.",
        advice="State the start as an approximation with its price (R23-single); raise $\\sigma$ "
        "until the image is gone, or start from the Gaussian with the moments of the law at the "
        "end. For MNIST and Fashion-MNIST the prices are measured by `python -m "
        "validation.terminal_mismatch`; see `validation/results/terminal_mismatch.json`.",
        figures=_figures,
        remains_open="Version 2's fitted values (its Table 2) are lost in the text we have.",
    ),
)


def is_the_way_back(found: Mapping[str, Expr]) -> bool:
    r"""Along a log principal component, with its exact linear score, the reverse equation has at
    $v$ the variance $[[variance]]$ if it starts at $v_N$ with the variance $B$, and of an error in
    the mean there the share $[[error]]$ is left. At the data $v$ is the variance of the component,
    and $v_N$ is that and $\sigma^2$.

    The drift takes the state to its mean at the rate of $\sigma^2$ over $v$ while $v$ falls at the
    rate $\sigma^2$: in $v$ the variance obeys an equation with the rate $[[rate]]$ at the variance
    $V$, and a mean error $E$ one with the rate $[[mean rate]]$. Both are solved, with the values
    at $v_N$.
    """
    variance, error = found["variance"], found["error"]
    return vanishes(
        (
            variance.diff(_v) - _rates()["rate"].subs("V", variance),
            error.diff(_v) - _rates()["mean rate"].subs("E", error),
            variance.subs(_v, _vN) - _B,
            error.subs(_v, _vN) - 1,
        )
    )


def _rates() -> dict[str, Expr]:
    """dV/dv and dE/dv of the reverse equation A10: a drift of sigma^2 times the score, with noise
    of variance sigma^2, while v falls by sigma^2; the score is that of a normal law of variance
    v."""
    V, E, y = symbols("V E y")
    slope = (-(y**2) / (2 * _v)).diff(y, 2)
    return {"rate": -(2 * slope * V + 1), "mean rate": -slope * E}


def _shrunk(now: Expr, start: Expr) -> Expr:
    return now / start


_WAY = {"variance": _v + _shrunk(_v, _vN) ** 2 * (_B - _vN), "error": _shrunk(_v, _vN)}
SHRINK = Claim(
    "E22-shrink",
    "how much of a wrong start is left",
    is_the_way_back,
    holds=_WAY,
    twins={
        "shrinks like the mean": _WAY | {"variance": _v + _v / _vN * (_B - _vN)},
        "forgets the start": _WAY | {"variance": _v},
        "without the noise of the way": _WAY | {"variance": (_v / _vN) ** 2 * _B},
        "the mean shrinks like the variance": _WAY | {"error": (_v / _vN) ** 2},
    },
    values=_rates,
    sources=v2("sec. 6.4: initialization is critical"),
    sheet=("E22",),
    assumptions=("exact score of Gaussian log-data, exact integration (R9-closed: finite steps)",),
    depends=("R9-limit", "A10"),
)

CLAIMS = (E22, SHRINK)
