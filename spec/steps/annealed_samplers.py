"""The annealed samplers of version 2, whose listings are lost, and what can be said of them.

Symbols: kappa factor on the noise; chi its decay; L visits of a level; root = sqrt(delta_s)."""

from collections.abc import Callable, Mapping
from operator import add, mul

from mpmath import mpf, nint
from sympy import Expr, Integer, Rational, Symbol, exp, expand, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Kind, Means, Pin, v2
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import h, kappa, mu, sigma, v0, x, z
from spec.checking.trace import each, points
from spec.checking.typeset import Says
from spec.steps._programs import by_rows, chi, draw, in_place, unknown_score
from spec.steps._recursions import LEVELS, annealed_rows, variance_figure
from spec.steps._reverse import (
    ON_LOG_NORMAL, affine_score, ambient_factor, in_delta, log_step, root)  # fmt: skip

delta_s = Symbol("delta_s", positive=True)
y0, noise, distance = symbols("y0 noise e", real=True)
_PAPER_DRIFT = {mu: sigma**2 / 2}
# The exponent or factor of an update in h, z and kappa, and what a level makes of kappa.
Listing = tuple[Expr, Expr]


def _by_exponent(state: Expr, exponent: Expr) -> Expr:
    return exp(add(log(state), exponent))


Put = Callable[[Expr, Expr], Expr]


def _runs(listing: Listing, step: Callable, put: Put, moved: Put) -> bool:
    """Whether three levels of the listing, which move a state by `moved`, are steps from the
    reverse equation, put there by `put`, with noise chi^i.

    Both are run side by side: each visit has to take any state to where the step takes it."""
    for size in points(table("L chi", (1, Integer(1)), (2, chi))):
        factor = Integer(1)
        for i, level in enumerate((3, 2, 1)):
            for visit in range(size["L"]):
                state = Symbol(f"state_{level}_{visit}", real=True)
                given, noise = Symbol(f"h_{level}_{visit}", real=True), draw(level, visit)
                left = moved(state, listing[0].xreplace({h: given, z: noise, kappa: factor}))
                right = put(state, step(given, noise, root, size["chi"] ** i))
                if not same(left, right.xreplace(_PAPER_DRIFT)):
                    return False
            factor = listing[1].xreplace({kappa: factor, chi: size["chi"]})
    return True


def is_dale_langevin(listing: Listing) -> bool:
    """Whether three levels of the listing are steps in log X."""
    return _runs(listing, log_step, add, lambda y, e: log(_by_exponent(exp(y), e)))


def is_sign_agnostic(listing: Listing) -> bool:
    """Whether three levels of the listing are steps in X."""
    return _runs(listing, ambient_factor, mul, mul)


def _visited(drift: Mapping[Expr, Expr], length_root: Expr = root) -> Expr:
    """The distance after a noise-free visit at level one, with the score of its time."""
    score = affine_score(distance, v0 + _ADDED)
    return distance + log_step(score, Integer(0), length_root, 0).subs(drift)


def shrinks_by(factor: Expr) -> bool:
    r"""On log-normal data a noise-free visit at level one multiplies the distance of $\log X$ from
    the mean of $\log X_0$ by $[[factor]]$, and its variance by the square; the first one takes it
    to the posterior mean of $\log X_0$.

    The factor is also that of the regression of $\log X_0$ on $\log X$ at this level."""
    residual = (y0 - factor * (y0 + noise)) * (y0 + noise)
    correlated = expectation(expectation(residual, y0, Integer(0), v0), noise, Integer(0), _ADDED)
    return vanishes((_visited(_PAPER_DRIFT) - distance * factor, correlated))


Choice = tuple[int, Expr, Expr]  # visits of a level, length of a step, decay


def recovers_euler_maruyama(choice: Choice) -> bool:
    r"""With $[[setting]]$, two levels of the annealed sampler are Euler–Maruyama steps of length
    $\delta$; with $\chi=[[decay]]$ alone they need not be.

    The listing is run on symbols with an arbitrary score, and so are steps built from the reverse
    equation. Visits that are a level long together give another sampler: they read one level."""
    (levels,), score = each("N", (2,)), unknown_score()
    visits, length, decay = choice
    rows = [(level, 1, Integer(1)) for level in range(levels, 0, -1)]
    return same(in_place(score, levels, visits, sqrt(expand(length)), decay), by_rows(rows, score))


def _denoised_rows(at: dict[str, mpf], level: int) -> tuple[mpf, ...]:
    """Levels N to 1, then `extra` noise-free rows at `level`, as one sequence."""
    count, extra = (int(nint(at[name])) for name in ("N", "extra"))
    rows = annealed_rows(count / at["T"], at["step"], 1, at["chi"], count)
    return sum(rows + [(level * at["T"] / count, at["step"], mpf(0))] * extra, ())


_DECAY, _NOISE, _ADDED = chi * kappa, kappa * sigma * root * z, sigma**2 * root**2
_LOG_DRIFT = _ADDED * (1 + h)
_ADLS, _ASAMS = _LOG_DRIFT + _NOISE, 1 + _ADDED / 2 + _LOG_DRIFT + _NOISE


def _sampler(put: Callable[[Expr], Expr], space: str, step: str) -> dict[str, object]:
    """What the records of the two samplers have in common."""
    return {
        "shown": lambda listing: {
            "step": Says("X", put(listing[0]).subs(root, sqrt(delta_s)), r"\leftarrow"),
            "decay": Says(r"\kappa", listing[1], r"\leftarrow"),
        }, "values": lambda: {"mu": Says(r"\mu", _PAPER_DRIFT[mu])}, "names": {"z": "Z"},
        "means": Means.POINTS, "stated_kind": Kind.UNRECOVERABLE,
        "reason": "The listing is lost in the text of version 2. The prose leaves noise decayed "
        "geometrically across levels, repeated steps at each, a decay that gives Euler-Maruyama, "
        "and mu chosen to simplify. Held here: version 1's Algorithm 2 in place with that mu; "
        "the first level, the place of the decay and the length of a step are not forced.",
        "statement": "As reconstructed: $[[step]]$, $L$ times at each level $k$, then $[[decay]]$."
        " From full noise, with $[[mu]]$, three levels of it are Euler–Maruyama steps in "
        rf"${space}$ with noise $\chi^i$ at the $i$-th level, counted from zero: at the sizes "
        rf"shown, of which the first is a run of {step} if $\delta_s$ is $\delta$.",
        "derivation": "The levels are run on symbols with an arbitrary score, each visit from an "
        "arbitrary state, and compared with steps built from the reverse equation."}  # fmt: skip


A_ALG1 = Claim(
    "A-Alg1", "annealed Dale-Langevin sampler (ADLS)", is_dale_langevin,
    holds=(_ADLS, _DECAY), twins={
        "3/2 sigma^2, with mu = 0": (_ADLS + _ADDED / 2, _DECAY),
        "h without the one": (_ADLS - _ADDED, _DECAY),
        "drift annealed too": (kappa * _LOG_DRIFT + _NOISE, _DECAY),
        "noise not decayed": (_ADLS, kappa),
    }, **_sampler(lambda update: _by_exponent(x, update), r"\log X", "A13"),
    sources=v2("Algorithm 1"),
    readings=("version 2 keeps version 1's Algorithm 2, with one variable X",),
    depends=("A13", "V1-Alg2"))  # fmt: skip

A_ALG2 = Claim(
    "A-Alg2", "annealed sign-agnostic multiplicative sampler (ASAMS)", is_sign_agnostic,
    holds=(_ASAMS, _DECAY), twins={
        "drift of ADLS": (1 + _ADLS, _DECAY),
        "2 sigma^2, with mu = 0": (_ASAMS + _ADDED / 2, _DECAY),
        "Ito term of the noise kappa": (_ASAMS + (kappa**2 - 1) / 2 * _ADDED, _DECAY),
        "noise decayed twice a level": (_ASAMS, chi * _DECAY),
    }, **_sampler(lambda factor: mul(x, factor), "X", "A12"), sources=v2("Algorithm 2"),
    readings=("the loops are those of ADLS, with A12 in place of A13",), depends=("A12", "A-Alg1"),
)  # fmt: skip

_SHRINKS = v0 / (v0 + _ADDED)
TERMINAL_DENOISING = Claim(
    "terminal-denoising", "terminal denoising steps", shrinks_by, holds=_SHRINKS, twins={
        "nothing changes": Integer(1), "factor of the variance": _SHRINKS**2,
        "the noise is left": 1 - _SHRINKS,
    }, shown=lambda factor: {"factor": in_delta(factor)},
    sources=v2("sec. 6.3: terminal denoising"), sheet=("A-Alg1",), assumptions=(
        *ON_LOG_NORMAL, Assumption(
            "mu = sigma^2 / 2", "the drift that is not the score's",
            lambda: not same(_visited({}), distance * _SHRINKS),
        ), Assumption(
            "the steps have the length delta", "the factor",
            lambda: not same(_visited(_PAPER_DRIFT, 2 * root), distance * _SHRINKS),
        ),
    ), depends=("A13", "A-Alg1", "R2", "R5"),
    reason="How many steps, at which level, with which formula is lost in the text of version 2. "
    "Held here: the same update without noise at the last level.",
    stated_kind=Kind.UNRECOVERABLE, pins=(Pin(
        "gbm_ref.annealed",
        table("N T step chi extra", (4, 1.0, 0.2, 0.995, 3), (11, 0.3, 0.3 / 11, 0.5, 1)),
        because="where the noise-free visits stand is what it returns",
        formula=lambda at: _denoised_rows(at, 1),
        twins={"at the level before": lambda at: _denoised_rows(at, 2)},
        variant="terminal denoising"),))  # fmt: skip


def _clock_figure(part: mpf, inner: int = 3) -> Figure:
    label = f"at chi = 1, L = {inner}, delta_s = {float(part)} delta"
    return variance_figure(label, annealed_rows(LEVELS, part / LEVELS, inner, mpf(1), LEVELS))


def _setting(choice: Choice) -> dict[str, object]:
    said = map(Says, ("L", r"\delta_s", r"\chi"), (choice[0], in_delta(choice[1]), choice[2]))
    return {"setting": tuple(said), "decay": choice[2]}


_ONE = Integer(1)
E17 = Claim(
    "E17", "what recovers Euler-Maruyama", recovers_euler_maruyama,
    holds=(1, root**2, _ONE), twins={
        "decay left at 0.995": (1, root**2, Rational(995, 1000)),
        "L = 4 visits of a quarter of the step": (4, root**2 / 4, _ONE),
    }, printed={
        "chi = 1 with L = 3": (3, root**2, _ONE),
        "chi = 1 with a shorter step": (1, root**2 / 4, _ONE),
    }, shown=_setting, means=Means.POINTS,
    sources=v2("sec. 6.3: setting that recovers Euler-Maruyama"),
    readings=("the lost symbol is the annealing factor; the listing is A-Alg1",),
    depends=("A13", "A-Alg1", "V1-Alg2"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Sec. 6.3: “Setting [symbol lost] recovers standard Euler-Maruyama”",
        trouble="True with one visit a level and steps of the length of a level. Otherwise the "
        "state moves on by less than a level, as in version 1's published setting, the first "
        "figure, or by more (E17-limit), or visits of one level read the score at one time.",
        advice="Or read the score at the time that the state has reached; or spend extra visits "
        "on Langevin steps at fixed $t$ (R11-corrector).",
        figures=lambda: (_clock_figure(mpf("0.2")), _clock_figure(mpf(1))),
        remains_open="Which symbol is meant, and version 2's values of L and the step length.",
    ))  # fmt: skip
CLAIMS = (A_ALG1, A_ALG2, TERMINAL_DENOISING, E17)
