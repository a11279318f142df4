"""The forward chain of Appendix C: one step, the steps unrolled, and the target of the loss.

Symbols: mu_i, sigma_i  rates at time i delta;  r  sqrt(delta);  sbar2  variance that k steps add.
"""

from collections.abc import Callable

from sympy import Expr, Poly, Rational, diff, expand, integrate, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation, moment
from spec.checking.old import Claim, Kind, Means, Proof, v2
from spec.checking.symbols import L0, L, M, V, z
from spec.process import _piecewise_pins

r, delta, sbar2 = symbols("r delta sbar2", positive=True)
u = symbols("u", real=True)
rates = symbols("mu_0:3", real=True)
diffusions = symbols("sigma_0:3", positive=True)
y, shift, spread = symbols("y shift spread", real=True)
_LOST = "formula lost in the text of version 2; reconstructed: "

Rate = Callable[[Expr], Expr]
# (mu, sigma, delta) to what a step adds to mean and variance; the rates depend on time from t_k.
Rule = Callable[[Rate, Rate, Expr], tuple[Expr, Expr]]
# (mu_i, sigma_i, delta, k) to mean and variance that k steps add.
Unrolled = Callable[[tuple[Expr, ...], tuple[Expr, ...], Expr, int], tuple[Expr, Expr]]


def is_left_point_euler(rule: Rule) -> bool:
    """Whether the step takes its rates at t_k alone and is exact where they are constant, and in
    general leaves out delta^2 / 2 times their derivative at t_k, plus O(delta^3).

    The rates are polynomials of degree 2 in the time since t_k with symbols for coefficients:
    their derivatives at t_k. The exact increments are integrals over the step.
    """
    jets = symbols("f0:3"), symbols("g0:3")
    slopes = (*jets[0][1:], *jets[1][1:])
    drift, diffusion = (lambda time, f=f: f[0] + f[1] * time + f[2] * time**2 / 2 for f in jets)
    steps = rule(drift, diffusion, delta)
    speeds = (drift(u) - diffusion(u) ** 2 / 2, diffusion(u) ** 2)
    answers = []
    for speed, step in zip(speeds, steps, strict=True):
        error = Poly(expand(integrate(expand(speed), (u, 0, delta)) - step), delta)
        leading = diff(speed, u).subs(u, 0) / 2
        constant = error.as_expr().subs(dict.fromkeys(slopes, 0))
        orders = (error.coeff_monomial(1), error.coeff_monomial(delta), constant)
        answers += [vanishes(orders), same(error.coeff_monomial(delta**2), leading)]
        answers.append(vanishes(tuple(diff(step, slope) for slope in slopes)))
    return all(answers)


def unrolls(law: Unrolled) -> bool:
    """Whether log X_k - log x0 is N(mean, variance) for k = 0..3, by induction over k.

    If it is N(M, V) after k steps, its first four moments after another step are averages over
    the draw and over N(M, V). They must be those of the law that the candidate gives for k + 1.
    """
    if not vanishes(law(rates, diffusions, r**2, 0)):
        return False
    for k in range(3):
        before, after = (law(rates, diffusions, r**2, n) for n in (k, k + 1))
        step = {
            shift: r**2 * (rates[k] - diffusions[k] ** 2 / 2),
            spread: r * diffusions[k],
            M: before[0],
            V: before[1],
        }
        for order in range(1, 5):
            power = expectation((y + shift + spread * z) ** order, z, Rational(0), Rational(1))
            moved = expectation(power, y, M, V).subs(step)
            if not same(moved, moment(order, *after)):
                return False
    return True


def is_the_target(target: Expr) -> bool:
    """Whether x d/dx log p(X_k = x | x0) = target, in L = log x and L0 = log x0, for three steps.

    The density of log X_k is N(mean, variance) with the left sums for mu_i = sigma_i^2 / 2, and
    that of X_k has the factor 1/x.
    """
    drifts = tuple(s**2 / 2 for s in diffusions)
    mean, variance = _sums(drifts, diffusions, delta, 3)
    log_density = -L - (L - L0 - mean) ** 2 / (2 * variance)
    return same(diff(log_density, L), target.subs(sbar2, variance))


A34 = Claim(
    id="A34",
    title="Euler-Maruyama step of the time-varying chain",
    statement=r"$\log X_{k+1}=\log X_k+\delta(\mu_k-\tfrac{\sigma_k^2}2\mathbf 1)"
    r"+\sqrt\delta\,\sigma_kZ_k$ with $\mu_k=\mu(k\delta)$, $\sigma_k=\sigma(k\delta)$. Its law "
    r"is exact where the rates are constant over the step; in general the exact step adds "
    r"$\tfrac{\delta^2}2(\mu-\tfrac{\sigma^2}2)'(t_k)+O(\delta^3)$ more to the mean and "
    r"$\tfrac{\delta^2}2(\sigma^2)'(t_k)+O(\delta^3)$ more to the variance.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 34"),
    sheet=("A34",),
    assumptions=(
        "mu and sigma are twice continuously differentiable (for the size of the remainder)",
        _LOST + "the words 'Euler-Maruyama discretization', which takes rates at the left end",
    ),
    depends=("A33",),
    derivation=r"Euler-Maruyama keeps the rates of A33 at their values at $t_k$, so the step is "
    r"normal with mean $\delta f(t_k)$ and variance $\delta g(t_k)$, $f=\mu-\tfrac{\sigma^2}2$, "
    r"$g=\sigma^2$. The exact ones are $\int_0^\delta f(t_k+u)du=\delta f+\tfrac{\delta^2}2f'"
    r"+O(\delta^3)$ and the same for $g$. Decided with the 2-jets of $\mu$ and $\sigma$; the sign "
    "of the remainder tells the left end from the right one.",
    proof=Proof(
        is_left_point_euler,
        holds=lambda f, g, d: (d * (f(0) - g(0) ** 2 / 2), d * g(0) ** 2),
        twins={
            "rates at the right end": lambda f, g, d: (
                d * (f(d) - g(d) ** 2 / 2),
                d * g(d) ** 2,
            ),
            "no Itô term": lambda f, g, d: (d * f(0), d * g(0) ** 2),
            "noise delta sigma": lambda f, g, d: (d * (f(0) - g(0) ** 2 / 2), d**2 * g(0) ** 2),
        },
    ),
)


def _sums(f: tuple[Expr, ...], g: tuple[Expr, ...], d: Expr, k: int) -> tuple[Expr, Expr]:
    mean = sum((d * (f[i] - g[i] ** 2 / 2) for i in range(k)), Rational(0))
    return mean, sum((d * g[i] ** 2 for i in range(k)), Rational(0))


A35 = Claim(
    id="A35",
    title="the chain unrolled",
    statement=r"$\log X_k\overset d=\log X_0+\bar\mu_k+\bar\sigma_kZ$ with "
    r"$\bar\mu_k=\delta\sum_{i<k}(\mu_i-\tfrac{\sigma_i^2}2\mathbf 1)$, "
    r"$\bar\sigma_k^2=\delta\sum_{i<k}\sigma_i^2$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 35"),
    sheet=("A35",),
    assumptions=(
        "the draws Z_i are independent of each other and of X_0",
        "equality in law for one k at a time (E19-i)",
        _LOST + "the sums that eq. 34 forces",
    ),
    depends=("A34",),
    derivation=r"Adding up A34, $\log X_k=\log X_0+\bar\mu_k+\sqrt\delta\sum_{i<k}\sigma_iZ_i$; a "
    r"sum of independent normal variables is normal with the sum of the variances. Decided by "
    r"induction through the first four moments, carried out for $k=0,\dots,3$; a further $k$ adds "
    "one term in the same way.",
    proof=Proof(
        unrolls,
        holds=_sums,
        twins={
            "the last step left out": lambda f, g, d, k: _sums(f, g, d, max(k - 1, 0)),
            "sum of the deviations squared": lambda f, g, d, k: (
                _sums(f, g, d, k)[0],
                d * sum(g[:k], Rational(0)) ** 2,
            ),
            "delta^2 in the variance": lambda f, g, d, k: (
                _sums(f, g, d, k)[0],
                d * _sums(f, g, d, k)[1],
            ),
            "no Itô term": lambda f, g, d, k: (
                d * sum(f[:k], Rational(0)),
                _sums(f, g, d, k)[1],
            ),
        },
    ),
    pins=_piecewise_pins.PINS,
)

A35_TARGET = Claim(
    id="A35-target",
    title="target of the time-varying loss",
    statement=r"With $\mu(t)=\tfrac{\sigma^2(t)}2\mathbf 1$: $X_k\overset d=X_0\circ "
    r"e^{\bar\sigma_kZ}$ and $X_k\circ\nabla\log p(X_k\mid X_0)=-\big\{\mathbf 1+\tfrac{\log "
    r"X_k-\log X_0}{\bar\sigma_k^2}\big\}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("App. C: target"),
    sheet=("A35",),
    assumptions=("k >= 1", _LOST + "what eq. 35 forces for that drift"),
    depends=("A35",),
    derivation=r"The drift of $\log X$ vanishes, so $\bar\mu_k=0$ and $\log p(x\mid x_0)=-\log "
    r"x-(\log x-\log x_0)^2/2\bar\sigma_k^2+\text{const}$. Apply $x\,d/dx=d/d\log x$. Per "
    "coordinate.",
    proof=Proof(
        is_the_target,
        holds=-(1 + (L - L0) / sbar2),
        twins={
            "no Jacobian": -(L - L0) / sbar2,
            "sigma-bar to the fourth power": -(1 + (L - L0) / sbar2**2),
            "wrong sign": 1 + (L - L0) / sbar2,
        },
    ),
)

CLAIMS = (A34, A35, A35_TARGET)
