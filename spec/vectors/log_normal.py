"""One log-normal law, log X normal with mean a and variance v: scores, density, posterior law."""

from spec.vectors.tables import functions

_BOX = "1e-3~1e3 -2..2 1e-3~20"
# States where the Hyvarinen score is 0, exp(a - v), to the last bit.
_ROOTS = """
    NEAR_ROOT 0.7189237334319262 0.31 0.64; 0.023517745856009104 -3.7 0.05;
        1.594440679804032e+129 300 2.5; 4.334176704156849e-18 0.02 40
"""
_EXTREMES = """
    SMALL_V 1.0000001 0 1e-12; 1.35 0.3 1e-12; e(0.301) 0.3 1e-9; e(-5) -5.001 1e-10
    CANCELLATION e(700) 699.9 0.01; e(-700) -700.25 0.3; e(123.456) 123 1e-3; 1.000001 1e-6 1e-4
    TAIL e(700) 0.3 0.64; e(-700) -0.2 0.64; e(50) -1.1 0.02; e(-45) 1.2 0.3; e(300) -300 50
    BASIC 1.7 -0.3 1e6; e(690) -20 1e6; 0.3 650 1e5
    POW2 2^500 346.7 0.7; 2^-600 -416.1 0.2
"""
_MOVED = """
    common  ito_term
    deviation_for_variance  S_VS_S2  sqrt(v) and sqrt(v0)  v0 -> sqrt(v0), v -> sqrt(v)
    common  drift_of_the_wrong_sign
    variances_exchanged  T_INDEX  v / (v0 + v) in place of v0 / (v0 + v)  v0 -> v, v -> v0
"""
# The density of log X_t at y + p v over that at y.
_TILTED = "p (log(x) - m) + p^2 v / 2 + log N(Y + p v; a + m, V) - log N(Y; a + m, V)"

FUNCTIONS = functions(f"""
where  x a state, > 0; a mean of log X, any number; v variance of log X, > 0
log_normal_logpdf  A23  x a v
    out  -log(x) - log(2 pi v) / 2 - (log(x) - a)^2 / (2 v)
    again  log(exp(-(log(x)^2 - 2 a log(x) + a^2) / (2 v)) / (x sqrt(2 pi v)))
    S  |log x| + 1 + |log 2 pi v| / 2 + r^2 / (2 v) + |r| (|log x| + |a|) / v, r = log(x) - a
    common  density_of_the_logarithm
    sign_of_the_jacobian  H_VS_LOGSCORE  +log x  out + 2 log(x)
    common  logarithm_of_density
    normalised_for_x  ITO  a - v/2 in place of a: the mean of X for its log  a -> a - v / 2
    common  deviation_for_variance, guarded_variance
    ordinary H_VS_LOGSCORE S_VS_S2 ITO: {_BOX}
    {_ROOTS}{_EXTREMES}
log_normal_log_score  R2-score  x a v
    out  -(log(x) - a) / v
    again  1 + slope_log_normal_logpdf(x, a, v)
    S  (|log x| + |a|) / v
    hyvarinen_score  H_VS_LOGSCORE  1 is taken off  out - 1
    divided_by_x  H_VS_STEIN  divided by x  out / x
    sign  TAIL  of the wrong sign  -out
    common  deviation_for_variance, guarded_variance
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2: {_BOX}
    NEAR_ROOT e(0.31) 0.31 0.64; e(-3.7) -3.7 0.05; e(300) 300 2.5; e(0.02) 0.02 40
    {_EXTREMES}
log_normal_hyvarinen_score  R2-score  x a v
    out  -1 - (log(x) - a) / v
    again  slope_log_normal_logpdf(x, a, v)
    S  1 + (|log x| + |a|) / v
    common  log_score, stein_score
    median_for_mode  ITO  a + v: zero where the density of log X has its peak  a -> a + v
    log_of_mean  ITO  a + v/2, the logarithm of the mean of X, in place of a  a -> a + v / 2
    common  deviation_for_variance, guarded_variance
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2 ITO: {_BOX}
    {_ROOTS}{_EXTREMES}
log_normal_stein_score  R2-score  x a v
    out  (-1 - (log(x) - a) / v) / x
    again  slope_log_normal_logpdf(x, a, v) / x
    S  (1 + (|log x| + |a|) / v) / x
    of_the_logarithm  H_VS_LOGSCORE  log score over x: the -1 is left out  out + 1 / x
    hyvarinen_score  H_VS_STEIN  not divided by x  out x
    common  deviation_for_variance, guarded_variance
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2: {_BOX}
    {_ROOTS}{_EXTREMES}
log_normal_cdf  A23  x a v
    out  Phi((log(x) - a) / sqrt(v)), Phi the standard normal cumulative distribution
    again  normal_cdf((log(x) - a) / sqrt(v))
    S  out * (1 + z^2) + phi(z) (|log x| + |a|) / sqrt(v), z = (log(x) - a) / sqrt(v)
    one_minus_upper_tail  TAIL  1 - Phi(-z), in float64  1 - Phi((a - log(x)) / sqrt(v))
    deviation_for_variance  S_VS_S2  divided by v in place of sqrt(v)  v -> v^2
    log_of_mean  ITO  a + v/2, the logarithm of the mean of X, in place of a  a -> a + v / 2
    common  survival
    ordinary S_VS_S2 ITO: 0.05~40 -1..1.5 0.1~9
    TAIL e(-5.5) 0.3 0.64; e(-10) 0.2 1; e(-20.5) 0.1 1; e(-22) 0.4 0.64; e(-30) -0.3 1;
        e(-700) -100 400; e(-37.25) 0 1
    UNDERFLOW e(-37.75) 0.05 1; e(-45) 0 1
    SMALL_V 1.0000003 0 1e-12; 1.349858 0.3 1e-12
    CANCELLATION e(700) 699.5 0.5; e(-650) -650.5 0.25
    BASIC e(8) 0.1 1; 2.7 0.3 1e6; e(600) 2 1e5
where  x state at time t, > 0; a mean of log X_0; v0 variance of log X_0, > 0; m m(t), any
        number; v v(t) > 0
log_normal_posterior_log_mean  R7  x a v0 m v
    out  a + v0 / (v0 + v) (log(x) - a - m)
    again  (v a + v0 (log(x) - m)) / (v0 + v)
    S  |a| + v0 / (v0 + v) (|log x| + |a| + |m|)
    {_MOVED}
    not_the_logarithm  TAIL  exp of it: the geometric mean of X_0  exp(out)
    guarded_variance  SMALL_V  1e-8 added to v0 + v  v -> v + 1e-8
    ordinary 10+2 ITO S_VS_S2 SIGN T_INDEX: 0.05~20 -2..2 0.02~3 -0.5..0.5 0.02~3
    TAIL e(700) 0.3 0.6 0.2 0.4; e(-700) -0.2 0.5 0.1 0.7; 2 0.7 1e6 0.3 0.2; 2 0.7 0.3 0.2 1e6;
        e(90) -80 3e5 1 2e5
    SMALL_V 1.35 0.3 1e-12 1e-4 1e-10; 1.35 0.3 0.64 0.01 1e-12; 1.0000001 0.3 1e-12 1e-8 3e-12
    BASIC e(600) 599.5 0.4 0.2 0.6; e(-500) -500.125 0.3 -0.1 0.2
    NEAR_ROOT e(-1) 1 0.5 0 0.5; e(-0.75) 0.25 0.25 0.5 1
log_normal_posterior_log_var  R7  v0 v
    guard  20
    out  v0 v / (v0 + v)
    again  v - v^2 / (v0 + v)
    S  out: a relative bound
    by_the_hessian  SMALL_V  v - v^2 / (v0 + v), in float64
    sum  BASIC  v0 + v
    deviation_for_variance  S_VS_S2  the root  sqrt(out)
    noise_of_the_last_step  T_INDEX  v: the data are spread out, v0 = infinity
    data_variance  TAIL  v0: nothing is learnt from x_t
    ordinary S_VS_S2 T_INDEX: 0.02~3 0.02~3
    SMALL_V 1e-12 0.64; 1e-6 3; 1e-3 700; 3e-13 0.01; 2e-3 1.7
    TAIL 1e6 0.3; 2.5 1e6; 1e6 1e-12
where  p the power, any number but 0
log_normal_log_posterior_moment  R6  x a v0 m v p
    guard  30
    out  p M + p^2 C / 2, M = a + v0 / (v0 + v) (log(x) - a - m), C = v0 v / (v0 + v)
    again  {_TILTED}
    let  Y = log(x), V = v0 + v
    S  |p| (|a| + v0 / (v0 + v) (|log x| + |a| + |m|)) + p^2 C / 2
    {_MOVED}
    geometric_mean  BASIC  p M: the power inside the logarithm
    density_away_from_x  TAIL  p (y - m) + p^2 v / 2 + log q(y + p v) - log q(y), in float64
        {_TILTED}
    power_not_squared  BASIC  p C / 2  p M + p C / 2
    ordinary 8+3 ITO S_VS_S2 SIGN T_INDEX: 0.05~20 -2..2 0.02~3 -0.5..0.5 0.02~3 1,2,-1,0.5,3
    BASIC e(700) 0.3 0.6 0.2 0.4 1; e(-700) -0.2 0.5 0.1 0.7 2; 2 0.7 1e6 0.3 0.2 -1;
        2 0.7 0.3 0.2 1e6 0.5; e(90) -80 3e5 1 2e5 3; 1.35 0.3 1e-12 1e-4 1e-10 1;
        1.35 0.3 0.64 0.01 1e-12 2; 1.0000001 0.3 1e-12 1e-8 3e-12 -1;
        e(600) 599.5 0.4 0.2 0.6 0.5; e(-500) -500.125 0.3 -0.1 0.2 3
""", keep={"log_normal_stein_score": lambda case: case.args["x"] > 1e-300})  # fmt: skip
