"""The law of log X_0 given X_t for mixtures and data sets; what is out of reach of draws alone."""

from collections.abc import Iterable
from functools import cache

from sympy import Expr, Matrix, Symbol, diff, exp, expand, eye, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Erratum, Fault, Pin, v2
from spec.checking.diffusions import generator, plain_partials
from spec.checking.pins import when_asked
from spec.checking.symbols import L0, L, m, mu, sigma, t, v, v0
from spec.scores import _mixture
from spec.scores._posterior import NOISE
from spec.targets import _laws

y0, M0, u = symbols("y0 M0 u", real=True)
# Gain and covariance of log X_0 given X_t, and the covariance of log X_t, from (S, v, unit).
Law = tuple[_mixture.Entry, _mixture.Entry, _mixture.Entry]


def is_the_posterior(law: Law) -> bool:
    r"""Let $\log X_0$ have the covariance $S$ in one component of a log-normal mixture of the
    plane. Given $x$ the component is normal again: its mean moves by $[[gain]]$ times the
    deviation of $\log x$ from the mean of $\log X_t$ in it, and its covariance is
    $[[covariance]]$. Its share is in proportion to its weight times the density of $\log X_t$ in
    it at $\log x$, which is normal with the covariance $[[marginal]]$.

    Bayes' rule for one component: the density of the data times the kernel is that of $\log X_t$
    times the law given $x$. The exponents are quadratic forms, which agree block by block, and so
    do the determinants. Weights are factors on both sides, and shares come from dividing by the
    sum over the components. The points of a finite data set are the limit in which $S$ vanishes.
    """
    s11, s12, s22 = symbols("S11 S12 S22", real=True)
    S = Matrix([[s11, s12], [s12, s22]])
    gain, cov, marginal = (part(S, v, eye(2)) for part in law)
    # With C the covariance, 1/S + 1/v = 1/C, gain/C = 1/v and 1/v - 1/marginal = gain/C gain,
    # each times what it is divided by. So the marginal is S + v, and (S + v) C = v S: C is
    # invertible, and the determinants agree.
    found = S * cov + v * (cov - S), cov - v * gain, marginal - gain.T * marginal - v * eye(2)
    return all(map(vanishes, found))


def _gain(S: Matrix, v: Symbol, unit: Matrix) -> Matrix:
    return S * (S + v * unit) ** -1


def _cov(S: Matrix, v: Symbol, unit: Matrix) -> Matrix:
    return v * S * (S + v * unit) ** -1


def _noisy(S: Matrix, v: Symbol, unit: Matrix) -> Matrix:
    return S + v * unit


@cache
def _flat(law: Law) -> tuple[Expr, ...]:
    """Share, mean and covariance of the components given x."""
    return tuple(e for part in _mixture.given(*law) for e in _laws.flat(part))


@cache
def _law_scale() -> tuple[Expr, ...]:
    """Matrices come from eigenvectors, accurate to their norm."""
    size, exponent = _mixture.sizes()
    found = ((exponent * w, size, size, *4 * [S.norm()]) for w, _, S in _mixture.given(*LAW))
    return tuple(e for part in found for e in part)


LAW = _gain, _cov, _noisy
_S, _UNIT = symbols("S unit", commutative=False)
POSTERIOR = Claim(
    "mixture-posterior", "log X_0 given X_t is a mixture again", is_the_posterior, holds=LAW,
    twins={
        "gain of the noise": (lambda S, v, unit: v * (S + v * unit) ** -1, *LAW[1:]),
        "covariance of the data": (_gain, lambda S, v, unit: S, _noisy),
        "shares without the noise": (_gain, _cov, lambda S, v, unit: S),
    }, shown=lambda law: {
        name: part(_S, v, _UNIT)
        for name, part in zip(("gain", "covariance", "marginal"), law, strict=True)
    }, names={"unit": "I"}, sheet=("R3", "R5", "R7"),
    assumptions=(NOISE, "S is invertible; both sides are continuous in it down to zero"),
    depends=("A6", "R2"), pins=(
        Pin("gbm_ref.posterior_weights", _laws.POINTS, lambda law: _mixture.shares(law[2])), Pin(
            "gbm_ref.posterior_law", _laws.POINTS, _flat, scale=when_asked(_law_scale),
            variant="mixture",
        ), Pin(
            "gbm_ref.posterior_law", _laws.POINTS, lambda law: _flat(law)[1:7],
            scale=when_asked(lambda: _law_scale()[1:7]), variant="log-normal",
        ),
    ))  # fmt: skip

THREE = "draws from the marginal", "the score of the kernel", "the score of the marginal"
DRAWS, KERNEL_SCORE, MARGINAL_SCORE = THREE


def need_the_density(named: Iterable[str]) -> bool:
    r"""Of [[all]], what needs more than draws of the data, namely the law that they come from, is
    [[needs]].

    A draw of $X_t$ is a draw of $X_0$ times the exponential of a normal draw, $[[draw]]$ in
    logarithms with $Z$ a standard normal draw; this holds nothing of the law. It has the law of
    $X_t$ for every $X_0$: the logarithm of its moment generating function starts as that of $\log
    X_0$ and grows at the rate that the generator of $\log X$ gives. Of log-normal
    data the score of the marginal holds the mean or the variance, that of the kernel neither."""
    needed = {
        DRAWS: _DRAW.has(M0, v0) or not _draws_have_the_law(),
        KERNEL_SCORE: _depends_on_the_law(-((L - L0 - m) ** 2) / (2 * v) - L),
        MARGINAL_SCORE: _depends_on_the_law(-((L - M0 - m) ** 2) / (2 * (v0 + v)) - L),
    }
    return set(named) == {name for name, is_needed in needed.items() if is_needed}


Z = Symbol("Z")
_DRAW = y0 + (mu - sigma**2 / 2) * t + sigma * sqrt(t) * Z


def _draws_have_the_law() -> bool:
    """log E exp(u draw) is u times what is fixed and u^2 / 2 times the square of Z's factor."""
    exponent = u * _DRAW.subs(Z, 0) + (u * diff(_DRAW, Z)) ** 2 / 2
    wave, rates = exp(u * L), (Matrix([mu - sigma**2 / 2]), Matrix([sigma**2]))
    rate = expand(generator(wave, *rates, plain_partials([L])) / wave)
    return vanishes((diff(exponent, t) - rate, exponent.subs(t, 0) - u * y0))


def _depends_on_the_law(log_density: Expr) -> bool:
    score = diff(log_density, L)
    return not vanishes([diff(score, M0), diff(score, v0)])


E25 = Claim(
    "E25", "sampling the marginal is easy, its score is unknown", need_the_density,
    holds=frozenset({MARGINAL_SCORE}), equivalent=[MARGINAL_SCORE, MARGINAL_SCORE], twins={
        "nothing does": frozenset(), "both scores do": frozenset({MARGINAL_SCORE, KERNEL_SCORE}),
    },
    printed={"sampling is intractable, and so is the score": frozenset({DRAWS, MARGINAL_SCORE})},
    shown=lambda named: {"needs": " and ".join(sorted(named)) or "nothing"},
    values=lambda: {"all": ", ".join(THREE), "draw": _DRAW}, names={"y0": r"\log X_0"},
    sources=v2("sec. 4: sampling the marginal is intractable"),
    assumptions=(NOISE, "draws of X_0 are at hand (the training set)"),
    depends=("A6", "A14", "A16"), erratum=Erratum(
        Fault.WRONG,
        quote="'Generating samples from the marginal density [formula lost] is intractable, which "
        "makes [formula lost] impossible to work with directly.'",
        trouble="The forward process is sampled in closed form; so Section 3 of version 2 ('the "
        "closed-form expression allows us to generate samples from the forward process for any "
        "time instant'). That the explicit loss cannot be used directly is right for another "
        "reason: it contains the score of the marginal.",
        remains_open="Which symbol stood for the marginal is lost.",
    ))  # fmt: skip
CLAIMS = (POSTERIOR, E25)
