"""The value that the denoising loss cannot go below, and what it says about the data.

Symbols: v = sigma^2 t; s = 1 + H the log score, c the target; I = E s^2 the Fisher information of
log X_t; C the constant of Theorem 4.1; q density of log X_t; D denoiser; H_N harmonic number.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, Symbol, diff, lambdify, log, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import M, V, s2, v, v0
from spec.objectives._log_normal import floor as log_normal_floor

INFORMATION = Symbol("I", positive=True)


def are_floor_and_error(candidate: tuple[Expr, Expr]) -> bool:
    """Whether C and E (log X_0 - D)^2 are these functions of v and I, per coordinate.

    Moments used: those of the target, from Gaussian expectations; E[c | X_t] = H, so that
    E c H = E H^2 and E H = E c. E H^2 is a symbol, and I = E (1 + H)^2 is expressed by it.
    """
    n, squared = Symbol("n"), Symbol("E_H2")
    c = -1 - n / v
    first, second = (expectation(e, n, 0, v) for e in (c, c**2))
    information = 1 + 2 * first + squared
    floor = (second - 2 * squared + squared) / 2  # E (c - H)^2 / 2
    # log X_0 = y - m - n and D = y - m + v (1 + H): the error is -n - v (1 + H) = v (c - H)
    error = v**2 * (second - squared)
    return all(
        [
            same(value, claimed.subs(INFORMATION, information))
            for value, claimed in zip((floor, error), candidate, strict=True)
        ]
    )


def is_entropy_production(rate: Expr) -> bool:
    """Whether d/dt of the entropy of q is rate * E (q'/q)^2, for every density q.

    q follows q_t = (s2/2) q'' - b q', the Fokker-Planck equation of log X. The claim holds when
    -(1 + log q) q_t - rate q'^2 / q is the derivative in y of something that vanishes at both
    ends, and an expression is such a derivative exactly when the Euler operator takes it to zero.
    log q and the derivatives of q are symbols.
    """
    q = symbols("q q1 q2 q3 q4 q5", positive=True)
    ell, b = symbols("ell b")

    def d_dy(e: Expr) -> Expr:
        """The total derivative along y."""
        chain = sum(diff(e, q[i]) * q[i + 1] for i in range(5))
        return chain + diff(e, ell) * q[1] / q[0]

    def partial(e: Expr, order: int) -> Expr:
        """Derivative with respect to q^(order), through log q as well."""
        return diff(e, q[order]) + (diff(e, ell) / q[0] if order == 0 else 0)

    change = s2 / 2 * q[2] - b * q[1]
    rest = -(1 + ell) * change - rate * q[1] ** 2 / q[0]
    euler = partial(rest, 0) - d_dy(partial(rest, 1)) + d_dy(d_dy(partial(rest, 2)))
    return same(euler, Rational(0)) and _on_log_normal_data(rate)


def _on_log_normal_data(rate: Expr) -> bool:
    """The same for N(M, V) with V growing at rate s2, from entropy and information themselves."""
    y = Symbol("y")
    score = -(y - M) / V
    information = expectation(score**2, y, M, V)
    entropy = log(V) / 2  # up to a constant
    return same(s2 * diff(entropy, V), rate * information)


def is_the_mean_floor(closed_form: Callable[[mpf, mpf, int], mpf]) -> bool:
    """Whether the mean over k = 1..N of the floor is closed_form(v0, h, N), to 40 digits.

    Each floor is the loss of the exact score on log-normal data, a Gaussian moment; v_k = h k.
    """
    floor = lambdify((v0, v), log_normal_floor(), "mpmath")
    with mpmath.workdps(50):
        for data, sigma2, N in (("0.05", "0.64", 1000), ("0.3", "1.7", 7), ("2.5", "0.09", 1)):
            variance, h = mpf(data), mpf(sigma2) / N
            mean = mpmath.fsum(floor(variance, h * k) for k in range(1, N + 1)) / N
            if not agree(mean, closed_form(variance, h, N), 40):
                return False
    return True


def _closed_form(variance: mpf, h: mpf, N: int, shift: int = 1) -> mpf:
    q = variance / h
    rest = mpmath.digamma(q + N + shift) - mpmath.digamma(q + shift)
    return (mpmath.harmonic(N) - rest) / (2 * N * h)


_FLOOR = (1 / v - INFORMATION) / 2
_ERROR = v - v**2 * INFORMATION

FLOOR = Claim(
    id="R4b",
    title="floor of the denoising loss",
    statement=r"For data of any law, per coordinate: $\min\mathcal L_{\text{M-DSM}}=C="
    r"\tfrac12(1/v-I)$, and the denoiser's error is $\mathbb E(\log X_0-D)^2=v-v^2I=2v^2C$, with "
    r"$I=\mathbb E s^2$. In $d$ dimensions sum: $C=\tfrac12(d/v-\mathbb E\lVert s\rVert^2)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R4b",),
    assumptions=("t > 0",),
    depends=("A-Thm", "A-Assumption-1-data", "R4", "R5"),
    derivation=r"M-ESM is zero at $h=H$, so the minimum of M-DSM is $C=\tfrac12\mathbb E(c-H)^2$. "
    r"$\mathbb E[c\mid X_t]=H$ gives $\mathbb E cH=\mathbb EH^2$ and $\mathbb EH=\mathbb Ec=-1$, "
    r"so $C=\tfrac12(\mathbb Ec^2-\mathbb EH^2)$ and $\mathbb EH^2=I+1$; no boundary term is "
    r"involved. $\mathbb Ec^2=1+1/v$. With $D=y-m+vs$ and $\log X_0=y-m-n$: $\log X_0-D=v(c-H)$.",
    proof=Proof(
        are_floor_and_error,
        holds=(_FLOOR, _ERROR),
        twins={
            "floor without the half": (2 * _FLOOR, _ERROR),
            "Hyvarinen for log score": (_FLOOR - Rational(1, 2), _ERROR),
            "error with v for v^2": (_FLOOR, v - v * INFORMATION),
            "sign of the information": ((1 / v + INFORMATION) / 2, _ERROR),
        },
    ),
)

DE_BRUIJN = Claim(
    id="R4b-de-bruijn",
    title="entropy grows with the Fisher information",
    statement=r"For $t>0$: $\frac d{dt}\mathrm{Ent}(q_t)=\frac{\sigma^2}2I(q_t)$, "
    r"$\mathrm{Ent}(q)=-\int q\log q$. With R4b: $C=\frac d{2v}-\frac1{\sigma^2}\frac "
    r"d{dt}\mathrm{Ent}(q_t)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R4b",),
    assumptions=("t > 0", "the entropy is finite", "one coordinate; the same holds for each"),
    depends=("R4b", "A9"),
    derivation=r"$q_t=\frac{\sigma^2}2q''-mq'$ for the density of log X. Then $-\frac d{dt}\int "
    r"q\log q=-\int(1+\log q)(\frac{\sigma^2}2q''-mq')\,dy$; one integration by parts leaves "
    r"$\frac{\sigma^2}2\int q'^2/q$. The terms at infinity vanish for a density smoothed by a "
    "Gaussian. That what is left over is a derivative is decided for arbitrary $q$ by the Euler "
    "operator, and for Gaussian $q$ both sides are computed.",
    proof=Proof(
        is_entropy_production,
        holds=s2 / 2,
        twins={"sigma^2": s2, "sigma^2 / 4": s2 / 4, "entropy falls": -s2 / 2},
    ),
)

MEAN_FLOOR = Claim(
    id="R4b-mean",
    title="mean floor of the unweighted loss, log-normal data",
    statement=r"Averaged over $k=1,\dots,N$ with $v_k=hk$, per coordinate: $\bar "
    r"C=\dfrac{H_N-\psi(v_0/h+N+1)+\psi(v_0/h+1)}{2Nh}$.",
    kind=Kind.PROVED,
    means=Means.NUMBERS,
    sheet=("R4b",),
    assumptions=("log-normal data",),
    depends=("A-Thm-log-normal", "A38"),
    derivation=r"$C_k=\frac12\big(\frac1{hk}-\frac1{v_0+hk}\big)$ by A-Thm-log-normal. "
    r"$\sum_{k=1}^N\frac1k=H_N$ and $\sum_{k=1}^N\frac1{q+k}=\psi(q+N+1)-\psi(q+1)$ by "
    r"$\psi(x+1)=\psi(x)+1/x$, with $q=v_0/h$. Compared at three settings, to 40 digits.",
    proof=Proof(
        is_the_mean_floor,
        holds=_closed_form,
        twins={
            "psi one step early": lambda a, h, N: _closed_form(a, h, N, 0),
            "without the half": lambda a, h, N: 2 * _closed_form(a, h, N),
            "logarithm for psi": lambda a, h, N: (
                (mpmath.harmonic(N) - mpmath.log((a / h + N) / (a / h))) / (2 * N * h)
            ),
        },
    ),
)

CLAIMS = (FLOOR, DE_BRUIJN, MEAN_FLOOR)
