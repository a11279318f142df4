"""The reverse-time equation in Y = log X, in terms of either score, and with mu(t), sigma(t)."""

from collections.abc import Callable
from functools import cache

from sympy import Expr, Matrix, Symbol, diff, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Values, v1, v2
from spec.checking.diffusions import (
    generator, isotropic, partials_of_exponentials, plain_partials)  # fmt: skip
from spec.checking.symbols import L, h, m, mu, s2, sigma, t, v, x
from spec.checking.typeset import Sde
from spec.process.equations import UNIQUE
from spec.reverse.equations import (
    LOST, REGULAR, REVERSE_RATE, D, in_plane, is_reversal, score, variance_of)  # fmt: skip

_FORWARD, _NOISE = mu - s2 / 2, sigma
_FORTH = Sde("Y", _FORWARD, _NOISE)
_M_RATE, _V_RATE = symbols("m_rate v_rate", real=True)
_NAMES = {"score": r"\nabla\log q_t(Y)", "h": r"X\circ\nabla\log p_t(X)"}


def reverses_in_log(drift: Expr) -> bool:
    r"""[[reverse]], from the law at the end, has the densities and the generator of [[forward]]
    run backwards, in each of two entries with its own $\mu$.

    Without A2's formula, by the Fokker-Planck equation and Bayes' rule, for every density."""
    back = _reverse("Y")(drift)["reverse"]
    forward, backward = (in_plane(part.drift, score) for part in (_FORTH, back))
    return is_reversal(forward, backward, isotropic(variance_of(back.noise)), plain_partials(D))


def reverses_with_hyvarinen(drift: Expr) -> bool:
    r"""[[reverse]] is A10 with the score of $X$, and A7 by Itô's formula.

    Two routes, both of which must give the candidate. The generator of A7 applied to $\log x$
    takes off Itô's term of the logarithm. And the score of $Y$ in A10 is that of $X$ and one more
    (A10-score): decided by the Fokker-Planck equation for every density."""
    partials = partials_of_exponentials((L,), (x,))
    ito = generator(L, Matrix([x * REVERSE_RATE]), Matrix([s2 * x**2]), partials)
    return same(drift, ito) and reverses_in_log(drift.subs(h, score - 1))


def reverses_varying_rates(drift: Expr) -> bool:
    r"""With $\mu(t)$ and $\sigma(t)$, both taken at the present instant, [[reverse]], from the
    law at the end, has the marginals of $\log X$ run backwards, in one coordinate.

    The kernel of $\log X_t$ is normal, its mean moved by $m(t)$, its variance $v(t)$: any
    functions, whose rates are symbols. For a mixture of two such kernels with any points and
    weights, the time derivative is taken directly; it satisfies the forward equation, and its
    negative the equation with this drift. Both are linear in the density (its score times it is
    its slope), so that mixing extends them to all data laws."""
    d_dy, q, left, change = _two_kernels()
    rates = {mu: _M_RATE + _V_RATE / 2, s2: _V_RATE, h: d_dy(q) / q - 1}
    b, noise = (part.xreplace(rates) for part in (drift, variance_of(_NOISE)))
    return vanishes((left, change + noise * d_dy(d_dy(q)) / 2 - d_dy(b * q)))


@cache
def _two_kernels() -> tuple[Callable[[Expr], Expr], Expr, Expr, Expr]:
    """The slope of a function of y, the sum of two kernels, what it leaves in the forward equation
    and its time derivative."""
    y = Symbol("y", real=True)
    # n_j is the value of the j-th weighted kernel at y: d n_j = n_j * d(log kernel).
    sizes = symbols("n1 n2", positive=True)
    logs = [-((y - e - m) ** 2) / (2 * v) - log(v) / 2 for e in symbols("y1 y2", real=True)]

    def along(a: Expr, d: Callable[[Expr], Expr]) -> Expr:
        return d(a) + sum(diff(a, n) * n * d(e) for n, e in zip(sizes, logs, strict=True))

    def d_dy(a: Expr) -> Expr:
        return along(a, lambda e: diff(e, y))

    q = sum(sizes)
    change = along(q, lambda e: diff(e, m) * _M_RATE + diff(e, v) * _V_RATE)
    return d_dy, q, _V_RATE * d_dy(d_dy(q)) / 2 - d_dy(_M_RATE * q) - change, change


_READ = "'dt' of the printed equation is read as dr > 0 and W as a Brownian motion in r (E11)"


def _reverse(state: str) -> Callable[[Expr], Values]:
    return lambda drift: {"reverse": Sde(state, drift, _FORTH.noise, "r")}


A10 = Claim(
    "A10", "reverse-time equation in Y = log X", reverses_in_log,
    holds=-(mu - s2 / 2 - s2 * score), twins={
        "Itô term missing": -(mu - s2 * score),
        "score halved (probability flow)": -(mu - s2 / 2 - s2 * score / 2),
        "forward drift not reversed": mu - s2 / 2 + s2 * score,
        "sign of the score flipped": -(mu - s2 / 2 + s2 * score),
    }, shown=_reverse("Y"), values=lambda: {"forward": _FORTH}, names=_NAMES,
    sources=v1("eq. 10") + v2("eq. 10"), assumptions=REGULAR,
    readings=(_READ, LOST + "as eq. (10) of version 1"), depends=("A2", "A9"))  # fmt: skip

_HOLDS = -(mu - 3 * s2 / 2 - s2 * h)
A11 = Claim(
    "A11", "reverse-time equation of log X with the Hyvärinen score", reverses_with_hyvarinen,
    holds=_HOLDS, twins={
        "1/2 for 3/2: the Jacobian of the logarithm left out": -(mu - s2 / 2 - s2 * h),
        "2 for 3/2: Itô's term left out": -(mu - 2 * s2 - s2 * h),
        "score halved": -(mu - 3 * s2 / 2 - s2 * h / 2),
    }, shown=_reverse(r"\log X"), names=_NAMES, sources=v1("eq. 11") + v2("eq. 11"),
    assumptions=REGULAR, readings=(_READ, LOST + "as eq. (11) of version 1"),
    depends=("A7", "A10", "A10-score"))  # fmt: skip

A36 = Claim(
    "A36", "reverse-time equation with time-varying rates", reverses_varying_rates, holds=_HOLDS,
    twins={
        "1/2 for 3/2": -(mu - s2 / 2 - s2 * h),
        "average variance v/t for sigma(t)^2": -(mu - s2 / 2 - v / t * (1 + h)),
        "average log-drift m/t for mu(t) - sigma(t)^2/2": -(m / t - s2 * (1 + h)),
    }, shown=_reverse(r"\log X"), names=_NAMES, sources=v2("eq. 36"), assumptions=(
        "mu and sigma^2 are continuous in t, sigma > 0, t > 0",
        "one coordinate; for vectors it is A11 at each instant", UNIQUE,
    ), readings=(LOST + "A11 with mu(t) and sigma(t)",), depends=("A11", "A33"))  # fmt: skip
CLAIMS = (A10, A11, A36)
