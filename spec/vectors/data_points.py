"""A data set of two points under the forward kernel: score, posterior weight, density, average."""

from spec.vectors.tables import functions

_LET = """
    let  d_n = log(x) - log(x_n) - m, q_n = log N(d_n; 0, v), r1 = 1 / (1 + exp(q2 - q1)),
        r2 = 1 / (1 + exp(q1 - q2)), f_n = exp(-d_n^2 / (2 v))
"""
_BOX = "0.1~10 0.2~2 1~8 -0.5..0.5 0.05~3"
_CHANGED = """
    common  deviation_for_variance, ito_term
    one_point  BASIC  the first point alone  x2 -> x1
    point_between  BASIC  one point at sqrt(x1 x2)  x1 -> sqrt(x1 x2), x2 -> sqrt(x1 x2)
"""

FUNCTIONS = functions(f"""
where  x state at time t, > 0; x1 first point, > 0; x2 second point, > 0; m m(t), any
        number; v v(t) > 0
point_masses_hyvarinen_score  R3  x x1 x2 m v
    out  -1 + (r1 log(x1) + r2 log(x2) + m - log(x)) / v,
        r_n proportional to exp(-(log(x) - log(x_n) - m)^2 / (2 v)), r1 + r2 = 1
    again  (-e1 / (1 + o) - e2 o / (1 + o)) / v - 1, e_n = log(x / x_n) - m,
        o = exp((e1 - e2) (e1 + e2) / (2 v))
    S  1 + sum_n r_n s_n / v + r1 r2 |log x1 - log x2| / v (g1 s1 + g2 s2) / v,
        s_n = |log x| + |log x_n| + |m|, g_n = |log x - log x_n - m|
    {_LET}
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
    CANCELLATION e(300) e(299.5) e(300.25) 0.1 0.3; e(-600) e(-600.5) e(-599) -0.2 0.1;
        1.3 e(-20) e(20.5) 0.1 1e6
    POW2 x x1 x2: 400 -400
where  x1 the point in question, > 0; x2 the other point, > 0
point_masses_posterior_weight  R3  x x1 x2 m v
    out  1 / (1 + exp((b_1^2 - b_2^2) / (2 v))), b_n = log(x) - log(x_n) - m
    again  1 / (1 + exp(log(x2 / x1) (2 log(x) - log(x1 x2) - 2 m) / (2 v)))
    S  out (1 + (1 - out) T), T = sum_n (log 2 + |log 2 pi v| / 2 + b_n^2 / (2 v)
        + |b_n| (|log x| + |log x_n| + |m|) / v)
    {_LET}
    other_point  SIGN  the weight of x2  x1 -> x2, x2 -> x1
    common  ito_term, deviation_for_variance
    not_halved  BASIC  exp(-b^2 / v)  v -> v / 2
    densities_first  TAIL  a ratio of densities, in float64
        exp(log(1 / 2) + q1) / (exp(log(1 / 2) + q1) + exp(log(1 / 2) + q2))
    ordinary 10+3 SIGN ITO S_VS_S2: 0.05~20 0.2~2 1~8 -0.5..0.5 0.05~3
    TAIL e(80) 1.3 1.30001 0.1 0.64; e(-90) 0.7 0.70002 0.1 0.5; e(40) 1.5 1.7 0 0.01;
        e(300) 1 1.0000001 0.2 0.3
    SMALL_V 1.0000001 1 1.0000003 0 1e-12; 0.75 0.7500004 0.7499995 0 1e-12;
        1.5 1.4999 1.5002 0 1e-9
    BASIC e(300) e(299.5) e(300.25) 0.1 0.3; 1.3 e(-20) e(20.5) 0.1 1e3
where  x1 first point, > 0; x2 second point, > 0
point_masses_logpdf  R3  x x1 x2 m v
    out  log((N(d1; 0, v) + N(d2; 0, v)) / 2) - log(x), d_n = log(x) - log(x_n) - m,
        N the normal density
    again  -log(8 pi v x^2) / 2 - near / (2 v) + log1p(exp((near - far) / (2 v))),
        near = min(e1, e2), far = max(e1, e2), e_n = (log(x / x_n) - m)^2
    S  |log x| + 2 + |log 2 pi v| / 2 + sum_n r_n (d_n^2 / (2 v) + |d_n| s_n / v),
        r_n the share of point n, s_n = |log x| + |log x_n| + |m|
    {_LET}{_CHANGED}
    common  density_of_the_logarithm
    sum_for_mean  T_INDEX  not divided by the number of points  out + log(2)
    mean_of_logarithms  BASIC  the logarithm inside the mean  (q1 + q2) / 2 - log(x)
    logarithm_of_density  TAIL  the densities first, then the log, in float64  out
    common  guarded_variance
    ordinary H_VS_LOGSCORE S_VS_S2 ITO T_INDEX: {_BOX}
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
    ordinary SIGN S_VS_S2 ITO T_INDEX: {_BOX}
    TAIL e(-6) 0.7 1.9 0.1 0.64; e(-25) 0.3 2 -0.2 1
    BASIC 1.0000001 1 1.0000003 0 1e-12; e(300) e(299.5) e(300.25) 0.1 0.3;
        e(-700) 0.7 e(5) 100 400
where  x1 first point of the class, > 0
class_average_log_mean  E22-class-average  x1 x2
    guard  5
    out  log((x1 + x2) / 2): where the average of a class of two points lies
    again  log(x1) + log1p((x2 - x1) / (2 x1))
    S  1 + |out|
    mean_of_logarithms  H_VS_LOGSCORE  (log(x1) + log(x2)) / 2: Jensen's gap
    total  T_INDEX  not divided by the number of points  log(x1 + x2)
    average  BASIC  the average itself, not its logarithm  (x1 + x2) / 2
    root_mean_square  S_VS_S2  log of the root of the mean square  log((x1^2 + x2^2) / 2) / 2
    ordinary 14+3 H_VS_LOGSCORE T_INDEX S_VS_S2: 0.01~10 0.5~100
    H_VS_LOGSCORE e(-690) e(600); 1 1.01; e(700) e(-700)
    T_INDEX 1 1.0000000000000002; e(-680) e(-680.5)
""")  # fmt: skip
