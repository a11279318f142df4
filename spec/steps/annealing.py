"""Annealed noise: the marginals, the generator, the variance that it leaves, the two samplers; and
the variance where the reverse clock is off.

s is the log score of log X_t and s1 its slope; v, v_N exact variances, now and at the first level;
V that of the sampler; H = sigma^2 delta; P = (v / v_N)^(2 rho)."""

from collections.abc import Callable
from functools import cache

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational, Sum, diff, lambdify, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Means, v1, v2
from spec.checking.pins import table
from spec.checking.symbols import H, V, h, kappa, mu, s2, sigma, v, v0, z
from spec.checking.trace import points
from spec.checking.typeset import Says, Sde
from spec.process.equations import UNIQUE
from spec.steps._programs import chi
from spec.steps._recursions import (
    CHI, DATA, LEVELS, NOISE_RATE, annealed_rows, relative_variance, uniform_rows, variance_after,
    variance_figure)  # fmt: skip
from spec.steps._reverse import (
    EXACT_START, LOG_DRIFT, ON_LOG_NORMAL, RATE, affine_score, ambient_factor, log_step, over_draw,
    root)  # fmt: skip

s, s1, f1, f2, c = symbols("s s1 f1 f2 c", real=True)
_SECOND, _NOISE = s**2 + s1, kappa * sigma  # q''/q, and the noise of log X
rho, v_N, V_N, P, N, k = symbols("rho v_N V_N P N k", positive=True)


def keeps_the_marginals(drift: Expr) -> bool:
    r"""With the noise scaled by $\kappa$, $[[equation]]$, from the law at the end, has the
    marginals $q_t$ of the forward process; a drift that has $c$ in place of its factor on the log
    score misses their equation by $[[missed]]$ times $q$, with $s$ the log score of $q$ and $s_1$
    its derivative.

    The Fokker–Planck equation is divided by $q$, whose first two derivatives over $q$ are $s$ and
    $[[second]]$."""
    general = _residual(-(mu - s2 / 2) + c * s)
    return vanishes((_residual(drift), general - _missed(drift)))


def _residual(drift: Expr) -> Expr:
    """-dq/dt = (m q)' - s2/2 q'', less -(drift q)' + kappa^2 s2/2 q'', over q."""
    backwards_in_time = (mu - s2 / 2) * s - s2 / 2 * _SECOND
    sde = _equation(drift)
    drift, noise = sde.drift, (sde.noise**2).subs(sigma, sqrt(s2))
    return backwards_in_time + diff(drift, s) * s1 + drift * s - noise / 2 * _SECOND


def _equation(drift: Expr) -> Sde:
    return Sde("Y", drift, _NOISE, "r")


def _missed(drift: Expr) -> Expr:
    return (c - diff(drift, s)) * _SECOND


def misses_the_generator(defect: Expr) -> bool:
    r"""To first order in $\delta$ a step of A13 with noise $\kappa$ changes the mean of a function
    $f$ of $\log X$, in one coordinate, by $\delta$ times the sum of the generator of eq. (11) and
    $[[defect]]$, so that for a noise of other size than one it is no splitting of that equation.

    In a splitting method the generators of the parts add up to that of the equation. $f$ is given
    by its derivatives $f_1$ and $f_2$."""
    step = log_step(h, z, root, kappa)
    first_order = over_draw(f1 * step + f2 * step**2 / 2).expand().coeff(root, 2)
    return same(first_order, LOG_DRIFT * f1 + sigma**2 / 2 * f2 + defect)


def is_the_drift_gap(candidate: tuple[Expr, Expr]) -> bool:
    r"""With noise $\kappa$ and unchanged drifts, the drift of $\log X$ under the sign-agnostic
    sampler exceeds that under the Dale–Langevin sampler by $[[gap]]$; with $[[reduced]]$ in place
    of $[[constant]]$ they agree.

    The mean at order $\delta$ of the expanded logarithm of the factor of A12, minus that of A13.
    The constant in A12 contains Itô's term for full noise only."""
    gap, constant = candidate
    e = ambient_factor(h, z, root, kappa) - 1
    difference = over_draw(e - e**2 / 2 - log_step(h, z, root, kappa))
    found = difference.expand().coeff(root, 2)
    return vanishes((found - gap, found + constant - _CONSTANT))


def adds_to_the_variance(added: Expr) -> bool:
    r"""On log-normal data a step of A13 with noise $\kappa$, from a level where $\log X$
    has the exact variance $v$, adds $[[added]]$ to $[[quotient]]$, with $h$ the variance of a full
    step and $V$ that of the sampler's $\log X$. So the annealed sampler ends with $[[total]]$ for
    $V$, $v_k$ the exact variances.

    The deviation shrinks by the ratio of the exact variances, so that the quotients telescope; a
    term is what its level adds, with its power of $\chi$ for $\kappa$. The sum is compared with a
    run of two levels, too. In the setting of the figures of E18, with an exact start, the
    variance is $[[ratio]]$ of that of $\log X_0$ at $\chi=[[chi]]$."""
    rows = zip((2, 1), annealed_rows(2, H / s2, 1, chi, 2), strict=True)
    run = variance_after([(i * e, e, noise) for i, (_, e, noise) in rows], v0, s2, V)
    total = _total(added).subs(v_N, _FIRST_LEVEL).subs({N: 2, V_N: V}).doit()
    from_exact = run.subs(V, v0 + 2 * H) / v0 - _ratio(added).subs(N, 2).doit()
    return vanishes((_gained(H) - added, run - total, from_exact))


def _gained(length: Expr) -> Expr:
    """By a step that adds so much variance, from a level to the next."""
    moved = log_step(affine_score(c, v), z, sqrt(length) / sigma, kappa)
    step = (1 + diff(moved, c)) ** 2 * V + diff(moved, z) ** 2
    return _QUOTIENT.subs({V: step, v: v - H}, simultaneous=True) - _QUOTIENT


def _total(added: Expr) -> Expr:
    """The variance after N levels."""
    term = added.xreplace({v: v0 + k * H, kappa: chi ** (N - k)})
    return v0**2 * _QUOTIENT.subs({V: V_N, v: v_N}) + Sum(v0**2 * term, (k, 1, N))


def _ratio(added: Expr) -> Expr:
    """The variance after N levels from an exact start, over that of the data."""
    return _total(added).subs(V_N, v_N).subs(v_N, _FIRST_LEVEL) / v0


def is_the_limit(formula: Expr) -> bool:
    r"""On log-normal data without decay, the variance $V$ of the sampler's $\log X$, as a function
    of the exact one $v$, obeys $[[ode]]$ for $\delta$ to zero, with $[[clock]]$; its solution from
    $V_N$ at $v_N$ is $[[solution]]$. At the points shown, the variance at the end of a sampler
    with an exact start approaches it: between $N=[[grids]]$ the distance halves, but for a part of
    $[[close]]$.

    The exact recursion of a visit is the identity for $\delta$ zero, so that the first orders of
    the visits of a level add up, while $v$ falls by what a level adds to it."""
    slope = diff(formula, v) + diff(formula, P) * P * diff(_POWER, v) / _POWER
    start = formula.subs(P, _POWER).subs(v, v_N)
    level, inner = symbols("level inner")
    speed = _clock(inner, _visit(rho, inner, level), level)
    solves = vanishes((start - V_N, slope - _rate().subs(V, formula), speed - rho))
    value = lambdify((v, v_N, V_N, rho), formula.subs(P, _POWER), "mpmath")
    return solves and all(_approached(value, at["rho"], at["L"]) for at in points(_CLOCKS))


def _rate() -> Expr:
    """dV/dv from the exact recursion of a visit, of length rho delta for all visits together."""
    after = variance_after([((v - v0) / s2, rho * H / s2, 1)], v0, s2, V)
    return -diff(after, H).subs(H, 0)


def _clock(inner: Expr, length: Expr, level: Expr) -> Expr:
    return inner * length / level


def _visit(speed: Expr | mpf, inner: Expr | int, level: Expr | mpf) -> Expr | mpf:
    """The length of one of the visits of a level."""
    return speed * level / inner


def _approached(value: Callable[..., mpf], speed: str, inner: int) -> bool:
    with mpmath.workdps(50):
        wanted = value(DATA, _LAST, _LAST, mpf(speed)) / DATA
        runs = (_run(levels, speed, inner) for levels in _GRIDS)
        coarse, fine = (relative_variance(rows) - wanted for rows in runs)
        return bool(abs(coarse / fine / 2 - 1) < _CLOSE)


@cache
def _run(levels: int, speed: str, inner: int) -> list[tuple]:
    length = _visit(mpf(speed), inner, mpf(1) / levels)
    return annealed_rows(levels, length, inner, mpf(1), levels)


_POWER = (v / v_N) ** (2 * rho)  # what P stands for
_GRIDS, _CLOSE, _LAST = (250, 500), mpf("0.04"), DATA + NOISE_RATE
_SET = f"{float(DATA)}", f"{float(NOISE_RATE)}"
_CLOCKS = table("rho L v0 sigma^2", ("0.2", 1, *_SET), ("0.6", 3, *_SET), ("3", 3, *_SET))
_DRIFT = -(mu - s2 / 2) + (1 + kappa**2) / 2 * s2 * s
E18 = Claim(
    "E18", "annealed noise and the marginals", keeps_the_marginals, holds=_DRIFT, twins={
        "kappa for kappa^2": _DRIFT + (kappa - kappa**2) / 2 * s2 * s,
        "score halved, as without noise": -(mu - s2 / 2) + s2 / 2 * s,
    }, printed={"drift of full noise": -(mu - s2 / 2) + s2 * s}, shown=lambda drift: {
        "equation": _equation(drift), "missed": _missed(drift),
    }, values=lambda: {"second": _SECOND},
    sources=v1("App. D.4: operator splitting") + v2("sec. 6.3: decay of the noise"),
    sheet=("E18", "R11"), assumptions=(
        "q_t is positive and twice differentiable; s is its log score", UNIQUE,
        "one coordinate; the others add terms of the same form",
    ), depends=("A9", "A13", "R11", "annealing-variance"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote=r"Version 1, App. D.4: “a step-size that is annealed by a factor $\chi<1$ to "
        r"progressively reduce the effect of noise”, with line 6 scaling only $\bm Z$ by "
        r"$\kappa$; version 2, sec. 6.3: “consistently improving sample quality”",
        trouble="Not the step size is annealed but the amplitude of the noise, while the drift "
        "stays that of full noise. On log-normal data, with more than one level, the sampler "
        "then ends with less log-variance than at full noise, even with an exact score "
        "(annealing-variance), in line with the “mode collapse with no noise” that appendix G.2 "
        "of version 2 observes.",
        advice="Scale the score in the drift along, as in R11-steps.", figures=lambda: tuple(
            variance_figure(f"at chi = {float(decay)}", uniform_rows(LEVELS, decay))
            for decay in (CHI, mpf("0.999"), mpf(1))
        ), remains_open="Version 2's values of the factor are lost in the text we have.",
    ))  # fmt: skip

_DEFECT = (kappa**2 - 1) * sigma**2 / 2 * f2
OPERATOR_SPLITTING = Claim(
    "operator-splitting", "annealing as operator splitting", misses_the_generator, holds=_DEFECT,
    twins={
        "kappa for kappa^2": _DEFECT / (kappa + 1), "without the half": 2 * _DEFECT,
        "of the drift": _DEFECT / f2 * f1,
    }, printed={"a splitting at any kappa": Integer(0)}, names={"f1": "f_1", "f2": "f_2"},
    shown=lambda defect: {"defect": defect}, sources=v1("App. D.4: operator splitting"),
    sheet=("E18",), assumptions=("f has a bounded second derivative; the score is finite",),
    depends=("A13", "E18"), means=Means.CALCULUS, erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="App. D.4: “the step-size annealing can be viewed as a special case of operator "
        "splitting methods used in the discretization of SDEs”",
        trouble="With less than full noise the parts do not add up to eq. (11)."))  # fmt: skip

_CONSTANT = (RATE + mu - sigma**2 * h).expand()  # of the drift of A12 over X
_GAP = sigma**2 * (1 - kappa**2) / 2, sigma**2 * (3 + kappa**2) / 2
GAP = Claim(
    "E18-gap", "ADLS and ASAMS at less than full noise: their drifts", is_the_drift_gap,
    holds=_GAP, twins={
        "other sign": (-_GAP[0], _GAP[1]), "1 - kappa": (
            _GAP[0] / (1 + kappa), sigma**2 * (3 + kappa) / 2,
        ), "correction with the wrong sign": (_GAP[0], 4 * sigma**2 - _GAP[1]),
    }, shown=lambda pair: {"gap": pair[0], "reduced": pair[1]},
    values=lambda: {"constant": _CONSTANT}, sheet=("E18",),
    readings=("the reconstructed listings A-Alg1 and A-Alg2",), means=Means.CALCULUS,
    assumptions=("the score is finite",), depends=("A12", "A13", "A-Alg1", "A-Alg2"))  # fmt: skip

_QUOTIENT, _ADDED, _FIRST_LEVEL = V / v**2, kappa**2 * H / (v - H) ** 2, v0 + N * H
VARIANCE = Claim(
    "annealing-variance", "what annealing leaves of the log-variance", adds_to_the_variance,
    holds=_ADDED, means=Means.CALCULUS, twins={
        "v_k for v_{k-1}": kappa**2 * H / v**2, "not squared": _ADDED * (v - H),
        "kappa for kappa^2": _ADDED / kappa,
    }, shown=lambda added: {"added": added, "total": _total(added)}, values=lambda: {
        "quotient": _QUOTIENT, "chi": CHI,
        "ratio": lambdify((N, H, v0, chi), _ratio(_ADDED), "mpmath")(
            LEVELS, NOISE_RATE / LEVELS, DATA, CHI),
    }, names={"H": "h", "chi": r"\chi"}, sources=v2("App. G.2: annealing"), sheet=("E18",),
    assumptions=(*ON_LOG_NORMAL, Assumption(
        "one visit a level, of the length of a level", "the ratio of the exact variances",
        lambda: not same(_gained(2 * H), _ADDED),
    ), "v_0 is positive"), depends=("A13", "A-Alg1", "R2"))  # fmt: skip

_FIRST = rho * v_N / (2 * rho - 1)
_LIMIT = rho * v / (2 * rho - 1) + (V_N - _FIRST) * P
E17_LIMIT = Claim(
    "E17-limit", "log-variance when the reverse clock is off", is_the_limit, holds=_LIMIT, twins={
        "power 2 rho + 1": rho * v / (2 * rho - 1) + (V_N - _FIRST) * P * v / v_N,
        "rho - 1 for 2 rho - 1": rho * v / (rho - 1) + (V_N - rho * v_N / (rho - 1)) * P,
        "the start forgotten": rho * v / (2 * rho - 1) * (1 - P),
    }, shown=lambda formula: {"solution": Says("V", formula.subs(P, _POWER))},
    values=lambda: {
        "ode": Says("dV/dv", _rate().expand()), "grids": _GRIDS, "close": _CLOSE,
        "clock": Says(r"\rho", _clock(*symbols("L delta_s dt"))),
    }, names={"L": "L"}, means=Means.POINTS,
    sources=v2("sec. 6.3: setting that recovers Euler-Maruyama"), sheet=("E17",), assumptions=(
        *ON_LOG_NORMAL, EXACT_START, Assumption(
            "rho is not one half", "the particular solution, proportional to v",
            lambda: not same((c * v).diff(v), _rate().subs({V: c * v, rho: Rational(1, 2)})),
        ), "v_0 is positive",
    ), depends=("A13", "E17", "R10-limit"))  # fmt: skip
CLAIMS = (E18, OPERATOR_SPLITTING, GAP, VARIANCE, E17_LIMIT)
