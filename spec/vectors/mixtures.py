"""Two log-normal components: density, score, posterior law, moments, and the fit of one pair."""

from spec.vectors.tables import functions

# Weights with few bits, so that 1 - w is exact.
_WEIGHTS = "0.25,0.625,0.375,0.84375,0.125,0.5"
_OTHERS = "0.25,0.625,0.375,0.84375,0.125,0.6875"
# q_j is log w_j N_j; T_j the sizes of its terms.
_LET = """
    let  y = log(x), w1 = w, w2 = 1 - w, q_j = log(w_j) + log N(y; a_j, v_j),
        r1 = 1 / (1 + exp(q2 - q1)), r2 = 1 / (1 + exp(q1 - q2)), u_j = -(y - a_j) / v_j,
        T_j = |log w_j| + |log 2 pi v_j| / 2 + (y - a_j)^2 / (2 v_j)
        + |y - a_j| (|y| + |a_j|) / v_j"""
_BOX = f"0.02~50 {_WEIGHTS} -2..0.5 0.02~3 0..2.5 0.02~3"
_EXTREMES = """
    TAIL e(700) 0.25 -0.3 0.64 0.9 0.2; e(-700) 0.625 -0.3 0.05 0.4 0.3;
        e(60) 0.5 -1.1 0.25 1.3 0.25; e(-41) 2^-40 -0.7 0.04 0.8 0.04; e(500) 0.75 3 7 3 7.5
    SMALL_V 1.0000002 0.5 0 1e-12 3e-7 1e-12; 1.35 0.25 0.3 1e-12 0.3 2e-12;
        1.000001 0.375 1e-6 1e-12 0 0.5; 1.2840254 0.75 0.25 1e-10 0.2500003 1e-10"""
# The components weigh about the same where each is far out: shares of numbers like exp(-1e5).
_TIED = """
    CANCELLATION e(400) 0.5 -0.25 0.75 -0.25 0.7500001; e(-350) 0.5 2 0.3 2.0000003 0.3;
        e(700) 0.25 1e-3 2 0 2"""
_ROOTS = """
    NEAR_ROOT e(-1) 0.5 -2 1 2 1; e(-0.64) 0.5 0 0.64 0 0.64; e(-1.5) 0.5 0 1.5 0 1.5
"""
_WIDE = "2.2 0.5 0.1 1e6 -0.4 0.2; e(-600) 0.375 1 1e6 2 1e5"
_NARROW = f"0.1~9 {_OTHERS} -1.5..0.5 0.1~2 0..2 0.1~2"
_SIZES = """g_j = v_j / (v_j + v), s_j = |log x| + |a_j| + |m|, M_j = |a_j| + g_j s_j,
        T = sum_j (|log w_j| + |log 2 pi (v_j + v)| / 2 + b_j^2 / (2 (v_j + v))
        + |b_j| s_j / (v_j + v)), b_j = log(x) - a_j - m"""
_MEANS = "mu_j = a_j + v_j / (v_j + v) (log(x) - a_j - m)"
_R = "r_j the share of component j in the density at x"
_PARTS = f"""
    let  w1 = w, w2 = 1 - w, q_j = log(w_j) + log N(b_j; 0, v_j + v), {_SIZES},
        r1 = 1 / (1 + exp(q2 - q1)), r2 = 1 / (1 + exp(q1 - q2)), {_MEANS}, C_j = v_j v / (v_j + v)
    common  ito_term, deviation_for_variance, equal_weights
    densities_first  TAIL  shares as a ratio of densities, in float64
        r1 -> exp(q1) / (exp(q1) + exp(q2)), r2 -> exp(q2) / (exp(q1) + exp(q2))"""
_SHAPE = "-2..0.5 0.02~2 0..2.5 0.02~2 -0.5..0.5 0.05~2"
_DRAWN = f"ordinary 10+3 ITO S_VS_S2: 0.05~20 {_WEIGHTS} {_SHAPE}"
# {} is for one argument more, the power of a moment.
_POWERED = """
    TAIL e(80) 0.25 -0.3 0.64 0.9 0.2 0.1 0.5 {}; e(-90) 0.625 -0.3 0.05 0.4 0.3 0.2 0.4 {};
        e(60) 0.5 -1.1 0.25 1.3 0.25 -0.1 0.7 {}; e(300) 0.75 3 0.7 3 0.75 0.2 0.3 {};
        e(-41) 2^-40 -0.7 0.04 0.8 0.04 0 0.2 {};
        e(0.25) 0.5 -299.875 0.75 300.125 0.75 0.125 0.25 {}
    SMALL_V 1.0000002 0.5 0 1e-12 3e-7 1e-12 1e-8 2e-12 {};
        1.35 0.25 0.3 1e-12 0.4 2e-12 0.01 0.64 {}; 1.35 0.375 0.3 0.5 0.1 0.8 0 1e-12 {}
    BASIC 2.2 0.5 0.1 1e6 -0.4 0.2 0.2 0.6 {}; 0.4 0.375 1 0.3 -2 0.4 0.3 1e6 {}"""
_FAR = _POWERED.replace(" {}", "")
_AT = "w, a1 + m, v1 + v, a2 + m, v2 + v"
_PAIRS = f"""
    ordinary 14+3 S_VS_S2 T_INDEX: {_OTHERS} -2..2 0.02~3 -1..3 0.02~3
    CANCELLATION 0.5 300 1e-9 300.00001 2e-9; 0.25 -700 1e-6 -700.001 1e-12;
        0.75 50 1e-4 50.01 3e-4
    TAIL 2^-50 700 1e6 -3 0.1; 1-2^-50 0.3 0.02 -600 1e5; 0.5 -700 1e-12 700 1e-12"""
_SQUARES = "w (v1 + a1^2) + (1 - w) (v2 + a2^2) - (w a1 + (1 - w) a2)^2"
_FITTED = """
    ordinary S_VS_S2 ITO T_INDEX: -2..2 -1..3 0.02~3 0.02~3 -1..1 0.1~3
    TAIL 700 -690 0.3 0.2 2 1e6; 0.3 0.1 1e6 1e-12 -3 0.1; -650 -650.5 0.2 0.3 5 0.7
    SMALL_V 300 300.0000001 1e-12 2e-12 1e-6 3e-12; 0.3 0.300001 1e-12 1e-12 0 1e-12"""

FUNCTIONS = functions(f"""
where  x a state, > 0; w weight of the first component, in (0, 1), with 1 - w exact in float64;
    a1 mean of log X in the first component; v1 variance of log X in the first component, > 0;
    a2 mean of log X in the second component; v2 variance of log X in the second component, > 0
mixture_logpdf  R2  x w a1 v1 a2 v2
    out  log(w N(y; a1, v1) + (1 - w) N(y; a2, v2)) - y, y = log(x), N the normal density
    again  max(q1, q2) + log1p(exp(-|q1 - q2|)) - y
    S  |y| + 1 + sum_j r_j T_j, r_j the share of component j in the density at x, T_j = |log w_j|
        + |log 2 pi v_j| / 2 + (y - a_j)^2 / (2 v_j) + |y - a_j| (|y| + |a_j|) / v_j
    {_LET}
    common  density_of_the_logarithm, deviation_for_variance(v_j), equal_weights
    mean_of_logarithms  BASIC  sum_j w_j log N_j: the log inside the sum
        sum_j w_j log N(y; a_j, v_j) - y
    logarithm_of_density  TAIL  the densities first, then the log, in float64  out
    ordinary H_VS_LOGSCORE S_VS_S2: {_BOX}
    {_EXTREMES}{_TIED}; e(0.125) 0.5 -299.875 1 300.125 1; e(-2) 0.75 -602 3 598 3
    {_ROOTS}BASIC {_WIDE}
mixture_hyvarinen_score  R2-score  x w a1 v1 a2 v2
    out  -1 + r1 u1 + r2 u2, u_j = -(log(x) - a_j) / v_j,
        r_j the share of component j in the density at x
    again  slope_mixture_logpdf(x, w, a1, v1, a2, v2)
    S  1 + sum_j r_j (|y| + |a_j|) / v_j + r1 r2 |u1 - u2| (T1 + T2), y = log(x),
        T_j as for mixture_logpdf
    {_LET}
    common  log_score, stein_score
    weights_for_shares  T_INDEX  w_j, the shares of no observation, for r_j  r1 -> w, r2 -> 1 - w
    common  equal_weights, deviation_for_variance(v_j)
    ratio_of_densities  TAIL  densities and their ratio, in float64
        r1 -> exp(q1) / (exp(q1) + exp(q2)), r2 -> exp(q2) / (exp(q1) + exp(q2))
    shares_from_a_rounded_sum  CANCELLATION
        r_j = exp(term_j - log sum) without dividing by their sum, in float64
        sum_j exp(q_j - s) u_j - 1, s = max(q1, q2) + log(1 + exp(-|q1 - q2|))
    ordinary H_VS_LOGSCORE H_VS_STEIN S_VS_S2: {_BOX}
    {_EXTREMES}{_TIED}{_ROOTS}
    BASIC 1.7 2^-50 0.5 0.01 -0.4 0.3; 0.4 1-2^-50 0.3 0.02 -0.9 0.2; {_WIDE}
where  v1 its variance, > 0; v2 its variance, > 0
mixture_cdf  R2  x w a1 v1 a2 v2
    out  w Phi(z1) + (1 - w) Phi(z2), z_j = (log(x) - a_j) / sqrt(v_j)
    again  c2 + w (c1 - c2), c_j = erfc((a_j - log(x)) / sqrt(2 v_j)) / 2
    S  sum_j w_j (Phi(z_j) (1 + z_j^2) + phi(z_j) (|log x| + |a_j|) / sqrt(v_j))
    let  w1 = w, w2 = 1 - w
    common  survival
    one_minus_survival  TAIL  1 - sum_j w_j Phi(-z_j), in float64
        1 - sum_j w_j Phi((log(1 / x) + a_j) / sqrt(v_j))
    common  equal_weights, deviation_for_variance(v_j)
    pooled  T_INDEX  one normal law with the mean and variance of the mixture
        Phi((log(x) - w a1 - (1 - w) a2) / sqrt(w v1 + (1 - w) v2 + w (1 - w) (a1 - a2)^2))
    ordinary SIGN S_VS_S2 T_INDEX: {_NARROW}
    TAIL e(-9) 0.25 -0.3 0.64 0.9 2; e(-22) 0.5 -1.1 1 1.3 0.25; e(-41) 2^-40 -12 1 0.8 1;
        e(-700) 0.75 -600 9 3 700; BASIC 1.0000002 0.5 0 1e-12 3e-7 1e-12;
        e(300) 0.25 299 2 301.5 0.7; 0.4 1-2^-50 0.3 0.2 -0.9 0.2
mixture_log_score_divergence  R2-hessian  x w a1 v1 a2 v2
    out  -r1 / v1 - r2 / v2 + r1 r2 (u1 - u2)^2, u_j = -(log(x) - a_j) / v_j,
        r_j the share of component j in the density at x
    again  slope_mixture_hyvarinen_score(x, w, a1, v1, a2, v2)
    S  r1 / v1 + r2 / v2 + r1 r2 (g (g + s1 + s2) + (|1/v1 - 1/v2| + g^2) (T1 + T2)),
        g = |u1 - u2|, s_j = (|log x| + |a_j|) / v_j, T_j as for mixture_logpdf
    {_LET}, r2 = 1 - r1
    components_alone  BASIC  the spread of the u_j is left out  -r1 / v1 - r2 / v2
    spread_with_the_other_sign  SIGN  - r1 r2 (u1 - u2)^2  out - 2 r1 r2 (u1 - u2)^2
    equal_weights_of_curvatures  T_INDEX  w_j in place of r_j in the first two
        r1 r2 (u1 - u2)^2 - w1 / v1 - w2 / v2
    common  deviation_for_variance(v_j)
    divided_by_x  H_VS_STEIN  the derivative in x of the log score  out / x
    difference_of_squares  CANCELLATION
        sum_j r_j (u_j^2 - 1 / v_j) - (sum_j r_j u_j)^2, in float64
    ratio_of_densities  TAIL  shares from the densities, in float64
        r1 -> exp(q1) / (exp(q1) + exp(q2))
    ordinary SIGN T_INDEX S_VS_S2 H_VS_STEIN: {_NARROW}
    CANCELLATION e(400) 0.5 -0.25 0.75 -0.25 0.7500001; e(-350) 0.5 2 0.3 2.0000003 0.3
    TAIL e(700) 0.25 -0.3 0.64 0.9 0.2; e(-700) 0.625 -0.3 0.05 0.4 0.3;
        e(60) 0.5 -1.1 0.25 1.3 0.25; BASIC 1.0000002 0.5 0 1e-12 3e-7 1e-12;
        2.2 0.5 0.1 1e6 -0.4 0.2; e(0.125) 0.5 -299.875 1 300.125 1
where  x state at time t, > 0; a1 mean of log X_0 in the first component; a2 mean of log
        X_0 in the second component; m m(t), any number; v v(t) > 0
mixture_posterior_log_mean  mixture-posterior  x w a1 v1 a2 v2 m v
    out  r_1 mu_1 + r_2 mu_2, {_MEANS}, {_R}
    again  log(x) - m + v (1 + slope_mixture_logpdf(x, {_AT}))
    S  sum_j r_j M_j + r_1 r_2 |mu_1 - mu_2| T, {_SIZES}
    {_PARTS}
    weights_for_shares  T_INDEX  w_j in place of r_j  r1 -> w, r2 -> 1 - w
    {_DRAWN}
    {_FAR}
mixture_posterior_log_var  mixture-posterior  x w a1 v1 a2 v2 m v
    out  r_1 C_1 + r_2 C_2 + r_1 r_2 (mu_1 - mu_2)^2, C_j = v_j v / (v_j + v), {_MEANS}, {_R}
    again  v + v^2 slope_mixture_hyvarinen_score(x, {_AT})
    S  out + r_1 r_2 ((|C_1 - C_2| + d^2) T + 2 d (M_1 + M_2)), d = |mu_1 - mu_2|, {_SIZES}
    {_PARTS}
    within_only  BASIC  r_1 C_1 + r_2 C_2
    common  standard_deviation
    noise_of_the_step  SMALL_V  v
    {_DRAWN}
    {_FAR}
where  p the power, any number but 0
mixture_log_posterior_moment  R6  x w a1 v1 a2 v2 m v p  guard 70
    out  log(r_1 exp(p mu_1 + p^2 C_1 / 2) + r_2 exp(p mu_2 + p^2 C_2 / 2)),
        C_j = v_j v / (v_j + v), {_MEANS}, {_R}
    again  p (log(x) - m) + p^2 v / 2 + p v + mixture_logpdf(x exp(p v), {_AT})
        - mixture_logpdf(x, {_AT})
    S  1 + sum_j q_j (|p| M_j + p^2 C_j / 2 + |log r_j| + (1 - r_j) T),
        q_j the share of term j in the sum, {_SIZES}
    size  1 + sum_j Q_j (|p| M_j + p^2 C_j / 2 + |log r_j| + (1 - r_j) T),
        e_j = log(r_j) + p mu_j + p^2 C_j / 2, Q1 = 1 / (1 + exp(e2 - e1)), Q2 = 1 - Q1
    {_PARTS}
    geometric_mean  BASIC  p E[log X_0]: the power inside the logarithm  p (r1 mu1 + r2 mu2)
    no_variance  BASIC  p^2 C_j / 2 left out  out - p^2 C1 / 2
    {_DRAWN} 1,2,-1,0.5,3,1,-0.25,1,2
    {_POWERED.replace("SMALL_V", "BASIC").format(1, 2, 1, 2, -1, 0.5, 3, 1, -0.25, 1, 2)}
where  a1 mean of log X in the first component; a2 mean of log X in the second component
mixture_log_mean  log-moments  w a1 v1 a2 v2
    out  w a1 + (1 - w) a2  again  a2 + w (a1 - a2)  S  w |a1| + (1 - w) |a2|
    common  equal_weights
    weights_exchanged  T_INDEX  (1 - w) a1 + w a2
    log_of_the_mean  S_VS_S2  log E[X]  log(w exp(a1 + v1 / 2) + (1 - w) exp(a2 + v2 / 2))
    precision_weighted  CANCELLATION  weights w_j / v_j
        (w a1 / v1 + (1 - w) a2 / v2) / (w / v1 + (1 - w) / v2)
    wrong_sign  TAIL  the first mean with the other sign  a1 -> -a1
    {_PAIRS}
mixture_log_var  log-moments  w a1 v1 a2 v2  guard 20
    out  w v1 + (1 - w) v2 + w (1 - w) (a1 - a2)^2  again  {_SQUARES}
    within_only  BASIC  w v1 + (1 - w) v2
    weights_exchanged  T_INDEX  1 - w in place of w  w -> 1 - w
    common  standard_deviation
    difference_of_squares  CANCELLATION  E[(log X)^2] - (E log X)^2, in float64  {_SQUARES}
    between_only  TAIL  w (1 - w) (a1 - a2)^2 to the power 1
        w v1 + (1 - w) v2 + w (1 - w) |a1 - a2|
    {_PAIRS}
where  a1 mean of log X_0 at the first pixel; a2 mean of log X_0 at the second pixel; c1 variance
    of log X_0 at the first pixel; c2 variance at the second pixel; m m(T), any number; v v(T) > 0
fitted_lognormal_log_mean  R23-single  a1 a2 c1 c2 m v
    out  (a1 + a2) / 2 + m  again  (a1 + m + (a2 + m)) / 2  S  (|a1| + |a2|) / 2 + |m|
    ito_term  ITO  mu T in place of m  m -> m + v / 2
    of_the_data  T_INDEX  m left out  m -> 0
    sum  BASIC  not divided by 2  a1 + a2 + m
    log_of_the_mean  S_VS_S2  log of the mean pixel of noised data
        m + v / 2 + log(exp(a1 + c1 / 2) + exp(a2 + c2 / 2)) - log(2)
    first_pixel  TAIL  a1 + m
    guarded  SMALL_V  1e-8 added  out + 1e-8
    {_FITTED}
fitted_lognormal_log_var  R23-single  a1 a2 c1 c2 m v  guard 20
    out  (c1 + c2) / 2 + (a1 - a2)^2 / 4 + v
    again  (c1 + c2 + a1^2 + a2^2) / 2 - ((a1 + a2) / 2)^2 + v
    S  out + |a1 - a2| (|a1| + |a2|) / 2
    of_the_data  T_INDEX  v left out  v -> 0
    common  standard_deviation
    within_only  BASIC  the difference of the means left out  a2 -> a1
    unbiased  TAIL  (a1 - a2)^2 / 2: divided by n - 1  out + (a1 - a2)^2 / 4
    ito_term  ITO  v / 2 taken off  v -> v / 2
    difference_of_squares  SMALL_V  E[a^2] - (E a)^2, in float64
        (c1 + c2 + a1^2 + a2^2) / 2 - ((a1 + a2) / 2)^2 + v
    {_FITTED}
""", keep={"fitted_lognormal_log_mean": lambda case: case.args["a1"] != 300.0})  # fmt: skip
