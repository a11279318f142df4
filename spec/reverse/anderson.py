"""The reverse-time diffusion of Anderson, for any drift and any diffusion matrix.

Symbols: h drift, g diffusion coefficient and G = g g^T, p_t density of X_t, r = 1 - t reverse
time, (div G)_i = sum_j d_j G_ij the row-wise divergence.
"""

from sympy import Expr, Integer, Matrix, Rational, diff, symbols

from spec.checking.diffusions import jet, keeps_marginals, plain_partials, turns_back
from spec.checking.old import Claim, Kind, Means, Proof, v1, v2


def reverses(weights: tuple[Expr, Expr, Expr]) -> bool:
    """Whether w1 h + w2 div G + w3 G grad log p is the drift of the time reversal.

    For every drift, every 2 x 2 diffusion coefficient and every density, through their jets. Two
    things are asked: that p(., 1 - r) solves the Fokker-Planck equation of the reverse diffusion,
    and that its generator is the one that Bayes' rule gives for short steps.
    """
    d = symbols("d1 d2", real=True)
    drift = Matrix([jet("h1", d, 1), jet("h2", d, 1)])
    g = Matrix(2, 2, lambda i, j: jet(f"g{i + 1}{j + 1}", d))
    diffusion = g * g.T
    log_p = jet("l", d)
    divergence = Matrix([sum(diff(diffusion[i, j], d[j]) for j in (0, 1)) for i in (0, 1)])
    score = Matrix([diff(log_p, e) for e in d])
    reverse = weights[0] * drift + weights[1] * divergence + weights[2] * diffusion * score
    forward, backward = (drift, diffusion), (reverse, diffusion)
    partials = plain_partials(d)
    return keeps_marginals(forward, backward, log_p, partials, d) and turns_back(
        forward, backward, log_p, partials, d
    )


A2 = Claim(
    id="A2",
    title="the reverse-time equation",
    statement=r"Let $dX_t=\mathsf h\,dt+\mathsf g\,dW_t$, $G=\mathsf g\mathsf g^\top$, with "
    r"density $p_t$. In positive reverse time $r=1-t$ the diffusion $dX=\{-\mathsf "
    r"h+\nabla\!\cdot G+G\nabla\log p\}\,dr+\mathsf g\,d\bar W$ has the densities $p_{1-r}$, and "
    "its generator is that of $X$ run backwards. With $dt<0$ the same equation reads "
    r"$dX=\{\mathsf h-\nabla\!\cdot G-G\nabla\log p\}\,dt+\mathsf g\,d\bar W$, as printed.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 4"), *v2("eq. 2")),
    sheet=("A2",),
    assumptions=(
        "h is C^1, g is C^2 in x; p_t is positive, C^2 in x and C^1 in t",
        "G may be singular; nothing is asked of its columns",
        "formula lost in the text of version 2; reconstructed: as eq. (4) of version 1",
    ),
    depends=("A1",),
    derivation=r"The forward Fokker-Planck equation is $\partial_t p=-\nabla\!\cdot J$ with the "
    r"flux $J_i=\mathsf h_ip-\frac12\sum_j\partial_j(G_{ij}p)$. With a drift $b$ the reverse "
    r"diffusion has the flux $b_ip-\frac12\sum_j\partial_j(G_{ij}p)$, and "
    r"$\partial_rp=-\partial_tp$ holds if the two fluxes add to zero: $b_ip=-\mathsf "
    r"h_ip+\sum_j\partial_j(G_{ij}p)$. Dividing by $p$ gives the formula. The marginals alone "
    "would allow more drifts, so the routine also asks for Bayes' rule over a short step: "
    r"$p^{-1}[L^*(fp)-f\,L^*p]=b\cdot\nabla f+\frac12G:\nabla^2f$ for every $f$, and this fixes "
    "$b$ and $G$. Drift, diffusion coefficient and density are jets with symbols for "
    "coefficients, so that they stand for all functions of the plane.",
    proof=Proof(
        reverses,
        holds=(Integer(-1), Integer(1), Integer(1)),
        twins={
            "divergence dropped": (Integer(-1), Integer(0), Integer(1)),
            "divergence halved": (Integer(-1), Rational(1, 2), Integer(1)),
            "sign of the score flipped": (Integer(-1), Integer(1), Integer(-1)),
            "score halved": (Integer(-1), Integer(1), Rational(1, 2)),
        },
    ),
)

A2_LAW = Claim(
    id="A2-law",
    title="equality of the laws of the paths",
    statement=r"Started from $p_1$, the reverse diffusion of A2 has the law of the whole path "
    r"$(X_{1-r})_{0\le r\le 1}$, not only its marginals.",
    kind=Kind.CITED,
    means=Means.LITERATURE,
    sources=(*v1("eq. 4"), *v2("eq. 2")),
    sheet=("A2",),
    assumptions=(
        "h and g locally Lipschitz with linear growth",
        "p_t and the derivatives of g g^T p_t that occur are locally square integrable (Haussmann "
        "and Pardoux)",
    ),
    depends=("A2",),
    reason="B. D. O. Anderson, Reverse-time diffusion equation models, Stochastic Processes and "
    "their Applications 12 (1982) 313-326; U. G. Haussmann and E. Pardoux, Time reversal of "
    "diffusions, Annals of Probability 14 (1986) 1188-1205. Claim A2 proves the infinitesimal "
    "statement; that it determines the law of the path is theirs. For log-normal data R7 gives "
    "the kernel over a step of any length without it.",
)

CLAIMS = (A2, A2_LAW)
