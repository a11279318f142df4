"""Log-normal laws, and two points under the kernel: scores, densities, posterior laws."""

from spec.vectors.tables import functions

_BOX = "1e-3~1e3 -2..2 1e-3~20"
# States where the Hyvarinen score is 0, exp(a - v), to the last bit.
_ROOTS = """
    NEAR_ROOT 0.7189237334319262 0.31 0.64; 0.023517745856009104 -3.7 0.05;
        1.594440679804032e+129 300 2.5; 4.334176704156849e-18 0.02 40"""
_EXTREMES = """
    SMALL_V 1.0000001 0 1e-12; 1.35 0.3 1e-12; e(0.301) 0.3 1e-9; e(-5) -5.001 1e-10
    CANCELLATION e(700) 699.9 0.01; e(-700) -700.25 0.3; e(123.456) 123 1e-3; 1.000001 1e-6 1e-4
    TAIL e(700) 0.3 0.64; e(-700) -0.2 0.64; e(50) -1.1 0.02; e(-45) 1.2 0.3; e(300) -300 50
    BASIC 1.7 -0.3 1e6; e(690) -20 1e6; 0.3 650 1e5; POW2 2^500 346.7 0.7; 2^-600 -416.1 0.2"""
_MOVED = """
    common  ito_term
    deviation_for_variance  S_VS_S2  sqrt(v) and sqrt(v0)  v0 -> sqrt(v0), v -> sqrt(v)
    common  drift_of_the_wrong_sign
    variances_exchanged  T_INDEX  v / (v0 + v) in place of v0 / (v0 + v)  v0 -> v, v -> v0"""
# The density of log X_t at y + p v over that at y.
_TILTED = "p (log(x) - m) + p^2 v / 2 + log N(Y + p v; a + m, V) - log N(Y; a + m, V)"
# Two points: r_n is the share of point n in the density.
_SHARES = """
    let  d_n = log(x) - log(x_n) - m, q_n = log N(d_n; 0, v), r1 = 1 / (1 + exp(q2 - q1)),
        r2 = 1 / (1 + exp(q1 - q2)), f_n = exp(-d_n^2 / (2 v))"""
_NEAR = "0.1~10 0.2~2 1~8 -0.5..0.5 0.05~3"
_CHANGED = """
    common  deviation_for_variance, ito_term
    one_point  BASIC  the first point alone  x2 -> x1
    point_between  BASIC  one point at sqrt(x1 x2)  x1 -> sqrt(x1 x2), x2 -> sqrt(x1 x2)"""

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
    out  -(log(x) - a) / v  again  1 + slope_log_normal_logpdf(x, a, v)  S  (|log x| + |a|) / v
    hyvarinen_score  H_VS_LOGSCORE  1 is taken off  out - 1
    divided_by_x  H_VS_STEIN  divided by x  out / x
    sign  TAIL  of the wrong sign  -out
    common  deviation_for_variance, guarded_variance
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2: {_BOX}
    NEAR_ROOT e(0.31) 0.31 0.64; e(-3.7) -3.7 0.05; e(300) 300 2.5; e(0.02) 0.02 40
    {_EXTREMES}
log_normal_hyvarinen_score  R2-score  x a v
    out  -1 - (log(x) - a) / v  again  slope_log_normal_logpdf(x, a, v)  S  1 + (|log x| + |a|) / v
    common  log_score, stein_score
    median_for_mode  ITO  a + v: zero where the density of log X has its peak  a -> a + v
    common  log_of_mean, deviation_for_variance, guarded_variance
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2 ITO: {_BOX}
    {_ROOTS}{_EXTREMES}
log_normal_stein_score  R2-score  x a v
    out  (-1 - (log(x) - a) / v) / x
    again  slope_log_normal_logpdf(x, a, v) / x  S  (1 + (|log x| + |a|) / v) / x
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
    common  log_of_mean, survival
    ordinary S_VS_S2 ITO: 0.05~40 -1..1.5 0.1~9; TAIL e(-5.5) 0.3 0.64; e(-10) 0.2 1;
        e(-20.5) 0.1 1; e(-22) 0.4 0.64; e(-30) -0.3 1; e(-700) -100 400; e(-37.25) 0 1
    UNDERFLOW e(-37.75) 0.05 1; e(-45) 0 1; SMALL_V 1.0000003 0 1e-12; 1.349858 0.3 1e-12
    CANCELLATION e(700) 699.5 0.5; e(-650) -650.5 0.25; BASIC e(8) 0.1 1; 2.7 0.3 1e6; e(600) 2 1e5
where  x state at time t, > 0; a mean of log X_0; v0 variance of log X_0, > 0; m m(t), any
        number; v v(t) > 0
log_normal_posterior_log_mean  R7  x a v0 m v
    out  a + v0 / (v0 + v) (log(x) - a - m)
    again  (v a + v0 (log(x) - m)) / (v0 + v)  S  |a| + v0 / (v0 + v) (|log x| + |a| + |m|)
    {_MOVED}
    not_the_logarithm  TAIL  exp of it: the geometric mean of X_0  exp(out)
    guarded_variance  SMALL_V  1e-8 added to v0 + v  v -> v + 1e-8
    ordinary 10+2 ITO S_VS_S2 SIGN T_INDEX: 0.05~20 -2..2 0.02~3 -0.5..0.5 0.02~3
    TAIL e(700) 0.3 0.6 0.2 0.4; e(-700) -0.2 0.5 0.1 0.7; 2 0.7 1e6 0.3 0.2;
        2 0.7 0.3 0.2 1e6; e(90) -80 3e5 1 2e5; SMALL_V 1.35 0.3 1e-12 1e-4 1e-10;
        1.35 0.3 0.64 0.01 1e-12; 1.0000001 0.3 1e-12 1e-8 3e-12; BASIC e(600) 599.5 0.4 0.2 0.6;
        e(-500) -500.125 0.3 -0.1 0.2; NEAR_ROOT e(-1) 1 0.5 0 0.5; e(-0.75) 0.25 0.25 0.5 1
log_normal_posterior_log_var  R7  v0 v  guard 20
    out  v0 v / (v0 + v)  again  v - v^2 / (v0 + v)
    by_the_hessian  SMALL_V  v - v^2 / (v0 + v), in float64
    sum  BASIC  v0 + v
    deviation_for_variance  S_VS_S2  the root  sqrt(out)
    noise_of_the_last_step  T_INDEX  v: the data are spread out, v0 = infinity
    data_variance  TAIL  v0: nothing is learnt from x_t
    ordinary S_VS_S2 T_INDEX: 0.02~3 0.02~3
    SMALL_V 1e-12 0.64; 1e-6 3; 1e-3 700; 3e-13 0.01; 2e-3 1.7; TAIL 1e6 0.3; 2.5 1e6; 1e6 1e-12
where  p the power, any number but 0
log_normal_log_posterior_moment  R6  x a v0 m v p  guard 30
    out  p M + p^2 C / 2, M = a + v0 / (v0 + v) (log(x) - a - m), C = v0 v / (v0 + v)
    again  {_TILTED}
    let  Y = log(x), V = v0 + v  S  |p| (|a| + v0 / (v0 + v) (|log x| + |a| + |m|)) + p^2 C / 2
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
where  x state at time t, > 0; x1 first point, > 0; x2 second point, > 0; m m(t), any
        number; v v(t) > 0
point_masses_hyvarinen_score  R3  x x1 x2 m v
    out  -1 + (r1 log(x1) + r2 log(x2) + m - log(x)) / v,
        r_n proportional to exp(-(log(x) - log(x_n) - m)^2 / (2 v)), r1 + r2 = 1
    again  (-e1 / (1 + o) - e2 o / (1 + o)) / v - 1, e_n = log(x / x_n) - m,
        o = exp((e1 - e2) (e1 + e2) / (2 v))
    S  1 + sum_n r_n s_n / v + r1 r2 |log x1 - log x2| / v (g1 s1 + g2 s2) / v,
        s_n = |log x| + |log x_n| + |m|, g_n = |log x - log x_n - m|
    {_SHARES}
    common  log_score, stein_score, deviation_for_variance, ito_term
    log_of_the_mean  BASIC  log(r1 x1 + r2 x2): the log outside the mean
        -1 + (log(r1 x1 + r2 x2) + m - log(x)) / v
    equal_shares  T_INDEX  1/2 for both points, as at large t  r1 -> 1 / 2, r2 -> 1 / 2
    ratio_of_densities  TAIL  densities and their ratio, in float64
        r1 -> f1 / (f1 + f2), r2 -> f2 / (f1 + f2)
    ordinary H_VS_LOGSCORE H_VS_STEIN S_VS_S2 ITO: 0.05~20 0.2~2 1~8 -0.5..0.5 0.05~3
    TAIL e(700) 0.7 1.9 0.1 0.64; e(-700) 0.7 1.9 0.1 0.64; 50 0.3 2 -0.2 1e-3
    SMALL_V 1.0000001 1 1.0000003 0 1e-12; 0.75 0.7 1.3 0.069 1e-12; 1.5 1.4999 1.5002 0 1e-9
    NEAR_ROOT e(-0.5) 1 1 0 0.5; e(-1.25) e(-3) e(3) 0 2.75
    CANCELLATION e(300) e(299.5) e(300.25) 0.1 0.3;
        e(-600) e(-600.5) e(-599) -0.2 0.1; 1.3 e(-20) e(20.5) 0.1 1e6; POW2 x x1 x2: 400 -400
where  x1 the point in question, > 0; x2 the other point, > 0
point_masses_posterior_weight  R3  x x1 x2 m v
    out  1 / (1 + exp((b_1^2 - b_2^2) / (2 v))), b_n = log(x) - log(x_n) - m
    again  1 / (1 + exp(log(x2 / x1) (2 log(x) - log(x1 x2) - 2 m) / (2 v)))
    S  out (1 + (1 - out) T), T = sum_n (log 2 + |log 2 pi v| / 2 + b_n^2 / (2 v)
        + |b_n| (|log x| + |log x_n| + |m|) / v)
    {_SHARES}
    other_point  SIGN  the weight of x2  x1 -> x2, x2 -> x1
    common  ito_term, deviation_for_variance
    not_halved  BASIC  exp(-b^2 / v)  v -> v / 2
    densities_first  TAIL  a ratio of densities, in float64
        exp(log(1 / 2) + q1) / (exp(log(1 / 2) + q1) + exp(log(1 / 2) + q2))
    ordinary 10+3 SIGN ITO S_VS_S2: 0.05~20 0.2~2 1~8 -0.5..0.5 0.05~3
    TAIL e(80) 1.3 1.30001 0.1 0.64; e(-90) 0.7 0.70002 0.1 0.5;
        e(40) 1.5 1.7 0 0.01; e(300) 1 1.0000001 0.2 0.3; SMALL_V 1.0000001 1 1.0000003 0 1e-12;
        0.75 0.7500004 0.7499995 0 1e-12; 1.5 1.4999 1.5002 0 1e-9
    BASIC e(300) e(299.5) e(300.25) 0.1 0.3; 1.3 e(-20) e(20.5) 0.1 1e3
where  x1 first point, > 0; x2 second point, > 0
point_masses_logpdf  R3  x x1 x2 m v
    out  log((N(d1; 0, v) + N(d2; 0, v)) / 2) - log(x), d_n = log(x) - log(x_n) - m,
        N the normal density
    again  -log(8 pi v x^2) / 2 - near / (2 v) + log1p(exp((near - far) / (2 v))),
        near = min(e1, e2), far = max(e1, e2), e_n = (log(x / x_n) - m)^2
    S  |log x| + 2 + |log 2 pi v| / 2 + sum_n r_n (d_n^2 / (2 v) + |d_n| s_n / v),
        r_n the share of point n, s_n = |log x| + |log x_n| + |m|
    {_SHARES}{_CHANGED}
    common  density_of_the_logarithm
    sum_for_mean  T_INDEX  not divided by the number of points  out + log(2)
    mean_of_logarithms  BASIC  the logarithm inside the mean  (q1 + q2) / 2 - log(x)
    logarithm_of_density  TAIL  the densities first, then the log, in float64  out
    common  guarded_variance
    ordinary H_VS_LOGSCORE S_VS_S2 ITO T_INDEX: {_NEAR}
    TAIL e(700) 0.7 1.9 0.1 0.64; e(-700) 0.7 1.9 0.1 0.64; 50 0.3 2 -0.2 1e-3
    SMALL_V 1.0000001 1 1.0000003 0 1e-12; 0.75 0.7 1.3 0.069 1e-12
point_masses_cdf  R3  x x1 x2 m v
    out  (Phi(z1) + Phi(z2)) / 2, z_n = (log(x) - log(x_n) - m) / sqrt(v)
    again  (erfc(e1) + erfc(e2)) / 4, e_n = (m - log(x / x_n)) / sqrt(2 v)
    S  sum_n (Phi(z_n) (1 + z_n^2) + phi(z_n) (|log x| + |log x_n| + |m|) / sqrt(v)) / 2
    {_CHANGED}
    common  survival
    sum_for_mean  T_INDEX  not divided by the number of points  2 out
    one_minus_survival  TAIL  1 - the probability of a larger value, in float64
        1 - (Phi(y1) + Phi(y2)) / 2, y_n = (log(1 / x) - log(1 / x_n) + m) / sqrt(v)
    ordinary SIGN S_VS_S2 ITO T_INDEX: {_NEAR}
    TAIL e(-6) 0.7 1.9 0.1 0.64; e(-25) 0.3 2 -0.2 1; BASIC 1.0000001 1 1.0000003 0 1e-12;
        e(300) e(299.5) e(300.25) 0.1 0.3; e(-700) 0.7 e(5) 100 400
where  x1 first point of the class, > 0
class_average_log_mean  E22-class-average  x1 x2  guard 5
    out  log((x1 + x2) / 2): where the average of a class of two points lies
    again  log(x1) + log1p((x2 - x1) / (2 x1))  S  1 + |out|
    mean_of_logarithms  H_VS_LOGSCORE  (log(x1) + log(x2)) / 2: Jensen's gap
    total  T_INDEX  not divided by the number of points  log(x1 + x2)
    average  BASIC  the average itself, not its logarithm  (x1 + x2) / 2
    root_mean_square  S_VS_S2  log of the root of the mean square  log((x1^2 + x2^2) / 2) / 2
    ordinary 14+3 H_VS_LOGSCORE T_INDEX S_VS_S2: 0.01~10 0.5~100; H_VS_LOGSCORE e(-690) e(600);
        1 1.01; e(700) e(-700); T_INDEX 1 1.0000000000000002; e(-680) e(-680.5)
""", keep={"log_normal_stein_score": lambda case: case.args["x"] > 1e-300})  # fmt: skip
