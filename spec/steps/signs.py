"""Signs along a trajectory: which step keeps them, and the score after a change of sign.

Symbols: h Hyvarinen score; z draw; kappa factor on the noise; root = sqrt(dt); P0, P1 value and
slope of an arbitrary density on x > 0 at `place`.
"""

from collections.abc import Callable

from sympy import Abs, Expr, Integer, Poly, diff, exp, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v2
from spec.checking.symbols import h, kappa, z
from spec.steps._pinned import PAIRS, SLOPE_VALUES, THREE_HALVES, ambient_formula
from spec.steps._reverse import ambient_factor, log_step, root
from spec.steps.flips import flip_probability

place, P0 = symbols("place P0", positive=True)
P1 = symbols("P1", real=True)
Density = Callable[[Expr], Expr]


def mirrors_the_sampler(extension: Callable[[Density], Density]) -> bool:
    """Whether a density on x < 0 makes the step from -x the mirror image of the step from x.

    extension  takes the density on x > 0, an arbitrary one given by its value P0 > 0 and slope P1
               at `place`, and returns the density on x < 0
    The extended density has to be positive at -place, and its score x p'/p there has to give the
    factor of A12 that x = place has, for every draw.
    """
    x = symbols("x", real=True)
    value = extension(lambda y: P0 + P1 * (y - place))(x)
    at = {x: -place}
    if not value.subs(at).is_positive:
        return False
    score = (x * diff(value, x) / value).subs(at)
    mirrored = -place * ambient_factor(score, z, root)
    return same(mirrored, -(place * ambient_factor(place * P1 / P0, z, root)))


def never_changes_sign(factor: Expr) -> bool:
    """Whether a factor is positive for every draw z: exponentials of real numbers are.

    A polynomial of odd degree in z takes both signs. Anything else raises.
    """
    if isinstance(factor, exp):
        return bool(factor.args[0].is_real)
    if Poly(factor, z).degree() % 2 == 1:
        return False
    raise ValueError(f"the sign of {factor} is not decided by its degree in z")


def _flip_figures() -> tuple[Figure, ...]:
    return tuple(
        Figure(f"flip probability at k = 1, N = {n} (v0 = 0.05, sigma = 0.8)", flip_probability(n))
        for n in (1000, 100, 10)
    )


_LOG_EXPONENT = log_step(h, z, root, kappa)

E28 = Claim(
    id="E28",
    title="the score after a flip",
    statement=r"After a flip the score needs a convention. Read at $\lvert x\rvert$, $H(x):="
    r"H(\lvert x\rvert)$, it is that of the evenly extended density; then the step from $-x$ is "
    "the mirror image of the step from $x$ with the same draw, and the sign is carried along.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("eq. 12"),
    sheet=("E28",),
    assumptions=("p_k positive and differentiable on x > 0",),
    depends=("A12", "R13"),
    derivation=r"On $x<0$ the density of eq. 12 is zero, and $x\,\partial_x\log p$ is $\frac00$. "
    "Let $p(x):=p(-x)$ there: at $-u$ its Hyvärinen score is "
    r"$(-u)\frac{-p'(u)}{p(u)}=u\frac{p'(u)}{p(u)}$, that of $u$. The factor of A12 is then the "
    "same at $u$ and $-u$. Decided for an arbitrary density through its value and slope at one "
    "point.",
    proof=Proof(
        mirrors_the_sampler,
        holds=lambda p: lambda x: p(-x),
        twins={
            "even density over x^2": lambda p: lambda x: p(-x) / x**2,
            "odd": lambda p: lambda x: -p(-x),
        },
        printed={"the density of x > 0, zero elsewhere": lambda p: lambda x: Integer(0) * x},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed="Sec. 3.2: the score function in eq. 12 is “evaluated at” $X_k$, and “because "
        "that factor may be negative, the sign of the entries of” $X_k$ “may not be preserved "
        "across updates” (symbols lost)",
        trouble=r"Right, and once an entry is negative the next update asks for $\nabla\log p$ "
        "where $p=0$. Nothing says what to do then. At the paper's number of steps an exact score "
        "makes flips as good as impossible; coarse steps or a poor network make them.",
        correction=r"Fix the convention $H(x):=H(\lvert x\rvert)$ and carry the sign along.",
        figures=_flip_figures,
        remains_open="What the authors' code does after a flip.",
    ),
    pins=(
        Pin(
            "gbm_ref.SignAgnostic.__call__",
            formula=ambient_formula(),
            twins={
                "sign dropped": tuple(
                    e / s * Abs(s) for e, s in zip(ambient_formula(), PAIRS[:2], strict=True)
                ),
                "3/2 sigma^2": ambient_formula(THREE_HALVES),
            },
            points=(
                {
                    "x1": -0.7,
                    "x2": 1.9,
                    "z1": -0.8,
                    "z2": 1.3,
                    "mu": 0.17,
                    "sigma": 0.8,
                    "t": 0.62,
                    "dt": 0.11,
                    "kappa": 1.0,
                    **SLOPE_VALUES,
                },
                {
                    "x1": -2.0,
                    "x2": -3e-3,
                    "z1": -4.6,
                    "z2": 0.1,
                    "mu": -0.5,
                    "sigma": 1.1,
                    "t": 0.2,
                    "dt": 0.2,
                    "kappa": 0.9,
                    **SLOPE_VALUES,
                },
            ),
            variant="negative state",
        ),
    ),
)

POSITIVITY = Claim(
    id="positivity",
    title="positivity along the trajectory",
    statement=r"The Dale–Langevin step keeps the sign of every entry for every score, draw and "
    "step length. The sign-agnostic step does not: its factor is affine in the draw and takes "
    "both signs.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 7: positivity throughout"),
    sheet=("E24", "A12", "A13"),
    assumptions=("finite score; noise factor above zero",),
    depends=("A12", "A13", "A6"),
    derivation=r"The factor of A13 is the exponential of a real number. That of A12 is "
    r"$b+\kappa\sqrt hZ$, of degree one in $Z$, whose range is the whole line.",
    proof=Proof(
        never_changes_sign,
        holds=exp(_LOG_EXPONENT),
        twins={
            "exponential cut after the first term": 1 + _LOG_EXPONENT,
            "after the third": 1 + _LOG_EXPONENT + _LOG_EXPONENT**2 / 2 + _LOG_EXPONENT**3 / 6,
        },
        printed={"eq. 12": ambient_factor(h, z, root, kappa)},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="Sec. 7: “a novel diffusion framework grounded in Geometric Brownian Motion, an "
        "SDE for positive-valued data, which preserves strict positivity throughout the "
        "trajectory”",
        trouble="Read of the equation the sentence is right, forward and in reverse; so it is of "
        "the Dale–Langevin sampler. Read of the framework it goes too far: of its two samplers "
        "the sign-agnostic one does not preserve positivity, as section 3.2 says itself.",
        correction="“… which the Dale–Langevin sampler preserves throughout the trajectory, too”.",
        figures=_flip_figures,
    ),
)

CLAIMS = (E28, POSITIVITY)
