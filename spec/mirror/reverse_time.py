"""Mirrored Langevin dynamics (22) against the reverse-time equation (11) of version 2.

Version 2, sections 5.2 and 7.

Symbols: y = log x;  q = e^l  density of log X_t, of which nothing else is assumed;  s its score
         sigma^2 = s2;  c  speed of a clock, dt = c dr;  kappa2 = kappa^2, factor on the variance
         of the noise;  h = sigma^2 delta;  v  variance of a normal q
"""

from mpmath import mpf
from sympy import Expr, Function, Matrix, Rational, Symbol, diff, groebner, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2

_Y = Symbol("y")
_PARTIALS = plain_partials((_Y,))
_K, _H, _V = symbols("kappa2 h v", positive=True)
_S2 = Symbol("s2", positive=True)
_LOG = Function("l")(_Y)
_SCORE = diff(_LOG, _Y)
# -(s2 / 2) q'' / q: what the right-hand side must be for q_t to go back in time at m = 0
_BACK = -_S2 / 2 * (diff(_SCORE, _Y) + _SCORE**2)


def becomes_mirrored(kappa2: int) -> bool:
    """Whether some constants and some clock turn (11) with noise kappa sigma into (22).

    (11) in y is dY = [-(mu - s2 / 2) + s2 s] dr + kappa sigma dW, (22) is dY = s dt + sqrt(2) dW.
    With dt = c dr the coefficients must agree: c = s2 (score), 2 c = kappa2 s2 (noise) and
    mu = s2 / 2 (constant). These equations with s2 c w = 1 (neither is zero) have a solution
    unless their Groebner basis is 1.
    """
    s2, mu, c, inverse = symbols("s2 mu c inverse")
    equations = [s2 - c, kappa2 * s2 - 2 * c, mu - s2 / 2, s2 * c * inverse - 1]
    return groebner(equations, mu, inverse, s2, c).exprs != [1]


def splits(rates: tuple[Expr, Expr]) -> bool:
    """Whether (11) at m = 0 is a flow a * s2 * s together with (22) on a clock of speed b * s2.

    The flow alone must carry q_t to q_{t-r}, as the probability-flow equation does:
    -(a s2 s q)' = -(s2 / 2) q''. (22) must leave q_t where it is. The drifts must add up to s2 s
    and the noise variances to s2.
    """
    flow, langevin = rates
    carried = fokker_planck(_LOG, Matrix([flow * _S2 * _SCORE]), Matrix([[0]]), _PARTIALS)
    kept = fokker_planck(_LOG, Matrix([_SCORE]), Matrix([[2]]), _PARTIALS)
    sums = (flow + langevin - 1, 2 * langevin - 1)
    return vanishes(with_symbols(carried - _BACK, kept, *sums))


def is_the_invariant_power(power: Expr) -> bool:
    """Whether dY = s2 s(Y) dr + kappa sigma dW, s the fixed score of q, keeps q^power."""
    drift, spread = (_S2 * _SCORE,), Matrix([[_K * _S2]])
    return vanishes(with_symbols(fokker_planck(power * _LOG, Matrix(drift), spread, _PARTIALS)))


def is_the_euler_variance(variance: Expr) -> bool:
    """Whether Y' = Y + h s(Y) + kappa sqrt(h) Z keeps this variance, s(y) = -(y - m) / v."""
    y, z, m, r = symbols("y z m r")
    moved = (y - _H * (y - m) / _V + r * z).expand()
    first, second = (
        expectation(expectation(power, z, Rational(0), Rational(1)), y, m, variance)
        for power in (moved, (moved**2).expand())
    )
    return same((second - first**2).expand().subs(r**2, _K * _H), variance)


def is_what_the_sampler_discretises(noise: int) -> bool:
    """Whether (13) at mu = s2 / 2 is the Euler-Maruyama step of dY = s2 s dr + sqrt(noise s2) dW,
    and whether this equation is the reverse of dY = sigma dW.

    The logarithm of (13) is L - delta (mu - 3 s2 / 2) + delta s2 H + sqrt(delta s2) z with
    H = s - 1. The reverse equation carries q_t to q_{t-r}: its right-hand side is -(s2 / 2) q''.
    """
    delta, s, z, root = symbols("delta s z root")  # root = sqrt(delta s2)
    log_step = -delta * (_S2 / 2 - 3 * _S2 / 2) + delta * _S2 * (s - 1) + root * z
    variance = diff(log_step, z) ** 2
    euler = (log_step.subs(z, 0) - delta * _S2 * s, variance.subs(root**2, delta * _S2))
    carried = fokker_planck(_LOG, Matrix([_S2 * _SCORE]), Matrix([[noise * _S2]]), _PARTIALS)
    return vanishes((euler[0], euler[1] - noise * delta * _S2)) and vanishes(
        with_symbols(carried - _BACK)
    )


def _figures() -> tuple[Figure, ...]:
    kappa2, v, h = mpf(1), mpf("0.2"), mpf("0.04")
    return (
        Figure("variance v of a frozen normal q", v),
        Figure("under (11) with that score, kappa = 1", kappa2 * v / 2),
        Figure("under its Euler–Maruyama step with h = v / 5", kappa2 * v / 2 / (1 - h / (2 * v))),
        Figure("under (22)", v),
    )


def _langevin_figures() -> tuple[Figure, ...]:
    # d/dr of the log-variance of a normal law of variance v: -2 s2 + noise * s2
    s2 = mpf("0.64")
    return (
        Figure("d Var / dr in the reverse diffusion, sigma = 0.8", -2 * s2 + s2),
        Figure("in Langevin dynamics with the same drift", -2 * s2 + 2 * s2),
    )


E16 = Claim(
    id="E16",
    title="(22) is not the reverse-time equation (11)",
    statement="No constants and no change of clock turn (11) into (22): in (11) the noise "
    r"variance is the coefficient of $\mathbf 1+x\circ\nabla\log p$, in (22) it is twice that. "
    r"They would agree if the noise of (11) were $\kappa\sigma$ with $\kappa^2=2$ and its score "
    "did not change with time.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 5.2: recovered from eq. 11"),
    sheet=("E16",),
    assumptions=("constant mu and sigma > 0", "the same variable, log x, on both sides"),
    depends=("A11", "A22"),
    derivation=r"With $dt=c\,dr$ the equation (22) reads $c\,s\,dr+\sqrt{2c}\,dW$, $s=\mathbf 1+x"
    r"\circ\nabla\log p$. Against (11), $[-(\mu-\tfrac{\sigma^2}2)+\sigma^2s]dr+\kappa\sigma dW$, "
    r"this asks for $c=\sigma^2$, $2c=\kappa^2\sigma^2$ and $\mu=\tfrac12\sigma^2$: possible iff "
    r"$\kappa^2=2$. Besides, $s$ in (11) is the score of the moving $p_t$.",
    proof=Proof(
        becomes_mirrored,
        holds=2,
        twins={"noise of half the variance": Rational(1, 2), "of four times the variance": 4},
        printed={"(11) as it stands": 1},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed="Eq. 22 is a sampling SDE on the positive orthant [...] and is recovered directly "
        "from the GBM's reverse-time SDE (Eq. 11) via the Lamperti transform",
        trouble="The noise of (11) has half the variance that (22) needs, and its score belongs "
        "to a law that moves. With the score frozen, (11) settles on another law (E16-frozen).",
        correction=r"At $\mu=\tfrac12\sigma^2$ (11) is the probability-flow equation and (22) on "
        r"a clock of speed $\tfrac12\sigma^2$, together (E16-split).",
        figures=_figures,
        remains_open="Both formulas are lost in the text of version 2; they are taken from "
        "version 1 and from eq. 37.",
    ),
)

SPLIT = Claim(
    id="E16-split",
    title="(11) is the probability flow plus mirrored Langevin dynamics",
    statement=r"At $m=0$ the reverse equation $dY=\sigma^2s\,dr+\sigma\,dW$ is the flow $dY=\tfrac"
    r"{\sigma^2}2s\,dr$, which carries $q_t$ back in time, together with (22) at rate $\tfrac{"
    r"\sigma^2}2$, $dY=\tfrac{\sigma^2}2s\,dr+\sigma\,dW$, which leaves $q_t$ where it is.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("E16",),
    assumptions=("q_t positive and twice differentiable; one coordinate, all are alike",),
    depends=("A22", "A10"),
    derivation=r"Forward, $\partial_tq=\tfrac{\sigma^2}2q''$. The flow with drift $a\sigma^2s$ "
    r"gives $\partial_rq=-a\sigma^2q''$, which is the reverse iff $a=\tfrac12$. Langevin dynamics "
    r"leaves $q_t$ invariant (A20). The drifts add up to $\sigma^2s$, the noise is $\sigma$.",
    proof=Proof(
        splits,
        holds=(Rational(1, 2), Rational(1, 2)),
        twins={
            "all of it flow": (Rational(1), Rational(0)),
            "all of it Langevin": (Rational(0), Rational(1)),
            "a full flow and half of Langevin": (Rational(1), Rational(1, 2)),
        },
    ),
)

FROZEN = Claim(
    id="E16-frozen",
    title="the reverse equation with a frozen score",
    statement=r"$dY=\sigma^2\nabla\log q(Y)\,dr+\kappa\sigma\,dW$ with a fixed $q$ has the "
    r"invariant density $\propto q^{2/\kappa^2}$: $q^2$ at $\kappa=1$, and $q$ at $\kappa^2=2$ "
    "only.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("E16",),
    assumptions=("m = 0", "kappa > 0", "q^{2 / kappa^2} can be normalised; one coordinate"),
    depends=("A20",),
    derivation=r"The flux $\sigma^2q^a(\log q)'-\tfrac{\kappa^2\sigma^2}2(q^a)'=\sigma^2q^a(\log "
    r"q)'(1-\tfrac{\kappa^2a}2)$ vanishes iff $a=2/\kappa^2$.",
    proof=Proof(
        is_the_invariant_power,
        holds=2 / _K,
        twins={"q itself": Rational(1), "1 / kappa^2": 1 / _K, "inverted": _K / 2},
    ),
)

EULER = Claim(
    id="E16-euler",
    title="its Euler–Maruyama step on a normal law",
    statement=r"For $q=\mathcal N(m,v)$ the step $Y+h\nabla\log q(Y)+\kappa\sqrt hZ$ has the "
    r"stationary variance $\dfrac{\kappa^2v/2}{1-h/2v}$ ($0<h<2v$): about half of $v$ at "
    r"$\kappa=1$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("E16",),
    assumptions=("0 < h < 2 v", "kappa > 0"),
    depends=("E16-frozen",),
    derivation=r"The variance obeys $V=(1-h/v)^2V+\kappa^2h$, and $1-(1-h/v)^2=\tfrac{2h}v(1-"
    r"\tfrac h{2v})$. (R10-stable: the limit of many steps at one level.)",
    proof=Proof(
        is_the_euler_variance,
        holds=_K * _V / 2 / (1 - _H / (2 * _V)),
        twins={
            "of the continuous equation": _K * _V / 2,
            "of (22)": _K * _V / (1 - _H / (2 * _V)),
            "with h / v": _K * _V / 2 / (1 - _H / _V),
        },
    ),
)

LANGEVIN = Claim(
    id="E16-langevin",
    title="on the logarithm the sampler is a reverse diffusion, not Langevin dynamics",
    statement=r"The logarithm of (13) at $\mu=\tfrac12\sigma^2$ is the Euler–Maruyama step of "
    r"$dY=\sigma^2\nabla\log q_t(Y)\,dr+\sigma\,dW$, the reverse of $dY=\sigma\,dW$. Langevin "
    r"dynamics with that drift has the noise $\sqrt2\sigma$, and leaves each $q_t$ where it is.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 7: equivalent to additive Langevin dynamics"),
    sheet=("E16",),
    assumptions=("mu = sigma^2 / 2", "one coordinate, all are alike"),
    depends=("A13", "A20", "A10-score"),
    derivation=r"With $\mathbf 1+x\circ\nabla\log p=\nabla\log q=s$ the exponent of (13) is "
    r"$\delta\sigma^2s+\sigma\sqrt\delta Z$. For $dY=\sigma^2s\,dr+\sqrt n\sigma dW$ the law "
    r"obeys $\partial_rq=-\sigma^2q''+\tfrac n2\sigma^2q''$ at $q_t$: the reverse of "
    r"$\tfrac{\sigma^2}2q''$ for $n=1$, and zero for $n=2$.",
    proof=Proof(
        is_what_the_sampler_discretises,
        holds=1,
        twins={"no noise": 0, "noise of variance 3 sigma^2": 3},
        printed={"Langevin dynamics": 2},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="the Dale-Langevin sampler [...] is equivalent to standard additive Langevin "
        "dynamics on the log-transformed variable via the Lamperti transform",
        trouble="What it is equivalent to is the additive variance-exploding reverse diffusion on "
        "log X, with half the noise variance of Langevin dynamics. The latter, with the exact "
        "score, would leave the law where it is instead of taking it back to the data.",
        correction="Read: equivalent to the reverse diffusion (score-based diffusion) on log X, "
        "as the second half of the sentence in the paper says.",
        figures=_langevin_figures,
    ),
)

CLAIMS = (E16, SPLIT, FROZEN, EULER, LANGEVIN)
