"""Steps that freeze the denoiser (ancestral and DDIM), on log-normal data.

Symbols: D = E[log X_0 | X_t] the denoiser; t, s the ends of a step, on the grid k delta and
(k - 1) delta; h = sigma^2 delta, v_k = v_0 + h k, q = v_0 / h; e, V deviation of the mean from
a + m t and variance of the sampler; S = V_0 / v_0^2 - V_N / v_N^2 the noise part.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, expand, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.numeric import agree
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _closed_pins, _iterations
from spec.exact._chain import L, V, a, e, h, hyvarinen, m, moments, sigma, z
from spec.exact._special import digamma, q, trigamma, vanishes_by_recurrence

t, s, v0, n, root, kappa = symbols("t s v0 n root kappa", positive=True)
NoisePart = Callable[[Expr | mpf, Expr | mpf, Expr | mpf, Callable, Callable], Expr | mpf]


def _law_after(weight: Expr, noise: Expr) -> tuple[Expr, Expr]:
    """(E log X_s - a - m s, Var log X_s) of D + m s + weight (log X_t - D - m t) + noise Z."""
    mean_t, variance_t = a + m * t, v0 + sigma**2 * t
    log_score = 1 + hyvarinen(L, mean_t, variance_t)
    denoiser = L - m * t + sigma**2 * t * log_score
    image = denoiser + m * s + weight * (L - denoiser - m * t) + noise * z
    mean, variance = moments(image, mean_t + e, V)
    return mean - a - m * s, variance


def is_the_ancestral_law(candidate: tuple[Expr, Expr]) -> bool:
    """Whether an ancestral step gives e' = g e and V' = g^2 V + noise, (g, noise) = candidate.

    Moments of the step with weight s / t and noise of variance sigma^2 s (t - s) / t.
    """
    mean, variance = _law_after(s / t, root)
    variance = expand(variance).subs(root, sqrt(sigma**2 * s * (t - s) / t))
    factor, noise = candidate
    return vanishes((mean - factor * e, variance - factor**2 * V - noise))


def is_the_ddim_law(factor: Expr) -> bool:
    """Whether a DDIM step multiplies the deviation by this, and the variance by its square.

    Moments of the step with weight sqrt(s / t) = kappa, written with s = kappa^2 t.
    """
    mean, variance = (f.subs(s, kappa**2 * t) for f in _law_after(kappa, Integer(0)))
    claimed = factor.subs(s, kappa**2 * t)
    return vanishes((mean - claimed * e, variance - claimed**2 * V))


def is_the_noise_part(terms: Callable[[Expr, Expr, int], Expr]) -> bool:
    """Whether V_0 = v_0^2 (V_N / v_N^2 + sum over k of terms(v_0, h, k)).

    The recursion with factor v_{k-1} / v_k and noise h (k - 1) / k: four steps with symbols, 300
    steps at 50 digits.
    """
    value = V
    for k in (4, 3, 2, 1):
        below, above = v0 + h * (k - 1), v0 + h * k
        value = (below / above) ** 2 * value + h * (k - 1) / k
    claimed = v0**2 * (V / (v0 + 4 * h) ** 2 + sum(terms(v0, h, k) for k in range(1, 5)))
    return vanishes(value - claimed) and _matches_a_long_chain(terms)


def _chain(data: mpf, step: mpf, steps: int, start: mpf) -> mpf:
    """V_0 of the ancestral sampler by its recursion."""
    levels = range(steps, 0, -1)
    pairs = (
        ((data + step * (k - 1)) / (data + step * k), step * (k - 1) / mpf(k)) for k in levels
    )
    return _iterations.run(pairs, mpf(0), start)[1]


def _matches_a_long_chain(terms: Callable[[mpf, mpf, int], mpf]) -> bool:
    with mpmath.workdps(50):
        data, step, start = mpf("0.07"), mpf("0.002"), mpf("0.9")
        noise = mpmath.fsum(terms(data, step, mpf(k)) for k in range(1, 301))
        value = data**2 * (start / (data + 300 * step) ** 2 + noise)
        return agree(value, _chain(data, step, 300, start), 40)


def is_the_sum(closed: NoisePart) -> bool:
    """Whether S = closed(q, N, h, psi, psi_1), by induction over N and against a chain of 300.

    One more level, N -> N + 1, adds the term of k = N + 1 and changes no other.
    """
    start, here, longer = (closed(q, x, h, digamma, trigamma) for x in (Integer(0), n, n + 1))
    term = n / (n + 1) / (h * (q + n) ** 2)
    if not (vanishes_by_recurrence(start) and vanishes_by_recurrence(longer - here - term)):
        return False
    with mpmath.workdps(50):
        data, step, start = mpf("0.07"), mpf("0.002"), mpf("0.9")
        noise = closed(data / step, mpf(300), step, mpmath.digamma, lambda x: mpmath.psi(1, x))
        value = data**2 * (start / (data + 300 * step) ** 2 + noise)
        return agree(value, _chain(data, step, 300, start), 40)


def closed_form(q: Expr, n: Expr, h: Expr, psi: Callable, psi_1: Callable) -> Expr:
    """S by partial fractions; q is not 1."""
    harmonic = psi(n + 1) - psi(1)
    return (
        (psi_1(q) - psi_1(q + n)) * (1 + 1 / (q - 1))
        - (harmonic - psi(q + n) + psi(q)) / (q - 1) ** 2
    ) / h


def _closed_with_gaps(weight: int, power: int) -> NoisePart:
    """The closed form with another weight of the psi_1 terms or another power of q - 1."""

    def closed(q: Expr, n: Expr, h: Expr, psi: Callable, psi_1: Callable) -> Expr:
        tail = psi_1(q) - psi_1(q + n)
        harmonic = psi(n + 1) - psi(1) - psi(q + n) + psi(q)
        return (tail * (1 + weight / (q - 1)) - harmonic / (q - 1) ** power) / h

    return closed


_BELOW, _ABOVE = v0 + sigma**2 * s, v0 + sigma**2 * t
_BRIDGE = sigma**2 * s * (t - s) / t

R17 = Claim(
    id="R17",
    title="ancestral steps on log-normal data",
    statement=r"An ancestral step takes $e\leftarrow\tfrac{v_s}{v_t}e$ and $V\leftarrow\big("
    r"\tfrac{v_s}{v_t}\big)^2V+\sigma^2\tfrac{s(t-s)}t$: the factor of eq. (13), with the noise "
    r"$h\tfrac{k-1}k$ for $h$ on the grid.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R17",),
    assumptions=("log-normal data", "exact score", "Gaussian start"),
    depends=("R17-bridge", "R5", "R8"),
    derivation=r"$D-a=\tfrac{v_0}{v_t}u$ and $\log X_t-D-mt=\tfrac{\sigma^2t}{v_t}u$ with $u=\log "
    r"X_t-a-mt$, so the factor is $\tfrac{v_0+\sigma^2s}{v_t}$. The noise is that of a Brownian "
    r"bridge between $D$ and $\log X_t$. For $v_0=0$ and $s=0$ both vanish: a point mass is "
    "returned exactly, where eq. (13) leaves the variance $h$.",
    proof=Proof(
        is_the_ancestral_law,
        holds=(_BELOW / _ABOVE, _BRIDGE),
        twins={
            "noise of eq. (13)": (_BELOW / _ABOVE, sigma**2 * (t - s)),
            "factor s / t": (s / t, _BRIDGE),
            "noise of the exact kernel": (_BELOW / _ABOVE, sigma**2 * (t - s) * _BELOW / _ABOVE),
        },
    ),
)

DDIM = Claim(
    id="R17-ddim",
    title="DDIM steps on log-normal data",
    statement=r"A DDIM step multiplies $e$ by $\tfrac{v_0+\sigma^2\sqrt{st}}{v_0+\sigma^2t}$ and "
    r"$V$ by its square: Euler's rule for the probability flow in $\sqrt v$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R17",),
    assumptions=("as for R17",),
    depends=("R17-bridge", "R5", "R16-heun"),
    derivation=r"As for R17 with $\sqrt{s/t}$ for $s/t$: "
    r"$\tfrac{v_0}{v_t}+\sqrt{s/t}\,\tfrac{\sigma^2t}{v_t}$. With $a=\sigma\sqrt t$, "
    r"$b=\sigma\sqrt s$ it is $1+(b-a)\tfrac a{v_0+a^2}$.",
    proof=Proof(
        is_the_ddim_law,
        holds=(v0 + sigma**2 * sqrt(s * t)) / _ABOVE,
        twins={
            "weight s / t": _BELOW / _ABOVE,
            "only the part towards the noise": sigma**2 * sqrt(s * t) / _ABOVE,
        },
    ),
)

SUM = Claim(
    id="R17-variance",
    title="ancestral sampling of log-normal data: the variance after N steps",
    statement=r"$V_0=v_0^2\Big[\tfrac{V_N}{v_N^2}+\sum_{k=1}^N\tfrac{h(k-1)/k}{v_{k-1}^2}\Big]$; "
    r"for $V_N=v_N$ the bracket begins with $1/v_N$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R17",),
    assumptions=("as for R17", "uniform steps", "four steps with symbols, 300 in numbers"),
    depends=("R17",),
    derivation=r"Divide $V_{k-1}=(v_{k-1}/v_k)^2V_k+h\tfrac{k-1}k$ by $v_{k-1}^2$: $V_k/v_k^2$ "
    r"grows by $h\tfrac{k-1}k/v_{k-1}^2$ a step.",
    proof=Proof(
        is_the_noise_part,
        holds=lambda v0, h, k: h * (k - 1) / k / (v0 + h * (k - 1)) ** 2,
        twins={
            "noise of eq. (13)": lambda v0, h, k: h / (v0 + h * (k - 1)) ** 2,
            "variance at k": lambda v0, h, k: h * (k - 1) / k / (v0 + h * k) ** 2,
            "k / (k + 1)": lambda v0, h, k: h * k / (k + 1) / (v0 + h * (k - 1)) ** 2,
        },
    ),
)

CLOSED = Claim(
    id="R17-closed",
    title="ancestral sampling of log-normal data: closed form",
    statement=r"With $q=v_0/h\ne1$: $\sum_{k=1}^N\tfrac{h(k-1)/k}{v_{k-1}^2}=\tfrac1h\Big[\tfrac q"
    r"{q-1}\big(\psi_1(q)-\psi_1(q+N)\big)-\tfrac{\psi(N+1)+\gamma_E-\psi(q+N)+\psi(q)}{(q-1)^2}"
    r"\Big]$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R17",),
    assumptions=("v_0 > 0 and not equal to h",),
    depends=("R17-variance",),
    derivation=r"With $j=k-1$, $p=q-1$: $\tfrac j{j+1}=1-\tfrac1{j+1}$ and $\tfrac1{(j+1)(q+j)^2}="
    r"\tfrac1{p^2}\big(\tfrac1{j+1}-\tfrac1{q+j}\big)-\tfrac1{p(q+j)^2}$, summed by the "
    r"recurrences of $\psi$ and $\psi_1$. As an induction over $N$: both sides vanish at $N=0$ "
    r"and grow by the same term.",
    proof=Proof(
        is_the_sum,
        holds=closed_form,
        twins={
            "sign of the partial fraction": _closed_with_gaps(-1, 2),
            "q - 1 not squared": _closed_with_gaps(1, 1),
        },
    ),
    pins=(_closed_pins.ANCESTRAL,),
)

CLAIMS = (R17, DDIM, SUM, CLOSED)
