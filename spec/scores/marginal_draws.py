"""What is out of reach when the data are known through draws alone.

Symbols: y0 = log X_0, z a draw; m_t = mu - s2/2 the log-drift; rt = sqrt(s2 t); a, v0 mean and
variance of the log of the data, for log-normal data; L, L0, m, v of the kernel.
"""

from functools import cache

from sympy import Expr, Integer, Symbol, diff

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Erratum, Fault, Kind, Means, Proof, v2
from spec.checking.symbols import L0, L, a, m, mu, s2, t, v, v0, z

DRAWS = "draws from the marginal p_t"
KERNEL_SCORE = "score of the kernel"
MARGINAL_SCORE = "score of the marginal p_t"


def need_the_density(named: frozenset[str]) -> bool:
    """Whether exactly these need more than draws of X_0, namely the law that they come from."""
    centre, spread = a + m, v0 + v
    needed = {
        DRAWS: not _draws_solve_the_forward_equation(),
        KERNEL_SCORE: _depends_on_the_law(-((L - L0 - m) ** 2) / (2 * v) - L),
        MARGINAL_SCORE: _depends_on_the_law(-((L - centre) ** 2) / (2 * spread) - L),
    }
    return named == frozenset(name for name, is_needed in needed.items() if is_needed)


@cache
def _draws_solve_the_forward_equation() -> bool:
    """Whether X_0 exp((mu - s2/2) t + sigma sqrt(t) Z) has the law of X_t for every X_0.

    The map holds nothing of the law of X_0. Its moments E[(log X_t)^n | X_0], n <= 4, start at
    those of X_0 and obey d/dt E[y^n] = E[(mu - s2/2) n y^(n-1) + s2/2 n (n-1) y^(n-2)].
    """
    y, y0 = Symbol("y", real=True), Symbol("y0", real=True)
    rt = Symbol("rt", positive=True)
    f = mu - s2 / 2

    def mean(polynomial: Expr) -> Expr:
        drawn = expectation(polynomial.subs(y, y0 + f * t + rt * z), z, Integer(0), Integer(1))
        return drawn.expand().subs({rt**n: (s2 * t) ** (n // 2) for n in (2, 4)})

    powers = [y**n for n in range(1, 5)]
    return all(
        same(diff(mean(power), t), mean(f * diff(power, y) + s2 / 2 * diff(power, y, 2)))
        and same(mean(power).subs(t, 0), power.subs(y, y0))
        for power in powers
    )


def _depends_on_the_law(log_density: Expr) -> bool:
    """Whether x d/dx of the log density changes with the law of the data."""
    score = diff(log_density, L)
    return not (same(diff(score, a), 0) and same(diff(score, v0), 0))


E25 = Claim(
    id="E25",
    title="sampling the marginal is easy, its score is unknown",
    statement=r"Draws from $p_t$ need nothing but draws of the data: $X_t=X_0\circ e^{(\mu-"
    r"\sigma^2/2)t+\sigma\sqrt tZ}$. What needs the unknown law of the data is the marginal score "
    r"$\nabla\log p_t$; the score of the kernel does not.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 4: sampling the marginal is intractable"),
    sheet=("E25",),
    assumptions=("draws of X_0 are at hand (the training set)",),
    depends=("A6", "A16"),
    derivation=r"The map above holds no parameter of the law of $X_0$, and it has the law of "
    r"$X_t$: its log-moments, given any $X_0$, satisfy the moment equations of $dY=(\mu-"
    r"\frac{\sigma^2}2)dt+\sigma dW$ (a normal law is determined by its moments). The kernel's "
    r"score is $-1-(\log x-\log x_0-m)/v$, free of the law of $X_0$; for log-normal data the "
    r"marginal score is $-1-(\log x-a-m)/(v_0+v)$ and changes with $a$ and $v_0$.",
    proof=Proof(
        need_the_density,
        holds=frozenset({MARGINAL_SCORE}),
        twins={
            "nothing does": frozenset(),
            "both scores do": frozenset({MARGINAL_SCORE, KERNEL_SCORE}),
        },
        printed={
            "sampling is intractable, and so is the score": frozenset({DRAWS, MARGINAL_SCORE})
        },
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed="'Generating samples from the marginal density [formula lost] is intractable, "
        "which makes [formula lost] impossible to work with directly.'",
        trouble="The forward process is sampled in closed form; version 2 says so itself in "
        "Section 3 ('the closed-form expression allows us to generate samples from the forward "
        "process for any time instant'), and training draws from the marginal all the time. The "
        "conclusion, that the explicit loss cannot be used directly, is right for another reason.",
        correction="The marginal score, which the explicit loss contains, is unknown; samples of "
        "the marginal are not the obstacle.",
        remains_open="Which symbol stood for the marginal is lost.",
    ),
)

CLAIMS = (E25,)
