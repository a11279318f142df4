"""Grids spaced in the standard deviation sqrt(v): geometric, and the spacing of Karras et al.

Symbols: n scores read, i = 0, ..., n - 1; low, high the last and first standard deviation; rho
exponent. Rows: score at the time with sqrt(v) = std_i, step to the next, the last one to t = 0.
"""

from collections.abc import Callable

from mpmath import mpf, nint
from sympy import Expr, Rational, Symbol, exp, limit, log, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof

low, high = symbols("low high", positive=True)
# n-th roots of the ends: the spacings are rational in these.
low_root, high_root = symbols("low_root high_root", positive=True)
Spacing = Callable[[int, int], Expr]


def is_geometric(spacing: Spacing) -> bool:
    """Whether std_i falls from high to low in a constant ratio, for n = 2, 3, 4.

    spacing(i, n) is a power product of low_root and high_root, the (n - 1)-th roots of the ends.
    """
    verdicts = []
    for n in (2, 3, 4):
        stds = [spacing(i, n) for i in range(n)]
        verdicts += [same(stds[0], high_root ** (n - 1)), same(stds[-1], low_root ** (n - 1))]
        verdicts += [same(stds[i + 1] * high_root, stds[i] * low_root) for i in range(n - 1)]
    return all(verdicts)


def is_the_power_spacing(spacing: Callable[[Expr, Expr, Expr], Expr]) -> bool:
    """Whether std^(1/rho) falls linearly, and rho -> infinity gives the geometric spacing.

    spacing(f, first, last) is std^(1/rho) at the fraction f = i / (n - 1) of the way, from the
    rho-th roots of high and low. The limit is that of rho log(...), with roots e^{log(.)/rho}.
    """
    fraction = Symbol("f", positive=True)
    root = spacing(fraction, high_root, low_root)
    verdicts = [same(root.subs(fraction, 0), high_root), same(root.subs(fraction, 1), low_root)]
    verdicts.append(same(root.diff(fraction, 2), 0))
    e = Symbol("e", positive=True)
    A, B = symbols("A B", real=True)
    logarithm = log(spacing(fraction, exp(e * A), exp(e * B))) / e
    far = limit(logarithm, e, 0, "+")
    return all(verdicts) and same(far, A + fraction * (B - A))


def _times(at: dict[str, mpf], spacing: Callable[[mpf], mpf]) -> tuple[mpf, ...]:
    """The rows as one sequence: t_i = std_i^2 / sigma^2, t_i - t_{i+1} and noise 1."""
    count = int(nint(at["n"]))
    times = [(spacing(mpf(i) / (count - 1)) / at["sigma"]) ** 2 for i in range(count)] + [mpf(0)]
    flat: list[mpf] = []
    for here, after in zip(times[:-1], times[1:], strict=True):
        flat += [here, here - after, mpf(1)]
    return tuple(flat)


def _geometric_rows(at: dict[str, mpf], shift: int = 0) -> tuple[mpf, ...]:
    count = at["n"]
    return _times(
        at,
        lambda f: at["high"] * (at["low"] / at["high"]) ** (f * (count - 1) / (count - 1 + shift)),
    )


def _power_rows(at: dict[str, mpf], rho: mpf | None = None) -> tuple[mpf, ...]:
    exponent = at["rho"] if rho is None else rho
    first, last = at["high"] ** (1 / exponent), at["low"] ** (1 / exponent)
    return _times(at, lambda f: (first + f * (last - first)) ** exponent)


def _row_sizes(at: dict[str, mpf], rows: tuple[mpf, ...], growth: mpf) -> tuple[mpf, ...]:
    """growth * t_i for the time and for the difference of times of each row, 1 for its noise."""
    return tuple(e for t in rows[::3] for e in (growth * t, growth * t, mpf(1)))


GEOMETRIC = Claim(
    id="grid-geometric",
    title="geometric grid",
    statement=r"Scores are read where $\sqrt{v(t_i)}=s_{\max}(s_{\min}/s_{\max})^{i/(n-1)}$, $i=0,"
    r"\dots,n-1$; each step goes to the next of these times, the last one to $t=0$.",
    kind=Kind.DEFINITION,
    means=Means.ALGEBRA,
    sheet=("R16",),
    assumptions=(r"$0<s_{\min}<s_{\max}\leq\sqrt{v(T)}$", "n at least 2"),
    reason="A choice of rows. That they run from the largest to the smallest standard deviation "
    "in a constant ratio is decided.",
    proof=Proof(
        is_geometric,
        holds=lambda i, n: high_root ** (n - 1 - i) * low_root**i,
        twins={
            "one ratio too low": lambda i, n: high_root ** (n - 2 - i) * low_root ** (i + 1),
            "upside down": lambda i, n: low_root ** (n - 1 - i) * high_root**i,
            "linear": lambda i, n: (
                high_root ** (n - 1)
                + Rational(i, n - 1) * (low_root ** (n - 1) - high_root ** (n - 1))
            ),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.geometric",
            formula=_geometric_rows,
            twins={"i / n for i / (n - 1)": lambda at: _geometric_rows(at, 1)},
            points=(
                {"n": 2, "low": 0.1, "high": 0.75, "sigma": 0.8, "mu": 0.32, "T": 1.0},
                {"n": 6, "low": 2e-3, "high": 1.3, "sigma": 1.1, "mu": -0.2, "T": 2.5},
                {"n": 9, "low": 0.7, "high": 0.71, "sigma": 0.9, "mu": 0.0, "T": 1.0},
            ),
            # A step is a difference of times, each with a rounding error of its own.
            scale=lambda at: _row_sizes(at, _geometric_rows(at), mpf(1)),
        ),
    ),
)

POWER = Claim(
    id="grid-power",
    title="power grid of Karras et al.",
    statement=r"Scores are read where $\sqrt{v(t_i)}=\big(s_{\max}^{1/\rho}+\frac "
    r"i{n-1}(s_{\min}^{1/\rho}-s_{\max}^{1/\rho})\big)^\rho$, $i=0,\dots,n-1$; the last step goes "
    r"to $t=0$. For $\rho\to\infty$ it is the geometric grid.",
    kind=Kind.DEFINITION,
    means=Means.CALCULUS,
    sheet=("R16",),
    assumptions=(r"$0<s_{\min}<s_{\max}\leq\sqrt{v(T)}$", r"$\rho>0$, n at least 2"),
    depends=("grid-geometric",),
    reason="A choice of rows: Karras, Aittala, Aila and Laine (2022), eq. 5, with their standard "
    "deviation of the noise read as that of log X; they recommend rho = 7. The ends, the "
    "linearity and the limit are decided.",
    proof=Proof(
        is_the_power_spacing,
        holds=lambda f, first, last: first + f * (last - first),
        twins={
            "ends exchanged": lambda f, first, last: last + f * (first - last),
            "quadratic": lambda f, first, last: first + f**2 * (last - first),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.power",
            formula=_power_rows,
            twins={"rho = 6": lambda at: _power_rows(at, mpf(6))},
            points=(
                {"n": 2, "rho": 7.0, "low": 0.1, "high": 0.75, "sigma": 0.8, "mu": 0.32, "T": 1.0},
                {"n": 6, "rho": 7.0, "low": 2e-3, "high": 1.3, "sigma": 1.1, "mu": -0.2, "T": 2.5},
                {"n": 5, "rho": 1.5, "low": 0.3, "high": 0.9, "sigma": 0.9, "mu": 0.1, "T": 1.0},
            ),
            # Taking the power rho of a rounded number multiplies its relative error by rho.
            scale=lambda at: _row_sizes(at, _power_rows(at), 1 + at["rho"]),
        ),
    ),
)

CLAIMS = (GEOMETRIC, POWER)
