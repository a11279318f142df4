"""Classifier-free guidance: what its score is the score of, and what its flow makes of a start."""

from sympy import Abs, Expr, Function, diff, erf, erfinv, exp, expand_log, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.pins import table
from spec.checking.symbols import L, a, mu, s2, sigma, v, x
from spec.checking.typeset import Says
from spec.reverse.equations import score
from spec.reverse.flows import R16_ODE

hc, hu, w, K, b, y = symbols("hc hu w K b y", real=True)
Vc, Vu, B, T, q = symbols("Vc Vu B T q", positive=True)
_NAMES = {"hc": "H_c", "hu": "H_u", "Vc": "V_c", "Vu": "V_u"}
_U, _C, _REST = Function("U")(L), Function("C")(L), 1 - w
_TILTED, _GUIDED = _REST * _U + w * _C + K, hu + w * (hc - hu)


def is_the_tilted_score(guided: Expr) -> bool:
    r"""Let $H_c$ and $H_u$ be the Hyvärinen scores of two densities $p_c$ and $p_u$. Then
    $H=[[it]]$ is that of a density in proportion to $p_u$ to the power $[[power]]$ times $p_c$ to
    the power $w$, and it is the same whether densities of $X$ or of $\log X$ are multiplied.

    One more than $H$ is the derivative of the log density of $\log X$, which has the factor of the
    Jacobian, once, since the powers add up to one. The densities are any functions."""
    slopes = {diff(_U, L): hu, diff(_C, L): hc}
    of_x, of_log_x = _TILTED + L, (1 - w) * (_U + L) + w * (_C + L)
    return vanishes(tuple(diff(f, L).subs(slopes) - 1 - guided for f in (of_x, of_log_x)))


SCORE = Claim(
    "guided-score", "the score of classifier-free guidance", is_the_tilted_score, holds=_GUIDED,
    twins={"the weight counted from the class": hc + w * (hc - hu), "all left out": w * hc,
        "w - 1 for w": _GUIDED - hc + hu, "class and all exchanged": hc + w * (hu - hc),
    }, values=lambda: {"power": _REST}, names=_NAMES, sheet=("C4",), assumptions=(
        "both densities are positive and differentiable", "the product can be normalised",
    ), depends=("A10-score",),
    pins=(Pin("gbm_ref.guided_score", table("hc hu w", (0.7, -1.9, 2.5), (-3.1, 0.4, -0.3)),
              lambda guided: guided),))  # fmt: skip


def follows_the_flow(gain: Expr) -> bool:
    r"""Let $\log X$ be normal in a class, with variance $V_c$, and in all data, with $V_u$, both
    positive, along a direction that is an eigenvector of both covariances. With the guided score
    of weight $w$ the probability flow takes any start at noise $v$ to data of $[[it]]$ times its
    log-variance. So guidance need not sample the density of guided-score: where $[[where]]$, a
    start with that density ends with $[[end]]$, but that density of the data has $[[wanted]]$.

    The velocity is affine in $Y$, so that the distance of two paths grows at the rate of its slope
    whatever the means are, while $v$ grows at the rate $\sigma^2$. The log-variance of the
    density of guided-score is the inverse of the slope of its log score with the sign changed."""
    guided = 1 + _GUIDED.subs({hc: -y / (Vc + v) - 1, hu: -y / (Vu + v) - 1})
    slope = diff(R16_ODE.holds[0].subs(score, guided), y)
    # B is the log-variance on the way: where it ends does not change.
    end, log_end = _end(gain, B), expand_log(log(_end(gain, B)), force=True)
    change = diff(log_end, v) * s2 + diff(log_end, B) * 2 * slope * B
    tilted = diff(guided, y) * _OF_START + 1, _OF_START.subs(v, 0) - _OF_DATA
    ends = _ends(gain)
    landed = end.subs(B, _OF_START).subs(_AT) - ends["end"]
    return vanishes((change, end.subs(v, 0) - B, *tilted, landed)) and not same(*ends.values())


def _end(gain: Expr, start: Expr) -> Expr:
    return gain * start


def _ends(gain: Expr) -> dict[str, Expr]:
    return {"end": _end(gain, _OF_START).subs(_AT), "wanted": _OF_DATA.subs(_AT)}


def _law(gain: Expr) -> tuple[Expr, Expr, Expr, Expr]:
    """From N(b, B), class and all having the mean a: probability, quantile, mean, variance."""
    root = sqrt(gain.subs(v, sigma**2 * T))
    mean, wide = a + root * (b - a - (mu - sigma**2 / 2) * T), sqrt(2 * B) * root
    below = (1 + erf((log(x) - mean) / wide)) / 2
    return below, exp(mean + wide * erfinv(2 * q - 1)), mean, wide**2 / 2


_GAIN, _AT = (Vc / (Vc + v)) ** w * (Vu / (Vu + v)) ** (1 - w), {Vc: 1, Vu: 2, w: 2, v: 8}
_OF_DATA, _OF_START = (1 / (w / (Vc + u) + (1 - w) / (Vu + u)) for u in (0, v))
_SIZES = tuple(1 + Abs(part, evaluate=False) for part in _law(_GAIN))
_CLOSE = 2.0**20  # 1.2e-10: the tolerance of the integration
_POINTS = table(
    "x q a Vc Vu w b B mu sigma T", (1.4, 0.23, 0.3, 0.2, 0.5, 2.5, 0.4, 0.9, 0.2, 0.8, 1.0),
    (0.9, 0.71, -0.4, 0.7, 0.3, -0.6, 0.1, 0.4, -0.3, 1.1, 0.7))  # fmt: skip
FLOW = Claim(
    "guided-flow", "what the flow makes of guidance on log-normal data", follows_the_flow,
    holds=_GAIN, twins={"guidance samples the sharpened density": _OF_DATA / _OF_START,
        "w - 1 for w": _GAIN.subs(w, w - 1), "deviations for variances": sqrt(_GAIN),
        "class and all exchanged": _GAIN.subs(w, 1 - w), "the class alone": Vc / (Vc + v),
    }, equivalent=exp(w * log(Vc / (Vc + v)) + (1 - w) * log(Vu / (Vu + v))), values=lambda: {
        **_ends(_GAIN), "where": [Says(k, n) for k, n in _AT.items()],
    }, names=_NAMES, sheet=("R16",), assumptions=("the two scores are exact",),
    depends=("R16-ode", "guided-score"), pins=tuple(
        Pin(f"gbm_ref.flow_{name}", _POINTS, lambda gain, part=part: _law(gain)[part],
            scale=_SIZES[part], k=_CLOSE)
        for name, part in {"cdf": 0, "ppf": 1, "moments": slice(2, 4)}.items()))  # fmt: skip
CLAIMS = (SCORE, FLOW)
