"""The forms of the score and the conversions between them; r is the root of v."""

from collections.abc import Callable, Mapping

from sympy import Expr, Symbol, log, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.pins import table
from spec.checking.symbols import L, h, m, v, x
from spec.checking.typeset import Says
from spec.scores import _posterior

S, s, eps, D = symbols("S s eps D", real=True)
r = Symbol("r", positive=True)
# (the form that is wanted, the form that is given) -> formula
Conversions = dict[tuple[Symbol, Symbol], Says]
_V = r**2
_FORMULAS = {
    (s, h): 1 + h, (S, h): h / x, (eps, h): -r * (1 + h), (D, h): L - m + _V * (1 + h),
    (h, s): s - 1, (h, S): x * S, (h, eps): -1 - eps / r, (h, D): -1 + (D + m - L) / _V,
}  # fmt: skip


def converts(conversions: Conversions) -> bool:
    r"""Let $H$ be the Hyvärinen score, $S$ the score of $X$ and $s$ that of $\log X$,
    $\hat\varepsilon$ the mean of the draw $Z$ given $X_t$, $D$ that of $\log X_0$, and $v=[[v]]$
    with $r$ positive. Then [[from]], and conversely [[back]], for every law of the data.

    The law of $\log X_t$ is the average of the kernel over the data, so that $s$ is the mean of
    the kernel's derivative, a linear function of $\log X_0$, as is the draw; their means hold its
    mean given $X_t$ as a symbol. The density of $X$ has the factor of the Jacobian."""
    y, a, data = _posterior.Y[0], _posterior.DRIFT[0], _posterior.DATA[0]
    score = _posterior.log_score()[0].subs(v, _V)
    forms = {L: y, m: a, s: score, h: score - 1, S: (score - 1) / x, D: _posterior.mean()[0],
             eps: _posterior.posterior((y - data - a) / r)}  # fmt: skip
    gaps = ((c.left - c.right).xreplace(forms) for c in conversions.values())
    return conversions.keys() == _FORMULAS.keys() and all(map(vanishes, gaps))


def _said(formulas: Mapping[tuple[Symbol, Symbol], Expr]) -> Conversions:
    return {key: Says(key[0], formula) for key, formula in formulas.items()}


def _but(wanted: Symbol, given: Symbol, formula: Expr) -> Conversions:
    return _said({**_FORMULAS, (wanted, given): formula})


def _shown(conversions: Conversions) -> dict[str, list[Says]]:
    return {
        "from": [says for (_, given), says in conversions.items() if given is h],
        "back": [says for (_, given), says in conversions.items() if given is not h],
    }


def _one(wanted: Symbol, given: Symbol) -> Callable[[Conversions], Expr]:
    """One conversion, in the names of points and vectors."""
    names = {L: log(x), r: sqrt(v), eps: Symbol("n"), D: Symbol("d")}
    return lambda conversions: conversions[wanted, given].right.subs(names)


_STEIN = table("x S", (1.7, -0.9), (3e-7, 4.1e6), (812.0, -2e-9))
_HYVARINEN = table("x h", (1.7, -0.9), (3e-7, 4.1), (812.0, -1.0000001))
_LOG_SCORES = table("s", (-0.7,), (31.5,), (1.0000001,))
_PINS = (
    Pin("gbm_ref.hyvarinen_from_stein", _STEIN, _one(h, S), k=2),
    Pin("gbm_ref.stein_from_hyvarinen", _HYVARINEN, _one(S, h), k=2),
    Pin("gbm_ref.hyvarinen_from_log_score", _LOG_SCORES, _one(h, s), k=2),
    Pin("gbm_ref.noise_from_hyvarinen", (), _one(eps, h), vectors="noise_from_hyvarinen"),
    Pin("gbm_ref.hyvarinen_from_noise", (), _one(h, eps), vectors="hyvarinen_from_noise"),
    Pin("gbm_ref.denoiser", (), _one(D, h), vectors="denoiser"),
    Pin("gbm_ref.hyvarinen_from_denoiser", (), _one(h, D), vectors="hyvarinen_from_denoiser"),
)
FORMS = Claim(
    "forms-of-the-score", "forms of the score", converts, holds=_said(_FORMULAS), twins={
        "noise from h for 1 + h": _but(eps, h, -r * h),
        "denoiser with h for 1 + h": _but(D, h, L - m + r**2 * h),
        "m added": _but(h, D, -1 + (D - m - L) / r**2),
        "noise divided by v": _but(h, eps, -1 - eps / r**2),
        "Stein score without x": _but(h, S, S), "Stein score times x": _but(S, h, x * h),
        "no Jacobian": _but(h, s, s),
    }, shown=_shown, values=lambda: {"v": _V}, sheet=("C4", "R5"),
    names={"h": "H", "L": r"\log x", "x": "x", "eps": r"\hat\varepsilon"},
    assumptions=(_posterior.NOISE,), depends=("A6", "A10-score"), pins=_PINS)  # fmt: skip
CLAIMS = (FORMS,)
