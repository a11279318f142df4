"""Annealed noise: what it does to the marginals, and why it is not a splitting.

Symbols: y = log x; q density of log X_t, s its log score, s1 = ds/dy; mu, s2 = sigma^2 rates;
kappa factor on the noise; chi its decay a level; h Hyvarinen score; z draw; root = sqrt(dt).
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Poly, Rational, diff, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import h, kappa, mu, s2, sigma, z
from spec.steps._recursions import annealed_rows, relative_variance
from spec.steps._reverse import log_step, root

s, s1 = symbols("s s1", real=True)


def keeps_the_marginals(drift: Expr) -> bool:
    """Whether dY = drift dr + kappa sigma dW, run backwards in time, passes through every q_t.

    `drift` is an expression in s, the log score of q_t at y. Divided by q, with q'/q = s and
    q''/q = s^2 + s1: forward, dq/dt = -(m q)' + s2/2 q''; in r = -t this has to equal the
    Fokker-Planck right-hand side -(drift q)' + kappa^2 s2/2 q''.
    """
    m, second = mu - s2 / 2, s**2 + s1
    backwards_in_time = m * s - s2 / 2 * second
    slope = diff(drift, s) * s1
    return same(backwards_in_time, -(slope + drift * s) + kappa**2 * s2 / 2 * second)


def splits_the_reverse_equation(noise: Expr) -> bool:
    """Whether a step of A13 with this factor on its noise is consistent with eq. 11.

    Left: E f(y + step) - f(y) to first order in dt, f given by its first two derivatives, the
    draw averaged exactly. Right: the generator of eq. 11, which the parts of a splitting add up
    to: drift f' + sigma^2/2 f''.
    """
    f1, f2 = symbols("f1 f2", real=True)
    step = log_step(h, z, root, noise)
    mean = expectation(f1 * step + f2 * step**2 / 2, z, Integer(0), Integer(1))
    first_order = Poly(mean, root).coeff_monomial(root**2)
    drift = -mu + 3 * sigma**2 / 2 + sigma**2 * h
    return same(first_order, drift * f1 + sigma**2 / 2 * f2)


def _variances() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        rows = {
            decay: annealed_rows(1000, mpf(1) / 1000, 1, mpf(decay), 1000)
            for decay in ("0.995", "0.999", "1")
        }
        return tuple(
            Figure(
                f"log-variance over that of the data at chi = {decay}, L = 1, delta_s = delta "
                "(sigma = 0.8, v0 = 0.05, N = 1000)",
                relative_variance(grid, mpf("0.05"), mpf("0.64")),
            )
            for decay, grid in rows.items()
        )


_DRIFT = -(mu - s2 / 2) + (1 + kappa**2) / 2 * s2 * s

E18 = Claim(
    id="E18",
    title="annealed noise and the marginals",
    statement=r"With the noise scaled by $\kappa$, $dY=[-m+\frac{1+\kappa^2}2\sigma^2\nabla\log "
    r"q_t]dr+\kappa\sigma d\bar W$ has the marginals $q_t$, $m=\mu-\frac{\sigma^2}2$. With the "
    r"drift of $\kappa=1$ it has them only for $\kappa=1$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(*v1("App. D.4: operator splitting"), *v2("sec. 6.3: decay of the noise")),
    sheet=("E18", "R11"),
    assumptions=(
        "q_t positive and twice differentiable",
        "one coordinate; the others add terms of the same form",
    ),
    depends=("A9", "A13", "R11"),
    derivation=r"Divide the Fokker–Planck equation by $q$: with $s=\frac{q'}q$ and "
    r"$\frac{q''}q=s^2+s'$, forward time gives "
    r"$\frac{\partial_tq}q=-ms+\frac{\sigma^2}2(s^2+s')$. Backwards, a drift $-m+cs$ and noise "
    r"$\kappa\sigma$ give $ms-c(s^2+s')+\frac{\kappa^2\sigma^2}2(s^2+s')$. The two are negatives "
    r"of each other for every $q$ if and only if $c=\frac{1+\kappa^2}2\sigma^2$.",
    proof=Proof(
        keeps_the_marginals,
        holds=_DRIFT,
        twins={
            "kappa for kappa^2": _DRIFT + (kappa - kappa**2) / 2 * s2 * s,
            "score halved, as without noise": -(mu - s2 / 2) + s2 / 2 * s,
        },
        printed={"drift of kappa = 1": -(mu - s2 / 2) + s2 * s},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed=r"Version 1, App. D.4: “a step-size that is annealed by a factor $\chi<1$ to "
        r"progressively reduce the effect of noise”, with line 6 scaling only $\bm Z$ by "
        r"$\kappa$; version 2, sec. 6.3: “consistently improving sample quality”",
        trouble="Not the step size is annealed but the amplitude of the noise, while the drift "
        r"stays that of full noise. For $\chi<1$ the sampler therefore contracts too much: it "
        "loses diversity even with an exact score, in line with the “mode collapse with no noise” "
        "that appendix G.2 of version 2 observes. Samples can still look cleaner; what is lost is "
        "the law.",
        correction=r"Scale the drift along: $X\circ\exp[-\delta m+\frac{1+\kappa^2}2\sigma^2\delta"
        r"(\mathbf 1+h)+\kappa\sigma\sqrt\delta Z]$.",
        figures=_variances,
        remains_open="Version 2's values of the factor are lost in the text we have.",
    ),
)

OPERATOR_SPLITTING = Claim(
    id="operator-splitting",
    title="annealing as operator splitting",
    statement=r"A step of A13 with noise $\kappa$ has the generator of eq. 11 to first order if "
    r"and only if $\kappa^2=1$: for $\chi<1$ it is no splitting of that equation.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("App. D.4: operator splitting"),
    sheet=("E18",),
    assumptions=("f twice differentiable",),
    depends=("A13", "E18"),
    derivation="In a splitting method the generators of the parts add up to that of the equation, "
    r"so that one step has a weak error of $O(\delta^2)$. Here $\mathbb E f(Y')-f=\delta\big[b f'+"
    r"\frac{\kappa^2\sigma^2}2f''\big]+O(\delta^2)$, $b$ the drift of eq. 11: a step is off by "
    r"$\frac{(1-\kappa^2)\sigma^2}2f''\delta$, and the whole run by an amount that does not "
    r"vanish with $\delta$.",
    proof=Proof(
        splits_the_reverse_equation,
        holds=Integer(1),
        twins={"noise halved": Rational(1, 2), "no noise": Integer(0)},
        printed={"chi = 0.995": Rational(995, 1000), "any kappa": kappa},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="App. D.4: “the step-size annealing can be viewed as a special case of operator "
        "splitting methods used in the discretization of SDEs”",
        trouble="Drift and noise in turn would be a splitting, and so is A13 at full noise. With "
        r"the noise scaled by $\kappa<1$ the parts no longer add up to eq. 11, however small the "
        r"step.",
        correction=r"What is a splitting: the probability-flow equation, and Langevin dynamics at "
        r"fixed $t$ at the rate $\frac{\kappa^2\sigma^2}2$. Together they are the equation of "
        r"E18.",
    ),
)

CLAIMS = (E18, OPERATOR_SPLITTING)
