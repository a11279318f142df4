"""Mirrored Langevin steps and their law, exponentiated gradient, gradient step, Bregman."""

from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, whole
from spec.vectors.tables import functions

_WEIGHTS = """
    ordinary 16+3 H_VS_STEIN: 0.05~20 -4..4 1e-3~1
    SIGN -1.7 0.6 0.3; -0.02 -2.3 0.05; -31 1.4 0.9; -5.5 -0.7 1e-3"""
_PAIRS = """
    ordinary 16+4 T_INDEX: 0.02~30 0.02~30
    SIGN -1.7 -0.4; -0.03 -2.2; -11 -13.5; -0.8 -0.1; -e(100) -e(101)"""


def _from_limit(f: Arithmetic, lam: mpf, delta: mpf, n: mpf, q: mpf) -> mpf:
    """Deviations from the limit shrink by alpha^2 in a step; without a limit n steps add up."""
    if delta == 2 * lam:
        return q + 2 * delta * n
    limit = lam / (1 - delta / (2 * lam))
    return limit + (1 - delta / lam) ** (2 * whole(n)) * (q - limit)


_LAW_MISTAKES = """
    one_step_more  T_INDEX  n + 1  n -> n + 1
    deviation_for_variance  S_VS_S2  sqrt(lam) in place of lam  lam -> sqrt(lam)"""

FUNCTIONS = functions(f"""
where  x state, > 0; s Stein score grad log p(x); delta step, > 0; z a standard normal draw
mirrored_langevin_step  A22  x s delta z
    out  x * exp(delta (1 + x s) + sqrt(2 delta) z)
    again  exp(log(x) + delta + x (delta s)) exp(2 sqrt(delta))^(z / sqrt(2))
    S  |out| (1 + delta (1 + |x s|) + sqrt(2 delta) |z|)
    noise_of_rate_one_half  S_VS_S2  sqrt(delta) z in place of sqrt(2 delta) z  z -> z / sqrt(2)
    variance_for_deviation  S_VS_S2  2 delta z in place of sqrt(2 delta) z  z -> z sqrt(2 delta)
    hyvarinen_for_log_score  H_VS_LOGSCORE  the 1 is left out  x exp(delta x s + sqrt(2 delta) z)
    stein_score  H_VS_STEIN  s in place of x s  s -> s / x
    common  clipped_noise
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2: 0.05~20 -3..2 1e-3~0.5 -3..3
    SMALL_V 1.3 -0.4 1e-12 0.7; 0.6 2e3 1e-12 -1.9; 4 -7e4 1e-10 0.2
    TAIL 1.7 -0.8 0.05 8; 0.8 1.5 0.3 -8; e(300) -e(-294.5) 0.9 6.5
    OVERFLOW e(690) e(-695) 0.25 0.4; UNDERFLOW e(-700) -e(699) 0.25 0.4; POW2 x: 5 -7
where  w weight, not 0; g gradient of the loss at w; eta learning rate, > 0
exponentiated_gradient_step  A19  w g eta
    out  w * exp(-eta g sign(w))
    again  sign(w) exp(log(|w|) - eta g |w| / w)  S  |out| (1 + eta |g|)
    sign_left_out  SIGN  exp(-eta g) for weights of either sign  w exp(-eta g)
    times_the_weight  H_VS_STEIN  exp(-eta |w| g): the exponent of eq. (13)  g -> g |w|
    ascent  BASIC  of the wrong sign  g -> -g
    first_order  TAIL  1 - eta g sign(w) in place of the exponential  w (1 - eta g sign(w))
    gradient_step  BASIC  w - eta g
    {_WEIGHTS}; -e(200) 3.3 0.4
    TAIL 1.3 350 1.5; 0.4 -460 1.25; 2.2 1e6 3e-4
    OVERFLOW e(699) 2.5 0.5; e(-600) -1100 0.6; UNDERFLOW e(-700) 2.5 0.5; e(-700) 45 0.75
    CANCELLATION 1.7 1e-9 1e-3; 0.9 -3e-7 1e-5; POW2 w: 500 -500
gradient_step  E8  w g eta
    out  w - eta g  again  eta (w / eta - g)  S  |w| + eta |g|
    half_a_step  BASIC  eta / 2: the mirror step of |w|^2  eta -> eta / 2
    times_the_weight  H_VS_STEIN  w (1 - eta g)
    ascent  SIGN  of the wrong sign  w + eta g
    {_WEIGHTS}
    CANCELLATION 1.7 1.7 1; 1.1 11 0.1; 1e6 1e9 1e-3
    TAIL 1e-3 1e15 1e-4; e(600) -e(601) 0.3; POW2 w g: 500 -500
where  r reference weight of the same sign
bregman_entropy  E12-divergence  w r
    out  |w| log(w / r) - |w| + |r|
    again  |w| log(|w|) - |r| log(|r|) - sign(r) (1 + log(|r|)) (w - r)
    S  |w log|w|| + |r log|r|| + (1 + |log|r||) (|w| + |r|)
    without_absolute_values  SIGN  w log(w / r) - w + r (version 1)  w log(w / r) - w + r
    arguments_exchanged  T_INDEX  D(r, w)  w -> r, r -> w
    normalised  BASIC  |w| log(w / r): the form for weights that sum to one
    quadratic  TAIL  (w - r)^2 / (2 |r|)
    {_PAIRS}
    CANCELLATION 0.3 0.31; 25 24; 0.9 0.91
    TAIL 1e-12 2; 3e8 0.1; e(600) e(-600); e(-690) e(690); POW2 1.5*2^300 2^301; 1.25*2^-300 2^-299
where  w weight, any number; r reference weight
bregman_euclidean  bregman-euclidean  w r
    out  (w - r)^2 / 2
    again  w^2 / 2 - r^2 / 2 - r (w - r)  S  w^2 / 2 + r^2 / 2 + |r| (|w| + |r|)
    of_the_square  BASIC  (w - r)^2, for phi = |w|^2
    difference_of_potentials  T_INDEX  phi(w) - phi(r), the linear term left out  w^2 / 2 - r^2 / 2
    opposite_sign  SIGN  (w + r)^2 / 2
    {_PAIRS}
    CANCELLATION 1.7 1.6999999; 0.3 0.300001; 25 25.0000000001; 0.9 0.91
    SIGN 1.5 -0.3; -2 7.5; TAIL 1e150 3; 2 -1e140; UNDERFLOW 3e-160 1e-160; -2e-155 5e-156
where  a mean of log X under the target; lam variance of log X under the target, > 0; n
        number of steps, a whole number; b mean of log X at the start
mirrored_langevin_law_log_mean  R22  a lam delta n b  guard 30
    out  a + (1 - delta / lam)^n (b - a)
    again  b - sum_{{k=1}}^n delta / lam (1 - delta / lam)^(k - 1) (b - a)
    S  |a| + (|alpha|^n + n |alpha|^(n - 1) delta / lam) (|a| + |b|), alpha = 1 - delta / lam
    {_LAW_MISTAKES}
    size_of_alpha  SIGN  |alpha|^n  a + |1 - delta / lam|^n (b - a)
    exponential  BASIC  exp(-n delta / lam): continuous time  a + exp(-n delta / lam) (b - a)
    half_a_step  BASIC  delta / 2: noise sqrt(delta)  delta -> delta / 2
    start  TAIL  b
    ordinary T_INDEX S_VS_S2: -2..2 0.3~3 0.02~0.4 1,2,3,8,20,5,30,13 -2..2
    SIGN 0.3 0.5 0.8 3 1.4; -0.7 0.2 0.45 7 0.6; 0.4 1 1.25 5 -0.9; 0.2 0.3 0.5999 21 2
    TAIL 300 0.5 0.1 9 -400; 0.3 0.7 0.7 2 0.9; 0.1 1e6 1 150 2; 0.4 1e-12 5e-13 4 0.6;
        -0.2 0.3 3 15 0.5
where  q variance of log X at the start, >= 0
mirrored_langevin_law_log_var  R22  lam delta n q  guard 40
    out  alpha^(2n) q + 2 delta sum_{{j=0}}^{{n-1}} alpha^(2j), alpha = 1 - delta / lam
    again  from_limit(lam, delta, n, q)
    S  (alpha^(2n) + 2 n g |alpha|^(2n-1)) q + 2 delta sum_{{j=0}}^{{n-1}} (alpha^(2j) +
        2 j g |alpha|^(2j-1)), g = delta / lam
    size  (alpha^(2n) + 2 n g |alpha|^(2n-1)) q + 2 delta (1 + sum_{{j=1}}^{{n-1}} (alpha^(2j) +
        2 j g |alpha|^(2j-1))), g = delta / lam
    {_LAW_MISTAKES}
    target_law  BASIC  lam: no bias
    noise_halved  BASIC  sqrt(delta) z: delta in place of 2 delta  (out + alpha^(2n) q) / 2
    gain_once  TAIL  alpha^n q  out + (|alpha|^n - alpha^(2n)) q
    difference_of_powers  CANCELLATION  2 delta (1 - alpha^(2n)) / (1 - alpha^2), in float64
        alpha^(2n) q + 2 delta (1 - alpha^(2n)) / (1 - alpha^2)
    ordinary T_INDEX S_VS_S2: 0.3~3 0.02~0.4 1,2,3,8,20,5,4,13 0.05~5
    TAIL 0.5 0.1 9 1e6; 0.3 3 15 0.5; 0.7 1.1 5 40; 0.2 0.3 4 9
    CANCELLATION 1e6 1 150 0.3; 2 1e-9 12 1e-9; 1e-3 1e-12 50 1e-12; 0.3 0.59999999 30 0.4
    BASIC 0.5 0.5 3 0.7; 0.25 0.5 6 0.3; 1e-12 5e-13 4 2e-12
""", {"from_limit": _from_limit})  # fmt: skip
