"""The direction of time in the printed equations (4), (10) and (11) of version 1.

Symbols: r = 1 - t reverse time; a sign e says dt = e dr; score = grad log q_t of Y = log X.
"""

import mpmath
from mpmath import mpf
from sympy import Integer, Matrix, Rational, diff, symbols

from spec.checking.diffusions import isotropic, jet, keeps_marginals, plain_partials
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1
from spec.checking.symbols import s2


def reading_is_right(signs: tuple[Integer, Integer]) -> bool:
    """Whether eq. (4) and eq. (10), each read with dt = sign * dr, turn the same process back.

    Forward: dY = f dt + sigma dW in the plane with an arbitrary constant f and an arbitrary
    density. Each equation is written down as printed, its drift is multiplied by its sign, and
    p(., 1 - r) must solve the resulting Fokker-Planck equation.
    """
    d = symbols("d1 d2", real=True)
    f = Matrix(symbols("f1 f2", real=True))
    log_q = jet("l", d)
    score = Matrix([diff(log_q, e) for e in d])
    equation_4 = f - s2 * score
    equation_10 = -(f - s2 * score)
    return all(
        keeps_marginals(
            (f, isotropic(s2)), (sign * drift, isotropic(s2)), log_q, plain_partials(d), d
        )
        for sign, drift in zip(signs, (equation_4, equation_10), strict=True)
    )


def end_variance(sign: int, v0: mpf, s2_value: mpf, steps: int) -> mpf:
    """Var log X_0 of the Euler chain of eq. (10) on log-normal data, drift times `sign`."""
    added = s2_value / steps
    variance = v0 + s2_value
    for k in range(steps, 0, -1):
        variance = (1 - sign * added / (v0 + k * added)) ** 2 * variance + added
    return variance


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        v0, s2_value, steps = mpf("0.1"), mpf("0.8") ** 2, 400
        right, flipped = (end_variance(sign, v0, s2_value, steps) / v0 for sign in (1, -1))
        limit = ((v0 + s2_value) / v0) ** 3 * 4 / 3 - mpf(1) / 3
    where = "v0 = 0.1, sigma = 0.8, N = 400, exact start and score"
    return (
        Figure(f"log-variance at the end / v0, drift of eq. (10) with dr > 0 ({where})", right),
        Figure("the same with the drift flipped", flipped),
        Figure("the same with the drift flipped, N to infinity: (4 (v_N/v0)^3 - 1) / 3", limit),
    )


E11 = Claim(
    id="E11",
    title="direction of time in the reverse equations",
    statement=r"Eq. (4) holds with $dt<0$, eqs. (10) and (11) hold with the positive increment "
    r"$dr=-dt$. No single meaning of $dt$ makes both right. The noise of (10) and (11) is a "
    r"Brownian motion $\bar W$ in $r$, not the $W$ of the forward equation.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("eq. 4", "eq. 10", "eq. 11"),
    sheet=("E11", "A2", "A10"),
    assumptions=("q_t is positive and C^2",),
    depends=("A2", "A10", "A11"),
    derivation=r"In log space (4) reads $dY=(f-\sigma^2\nabla\log q)\,dt+\sigma d\bar W$ and (10) "
    r"reads $dY=-(f-\sigma^2\nabla\log q)\,dt+\sigma dW$, $f=\mu-\sigma^2/2$: opposite drifts for "
    r"one $dt$. By A10 the drift per $dr>0$ is $-f+\sigma^2\nabla\log q$, so (10) needs $dt=dr$ "
    r"and (4) needs $dt=-dr$. With the flipped drift the log-variance on log-normal data follows "
    r"$V\leftarrow(1+h/v_k)^2V+h$, $h=\sigma^2\delta$, instead of $(1-h/v_k)^2V+h$ and grows like "
    r"$v_k^{-2}$ as $v_k$ falls. The signs are decided; the last sentence of the claim is about "
    "notation.",
    proof=Proof(
        reading_is_right,
        holds=(Integer(-1), Integer(1)),
        twins={
            "both exchanged": (Integer(1), Integer(-1)),
            "eq. (10) at half speed": (Integer(-1), Rational(1, 2)),
        },
        printed={
            "one dt, positive in reverse time": (Integer(1), Integer(1)),
            "one dt, negative (as eq. (4) is usually read)": (Integer(-1), Integer(-1)),
        },
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed=r"(4) $dX_t=(h-\nabla\cdot[gg^\top]-gg^\top\nabla\log f_X)\,dt+g\,d\bar W_t$ and "
        r"(10) $dY_t=-(\mu-\frac{\sigma^2}2\mathbf 1-\sigma^2\nabla\log p_{Y_t})\,dt+"
        r"\sigma\,dW_t$, (11) likewise (arguments of the functions left out here)",
        trouble="Each formula is right in its own convention, and the samplers (12) and (13) "
        "follow the right one. But (10) is said to come from (4), with the same dt, and has the "
        "opposite drift. A reader who integrates (10) with dt < 0, as (4) requires, amplifies the "
        "noise instead of removing it. (10) and (11) also write W for the reverse-time Brownian "
        "motion.",
        correction=r"Write (10) and (11) with $dr$, $r=1-t$, and $d\bar W$; or keep $dt<0$ and "
        r"write $dY=(\mu-\frac{\sigma^2}2\mathbf 1-\sigma^2\nabla\log q)\,dt+\sigma\,d\bar W$.",
        figures=_figures,
        remains_open="Version 2 repeats the derivation; its formulas are lost in the text we "
        "have, so whether they agree cannot be seen.",
    ),
)

CLAIMS = (E11,)
