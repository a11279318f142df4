"""A finite data set: its exact score, and what the Dale-Langevin step makes of it (sheet R3).

Symbols: x^(n)  data points, c_n = log x^(n);  L = log x;  m, v as in `symbols`
         r_n    share of point n at x, proportional to exp(-|L - c_n - m|^2 / 2v)
         H      as a symbol: h = sigma^2 delta, the log-variance that one forward step adds
"""

from collections.abc import Callable
from itertools import pairwise

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, Rational, diff, exp, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import dt, m, mu, s2, v
from spec.targets import _data_formulas, _laws

_POINTS = tuple(Matrix(symbols(f"c{n}1 c{n}2")) for n in (1, 2, 3))

Shares = Callable[[Matrix, Matrix], Expr]  # (L, c_n + m) -> log of the share, up to a constant
Score = Callable[[tuple[Expr, ...], Matrix, Expr], Matrix]  # (shares, L, v) -> H


def is_the_score_of_data(candidate: tuple[Shares, Score]) -> bool:
    """Whether candidate = (log share, score) is right for three points in the plane.

    Left: the shares and x * grad log p of the mixture of N(c_n + m, v I) with equal weights,
    differentiated, with a symbol for each exponential. Right: the formulas. Shares are equal when
    the logarithms differ from those of the densities by the same for every point.
    """
    log_share, score = candidate
    centres = [c + m * Matrix([1, 1]) for c in _POINTS]
    phis = [-(_laws.Y - c).dot(_laws.Y - c) / (2 * v) for c in centres]
    gaps = [log_share(_laws.Y, c) - phi for c, phi in zip(centres, phis, strict=True)]
    if not vanishes([first - second for first, second in pairwise(gaps)]):
        return False
    as_symbols = {exp(phi): symbols(f"E{n}") for n, phi in enumerate(phis)}
    sizes = tuple(as_symbols.values())
    shares = tuple(size / sum(sizes) for size in sizes)
    log_density = log(sum(exp(phi) for phi in phis)) - sum(_laws.Y)
    left = Matrix([diff(log_density, y) for y in _laws.Y]).subs(as_symbols)
    return same(left, score(shares, _laws.Y, v))


def _log_share(y: Matrix, centre: Matrix) -> Expr:
    return -(y - centre).dot(y - centre) / (2 * v)


def _score(shares: tuple[Expr, ...], y: Matrix, variance: Expr) -> Matrix:
    """-1 + (sum r_n c_n + m - L) / v."""
    ones = Matrix([1, 1])
    return (_average(shares) + m * ones - y) / variance - ones


def _average(shares: tuple[Expr, ...]) -> Matrix:
    first, *others = (r * c for r, c in zip(shares, _POINTS, strict=True))
    return sum(others, first)


def is_the_last_step(landing: Callable[[Expr, Expr, Expr], Expr]) -> bool:
    """Whether the last Dale-Langevin step ends at log X = landing(D, y, sigma sqrt(dt) Z).

    One coordinate, from t = dt to 0 with the exact score of the data; y = log X before the step
    and D = sum r_n c_n, whatever the shares are. Left: the exponent of the step (A13) with the
    score at v = s2 dt and m = (mu - s2/2) dt. Right: the formula.
    """
    D, y, noise = symbols("D y noise")
    shift, added = (mu - s2 / 2) * dt, s2 * dt
    score = (D + shift - y) / added - 1
    left = y - dt * (mu - Rational(3, 2) * s2) + dt * s2 * score + noise
    return vanishes(left - landing(D, y, noise))


def is_the_blur(factor: mpf) -> bool:
    """Whether E min_n |log X - c_n|^2 = factor * h after the last step, for separated points.

    One coordinate, points at -c and c, the state before the step at y = c/2, c and 2c. There
    log X = D + sqrt(h) Z with D = c tanh(c y / h), and the minimum is (|log X| - c)^2, whose
    expectation over Z is closed. Separated means that k = c / sqrt(h) is large: the gap must be
    below (1 + k^2) e^{-k^2 / 2}, the order of the chance that Z carries log X past the middle.
    """
    with mpmath.workdps(50):
        return all(
            abs(_blur(mpf(k), mpf(place)) - factor) < (1 + k**2) * mpmath.exp(-(mpf(k) ** 2) / 2)
            for k in (4, 8, 12)
            for place in ("0.5", "1", "2")
        )


def _blur(k: mpf, place: mpf) -> mpf:
    """E min_n |log X - c_n|^2 / h for points at -k sqrt(h), k sqrt(h), state place * k sqrt(h)."""
    D = k * mpmath.tanh(place * k**2)
    size = mpmath.sqrt(2 / mpmath.pi) * mpmath.exp(-(D**2) / 2)  # of D + Z, in the mean
    size += D * mpmath.erf(D / mpmath.sqrt(2))
    return D**2 + 1 + k**2 - 2 * k * size


SCORE = Claim(
    id="R3",
    title="exact score of a finite data set",
    statement=r"For data $x^{(1)},\dots,x^{(n)}$, all equally likely, $X_t$ has a density for "
    r"$t>0$ and $H=-\mathbf 1+\frac1v\big(\sum_nr_n\log x^{(n)}+m-\log x\big)$ with "
    r"$r=\mathrm{softmax}\big(-\lVert\log x-\log x^{(n)}-m\rVert^2/2v\big)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R3",),
    assumptions=(
        "t > 0, so that v > 0",
        "the same m for each coordinate",
        "decided for three points of the plane, every coordinate a symbol",
    ),
    depends=("R2", "R2-score"),
    derivation=r"It is R2 with $S_j=0$: $\log X_t$ is a mixture of the laws $\mathcal N(\log "
    "x^{(n)}+m,vI)$. All determinants are equal, so the shares are a softmax of the exponents. "
    r"Then $\sum_nr_nu_n=-\frac1v\big(\log x-m-\sum_nr_n\log x^{(n)}\big)$ because the shares sum "
    r"to 1.",
    proof=Proof(
        is_the_score_of_data,
        holds=(_log_share, _score),
        twins={
            "shift m left out": (_log_share, lambda r, y, var: _score(r, y, var).subs(m, 0)),
            "the log score, without -1": (
                _log_share,
                lambda r, y, var: _score(r, y, var) + Matrix([1, 1]),
            ),
            "shares without the factor 1/2": (lambda y, c: 2 * _log_share(y, c), _score),
        },
    ),
    pins=(*_data_formulas.score_pins(), *_data_formulas.law_pins()),
)

LAST_STEP = Claim(
    id="R3-last-step",
    title="the last step is denoiser plus noise",
    statement=r"The Dale-Langevin step from $t=\delta$ to $0$ with the exact score of a finite "
    r"data set ends at $\log X_0=D(X_1)+\sigma\sqrt\delta\,Z$ with $D=\sum_nr_n\log x^{(n)}$, for "
    r"every $\mu$ and from every state.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R3",),
    assumptions=("full noise: kappa = 1", "constant rates on the step", "per coordinate"),
    depends=("A13", "R3"),
    derivation=r"With $v=h=\sigma^2\delta$ and $m=(\mu-\frac{\sigma^2}2)\delta$ the score is "
    r"$H=-1+(D+m-y)/h$. Put it into the exponent: $y-\delta\mu+\frac32h+hH=y-\delta\mu+\frac12h+"
    r"D+m-y=D$.",
    proof=Proof(
        is_the_last_step,
        holds=lambda D, y, noise: D + noise,
        twins={
            "denoiser without noise": lambda D, y, noise: D,
            "half of the way": lambda D, y, noise: (D + y) / 2 + noise,
            "log-mean kept in": lambda D, y, noise: D + (mu - s2 / 2) * dt + noise,
        },
    ),
)

BLUR = Claim(
    id="R3-blur",
    title="samples from the exact score of data are blurred data",
    statement=r"After that step the mean squared log-distance to the nearest data point tends to "
    r"$\mathbb E\min_n\lVert\log X-\log x^{(n)}\rVert^2=d\,h$, $h=\sigma^2\delta$, when the "
    r"points are far apart on the scale $\sqrt h$: training points, blurred with log-variance "
    r"$h$.",
    kind=Kind.PROVED,
    means=Means.NUMBERS,
    sheet=("R3",),
    assumptions=(
        "a limit: gaps between points over sqrt(h) tend to infinity",
        "the state before the step is not half-way between points",
        "decided for two points of one coordinate; each coordinate in which the points agree adds "
        "exactly h",
    ),
    depends=("R3-last-step",),
    derivation=r"$\log X=D+\sqrt hZ$. Two points at $\pm c$ have $D=c\tanh(cy/h)$, which is $\pm "
    r"c$ up to $2ce^{-2c\lvert y\rvert/h}$. Then $\min_n=(\lvert\log X\rvert-c)^2$ and $\mathbb E="
    r"D^2+h+c^2-2c\,\mathbb E\lvert D+\sqrt hZ\rvert$, with the mean of a folded normal variable "
    r"in closed form; it differs from $h$ by terms of order $e^{-c^2/2h}$.",
    proof=Proof(
        is_the_blur,
        holds=mpf(1),
        twins={
            "the points themselves": mpf(0),
            "half of it": mpf("0.5"),
            "one per cent more": mpf("1.01"),
        },
    ),
)

CLAIMS = (SCORE, LAST_STEP, BLUR)
