"""Which laws the process has: given X_0, whatever X_0 is, and none at rest. E is exp(-theta t)."""

from mpmath import mpf
from sympy import Expr, Integer, Matrix, Rational, cancel, diff, exp, integrate, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Means, Values, v1, v2
from spec.checking.diffusions import generator, isotropic
from spec.checking.symbols import M, V, m, mu, s2, sigma, t
from spec.checking.typeset import Sde
from spec.process.equations import A9, UNIQUE, left_over

y, y0, y1, y2, L01, L02, mu1, mu2, center = symbols("y y0 y1 y2 L01 L02 mu1 mu2 center", real=True)
w, K, c1, c2, c3 = symbols("w K c1 c2 c3", real=True)
value, theta, E = symbols("value theta E", positive=True)
FREE = mu - s2 / 2
_NAMES = {"L01": r"\log X_{0,1}", "L02": r"\log X_{0,2}", "K": "K_0(w)", "c1": r"\kappa_1",
          "c2": r"\kappa_2", "c3": r"\kappa_3", "y0": "Y_0", "center": r"\bar y"}  # fmt: skip


def is_the_law_given_the_data(law: tuple[Matrix, Matrix]) -> bool:
    r"""Given $X_0$, the logarithms of two entries of $X_t$ are normal with mean $[[mean]]$ and
    covariance $[[covariance]]$. The entries are log-normal and independent given $X_0$; their
    laws may differ, as the data and the drifts may.

    The normal density solves the Fokker-Planck equation of A8 in the plane and shrinks to the
    data at the start. Its covariance is diagonal, hence independence."""
    start = Matrix([*law[0], *law[1]]).subs(t, 0) - Matrix([L01, L02, 0, 0, 0, 0])
    drift = mu1 - s2 / 2, mu2 - s2 / 2
    return vanishes(start) and vanishes(left_over(law, drift, isotropic(s2), (y1, y2)))


def _parameters() -> tuple[Figure, ...]:
    rate, time, start = mpf("0.8"), mpf("0.1"), 2
    at = {mu1: rate**2 / 2, s2: rate**2, t: time, L01: log(start)}
    where = f"at x0 = {start}, t = {time}, sigma = {rate}, mu = sigma^2/2"
    return (
        Figure(f"mean of log X_t {where}", mpf(_MEANS[0].subs(at).evalf(30))),
        Figure("as stated, mu", at[mu1]),
        Figure("variance of log X_t", mpf(_NOISE[0, 0].subs(at))),
        Figure("as stated, sigma^2", at[s2]),
    )


_MEANS = Matrix([L01 + (mu1 - s2 / 2) * t, L02 + (mu2 - s2 / 2) * t])
_NOISE, _HALF = s2 * t * Matrix.eye(2), Rational(1, 2)
E6 = Claim(
    "E6", "law of X_t given X_0: parameters and independence", is_the_law_given_the_data,
    holds=(_MEANS, _NOISE), twins={
        "no Itô term": (_MEANS.subs(s2, 0), _NOISE), "variance sigma^2 t^2": (_MEANS, t * _NOISE),
        "entries correlated": (_MEANS, s2 * t * Matrix([[1, _HALF], [_HALF, 1]])),
    }, printed={
        "parameters mu and sigma^2 I": (Matrix([mu1, mu2]), s2 * Matrix.eye(2)),
        "identically distributed entries": (Matrix([_MEANS[0], _MEANS[0]]), _NOISE),
    }, shown=lambda law: dict(zip(("mean", "covariance"), law, strict=True)), names=_NAMES,
    sources=v1("sec. 4: law of the solution of eq. 6", "sec. 4: law of X_t")
    + v2("sec. 3: solution of eq. 4", "sec. 3: law of X_t"), assumptions=(
        Assumption(
            "X_0 is given", "the law shrinks to one point",
            lambda: not is_the_law_given_the_data((_MEANS, _NOISE + Matrix.eye(2))),
        ), UNIQUE,
    ), depends=("A6", "A8"), erratum=Erratum(
        Fault.WRONG,
        quote=r"(after eq. 6) The solution ... evolves to follow a log-normal distribution with "
        r"parameters $\mu$ and $\sigma^2$. (after eq. 8) The distribution of $\boldsymbol X_t$, "
        r"as it evolves according to Eq. (8), has i.i.d. entries that are log-normally "
        r"distributed with parameters $\boldsymbol\mu$ and $\sigma^2\mathbb I$",
        trouble="The parameters depend on time and on the start. Pixels of different values and "
        "one drift have different laws; without $X_0$ they are dependent if the data make them "
        "so.", figures=_parameters,
        remains_open="Version 2 has the same words, in Section 3 for one quantity 'given' "
        "another; its parameters are lost. The solution that follows (A6) is right."))  # fmt: skip


def is_the_generating_function(cumulants: Expr) -> bool:
    r"""Let $K_t(w)$ be the logarithm of the moment generating function of $\log X_t$, for one
    entry. For every law of the data $K_t(w)=[[it]]$. So the cumulants of order three and more,
    where they exist, are those of $\log X_0$ at all times, and $\log X_t$ is normal only if
    $\log X_0$ is normal or a point.

    The generator of $\log X$ multiplies the exponential of $w\log X$ by the rate of $K_t$, which
    holds nothing of the law; at the start $K_t$ is $K_0$. The two differ by a polynomial in $w$ of
    degree at most two without a constant. For imaginary $w$ the exponential of $K_t$ is the
    characteristic function, which every law has: if one of the two is the exponential of such a
    polynomial, as that of a normal law or a point is, so is the other."""
    rates = Matrix([A9.holds[0].subs(sigma**2, s2)]), Matrix([s2])
    growth = generator(value, *rates, [lambda e: diff(e, value) * w * value])
    return vanishes((diff(cumulants, t) - growth / value, cumulants.subs(t, 0) - K))


def _skewness() -> tuple[Figure, ...]:
    bright, high, sigma = Rational("0.19"), 2, Rational("0.8")
    law = _GENERATING.subs({K: log(1 - bright + bright * high**w), t: 1, s2: sigma**2})
    second, third, fourth = (mpf(diff(law, w, n).subs(w, 0).evalf(30)) for n in (2, 3, 4))
    where = f"one pixel {high} with probability {mpf(bright)}, else 1, t = 1, sigma = {mpf(sigma)}"
    return (
        Figure(f"skewness of log X_t, {where}", third / second ** mpf("1.5")),
        Figure("excess kurtosis", fourth / second**2),
    )


_GENERATING = K + w * FREE * t + w**2 * s2 * t / 2
MARGINAL = Claim(
    "E6-marginal", "which marginals are log-normal", is_the_generating_function, holds=_GENERATING,
    twins={
        "variance grows by sigma^2 t^2": K + w * FREE * t + w**2 * s2 * t**2 / 2,
        "no Itô term": _GENERATING + w * s2 * t / 2,
        "the third cumulant is forgotten": _GENERATING - c3 * w**3 / 6,
    }, printed={"log-normal for every X_0": w * (c1 + FREE * t) + w**2 * (c2 + s2 * t) / 2},
    names=_NAMES, sources=v1("abstract: Fokker-Planck density", "sec. 4: law of X_t") + v2(
        "abstract: marginal of GBM is log-normal", "sec. 3: marginal is log-normal",
        "sec. 3: law of X_t", "sec. 7: log-normal marginal",
    ), sheet=("E6",), depends=("A6", "A9", "E6"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="the density that satisfies the Fokker-Planck equation corresponding to the "
        "stochastic differential equation (SDE) with geometric Brownian motion (GBM) is the "
        "log-normal density",
        trouble="The equation has a solution for every initial law. The log-normal ones are those "
        "of a known $X_0$ (E6) and of log-normal data; for images that are not all the "
        "same, whose log is bounded, $p_{X_t}$ is log-normal at no $t$. Skewness and excess "
        "kurtosis only fade as the variance grows.", figures=_skewness,
        remains_open="Version 2 likewise: 'the marginal distribution of geometric Brownian motion "
        "(GBM) at any fixed time is log-normal' (abstract; so Sections 3 and 7)."))  # fmt: skip

# Log-derivatives f'/f of two stationary solutions, with drift m and with none; or two laws.
Pairs = tuple[tuple[Expr, Expr], tuple[Expr, Expr]]


def are_the_stationary_solutions(solutions: Pairs, square: Expr = s2) -> bool:
    r"""The stationary solutions of the Fokker-Planck equation of the logarithm of one entry are
    the combinations of $[[drifting]]$ where it has a drift $m$ that is not zero, and of
    $[[at_rest]]$ where it has none. All of them are monotone in $y$.

    The equation is linear of order two, so that two independent solutions span all: each has to
    solve it, and the log-derivatives of the two have to differ. One of the two is constant, and
    the ratio of second and first derivative of the other is constant too, so that its derivative
    never changes sign. A density that is monotone on the whole line cannot be normalized. An
    equilibrium of all entries would be one of each."""
    if any([same(first, second) for first, second in solutions]):
        return False
    found = []
    for (first, second), drift in zip(solutions, (m, Integer(0)), strict=True):
        bends = [diff(slope, y) + slope**2 for slope in (first, second)]
        found += [square * bends[0] / 2 - drift * first, square * bends[1] / 2 - drift * second]
        found += [first, diff(bends[1] / second, y)]
        found += [cancel(diff(_solution(e), y) / _solution(e)) - e for e in (first, second)]
    return vanishes(found)


def _solution(slope: Expr) -> Expr:
    """Of a given log-derivative."""
    return exp(integrate(slope, y))


def _solutions(solutions: Pairs) -> Values:
    pairs = [[_solution(slope) for slope in pair] for pair in solutions]
    return dict(zip(("drifting", "at_rest"), pairs, strict=True))


def _spread() -> tuple[Figure, ...]:
    at, label = {s2: mpf("0.64")}, "deviation of log X_t from a point, sigma^2"
    found = {n: mpf(sqrt(_NOISE[0, 0].subs(at | {t: n}))) for n in (1, 100)}
    return tuple(Figure(f"{label} = {at[s2]}, t = {n}", value) for n, value in found.items())


_CONSTANT, _AT_REST = Integer(0), (Integer(0), 1 / y)
E5 = Claim(
    "E5", "geometric Brownian motion has no equilibrium", are_the_stationary_solutions,
    holds=((_CONSTANT, 2 * m / s2), _AT_REST), twins={
        "exponent m/sigma^2": ((_CONSTANT, m / s2), _AT_REST),
        "exponent with the wrong sign": ((_CONSTANT, -2 * m / s2), _AT_REST),
        "one solution twice": ((_CONSTANT, 2 * m / s2), (_CONSTANT, _CONSTANT)),
    }, printed={"a log-normal law is stationary": ((-(y - M) / V, 2 * m / s2), _AT_REST)},
    shown=_solutions, means=Means.CALCULUS, sources=v1("sec. 2: equilibrium of GBM"), assumptions=(
        Assumption(
            "sigma is positive", "the equation has order two",
            lambda: not are_the_stationary_solutions(E5.holds, Integer(0)),
        ), "an equilibrium has a density",
    ), depends=("A8", "A6"), erratum=Erratum(
        Fault.WRONG,
        quote="The equilibrium distribution of GBM is the log-normal density and its "
        "time-reversal would give us the sampling formula we seek",
        trouble="GBM has no equilibrium. Its log is a Brownian motion with drift, whose variance "
        "grows without bound; a normal density does not solve the stationary equation.",
        advice="From a fixed point the law is log-normal at each *fixed time* (E6). The time "
        "reversal takes the score at each time (A2), and no equilibrium.", figures=_spread,
        remains_open="Version 2 says 'at any fixed time'; see E6-marginal."))  # fmt: skip

_EQUATIONS = tuple(Sde("Y", drift, sigma) for drift in (mu, -theta * (y - center)))


def are_the_laws(laws: Pairs) -> bool:
    r"""Started at $Y_0$, [[sde_0]] has the mean $[[mean]]$ and the variance $[[variance]]$: it
    is Brownian motion with drift. From there, the Ornstein-Uhlenbeck process [[sde_1]] of a
    positive $\theta$ has the mean $[[ou_mean]]$ and the variance $[[ou_variance]]$.

    Each normal density has to solve its Fokker-Planck equation and to be a point at the start. In
    the second law the exponential is a symbol, whose rate is that of an exponential."""
    start = {t: 0, E: _RELAXED.subs(t, 0)}
    for (mean, variance), sde in zip(laws, _EQUATIONS, strict=True):
        if not vanishes((mean.subs(start) - y0, variance.subs(start))):
            return False
        law, square = ([mean], Matrix([variance])), Matrix([(sde.noise**2).subs(sigma**2, s2)])
        if not vanishes(left_over(law, [sde.drift], square, (y,), _d_dt)):
            return False
    return True


_RELAXED = exp(-theta * t)  # what E stands for


def _d_dt(e: Expr) -> Expr:
    return diff(e, t) + diff(_RELAXED, t) / _RELAXED * E * diff(e, E)


def _variances() -> tuple[Figure, ...]:
    at = {E: _RELAXED, s2: mpf("0.64"), theta: 1, t: 10}
    brownian, ornstein = (mpf(law[1].subs(at).evalf(30)) for law in (_BROWNIAN, _ORNSTEIN))
    return (
        Figure(f"variance of mu dt + sigma dW at t = {at[t]}", brownian),
        Figure(f"of Ornstein-Uhlenbeck with theta = {at[theta]}", ornstein),
        Figure("as stated, at all times", at[s2]),
    )


_BROWNIAN = (y0 + mu * t, s2 * t)
_ORNSTEIN = (center + (y0 - center) * E, s2 / (2 * theta) * (1 - E**2))
E7 = Claim(
    "E7", "Brownian motion with drift is not Ornstein-Uhlenbeck", are_the_laws,
    holds=(_BROWNIAN, _ORNSTEIN), twins={
        "variance sigma^2 t^2": ((y0 + mu * t, s2 * t**2), _ORNSTEIN),
        "OU variance sigma^2/theta": (_BROWNIAN, (_ORNSTEIN[0], 2 * _ORNSTEIN[1])),
        "OU variance relaxing at rate theta": (_BROWNIAN, (_ORNSTEIN[0], _ORNSTEIN[1] / (1 + E))),
    }, printed={"mean mu, variance sigma^2": ((mu, s2), _ORNSTEIN)}, shown=lambda laws: {
        name: e.subs(E, _RELAXED) for name, e in zip(
            "mean variance ou_mean ou_variance".split(), sum(laws, ()), strict=True,
        )
    }, values=lambda: {f"sde_{i}": sde for i, sde in enumerate(_EQUATIONS)},
    names={**_NAMES, "y": "Y"},
    sources=v1("sec. 4: Ornstein-Uhlenbeck") + v2("sec. 3: Ornstein-Uhlenbeck"),
    assumptions=(UNIQUE,), depends=("A1",), erratum=Erratum(
        Fault.WRONG,
        quote=r"the Ornstein-Uhlenbeck SDE ... $\mathrm dY_t=\mu\,\mathrm dt+\sigma\,\mathrm "
        r"dW_t$ ..., yielding $Y_t=Y_0+\mu t+\sigma W_t$, a Gaussian process with mean $\mu$ and "
        r"variance $\sigma^2$",
        trouble=r"The solution is right, the name and the moments are not: nothing pulls back to "
        r"a mean, and $\mu$ and $\sigma^2$ are rates.", figures=_variances,
        remains_open="Version 2 keeps the name; its formulas are lost."))  # fmt: skip
CLAIMS = (E6, MARGINAL, E5, E7)
