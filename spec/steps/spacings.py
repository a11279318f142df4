"""Grids spaced in the standard deviation sqrt(v): geometric, and the spacing of Karras et al.

Rows: score at the time with sqrt(v) = std_i, step to the next, the last one to t = 0."""

from collections.abc import Callable

from mpmath import mpf, nint
from sympy import Expr, Integer, Symbol, diff, exp, expand_log, lambdify, log, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Kind, Means, Pin
from spec.checking.pins import table
from spec.checking.typeset import Says

low, high, low_root, high_root, f = symbols("low high low_root high_root f", positive=True)
i, n, rho = symbols("i n rho", positive=True)
# Of the fraction of the way, the first and the last standard deviation (or their roots).
Spacing = Callable[[Expr, Expr, Expr], Expr]


def is_geometric(spacing: Spacing) -> bool:
    r"""Scores are read where [[std]], for $n$ numbers $i$ from zero on; each step goes to the next
    of these times, the last one to time zero.

    The deviations run from the largest to the smallest, and their logarithm is affine in $i$."""
    std = _BY_LOG(spacing)["std"].right.expand()
    return vanishes((*_ends(std, high, low), diff(expand_log(log(std), force=True), i, 2)))


def is_the_power_spacing(spacing: Spacing) -> bool:
    r"""Scores are read where [[std]], for $n$ numbers $i$ from zero on; the last step goes to time
    zero. For $\rho$ to infinity it is the geometric grid.

    The $\rho$-th roots of the deviations run from that of the largest to that of the smallest and
    are affine in $i$. The limit is that of $\rho$ times the logarithm of the root: its derivative
    in the inverse of $\rho$ at zero, where the root is one."""
    roots = {high: high_root**rho, low: low_root**rho}
    root, power = _BY_ROOT(spacing)["std"].right.subs(roots).as_base_exp()
    e, A, B = Symbol("e", positive=True), *symbols("A B", real=True)
    near_one = spacing(f, exp(e * A), exp(e * B))
    far = (near_one - 1).subs(e, 0), near_one.diff(e).subs(e, 0) - (A + f * (B - A))
    ends = _ends(root, high_root, low_root)
    return vanishes((power - rho, *ends, root.diff(i, 2), *far))


def _ends(along: Expr, first: Expr, last: Expr) -> tuple[Expr, Expr]:
    return along.subs(i, 0) - first, along.subs(i, n - 1) - last


def _std(spacing: Spacing, power: Expr) -> Expr:
    return spacing(i / (n - 1), high ** (1 / power), low ** (1 / power)) ** power


def _times(at: dict[str, mpf], spacing: Spacing, power: Expr = rho) -> tuple[mpf, ...]:
    """The rows as one sequence: t_i = std_i^2 / sigma^2, t_i - t_{i+1} and noise 1."""
    count, row = int(nint(at["n"])), (at["n"], at["high"], at["low"], at.get("rho"))
    std = lambdify((i, n, high, low, rho), _std(spacing, power), "mpmath")
    times = [(std(mpf(k), *row) / at["sigma"]) ** 2 for k in range(count)] + [mpf(0)]
    pairs = zip(times[:-1], times[1:], strict=True)
    return tuple(e for t, after in pairs for e in (t, t - after, mpf(1)))


def _row_sizes(rows: tuple[mpf, ...], growth: mpf) -> tuple[mpf, ...]:
    """growth * t_i for the time and for the difference of times of each row, 1 for its noise."""
    return tuple(e for t in rows[::3] for e in (growth * t, growth * t, mpf(1)))


def _power(f: Expr, first: Expr, last: Expr) -> Expr:
    return first + f * (last - first)


def _geometric(f: Expr, first: Expr, last: Expr) -> Expr:
    return first ** (1 - f) * last**f


def _shown(power: Expr) -> Callable[[Spacing], dict[str, Says]]:
    return lambda spacing: {"std": Says(r"\sqrt{v(t_i)}", _std(spacing, power))}


_BY_LOG, _BY_ROOT = _shown(Integer(1)), _shown(rho)
_NAMES = {"low": r"s_{\min}", "high": r"s_{\max}", "i": "i"}
_BETWEEN = "0 < s_min < s_max, which is not above the root of v(T); n is at least 2"
GEOMETRIC = Claim(
    "grid-geometric", "geometric grid", is_geometric, holds=_geometric, twins={
        "one ratio too low": lambda f, first, last: _geometric(f, first, last) * last / first,
        "upside down": lambda f, first, last: _geometric(f, last, first), "linear": _power,
    }, shown=_BY_LOG, names=_NAMES, sheet=("R16",), assumptions=(_BETWEEN,),
    reason="A choice of rows; their ends and the constant ratio are decided.",
    stated_kind=Kind.DEFINITION, pins=(Pin(
        "gbm_ref.geometric", table(
            "n low high sigma mu T", (2, 0.1, 0.75, 0.8, 0.32, 1.0),
            (6, 2e-3, 1.3, 1.1, -0.2, 2.5), (9, 0.7, 0.71, 0.9, 0.0, 1.0),
        ), reads=lambda spacing: lambda at: _times(at, spacing, Integer(1)),
        # A step is a difference of times, each with a rounding error of its own.
        scale=lambda at: _row_sizes(_times(at, _geometric, Integer(1)), mpf(1))),))  # fmt: skip

POWER = Claim(
    "grid-power", "power grid of Karras et al.", is_the_power_spacing, holds=_power, twins={
        "ends exchanged": lambda f, first, last: _power(f, last, first),
        "quadratic": lambda f, first, last: _power(f**2, first, last),
    }, shown=_BY_ROOT, names=_NAMES, means=Means.CALCULUS, sheet=("R16",),
    assumptions=(_BETWEEN, "rho > 0"), depends=("grid-geometric",),
    reason="A choice of rows: Karras, Aittala, Aila, Laine (2022), eq. (5), with their standard "
    "deviation of the noise read as the root of v; they recommend `rho = 7`. The ends, the "
    "linearity and the limit are decided.", stated_kind=Kind.DEFINITION, pins=(Pin(
        "gbm_ref.power", table(
            "n rho low high sigma mu T", (2, 7.0, 0.1, 0.75, 0.8, 0.32, 1.0),
            (6, 7.0, 2e-3, 1.3, 1.1, -0.2, 2.5), (5, 1.5, 0.3, 0.9, 0.9, 0.1, 1.0),
        ), reads=lambda spacing: lambda at: _times(at, spacing),
        twins={"rho = 6": lambda at: _times(at, _power, Integer(6))},
        # Taking the power rho of a rounded number multiplies its relative error by rho.
        scale=lambda at: _row_sizes(_times(at, _power), 1 + at["rho"])),))  # fmt: skip
CLAIMS = (GEOMETRIC, POWER)
