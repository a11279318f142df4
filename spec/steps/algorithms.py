"""The annealed samplers of version 2, whose listings are lost, and what can be said of them.

Symbols: h score; z draw; root = sqrt(delta_s); kappa factor on the noise; chi its decay; v0
variance of log-normal data; e distance of log X from the mean of log X_t; mu = sigma^2 / 2.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Symbol, expand

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v2
from spec.checking.symbols import h, kappa, mu, sigma, v0, z
from spec.steps._programs import START, UnknownScore, draw
from spec.steps._reverse import ambient_factor, log_step, root

_PAPER_DRIFT = {mu: sigma**2 / 2}
_LISTING_LOST = (
    "The listing is lost in the text of version 2. The prose leaves these things: noise decayed "
    "geometrically across levels, repeated steps at each level, a value of the decay that gives "
    "Euler-Maruyama, and mu chosen to simplify. What is held here is Algorithm 2 of version 1 "
    "updated in place with mu = sigma^2 / 2. Nothing forces the first level (N or N - 1), the "
    "place of the decay, or the length of a step; "
)


def is_dale_langevin(exponent: Expr) -> bool:
    """Whether this exponent, once a level, is Euler-Maruyama in log X with its noise times kappa.

    mu = sigma^2 / 2. Two levels with an unknown score; right: steps built from the reverse
    equation.
    """
    score = UnknownScore()
    left = right = START
    for k in (2, 1):
        values = {h: score(left, k), z: draw(k, 1)}
        left = left + exponent.subs(values, simultaneous=True)
        right = right + log_step(score(right, k), draw(k, 1), root, kappa).subs(_PAPER_DRIFT)
    return same(left, right)


def is_sign_agnostic(factor: Expr) -> bool:
    """Whether this factor, once a level, is Euler-Maruyama in X with its noise times kappa.

    mu = sigma^2 / 2. Two levels with an unknown score; right: factors built from the reverse
    equation.
    """
    score = UnknownScore()
    left = right = Symbol("X_start", real=True)
    for k in (2, 1):
        values = {h: score(left, k), z: draw(k, 1)}
        left = expand(left * factor.subs(values, simultaneous=True))
        step = ambient_factor(score(right, k), draw(k, 1), root, kappa).subs(_PAPER_DRIFT)
        right = expand(right * step)
    return same(left, right)


def shrinks_by(factor: Callable[[int], Expr]) -> bool:
    """Whether n noise-free visits at k = 1 multiply the distance from the mean by factor(n).

    Log-normal data, exact score at t = delta, mu = sigma^2 / 2; the visits are run on symbols.
    """
    e, verdicts = Symbol("e", real=True), []
    for visits in (1, 2, 3):
        state = e
        for _ in range(visits):
            score = -1 - state / (v0 + sigma**2 * root**2)
            state = state + log_step(score, Integer(0), root, 0).subs(_PAPER_DRIFT)
        verdicts.append(same(state, e * factor(visits)))
    return all(verdicts)


def _denoised_rows(at: dict[str, mpf], level: int) -> tuple[mpf, ...]:
    """Levels N to 1, once each, then `extra` noise-free rows at `level`; as one sequence."""
    levels, extra = (int(mpmath.nint(at[name])) for name in ("N", "extra"))
    delta, flat = at["T"] / levels, []
    for i, k in enumerate(range(levels, 0, -1)):
        flat += [k * delta, at["step"], at["chi"] ** i]
    return tuple(flat + [level * delta, at["step"], mpf(0)] * extra)


_ADLS = root**2 * sigma**2 * (1 + h) + kappa * sigma * root * z
_ASAMS = 1 + 3 * root**2 * sigma**2 / 2 + root**2 * sigma**2 * h + kappa * sigma * root * z

A_ALG1 = Claim(
    id="A-Alg1",
    title="annealed Dale-Langevin sampler (ADLS)",
    statement=r"As reconstructed: $X\leftarrow X\circ\exp[\delta_s\sigma^2(\mathbf "
    r"1+h)+\kappa\sigma\sqrt{\delta_s}Z]$, $L$ times at each level $k$, then "
    r"$\kappa\leftarrow\chi\kappa$. The update is A13 with $\mu=\frac{\sigma^2}2$ and its noise "
    r"times $\kappa$; with $\chi=1,L=1,\delta_s=\delta$ it is A13.",
    kind=Kind.UNRECOVERABLE,
    means=Means.ALGEBRA,
    sources=v2("Algorithm 1"),
    sheet=("A-Alg1",),
    assumptions=("version 2 keeps version 1's Algorithm 2, with one variable X",),
    depends=("A13", "V1-Alg2"),
    derivation=r"$-\delta(\mu-\frac{3\sigma^2}2)=\delta\sigma^2$ at $\mu=\frac{\sigma^2}2$. Two "
    "levels are run on symbols with an arbitrary score and compared with Euler–Maruyama steps "
    "built from the reverse equation.",
    reason=_LISTING_LOST
    + "with chi = 1, L = 1 and equal steps it has to be A13, which is decided.",
    proof=Proof(
        is_dale_langevin,
        holds=_ADLS,
        twins={
            "3/2 sigma^2, with mu = 0": _ADLS + root**2 * sigma**2 / 2,
            "h without the one": _ADLS - root**2 * sigma**2,
            "drift annealed too": _ADLS + (kappa - 1) * root**2 * sigma**2 * (1 + h),
        },
    ),
)

A_ALG2 = Claim(
    id="A-Alg2",
    title="annealed sign-agnostic multiplicative sampler (ASAMS)",
    statement=r"As reconstructed: $X\leftarrow X\circ[\mathbf 1+\frac32\delta_s\sigma^2+\delta_s"
    r"\sigma^2h+\kappa\sigma\sqrt{\delta_s}Z]$, $L$ times at each level $k$, then "
    r"$\kappa\leftarrow\chi\kappa$. The update is A12 with $\mu=\frac{\sigma^2}2$ and its noise "
    r"times $\kappa$; with $\chi=1,L=1,\delta_s=\delta$ it is A12.",
    kind=Kind.UNRECOVERABLE,
    means=Means.ALGEBRA,
    sources=v2("Algorithm 2"),
    sheet=("A-Alg2",),
    assumptions=("the loops are those of ADLS, with A12 in place of A13",),
    depends=("A12", "A-Alg1"),
    derivation=r"$-\delta(\mu-2\sigma^2)=\frac32\delta\sigma^2$ at $\mu=\frac{\sigma^2}2$. Two "
    "levels are run on symbols as for ADLS.",
    reason=_LISTING_LOST
    + "with chi = 1, L = 1 and equal steps it has to be A12, which is decided.",
    proof=Proof(
        is_sign_agnostic,
        holds=_ASAMS,
        twins={
            "drift of ADLS": _ASAMS - root**2 * sigma**2 / 2,
            "2 sigma^2, with mu = 0": _ASAMS + root**2 * sigma**2 / 2,
            "Ito term of the noise kappa": _ASAMS + (kappa**2 - 1) / 2 * root**2 * sigma**2,
        },
    ),
)

TERMINAL_DENOISING = Claim(
    id="terminal-denoising",
    title="terminal denoising steps",
    statement=r"On log-normal data, $n$ noise-free visits at $k=1$ multiply the distance of "
    r"$\log X$ from the data mean by $(\frac{v_0}{v_0+\sigma^2\delta})^n$, its variance by the "
    r"square. One visit gives the posterior mean of $\log X_0$; more of them shrink further. "
    "(R10-denoised has the variance for any step length.)",
    kind=Kind.UNRECOVERABLE,
    means=Means.ALGEBRA,
    sources=v2("sec. 6.3: terminal denoising"),
    sheet=("A-Alg1",),
    assumptions=(r"$\mu=\frac{\sigma^2}2$, exact score, step length $\delta$",),
    depends=("A13", "A-Alg1", "R5"),
    derivation=r"At $t=\delta$ the affine score gives $e\leftarrow e-\frac{\sigma^2\delta}{v_0+"
    r"\sigma^2\delta}e=\frac{v_0}{v_0+\sigma^2\delta}e$. This is the regression of $\log X_0$ on "
    r"$\log X_\delta$. The score stays at $t=\delta$ when the state has already lost that noise, "
    "so further visits repeat the factor.",
    reason="How many steps, at which level and with which formula is lost in the text of version "
    "2. Held here: the same update with Z = 0 at the last level. What that does to log-normal "
    "data is decided.",
    proof=Proof(
        shrinks_by,
        holds=lambda n: (v0 / (v0 + sigma**2 * root**2)) ** n,
        twins={
            "further visits change nothing": lambda n: v0 / (v0 + sigma**2 * root**2),
            "factor of the variance": lambda n: (v0 / (v0 + sigma**2 * root**2)) ** (2 * n),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.annealed",
            formula=lambda at: _denoised_rows(at, 1),
            twins={"at the level before": lambda at: _denoised_rows(at, 2)},
            points=(
                {"N": 4, "T": 1.0, "step": 0.2, "chi": 0.995, "extra": 3},
                {"N": 11, "T": 0.3, "step": 0.3 / 11, "chi": 0.5, "extra": 1},
            ),
            variant="terminal denoising",
        ),
    ),
)

CLAIMS = (A_ALG1, A_ALG2, TERMINAL_DENOISING)
