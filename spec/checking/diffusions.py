"""Diffusions through their generators, at one point.

A generator differentiates twice, so at one point only finitely many derivatives of the drift, the
diffusion matrix and the density enter. A Taylor polynomial with symbols for coefficients (a jet)
therefore stands for every smooth function, and an identity that holds for it holds for all.

    generator(f)   b . grad f + 1/2 G : grad grad f
    adjoint(u)     p^-1 L*(u p) = -sum_i D_i(b_i u) + 1/2 sum_ij D_i D_j(G_ij u)

with D_i a = d_i a + a d_i log p, that is p^-1 d_i(a p). `partials` are the derivatives d_i in the
coordinates of the process: log coordinates with x a symbol of its own need x dL/dx = 1."""

from collections.abc import Callable, Sequence

from sympy import Add, Derivative, Expr, Integer, Matrix, Symbol, diff, eye

from spec.checking.algebra import vanishes

Partial = Callable[[Expr], Expr]
Partials = Sequence[Partial]
Coefficients = tuple[Matrix, Matrix]  # drift and diffusion matrix


def jet(name: str, d: Sequence[Symbol], order: int = 2) -> Expr:
    """An arbitrary function of the plane near a point, to that order in the displacements d."""
    powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    return Add(*(Symbol(f"{name}_{i}{j}", real=True) * d[0] ** i * d[1] ** j for i, j in powers))


def plain_partials(d: Sequence[Symbol]) -> list[Partial]:
    """d/dy_i where the displacements d are those of y itself."""
    return [lambda e, y=y: diff(e, y) for y in d]


def partials_of_exponentials(d: Sequence[Symbol], x: Sequence[Symbol]) -> list[Partial]:
    """d/dx_i where the displacements d are those of L = log x, and x_i is a symbol too."""
    return [lambda e, L=L, s=s: diff(e, L) / s + diff(e, s) for L, s in zip(d, x, strict=True)]


def generator(f: Expr, drift: Matrix, diffusion: Matrix, partials: Partials) -> Expr:
    """The rate of change of E[f] along the diffusion from a point."""
    n = range(len(partials))
    slopes = [partial(f) for partial in partials]
    curvature = sum(diffusion[i, j] * partials[i](slopes[j]) for i in n for j in n)
    return sum(drift[i] * slopes[i] for i in n) + curvature / 2


def adjoint(u: Expr, drift: Matrix, diffusion: Matrix, log_p: Expr, partials: Partials) -> Expr:
    """p^-1 L*(u p); with u = 1 what the Fokker-Planck equation calls (dp/dt) / p."""
    n = range(len(partials))
    score = [partial(log_p) for partial in partials]

    def weighted(i: int, a: Expr) -> Expr:
        return partials[i](a) + a * score[i]

    flux = [drift[i] * u - sum(weighted(j, diffusion[i, j] * u) for j in n) / 2 for i in n]
    return -sum(weighted(i, flux[i]) for i in n)


def fokker_planck(log_p: Expr, drift: Matrix, diffusion: Matrix, partials: Partials) -> Expr:
    """(dp/dt) / p by the Fokker-Planck equation: zero for all states where p is invariant."""
    return adjoint(Integer(1), drift, diffusion, log_p, partials)


def keeps_marginals(forward: Coefficients, backward: Coefficients, log_p: Expr,
                    partials: Partials, d: Sequence[Symbol]) -> bool:  # fmt: skip
    """Whether p(., T - r) solves the Fokker-Planck equation of `backward`, where p solves that of
    `forward`: its time derivative is the adjoint, and d/dr = -d/dt. The adjoint is linear in the
    coefficients, so that those of both equations are added first."""
    drift, diffusion = (there + back for there, back in zip(forward, backward, strict=True))
    return vanishes(_at_origin(fokker_planck(log_p, drift, diffusion, partials), d))


def turns_back(forward: Coefficients, backward: Coefficients, log_p: Expr,
               partials: Partials, d: Sequence[Symbol]) -> bool:  # fmt: skip
    """Whether `backward` generates the forward diffusion run backwards.

    By Bayes' rule E[f(X_{t-r}) | X_t = x] p_t(x) is the integral of f p_{t-r} against the forward
    kernel; its derivative at r = 0 is L*(f p) - f L* p, which must be p times the backward
    generator of f, for every f. A constant that is added to f drops out of both, so that f is zero
    at x, and with it f L* p."""
    f = jet("f", d) - _at_origin(jet("f", d), d)
    bayes = adjoint(f, *forward, log_p, partials)
    return vanishes(_at_origin(bayes - generator(f, *backward, partials), d))


def _at_origin(expression: Expr, d: Sequence[Symbol]) -> Expr:
    return expression.xreplace(dict.fromkeys(d, Integer(0)))


def isotropic(rate: Expr, size: int = 2) -> Matrix:
    """`rate` times the identity."""
    return rate * eye(size)


def with_symbols(*expressions: Expr) -> tuple[Expr, ...]:
    """The expressions with a symbol for each derivative of an undetermined function in them.

    They are then rational where they were rational in the functions and their derivatives, and
    vanish as such only if they vanish for every function."""
    found = sorted(set().union(*(e.atoms(Derivative) for e in expressions)), key=str)
    names = {d: Symbol(f"D{i}") for i, d in enumerate(found)}
    return tuple(e.xreplace(names) for e in expressions)
