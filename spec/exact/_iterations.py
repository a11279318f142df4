"""Laws of finite chains as plain recursions of high-precision numbers."""

from collections.abc import Callable, Iterable

from mpmath import mpf

Law = tuple[mpf, mpf]


def run(factors_and_noises: Iterable[Law], mean: mpf, variance: mpf) -> Law:
    """(e, V) after e <- g e, V <- g^2 V + n for each (g, n)."""
    for factor, noise in factors_and_noises:
        mean, variance = factor * mean, factor**2 * variance + noise
    return mean, variance


def dale_langevin(v0: mpf, h: mpf, steps: int, mean: mpf, variance: mpf) -> Law:
    """(e_0, V_0) of eq. (13) on log-normal data: score at v_k = v0 + h k, k = steps .. 1."""
    levels = (v0 + h * k for k in range(steps, 0, -1))
    return run(((1 - h / v, h) for v in levels), mean, variance)


def annealed(
    v0: mpf, h: mpf, first: int, inner: tuple[int, mpf], kappa: Callable[[int], mpf], variance: mpf
) -> mpf:
    """V_0 when `inner` = (L, h_s) says how many steps of which size are taken at each level.

    Levels k = first .. 1 with v_k = v0 + h k; kappa(i) is the factor on the noise of the i-th.
    """
    repeats, size = inner
    for i, k in enumerate(range(first, 0, -1)):
        steps = [(1 - size / (v0 + h * k), kappa(i) ** 2 * size)] * repeats
        variance = run(steps, mpf(0), variance)[1]
    return variance


def eliminated(coarse: mpf, middle: mpf, fine: mpf) -> mpf:
    """The limit of f(N) = limit + c_1 / N + c_2 / N^2 + ..., from f at N, 2 N and 4 N.

    Two orders are removed (Richardson), so the remainder is of order N^-3.
    """
    return (8 * fine - 6 * middle + coarse) / 3
