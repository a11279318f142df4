"""The forward equation, its solution and its logarithm."""

from collections.abc import Callable, Sequence

from sympy import Expr, Integer, Matrix, Symbol, diff, exp, log, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Kind, Means, Pin, v1, v2
from spec.checking.diffusions import fokker_planck, generator, plain_partials
from spec.checking.pins import table
from spec.checking.symbols import mu, sigma, t, v, x
from spec.checking.typeset import Sde

w, w1, w2, mu1, mu2, z1, z2, Y = symbols("w w1 w2 mu1 mu2 z1 z2 Y", real=True)
x1, x2 = symbols("x1 x2", positive=True)
EQUATION = Sde("X", mu * x, sigma * x)
GBM = EQUATION.drift, EQUATION.noise
LOG_DRIFT, CHOICE = mu - sigma**2 / 2, sigma**2 / 2
_NAMES = {"x": "X", "x1": "X_1", "x2": "X_2", "w": "W_t", "w1": "W_{t,1}", "w2": "W_{t,2}"}
_LOST = "formula lost in version 2; reconstructed: as in version 1"
UNIQUE = "the Fokker-Planck equation has one solution for each start"


def left_over(
    law: tuple[Sequence[Expr], Matrix],
    drift: Sequence[Expr],
    diffusion: Matrix,
    state: Sequence[Symbol],
    d_dt: Callable[[Expr], Expr] = lambda e: diff(e, t),
) -> Expr:
    """What a normal density leaves in the Fokker-Planck equation: zero where it is the law."""
    gap = Matrix(state) - Matrix(law[0])
    log_density = -(gap.T * law[1].inv() * gap)[0] / 2 - log(law[1].det()) / 2
    partials = plain_partials(state)
    return d_dt(log_density) - fokker_planck(log_density, Matrix(drift), diffusion, partials)


_TIMES = table("mu sigma t T", (0.37, 0.8, 0.25, 1.0), (-1.9, 1.7, 2.75, 3.0),
             (0.3200001, 0.8, 1e-9, 1.0))  # fmt: skip
_STATES = table("x1 x2 z1 z2", (1.3, 0.02, -0.4, 1.9), (7e-4, 210.0, 6.5, -6.5),
              (1.0, 2.0, 0.7, 1e-3))  # fmt: skip
_VARIANCES = table("v mu sigma T", (0.4, 0.37, 0.8, 1.0), (1e-12, -1.9, 1.7, 3.0),
                 (8.6, -1.9, 1.7, 3.0))  # fmt: skip

A1 = Claim(
    "A1", "a forward equation", stated_kind=Kind.DEFINITION, means=Means.NONE,
    statement=r"[[equation]] in the sense of Itô, where $\mathsf h$ maps a state of $\mathbb R^d$ "
    r"and a time to a vector, and $\mathsf g$ maps them to a matrix of $d$ rows and columns.",
    values=lambda: {"equation": Sde("X_t", *symbols("h_t g_t"))},
    names={"h_t": r"\mathsf h(X_t,t)", "g_t": r"\mathsf g(X_t,t)"},
    sources=v1("eq. 3") + v2("eq. 1"), assumptions=(
        "h and g are measurable, Lipschitz and of at most linear growth in x, uniformly in t: "
        "then there is one solution for each X_0 that is independent of W and has a second moment "
        "(Øksendal, Theorem 5.2.1)",
    ), readings=("formula lost in version 2: the form of version 1, which its sentence repeats",),
    reason="It names a process.")  # fmt: skip

A4 = Claim(
    "A4", "geometric Brownian motion of one variable", holds=GBM, stated_kind=Kind.DEFINITION,
    means=Means.NONE,
    statement=r"[[equation]] from a positive start, with $\sigma$ positive, in the sense of Itô. "
    r"The paper chooses $\mu=[[choice]]$.",
    values=lambda: {"equation": EQUATION, "choice": CHOICE}, names=_NAMES,
    sources=v1("eq. 6") + v2("eq. 4"), readings=(_LOST,), depends=("A1",),
    reason="It defines the process, which stays positive (solution-scalar).", pins=(
        Pin(
            "gbm_ref.GBM.drift", table("sigma t T", (0.8, 0.25, 1.0), (1.7, 2.75, 3.0)),
            because="it is the paper's choice where no drift is given", formula=CHOICE,
            twins={"sigma^2 without the half": 2 * CHOICE}, variant="mu not given"),))  # fmt: skip

A5 = Claim(
    "A5", "geometric Brownian motion of a vector", holds=GBM, stated_kind=Kind.DEFINITION,
    means=Means.NONE,
    statement=r"[[equation]] in each entry, with its own entry of $\mu\in\mathbb R^d$, one "
    r"positive $\sigma$ for all entries, and $d$ independent Brownian motions.",
    values=lambda: {"equation": EQUATION}, names=_NAMES, sources=v1("eq. 7") + v2("eq. 5"),
    assumptions=("X_0 has positive entries and is independent of W",), readings=(_LOST,),
    depends=("A1", "A4"),
    reason="It defines the process: entries are coupled through their start alone.", pins=(
        Pin("gbm_ref.GBM.drift", _TIMES, lambda e: e[0] / x, twins={"drift of log X": LOG_DRIFT}),
        Pin("gbm_ref.GBM.diffusion", _TIMES, lambda e: e[1] / x, twins={"its square": sigma**2}),
    ))  # fmt: skip


def solves_scalar(exponent: Expr) -> bool:
    r"""$X_t=X_0\exp\left([[it]]\right)$ satisfies [[equation]], and is $X_0$ at the start.

    Itô's formula for this function of time and of the Brownian motion gives drift and noise, with
    the value of $X$ a symbol. It is positive, as an exponential times a positive number."""
    return _solves((exponent,), (w,), (mu,))


def _solves(exponents: Sequence[Expr], motions: Sequence[Symbol], drifts: Sequence[Expr]) -> bool:
    """Ito's formula for x exp(exponent) in each entry, as a function of t and of the motions."""
    clock, n, found = (t, *motions), len(motions), []
    moving = Matrix([1, *[0] * n]), Matrix.diag(0, *[1] * n)
    for exponent, own, drift in zip(exponents, motions, drifts, strict=True):
        partials = [
            lambda e, name=name, f=exponent: diff(e, name) + diff(e, x) * x * diff(f, name)
            for name in clock
        ]
        found += [generator(x, *moving, partials) - GBM[0].subs(mu, drift)]
        noises = zip(partials[1:], motions, strict=True)
        found += [partial(x) - GBM[1] * int(motion is own) for partial, motion in noises]
        found += [exponent.subs(dict.fromkeys(clock, 0))]
    return vanishes(found)


SCALAR = Claim(
    "solution-scalar", "solution of geometric Brownian motion", solves_scalar,
    holds=LOG_DRIFT * t + sigma * w, twins={
        "no Itô term": mu * t + sigma * w, "Itô term sigma^2": (mu - sigma**2) * t + sigma * w,
        "Itô term with the wrong sign": (mu + sigma**2 / 2) * t + sigma * w,
        "sigma^2 W for sigma W": LOG_DRIFT * t + sigma**2 * w,
    }, values=lambda: {"equation": EQUATION}, names=_NAMES,
    sources=v1("sec. 4: solution of eq. 6") + v2("sec. 3: solution of eq. 4"), sheet=("A4",),
    assumptions=("the equation has one solution for each start (A1), so that this is it",),
    readings=(_LOST,), depends=("A1", "A4"))  # fmt: skip

# The exponents, and mean and covariance that they have.
Solution = tuple[Matrix, tuple[Expr, Expr], Matrix]


def solves_in_the_plane(solution: Solution) -> bool:
    r"""For two entries with their own drifts, $X_t=X_0\circ\exp([[exponents]])$ satisfies A5 and
    is $X_0$ at the start. Given $X_0$, $\log X_t$ is normal with mean $\log X_0$ and [[means]]
    more, and with covariance $[[covariance]]$.

    Itô's formula in each entry; its noise has to be $\sigma$ times the entry's own motion. The
    exponent is linear in the motions, which are independent normal variables of mean zero and
    variance $t$."""
    exponents, means, covariance = solution
    motions = Matrix([w1, w2])
    slopes = exponents.jacobian(motions)
    linear = Matrix(means) + slopes.subs({w1: 0, w2: 0}) * motions
    rest = *(exponents - linear), *(t * slopes * slopes.T - covariance)
    return _solves(exponents, (w1, w2), (mu1, mu2)) and vanishes(rest)


def _solution(ito: Expr, other: Symbol = w2) -> Solution:
    means = (mu1 - ito) * t, (mu2 - ito) * t
    exponents = Matrix([means[0] + sigma * w1, means[1] + sigma * other])
    return exponents, means, sigma**2 * t * Matrix.eye(2)


def _sample(solution: Solution) -> tuple[Expr, ...]:
    drawn = {w1: sqrt(t) * z1, w2: sqrt(t) * z2, mu1: mu, mu2: mu}
    return tuple(e * exp(f.subs(drawn)) for e, f in zip((x1, x2), solution[0], strict=True))


_SOLUTION = _solution(sigma**2 / 2)
A6 = Claim(
    "A6", "solution and exact kernel of the forward process", solves_in_the_plane, holds=_SOLUTION,
    twins={
        "no Itô term": _solution(Integer(0)), "Itô term sigma^2": _solution(sigma**2),
        "one Brownian motion for all entries": _solution(sigma**2 / 2, w1),
        "sigma for sigma^2 in the covariance": (*_SOLUTION[:2], sigma * t * Matrix.eye(2)),
    },
    shown=lambda s: dict(zip(("exponents", "means", "covariance"), map(Matrix, s), strict=True)),
    names=_NAMES, sources=v1("sec. 4: solution of eq. 8") + v2("eq. 6"),
    assumptions=("X_0 has positive entries and is independent of W",), readings=(_LOST,),
    depends=("A5", "solution-scalar"), pins=(
        Pin("gbm_ref.GBM.log_mean", _TIMES, lambda s: s[1][0].subs(mu1, mu)),
        Pin("gbm_ref.GBM.log_var", _TIMES, lambda s: s[2][0, 0]), Pin(
            "gbm_ref.GBM.time_at_log_var", _VARIANCES, because="it inverts the variance in time",
            formula=v / diff(_SOLUTION[2][0, 0], t),
            twins={"the standard deviation inverted": v / sigma},
        ), Pin(
            "gbm_ref.GBM.sample", tuple(a | b for a, b in zip(_TIMES, _STATES, strict=True)),
            _sample)))  # fmt: skip


def gives_log_equation(coefficients: tuple[Expr, Expr, Expr]) -> bool:
    r"""For the two entries of A5, [[first]] and [[second]], each with its own Brownian motion.

    Itô's formula for the logarithm of an entry, as a function of both."""
    equations = _of_logarithms(coefficients)
    state, noise = (x1, x2), Matrix.diag(sigma * x1, sigma * x2)
    moving = Matrix([mu1 * x1, mu2 * x2]), noise * noise.T
    logs = Matrix([log(x1), log(x2)])
    found = [generator(e, *moving, plain_partials(state)) for e in logs]
    noises = logs.jacobian(state) * noise - Matrix.diag(*(e.noise for e in equations))
    return vanishes((*noises, *(Matrix(found) - Matrix([e.drift for e in equations]))))


def _of_logarithms(coefficients: tuple[Expr, Expr, Expr]) -> tuple[Sde, Sde]:
    *drifts, noise = coefficients
    first, second = (Sde(rf"\log X_{i}", drift, noise) for i, drift in enumerate(drifts, 1))
    return first, second


def gives_back_gbm(coefficients: tuple[Expr, Expr]) -> bool:
    r"""[[forward]] for $Y=[[log]]$; conversely $X=[[exp]]$ of a solution satisfies [[equation]].

    Itô's formula for the logarithm, and for the exponential."""

    def moved(f: Expr, at: Symbol, drift: Expr, noise: Expr) -> Matrix:
        rate = generator(f, Matrix([drift]), Matrix([noise**2]), plain_partials((at,)))
        return Matrix([rate, noise * diff(f, at)]).subs(_EXP, x)

    forward = A9.shown(coefficients)["forward"]
    there = moved(_LOG, x, *GBM) - Matrix([forward.drift, forward.noise])
    back = moved(_EXP, Y, forward.drift, forward.noise) - Matrix(GBM)
    return vanishes((_EXP.subs(Y, _LOG) - x, *there, *back))


def _shifted(factor: int, noise: Expr = sigma) -> tuple[Expr, Expr, Expr]:
    return mu1 - factor * sigma**2 / 2, mu2 - factor * sigma**2 / 2, noise


_LOG, _EXP = log(x), exp(Y)
A8 = Claim(
    "A8", "equation of the logarithm", gives_log_equation, holds=_shifted(1), twins={
        "no Itô term": _shifted(0), "Itô term sigma^2": _shifted(2), "wrong sign": _shifted(-1),
        "noise sigma^2": _shifted(1, sigma**2),
    }, names=_NAMES, sources=v1("eq. 8") + v2("eq. 8"), readings=(_LOST,),
    shown=lambda c: dict(zip(("first", "second"), _of_logarithms(c), strict=True)),
    depends=("A5", "solution-scalar"))  # fmt: skip

A9 = Claim(
    "A9", "equation of Y = log X", gives_back_gbm, holds=(LOG_DRIFT, sigma), twins={
        "no Itô term": (mu, sigma), "wrong sign": (mu + sigma**2 / 2, sigma),
        "noise sigma^2": (LOG_DRIFT, sigma**2),
    }, shown=lambda c: {"forward": Sde("Y", *c)},
    values=lambda: {"equation": EQUATION, "log": _LOG, "exp": _EXP}, names=_NAMES,
    sources=v1("eq. 9") + v2("eq. 9"), readings=(_LOST,), depends=("A8",))  # fmt: skip
CLAIMS = (A1, A4, A5, SCALAR, A6, A8, A9)
