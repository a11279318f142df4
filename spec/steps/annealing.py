"""Annealed noise: what it does to the marginals, why it is not a splitting, what it leaves of the
variance, and how the two annealed samplers differ; the variance where the reverse clock is off.

Symbols: y = log x; q density of log X_t, s its log score, s1 = ds/dy; mu, s2 = sigma^2 rates;
kappa factor on the noise; chi its decay a level; h Hyvarinen score; z draw; root = sqrt(dt); v0,
v, v_N variances of log-normal data, at the present level and at the first; V variance of the
sampler's log X; rho = L delta_s / delta; H = sigma^2 delta; P = (v / v_N)^(2 rho).
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Poly, Rational, Sum, diff, lambdify, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Means, v1, v2
from spec.checking.pins import table
from spec.checking.symbols import H, V, h, kappa, mu, s2, sigma, v, v0, z
from spec.checking.trace import points
from spec.checking.typeset import Says, Sde
from spec.steps._assumed import EXACT_START, ON_LOG_NORMAL
from spec.steps._programs import chi
from spec.steps._recursions import (
    CHI,
    DATA,
    LEVELS,
    NOISE_RATE,
    GridRow,
    annealed_rows,
    relative_variance,
    uniform_rows,
    variance_after,
    variance_figure,
)
from spec.steps._reverse import ambient_drift, ambient_factor, log_drift, log_step, over_draw, root

s, s1, D, f1, f2, c = symbols("s s1 D f1 f2 c", real=True)
_SECOND = s**2 + s1  # q''/q
rho, v_N, V_N, P, N, k = symbols("rho v_N V_N P N k", positive=True)


def residual(drift: Expr, noise: Expr = kappa) -> Expr:
    """What keeps dY = drift dr + noise sigma dW, run backwards in time, from passing through q_t.

    `drift` is an expression in s, the log score of q_t at y. Divided by q, with q'/q = s and
    q''/q = s^2 + s1: forward, dq/dt = -(m q)' + s2/2 q''; in r = -t this has to equal the
    Fokker-Planck right-hand side -(drift q)' + noise^2 s2/2 q''.
    """
    backwards_in_time = (mu - s2 / 2) * s - s2 / 2 * _SECOND
    return backwards_in_time + diff(drift, s) * s1 + drift * s - noise**2 * s2 / 2 * _SECOND


def keeps_the_marginals(drift: Expr) -> bool:
    r"""With the noise scaled by $\kappa$, $[[equation]]$ has the marginals $q_t$ of the forward
    process; a drift that has $c$ in place of its factor on the log score misses their equation by
    $[[missed]]$ times $q$, with $s$ the log score of $q$ and $s_1$ its derivative.

    The Fokker–Planck equation is divided by $q$, whose first two derivatives over $q$ are $s$ and
    $[[second]]$. Both sides are linear in the drift.
    """
    general = -(mu - s2 / 2) + c * s
    return vanishes(residual(drift)) and same(residual(general), _missed(drift))


def _missed(drift: Expr) -> Expr:
    return (c - diff(drift, s)) * _SECOND


def misses_the_generator(defect: Expr) -> bool:
    r"""To first order in $\delta$ a step of A13 with noise $\kappa$ changes the mean of a function
    $f$ by $\delta$ times the generator of eq. (11) and $[[defect]]$ more, so that for a noise of
    other size than one it is no splitting of that equation.

    In a splitting method the generators of the parts add up to that of the equation. The step is
    averaged over its draw exactly, $f$ being given by its derivatives $f_1$ and $f_2$.
    """
    step = log_step(h, z, root, kappa)
    mean = over_draw(f1 * step + f2 * step**2 / 2)
    first_order = Poly(mean, root).coeff_monomial(root**2)
    return same(first_order, log_drift() * f1 + sigma**2 / 2 * f2 + defect)


def is_the_drift_gap(candidate: tuple[Expr, Expr]) -> bool:
    r"""With noise $\kappa$ and unchanged drifts, the drift of $\log X$ under the sign-agnostic
    sampler exceeds that under the Dale–Langevin sampler by $[[gap]]$; with $[[coefficient]]$ in
    place of $[[constant]]$ they agree.

    The mean of the logarithm of the factor of A12 at order $\delta$, minus the exponent of A13.
    The constant in A12 contains Itô's term for full noise only.
    """
    gap, coefficient = candidate
    e = ambient_factor(h, z, root, kappa) - 1
    log_ambient = over_draw(e - e**2 / 2)
    log_dale = over_draw(log_step(h, z, root, kappa))
    found = Poly(log_ambient - log_dale, root).coeff_monomial(root**2)
    return same(found, gap) and vanishes(found + coefficient * sigma**2 - _constant())


def _constant() -> Expr:
    """What the drift of A12 has besides mu and the score."""
    return (ambient_drift() + mu - sigma**2 * h).expand()


def adds_to_the_variance(added: Expr) -> bool:
    r"""On log-normal data a step of A13 with noise $\kappa$, from a level whose exact variance is
    $v$, adds $[[added]]$ to $[[quotient]]$, with $h$ the variance of a full step and $V$ that of
    the sampler. So the annealed sampler ends with the variance $[[total]]$, $v_k$ the exact
    variances.

    The next exact variance is $[[next]]$, and the deviation shrinks by their ratio, so that the
    quotients telescope; a term is what its level adds, with its power of $\chi$ for $\kappa$. All
    terms but that of the first level grow with $\chi$: near one samples are diverse and noisy,
    below it clean and alike, as appendix G.2 says.
    At $\chi=[[chi]]$ the variance is $[[ratio]]$ of that of the data in the setting of the figures
    of E18.
    """
    row = GridRow((v - v0) / s2, H / s2, kappa)
    grown = _of_exact(variance_after([row], v0, s2, V), v - H) - _of_exact(V, v)
    powers = _term(added, N).replace(
        lambda part: part.is_Pow and part.base == chi,
        lambda part: kappa ** (part.exp / (N - k)).cancel(),
    )
    return vanishes((grown - v0**2 * added, powers - v0**2 * added.subs(v, v0 + k * H)))


def _of_exact(variance: Expr, exact: Expr) -> Expr:
    return v0**2 * variance / exact**2


def _term(added: Expr, levels: Expr) -> Expr:
    """What level k adds to the variance at the end, of so many levels."""
    return (v0**2 * added).subs({v: v0 + k * H, kappa: chi ** (levels - k)}, simultaneous=True)


def is_the_limit(formula: Expr) -> bool:
    r"""On log-normal data without decay, the variance $V$ of the sampler's $\log X$, over the
    exact one $v$, obeys $[[ode]]$ for $\delta$ to zero, with $[[clock]]$; its solution from $V_N$
    at $v_N$ is $[[solution]]$. At the points shown, the variance at the end of a sampler with an
    exact start approaches it: between $N=[[grids]]$ the distance halves, but for a part of
    $[[close]]$.

    A visit takes the variance through its exact recursion, which is the identity for $h$ equal to
    zero, so that the first orders of the visits of a level add up, while $v$ falls by $h$. (It is
    R10-limit with its integral evaluated.)
    """
    slope = diff(formula, v) + diff(formula, P) * 2 * rho * P / v
    starts = same(formula.subs({v: v_N, P: 1}, simultaneous=True), V_N)
    approached = all([_approached(formula, at) for at in points(_CLOCKS)])
    return starts and same(slope, _rate(formula)) and approached


def _rate(variance: Expr) -> Expr:
    """dV/dv from the exact recursion of a visit, of length rho delta for all visits together."""
    after = variance_after([GridRow((v - v0) / s2, rho * H / s2, 1)], v0, s2, V)
    return -diff(after, H).subs(H, 0).subs(V, variance)


def _clock(inner: Expr, length: Expr, level: Expr) -> Expr:
    """How long the visits of a level are together, in units of the level."""
    return inner * length / level


def _approached(formula: Expr, at: dict[str, object]) -> bool:
    with mpmath.workdps(50):
        speed, inner, last = mpf(at["rho"]), at["L"], DATA + NOISE_RATE
        value = lambdify((v, P, v_N, V_N, rho), formula, "mpmath")
        wanted = value(DATA, (DATA / last) ** (2 * speed), last, last, speed) / DATA
        coarse, fine = (
            relative_variance(annealed_rows(n, speed / pace, inner, mpf(1), n)) - wanted
            for n, pace in ((n, _clock(inner, 1, mpf(1) / n)) for n in _GRIDS)
        )
        return bool(abs(coarse / fine / 2 - 1) < _CLOSE)


_GRIDS, _CLOSE = (250, 500), mpf("0.04")
_SET = f"{float(DATA)}", f"{float(NOISE_RATE)}"
_CLOCKS = table("rho L v0 sigma^2", ("0.2", 1, *_SET), ("0.6", 3, *_SET), ("3", 3, *_SET))
_DRIFT = -(mu - s2 / 2) + (1 + kappa**2) / 2 * s2 * s


def _variances() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        decays = (CHI, mpf("0.999"), mpf(1))
        return tuple(
            variance_figure(f"at chi = {mpmath.nstr(decay, 4)}, L = 1, delta_s = delta",
                            uniform_rows(LEVELS, decay))
            for decay in decays
        )  # fmt: skip


E18 = Claim(
    "E18", "annealed noise and the marginals", keeps_the_marginals, holds=_DRIFT, twins={
        "kappa for kappa^2": _DRIFT + (kappa - kappa**2) / 2 * s2 * s,
        "score halved, as without noise": -(mu - s2 / 2) + s2 / 2 * s,
    }, printed={"drift of full noise": -(mu - s2 / 2) + s2 * s}, shown=lambda drift: {
        "equation": Sde("Y", drift, kappa * sigma, "r"), "missed": _missed(drift),
    }, values=lambda: {"second": _SECOND}, names={"s": "s"},
    sources=v1("App. D.4: operator splitting") + v2("sec. 6.3: decay of the noise"),
    sheet=("E18", "R11"), assumptions=(
        "q_t is positive and twice differentiable; s is its log score",
        "one coordinate; the others add terms of the same form",
    ), depends=("A9", "A13", "R11"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote=r"Version 1, App. D.4: “a step-size that is annealed by a factor $\chi<1$ to "
        r"progressively reduce the effect of noise”, with line 6 scaling only $\bm Z$ by "
        r"$\kappa$; version 2, sec. 6.3: “consistently improving sample quality”",
        trouble="Not the step size is annealed but the amplitude of the noise, while the drift "
        "stays that of full noise. The sampler therefore contracts too much: it loses diversity "
        "even with an exact score (annealing-variance), in line with the “mode collapse with no "
        "noise” that appendix G.2 of version 2 observes. Samples can still look cleaner; what is "
        "lost is the law.",
        advice="Scale the drift along, as in R11-steps.", figures=_variances,
        remains_open="Version 2's values of the factor are lost in the text we have.",
    ),
)  # fmt: skip

_DEFECT = (kappa**2 - 1) * sigma**2 / 2 * f2
OPERATOR_SPLITTING = Claim(
    "operator-splitting", "annealing as operator splitting", misses_the_generator, holds=_DEFECT,
    twins={
        "kappa for kappa^2": (kappa - 1) * sigma**2 / 2 * f2, "without the half": 2 * _DEFECT,
        "of the drift": (kappa**2 - 1) * sigma**2 / 2 * f1,
    }, printed={"a splitting at any kappa": Integer(0)}, names={"f1": "f_1", "f2": "f_2"},
    shown=lambda defect: {"defect": defect}, sources=v1("App. D.4: operator splitting"),
    sheet=("E18",), assumptions=("f is twice differentiable",), depends=("A13", "E18"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="App. D.4: “the step-size annealing can be viewed as a special case of operator "
        "splitting methods used in the discretization of SDEs”",
        trouble="Drift and noise in turn would be a splitting, and so is A13 at full noise. With "
        "less noise the parts no longer add up to eq. (11), however small the step.",
        advice="What is a splitting: the probability-flow equation, and Langevin dynamics at "
        "fixed $t$ (R11-corrector), at a rate that goes with the noise. Together they are the "
        "equation of E18.",
    ),
)  # fmt: skip

_HALF = Rational(1, 2)
GAP = Claim(
    "E18-gap", "ADLS and ASAMS have different limits", is_the_drift_gap,
    holds=(sigma**2 * (1 - kappa**2) / 2, (3 + kappa**2) / 2), twins={
        "other sign": (-(sigma**2) * (1 - kappa**2) / 2, (3 + kappa**2) / 2),
        "1 - kappa": (sigma**2 * (1 - kappa) / 2, (3 + kappa) / 2),
        "correction with the wrong sign": (sigma**2 * (1 - kappa**2) / 2, (5 - kappa**2) / 2),
    }, shown=lambda pair: {"gap": pair[0], "coefficient": pair[1] * sigma**2},
    values=lambda: {"constant": _constant()}, sheet=("E18",),
    readings=("the reconstructed listings A-Alg1 and A-Alg2",),
    depends=("A12", "A13", "A-Alg1", "A-Alg2"),
)  # fmt: skip


def _total(added: Expr) -> dict[str, object]:
    return {"added": added, "total": _of_exact(V_N, v_N) + Sum(_term(added, N), (k, 1, N))}


_ADDED = kappa**2 * H / (v - H) ** 2
VARIANCE = Claim(
    "annealing-variance", "annealing trades variance for cleanliness", adds_to_the_variance,
    holds=_ADDED, twins={
        "v_k for v_{k-1}": kappa**2 * H / v**2, "not squared": kappa**2 * H / (v - H),
        "kappa for kappa^2": kappa * H / (v - H) ** 2,
    }, shown=_total, values=lambda: {
        "quotient": _of_exact(V, v) / v0**2, "next": v - H, "chi": CHI,
        "ratio": relative_variance(uniform_rows(LEVELS, CHI)),
    }, names={"H": "h", "chi": r"\chi", "v": "v", "V": "V"}, sources=v2("App. G.2: annealing"),
    sheet=("E18",), assumptions=(
        *ON_LOG_NORMAL, Assumption(
            "one visit a level, of the length of a level", "the next exact variance", lambda: (
                not same(
                    variance_after([GridRow((v - v0) / s2, 2 * H / s2, kappa)], v0, s2, V)
                    / (v - H) ** 2,
                    V / v**2 + _ADDED,
                )
            ),
        ),
    ), depends=("A13", "A-Alg1"),
)  # fmt: skip

_FIRST = rho * v_N / (2 * rho - 1)
_LIMIT = rho * v / (2 * rho - 1) + (V_N - _FIRST) * P
E17_LIMIT = Claim(
    "E17-limit", "variance when the reverse clock is off", is_the_limit, holds=_LIMIT, twins={
        "power 2 rho + 1": rho * v / (2 * rho - 1) + (V_N - _FIRST) * P * v / v_N,
        "rho - 1 for 2 rho - 1": rho * v / (rho - 1) + (V_N - rho * v_N / (rho - 1)) * P,
        "the start forgotten": rho * v / (2 * rho - 1) * (1 - P),
    }, shown=lambda formula: {"solution": Says("V", formula.subs(P, (v / v_N) ** (2 * rho)))},
    values=lambda: {
        "ode": Says("dV/dv", _rate(V).expand()), "grids": _GRIDS, "close": _CLOSE,
        "clock": Says(r"\rho", _clock(*symbols("L delta_s dt"))),
    }, names={"L": "L", "v_N": "v_N", "V_N": "V_N"}, means=Means.POINTS,
    sources=v2("sec. 6.3: setting that recovers Euler-Maruyama"), sheet=("E17",), assumptions=(
        *ON_LOG_NORMAL, EXACT_START, Assumption(
            "rho is not one half", "the particular solution, proportional to v",
            lambda: not same((c * v).diff(v), _rate(c * v).subs(rho, _HALF)),
        ),
    ), depends=("A13", "E17", "R10-limit"),
)  # fmt: skip

CLAIMS = (E18, OPERATOR_SPLITTING, GAP, VARIANCE, E17_LIMIT)
