"""The law of log X_0 given X_t for two log-normal components, and two points: formulas."""

from collections.abc import Callable

from spec.vectors.arithmetic import Arithmetic, Number

MEANINGS = {
    "x": "state at time t, > 0",
    "w": "weight of the first component, in (0, 1), with 1 - w exact in float64",
    "a1": "mean of log X_0 in the first component", "v1": "its variance, > 0",
    "a2": "mean of log X_0 in the second component", "v2": "its variance, > 0",
    "m": "m(t), any number", "v": "v(t) > 0",
}  # fmt: skip
NAMES = "x w a1 v1 a2 v2 m v"
SIZES = (
    "g_j = v_j / (v_j + v), s_j = |log x| + |a_j| + |m|, M_j = |a_j| + g_j s_j, "
    "T = sum_j |log w_j| + |log 2 pi (v_j + v)| / 2 + b_j^2 / (2 (v_j + v)) "
    "+ |b_j| s_j / (v_j + v), b_j = log(x) - a_j - m"
)
Values = tuple[Number, ...]
Share = Callable[[Arithmetic, Number, Number], Number]


class Part:
    """One component given x: log of weight and density, conditional mean and variance, sizes."""

    def __init__(
        self, f: Arithmetic, x: Number, w: Number, a: Number, v0: Number, m: Number, v: Number
    ) -> None:
        total, gap = v0 + v, f.log(x) - a - m
        size = abs(f.log(x)) + abs(a) + abs(m)
        self.term = f.log(w) + f.log_normal_density(gap, 0, total)
        self.mean, self.var = a + v0 / total * gap, v0 * v / total
        self.mean_size = abs(a) + v0 / total * size
        self.term_size = (
            abs(f.log(w)) + abs(f.log(2 * f.pi() * total)) / 2 + gap * gap / (2 * total)
            + abs(gap) * size / total
        )  # fmt: skip


def parts(f: Arithmetic, x: Number, *law: Number) -> tuple[Part, Part]:
    """Both components given x."""
    w, a1, v1, a2, v2, m, v = law
    return Part(f, x, w, a1, v1, m, v), Part(f, x, 1 - w, a2, v2, m, v)


def share(f: Arithmetic, one: Number, other: Number) -> Number:
    """exp(one) / (exp(one) + exp(other))."""
    return 1 / (1 + f.exp(other - one))


def ratio(f: Arithmetic, one: Number, other: Number) -> Number:
    """The same from the densities themselves."""
    return f.exp(one) / (f.exp(one) + f.exp(other))


def mean(f: Arithmetic, *args: Number, shares: Share = share) -> Number:
    """r_1 mu_1 + r_2 mu_2."""
    p, q = parts(f, *args)
    return shares(f, p.term, q.term) * p.mean + shares(f, q.term, p.term) * q.mean


def mean_size(f: Arithmetic, *args: Number) -> Number:
    """S of the mean."""
    p, q = parts(f, *args)
    r, s = share(f, p.term, q.term), share(f, q.term, p.term)
    moved = r * s * abs(p.mean - q.mean) * (p.term_size + q.term_size)
    return r * p.mean_size + s * q.mean_size + moved


def variance(f: Arithmetic, *args: Number, shares: Share = share) -> Number:
    """Variance of the mixture of both."""
    p, q = parts(f, *args)
    r, s = shares(f, p.term, q.term), shares(f, q.term, p.term)
    return r * p.var + s * q.var + r * s * (p.mean - q.mean) ** 2


def variance_size(f: Arithmetic, *args: Number) -> Number:
    """S of the variance."""
    p, q = parts(f, *args)
    r, s = share(f, p.term, q.term), share(f, q.term, p.term)
    gap = abs(p.mean - q.mean)
    shares = (abs(p.var - q.var) + gap * gap) * (p.term_size + q.term_size)
    return variance(f, *args) + r * s * (shares + 2 * gap * (p.mean_size + q.mean_size))


def tilted(f: Arithmetic, args: Values) -> tuple[Part, Part, Number, Number]:
    """The components, and p M_j + p^2 C_j / 2 for each."""
    (p, q), power = parts(f, *args[:-1]), args[-1]
    one, other = (power * at.mean + power * power * at.var / 2 for at in (p, q))
    return p, q, one, other


def moment(f: Arithmetic, *args: Number, shares: Share = share) -> Number:
    """log sum_j r_j exp(p mu_j + p^2 C_j / 2)."""
    p, q, one, other = tilted(f, args)
    r, s = shares(f, p.term, q.term), shares(f, q.term, p.term)
    return f.log(r * f.exp(one) + s * f.exp(other))


def moment_size(f: Arithmetic, *args: Number) -> Number:
    """S of the moment."""
    p, q, one, other = tilted(f, args)
    r, s, power = share(f, p.term, q.term), share(f, q.term, p.term), args[-1]
    terms, total = p.term_size + q.term_size, 1
    ends = (f.log(r) + one, f.log(s) + other)
    for at, own, mine, yours in ((p, r, *ends), (q, s, *ends[::-1])):
        size = abs(power) * at.mean_size + power * power * at.var / 2
        size = size + abs(f.log(own)) + (1 - own) * terms
        total = total + share(f, mine, yours) * size
    return total
