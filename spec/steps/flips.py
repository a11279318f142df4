"""The chance that the sign-agnostic step changes a sign, the score then, and which step keeps it.

z, u are independent standard normal; H = sigma^2 dt; w^2 = v_k; P0, P1 are value and slope of an
arbitrary density on x > 0 at `place`."""

from collections.abc import Callable
from functools import cache

import mpmath
from mpmath import mpf
from sympy import (
    Abs, Expr, Function, Integer, Poly, Symbol, diff, erfc, exp, lambdify, log, oo, sqrt, symbols,
)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, Pin, v2
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree, normal_expectation
from spec.checking.pins import table
from spec.checking.symbols import M, V, a, dt, h, kappa, mu, sigma, t, v0, z
from spec.checking.trace import each, use
from spec.checking.typeset import Says
from spec.steps._pinned import by_increments, dv, in_plane, plane_table
from spec.steps._recursions import DATA, NOISE_RATE, uniform_rows
from spec.steps._reverse import (
    ON_LOG_NORMAL, affine_score, ambient_factor, in_delta, log_step, over_draw, root)  # fmt: skip

u = Symbol("u", real=True)
w, place, P0, H, v_s = symbols("w place P0 H v_s", positive=True)
P1 = Symbol("P1", real=True)
Density = Callable[[Expr], Expr]
# Mean and variance of the factor given x, and averaged over a log-normal density.
Laws = tuple[Expr, Expr, Expr, Expr]


def are_the_moments(candidate: Laws) -> bool:
    r"""Given $x$, the factor of A12 with noise $\kappa$ is normal with mean $[[given]]$ and
    variance $[[spread]]$; over a log-normal $p_k$ with variance $v_k$ of $\log X_k$ it is normal
    with mean $[[mean]]$ and variance $[[variance]]$. An entry changes its sign when its factor is
    negative, that is, for positive $\kappa$, with the probability $[[flip]]$ and $[[average]]$.

    Given $x$ the factor is affine in the draw, on log-normal data in two independent normal
    variables, and hence normal. The moments are averaged exactly. As the mean grows a
    probability falls from one to zero, at the rate of a normal density."""
    factor = ambient_factor(h, z, root, kappa)
    averaged = factor.subs(h, affine_score(u * w, w**2))
    at_x, overall = over_draw(factor), _over_both(averaged)
    found = at_x, over_draw((factor - at_x) ** 2), overall, _over_both((averaged - overall) ** 2)
    gaps = [own - part for own, part in zip(found, candidate, strict=True)]
    return Poly(averaged, u, z).total_degree() == 1 and vanishes((*gaps, *_tail_gaps()))


def _over_both(polynomial: Expr) -> Expr:
    return expectation(over_draw(polynomial), u, Integer(0), Integer(1))


def _tail(mean: Expr, variance: Expr) -> Expr:
    """The probability that a normal variable is negative."""
    return erfc(mean / sqrt(variance) / sqrt(2)) / 2


def _tail_gaps() -> tuple[Expr, ...]:
    """Zero where minus its slope in the mean is the normal density, of mass one."""
    slope = diff(_tail(M, V), M)
    return diff(slope, M) / slope + M / V, _tail(-oo, V) - 1, _tail(oo, V)


def are_the_chances(candidate: tuple[Expr, Expr]) -> bool:
    r"""With an exact score the flip probability of an entry of the exact law in the last step
    ($k=[[level]]$, $[[data]]$, $[[sigma]]$, $[[mu]]$) is $[[chances]]$ at $N=[[levels]]$ steps in
    a unit of time.

    The closed form of R13, against the average of the chance given $x$ by the trapezoidal rule."""
    for assumption in ON_LOG_NORMAL:
        use(assumption)
    levels = each("N", _LEVELS)
    return all(agree(_chance(candidate, n), _flip_probability(n), 25) for n in levels)


def _at_last_step(levels: int) -> tuple[mpf, mpf]:
    """The variance of the noise of a step, and the deviation of log X before the last one."""
    step = NOISE_RATE / levels
    return step, mpmath.sqrt(DATA + _LAST * step)


def _chance(laws: tuple[Expr, Expr], levels: int) -> mpf:
    with mpmath.workdps(50):
        return lambdify((H, w), _tail(*laws), "mpmath")(*_at_last_step(levels))


@cache
def _flip_probability(levels: int) -> mpf:
    with mpmath.workdps(50):
        last, length, _ = uniform_rows(levels)[-1]
        roots = [mpmath.sqrt(e) for e in (length, NOISE_RATE, DATA + NOISE_RATE * last)]
        given = lambdify((root, sigma, h), _GIVEN.subs(mu, _MU) / (sigma * root), "mpmath")
        return normal_expectation(
            lambda at: mpmath.ncdf(-given(*roots[:2], affine_score(at, roots[2]))), 25
        )


def _by_step(part: Expr) -> Expr:
    """With mu = sigma^2 / 2 and full noise, in terms of H = sigma^2 dt."""
    return part.subs({mu: _MU, kappa: 1}).subs(root, sqrt(H) / sigma)


def mirrors_the_sampler(extension: Callable[[Density], Density]) -> bool:
    r"""After a flip the score needs a convention. With $[[extended]]$ for the density at a
    negative $x$, which is to read the Hyvärinen score at $\lvert x\rvert$, the step from there is
    the mirror image of the step from $\lvert x\rvert$ with the same draw.

    On negative $x$ the density of eq. (12) is zero, and its score is a quotient of zeros. Decided
    for an arbitrary density, through its value and its slope at one point."""
    x = symbols("x", real=True)
    value = extension(lambda at: P0 + P1 * (at - place))(x)
    density, product = (e.subs(x, -place).expand() for e in (value, x * value.diff(x)))
    if not density.is_positive:
        return False
    return same(*(ambient_factor(e, z, root) for e in (product / density, place * P1 / P0)))


def never_changes_sign(factor: Expr) -> bool:
    r"""The factor $[[factor]]$ of the Dale–Langevin step is positive for every score, draw and
    step length. That of the sign-agnostic step, which is affine in the draw, is not.

    The first is the exponential of a real number. A polynomial of odd degree takes both signs."""
    factor = factor.expand(power_exp=False)
    if isinstance(factor, exp):
        step = log_step(h, z, root, kappa)
        return bool(factor.args[0].is_real) and same(factor.args[0], step)
    if Poly(factor, z).degree() % 2 == 1:
        return False
    raise ValueError(f"the sign of {factor} is not decided by its degree in z")


_STEP, _MU, _LAST = sigma**2 * root**2, sigma**2 / 2, 1
_GIVEN = 1 - root**2 * (mu - 2 * sigma**2) + _STEP * h
_MEAN = 1 - root**2 * (mu - sigma**2)
_SPREAD, _VARIANCE = kappa**2 * _STEP, kappa**2 * _STEP + _STEP**2 / w**2


def _shown_laws(laws: Laws) -> dict[str, Expr]:
    parts = [in_delta(part) for part in laws]
    named = dict(zip("given spread mean variance".split(), parts, strict=True))
    return named | {"flip": _tail(*parts[:2]), "average": _tail(*parts[2:])}


def _two_moments(laws: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """E X_s and E X_s^2 for log X_t ~ N(M, V): X^n shifts the mean of log X by n V, and the score
    is affine in log X."""
    place, variance = a + (mu - sigma**2 / 2) * t, v0 + sigma**2 * t
    given, spread = (part.xreplace({root: sqrt(dt)}) for part in laws[:2])
    return tuple(
        exp(n * M + n**2 * V / 2)
        * expectation(part, h, affine_score(M + n * V - place, variance), V / variance**2)
        for n, part in enumerate((given, given**2 + spread), start=1)
    )


def _tail_pin(name: str, part: slice) -> Pin:
    def reads(laws: Laws) -> Expr:
        return log(_tail(*(by_increments(e).subs(w, sqrt(v0 + v_s + dv)) for e in laws[part])))

    return Pin(f"gbm_ref.{name}", vectors=name, reads=reads)


R13 = Claim(
    "R13", "probability of a flip", are_the_moments, holds=(_GIVEN, _SPREAD, _MEAN, _VARIANCE),
    twins={
        "mean with 2 sigma^2": (_GIVEN, _SPREAD, _MEAN + _STEP, _VARIANCE),
        "3/2 sigma^2 given x": (_GIVEN - _STEP / 2, _SPREAD, _MEAN, _VARIANCE),
        "h / v_k in the variance": (_GIVEN, _SPREAD, _MEAN, _SPREAD + _STEP / w**2),
        "kappa for kappa^2": (_GIVEN, kappa * _STEP, _MEAN, kappa * _STEP + _VARIANCE - _SPREAD),
    }, shown=_shown_laws, assumptions=ON_LOG_NORMAL,
    names={"h": r"x\circ\nabla\log p_k(x)", "w": r"\sqrt{v_k}"}, means=Means.CALCULUS,
    depends=("A12", "R2"), pins=(
        _tail_pin("log_flip_probability", slice(2)),
        _tail_pin("log_average_flip_probability", slice(2, 4)), Pin(
            "gbm_ref.sign_agnostic_average", table(
                "a v0 mu sigma t dt kappa M V", (0.3, 0.2, 0.17, 0.8, 0.6, 0.3, 0.8, 0.4, 0.5),
                (-0.7, 0.05, -0.6, 1.1, 0.2, 0.2, 0.9, -0.2, 0.3),
            ), reads=_two_moments, twins={
                "kappa for kappa^2": _two_moments((_GIVEN, kappa * _STEP)),
                "drift of eq. (13)": _two_moments((_GIVEN - _STEP / 2, _SPREAD)),
            },
        )))  # fmt: skip

_LEVELS, _CLOSED = (1000, 100, 10), (_by_step(_MEAN), _by_step(_VARIANCE))
E28_SIZE = Claim(
    "E28-size", "how probable flips are in the last step", are_the_chances, holds=_CLOSED, twins={
        "mean with 2 sigma^2": (_CLOSED[0] + H, _CLOSED[1]),
        "spread of the score left out": (_CLOSED[0], H),
    }, shown=lambda laws: {"chances": tuple(_chance(laws, n) for n in _LEVELS)}, values=lambda: {
        "level": _LAST, "data": Says("v_0", DATA), "mu": Says(r"\mu", _MU), "levels": _LEVELS,
        "sigma": Says(r"\sigma", mpmath.sqrt(NOISE_RATE)),
    }, means=Means.POINTS, sources=v2("eq. 12"), sheet=("E28", "R13"),
    assumptions=(*ON_LOG_NORMAL, "kappa = 1"), depends=("A12", "R13"))  # fmt: skip

_WHERE = f"v0 = {float(DATA)}, sigma = {float(mpmath.sqrt(NOISE_RATE))}"
_FACTOR = ambient_factor(h, z, root, kappa)
_NEGATIVE = plane_table(
    "x1 x2 z1 z2 mu sigma t dt kappa", (-0.7, 1.9, -0.8, 1.3, 0.17, 0.8, 0.62, 0.11, 1.0),
    (-2.0, -3e-3, -4.6, 0.1, -0.5, 1.1, 0.2, 0.2, 0.9))  # fmt: skip
E28 = Claim(
    "E28", "the score after a flip", mirrors_the_sampler, holds=lambda p: lambda x: p(-x), twins={
        "even density over x^2": lambda p: lambda x: p(-x) / x**2,
        "odd": lambda p: lambda x: -p(-x),
    }, printed={"the density of x > 0, zero elsewhere": lambda p: lambda x: Integer(0) * x},
    shown=lambda extension: {"extended": Says("p(x)", extension(Function("p"))(Symbol("x")))},
    names={"x": "x"}, sources=v2("eq. 12"),
    assumptions=("p_k is positive and differentiable on x > 0",),
    depends=("A12", "R13", "E28-size"), erratum=Erratum(
        Fault.UNDEFINED,
        quote="Sec. 3.2: the score function in eq. 12 is “evaluated at” $X_k$, and “because that "
        "factor may be negative, the sign of the entries of” $X_k$ “may not be preserved across "
        "updates” (symbols lost)",
        trouble="Right, and then the next update asks for the score where the density is zero, "
        "and nothing says what to do. In the setting of the figures, with an exact score, flips "
        "in the last step are as good as impossible with many steps, but not with few (E28-size).",
        figures=lambda: tuple(
            Figure(f"flip probability at k = {_LAST}, N = {n} ({_WHERE})", _chance(_CLOSED, n))
            for n in _LEVELS[::2]
        ),
    ), pins=(Pin(
        "gbm_ref.SignAgnostic.__call__", _NEGATIVE,
        because="it is the step, with the score read at the size of the state",
        formula=in_plane(_FACTOR), twins={
            "sign dropped": tuple(Abs(e, evaluate=False) for e in in_plane(_FACTOR)),
            "3/2 sigma^2": in_plane(_FACTOR - _STEP / 2),
            "score read at the end of the step": in_plane(_FACTOR, t - dt),
        }, variant="negative state"),))  # fmt: skip

_LOG_EXPONENT = (sigma**2 * h + 3 * sigma**2 / 2 - mu) * root**2 + kappa * sigma * root * z
POSITIVITY = Claim(
    "positivity", "positivity along the trajectory", never_changes_sign, holds=exp(_LOG_EXPONENT),
    twins={
        "exponential cut after the first term": 1 + _LOG_EXPONENT,
        "after the third": 1 + _LOG_EXPONENT + _LOG_EXPONENT**2 / 2 + _LOG_EXPONENT**3 / 6,
    }, printed={"eq. 12": _FACTOR}, shown=lambda factor: {"factor": in_delta(factor)},
    means=Means.CALCULUS, sources=v2("sec. 7: positivity throughout"), sheet=("E24", "A12", "A13"),
    assumptions=("the score is finite, and the factor on the noise is above zero",),
    depends=("A12", "A13", "A6"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Sec. 7: “a novel diffusion framework grounded in Geometric Brownian Motion, an "
        "SDE for positive-valued data, which preserves strict positivity throughout the "
        "trajectory”",
        trouble="The factor $[[printed:factor]]$ of the sign-agnostic sampler does not preserve "
        "positivity, as section 3.2 says itself.",
        advice="“… which the Dale–Langevin sampler preserves throughout the trajectory, too”.",
    ))  # fmt: skip
CLAIMS = (R13, E28_SIZE, E28, POSITIVITY)
