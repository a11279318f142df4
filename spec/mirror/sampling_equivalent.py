"""The noisy step of version 1, equation 16, and the density that it samples.

Symbols: p = e^l = e^{-loss} / Z  the target density;  c  constant term of the drift of log X;
n  noise variance per unit of time;  S  the derivative of log p;  r = sigma sqrt(delta).
"""

from typing import NamedTuple

from mpmath import mpf
from sympy import Expr, Function, Matrix, Rational, diag, diff, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1

_X = symbols("x1 x2", positive=True)
_C, _N = symbols("c n")


class Row(NamedTuple):
    """d log X = (c + X S) dt + sqrt(n) dW has the invariant density p^power * prod x^shift."""

    c: Expr | int
    n: Expr | int
    power: Expr | int
    shift: Expr | int


def is_invariant(row: Row) -> bool:
    """Whether the density of a row is invariant for two coordinates and every p.

    dX = X (c + X S + n/2) dt + sqrt(n) X dW by Ito's formula; its Fokker-Planck residual at
    p^power * (x1 x2)^shift must be zero.
    """
    target = Function("l")(*_X)
    density = row.power * target + row.shift * sum(log(x) for x in _X)
    drift = Matrix([x * (row.c + x * diff(target, x) + Rational(1, 2) * row.n) for x in _X])
    spread = row.n * diag(*(x**2 for x in _X))
    return vanishes(with_symbols(fokker_planck(density, drift, spread, plain_partials(_X))))


def is_the_noisy_step(candidate: tuple[Expr, Expr]) -> bool:
    """Whether eq. 13 with p = e^{-l} / Z is eq. 16, given (eta / r^2, mu / sigma^2).

    Left: the exponent -delta (mu - 3 sigma^2 / 2) + delta sigma^2 x S + r z with S = -l'. Right:
    -eta x l' + sqrt(eta) z, where sqrt(eta) = r is possible for eta = r^2 only.
    """
    rate, drift = candidate
    x, slope, r, z = symbols("x slope r z", positive=True)
    left = -(r**2) * (drift - Rational(3, 2)) + r**2 * x * (-slope) + r * z
    right = -rate * r**2 * x * slope + r * z
    return same(left, right) and same(rate, Rational(1))


def _log_law(row: Row, mean: mpf, variance: mpf) -> tuple[mpf, mpf]:
    """Mean and variance of log X under p^power * x^shift when p is log-normal."""
    spread = variance / row.power
    return mean + spread * (1 + row.shift - row.power), spread


_PLAIN, _NOISIER, _COMPLETE = Row(0, 1, 2, -1), Row(0, 2, 1, -1), Row(1, 2, 1, 0)


def _figures() -> tuple[Figure, ...]:
    mean, variance = mpf("0.3"), mpf("0.2")
    law = _log_law(_PLAIN, mean, variance)
    return (
        Figure("log-normal target, mean of log X", mean),
        Figure("log-normal target, variance of log X", variance),
        Figure("mean of log X under (16)", law[0]),
        Figure("variance of log X under (16)", law[1]),
    )


V1_16 = Claim(
    id="V1-16",
    title="equation 16 from equation 13",
    statement=r"With $p=e^{-\ell}/Z$, $\mu=\tfrac{3\sigma^2}2$ and $\eta=\delta\sigma^2$ the "
    r"Dale–Langevin step (13) is $X_{k-1}=X_k\circ\exp(-\eta X_k\circ\nabla\ell(X_k)+\sqrt\eta "
    r"Z_k)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v1("eq. 16"),
    sheet=("A13", "E14"),
    assumptions=(
        "one coordinate; all are alike",
        "the same loss at every k, which the forward process does not allow (see E14)",
    ),
    depends=("A13",),
    derivation=r"$\mu=\tfrac32\sigma^2$ removes the constant term of (13), $\nabla\log p=-\nabla"
    r"\ell$, and $\sigma\sqrt\delta=\sqrt\eta$. The experiments use $\mu=\tfrac12\sigma^2$, for "
    "which the constant term stays.",
    proof=Proof(
        is_the_noisy_step,
        holds=(Rational(1), Rational(3, 2)),
        twins={
            "mu = sigma^2 / 2": (Rational(1), Rational(1, 2)),
            "mu = 0": (Rational(1), Rational(0)),
            "eta = 2 delta sigma^2": (Rational(2), Rational(3, 2)),
        },
    ),
)

E14 = Claim(
    id="E14",
    title="what the sampling equivalent of EGD samples",
    statement=r"$d\log X=(c\mathbf 1+X\circ\nabla\log p(X))\,dt+\sqrt n\,dW$ has the invariant "
    r"density $p^{2/n}\prod_ix_i^{2c/n-1}$. For (16), $c=0$ and $n=1$, it is $p^2/\prod x_i$; "
    r"with noise $\sqrt{2\eta}$ it is $p/\prod x_i$; with the constant $c=1$ as well, which is "
    "(22) of version 2, it is $p$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("eq. 16", "abstract: sampling equivalent of EGD"),
    sheet=("E14",),
    assumptions=(
        "a fixed loss, p = e^{-loss} / Z, and the limit of small eta, in units of eta",
        "the density is a law where it can be normalised; decided for two coordinates, any p",
    ),
    depends=("V1-16", "A22", "E5"),
    derivation=r"In $y=\log x$ the drift $c+\partial_y\log p$ is the gradient of $\log p+cy$, and "
    r"Langevin dynamics with noise variance $n$ has the invariant density $e^{2(\log p+cy)/n}$ in "
    r"$y$; divide by $\prod x_i$ for the density in $x$. Decided by the Fokker–Planck residual "
    r"for all $c$, $n$ and $p$.",
    proof=Proof(
        is_invariant,
        holds=Row(_C, _N, 2 / _N, 2 * _C / _N - 1),
        twins={
            "p for the step with sqrt(2 eta) Z": _NOISIER._replace(shift=0),
            "p^2 without the Jacobian": _PLAIN._replace(shift=0),
            "p / x for the complete dynamics": _COMPLETE._replace(shift=-1),
        },
        printed={"p is what (16) samples": Row(0, 1, 1, 0)},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="a multiplicative update rule, which surprisingly, coincides with the sampling "
        r"equivalent of the exponential gradient descent update; $\bm X_{k-1}=\bm X_k\circ\exp(-"
        r"\eta\bm X_k\circ\nabla_{\bm X}\ell(\bm X)\mid_{\bm X=\bm X_k}+\sqrt\eta\bm Z_k)$ (16)",
        trouble=r"For a fixed loss the step does not sample $e^{-\ell}$; when $e^{-\ell}$ is "
        "log-normal, for one, it samples a law with half the log-variance and another centre. And "
        r"$p_{X_k}\propto e^{-\ell}$ with one $\ell$ cannot hold for all $k$: the forward process "
        "has no stationary law (E5).",
        correction=r"$X\circ\exp(\eta(\mathbf 1-X\circ\nabla\ell(X))+\sqrt{2\eta}Z)$, the Euler"
        "–Maruyama step of (22) in version 2. Within a reverse diffusion, with a score that "
        "changes with $k$, (13) needs neither change.",
        figures=_figures,
    ),
)

CLAIMS = (V1_16, E14)
