"""The forward kernel, its variance-exploding schedule, and the forms of the score under it."""

from spec.vectors.arithmetic import Arithmetic, Number, log_slope
from spec.vectors.tables import functions

# The first four rows are zeros of the score, x0 exp(m - v), to the last bit.
_CASES = """
    ordinary ITO H_VS_STEIN H_VS_LOGSCORE S_VS_S2: 1e-3~1e3 0.01~100 -2..2 1e-3~20
    NEAR_ROOT 0.934600853461504 1.3 0.31 0.64; 0.0057300959372038026 0.02 -1.2 0.05;
        7.145787367980123e+129 e(300) 2 3; 4.9030464183180516e-17 7 0.5 40; 3.7 3.7 0.75 0.75
    SMALL_V 1.0000001 1 0 1e-12; 1.5 1.4999999 1e-7 1e-12;
        0.3 0.31 -0.03 1e-10; e(2.3) e(2.2) 0.3 1e-8; CANCELLATION e(700) e(699) 0.5 0.3;
        e(-700) e(-699.75) -0.25 0.1; 1.1 0.9 1e6 1e6; e(500) e(-200) 699.5 2
    OVERFLOW e(700) e(-700) 3 2; e(600) e(-500) -20 1e6; e(-700) e(700) 1 50
    TAIL e(700) 1.3 0.2 0.64; e(-700) 0.8 -0.2 0.64;
        e(40) 1.1 0.1 1e-3; 1.3 0.7 -0.4 1e6; e(-650) 2 5 7; POW2 x x0: 500 -500 7
"""
_SCHEDULE = """
    ordinary 16+3 S_VS_S2 T_INDEX: 1e-3~0.1 0.5~30 0.02..1; SMALL_V 5e-3 10 1e-13; 0.01 50 3e-12;
        1e-6 1e-5 1e-11; 0.3 0.31 1e-12; TAIL 1e-6 1e3 0.999; 1e-4 1e3 0.37; 0.02 1e3 1
"""
_LENGTHS = "L1 = max(0, min(t, 1)), L2 = max(0, min(t - 1, 1)), L3 = max(0, min(t - 2, 1))"
_BETWEEN = """B1 = max(0, min(t - dt, 1)), B2 = max(0, min(t - dt - 1, 1)),
        B3 = max(0, min(t - dt - 2, 1)), L1 = max(0, min(t, 1)) - B1,
        L2 = max(0, min(t - 1, 1)) - B2, L3 = max(0, min(t - 2, 1)) - B3"""
_BELOW = "L_i the length of [i - 1, i) below t"
_IN_STEP = "with L_i the length of [i - 1, i) between t - dt and t"
_RATES = "mu1 - s1^2 / 2, mu2 - s2^2 / 2, mu3 - s3^2 / 2"
_MISTAKES = """
    sigma_for_variance  S_VS_S2  sigma in place of sigma^2
        s1 -> sqrt(s1), s2 -> sqrt(s2), s3 -> sqrt(s3)
    interval_above  T_INDEX  the coefficients of the next interval  s1 -> s2, s2 -> s3{}
    first_interval  TAIL  the first sigma throughout  s2 -> s1, s3 -> s1
    average_rate  BASIC  the mean of sigma^2 throughout  s1 -> s, s2 -> s, s3 -> s
"""
_VAR_MISTAKES = _MISTAKES.format("")
_ITO = "ito_term  ITO  mu, without sigma^2 / 2  sum_i mu_i L_i"
_MEAN_MISTAKES = _MISTAKES.format(", mu1 -> mu2, mu2 -> mu3") + _ITO
# Times in turn, the ends of the intervals among them, and steps that end at 0 or later.
_TIMES = (0.3, 1.0, 1.75, 2.125, 3.0, 2.6, 0.875, 2.0, 1.3)
_SHORT = (0.3, 0.5, 1.5, 2.0, 0.7, 2.6, 1.75, 1.25, 0.01)
_TS = ",".join(str(_TIMES[i % 9]) for i in range(24))
_DTS = ",".join(str(min(_SHORT[(i + i // 9) % 9], _TIMES[i % 9])) for i in range(24))
_S3 = " ".join(["0.1~2"] * 3)
_VAR_BOX = f"ordinary 18+3 S_VS_S2 T_INDEX: {_S3} {_TS}"
_MEAN_BOX = f"ordinary 15+3 S_VS_S2 T_INDEX ITO: -1..1 -1..1 -1..1 {_S3} {_TS}"


def _last(f: Arithmetic, t: Number, *rates: Number) -> Number:
    """What the whole intervals hold, and a share of the last one."""
    n = min(int(t), 2)
    return sum(rates[:n]) + (t - n) * rates[n]


_LET = "let  s = sqrt((s1^2 + s2^2 + s3^2) / 3), m_i = |mu_i| + s_i^2 / 2"

# Rows that are no part of a density, and rows where the Stein score is too large.
KEEP = {"conditional_logpdf": lambda case: (case.flag != "H_VS_STEIN" and (case.flag,
    case.args["v"]) != ("TAIL", 1e6)), "conditional_stein_score": lambda case: case.args["x"] >
    1e-300,}  # fmt: skip
_GROWTH = log_slope(lambda f, t, lo, hi: f.power(lo * lo + hi * hi, t) * f.power(lo, 2 - 2 * t))
FUNCTIONS = functions(f"""
where  x0 state at time 0, > 0; m m(t), any number; v v(t) > 0; z a standard normal draw
forward_sample  A6  x0 m v z
    out  x0 * exp(m + sqrt(v) * z)
    again  exp(log(x0) + m) exp(sqrt(v))^z  S  |out| * (1 + |m| + sqrt(v) |z|)
    ito_term  ITO  exp(mu t + sqrt(v) z): v/2 is not taken off  m -> m + v / 2
    variance_for_deviation  S_VS_S2  v z in place of sqrt(v) z  x0 exp(m + v z)
    first_order  TAIL  1 + m + v/2 + sqrt(v) z in place of the exponential
        x0 (1 + m + v / 2 + sqrt(v) z)
    common  clipped_noise
    through_the_logarithm  CANCELLATION  exp(log x0 + ...), in float64
        exp(log(x0) + m + sqrt(v) z)
    two_exponentials  OVERFLOW  x0 exp(m) exp(sqrt(v) z), in float64
    ordinary ITO S_VS_S2: 1e-3~1e3 -2..2 1e-4~20 -4..4
    TAIL 1.3 0.4 0.64 8; 0.7 -0.2 0.64 -8; 1.7 0.1 2.3 9.5; 2 -0.35 1e-4 37.5; 1.1 0 4 -12.25
    CANCELLATION 1e304 0.3 0.01 0.7; 1e-304 -0.2 0.02 1.1; 3e303 1e-3 1e-6 -0.4;
        2e-300 0.015 1e-8 2.2; 7e282 -1.3 0.3 0.25; OVERFLOW 1.9 760 1e6 -0.755;
        0.4 720.5 64e4 -0.9; 3.1 -800 1e6 0.83; UNDERFLOW e(-700) -35.25 0.04 0.6;
        e(-600) -110 25 -4.5; e(-705) -20 9 -4.2; SMALL_V 1.37 0.2 1e-12 1.9;
        e(5.1) -0.7 1e-10 -2.7; 0.021 0 1e-12 5; 2.5 0.125 3e-9 -1.3; POW2 x0: 600 -600 1 -3
where  x state at time t, > 0
conditional_logpdf  A6  x x0 m v
    out  -log(x) - log(2 pi v) / 2 - r^2 / (2 v),  r = log(x) - log(x0) - m
    again  log(exp(-(log(x / x0) - m)^2 / (2 v)) / (x sqrt(2 pi v)))
    S  |log x| + 1 + |log 2 pi v| / 2 + r^2 / (2 v) + |r| (|log x| + |log x0| + |m|) / v
    common  ito_term, density_of_the_logarithm, deviation_for_variance, logarithm_of_density
    logarithm_of_ratio  OVERFLOW  log(x / x0), in float64  -log(x) + log N(log(x / x0); m, v)
    {_CASES}
conditional_hyvarinen_score  A16  x x0 m v
    out  -1 - (log(x) - log(x0) - m) / v
    again  slope_conditional_logpdf(x, x0, m, v)  S  1 + (|log x| + |log x0| + |m|) / v
    common  ito_term, log_score
    other_score  H_VS_STEIN  Stein score for Hyvarinen score, or the reverse  out / x
    common  deviation_for_variance, guarded_variance
    logarithm_of_ratio  OVERFLOW  log(x / x0), in float64  -1 - (log(x / x0) - m) / v
    {_CASES}
conditional_stein_score  A16  x x0 m v
    out  (-1 - (log(x) - log(x0) - m) / v) / x
    again  slope_conditional_logpdf(x, x0, m, v) / x  S  (1 + (|log x| + |log x0| + |m|) / v) / x
    common  ito_term
    log_score  H_VS_LOGSCORE  the -1 is left out  out + 1 / x
    other_score  H_VS_STEIN  Stein score for Hyvarinen score, or the reverse  out x
    common  deviation_for_variance, guarded_variance
    logarithm_of_ratio  OVERFLOW  log(x / x0), in float64  (-1 - (log(x / x0) - m) / v) / x
    {_CASES}
where  lo std_min, > 0; hi std_max = sqrt(v(1)), > std_min; t time in (0, 1]
exploding_log_var  VE  lo hi t  guard 20
    out  v(t) = lo^2 (exp(g t) - 1), g = log(1 + (hi / lo)^2)
    again  (lo^2 + hi^2)^t lo^(2 - 2 t) - lo^2  S  out (1 + g t)
    geometric_variance  T_INDEX  lo^2 (hi / lo)^(2 t), of Song et al.
    difference_of_exponentials  SMALL_V  exp(g t) - 1, in float64  out
    deviation_for_variance  S_VS_S2  sqrt(v)  sqrt(out)
    {_SCHEDULE}
exploding_diffusion  VE  lo hi t
    out  sigma(t) = lo sqrt(g) exp(g t / 2), g = log(1 + (hi / lo)^2)
    again  sqrt(growth(t, lo, hi) / t)  S  out (1 + g t / 2)
    deviation_of_song  T_INDEX  lo (hi / lo)^t, a standard deviation
    squared  S_VS_S2  sigma^2  out^2
    {_SCHEDULE}
where  v v(t), in (0, hi^2)
exploding_time_at_log_var  VE  lo hi v  guard 20
    out  t = log(1 + v / lo^2) / g, g = log(1 + (hi / lo)^2)
    again  (log(lo^2 + v) - 2 log(lo)) / (log(lo^2 + hi^2) - 2 log(lo))
    logarithm_of_one_plus  SMALL_V  log(1 + v / lo^2), in float64  out
    common  deviation_for_variance
    schedule_of_song  T_INDEX  log(v / lo^2) / log(hi^2 / lo^2)
    ordinary 18+3 S_VS_S2 T_INDEX: 1e-3~0.1 2~30 1e-4~3.9; SMALL_V 5e-3 10 1e-16;
        0.3 2 3e-12; 0.01 50 7e-13; 1.5 2.5 1e-12; TAIL 1e-6 1e3 999999; 0.02 1e3 3e5
where  h Hyvarinen score x grad log p_t(x); v v(t) > 0
denoiser  R5  x h m v
    out  log(x) - m + v * (1 + h)  again  log(x exp(v - m)) + v h  S  |log x| + |m| + v (1 + |h|)
    hyvarinen_for_log_score  H_VS_LOGSCORE  v h: the 1 is left out  h -> h - 1
    times_x  H_VS_STEIN  v (1 + x h): h taken for a Stein score  h -> x h
    common  ito_term, deviation_for_variance
    drift_added  SIGN  + m in place of - m  m -> -m
    logarithm_last  OVERFLOW  log(x exp(v (1 + h) - m)), in float64
    ordinary ITO H_VS_STEIN H_VS_LOGSCORE S_VS_S2: 1e-3~1e3 -6..5 -2..2 1e-3~20
    NEAR_ROOT e(0.4) -0.5 0.6 0.4; e(-1.25) 2.5 0.5 0.5; e(3) -2 2 1
    CANCELLATION e(700) -700.5 0.25 1; e(-700) 699 -0.25 1; 1.1 2 3e6 1e6
    OVERFLOW e(700) 12 0.5 2; 1.3 1500 2 1; e(650) 99 -10 1
    SMALL_V 1.7 1e6 0.1 1e-12; 0.2 -3e5 -1e-3 1e-10; 1.0000001 -9e4 0 1e-12
    SIGN 2.5 0.3 1.5 0.64; 0.4 -2.5 -0.7 3; TAIL e(-690) 55.5 0.3 12; e(600) -0.25 3 1e6
where  d E[log X_0 | X_t = x]
hyvarinen_from_denoiser  R5  x d m v
    out  -1 + (d + m - log(x)) / v
    again  log(exp(d + m - v) / x) / v  S  1 + (|d| + |m| + |log x|) / v
    common  log_score, stein_score, ito_term, deviation_for_variance, guarded_variance
    ordinary ITO H_VS_STEIN H_VS_LOGSCORE S_VS_S2: 1e-3~1e3 -5..5 -2..2 1e-3~20
    NEAR_ROOT e(0.5) 0.9 0.3 0.7; e(-3.25) -2 1.25 2.5; e(300) 300.5 0.5 1
    SMALL_V 1.0000001 0 0 1e-12; e(2.5) 2.4997 1e-4 1e-12; 0.3 -1.2 0 1e-9
    CANCELLATION e(700) 699.5 0.3 0.5; e(-700) -699 -0.5 2; 1.5 -1e6 1e6 1e6
    TAIL e(650) -3 0.5 1e-3; e(-700) 4 -1 1e6; POW2 x: 300 -300
noise_from_hyvarinen  forms-of-the-score  h v
    out  -sqrt(v) * (1 + h)  again  v (-1 - h) / sqrt(v)  S  sqrt(v) (1 + |h|)
    hyvarinen_for_log_score  H_VS_LOGSCORE  the 1 is left out  h -> h - 1
    variance_for_deviation  S_VS_S2  v in place of sqrt(v)  v -> v^2
    sign  SIGN  of the wrong sign  -out
    ordinary 12+4 H_VS_LOGSCORE S_VS_S2 SIGN: -6..5 1e-3~20
    NEAR_ROOT -1.0000000000000002 0.64; -0.9999999 2.3; -1.0001 1e6
    SMALL_V 1e6 1e-12; -3.4e5 1e-12; 0.25 1e-10; TAIL 1e12 0.3; -4e9 1e6; 2.5 1e6
where  n E[z | X_t], the expected noise
hyvarinen_from_noise  forms-of-the-score  n v
    out  -1 - n / sqrt(v)  again  -(sqrt(v) + n) sqrt(v) / v  S  1 + |n| / sqrt(v)
    common  log_score
    variance_for_deviation  S_VS_S2  v in place of sqrt(v)  -1 - n / v
    sign  SIGN  + n in place of - n  n -> -n
    common  guarded_variance
    ordinary 12+4 H_VS_LOGSCORE S_VS_S2 SIGN: -4..4 1e-3~20
    NEAR_ROOT -0.8 0.64; -1.5000000000000002 2.25; -1e3 1e6
    SMALL_V 1.3 1e-12; -2.7 1e-12; 4.1 3e-11; TAIL 38 0.3; -12.5 1e-4; 5e3 1e6
where  mu1 mu on [0, 1), any number; mu2 mu on [1, 2), any number; mu3 mu on [2, 3), any number;
    s1 sigma on [0, 1), > 0; s2 sigma on [1, 2), > 0; s3 sigma on [2, 3), > 0; t time in [0, 3]
piecewise_log_mean  A34  mu1 mu2 mu3 s1 s2 s3 t
    out  sum_i (mu_i - s_i^2 / 2) L_i, {_BELOW}
    again  last(t, {_RATES})  S  sum_i (|mu_i| + s_i^2 / 2) L_i
    {_LET}, {_LENGTHS}
    {_MEAN_MISTAKES}
    {_MEAN_BOX}
    TAIL 300 -2 1e-3 1e3 1e-6 0.3 2.5; 0.3 0.1 -0.2 1e-6 1e3 2 1.0009765625;
        300 -2 1e-3 1e-6 2e-6 4e-6 3; 0.3 0.1 -0.2 20 0.4 1e-3 2.75
piecewise_log_var  A35  s1 s2 s3 t
    out  s1^2 L_1 + s2^2 L_2 + s3^2 L_3, {_BELOW}  again  last(t, s1^2, s2^2, s3^2)
    {_LET}, {_LENGTHS}
    {_VAR_MISTAKES}
    {_VAR_BOX}
    TAIL 1e3 1e-6 0.3 2.5; 1e-6 1e3 2 1.0009765625; 1e-6 2e-6 4e-6 3; 20 0.4 1e-3 2.75
where  dt length of the step, > 0 and at most t
piecewise_log_mean_increment  A34  mu1 mu2 mu3 s1 s2 s3 t dt
    out  sum_i (mu_i - s_i^2 / 2) L_i, {_IN_STEP}
    again  last(t, {_RATES}) - last(t - dt, {_RATES})
    S  sum_i (|mu_i| + s_i^2 / 2) L_i + t max_i (|mu_i| + s_i^2 / 2), for the rounding of t - dt
    size  sum_i m_i L_i + t max(m1, m2, m3)
    {_LET}, {_BETWEEN}
    {_MEAN_MISTAKES}
    {_MEAN_BOX} {_DTS}
    TAIL 300 -2 1e-3 1e3 1e-6 0.3 2.5 2.25; 0.3 0.1 -0.2 1e-6 1e3 2 1.0009765625 0.25;
        300 -2 1e-3 1e-6 2e-6 4e-6 3 3; 0.3 0.1 -0.2 20 0.4 1e-3 2.75 2.5
piecewise_log_var_increment  A35  s1 s2 s3 t dt
    out  s1^2 L_1 + s2^2 L_2 + s3^2 L_3, {_IN_STEP}
    again  last(t, s1^2, s2^2, s3^2) - last(t - dt, s1^2, s2^2, s3^2)
    S  out + t max_i s_i^2, for the rounding of t - dt  size  out + t max(s1^2, s2^2, s3^2)
    {_LET}, {_BETWEEN}
    {_VAR_MISTAKES}
    {_VAR_BOX} {_DTS}
    TAIL 1e3 1e-6 0.3 2.5 2.25; 1e-6 1e3 2 1.0009765625 0.25; 1e-6 2e-6 4e-6 3 3;
        20 0.4 1e-3 2.75 2.5
""", {"last": _last, "growth": _GROWTH}, keep=KEEP)  # fmt: skip
