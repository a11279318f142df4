"""Multiplicative gamma noise, and laws that are not log-normal: densities, scores, distributions.

An incomplete gamma or beta function is a power, an exponential and a series that does not cancel.
T is the size of the logarithm of the first two, whose rounding every program shares; close to 1
the complement is what is computed so, which is why it enters as 2 out (1 - out) T."""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic
from spec.vectors.tables import functions

_JACOBIAN = """
    density_of_the_logarithm  H_VS_LOGSCORE  + log x: the density of log X  out + log(x)
    common  logarithm_of_density"""
_K = """k  64  the incomplete gamma functions of SciPy 1.17.1 lose up to 54 units of S where they
        change the method, near alpha = 0.5, beta x = 1 (measured over 2,500 arguments)"""


def _gamma_series(f: Arithmetic, a: mpf, x: mpf) -> mpf:
    """P(a, x) = x^a e^-x / Gamma(a + 1) * sum of x^n / ((a + 1) ... (a + n)), all positive."""
    with mpmath.extradps(10):
        front = mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1))
        return front * mpmath.hyp1f1(1, a + 1, x)


def _gamma_complement(f: Arithmetic, a: mpf, x: mpf) -> mpf:
    """Tails of 1e-300 as differences from 1."""
    with mpmath.extradps(330):
        return 1 - _gamma_series(f, a, x)


def _polygamma(f: Arithmetic, m: mpf, x: mpf) -> mpf:
    """psi (m = 0) and psi' (m = 1) by 60 steps of their recursion and 40 terms of their series."""
    total, y, first = 0 * x, x + 60, m == 0
    for n in range(60):
        total = total - 1 / (x + n) if first else total + 1 / ((x + n) * (x + n))
    total = total + (f.log(y) - 1 / (2 * y) if first else 1 / y + 1 / (2 * y * y))
    for k in range(1, 41):
        p, q = mpmath.bernfrac(2 * k)
        term = f.number(str(p)) / q / f.power(y, 2 * k)
        total = total - term / (2 * k) if first else total + term / y
    return total


def _beta_series(a: mpf, b: mpf, y: mpf) -> mpf:
    """I_y(a, b) = y^a (1 - y)^b / (a B(a, b)) * sum of y^n (a + b)_n / (a + 1)_n, y <= 1/2."""
    return y**a * (1 - y) ** b / (a * mpmath.beta(a, b)) * mpmath.hyp2f1(a + b, 1, a + 1, y)


def _beta_prime(f: Arithmetic, x: mpf, a: mpf, b: mpf, scale: mpf) -> mpf:
    with mpmath.extradps(100):
        if x <= scale:
            return _beta_series(a, b, x / (scale + x))
        return 1 - _beta_series(b, a, scale / (scale + x))


_SERIES = {"psi": _polygamma, "polygamma": lambda f, m, x: mpmath.psi(m, x), "series":
    _gamma_series, "complement": _gamma_complement, "by_series": _beta_prime,}  # fmt: skip
FUNCTIONS = functions(f"""
where  x0 clean state, > 0; L number of looks, > 0; g a draw of Gamma(L, 1), > 0
gamma_noise_sample  R24  x0 L g
    out  x0 g / L  again  exp(log(x0) + log(g) - log(L))
    rate_one  T_INDEX  x0 g: a mean of L
    added  BASIC  x0 + g / L
    ordinary 18+6 T_INDEX: 0.02~50 0.5~30 0.2~40
    TAIL e(690) 2.5 3; 1.3 0.2 1e-30; e(-690) 4 5.5; POW2 x0: 500 -500
gamma_log_mean  R24-log-moments  L  guard 20
    out  psi(L) - log(L), psi the digamma function  value  psi(0, L) - log(L)
    again  polygamma(0, L) - log(L)  S  |psi(L)| + |log L|  size  |psi(0, L)| + |log L|
    rate_one  T_INDEX  psi(L)  psi(0, L)
    one_term  TAIL  -1 / (2 L)
    ordinary 14+4 T_INDEX: 0.05~60; TAIL 1e-9; 200; 1.4616321449683622; BASIC 1; 4; 16; 1e6
gamma_log_var  R24-log-moments  L  guard 20
    out  psi'(L), psi' the trigamma function  value  psi(1, L)
    again  polygamma(1, L)
    variance_of_the_noise  T_INDEX  1 / L
    standard_deviation  S_VS_S2  the root  sqrt(out)
    ordinary 12+3 T_INDEX S_VS_S2: 0.05~60; TAIL 1e-9; 200; 1e6; 1e120; BASIC 1; 4; 16
where  x noisy state, > 0
gamma_conditional_hyvarinen_score  R24  x x0 L
    out  L - 1 - L x / x0  again  (L (x0 - x) - x0) / x0  S  L + 1 + L x / x0
    log_score  H_VS_LOGSCORE  L (1 - x / x0): the -1 is left out
    common  stein_score
    noise_of_rate_one  S_VS_S2  L - 1 - x / x0: Gamma(L) with rate 1
    ratio_inverted  T_INDEX  x0 / x in place of x / x0  x -> x0, x0 -> x
    ordinary H_VS_STEIN H_VS_LOGSCORE T_INDEX: 0.02~50 0.1~10 0.5~30
    NEAR_ROOT 0.9 1.2 4; 1.5 2 4.000000000000001; 0.6 1 2.5; 1.05 1.4 3.9999999
    CANCELLATION 1.0000001 1 1e6; e(700) e(700) 7.5; e(-700) 1.5*e(-700) 1e12
    TAIL e(300) 1.3 2.5; 1.4 e(300) 0.7; 2 0.3 1e-12; e(-650) 2 40; POW2 x x0: 500 -500
where  h Hyvarinen score at x
gamma_denoiser  R24-denoiser  x h L
    out  (L - 1 - h) / (L x)  again  1 / x - (1 + h) / L / x  S  (L + 1 + |h|) / (L x)
    hyvarinen_for_log_score  H_VS_LOGSCORE  L - h in place of L - 1 - h  h -> h - 1
    not_divided_by_x  H_VS_STEIN  (L - 1 - h) / L
    inverse  SIGN  its reciprocal, E[X_0] in place of E[1 / X_0]  1 / out
    ordinary H_VS_STEIN H_VS_LOGSCORE: 0.02~50 -6..0 0.5~30
    NEAR_ROOT 1.3 2.9999999999999996 4; 0.7 0.4999999 1.5; TAIL e(650) -3.5 2.5; e(-650) -1e3 4;
        1.1 -1e12 0.7; 2.3 -0.5 1e-12; 0.4 -2 1e12; SIGN 1.6 -0.7 3; 0.2 -4.1 9; POW2 x: 500 -500
where  x state at L looks, > 0; L looks now, > 0; M looks after the step, < L; b a draw of
        Beta(M, L - M), in (0, 1]
gamma_chain_step  R24b  x L M b
    out  x b L / M  again  exp(log(x) + log(b) + log(L / M))
    looks_exchanged  T_INDEX  x b M / L
    mean_not_kept  BASIC  x b
    ordinary 18+6 T_INDEX: 0.02~50 6~40 0.5~5 0.02..1
    TAIL e(690) 3 2.5 0.9; 1.3 40 1e-3 1e-30; e(-690) 5.5 4 0.7; POW2 x: 500 -500
where  M looks after the step, > L; g a draw of Gamma(M - L, 1), > 0
gamma_ancestral_step  R24b-ancestral  x x0 L M g
    out  (L x + x0 g) / M  again  x (L / M) + x0 (g / M)
    looks_exchanged  T_INDEX  (M x + x0 g) / L
    added_noise  BASIC  (L x + g) / M: the noise is not scaled by x0
    looks_forgotten  T_INDEX  (x + x0 g) / M
    ordinary 20+6 T_INDEX: 0.05~20 0.1~10 0.5~5 6~40 0.3~30
    TAIL e(600) 1.2 0.5 3 2; 1.3 e(-600) 2 7.5 4; 0.6 e(600) 1.5 4 1e-9; POW2 x x0: 500 -500
where  x a state, > 0; alpha shape, > 0; beta rate, > 0
gamma_logpdf  R25  x alpha beta
    out  alpha log(beta x) - log(x) - beta x - log Gamma(alpha)
    again  log(beta) + (alpha - 1) (log(beta) + log(x)) - beta x - log Gamma(alpha + 1)
        + log(alpha)
    S  1 + alpha (1 + |log(beta x)|) + |log x| + beta x + |log Gamma(alpha)|
    {_JACOBIAN}
    scale_for_rate  T_INDEX  1 / beta in place of beta  beta -> 1 / beta
    not_normalised  BASIC  log Gamma(alpha) is left out  out + log Gamma(alpha)
    ordinary 16+4 H_VS_LOGSCORE T_INDEX: 0.02~50 0.2~9 0.1~7
    TAIL e(20) 2.5 0.3; 1.7 1e6 3e-9; 9 3 1e4; e(-700) 30 0.7; BASIC e(-650) 0.4 2; 1e6 1e6 1
where  beta scale, > 0
inverse_gamma_logpdf  R25  x alpha beta
    out  alpha log(beta / x) - log(x) - beta / x - log Gamma(alpha)
    again  alpha log(beta (1 / x)) - log(1 / x) - beta (1 / x) - log Gamma(alpha) - 2 log(x)
    S  1 + alpha (1 + |log(beta / x)|) + |log x| + beta / x + |log Gamma(alpha)|
    {_JACOBIAN}
    jacobian_of_the_inverse  T_INDEX  the gamma density at 1 / x  out + 2 log(x)
    ordinary 16+4 H_VS_LOGSCORE T_INDEX: 0.02~50 0.2~9 0.1~7
    TAIL e(-20) 2.5 0.3; 1.7 1e6 3e-9; 0.01 3 1e3; e(700) 30 0.7; BASIC e(650) 0.4 2; 1e-6 1e6 1
where  c shape, > 0; scale scale l, > 0
weibull_logpdf  R25  x c scale
    out  log(c) + c log(x / l) - log(x) - (x / l)^c, l = scale
    again  log(c / scale (x / scale)^(c - 1) exp(-exp(c (log(x) - log(scale)))))
    S  1 + |log c| + c (1 + |log(x / l)|) + |log x| + (1 + c) (x / l)^c
    {_JACOBIAN}
    common  scale_left_out
    ordinary 16+4 H_VS_LOGSCORE S_VS_S2: 0.05~20 0.3~4 0.2~5
    TAIL 50 2 1.7; 1.7 300 0.9; e(-700) 12 0.4; e(10) 3 2; BASIC e(-650) 0.4 2; 5 0.01 e(600)
where  a first shape, > 0; b second shape, > 0; scale scale, > 0
beta_prime_logpdf  R24-inverse-gamma  x a b scale  guard 10
    out  a log(r) - (a + b) log(1 + r) - log(x) - log B(a, b), r = x / scale, B beta function
    again  -log B(b + 1, a) + log(b / (a + b)) - log(x) - a log(1 + scale / x)
        - b log(1 + x / scale)
    S  1 + a (1 + |log r|) + b + (a + b) log(1 + r) + |log x| + |log Gamma(a)| + |log Gamma(b)|
        + |log Gamma(a + b)|
    {_JACOBIAN}
    common  shapes_exchanged
    scale_left_out  S_VS_S2  1 in place of the scale  scale -> 1
    ordinary 14+3 H_VS_LOGSCORE S_VS_S2 T_INDEX: 0.02~50 0.3~9 0.3~9 0.2~5; TAIL e(700) 2.5 3 1.2;
        e(-700) 4 2 0.7; 0.05 2e3 1e3 0.6; BASIC 2 1.5 0.7 e(300); 1.7 1e6 3e-3 0.6
where  beta rate, > 0
gamma_hyvarinen_score  R25  x alpha beta
    out  alpha - 1 - beta x  again  slope_gamma_logpdf(x, alpha, beta)  S  alpha + 1 + beta x
    common  log_score, stein_score
    scale_for_rate  T_INDEX  x / beta in place of beta x  beta -> 1 / beta
    ordinary H_VS_STEIN H_VS_LOGSCORE T_INDEX: 0.02~50 0.2~9 0.1~7
    NEAR_ROOT 1.5 4 2; 0.3 1.3 1; 4.999999 11 2; 2 3.5 1.2500000000000002
    TAIL e(300) 2.5 0.3; e(-650) 0.4 2; 1.7 1e6 3e-9; e(-690) 3 e(690)
where  beta scale, > 0
inverse_gamma_hyvarinen_score  R25  x alpha beta
    out  beta / x - alpha - 1
    again  slope_inverse_gamma_logpdf(x, alpha, beta)  S  beta / x + alpha + 1
    common  log_score, stein_score
    law_of_the_inverse  T_INDEX  alpha - 1 - beta / x
    ordinary H_VS_STEIN H_VS_LOGSCORE T_INDEX: 0.02~50 0.2~9 0.1~7
    NEAR_ROOT 1.5 3 6; 0.3 1.3 0.69; 0.25 2.9999999 1; 2 3.5 9.000000000000002
    TAIL e(300) 2.5 0.3; e(-300) 0.4 2; 1.7 1e6 3e-9; e(690) 3 e(690)
where  scale scale l, > 0
weibull_hyvarinen_score  R25  x c scale
    out  c - 1 - c (x / l)^c, l = scale
    again  slope_weibull_logpdf(x, c, scale)  S  c + 1 + c (1 + c) (x / l)^c
    common  log_score, stein_score
    power_one_less  T_INDEX  (x / l)^(c - 1)  c - 1 - c (x / l)^(c - 1)
    scale_left_out  S_VS_S2  x^c  scale -> 1
    ordinary H_VS_STEIN H_VS_LOGSCORE T_INDEX S_VS_S2: 0.05~20 0.3~6 0.2~5
    NEAR_ROOT 1 2 1.4142135623730951; 0.75 2 1.0606601717798212
    TAIL e(300) 2 1.7; e(-650) 0.4 2; 1.7 300 0.4; 0.3 1e-12 2; 5 0.01 e(600)
beta_prime_hyvarinen_score  R24-inverse-gamma  x a b scale
    out  a - 1 - (a + b) x / (l + x), l = scale; inverse-gamma(b, l a) data under a looks
    value  a - 1 - (a + b) x / (l + x), l = scale
    again  slope_beta_prime_logpdf(x, a, b, scale)  S  a + 1 + (a + b) x / (l + x)
    common  log_score, stein_score
    shapes_exchanged  T_INDEX  b - 1 - ...  a -> b, b -> a
    common  scale_left_out
    ordinary H_VS_STEIN H_VS_LOGSCORE T_INDEX S_VS_S2: 0.02~50 0.3~9 0.3~9 0.2~5
    NEAR_ROOT 1 4 2 1; 2 3 1 2; 0.5 2 1 1
    TAIL e(700) 2.5 0.3 1.2; e(-700) 0.4 2 0.7; 1.7 1e6 3e-9 0.6; 2 1.5 0.7 e(650)
where  beta rate, > 0
gamma_cdf  R25  x alpha beta
    {_K}
    out  P(alpha, beta x), P the regularised lower incomplete gamma function
    again  series(alpha, beta x)
    S  out (1 + 2 (1 - out) T) + x p(x), T = alpha |log(beta x)| + beta x
        + |log Gamma(alpha + 1)|, p the density
    size  out (1 + 2 Q(alpha, u) T) + exp(alpha log(u) - u - log Gamma(alpha)), u = beta x,
        T = alpha |log u| + u + |log Gamma(alpha + 1)|
    common  survival
    one_minus_survival  TAIL  1 - Q(alpha, beta x), in float64
    scale_for_rate  T_INDEX  x / beta in place of beta x  beta -> 1 / beta
    not_regularised  BASIC  not divided by Gamma(alpha)  out exp(log Gamma(alpha))
    ordinary 14+4 T_INDEX SIGN: 0.1~8 0.3~9 0.2~4
    TAIL 1e-3 7.5 0.3; e(-80) 3 2; 1e-9 2 1; 0.2 40 3; 2 90 1.5; BASIC e(-650) 0.4 2; 35 4 1;
        200 200 1; e(-20) 1.5 e(20); 1.0408765274770706 0.5121738659264785 1; 1.25 0.6875 1.03125
where  beta scale, > 0
inverse_gamma_cdf  R25  x alpha beta
    {_K}
    out  Q(alpha, beta / x), Q the regularised upper incomplete gamma function
    again  complement(alpha, beta / x)
    S  out (1 + 2 (1 - out) T) + x p(x), T = alpha |log(beta / x)| + beta / x
        + |log Gamma(alpha + 1)|, p the density
    size  out (1 + 2 P(alpha, u) T) + exp(alpha log(u) - u - log Gamma(alpha)), u = beta / x,
        T = alpha |log u| + u + |log Gamma(alpha + 1)|
    common  survival
    one_minus_survival  TAIL  1 - P(alpha, beta / x), in float64
    of_the_inverse  T_INDEX  P(alpha, beta x), the gamma law
    ordinary 14+4 T_INDEX SIGN: 0.1~8 0.3~9 0.2~4; TAIL 0.01 3 0.5; 0.02 0.4 2; 1.7 6 90;
        3e-3 1.3 1.7; e(-6) 12 1.5; BASIC e(500) 0.03 2; 30 4 0.9; 1 150 150; e(40) 1.5 e(41);
        1 0.5121738659264785 1.0408765274770706; 1 0.5051520273311665 0.5223526811261475
weibull_cdf  R25  x c scale  guard 60
    out  1 - exp(-(x / l)^c), l = scale
    again  series(x / x, (x / scale)^c)  S  out + (1 + c) (x / l)^c exp(-(x / l)^c)
    common  survival
    one_minus_exponential  CANCELLATION  the formula as written, in float64  out
    power_left_out  T_INDEX  x / l in place of its power  c -> 1
    common  scale_left_out
    ordinary 12+4 T_INDEX SIGN S_VS_S2: 0.1~3 0.3~3 0.3~4
    CANCELLATION 1e-5 2 1.7; 1e-3 5 0.4; e(-50) 0.7 2; 1.7 12 60; BASIC 5 0.01 e(600); 3.3 4 2
beta_prime_cdf  R24-inverse-gamma  x a b scale  guard 20
    out  I_y(a, b), y = x / (l + x), l = scale, I the regularised incomplete beta function
    value  I(x / (l + x); a, b), l = scale  again  by_series(x, a, b, scale)
    S  out (1 + 2 (1 - out) T) + x p(x), T = a log(1 + l / x) + b log(1 + x / l) + |log Gamma(a)|
        + |log Gamma(b)| + |log Gamma(a + b)|, p the density
    size  out (1 + 2 I(l / (l + x); b, a) T) + exp(-a log(1 + l / x) - b log(1 + x / l)
        - log B(a, b)), T = a log(1 + l / x) + b log(1 + x / l) + |log Gamma(a)| + |log Gamma(b)|
        + |log Gamma(a + b)|
    common  survival
    one_minus_survival  TAIL  1 - I_(1 - y)(b, a), in float64  1 - I(l / (l + x); b, a)
    common  shapes_exchanged, scale_left_out
    beta_law  BASIC  I_x(a, b) where x < 1: the beta law  I(min(x / l, 1); a, b)
    ordinary 14+3 T_INDEX SIGN S_VS_S2: 0.05~12 0.3~6 0.3~6 0.2~5
    TAIL 1e-3 4 1.5 0.7; e(-40) 2.5 0.4 1.2; 0.05 9 3 2; 0.4 40 30 1.5
    BASIC e(60) 1.5 0.3 2; e(-60) 0.3 1.5 2; 2 60 60 2; 3 2 0.7 e(20)
""", _SERIES)  # fmt: skip
