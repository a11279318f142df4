"""A fitted start of the samplers against the law at the horizon: erratum E22.

Symbols: S11, S22, S12 the covariance of the log moments of two pixels, Delta the difference of
their means S1, S2; v the log-variance on the way back, v_N where it starts.
"""

from collections.abc import Mapping

from sympy import Expr, Integer, Rational, Symbol, exp, log, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, v1, v2
from spec.divergence.gaussian import DEFINITE, law
from spec.divergence.terminal_mismatch import LOG_OF_ONE, LOGS, product_fit, single_fit

_S11, _S12, _S22, _Delta = symbols("S11 S12 S22 Delta")
_v, _vN, _B = symbols("v v_N B")
_V, _E, _y = symbols("V E y")


def are_the_costs(excesses: Mapping[str, Expr]) -> bool:
    r"""For two pixels with the covariance $\Sigma$ and the difference $\Delta$ of means in $\log
    X_1$, the best start with independent pixels is at the divergence of half the logarithm of one
    and $[[product]]$ from the Gaussian of these moments, and the best start with one pair
    $(\hat\mu,\hat\sigma)$ further by half the logarithm of one and $[[pair]]$. By R23 the law of
    $\log X_1$ is at least as far.

    The costs of R23-product and R23-single are halves of logarithms, here of these quotients.
    """
    p = law("S")
    (_, cov, product), (_, variance, single) = product_fit(p), single_fit(p)
    logs = {p[2]: log(p[1].det()), LOG_OF_ONE: log(variance)}
    logs |= dict(zip(LOGS, map(log, cov.diagonal()), strict=True))
    quotients = {
        "product": exp(2 * product.subs(logs)),
        "pair": exp(2 * (single - product).subs(logs)),
    }
    moved = {_Delta: Symbol("S1") - Symbol("S2")}
    return vanishes(tuple(q - 1 - excesses[name].subs(moved) for name, q in quotients.items()))


_PAIR = ((_S11 - _S22) ** 2 / 4 + (_S11 + _S22) * _Delta**2 / 4 + _Delta**4 / 16) / (_S11 * _S22)


def _figures() -> tuple[Figure, ...]:
    shared, rate, apart = Integer(1), Rational("0.64"), log(2) / 2
    pixel = shared / 2 + rate
    at = {_S11: pixel, _S22: pixel, _S12: shared / 2, _Delta: apart}
    product, more = (float(log(1 + excess.subs(at)) / 2) for excess in _COSTS.values())
    left = _WAY["error"].subs({_v: shared, _vN: shared + rate})
    pixels = f"two pixels, sigma^2 = {float(rate)}, a shared component of log-variance {shared}"
    return (
        Figure(f"best product, nats ({pixels})", product),
        Figure(f"one pair for both, log means {float(apart):.4g} apart, nats", product + more),
        Figure("share of a start's error along that component that is left", float(left)),
    )


_COSTS = {"product": _S12**2 / (_S11 * _S22 - _S12**2), "pair": _PAIR}
E22 = Claim(
    "E22", "a fitted log-normal is not the law at the end", are_the_costs, holds=_COSTS, twins={
        "correlation squared over the product": _COSTS | {"product": _S12**2 / (_S11 * _S22)},
        "means left out": _COSTS | {"pair": _PAIR.subs(_Delta, 0)},
        "variances left out": _COSTS | {"pair": _PAIR - (_S11 - _S22) ** 2 / (4 * _S11 * _S22)},
    }, printed={"the start is the law at the end": {"product": Integer(0), "pair": Integer(0)}},
    names={f"S{i}": rf"\Sigma_{{{i}}}" for i in (11, 12, 22)},
    sources=v1("App. D.4: initial fit") + v2("sec. 6.2: lognormal initialization"),
    assumptions=(DEFINITE,), depends=("R23", "R23-product", "R23-single", "E21"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Version 1, Appendix D.4: “we must draw a sample $\\bm X_{N-1}$ from the "
        "log-normal density, whose parameters $\\hat{\\bm\\mu},\\hat\\sigma$ are obtained by "
        "fitting a log-normal density to the histogram of pixel intensities of the samples at the "
        "end of the forward process”; Section 5.1: “$\\bm X_{N-1}$ is log-normally distributed”.",
        trouble="The law at the end is the data law, blurred in the log: pixels keep their own "
        "means and their correlations. A histogram of pooled pixels sees neither, and one pair of "
        "parameters cannot hold them. Of an error along a principal component the sampler leaves "
        "a share (E22-shrink). Version 2 says that initialization is critical (Section 6.4): this "
        "is a reason why.",
        advice="State the start as an approximation with its price (R23-single); raise $\\sigma$ "
        "until the image is gone, or start from the Gaussian with the moments of the law at the "
        "end. Prices for MNIST and Fashion-MNIST: `validation/results/terminal_mismatch.json`.",
        figures=_figures,
        remains_open="Version 2's fitted values (its Table 2) are lost in the text we have.",
    ),
)  # fmt: skip


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
            variance.diff(_v) - _RATES["rate"].subs(_V, variance),
            error.diff(_v) - _RATES["mean rate"].subs(_E, error),
            variance.subs(_v, _vN) - _B,
            error.subs(_v, _vN) - 1,
        )
    )


# dV/dv and dE/dv of the reverse equation A10: a drift of sigma^2 times the score, here that of a
# normal law of variance v, with noise of variance sigma^2, while v falls by sigma^2.
_SLOPE = (-(_y**2) / (2 * _v)).diff(_y, 2)
_RATES = {"rate": -(2 * _SLOPE * _V + 1), "mean rate": -_SLOPE * _E}
_WAY = {"variance": _v + (_v / _vN) ** 2 * (_B - _vN), "error": _v / _vN}
SHRINK = Claim(
    "E22-shrink", "how much of a wrong start is left", is_the_way_back, holds=_WAY, twins={
        "shrinks like the mean": _WAY | {"variance": _v + _v / _vN * (_B - _vN)},
        "forgets the start": _WAY | {"variance": _v},
        "without the noise of the way": _WAY | {"variance": (_v / _vN) ** 2 * _B},
        "the mean shrinks like the variance": _WAY | {"error": (_v / _vN) ** 2},
    }, values=lambda: _RATES, sources=v2("sec. 6.4: initialization is critical"), sheet=("E22",),
    assumptions=("exact score of Gaussian log-data, exact integration (R9-closed: finite steps)",),
    depends=("R9-limit", "A10"),
)  # fmt: skip

CLAIMS = (E22, SHRINK)
