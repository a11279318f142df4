"""Laws of log X after whole grids, on log-normal data with exact scores.

N equal steps, L steps at one level, and the limit of annealed grids for many steps."""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number, whole
from spec.vectors.tables import functions

_STEPS = "1,2,3,8,20,5,30,13"
_GAIN = "let  N = n, h = v / N, g = prod_{k=1}^N (1 - h / (2 (v0 + h k)))"


def _gain_by_gamma(f: Arithmetic, v0: mpf, v: mpf, n: mpf) -> mpf:
    """The product g by gamma functions."""
    with mpmath.extradps(20):
        r, half = v0 * n / v, mpf(1) / 2
        return mpmath.gammaprod([r + n + half, r + 1], [r + half, r + n + 1])


_MEAN_MISTAKES = f"""
    {_GAIN}
    common  drift_of_the_wrong_sign
    drift_kept  BASIC  a + m in place of a  out + m
    common  deviation_for_variance
    data_mean  BASIC  a
    start_mean  TAIL  b"""
_MEAN_CASES = f"""
    ordinary 11+3 T_INDEX S_VS_S2 SIGN: -2..2 0.02~4 -0.7..0.7 0.1~4 {_STEPS} -2..2
    TAIL 300 0.4 2 0.6 5 -100; 0.3 1e6 0.2 0.5 9 0.1; 0.3 0.2 5 1e6 6 900
    BASIC 0.5 1e-12 0.1 0.64 12 0.7; 0.3 0.05 0 0.64 100 0.9"""


def _trigamma(f: Arithmetic, x: Number) -> Number:
    """psi_1, in the precision of x."""
    return type(x)(mpmath.psi(1, mpf(x)))


def _step_by_step(f: Arithmetic, v0: Number, v: Number, n: Number, q: Number) -> Number:
    """The variance carried from level k to k - 1 by the ancestral step."""
    h, var = v / n, q
    for k in range(whole(n), 0, -1):
        var = ((v0 + h * (k - 1)) / (v0 + h * k)) ** 2 * var + h * (k - 1) / k
    return var


_LATER_STEPS = """
    deviation_for_variance  S_VS_S2  sqrt(v) in place of v  v -> sqrt(v), q -> sqrt(q)
    one_step_more  T_INDEX  N + 1 steps  n -> n + 1"""
_VAR_CASES = f"""
    ordinary 13+3 T_INDEX S_VS_S2: 0.02~4 0.1~4 {_STEPS} 0.05~6
    TAIL 1e6 0.3 4 0.2; 1e6 2e-3 30 1e-4; T_INDEX 0.05 1e6 7 1e6; TAIL 3 1e-12 6 1e-13
    SMALL_V 1e-12 0.64 10 0.64; 1e-12 3e-12 40 2e-12; BASIC 0.05 0.64 100 0.69"""
_TRIGAMMAS = "(v0 / (v0 + v))^2 q + v0 r (trigamma(r) - trigamma(r + n)), r = v0 n / v"


def _mean_looped(f: Arithmetic, a: mpf, v0: mpf, *rest: mpf) -> mpf:
    v_s, dm, dv, n, b = rest
    for _ in range(whole(n)):
        b = b - dm - dv * (b - a - dm) / (v0 + v_s + dv)
    return b


def _var_looped(f: Arithmetic, v0: mpf, v_s: mpf, dv: mpf, n: mpf, kappa: mpf, q: mpf) -> mpf:
    for _ in range(whole(n)):
        q = ((v0 + v_s) / (v0 + v_s + dv)) ** 2 * q + kappa**2 * dv
    return q


def _growth(f: Arithmetic, v0: Number, v: Number, exponent: Number) -> Number:
    """((1 + v / v0)^exponent - 1) / exponent."""
    if exponent == 0:
        return f.log(1 + v / v0)
    return (f.power(1 + v / v0, exponent) - 1) / exponent


def _integral(f: Arithmetic, v0: mpf, v: mpf, exponent: mpf) -> mpf:
    """Of (v0 / u)^exponent over [v0, v0 + v], from its antiderivative."""
    with mpmath.extradps(40):
        if exponent == 1:
            return v0 * (mpmath.log(v0 + v) - mpmath.log(v0))
        ends = [u * (v0 / u) ** exponent for u in (v0, v0 + v)]
        return (ends[1] - ends[0]) / (1 - exponent)


_SPEEDS = "1,0.5,0.2,2,0.75,3,1.5"
FUNCTIONS = functions(f"""
where  a mean of log X_0; v0 variance of log X_0, > 0; m m(T), any number; v v(T) > 0; n
        number of steps N, a whole number; b mean of log X_T at the start
dale_langevin_law_log_mean  R8-closed  a v0 m v n b
    out  a + v0 / (v0 + v) (b - a - m), for any N
    again  (v a + v0 (b - m)) / (v0 + v)  S  |a| + v0 / (v0 + v) (|b| + |a| + |m|)
    {_MEAN_MISTAKES}
    euler_flow  T_INDEX  the gain of the flow  a + g (b - a - m)
    {_MEAN_CASES}
euler_flow_law_log_mean  R16-leading  a v0 m v n b
    out  a + g (b - a - m), g the product over k = 1 .. N of 1 - h / (2 (v0 + h k)), h = v / N
    again  a + gain_by_gamma(v0, v, n) (b - a - m)  S  |a| + g (1 + |log g|) (|b| + |a| + |m|)
    {_MEAN_MISTAKES}
    dale_langevin  T_INDEX  the gain v0 / (v0 + v)  a + v0 / (v0 + v) (b - a - m)
    {_MEAN_CASES}
where  q variance of log X_T at the start, >= 0
dale_langevin_law_log_var  R9-closed  v0 v n q
    out  (v0 / (v0 + v))^2 q + h sum_{{j=0}}^{{N-1}} (v0 / (v0 + h j))^2, h = v / N
    again  {_TRIGAMMAS}  let  N = n
    {_LATER_STEPS}
    gain_once  BASIC  gain q in place of gain^2 q  q -> q (v0 + v) / v0
    exact_law  BASIC  v0, as if the steps were exact
    noise_free_last_step  SMALL_V  the term j = 0 left out  out - v / n
    difference_of_trigammas  TAIL  v0^2 / h (psi_1(v0 / h) - psi_1(v0 / h + N)), in float64
        {_TRIGAMMAS}
    {_VAR_CASES}
ancestral_law_log_var  R17-closed  v0 v n q
    out  (v0 / (v0 + v))^2 q + h sum_{{j=1}}^{{N-1}} j / (j + 1) (v0 / (v0 + h j))^2, h = v / N
    again  step_by_step(v0, v, n, q)  let  N = n
    {_LATER_STEPS}
    exact_law  BASIC  v0, as if the steps were exact
    dale_langevin  SMALL_V  the law of DaleLangevin, whose last step has noise
        (v0 / (v0 + v))^2 q + h sum_{{j=0}}^{{N-1}} (v0 / (v0 + h j))^2
    variance_added  TAIL  no factor j / (j + 1)
        (v0 / (v0 + v))^2 q + h sum_{{j=1}}^{{N-1}} (v0 / (v0 + h j))^2
    {_VAR_CASES}
where  q variance of log X_T at the start, > 0
euler_flow_law_log_var  R16-leading  v0 v n q
    out  g^2 q, g the product over k = 1 .. N of 1 - h / (2 (v0 + h k)), h = v / N
    again  gain_by_gamma(v0, v, n)^2 q  S  out (1 + 2 |log g|)
    {_GAIN}
    {_LATER_STEPS}
    gain_once  BASIC  g q
    exact_flow  BASIC  v0 q / (v0 + v): N = infinity
    whole_score  TAIL  no factor 1/2: the gain of DaleLangevin  (v0 / (v0 + v))^2 q
    {_VAR_CASES}
where  a mean of log X_t, less dm; v_s v(t - dt) > 0; dm m(t) - m(t - dt), any number;
    dv v(t) - v(t - dt) > 0; n number of steps L, a whole number; b mean of log X before the loop
inner_loop_law_log_mean  R10-loop  a v0 v_s dm dv n b  guard 30
    out  a + dm + alpha^L (b - a - dm) - dm (1 - alpha^L) / (1 - alpha),
        alpha = (v0 + v_s) / (v0 + v_s + dv)
    again  mean_looped(a, v0, v_s, dm, dv, n, b)
    S  |a| + |dm| (1 + (1 - alpha^L) / (1 - alpha)) + alpha^L (1 + L (1 - alpha) / alpha)
        (|b| + |a| + |dm|)
    let  L = n
    one_step_more  T_INDEX  L + 1  n -> n + 1
    drift_once  BASIC  - dm for the whole loop  a + alpha^L (b - a - dm)
    drift_of_the_wrong_sign  SIGN  + dm  dm -> -dm
    deviation_for_variance  S_VS_S2  sqrt(dv) in place of dv  dv -> sqrt(dv)
    stationary  TAIL  a + dm: L = infinity without drift
    ordinary 11+3 T_INDEX SIGN S_VS_S2: -2..2 0.02~3 0.05~2 -0.3..0.3 0.01~1 {_STEPS} -2..2
    TAIL 300 0.3 0.2 0.1 0.05 7 -400; 0.2 1e6 0.4 1e-3 0.3 25 0.7; 0.3 0.02 1e-3 0.2 1e5 3 40
    T_INDEX 0.3 1e-12 3e-12 1e-6 2e-12 12 0.31; -0.2 0.5 0.6 1e-4 1e-5 100 0.9
where  kappa factor on the noise, >= 0; q variance of log X before the loop, >= 0
inner_loop_law_log_var  R10-loop  v0 v_s dv n kappa q  guard 30
    out  alpha^(2L) q + kappa^2 dv (1 - alpha^(2L)) / (1 - alpha^2),
        alpha = (v0 + v_s) / (v0 + v_s + dv)
    again  var_looped(v0, v_s, dv, n, kappa, q)
    S  out + 2 L (1 - alpha) / alpha alpha^(2L) q  let  L = n
    one_step_more  T_INDEX  L + 1  n -> n + 1
    noise_not_squared  S_VS_S2  kappa dv  kappa -> sqrt(kappa)
    gain_once  BASIC  alpha^L in place of alpha^(2L)  n -> n / 2
    stationary  TAIL  L = infinity  kappa^2 dv / (1 - alpha^2)
    difference_of_powers  SMALL_V  1 - alpha^(2L) over 1 - alpha^2, in float64  out
    ordinary 13+3 T_INDEX S_VS_S2: 0.02~3 0.05~2 0.01~1 {_STEPS} 0.2~0.9 0.05~5
    TAIL 0.3 0.2 0.05 7 0.5 1e6; 0.02 0.1 1e3 1 1 1e12; 3 0.5 0.2 4 0 2
    SMALL_V 1e6 0.4 1e-4 9 1 1e-3; 0.7 0.3 1e-12 20 0.9 1e-12; 2 0.1 1e-9 100 1 3e-9
    BASIC 1e-12 2e-12 1e-12 8 0.8 1e-12
where  a mean of log X_0; rho speed, > 0; b mean of log X_T at the start
annealed_limit_law_log_mean  R10-limit  a v0 m v rho b  guard 30
    out  a + (1 + v / v0)^(-rho) (b - a - m) + m v0 / v ((1 + v / v0)^(1 - rho) - 1)
    again  a + (v0 / (v0 + v))^rho (b - a - m) + m / v (1 - rho) integral(v0, v, rho)
    S  |a| + g (1 + rho W) (|b| + |a| + |m|) + |m| v0 / v |e^((1 - rho) W) - 1|
        (1 + |1 - rho| W), W = log(1 + v / v0), g = e^(-rho W)
    no_drift  T_INDEX  the last term left out  a + (1 + v / v0)^(-rho) (b - a - m)
    drift_of_the_wrong_sign  SIGN  - m for m  m -> -m
    full_speed  BASIC  rho = 1  rho -> 1
    half_speed  BASIC  rho / 2  rho -> rho / 2
    common  deviation_for_variance
    ordinary 15+3 SIGN S_VS_S2: -2..2 0.02~3 -1..1 0.1~4 {_SPEEDS} -2..2
    T_INDEX 0.3 0.4 0.6 0.9 1.25 0.2; -0.7 1e-6 0.3 0.64 0.3 0.5; 200 2 -3 0.1 1.0000001 -100;
        0.1 0.2 0.4 1e6 0.6 30
where  q variance of log X_T at the start, >= 0
annealed_limit_law_log_var  R10-limit  v0 v rho q  guard 30
    out  (1 + v / v0)^(-2 rho) q + rho v0 ((1 + v / v0)^(1 - 2 rho) - 1) / (1 - 2 rho),
        and log(1 + v / v0) v0 / 2 for the second term where rho = 1/2
    value  (1 + v / v0)^(-2 rho) q + A
    again  (v0 / (v0 + v))^(2 rho) q + rho integral(v0, v, 2 rho)
    S  (1 + v / v0)^(-2 rho) q (1 + 2 rho W) + A (1 + |1 - 2 rho| W), W = log(1 + v / v0),
        A the second term
    let  A = rho v0 growth(v0, v, 1 - 2 rho)
    gain_once  BASIC  (1 + v / v0)^(-rho) q  q -> q (1 + v / v0)^rho
    data_law  BASIC  v0
    noise_of_full_speed  T_INDEX  no factor rho on the noise  out + A (1 - rho) / rho
    common  deviation_for_variance
    difference_of_powers  CANCELLATION  the formula as it is, in float64  out
    ordinary 17+3 S_VS_S2: 0.02~3 0.1~4 {_SPEEDS} 0.05~5
    CANCELLATION 0.3 0.7 0.50000001 0.2; 1e5 1e-3 0.8 1e-4; 2 1e-9 1.3 1e-10
    T_INDEX 1e-6 0.64 0.3 0.5; 0.02 1e6 0.7 1e6; 1e-12 3e-12 2.5 2e-12
""", {
    "growth": _growth, "integral": _integral, "gain_by_gamma": _gain_by_gamma,
    "trigamma": _trigamma, "step_by_step": _step_by_step, "mean_looped": _mean_looped,
    "var_looped": _var_looped,
})  # fmt: skip
