"""The stochastic differential equations that the paper starts from: nothing to prove.

Symbols: mu, sigma  drift and diffusion rates of X; log X then has drift mu - sigma^2 / 2.
"""

from spec.checking.old import Claim, Kind, Means, Pin, v1, v2
from spec.checking.symbols import mu, sigma

# The last point is the paper's sigma with a drift that nearly cancels sigma^2 / 2.
_RATES = (
    {"mu": 0.37, "sigma": 0.8, "t": 0.25, "T": 1.0},
    {"mu": -1.9, "sigma": 1.7, "t": 2.75, "T": 3.0},
    {"mu": 0.3200001, "sigma": 0.8, "t": 0.0, "T": 1.0},
)

A1 = Claim(
    id="A1",
    title="a forward equation",
    statement=r"$dX_t = \mathsf h(X_t,t)\,dt + \mathsf g(X_t,t)\,dW_t$ in the sense of Itô, with "
    r"$\mathsf h:\mathbb R^d\times[0,1]\to\mathbb R^d$ and $\mathsf g:\mathbb "
    r"R^d\times[0,1]\to\mathbb R^{d\times d}$.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 3"), *v2("eq. 1")),
    sheet=("A1",),
    assumptions=(
        "h and g are measurable, Lipschitz and of at most linear growth in x, uniformly in t: "
        "then there is one solution for each X_0 (Øksendal, Theorem 5.2.1)",
    ),
    reason="It names the process that is meant. The formula is lost in the text of version 2; the "
    "form of version 1 is taken, which its sentence repeats.",
)

A4 = Claim(
    id="A4",
    title="geometric Brownian motion of one variable",
    statement=r"$dX_t = \mu X_t\,dt + \sigma X_t\,dW_t$, $X_0>0$, $\sigma>0$, in the sense of "
    r"Itô. The paper chooses $\mu=\sigma^2/2$, which makes $\log X_t$ free of drift.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 6"), *v2("eq. 4")),
    sheet=("A4",),
    depends=("A1",),
    reason="It defines the process. The formula is lost in the text of version 2; the form of "
    "version 1 is taken. That the state is positive is part of solution-scalar.",
    pins=(
        Pin(
            "gbm_ref.GBM.drift",
            formula=sigma**2 / 2,
            twins={"sigma^2 without the half": sigma**2},
            points=({"sigma": 0.8, "t": 0.25, "T": 1.0}, {"sigma": 1.7, "t": 2.75, "T": 3.0}),
            variant="mu not given",
        ),
    ),
)

A5 = Claim(
    id="A5",
    title="geometric Brownian motion of a vector",
    statement=r"$dX_t = \mu\circ X_t\,dt + \sigma X_t\circ dW_t$ with $\mu\in\mathbb R^d$, one "
    r"$\sigma>0$ for all entries and $d$ independent Brownian motions.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 7"), *v2("eq. 5")),
    sheet=("A5",),
    assumptions=("X_0 has positive entries and is independent of W",),
    depends=("A1", "A4"),
    reason="It defines the process: the scalar equation in each entry, coupled only through X_0. "
    "The formula is lost in the text of version 2; the form of version 1 is taken.",
    pins=(
        Pin(
            "gbm_ref.GBM.drift",
            formula=mu,
            twins={"the drift of log X": mu - sigma**2 / 2},
            points=_RATES,
        ),
        Pin(
            "gbm_ref.GBM.diffusion",
            formula=sigma,
            twins={"its square": sigma**2},
            points=_RATES,
        ),
    ),
)

CLAIMS = (A1, A4, A5)
