"""The explicit loss without the unknown score, and non-negative score matching (Hyvarinen 2007).

Symbols, one coordinate: p, p1 the density and its slope, psi, psi1 those of the model s_theta,
h = x psi, g = x dh/dx; in y = log x: q, q1 of the density, S, S1 of the model 1 + h. Otherwise as
in `_setting`."""

from collections.abc import Callable
from functools import cache
from operator import truediv

from sympy import (
    ZZ, Expr, Integer, Poly, Rational, Symbol, cancel, diff, exp, factor, factorial, hessian,
    integrate, limit, log, oo, solve, symbols)  # fmt: skip
from sympy.polys.fields import FracField

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, Pin, Values, v1, v2
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import H, L, a, h, m, v, v0, x
from spec.checking.trace import points
from spec.objectives._setting import EXPLICIT, INNER, LOG_NORMAL, denoising_loss, explicit_loss
from spec.objectives._setting import NAMES as LETTERS
from spec.objectives.assumptions import FINITE_SQUARE
from spec.objectives.losses import A14, A17, POINTS, logs, model

p, q = symbols("p q", positive=True)
p1, q1, psi, psi1, g, S, S1, d, end = symbols("p1 q1 psi psi1 g S S1 d end", real=True)
(low, high), _REST, _LOG_MODEL = symbols("low high"), H**2 / 2, 1 + h
NAMES = LETTERS | {
    "psi": r"\psi", "psi1": r"\psi'", "g": "xh'", "S1": "S'", "end": r"\psi(0)\,p(0)",
    "low": r"f_{\text{lower}}", "high": r"f_{\text{upper}}"}  # fmt: skip
_MOVED = {x: x + d, p: p + p1 * d, psi: psi + psi1 * d, q: q + q1 * d, S: S + S1 * d}


def _slope(expression: Expr) -> Expr:
    """The derivative of an expression in the values at a place."""
    return diff(expression.subs(_MOVED, simultaneous=True), d).subs(d, 0)


def _left_over(integrand: Expr, flux: Expr, score: Expr, of_model: Expr, density: Expr) -> Expr:
    """What density * integrand misses of the part of M-ESM that holds the model, up to a flux."""
    loss = (EXPLICIT - _REST).subs({H: score, h: of_model}, simultaneous=True)
    return density * (loss - integrand) + _slope(flux)


def is_implicit(forms: Values) -> bool:
    r"""$\mathcal L_{\text{M-ESM}}$ is, summed over the coordinates, the expectation of $[[psi]]$,
    which is $[[h]]$, less the flux $[[flux]]$ at the upper and with the other sign at the lower
    end, integrated over the other coordinates, and the expectation of $[[rest]]$. Here $\psi$ is
    $s_\theta$, with its slope in the same coordinate, and $h$ is $x\circ\psi$.

    The square is expanded, and the cross term integrated by parts: decided where the density is
    $p$, for any values and slopes of $p$ and $\psi$. On the open orthant the flux vanishes under
    the assumptions (boundary-term, along almost every line parallel to an axis)."""
    of_model, score = x * psi, x * _slope(log(p))
    in_h = forms["h"].subs({h: of_model, g: x * _slope(of_model)}, simultaneous=True)
    left = [_left_over(form, forms["flux"], score, of_model, p) for form in (forms["psi"], in_h)]
    return vanishes(left) and forms["flux"].free_symbols <= {x, p, psi}


def is_implicit_in_log_space(forms: Values) -> bool:
    r"""In each coordinate, with $S$ the model $[[model]]$ as a function of $y$, the logarithm of
    $x$, $\mathcal L_{\text{M-ESM}}$ is the expectation of $[[form]]$, less the flux $[[flux]]$ at
    the ends as in R18, and the expectation of $[[rest]]$, where $q$ is the density of $y$: where
    the flux vanishes (R18), it is up to a constant the loss of Hyvärinen (2005) for $\log X$.

    The score of $y$ is $H$ and one more. The flux is that of R18."""
    flux = forms["flux"].subs({q: x * p, S: _LOG_MODEL.subs(h, x * psi)}, simultaneous=True)
    score, of_model = (e - (_LOG_MODEL - h) for e in (_slope(log(q)), S))
    left = _left_over(forms["form"], forms["flux"], score, of_model, q)
    return vanishes((left, flux - _FORMS["flux"]))


def is_the_boundary_term(candidate: Values) -> bool:
    r"""For the densities and models at which it was computed, the boundary term that R18
    subtracts is $[[ends]]$, with $f$ the flux $[[flux]]$. For $p$ equal to $[[p]]$ on the half
    line and $\psi$ to $[[psi]]$, a model with infinite $\mathbb E\,h^2$, it is $[[term]]$.

    The difference of the two integrands of R18 is integrated exactly. $\mathbb E\,h^2$ is
    infinite, as $x$ times its integrand, which is positive, tends to infinity at zero."""
    infinite = limit(x * (x * _FIRST["psi"]) ** 2 * _FIRST["p"], x, 0, "+") == oo
    for case, missing in zip(points(_CASES), _integrals(), strict=True):
        ends = _at_ends(candidate["flux"], case)
        finite = all(value.is_finite for value in ends.values())
        if not (finite and same(missing, candidate["ends"].subs(ends))):
            return False
    return infinite


@cache
def _integrals() -> tuple[Expr, ...]:
    """What the implicit form lacks in each case."""
    found = []
    for case in _CASES:
        score, of_model = x * diff(log(case["p"]), x), x * case["psi"]
        at = {H: score, h: of_model, g: x * diff(of_model, x)}
        gap = cancel((_FORMS["h"] + _REST - EXPLICIT).subs(at, simultaneous=True)).expand()
        over = x, case["start"], case["stop"]
        size, mass = (integrate(e * case["p"], over, meijerg=False) for e in (gap, _ONE))
        found.append(size / mass)
    return tuple(found)


def _at_ends(flux: Expr, case: Values) -> Values:
    of_x = flux.subs({p: case["p"], psi: case["psi"]}, simultaneous=True).expand()
    return {low: limit(of_x, x, case["start"], "+"), high: limit(of_x, x, case["stop"], "-")}


_NONE, _ONE, _TWO = map(Integer, range(3))
_CASES = table(
    "p psi start stop", (exp(-x), -1 / x**2, _NONE, oo), (exp(-x), -(1 + x) / x**2, _NONE, oo),
    (exp(-x), -1 + 1 / x, _NONE, oo), (_ONE, 3 - 2 * x + x**2, _ONE, _TWO),
    (2 * x / 3, 1 / x + x, _ONE, _TWO))  # fmt: skip
_FIRST = _CASES[0]
_PSI = x**2 * psi**2 / 2 + 2 * x * psi + x**2 * psi1
_FORMS = {"psi": _PSI, "h": h**2 / 2 + h + g, "flux": x**2 * psi * p}
_LOG_FORMS = {"form": S**2 / 2 + S1 - Rational(1, 2), "flux": q * (S - 1)}
_ENDS = {"flux": _FORMS["flux"], "ends": high - low}


def _terms(form: Expr, states: tuple[Values, Values]) -> tuple[Expr, ...]:
    """In the plane: loss, per-sample loss and the parts of degree two, one and in the slope."""
    of_model = h if form.has(h) else psi
    square, linear = (form.coeff(of_model, n) * of_model**n for n in (2, 1))
    wanted = (form, form, square, linear, form - square - linear)
    return tuple(sum(e.subs(state, simultaneous=True) for state in states) for e in wanted)


# The model b + B log x with the slope in its own coordinate; a Stein score p with the slopes q.
_AFFINE = tuple({h: model(logs("x"))[i], g: Symbol(f"B{i + 1}{i + 1}")} for i in (0, 1))
_STEIN = tuple(dict(zip((x, psi, psi1), symbols(f"x{i} p{i} q{i}"), strict=True)) for i in (1, 2))
R18 = Claim(
    "R18", "implicit form of the explicit loss", is_implicit, _FORMS, twins={
        "1 for 2": _FORMS | {"psi": _PSI - x * psi}, "no Jacobian": _FORMS | {"h": h**2 / 2 + g},
        "one power of x in the last term": _FORMS | {"psi": _PSI + (x - x**2) * psi1},
        "flux with one power of x": _FORMS | {"flux": x * psi * p},
    }, values=lambda: {"rest": _REST}, names=NAMES, assumptions=(
        "p and psi are differentiable", FINITE_SQUARE,
        r"$\mathbb E\,H^2$ and $\mathbb E\lvert xh'\rvert$ are finite, in each coordinate",
    ), readings=(INNER,), depends=("A14", "boundary-term"), pins=(
        Pin("gbm_ref.implicit_m_esm", POINTS[:2], reads=lambda e: _terms(e["h"], _AFFINE), twins={
            f"linear term times {n}": _terms(h**2 / 2 + n * h + g, _AFFINE) for n in (0, 2)}),
        Pin("gbm_ref.nonnegative_score_matching", table(
            "x1 x2 p1 p2 q1 q2", (1.3, 1.9, -0.7, 0.4, 0.2, -1.3),
            (0.02, 55.0, 41.0, -0.05, -900.0, 0.003),
        ), reads=lambda forms: _terms(forms["psi"], _STEIN),
            twins={"linear term of the Hyvarinen score": _terms(_PSI - x * psi, _STEIN)}),
    ))  # fmt: skip
IN_LOG_SPACE = Claim(
    "R18-log", "implicit form in log space", is_implicit_in_log_space, _LOG_FORMS, twins={
        **{f"constant {n}": _LOG_FORMS | {"form": S**2 / 2 + S1 - n} for n in (0, 1)},
        "flux of the log score": _LOG_FORMS | {"flux": q * S},
    }, values=lambda: {"model": _LOG_MODEL, "rest": _REST}, names=NAMES, sheet=("R18",),
    assumptions=(FINITE_SQUARE, "the others of R18"), depends=("R18", "A10-score"))  # fmt: skip
BOUNDARY_TERM = Claim(
    "R18-boundary", "boundary term of the implicit form", is_the_boundary_term, _ENDS, twins={
        "none": _ENDS | {"ends": _NONE}, "upper end alone": _ENDS | {"ends": high},
        "wrong sign": _ENDS | {"ends": low - high},
        "one power of x": _ENDS | {"flux": x * psi * p},
    }, shown=lambda of: of | {"term": of["ends"].subs(_at_ends(of["flux"], _FIRST))},
    values=lambda: _FIRST, names=NAMES, means=Means.POINTS, sheet=("R18",),
    depends=("R18", "boundary-term"))  # fmt: skip

b, (c0, c1) = symbols("b", positive=True), symbols("c0 c1")
beta, gamma = symbols("beta gamma", real=True)
_GAP, _LINEAR, _FLAT, _RATE, _POLE = H - h, c0 + c1 * L, Integer(-1), 2, Integer(1) / 2
_BEST, _CONSTANT = -b, -beta  # models of exponential data
_STATIC, _ORDINARY = R18.holds["psi"], psi**2 / 2 + psi1
_WITH_END = {"static": _STATIC, "ordinary": _ORDINARY + end}


def matches_in_log_space(model: Expr) -> bool:
    r"""At time zero, where the state is the data, M-ESM is $\mathcal L_{\text{NN}}$ of Hyvärinen
    (2007): both have the integrand $[[integrand]]$. Both are ordinary explicit score matching of
    $\log X$, whose model is $[[it]]$: its gap to the score of $\log X$ is $[[gap]]$.

    A14 is read at time zero and compared with A17. The score of $\log X$ is $H$ and one more, by
    the Jacobian of the logarithm, for any density."""
    density = (p + p1 * x * (exp(d) - 1)) * x * exp(d)  # of log X at log x + d
    gaps = [of.values()["integrand"] - _GAP**2 / 2 for of in (A14, A17)]
    return vanishes([diff(log(density), d).subs(d, 0) - model - _GAP.subs(H, x * p1 / p), *gaps])


def becomes_non_negative_matching(loss: Callable[[Expr], Expr]) -> bool:
    r"""In one coordinate, for $v$ and $m$ to zero, $v$ being $\sigma^2t$, $\mathcal
    L_{\text{M-ESM}}$ of every model affine in $\log x$ tends to $\mathcal L_{\text{NN}}$, which is
    $[[example]]$ for $h$ equal to $[[model]]$. $\mathcal L_{\text{M-DSM}}$ times $v$ tends to
    $[[pole]]$ for these models: it tends to infinity itself.

    The losses are Gaussian moments, rational in $v$; $\mathcal L_{\text{NN}}$ is of the data."""
    static = EXPLICIT.subs({H: -1 - (L - a) / v0, h: _LINEAR}, simultaneous=True)
    above, below = (part.subs(m, 0) for part in _at_time_zero(loss(_LINEAR)))
    pole, one = _at_time_zero(v * denoising_loss(_LINEAR))
    found = same(pole / one, _POLE) and not vanishes(below)
    return found and same(above / below, expectation(static, L, a, v0))


def _at_time_zero(loss: Expr) -> tuple[Expr, Expr]:
    """Numerator and denominator at v equal to zero, of which no factor is common before that."""
    quotient = FracField(sorted(loss.free_symbols, key=str), ZZ).from_expr(loss)
    return tuple(part.as_expr().subs(v, 0) for part in (quotient.numer, quotient.denom))


def recover_the_rate(losses: Values) -> bool:
    r"""For exponential data of rate $b$, whose score is constant, and models affine in $x$,
    non-negative score matching, the expectation of $[[static]]$, and the ordinary one with its
    boundary term, that of $[[ordinary]]$, are least at $\psi=[[rate]]$ alone.

    Both are quadratic in the two parameters of the model. Their gradients vanish at the rate, and
    the second derivatives are positive definite, by their minors. Without the boundary term the
    ordinary loss is $[[left_out]]$ for a constant $\psi$ of $[[constant]]$: least at zero."""
    (beta_best,) = solve(_CONSTANT - _BEST, beta)
    for loss in losses.values():
        value = Poly(_of_affine(loss), beta, gamma)
        slopes = [value.diff(e)(beta_best, 0) for e in (beta, gamma)]
        if not vanishes(slopes) or value.total_degree() > 2:
            return False
        curved = hessian(value.as_expr(), (beta, gamma))
        if not all(factor(e).is_positive for e in (curved[0, 0], curved.det())):
            return False
    left_out = same(_of_affine(losses["ordinary"] - end).subs(gamma, 0), _LEFT_OUT)
    return left_out and same(_of_affine(Integer(1)), 1)


def _of_affine(loss: Expr) -> Expr:
    """The loss of a model that is affine in x, by E x^n = n! / b^n."""
    model = _CONSTANT - gamma * x
    written = loss.subs({psi: model, psi1: diff(model, x), end: model.subs(x, 0) * b})
    return sum(c * factorial(n) / b**n for (n,), c in Poly(written, x).terms())


def _fitted(name: str, loss: Expr) -> Figure:
    (best,) = solve(diff(_of_affine(loss).subs({gamma: 0, b: _RATE}), beta), beta)
    rate = Symbol("rate")
    (found,) = solve(_CONSTANT.subs(beta, best) - _BEST.subs(b, rate), rate)
    label = f"constant model's rate for exponential data of rate {_RATE} by {name} score matching"
    return Figure(label, float(found))


_LEFT_OUT, _MATCHING = cancel(_of_affine(_ORDINARY).subs(gamma, 0)), "non-negative score matching"
_SUBSUMES, _ABSTRACT = f"sec. 5: subsumes {_MATCHING}", f"abstract: subsumes {_MATCHING}"
SPECIAL_CASE = Claim(
    "NN-special-case", "the explicit loss at t = 0 is non-negative score matching",
    matches_in_log_space, 1 + h,
    twins={"no Jacobian": h, "Jacobian of exp": h - 1, "twice": 1 + 2 * h},
    values=lambda: {**A14.values(), "gap": _GAP}, names=NAMES,
    sources=v1(_SUBSUMES) + v2("sec. 4: special case at t = 0"), sheet=("A17", "E27"),
    assumptions=("the data have a differentiable density",),
    readings=("symbols lost in version 2; reconstructed: the loss meant is M-ESM",),
    depends=("A14", "A17", "A10-score"))  # fmt: skip

E27 = Claim(
    "E27", "the denoising loss does not contain the static one", becomes_non_negative_matching,
    explicit_loss, twins={
        "M-DSM weighted by v": lambda model: v * denoising_loss(model),
        "M-DSM less the noise's part": lambda model: denoising_loss(model) - 1 / (2 * v),
        "M-ESM without the half": lambda model: 2 * explicit_loss(model),
    }, printed={"M-DSM": denoising_loss},
    shown=lambda loss: {"example": truediv(*_at_time_zero(loss(_FLAT)))},
    values=lambda: {"model": _FLAT, "pole": _POLE},
    names=NAMES, sources=v1(_ABSTRACT, _SUBSUMES) + v2(_ABSTRACT),
    assumptions=(LOG_NORMAL, "v_0 is positive"),
    depends=("NN-special-case", "A-Thm-log-normal", "E26"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Abstract of version 1: 'a new formalism for multiplicative denoising "
        "score-matching, which subsumes the loss function proposed by Hyvärinen for non-negative "
        "data'. Of version 2, after M-DSM and its equivalence to M-ESM: 'This development "
        "subsumes the non-negative score matching loss of Hyvärinen (2007) as a special case.' "
        "Section 4: 'The M-DSM framework is thus a generalization'.",
        trouble="It is M-ESM that becomes Hyvärinen's loss at time zero, as Section 4 says. "
        "M-DSM, the loss that is proposed, does not: the equivalence needs a positive time, and "
        "for log-normal data its constant tends to infinity (E26).", advice="Say it of M-ESM.",
        remains_open="Which loss 'development' and 'framework' mean is a matter of reading.",
    ))  # fmt: skip

E34 = Claim(
    "E34", "why non-negative score matching is needed", recover_the_rate, _WITH_END, twins={
        "1 for 2": _WITH_END | {"static": _STATIC - x * psi},
        "boundary term subtracted": _WITH_END | {"ordinary": _ORDINARY - end},
        "last term left out": _WITH_END | {"static": _STATIC - x**2 * psi1},
        "negated": {name: -loss for name, loss in _WITH_END.items()},
        "a saddle": _WITH_END | {"ordinary": _ORDINARY + end - (x * psi1) ** 2},
    }, printed={"the ordinary loss will do": _WITH_END | {"ordinary": _ORDINARY}}, values=lambda: {
        "rate": _BEST, "constant": _CONSTANT, "end": end, "left_out": _LEFT_OUT,
    }, names=NAMES, depends=("R18", "boundary-term"),
    sources=v1(f"sec. 5: motivation of {_MATCHING}") + v2(f"sec. 4: motivation of {_MATCHING}"),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote="'Hyvärinen (2007)'s motivation for introducing this loss function is to avoid the "
        "singularity at the origin for non-negative data.' Version 2: 'primarily motivated by a "
        "need to avoid the singularity at the origin'.",
        trouble="Taken as a singularity of the score, the words do not say when the loss is "
        "needed: exponential data have a smooth score and ordinary score matching still fails. To "
        "avoid is the jump of the density at the origin; if that is meant, the sentence is right.",
        advice="The square of the state as a factor removes the boundary term $[[end]]$, which is "
        "there where neither density nor model vanishes at the origin.",
        figures=lambda: (_fitted("ordinary", _ORDINARY), _fitted("non-negative", _STATIC)),
    ))  # fmt: skip
CLAIMS = (R18, IN_LOG_SPACE, BOUNDARY_TERM, SPECIAL_CASE, E27, E34)
