"""Means, variances, quantiles and marginals of the data laws."""

from collections.abc import Callable
from functools import cache

import mpmath
from mpmath import mpf

from spec.vectors import laws, log_normal, mixtures
from spec.vectors.arithmetic import MPMATH, Arithmetic, Formula, Number
from spec.vectors.tables import functions

_OTHERS = (*log_normal.FUNCTIONS, *mixtures.FUNCTIONS, *laws.FUNCTIONS)
_OF = {function.name: function for function in _OTHERS}


@cache
def _near(law: str, q: float, *given: float) -> float:
    """log x with cdf(x) = q to some ten digits."""
    low, high = mpf(-800), mpf(800)
    with mpmath.workdps(25):
        for _ in range(48):
            middle = (low + high) / 2
            below = _OF[f"{law}_cdf"].formula(MPMATH, mpmath.exp(middle), *map(mpf, given)) < q
            low, high = (middle, high) if below else (low, middle)
    return float(low)


def _quantile(law: str) -> Formula:
    """The inverse of a distribution function by Newton's rule in log x, in any arithmetic."""
    cdf, density = _OF[f"{law}_cdf"], _OF[f"{law}_logpdf"]

    def inverse(f: Arithmetic, q: Number, *given: Number) -> Number:
        y = f.number(repr(_near(law, float(q), *map(float, given))))
        for _ in range(4):
            if abs(y) > 790:
                raise ValueError(f"the quantile {q} of {law} is beyond the range of float64.")
            x = f.exp(y)
            y = y - (cdf.formula(f, x, *given) - q) / f.exp(density.formula(f, x, *given) + y)
        return f.exp(y)

    return inverse


def _corrected(law: str) -> Formula:
    """A quantile x once more, by the second formula of its distribution function."""
    cdf, spread = _OF[f"{law}_cdf"].second, _spread(law)
    return lambda f, q, x, *given: x * (1 - (cdf(f, x, *given) - q) * spread(f, x, *given))


def _spread(law: str) -> Formula:
    """d log x / dq, one over the density of log X."""
    return lambda f, x, *given: 1 / (x * f.exp(_OF[f"{law}_logpdf"].formula(f, x, *given)))


_GAMMA_CASES = """
        ordinary 16+5 SIGN T_INDEX: 0.001..0.999 0.3~9 0.2~4
        TAIL 1e-280 3 2; 1-2^-20 0.7 0.3; 1e-40 0.4 1e3"""
# Law, arguments, mistakes and cases of each quantile function; q is exact, so 1 - q is known.
_QUANTILES = {
    "log_normal": ("a v", """
        common  deviation_for_variance, log_of_mean
        ordinary SIGN S_VS_S2 ITO: 0.001..0.999 -2..2 0.02~5
        TAIL 1e-300 0.3 0.64; 1e-20 -0.2 9; 1-2^-20 0.1 2; 2^-1000 20 100; 1-2^-24 -3 0.01
        SMALL_V 0.3 0.2 1e-12; 1e-9 650 1e-9"""),
    "mixture": ("w a1 v1 a2 v2", """
        common  deviation_for_variance(v_j), equal_weights
        first_component  T_INDEX  the first alone  quantile_log_normal(q, a1, v1)
        ordinary SIGN S_VS_S2 T_INDEX: 0.001..0.999 0.25,0.625,0.375,0.125 -2..0.5 0.1~2 0..2 0.1~2
        TAIL 1e-300 0.25 -0.3 0.64 0.9 2; 1-2^-45 0.75 0.2 0.5 2 0.3; 2^-41 2^-40 -30 1 0.8 1
        SMALL_V 0.3 0.625 0.2 1e-12 0.9 0.5; 0.7 0.25 0 1e-12 3e-7 1e-12"""),
    "point_masses": ("x1 x2 m v", """
        common  deviation_for_variance, ito_term
        point_between  BASIC  one point at sqrt(x1 x2)  x1 -> sqrt(x1 x2), x2 -> sqrt(x1 x2)
        ordinary 14+3 SIGN S_VS_S2 ITO: 0.001..0.999 0.2~2 1~8 -0.5..0.5 0.05~3
        TAIL 1e-290 0.7 1.9 0.1 0.64; 1-2^-20 0.3 2 -0.2 1
        SMALL_V 0.25 1 1.0000003 0 1e-12; 0.8 0.5 2 0.1 1e-12"""),
    "gamma": ("alpha beta", f"""
        scale_for_rate  T_INDEX  1 / beta in place of beta  beta -> 1 / beta
        mean  BASIC  alpha / beta{_GAMMA_CASES}"""),
    "inverse_gamma": ("alpha beta", f"""
        of_the_inverse  T_INDEX  the quantile of the gamma law  quantile_gamma(q, alpha, beta)
        mode  BASIC  beta / (alpha + 1){_GAMMA_CASES}"""),
    "beta_prime": ("a b scale", """
        common  scale_left_out, shapes_exchanged
        ordinary 14+4 SIGN S_VS_S2 T_INDEX: 0.001..0.999 0.3~6 0.3~6 0.2~5
        TAIL 1e-200 4 1.5 0.7; 1-2^-45 2.5 3 1.2""")}  # fmt: skip
_K = "k  64  the root of a distribution function of SciPy, whose k is 64"
_TABLES = "\n".join(f"""
{law}_ppf  quantiles  q {arguments}  guard 20
    {_K if "gamma" in law else "k  8"}
    out  the x with F(x) = q, F as for {law}_cdf
    value  quantile_{law}(q, {", ".join(arguments.split())})
    again  corrected_{law}(q, out, {", ".join(arguments.split())})
    S  out (1 + |log out| + S_F / p), S_F that of {law}_cdf at out, p the density of log X there
    size  out (1 + |log(out)| + s p), s = scale_{law}(out, {", ".join(arguments.split())}),
        p = spread_{law}(out, {", ".join(arguments.split())})
    of_the_survival  SIGN  1 - q in place of q  q -> 1 - q
    {table}""" for law, (arguments, table) in _QUANTILES.items())  # fmt: skip
_KINDS: dict[str, Callable[[str], Formula]] = {
    "quantile": _quantile, "corrected": _corrected, "spread": _spread,
    "scale": lambda law: _OF[f"{law}_cdf"].scale}  # fmt: skip
_HELPERS = {f"{kind}_{law}": of(law) for law in _QUANTILES for kind, of in _KINDS.items()}
_PARTS = "w1 = w, w2 = 1 - w, e_j = exp(a_j + v_j / 2)"
_POINTS = "e_n = x_n exp(m + v / 2), s_n = 1 + |log(x_n)| + |m| + v / 2"
_MIXED = """
    of_the_logarithm  ITO  a_j in place of a_j + v_j / 2  a1 -> a1 - v1 / 2, a2 -> a2 - v2 / 2
    common  deviation_for_variance(v_j), equal_weights
    ordinary 12+4 ITO S_VS_S2: 0.25,0.625,0.375,0.84375,0.125 -2..2 0.02~3 -1..3 0.02~3
    TAIL 2^-50 300 20 -3 0.1; 1-2^-50 0.3 0.02 -300 300; 0.5 -700 650 -1e3 1e3
    SMALL_V 0.25 0.3 1e-12 0.30000001 3e-12; 0.5 300 1e-9 300.00001 2e-9"""
_TWO = """
    ordinary 14+4 ITO S_VS_S2: 0.2~2 1~8 -0.5..0.5 0.05~3
    TAIL e(-600) e(-601) -20 600; e(300) e(299) 1 20; e(-200) e(200) 0.3 0.2
    SMALL_V 1.3 1.3000001 0.2 1e-12; 0.7 1.9 0 1e-12"""
FUNCTIONS = functions(f"""
where  a mean of log X, any number; v variance of log X, > 0
log_normal_mean  mixture-moments  a v
    out  exp(a + v / 2)  again  e^a sqrt(exp(v))  S  out (1 + |a| + v / 2)
    median  ITO  exp(a)
    mode  SIGN  exp(a - v)
    common  deviation_for_variance
    ordinary 14+3 ITO SIGN S_VS_S2: -3..3 0.02~5; TAIL 300 20; -1e3 1e3; 690 1e-3
log_normal_var  mixture-moments  a v  guard 20
    out  exp(2 a + v) (exp(v) - 1)  again  exp(2 (a + v)) - exp(2 a + v)  S  out (1 + 2 |a| + 2 v)
    second_moment  BASIC  exp(2 a + 2 v)
    of_the_median  ITO  exp(2 a) in place of exp(2 a + v)  exp(2 a) (exp(v) - 1)
    common  standard_deviation
    difference_of_moments  SMALL_V  E[X^2] - E[X]^2, in float64  exp(2 a + 2 v) - exp(2 a + v)
    ordinary 14+4 ITO S_VS_S2: -3..3 0.02~5
    SMALL_V 0.3 1e-12; 300 1e-9; -200 3e-7; TAIL 300 20; -900 700; -1e3 1e3
where  w weight of the first component, in (0, 1), with 1 - w exact in float64; a1 first mean of
    log X; v1 its variance, > 0; a2 second mean of log X; v2 its variance, > 0
mixture_mean  mixture-moments  w a1 v1 a2 v2
    out  w exp(a1 + v1 / 2) + (1 - w) exp(a2 + v2 / 2)
    again  exp(a1) (w sqrt(exp(v1)) + (1 - w) exp(a2 - a1 + v2 / 2))
    S  sum_j w_j exp(a_j + v_j / 2) (1 + |a_j| + v_j / 2)  let  {_PARTS}
    geometric  BASIC  the geometric mean  exp(w a1 + (1 - w) a2)
    {_MIXED}
mixture_var  mixture-moments  w a1 v1 a2 v2  guard 40
    out  w e1^2 (exp(v1) - 1) + (1 - w) e2^2 (exp(v2) - 1) + w (1 - w) (e1 - e2)^2,
        e_j = exp(a_j + v_j / 2)
    again  w exp(2 a1 + 2 v1) + (1 - w) exp(2 a2 + 2 v2) - (w e1 + (1 - w) e2)^2
    S  out + sum_j w_j e_j^2 (exp(v_j) - 1) (2 |a_j| + 2 v_j)
        + 2 w (1 - w) |e1 - e2| (e1 (1 + |a1| + v1 / 2) + e2 (1 + |a2| + v2 / 2))
    size  out + sum_j (w_j e_j^2 (exp(v_j) - 1) (2 |a_j| + 2 v_j))
        + 2 w (1 - w) |e1 - e2| (e1 (1 + |a1| + v1 / 2) + e2 (1 + |a2| + v2 / 2))
    let  {_PARTS}
    within_only  BASIC  w e1^2 (exp(v1) - 1) + (1 - w) e2^2 (exp(v2) - 1)
    {_MIXED}
where  x1 first point, > 0; x2 second point, > 0; m m(t), any number; v v(t) > 0
point_masses_mean  mixture-moments  x1 x2 m v
    out  (x1 + x2) / 2 exp(m + v / 2)  again  (x1 + x2) e^m sqrt(exp(v)) / 2
    S  sum_n e_n s_n / 2, e_n = x_n exp(m + v / 2), s_n = 1 + |log x_n| + |m| + v / 2
    size  (e1 s1 + e2 s2) / 2, {_POINTS}
    drift_forgotten  BASIC  exp(v / 2) alone  m -> 0
    geometric  T_INDEX  sqrt(x1 x2) in place of the mean  x1 -> sqrt(x1 x2), x2 -> sqrt(x1 x2)
    common  deviation_for_variance
    of_the_logarithm  ITO  v / 2 is left out  m -> m - v / 2
    {_TWO}
point_masses_var  mixture-moments  x1 x2 m v  guard 20
    out  (e1^2 + e2^2) / 2 (exp(v) - 1) + (e1 - e2)^2 / 4, e_n = x_n exp(m + v / 2)
    again  (e1^2 + e2^2) / 2 exp(v) - (e1 + e2)^2 / 4
    S  out + (e1^2 s1 + e2^2 s2) (exp(v) - 1) + |e1 - e2| (e1 s1 + e2 s2) / 2,
        s_n = 1 + |log x_n| + |m| + v
    size  out + (e1^2 (s1 + v / 2) + e2^2 (s2 + v / 2)) (exp(v) - 1)
        + |e1 - e2| (e1 s1 + e2 s2) / 2, {_POINTS}
    unbiased  BASIC  divided by n - 1  out + (e1 - e2)^2 / 4
    common  deviation_for_variance
    of_the_logarithm  ITO  v / 2 is left out  m -> m - v / 2
    {_TWO}
where  alpha shape, > 2; beta scale or rate, > 0; a first shape, > 0; b second shape, > 2;
    scale scale l, > 0; c shape, > 0
gamma_var  product-moments  alpha beta
    out  alpha / beta^2  again  (1 / beta) (alpha / beta)
    common  standard_deviation
    scale_for_rate  T_INDEX  1 / beta in place of beta  beta -> 1 / beta
    mean  BASIC  alpha / beta
    square_first  UNDERFLOW  the formula as it is, in float64  out
    ordinary 14+3 S_VS_S2 T_INDEX: 0.2~9 0.1~7
    UNDERFLOW 1e-300 1e-200; 3e-250 7e-190; TAIL 1e9 1e-3; 1e-12 1e3; 2.5 1e-100
inverse_gamma_var  product-moments  alpha beta
    out  beta^2 / ((alpha - 1)^2 (alpha - 2))  again  (beta / (alpha - 1))^2 / (alpha - 2)
    common  standard_deviation
    shape_of_the_mean  T_INDEX  (alpha - 1)^3 below  beta^2 / (alpha - 1)^3
    shape_not_reduced  BASIC  alpha^2 (alpha - 2) below  beta^2 / (alpha^2 (alpha - 2))
    ordinary 14+3 S_VS_S2 T_INDEX: 2.05~9 0.1~7
    TAIL 3 1e-150; 2.5 1e150; 1e6 1e9; 2.0000001 0.3; 2.000000000000001 1e3
beta_prime_var  product-moments  a b scale
    out  l^2 a (a + b - 1) / ((b - 1)^2 (b - 2)), l = scale
    again  (scale / (b - 1))^2 a (1 + (a + 1) / (b - 2))
    common  standard_deviation, shapes_exchanged
    scale_once  BASIC  l in place of l^2  out / scale
    squares_first  OVERFLOW  the formula as it is, in float64  out
    ordinary 14+3 S_VS_S2 T_INDEX: 0.3~6 2.1~9 0.2~5
    OVERFLOW 1.5 1e150 1e200; 3 1e160 1e170; TAIL 1e6 3 0.7; 1e-9 2.5 2; 0.7 2.0000001 1.3
weibull_mean  weibull-moments  c scale
    out  l Gamma(1 + 1 / c), l = scale
    value  scale exp(log Gamma(1 + 1 / c))  again  scale / c exp(log Gamma(1 / c))
    S  out (1 + |log Gamma(1 + 1 / c)| + (1 + log(1 + 1 / c)) / c)
    common  scale_left_out
    of_the_shape  T_INDEX  Gamma(1 + c)  c -> 1 / c
    scale_itself  BASIC  l, the quantile of 1 - 1 / e  scale
    ordinary 14+3 S_VS_S2 T_INDEX: 0.2~6 0.2~5
    TAIL 0.01 2; 1e6 0.3; 0.03 1e-200; 300 e(600); 4e9 3
weibull_var  weibull-moments  c scale  guard 30
    out  l^2 (Gamma(1 + 2 / c) - Gamma(1 + 1 / c)^2), l = scale
    value  scale^2 (exp(log Gamma(1 + 2 / c)) - exp(2 log Gamma(1 + 1 / c)))
    again  scale^2 exp(2 log Gamma(1 + 1 / c)) (exp(log Gamma(1 + 2 / c)
        - 2 log Gamma(1 + 1 / c)) - 1)
    S  out (1 + 2 |log Gamma(1 + 1 / c)| + 2 (1 + log(1 + 2 / c)) / c)
    common  standard_deviation
    of_the_shape  T_INDEX  1 / c in place of c  c -> 1 / c
    second_moment  BASIC  E[X^2]  scale^2 exp(log Gamma(1 + 2 / c))
    difference_of_moments  CANCELLATION  the formula as it is, in float64  out
    ordinary 12+3 S_VS_S2 T_INDEX: 0.2~6 0.2~5
    CANCELLATION 300 0.4; 1e6 0.3; 4e9 3; 3e4 e(300); TAIL 0.02 2; 0.03 1e-100; 0.5 e(300)
where  x second state, > 0; a2 second mean of log X; c11 first variance, > 0; c12 covariance;
    c22 second variance, > c12^2 / c11
log_normal_marginal_logpdf  mixture-moments  x a1 a2 c11 c12 c22
    out  log N(log(x); a2, c22) - log(x)
    again  -log(x) - log(2 pi c22) / 2 - (log(x) - a2)^2 / (2 c22)
    S  |log x| + 1 + |log 2 pi c22| / 2 + r^2 / (2 c22) + |r| (|log x| + |a2|) / c22,
        r = log(x) - a2
    first_coordinate  T_INDEX  of the first coordinate  a2 -> a1, c22 -> c11
    conditional  SIGN  the variance given the first  c22 -> c22 - c12^2 / c11
    common  density_of_the_logarithm
    deviation_for_variance  S_VS_S2  sqrt(c22)  c22 -> sqrt(c22)
    ordinary T_INDEX SIGN H_VS_LOGSCORE S_VS_S2: 0.1~10 -1..1 -1..1 0.3~3 -0.25..0.25 0.3~3
    TAIL e(300) 0.2 1.5 0.6 0.4 0.7; 1.3 0.3 0.1 1e6 0.9 1e-6; 1.7 0.1 -2 1e-9 3e-4 1e6
where  q a probability, in (0, 1), exact; v v(t) or the variance of log X, > 0
weibull_ppf  quantiles  q c scale  guard 300
    out  l (-log(1 - q))^(1 / c), l = scale
    again  exp(log(scale) + log(log(1 / (1 - q))) / c)  S  out (1 + (1 + |log(-log(1 - q))|) / c)
    of_the_survival  SIGN  1 - q in place of q  q -> 1 - q
    common  scale_left_out
    power_left_out  T_INDEX  no root  c -> 1
    logarithm_of_difference  TAIL  log(1 - q), in float64  out
    ordinary 14+4 SIGN S_VS_S2 T_INDEX: 0.001..0.999 0.3~6 0.2~5
    TAIL 1e-70 3 2; 1e-11 0.7 0.3; 1e-40 0.4 1e3; BASIC 1-2^-50 2.5 0.7
{_TABLES}
""", _HELPERS)  # fmt: skip
