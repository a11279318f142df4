"""One reverse step of each sampler, and the chance that a step of eq. (12) changes a sign."""

from spec.vectors.tables import functions

_ORDINARY = """
    ordinary ITO H_VS_STEIN H_VS_LOGSCORE S_VS_S2: 0.02~50 -5..3 -3..3 -0.2..0.2 1e-3~0.8 0.3..1.5
"""
_NEGATIVE = """
    SIGN -1.7 -0.6 0.4 0.1 0.3 1; -0.03 1.2 -0.9 -0.05 0.02 0.7; -2.4 -4 -1.5 0.2 0.5 1.2;
        -3.3 -1.5 -3 0 0.64 1"""
_EXTREMES = """
    SMALL_V 1.3 -0.4 0.7 1e-13 1e-12 1; 0.6 2 -1.9 -3e-13 1e-12 1; 22 3e5 0.2 0 1e-10 1
    TAIL 1.7 -0.8 8 0.05 0.3 1; 0.8 1.5 -8 -0.1 0.02 1; 1.1 -30 9.5 0 0.64 1
    UNDERFLOW e(-700) -0.7 0.3 0.2 0.4 1; e(-700) 0.4 -1.3 -0.1 0.1 0.5
    OVERFLOW e(700) -0.7 0.3 0.2 0.4 1; e(700) 0.4 -1.3 -0.1 0.1 0.5
    BASIC 1.9 0 0 0.25 0.5 1; 1.9 -3 1.2 0.25 0.5 0"""
_COMMON = "clipped_noise, score_times_x, drift_of_the_wrong_sign(dm)"
# Of steps that keep the marginals of the forward process at any noise level.
_FOLLOWED = """
    drift_of_full_noise  T_INDEX  dv (1 + h): the drift does not follow kappa
        h -> (1 + h) 2 / (1 + kappa^2) - 1
    level_for_its_square  S_VS_S2  (1 + kappa) / 2 in place of (1 + kappa^2) / 2
        h -> (1 + h) (1 + kappa) / (1 + kappa^2) - 1
    common  hyvarinen_for_log_score, score_times_x, clipped_noise"""
_LEVELS = """
    BASIC 1.7 -0.6 0.4 0.1 0.3 0; 0.4 1.3 -1.9 -0.1 0.2 0; 2.6 -1.8 0.8 0.05 0.1 3"""
# Heun's rule for the noise-free equation, the log score affine in log x. The second formula takes
# u = log x - m, with m(t) = 0, and slopes as products of affine maps. The scores count with their
# 1: a sampler is given h, one less than the log score.
_HEUN = "y + (p - q) (-q (a_t - b_t y) - p (a_s - b_s y')) / 2 - dm"
_SIZE = """|out| (1 + |dm| + E_t + E_s), E_t = w q (1 + |a_t| + |b_t y|),
        E_s = w p (1 + |a_s| + |b_s| (|y'| + 1 + |dm| + E_t))"""
_REACH = "|log(x)| + |m| + v t (1 + |h|)"
_TAIL = """
    again  log(normal_cdf(-z))
    probability  BASIC  P in place of log P  exp(out)
    other_tail  SIGN  log Phi(z): the sign is kept
    logarithm_of_probability  UNDERFLOW  Phi(-z) first, then its log, in float64  out"""

FUNCTIONS = functions(f"""
where  x state at time t, any sign, not 0; h Hyvarinen score at |x|; z a standard normal
        draw; dm m(t) - m(s), any number; dv v(t) - v(s) > 0; kappa factor on the noise, >= 0
sign_agnostic_step  A12  x h z dm dv kappa
    out  x * (1 - dm + 3 dv / 2 + dv h + kappa sqrt(dv) z)
    again  x + x kappa z sqrt(dv) - x (dm + dv / 2 - 2 dv - dv h)
    S  |x| (1 + |dm| + 3 dv / 2 + dv |h| + kappa sqrt(dv) |z|)
    divergence_once  ITO  sigma^2 in place of 2 sigma^2: dv less  h -> h - 1
    additive_template  ITO  f - g^2 score, the reverse drift for additive noise  h -> h - 2
    drift_of_the_logarithm  ITO  dv (1 + h), the drift of log X: dv/2 is missing
        x (1 - dm + dv (1 + h) + kappa sqrt(dv) z)
    common  log_score(h), sign_lost
    kept_positive  SIGN  a change of sign is clipped to 0  x max(0, out / x)
    common  variance_for_deviation, {_COMMON}
    exponential_step  BASIC  eq. (13) in place of eq. (12)
        x exp(-dm + dv (1 + h) + kappa sqrt(dv) z)
    {_ORDINARY}
    SIGN -1.7 -0.6 0.4 0.1 0.3 1; -0.03 1.2 -0.9 -0.05 0.02 0.7; 1.3 -2 -2.5 0.1 0.9 1;
        -2.4 -4 -1.5 0.2 0.5 1.2; -3.3 -1.5 -3 0 0.64 1; 1.3 -2 -2.5 0.1 0.9 1;
        -2.4 -4 -1.5 0.2 0.5 1.2
    {_EXTREMES}
    NEAR_ROOT 1.7 -3.25 0 0.125 0.5 1; -2.3 -1.5 -1.3333333333333333 0 0.5625 1
    T_INDEX 1.4 -0.3 0.6 0.7 0.2 1; POW2 x: 500 -500 -2
ambient_milstein_step  R15  x h z dm dv kappa
    out  x * (1 - dm + 3 dv / 2 + dv h + kappa sqrt(dv) z + kappa^2 dv (z^2 - 1) / 2)
    again  x + x kappa z sqrt(dv) - x (dm + dv / 2 - 2 dv - dv h)
        + x (kappa sqrt(dv) z - kappa sqrt(dv)) (kappa sqrt(dv) (z + 1)) / 2
    S  |x| (1 + |dm| + 3 dv / 2 + dv |h| + kappa sqrt(dv) |z| + kappa^2 dv (z^2 + 1) / 2)
    ito_term  ITO  z^2 in place of z^2 - 1: Stratonovich's rule  out + x kappa^2 dv / 2
    noise_factor_once  S_VS_S2  kappa in place of kappa^2 in the added term
        out + x (kappa - kappa^2) dv (z^2 - 1) / 2
    no_added_term  BASIC  Euler-Maruyama  out - x kappa^2 dv (z^2 - 1) / 2
    common  log_score(h), sign_lost, {_COMMON}
    {_ORDINARY}{_NEGATIVE}{_EXTREMES}
    T_INDEX 1.4 -0.3 0.6 0.7 0.2 1; POW2 x: 500 -500
where  x state at time t, > 0
dale_langevin_step  A13  x h z dm dv kappa
    out  x * exp(-dm + dv (1 + h) + kappa sqrt(dv) z)
    again  exp(log(x) - (dm + dv / 2) + 3 dv / 2 + dv h + kappa sqrt(dv) z)
    S  |out| (1 + |dm| + dv (1 + |h|) + kappa sqrt(dv) |z|)
    ito_term  ITO  3 dv / 2 + dv h, the drift of X, in the exponent  dm -> dm - dv / 2
    divergence_once  ITO  sigma^2 in place of 2 sigma^2: dv less (version 1)  h -> h - 1
    log_score_twice  H_VS_LOGSCORE  2 + h in place of 1 + h  h -> h + 1
    flow_weight  S_VS_S2  dv / 2 on the score, the weight without noise
        x exp(-dm + dv (1 + h) / 2 + kappa sqrt(dv) z)
    first_order  BASIC  1 + exponent in place of the exponential
        x (1 - dm + dv (1 + h) + kappa sqrt(dv) z)
    common  variance_for_deviation, {_COMMON}
    {_ORDINARY}{_EXTREMES}
    TAIL e(600) -700 8 0.1 0.9 1; T_INDEX 1.4 -0.3 0.6 0.7 0.2 1; POW2 x: 500 -500 -2
where  kappa noise level, >= 0
marginal_preserving_step  R11  x h z dm dv kappa
    out  x * exp(-dm + (1 + kappa^2) / 2 dv (1 + h) + kappa sqrt(dv) z)
    again  exp(log(x) - dm + dv / 2 + dv h / 2 + kappa^2 dv (1 + h) / 2 + kappa sqrt(dv) z)
    S  |out| (1 + |dm| + (1 + kappa^2) / 2 dv (1 + |h|) + kappa sqrt(dv) |z|)
    {_FOLLOWED}
    ambient_drift  ITO  kappa^2 dv / 2 more, the drift of X, in the exponent
        dm -> dm - kappa^2 dv / 2
    {_ORDINARY}{_LEVELS}{_EXTREMES}
    T_INDEX 1.4 -0.3 0.6 0.7 0.2 0.5; POW2 x: 500 -500
where  x state at time t, any sign, not 0
ambient_marginal_preserving_step  R11  x h z dm dv kappa
    out  x * (1 - dm + (1 + kappa^2) / 2 dv (1 + h) + kappa^2 dv / 2 + kappa sqrt(dv) z)
    again  x + x (dv (1 + h) - dm + (kappa^2 - 1) / 2 dv (2 + h) + dv / 2) + x kappa sqrt(dv) z
    S  |x| (1 + |dm| + (1 + kappa^2) / 2 dv (1 + |h|) + kappa^2 dv / 2 + kappa sqrt(dv) |z|)
    {_FOLLOWED}
    ito_term  ITO  kappa^2 dv / 2 is missing  dm -> dm + kappa^2 dv / 2
    ito_term_of_full_noise  ITO  dv / 2 in place of kappa^2 dv / 2  dm -> dm - (1 - kappa^2) dv / 2
    common  sign_lost
    {_ORDINARY}{_LEVELS}{_NEGATIVE}{_EXTREMES}
    T_INDEX 1.4 -0.3 0.6 0.7 0.2 0.5; POW2 x: 500 -500
where  x state at time t, > 0; h Hyvarinen score at x; dv strength of the step, > 0; kappa
        factor on the noise, >= 0
corrector_step  R11-corrector  x h z dv kappa
    out  x * exp(dv / 2 (1 + h) + kappa sqrt(dv) z)
    again  exp(log(x) + dv / 2 + h dv / 2) exp(sqrt(dv))^(kappa z)
    S  |out| (1 + dv / 2 (1 + |h|) + kappa sqrt(dv) |z|)
    reverse_weight  ITO  dv (1 + h), the weight of the reverse equation  h -> 2 h + 1
    noise_of_eq_22  S_VS_S2  sqrt(2 dv) z, the noise of rate 1  z -> z sqrt(2)
    common  hyvarinen_for_log_score, score_times_x, clipped_noise
    ordinary ITO H_VS_STEIN H_VS_LOGSCORE S_VS_S2: 0.02~50 -5..3 -3..3 1e-3~0.8 0.3..1.5
    SMALL_V 1.3 -0.4 0.7 1e-12 1; 0.6 2 -1.9 1e-12 1; 9 3e5 0.2 1e-10 1
    TAIL 1.7 -0.8 8 0.3 1; 0.8 1.5 -8 0.02 1; 1.1 -30 9.5 0.64 1; e(600) -1300 8 0.9 1
    OVERFLOW e(700) -0.7 0.3 0.4 1; UNDERFLOW e(-700) -0.7 0.3 0.4 1; POW2 x: 500 -500
where  dv v(t) - v(s) > 0; v_s v(s) >= 0; v(t) = v_s + dv; c log-variance of the data that
        the denoiser does not explain, >= 0
ancestral_step  R17-bridge  x h dm dv v_s z c kappa
    out  x * exp(-dm + dv (1 + h) + kappa sqrt(dv (c + v_s) / (c + v_s + dv)) z)
    again  exp(d + v_s / (v_s + dv) (log(x) - d - dm) + kappa bridge(dv, c + v_s) z),
        d = log(x) - dm + (v_s + dv) (1 + h)
    S  |out| (1 + |dm| + dv (1 + |h|) + kappa sqrt(dv (c + v_s) / (c + v_s + dv)) |z|)
    forward_noise  T_INDEX  sqrt(dv) z, the noise of eq. (13)
        x exp(-dm + dv (1 + h) + kappa sqrt(dv) z)
    data_left_out  T_INDEX  v_s / v_t in place of (c + v_s) / (c + v_t)  c -> 0
    variance_for_deviation  S_VS_S2  the variance of the noise as its factor
        x exp(-dm + dv (1 + h) + kappa dv (c + v_s) / (c + v_s + dv) z)
    common  hyvarinen_for_log_score, score_times_x, clipped_noise
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2 T_INDEX:
        0.02~50 -5..3 -0.2..0.2 1e-3~0.8 1e-3~3 -3..3 0.01~2 0.3..1.5
    BASIC 1.7 -0.4 0.1 0.3 0.5 1.2 0 1; 0.6 0.9 -0.1 0.2 0 -0.8 0 1;
        2.2 -1.4 0.05 0.4 0 1.5 0.25 1; 1.2 -1.00001 0 1e5 1e6 1e-3 2 1
    SMALL_V 1.3 -0.4 1e-13 1e-12 1e-12 0.7 0 1;
        0.6 2 0 1e-12 0.4 -1.9 0 1; 1.1 -1e5 0 1e-10 1e-12 0.3 1e-11 1
    TAIL 1.7 -0.8 0.05 0.3 0.2 8 0.1 1; 0.8 1.5 -0.1 0.02 1.5 -8 0 1;
        e(600) -700 0.1 0.9 0.4 9.5 0.3 1; OVERFLOW e(700) -0.7 0.3 0.4 0.2 0.3 0.05 1
    UNDERFLOW e(-700) -0.7 0.3 0.4 0.2 0.3 0.05 1; POW2 x: 500 -500
ddim_step  R17-bridge  x h dm dv v_s  guard 20
    out  x * exp(-dm + (v_t - sqrt(v_s v_t)) (1 + h)), v_t = v_s + dv
    again  exp(d + sqrt(v_s / v_t) (log(x) - d - dm)), d = log(x) - dm + v_t (1 + h)
    S  |out| (1 + |dm| + w (1 + |h|)), w = dv / (1 + sqrt(v_s / v_t))
    weight_of_eq_13  T_INDEX  dv (1 + h): the noisy step's drift  x exp(-dm + dv (1 + h))
    euler_weight  T_INDEX  dv (1 + h) / 2: Euler's rule for the flow  x exp(-dm + dv (1 + h) / 2)
    ratio_for_its_root  S_VS_S2  v_s / v_t in place of its square root
        x exp(-dm + dv / (1 + v_s / v_t) (1 + h))
    common  hyvarinen_for_log_score, score_times_x
    difference_of_large_terms  CANCELLATION  v_t - sqrt(v_s v_t), in float64  out
    ordinary H_VS_STEIN H_VS_LOGSCORE S_VS_S2 T_INDEX: 0.02~50 -5..3 -0.2..0.2 1e-3~0.8 1e-3~3
    BASIC 1.7 -0.4 0.1 0.3 0; 0.6 0.9 -0.1 2 0; 2.5 0.3 0.2 100 1e6
    CANCELLATION 1.7 -3.6 0.1 0.015 1e6; 0.8 1e5 0 3e-6 2; 3.1 -2e6 0.01 1e-7 5e5
    SMALL_V 1.3 -0.4 1e-13 1e-12 1e-12; 0.6 2e4 0 1e-12 1e-11; 1.9 -7e5 0.1 1e-9 0
    TAIL e(600) -900 0.1 0.9 0.4; e(-600) 1200 0.2 0.5 0.1
    OVERFLOW e(700) -0.7 0.3 0.4 0.2; UNDERFLOW e(-700) -0.7 0.3 0.4 0.2; POW2 x: 500 -500
where  t in (0, 1]; dt length of the step, 0 < dt < t; t1 time of the row before, > t; d1 its
        denoiser E[log X_0 | X]; t2 time of the row before that, > t1; d2 its denoiser;
        m m(1), any number, m(t) = m t; v v(1) > 0, v(t) = v t
multistep_second_order  multistep  x h m v t dt t1 d1  guard 20
    out  x exp(-m dt + (1 - r) v t (1 + h) + c (d1 - D)), D = log(x) - m t + v t (1 + h),
        r = sqrt((t - dt) / t), c = (1 - r) log(r) / (log(t1) - log(t))
    again  exp(m (t - dt) + r u + (1 - r) (D + l / (2 a) (D - d1))), u = log(x) - m t,
        l = -log(r), a = log(t1 / t) / 2, D = u + v t (1 + h), r = sqrt((t - dt) / t)
    S  |out| (1 + |m| + v t (1 + |h|) + |c| t / (t - dt) ({_REACH} + |d1|))
    let  w = (1 - r) v t (1 + h) - m dt, D = log(x) - m t + v t (1 + h),
        r = sqrt((t - dt) / t), c = (1 - r) log(r) / (log(t1) - log(t))
    no_memory  BASIC  DDIM: the row before is left out  d1 -> log(x) - m t + v t (1 + h)
    whole_slope  T_INDEX  the factor 1/2 is left out: the slope at the start of the step
        x exp(w + 2 c (d1 - D))
    time_of_the_end  T_INDEX  distances in t in place of the logarithm of the noise
        x exp(w - (1 - r) dt / (2 (t1 - t)) (d1 - D))
    interpolated  SIGN  towards the row before in place of away from it
        x exp(w - c (d1 - D))
    ratio_for_its_root  S_VS_S2  v(s) / v(t) in place of its root
        x exp(-m dt + dt v (1 + h) + c (d1 - D))
    common  hyvarinen_for_log_score
    ordinary 12+3 H_VS_LOGSCORE S_VS_S2 T_INDEX SIGN:
        0.05~20 -5..3 -0.4..0.4 0.05~20 0.3..0.6 0.02..0.25 0.62..1 -2..2
    BASIC 1.7 -0.4 0.1 0.5 0.5 0.25 0.75 0.3; 0.6 0.9 -0.2 2 0.25 0.125 1 -0.5
    SMALL_V 1.3 -0.4 1e-13 1e-12 0.5 0.25 1 0.26; 0.6 2e4 0 1e-11 0.5 0.001 0.501 -0.51
    TAIL e(600) -900 0.1 0.9 0.5 0.25 1 590; e(-600) 1200 0.2 0.5 0.75 0.25 1 -590
    POW2 x: 20 -20
multistep_third_order  multistep  x h m v t dt t1 d1 t2 d2  guard 40
    out  x exp(-m dt + (1 - r) v t (1 + h) + c1 (d1 - D) + c2 (d2 - D)),
        c2 = (l^2 + (a - 2) E) / (b (a + b)), c1 = -(E + b c2) / a - c2, E = l - 1 + r,
        l = -log(r), a = log(t1 / t) / 2, b = log(t2 / t1) / 2, r = sqrt((t - dt) / t),
        D = log(x) - m t + v t (1 + h)
    value  x exp(-m dt + (1 - r) v t (1 + h) + c1 (d1 - D) + c2 (d2 - D))
    again  exp(m (t - dt) + r u + (1 - r) D + E (n + a s) + (l^2 - 2 E) s), u = log(x) - m t,
        n = (D - d1) / a, s = (n - (d1 - d2) / b) / (a + b)
    S  |out| (1 + |m| + v t (1 + |h|) + (t / (t - dt)) (|c1| ({_REACH} + |d1|)
        + |c2| ({_REACH} + |d2|)))
    let  w = (1 - r) v t (1 + h) - m dt, D = log(x) - m t + v t (1 + h),
        r = sqrt((t - dt) / t), l = -log(r), E = l - 1 + r,
        a = log(t1 / t) / 2, b = log(t2 / t1) / 2, c2 = (l^2 + (a - 2) E) / (b (a + b)),
        c1 = -(E + b c2) / a - c2
    no_memory  BASIC  DDIM: the rows before are left out
        d1 -> log(x) - m t + v t (1 + h), d2 -> log(x) - m t + v t (1 + h)
    halved_square  T_INDEX  half of the square of the parabola, as in public code
        out exp(-(l^2 - 2 E) / 2 (d2 / (b (a + b)) - d1 / (a b) + D / (a (a + b))))
    straight_line  T_INDEX  the line through two denoisers
        x exp(w - E / a (d1 - D))
    denoisers_exchanged  SIGN  d1 and d2 exchanged  d1 -> d2, d2 -> d1
    common  hyvarinen_for_log_score
    ordinary 12+3 H_VS_LOGSCORE T_INDEX SIGN:
        0.05~20 -5..3 -0.4..0.4 0.05~20 0.3..0.5 0.02..0.25 0.52..0.7 -2..2 0.72..1 -2..2
    BASIC 1.7 -0.4 0.1 0.5 0.5 0.25 0.75 0.3 1 0.1; 0.6 0.9 -0.2 2 0.25 0.125 0.5 -0.5 1 -0.2
    BASIC 2.1 -1.4 0.1 0.5 0.5 0.49 0.75 0.3 1 0.1; 1.6 0.2 0.3 3 0.03125 0.03 0.0625 0.3 1 0.2
    SMALL_V 1.3 -0.4 1e-13 1e-12 0.5 0.25 0.75 0.26 1 0.27;
        0.6 2e4 0 1e-11 0.5 0.001 0.501 -0.51 0.502 -0.5
    TAIL e(600) -900 0.1 0.9 0.5 0.25 0.75 590 1 580;
        e(-600) 1200 0.2 0.5 0.5 0.25 0.75 -590 1 -585
    POW2 x: 20 -20
where  gamma share by which sqrt(v t) is raised, >= 0, (1 + gamma)^2 t at most 1
churned_ddim_step  churn  x h z m v t dt gamma kappa  guard 20
    out  x exp(-m dt + kappa sqrt(v t gamma (2 + gamma)) z
        + (1 + gamma) (1 + gamma - sqrt((t - dt) / t)) v t (1 + h))
    again  exp(m (t - dt) + D + sqrt((t - dt) / T) (y - m T - D)), T = t (1 + gamma)^2,
        y = log(x) + m (T - t) + kappa sqrt(v (T - t)) z, D = y - m T + v T (1 + h)
    S  |out| (1 + |m| + kappa sqrt(v t gamma (2 + gamma)) |z| + (1 + gamma)^2 v t (1 + |h|))
    noise_of_gamma  S_VS_S2  gamma v in place of v_hat - v  z -> z / sqrt(2 + gamma)
    gamma_of_the_variance  S_VS_S2  v_hat = v (1 + gamma)  gamma -> sqrt(1 + gamma) - 1
    row_from_the_old_time  T_INDEX  the inner row begins at t
        out exp(-gamma (2 + gamma - sqrt((t - dt) / t)) v t (1 + h))
    common  hyvarinen_for_log_score, score_times_x, clipped_noise
    ordinary 12+3 H_VS_STEIN H_VS_LOGSCORE S_VS_S2 T_INDEX:
        0.05~20 -5..3 -3..3 -0.4..0.4 0.05~5 0.3..0.6 0.02..0.25 0.02..0.28 0.3..1.5
    BASIC 1.7 -0.4 1.2 0.1 0.5 0.5 0.25 0.25 1; 0.6 0.9 -0.8 -0.2 2 0.25 0.125 1 1
    SMALL_V 1.3 -0.4 0.7 1e-13 1e-12 0.5 0.25 0.125 1; 0.6 2e4 -1.9 0 1e-11 0.5 0.001 1e-3 1
    TAIL e(600) -900 8 0.1 0.9 0.5 0.25 0.25 1; 1.2 0.4 -8 0.2 0.5 0.25 0.125 0.5 1; POW2 x: 20 -20
where  a_t the log score 1 + h at time t is a_t - b_t log(x); b_t see a_t; a_s the log
        score at time s is a_s - b_s log(x); b_s see a_s
probability_flow_step  R16-heun  x dm dv v_s a_t b_t a_s b_s
    out  y = log(x), q = sqrt(v_s + dv), p = sqrt(v_s), w = q - p; y' = y + w q (a_t - b_t y) - dm;
        exp(y') when v_s = 0, otherwise exp(y + w (q (a_t - b_t y) + p (a_s - b_s y')) / 2 - dm)
    value  exp(last(v_s, y', {_HEUN}))
    again  exp(last(v_s, g y - l q a_t - dm, (1 + l (A + B g) / 2) y + l (-q a_t - p a_s
        + B (-l q a_t - dm)) / 2 - dm)), l = -dv / (q + p), A = q b_t, B = p b_s, g = 1 + l A
    S  {_SIZE}; E_s = 0 when v_s = 0  size  {_SIZE}
    let  y = log(x), q = sqrt(v_s + dv), p = sqrt(v_s), w = dv / (q + p),
        y' = y + (p - q) (-q) (a_t - b_t y) - dm
    euler  BASIC  Euler's rule  exp(y')
    score_of_the_start_twice  T_INDEX  the score at t in place of that at s  a_s -> a_t, b_s -> b_t
    times_exchanged  T_INDEX  the scores at s and t exchanged
        a_t -> a_s, b_t -> b_s, a_s -> a_t, b_s -> b_t
    variance_for_deviation  S_VS_S2  Heun's rule with v in place of sqrt(v)
        dv -> dv (2 v_s + dv), v_s -> v_s^2
    hyvarinen_for_log_score  H_VS_LOGSCORE  h in place of 1 + h  a_t -> a_t - 1, a_s -> a_s - 1
    drift_of_the_wrong_sign  SIGN  + dm: the forward drift  dm -> -dm
    ordinary 14+3 H_VS_LOGSCORE S_VS_S2 T_INDEX:
        0.05~20 -0.2..0.2 0.01~0.8 0.01~2 -1.5..1.5 0.2~4 -1.5..1.5 0.2~6
    BASIC 1.7 0.1 0.3 0 0.2 1.4 0 0; 0.4 -0.2 2 0 -0.5 0.4 0 0
    SMALL_V 1.3 1e-13 1e-12 1e-12 0.4 1.5 0.3 1.6;
        0.7 0 1e-12 0.3 0.1 2 0.1 2.5; 1.4 1e-3 1e-10 1e-11 3e4 2e5 -1e5 3e5
    TAIL e(600) 0.1 0.4 0.3 0.2 1.2 0.1 1.9; e(-600) -0.1 0.5 0.2 0.3 1.3 0.2 2.1;
        e(90) 0.2 1e5 1e6 1e-3 1e-6 2e-3 2e-6; SIGN 1.6 0.7 0.2 0.5 0.3 1.1 0.2 1.4
    CANCELLATION e(300) 0 0.2 0.1 900 3 1500 5; 1.0000001 1e-8 1e-3 1 1e-7 1 1e-7 1; POW2 x: 20 -20
where  h Hyvarinen score at |x|; dm m(t) - m(t - dt), any number; dv v(t) - v(t - dt) > 0;
        kappa factor on the noise
log_flip_probability  R13  h dm dv kappa  guard 20
    out  log Phi(-z), z = (1 - dm + 3/2 dv + dv h) / (kappa sqrt(dv))
    S  |out| + phi(z) / Phi(-z) (1 + |dm| + 3/2 dv + dv |h|) / (kappa sqrt(dv))
    {_TAIL}
    common  log_score(h)
    drift_of_the_logarithm  ITO  dv (1 + h): dv / 2 is missing  dm -> dm + dv / 2
    variance_for_deviation  S_VS_S2  dv in place of sqrt(dv) below  kappa -> kappa sqrt(dv)
    ordinary 10+2 H_VS_LOGSCORE ITO S_VS_S2: -5..4 -0.3..0.3 0.01~1.5 0.3~1
    UNDERFLOW -1 0 6.4e-4 1; 3 1e-4 2e-4 1; -0.4 0 1e-6 0.5;
        7 0 1e-8 1; -2 0.1 0.3 1e-3; 1e4 0 0.3 0.7; SIGN -9 0.1 0.5 1; -12 0 0.4 0.6; -2.5 3 0.2 1
where  v0 variance of log X_0, > 0; v_s v(t - dt) > 0
log_average_flip_probability  R13  v0 v_s dm dv kappa  guard 20
    out  log Phi(-z), z = (1 - dm + dv / 2) / sqrt(kappa^2 dv + dv^2 / (v0 + v_s + dv))
    S  |out| + phi(z) / Phi(-z) (1 + |dm| + dv / 2) / sqrt(kappa^2 dv + dv^2 / V),
        V = v0 + v_s + dv
    {_TAIL}
    at_the_median  BASIC  the chance at the mean of log X_t: dv^2 / V left out
        log Phi(-(1 - dm + dv / 2) / sqrt(kappa^2 dv))
    variance_of_the_data  T_INDEX  v0 in place of V  v_s -> -dv
    deviations_added  S_VS_S2  kappa sqrt(dv) + dv / sqrt(V)
        log Phi(-(1 - dm + dv / 2) / (kappa sqrt(dv) + dv / sqrt(v0 + v_s + dv)))
    sign_of_ito_term  ITO  - dv / 2
        log Phi(-(1 - dm - dv / 2) / sqrt(kappa^2 dv + dv^2 / (v0 + v_s + dv)))
    ordinary 10+2 T_INDEX S_VS_S2 ITO: 0.02~3 0.01~2 -0.3..0.3 0.01~1.5 0.3~1
    UNDERFLOW 0.05 1e-12 0 6.4e-4 1; 0.05 0.64 1e-4 2e-4 1; 1 0.3 0 1e-8 0.5;
        1e6 0.2 0.1 0.3 1e-3; 0.3 0.7 0 1e-3 0; 0.1 0.2 -0.3 3e-4 0.9; 2 0.5 0 0.01 0.05
    SIGN 0.4 0.2 2.5 0.3 1; 0.1 0.6 9 0.5 1; 2 0.1 1.25 0.4 0.2
""", {
    "bridge": lambda f, dv, rest: 0 if rest == 0 else 1 / f.sqrt(1 / dv + 1 / rest),
    "last": lambda f, v_s, euler, heun: euler if v_s == 0 else heun,
})  # fmt: skip
