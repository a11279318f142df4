"""The forward process between any two times, and with rates of its own for each coordinate.

Times are r <= s <= t. A `CoordinateGBM` stands for its second coordinate, or for a pair."""

from spec.vectors.tables import functions

_BRIDGE = "log(x_r) + up + a / (a + b) (log(x_t) - rest - log(x_r) - up)"
_BRIDGED = """
    weights_exchanged  T_INDEX  a at the state before, b at that after  a -> b, b -> a
    ito_term  ITO  mu (s - r) in place of up  up -> up + a / 2
    deviation_for_variance  S_VS_S2  sqrt(a) and sqrt(b)  a -> sqrt(a), b -> sqrt(b)
    drift_of_the_wrong_sign  SIGN  + rest in place of - rest  rest -> -rest"""
_BOX = """ordinary ITO S_VS_S2 T_INDEX SIGN:
        1e-2~1e2 1e-2~1e2 -1..1 1e-3~3 -1..1 1e-3~3"""
FUNCTIONS = functions(f"""
where  x state at time s, > 0; dm m(t) - m(s), any number; dv v(t) - v(s) >= 0; v_s v(s) > 0;
    z a standard normal draw
kernel_sample  bridge  x dm dv v_s z
    out  x * exp(dm + sqrt(dv) * z)
    again  exp(log(x) + dm) exp(sqrt(dv))^z  S  |out| (1 + |dm| + sqrt(dv) |z|)
    from_time_zero  T_INDEX  v(t) in place of dv  dv -> v_s + dv
    difference_of_roots  S_VS_S2  sqrt(v(t)) - sqrt(v(s)) in place of sqrt(dv)
        x exp(dm + (sqrt(v_s + dv) - sqrt(v_s)) z)
    ito_term  ITO  mu (t - s) in place of dm  dm -> dm + dv / 2
    common  variance_for_deviation, clipped_noise
    ordinary ITO S_VS_S2 T_INDEX: 1e-3~1e3 -2..2 1e-4~5 1e-3~5 -4..4
    T_INDEX 1.7 0 0 0.3 1.2; e(600) 0 0 2e5 -3; 0.3 1e-9 1e-12 1e6 2.2
    SMALL_V 1.37 0.2 1e-12 1e-3 1.9; TAIL 1.3 0.4 0.64 0.1 8; 0.7 -0.2 0.64 2 -8;
        e(600) -700 100 0.5 9.5; OVERFLOW e(-700) 1e3 1e4 3 2.5; POW2 x: 600 -600
where  mu drift rate, any number; sigma diffusion rate, > 0; s time in [0, t]; t time in [0, 1]
kernel_log_mean  bridge  x mu sigma s t
    out  log(x) + (mu - sigma^2 / 2) (t - s)
    again  log(x exp(mu (t - s)) / exp(sigma^2 t / 2 - sigma^2 s / 2))
    S  |log x| + (|mu| + sigma^2 / 2) (t - s)
    no_correction  ITO  mu in place of mu - sigma^2 / 2  log(x) + mu (t - s)
    sigma_for_variance  S_VS_S2  sigma in place of sigma^2  sigma -> sqrt(sigma)
    from_time_zero  T_INDEX  t in place of t - s  s -> 0
    difference_of_means  CANCELLATION  m(t) - m(s), in float64
        log(x) + ((mu - sigma^2 / 2) t - (mu - sigma^2 / 2) s)
    ordinary ITO S_VS_S2 T_INDEX: 1e-3~1e3 -2..2 0.05~3 0.01..0.4 0.45..1
    CANCELLATION 1 0.7 0.6 0.7 0.7000001; 1 -400 30 0.3 0.30000000001; 1 1e6 3 0.9 0.9000001
    T_INDEX 1.7 0.4 0.8 0.6 0.6; e(-700) 30 20 1 1
    TAIL e(700) -1e3 1e-3 0.25 1; 0.4 3e5 1e3 1e-9 1
kernel_log_var  bridge  sigma s t
    out  sigma^2 (t - s)  again  sigma (sigma t - sigma s)
    common  standard_deviation
    sigma_for_variance  S_VS_S2  sigma in place of sigma^2  sigma -> sqrt(sigma)
    from_time_zero  T_INDEX  t in place of t - s  s -> 0
    difference_of_variances  CANCELLATION  v(t) - v(s), in float64  sigma^2 t - sigma^2 s
    ordinary S_VS_S2 T_INDEX: 0.05~3 0.01..0.4 0.45..1
    CANCELLATION 0.6 0.7 0.7000001; 30 0.3 0.30000000001; 1e6 0.9 0.9000001; 0.7 0.1 0.1000003
    TAIL 1e150 0.25 1; 1e-150 0.5 0.75; 3e-7 1e-9 1
where  x_r state at time r, > 0; x_t state at time t, > 0; up m(s) - m(r), any number;
    a v(s) - v(r) >= 0; rest m(t) - m(s), any number; b v(t) - v(s) >= 0, with a + b > 0
bridge_log_mean  bridge  x_r x_t up a rest b
    out  (b (log(x_r) + up) + a (log(x_t) - rest)) / (a + b)
    again  {_BRIDGE}  S  (b (|log x_r| + |up|) + a (|log x_t| + |rest|)) / (a + b)
    {_BRIDGED}
    products_first  OVERFLOW  the formula as it is, in float64  out
    {_BOX}
    T_INDEX 1.35 0.4 0.2 0 0.3 0.5; 0.4 1.35 -0.2 0.5 0.3 0; e(690) e(-690) 3 1e-12 -2 1e6
    SMALL_V 1.35 1.36 1e-4 1e-10 2e-4 3e-10; 0.7 1.9 0.2 1e-12 0.3 0.5
    OVERFLOW e(600) e(-300) 2 1e306 -1 3e306; 0.4 e(690) 7 2e305 1 1e307
    UNDERFLOW 1.5 0.7 0.2 2e-308 0.1 7e-308
    NEAR_ROOT e(-0.5) e(2) 0.5 1.3 2 0.2; 2 0.5 0 0.7 0 0.7000001
bridge_log_var  bridge  a b
    out  a b / (a + b)  again  1 / (1 / a + 1 / b)
    common  standard_deviation
    of_the_kernel  T_INDEX  a: the end is forgotten
    variances_added  BASIC  a + b
    by_difference  CANCELLATION  a - a^2 / (a + b), in float64
    product_first  UNDERFLOW  the formula as it is, in float64  out
    ordinary T_INDEX S_VS_S2: 1e-3~3 1e-3~3
    CANCELLATION 0.64 1e-12; 3 1e-6; 700 1e-3; 1e6 3e-12; UNDERFLOW 1e-200 3e-180;
        2e-300 1e-20; 7e-308 4e-308; OVERFLOW 1e200 3e180; 2e300 1e9; 7e307 4e307
bridge_sample  bridge  x_r x_t up a rest b z  guard 20
    out  exp((b (log(x_r) + up) + a (log(x_t) - rest)) / (a + b) + sqrt(a b / (a + b)) z)
    again  exp({_BRIDGE} + sqrt(a) sqrt(b) z / sqrt(a + b))
    S  |out| (1 + (b (|log x_r| + |up|) + a (|log x_t| + |rest|)) / (a + b)
        + sqrt(a b / (a + b)) |z|)
    {_BRIDGED}
    common  clipped_noise
    noise_of_the_kernel  BASIC  sqrt(a) z  z -> z sqrt((a + b) / b)
    {_BOX} -3..3
    T_INDEX 1.35 0.4 0.2 0 0.3 0.5 0.7; 0.4 1.35 -0.2 0.5 0.3 0 -1.2
    TAIL 1.7 0.6 0.1 0.4 0.2 0.3 8; e(600) e(580) 0.3 2 0.1 5 -7.5; 0.02 40 0 9 0 8 6.5
where  x_s state at time s, > 0; a mean of log X_s; v0 variance of log X_0, > 0; v_s v(s) > 0;
    dv v(t) - v(s) > 0
two_time_log_cov  two-times  v0 v_s dv
    out  v0 + v_s: the covariance of log X_s and log X_t, v(t) = v_s + dv
    again  v0 + (v_s + dv) - dv
    of_the_later_time  T_INDEX  v0 + v(t)  v0 + v_s + dv
    data_alone  BASIC  v0
    product  S_VS_S2  v0 + sqrt(v(s) v(t))  v0 + sqrt(v_s (v_s + dv))
    ordinary 14+4 T_INDEX S_VS_S2: 0.02~3 1e-3~3 0.05~3; TAIL 1e-12 0.64 1e6;
        1e6 1e-12 1e6; 3e-9 2e-12 0.1; SMALL_V 1e-300 2e-300 1e-299; 0.3 1e-12 1e-3
two_time_logpdf  two-times  x_s x_t a v0 v_s dm dv  guard 20
    out  log N(p; 0, V) + log N(q - p; dm, dv) - log(x_s) - log(x_t), p = log(x_s) - a,
        q = log(x_t) - a, V = v0 + v_s
    again  -log(2 pi) - log(V (V + dv) - V^2) / 2 - log(x_s x_t)
        - (p^2 (V + dv) - 2 p (q - dm) V + (q - dm)^2 V) / (2 (V (V + dv) - V^2))
    S  |log x_s| + |log x_t| + 2 + |log 2 pi V| / 2 + |log 2 pi dv| / 2 + (V + dv) / dv (1 + (p^2 +
        |p| (|log x_s| + |a|)) / V + (d^2 + |d| (|log x_s| + |log x_t| + |a| + |dm|)) / dv),
        d = q - p - dm
    independent  T_INDEX  the product of the two densities of one time
        log N(p; 0, V) + log N(q; dm, V + dv) - log(x_s) - log(x_t)
    ito_term  ITO  mu (t - s) in place of dm  dm -> dm + dv / 2
    deviation_for_variance  S_VS_S2  sqrt(dv) in place of dv  dv -> sqrt(dv)
    density_of_the_logarithms  H_VS_LOGSCORE  - log x_s - log x_t is left out
        out + log(x_s) + log(x_t)
    drift_of_the_wrong_sign  SIGN  - dm  dm -> -dm
    ordinary T_INDEX ITO S_VS_S2 H_VS_LOGSCORE SIGN: 0.1~10 0.1~10 -1..1 0.05~2 0.05~2 -1..1 0.1~2
    SMALL_V 1.3 1.3000001 0.2 0.3 0.5 1e-7 1e-9; 1.2 1.7 0.1 1e-12 2e-12 0.35 1e-12
    TAIL e(300) e(299) -2 0.4 0.6 0.3 0.5; 1.4 e(40) 0.3 0.02 0.1 0.2 0.7; 1.6 0.2 0 1e6 2 -1 3e5
where  x second state at time 0, > 0; mu1 drift rate of the first coordinate; mu2 of the second;
    s1 diffusion rate of the first coordinate, > 0; s2 of the second, > 0; t time in (0, 1]
coordinate_sample  rates-by-coordinate  x mu1 mu2 s1 s2 t z
    out  x * exp((mu2 - s2^2 / 2) t + s2 sqrt(t) z)
    again  x exp(mu2 t) exp(s2 (sqrt(t) z - s2 t / 2))
    S  |out| (1 + (|mu2| + s2^2 / 2) t + s2 sqrt(t) |z|)
    first_coordinate  T_INDEX  the rates of the first  mu2 -> mu1, s2 -> s1
    mean_rate  BASIC  one mu for both, their mean  mu2 -> (mu1 + mu2) / 2
    one_sigma  T_INDEX  one sigma for both, their mean  s2 -> (s1 + s2) / 2
    no_correction  ITO  mu in place of mu - sigma^2 / 2  x exp(mu2 t + s2 sqrt(t) z)
    variance_for_deviation  S_VS_S2  sigma^2 t z in place of sigma sqrt(t) z  z -> z s2 sqrt(t)
    common  clipped_noise
    ordinary ITO S_VS_S2 T_INDEX: 1e-2~1e2 -2..2 -2..2 0.05~2 0.05~2 0.02..1 -3..3
    TAIL 1.3 0.4 0.7 1e3 0.3 0.6 8; 0.7 -2 3 1e-6 2 1 -9; e(690) 1 -80 0.3 1.5 0.9 6.5
    SMALL_V 1.2 0.3 1e-7 0.5 1e-6 0.4 -1.7; 0.9 1e3 0 30 1e-5 1e-9 2.5
where  x1 first state, > 0; x2 second state, > 0; a1 first mean of log X_0; a2 second mean;
    c11 first variance of log X_0, > 0; c12 covariance; c22 second variance, > c12^2 / c11
coordinate_log_score  rates-by-coordinate  x1 x2 a1 a2 c11 c12 c22 s1 s2  guard 20
    out  -(P2 d1 - c12 d2) / (P1 P2 - c12^2), P1 = c11 + s1^2, P2 = c22 + s2^2,
        d_n = log(x_n) - a_n, the first log score of X_1 whose m is 0
    again  -(d1 - c12 d2 / P2) / (P1 - c12^2 / P2)
    S  P1 P2 / (P1 P2 - c12^2) (P2 g_1 + |c12| g_2) / (P1 P2 - c12^2), g_n = |log x_n| + |a_n|
    size  P1 P2 / (P1 P2 - c12^2) (P2 g1 + |c12| g2) / (P1 P2 - c12^2), g_n = |log(x_n)| + |a_n|
    one_sigma  T_INDEX  the sigma of the first coordinate for both  s2 -> s1
    sigmas_exchanged  T_INDEX  s1 and s2 exchanged  s1 -> s2, s2 -> s1
    sigma_for_variance  S_VS_S2  sigma in place of sigma^2  s1 -> sqrt(s1), s2 -> sqrt(s2)
    common  correlation_ignored
    hyvarinen_score  H_VS_LOGSCORE  1 is taken off  out - 1
    ordinary T_INDEX S_VS_S2 SIGN H_VS_LOGSCORE:
        0.1~10 0.1~10 -1..1 -1..1 0.3~3 -0.25..0.25 0.3~3 0.2~2 0.2~2
    TAIL e(300) 1.7 0.3 0.2 0.5 0.4 0.7 0.6 1.3; 1.4 e(-60) 0 0.1 0.3 0.29 0.3 1e-3 2e-3
    SMALL_V 1.2 1.5 0.1 0.3 1e-6 0.9 1e6 1e-3 40;
        1.4 0.9 0.2 0 1e6 0.9 1e-6 700 1e-3; 1.00001 1.3 0 0.2 1e-12 1e-7 0.64 1e-6 0.5
""")  # fmt: skip
