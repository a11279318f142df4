"""Divergences of normal laws of log X, on a line, in the plane and of paths, and likelihoods."""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number, whole
from spec.vectors.tables import functions, spread

# In the plane: covariances P and Q, s the shift of the means. `factors` is the divergence of the
# first coordinate and of the second given the first. In S, `added` is the size of the rounding of
# P - Q and of the shift, in units of their last place; the derivative of the variances' part is at
# most I(P) |P - Q| |d(Q^-1 P)|.
_PLANE = """
    dP = P11 P22 - P12^2, dQ = Q11 Q22 - Q12^2, square = (Q22 s1^2 - 2 Q12 s1 s2 + Q11 s2^2) / dQ,
    trace = (Q22 (P11 - Q11) - 2 Q12 (P12 - Q12) + Q11 (P22 - Q22)) / dQ,
    kl = (trace - log(dP / dQ) + square) / 2,
    rP = P22 - P12 / P11 P12, rQ = Q22 - Q12 / Q11 Q12,
    turned = (P12 / P11 - Q12 / Q11)^2 P11 + (s2 - Q12 / Q11 s1)^2,
    factors = (P11 / Q11 - 1 - log(P11 / Q11) + s1^2 / Q11
    + rP / rQ - 1 - log(rP / rQ) + turned / rQ) / 2,
    iP = (P11 + P22) / dP, iQ = (Q11 + Q22) / dQ, gap = |P11 - Q11| + 2 |P12 - Q12| + |P22 - Q22|,
    bound = kl + iQ (iP gap^2 + s1^2 + s2^2 + added (iP gap + |s1| + |s2|))"""
_SWAP = "P11 -> Q11, P12 -> Q12, P22 -> Q22, Q11 -> P11, Q12 -> P12, Q22 -> P22"
_SIZES = "I(A) = (A11 + A22) / det A, |A| = |A11| + 2 |A12| + |A22|"
_ENTRIES = "a1 a2 p11 p12 p22 b1 b2 q11 q12 q22"
_END, _DATA = "a1 a2 c11 c12 c22 m v b1 b2 q11 q12 q22", "a1 a2 c11 c12 c22 v"
_TURN, _TURN_3 = (0.5, -0.25, 0.875, 0.0, -0.75, 0.125), (0.5, 0.75, -0.5)
Row = dict[str, float]


def _drawn(rows: int, correlations: tuple[float, ...], size: float = 1.0) -> list[Row]:
    """Two laws with the correlations in turn; `size` scales how far p is from q."""
    mean, var = "-1.5..1.5", "0.1~3"
    box, names = f"{mean} {mean} {var} {var} " * 2, "a1 a2 p11 p22 b1 b2 q11 q22".split()
    made: list[Row] = []
    for i, at in enumerate(spread(rows, names, box)):
        one, other = (correlations[(i + j) % len(correlations)] for j in (0, 2))
        q12 = float(other * mpmath.sqrt(at["q11"] * at["q22"]))
        near = {
            "p11": at["q11"] * (1 + size * at["a1"]), "p22": at["q22"] * (1 - size),
            "a1": at["b1"] + size * at["a2"], "a2": at["b2"], "p12": q12 * (1 + size),
        }  # fmt: skip
        far = {"p12": float(one * mpmath.sqrt(at["p11"] * at["p22"]))}
        made.append({**at, "q12": q12, **(near if size < 1.0 else far)})
    return made


def _noised(rows: list[Row]) -> list[Row]:
    """Data with covariance P and steps of the process in turn."""
    return [{
        **row, "c11": row["p11"], "c12": row["p12"], "c22": row["p22"],
        "m": (0.3, -0.45, 0.125, 0.7)[i % 4], "v": (0.64, 0.2, 1.7, 0.05, 3.0)[i % 5],
    } for i, row in enumerate(rows)]  # fmt: skip


def _nearly_exact(rows: list[Row]) -> list[Row]:
    """The start of almost the right law."""
    return [{
        **at, "b1": at["a1"] + at["m"] + 1e-4, "b2": at["a2"] + at["m"] - 2e-4,
        "q11": (at["c11"] + at["v"]) * (1 + 3e-4), "q12": at["c12"] * (1 - 1e-4),
        "q22": (at["c22"] + at["v"]) * (1 - 2e-4),
    } for at in rows]  # fmt: skip


def _rows(names: str, flags: str, rows: list[Row]) -> str:
    """Lines of cases: the rows shared out evenly among the flags."""
    each = len(rows) // len(flags.split())
    texts = [" ".join(repr(row[name]) for name in names.split()) for row in rows]
    shares = [";".join(texts[i : i + each]) for i in range(0, len(texts), each)]
    return "\n".join(map("{} {}".format, flags.split(), shares))


_PRICE = "log(s) - log((c11 + v) (c22 + v) - c12^2) / 2, s = (c11 + c22) / 2 + (a1 - a2)^2 / 4 + v"


def _by_digamma(f: Arithmetic, v0: mpf, v: mpf, n: mpf) -> mpf:
    with mpmath.extradps(20):
        r = v0 * n / v
        gaps = mpmath.digamma(r + n + 1) - mpmath.digamma(r + 1)
        return (mpmath.log(1 + v / v0) - gaps) / 2


def _in_turn(f: Arithmetic, v0: Number, v: Number, n: Number) -> Number:
    """The logarithms add up to one, from which the other terms are taken off."""
    h, total = v / n, f.log((v0 + v) / v0)
    for k in range(1, whole(n) + 1):
        total = total - h / (v0 + h * k)
    return total / 2


FUNCTIONS = functions(f"""
where  mean_p mean of log X under p; var_p variance of log X under p, > 0; mean_q mean of
        log X under q; var_q variance of log X under q, > 0
gaussian_kl  gaussian-kl  mean_p var_p mean_q var_q  guard 40
    out  (r - log(1 + r) + (mean_p - mean_q)^2 / var_q) / 2, r = var_p / var_q - 1
    again  log(s) + (1 / s^2 + ((mean_p - mean_q) / sqrt(var_q))^2) / 2 - 1 / 2,
        s = sqrt(var_q) / sqrt(var_p)
    reversed  T_INDEX  KL(q || p)
        mean_p -> mean_q, var_p -> var_q, mean_q -> mean_p, var_q -> var_p
    deviations_for_variances  S_VS_S2  sqrt(var) in place of var
        var_p -> sqrt(var_p), var_q -> sqrt(var_q)
    common  twice
    means_ignored  BASIC  variances only  mean_p -> mean_q
    textbook_form  CANCELLATION  (w - 1 - log w + ...) / 2, in float64
        (w - 1 - log w + (mean_p - mean_q)^2 / var_q) / 2, w = var_p / var_q
    leading_order  TAIL  r^2 / 4 for the variances  r^2 / 4 + (mean_p - mean_q)^2 / var_q / 2
    ordinary T_INDEX S_VS_S2: -2..2 0.05~5 -2..2 0.05~5
    CANCELLATION 0.3 0.64 0.3 0.6400001; -1.1 2.5000000001 -1.1 2.5;
        0.2 0.5 0.2 0.5000000000000001; 0.3 0.1 0.3 0.1003; 0.1 1e6 0.1 1000001;
        0.3 1e-12 0.3 1.0000001e-12; 1e-9 0.64 2e-9 0.6400000001; BASIC 0.7 0.714 0.7 0.7;
        0.5 2.91 0.5 3; 1 0.327 1 0.3; 0.4 1.11 0.4 1; 0.4 0.267 0.4 0.3; 0.4 9.1 0.4 7;
        0.4 0.49 0.4 0.7; 0.4 0.33 0.4 1.1; 0.4 0.304 0.4 0.19; 0.4 0.38 0.4 0.77; 0.4 2.1 0.4 1.3;
        0.4 0.13 0.4 0.41; TAIL 0.3 1e6 0.1 0.5; 0.3 1e-12 0.1 0.5; 700 0.4 -700 0.3;
        0.5 1e-12 0.4 1e6; 2 1e6 1 1e-12; SMALL_V 1e-6 1e-12 2e-6 3e-12; 0.3 2e-12 0.3000001 1e-12
where  a1 first mean of log X under p; a2 second mean of log X under p; p11 first variance
        under p, > 0; p12 covariance under p; p22 second variance under p, > p12^2 / p11; b1
        first mean of log X under q; b2 second mean of log X under q; q11 first variance under
        q, > 0; q12 covariance under q; q22 second variance under q, > q12^2 / q11
gaussian_kl_in_the_plane  gaussian-kl  {_ENTRIES}  guard 40
    out  (tr(Q^-1 (P - Q)) - log(det P / det Q) + d^T Q^-1 d) / 2, d = (a1 - b1, a2 - b2),
        P and Q the covariances with entries p11, p12, p22 and q11, q12, q22
    value  kl  again  factors  S  out + I(Q) (I(P) |P - Q|^2 + d1^2 + d2^2), {_SIZES}  size  bound
    let  s1 = a1 - b1, s2 = a2 - b2, P11 = p11, P12 = p12, P22 = p22, Q11 = q11, Q12 = q12,
        Q22 = q22, added = 0, {_PLANE}
    reversed  T_INDEX  KL(q || p)  {_SWAP}
    correlations_ignored  SIGN  diagonal covariances  p12 -> 0, q12 -> 0
    common  twice
    means_ignored  BASIC  covariances only  s1 -> 0, s2 -> 0
    textbook_form  CANCELLATION  tr(Q^-1 P) - 2 - log ..., in float64
        ((Q22 P11 - 2 Q12 P12 + Q11 P22) / dQ - 2 + log(dQ / dP) + square) / 2
    {_rows(_ENTRIES, "BASIC", _drawn(12, _TURN))}
    {_rows(_ENTRIES, "T_INDEX", _drawn(16, _TURN)[12:])}
    {_rows(_ENTRIES, "SIGN", _drawn(21, (0.5, 0.75, -0.5, -0.25, 0.25))[16:])}
    {_rows(_ENTRIES, "CANCELLATION", [*_drawn(5, _TURN, 1e-6), *_drawn(3, _TURN, 1e-4)])}
where  a1 first mean of log X_0; a2 second mean of log X_0; c11 first variance of log X_0;
        c12 covariance of log X_0; c22 second variance of log X_0; m m(T), any number; v v(T) >
        0; b1 first mean of the start's log; b2 second mean of the start's log; q11 first
        variance of the start's log, > 0; q12 covariance of the start's log; q22 second
        variance of the start's log, > q12^2 / q11
terminal_mismatch  R23  {_END}  guard 40
    out  (tr(Q^-1 (P - Q)) - log(det P / det Q) + d^T Q^-1 d) / 2,
        d = (a1 + m - b1, a2 + m - b2), P of c11 + v, c12, c22 + v and Q of q11, q12, q22
    value  kl  again  factors
    S  out + I(Q) (I(P) |P - Q|^2 + d1^2 + d2^2 + (c11 + c22 + 2 v + |a1| + |a2| + 2 |m| + |b1|
        + |b2|) (I(P) |P - Q| + |d1| + |d2|)), {_SIZES}
    size  bound
    let  s1 = a1 + m - b1, s2 = a2 + m - b2, P11 = c11 + v, P12 = c12, P22 = c22 + v, Q11 = q11,
        Q12 = q12, Q22 = q22, {_PLANE}, added = c11 + c22 + 2 v + |a1| + |a2| + 2 |m| + |b1| + |b2|
    reversed  T_INDEX  KL(start || X_T)  {_SWAP}
    against_the_data  T_INDEX  X_0 in place of X_T  m -> 0, v -> 0
    ito_term  ITO  mu T in place of m  m -> m + v / 2
    common  deviation_for_variance, correlation_ignored
    {_rows(_END, "BASIC", _noised(_drawn(10, _TURN)))}
    {_rows(_END, "ITO S_VS_S2 SIGN T_INDEX", _noised(_drawn(22, _TURN_3))[10:])}
    {_rows(_END, "BASIC", _nearly_exact(_noised(_drawn(4, _TURN))))}
best_start_cost  R23-single  {_DATA}  guard 40
    out  {_PRICE}  value  kl  again  {_PRICE}
    S  out + I(Q) (I(P) |P - Q|^2 + d^2 / 2 + (c11 + c22 + 2 v + |a1| + |a2|) (I(P) |P - Q|
        + |d|)), d = a1 - a2, P of c11 + v, c12, c22 + v, Q = s times 1, {_SIZES}
    size  bound
    let  s1 = (a1 - a2) / 2, s2 = (a2 - a1) / 2, P11 = c11 + v, P12 = c12, P22 = c22 + v,
        Q11 = (c11 + c22) / 2 + (a1 - a2)^2 / 4 + v, Q12 = 0, Q22 = Q11, {_PLANE},
        added = c11 + c22 + 2 v + |a1| + |a2|
    of_the_data  T_INDEX  v = 0  v -> 0
    difference_of_logarithms  CANCELLATION  the formula as it is, in float64  {_PRICE}
    common  deviation_for_variance, correlation_ignored
    means_ignored  BASIC  a1 = a2  a2 -> a1
    twice  BASIC  log det in place of half of it  2 out
    {_rows(_DATA, "BASIC", _noised(_drawn(10, _TURN)))}
    {_rows(_DATA, "S_VS_S2 SIGN T_INDEX", _noised(_drawn(19, _TURN_3))[10:])}
    CANCELLATION 0.3 0.30001 0.5 1e-6 0.500003 0.64; -0.2 -0.2 0.4 1e-5 0.4 1;
        0 1e-6 1e-7 -1e-8 2e-7 0.7; 0.1 0.1004 0.02 1e-4 0.0201 4
    BASIC 0.4 -0.7 30 4 2 0.1; 2 1 1e-3 9e-4 1e-3 0.01
where  v0 variance of log X_0, > 0; n number of steps N, a whole number
path_divergence  R20b  v0 v n  guard 40
    out  sum_{{k=1}}^N (r_k - 1 - log r_k) / 2, r_k = (v0 + h (k - 1)) / (v0 + h k), h = v / N
    again  by_digamma(v0, v, n)  let  N = n
    reversed  SIGN  1 / r_k - 1 + log r_k: the other chain first
        sum_{{k=1}}^N (1 / r_k - 1 + log r_k) / 2
    common  twice
    one_step_more  T_INDEX  N + 1 steps  n -> n + 1
    common  deviation_for_variance
    logarithms_last  CANCELLATION  the sum of r_k - 1 and the log apart, in float64
        in_turn(v0, v, n)
    ordinary SIGN T_INDEX S_VS_S2: 0.02~4 0.1~4 1,2,3,8,20,5,30,13; CANCELLATION 1e6 0.3 4;
        2 1e-9 3; 0.7 1e-4 50; 0.05 0.64 200; TAIL 1e-12 0.64 10; 0.02 1e6 2; 1e-12 1e-12 5
where  x state at t_min, > 0; a mean of log X at t_min; v_s v(t_min) > 0; dm m(T) -
        m(t_min), any number; dv v(T) - v(t_min) > 0; b mean of log X_T in the model; q
        variance of log X_T in the model, > 0
exact_log_likelihood  R19-log-normal  x a v0 v_s dm dv b q
    out  log N(a + dm + R (log(x) - a); b, q) + log(R) - log(x),
        R = sqrt((v0 + v_s + dv) / (v0 + v_s)), N the normal density
    again  log N(log(x); a + sqrt(k) (b - a - dm), q k) - log(x), k = (v0 + v_s) / (v0 + v_s + dv)
    S  1 + |log x| + |Y| + log(R) + |log 2 pi q| / 2 + (Y - b)^2 / (2 q)
        + |Y - b| (1 + |a| + |dm| + R (|log x| + |a|) + |b|) / q, Y = a + dm + R (log(x) - a)
    common  density_of_the_logarithm
    no_volume  BASIC  the growth log(R) is left out  out - log(R)
    growth_of_the_variance  S_VS_S2  R^2 in place of R  R -> R^2
    ito_term  ITO  mu t in place of m  dm -> dm + dv / 2
    variance_at_zero  T_INDEX  v0 in place of v0 + v_s  v_s -> 0
    common  logarithm_of_density
    ordinary 10+2 H_VS_LOGSCORE S_VS_S2 ITO T_INDEX:
        0.05~20 -1.5..1.5 0.02~3 0.02~1 -0.5..0.5 0.1~3 -1.5..1.5 0.2~5
    TAIL e(300) 0.3 0.6 0.1 0.2 0.5 0.4 1.2;
        e(-400) -0.2 0.5 0.3 0.1 0.7 0 2; e(60) 0.4 0.02 0.01 0 0.6 0.1 0.7
    SMALL_V e(0.3) 0.3 1e-12 1e-13 0.2 0.64 0.5 0.64; 1.0000002 0 1e-12 1e-12 0 1e-12 1e-7 3e-12;
        1.35 0.3 1e-9 1e-10 0.1 0.5 0.45 1e6; BASIC 1.7 600 1e5 10 5 3e4 -20 1e3;
        e(500) 499.5 0.4 0.2 3 0.6 502 1.1; 1.4 0.3 1e4 10 0.1 1e-8 0.4 1e4
where  L log-likelihood in nats; d number of dimensions, a whole number >= 1; cell distance
        of two grey levels, > 0
bits_per_dim  R19-bits  L d cell
    out  -L / (d log 2) - log2(cell)
    again  -log2(exp(L / d) cell)  S  |L| / (d log 2) + |log2(cell)|
    nats  S_VS_S2  the logarithm to the base e  log(2) out
    whole_image  T_INDEX  not divided by d  d -> 1
    no_cell  BASIC  the cell is left out  cell -> 1
    log_likelihood  SIGN  L of the other sign  L -> -L
    cell_once  BASIC  the cell added to the density of the whole image
        -(L + log(cell)) / (d log 2)
    BASIC 1234.5 784 1/256; -310.25 784 1/256; 6071.1 3072 1/256;
        -8.75 2 1/256; 0.7 1 0.5; -1.3 1 2; 55 12 0.01; -733 97 1/255; 4096 1024 0.125; 13 7 3.7
    SIGN 2 3 1.5; -901 196 0.03125; 1e-3 1 0.75; -17 5 1e-3; S_VS_S2 99 64 1/64; -99 64 1/64;
        3.3 2 0.9; 812 300 1/1024; T_INDEX -5e4 12288 1/256; 7e4 12288 1/256; -2.5 4 1.25;
        40 784 0.2; TAIL 1e15 3 1e-6; -1e200 784 1/256; 1e-12 2 1.0000001; -3e5 1 1e-300
    NEAR_ROOT 5.545177444479562 1 1/256; -4347.419116 784 256; 0.69 1 0.5
where  c11 first variance of log X_0, > 0; c12 covariance; c22 second variance, > c12^2 / c11;
    v v(t) > 0; c variance of log X_0, > 0
fisher_information_in_the_plane  information-log-normal  c11 c12 c22 v  guard 20
    out  T / D, T = c11 + c22 + 2 v, D = (c11 + v) (c22 + v) - c12^2
    again  1 / p + (1 + (c12 / p)^2) / (c22 + v - c12^2 / p), p = c11 + v
    S  T (T^2 - 2 D) / D^2: the sum of the largest variance over the square of each, at most
    of_the_data  T_INDEX  v = 0  v -> 0
    inverse_of_the_trace  BASIC  4 / T
    common  correlation_ignored, deviation_for_variance
    ordinary T_INDEX SIGN S_VS_S2: 0.3~3 -0.25..0.25 0.3~3 0.02~3
    TAIL 1e6 3 2 0.7; 0.5 0.49 0.5 1e6; 1e-12 1e-13 2e-12 0.3
    SMALL_V 0.5 0.3 0.4 1e-12; 2e-12 -1e-12 1e-12 3e-12
m_dsm_floor  information-log-normal  c v
    out  c / (2 v (c + v))  again  1 / (2 v (1 + v / c))
    common  twice, deviation_for_variance
    of_the_noise  T_INDEX  1 / (2 v): the data are spread out
    difference_of_inverses  CANCELLATION  (1 / v - 1 / (c + v)) / 2, in float64
    fisher_information  SIGN  of log X_t: the part of the score  1 / (c + v)
    ordinary T_INDEX S_VS_S2 SIGN: 0.02~3 0.02~3; CANCELLATION 1e-12 0.7;
        3e-7 2; 1e-300 0.4; 2e-3 1e9; TAIL 1e6 1e-12; 1e-150 1e-150; 1e-30 1e150
where  lo std_min, > 0; hi std_max = sqrt(v(1)), > std_min; v v(t), in [0, hi^2]
likelihood_weighting  R20  lo hi v
    out  (lo^2 + v) g: sigma(t)^2 at the t with v(t) = v, g = log(1 + (hi / lo)^2)
    again  lo^2 (1 + v / lo^2) (log(lo^2 + hi^2) - 2 log(lo))  S  out (1 + log(1 + v / lo^2))
    zero_at_the_data  SMALL_V  v g
    sigma_for_variance  S_VS_S2  sigma(t)  sqrt(out)
    geometric_variance  T_INDEX  log(hi^2 / lo^2) in place of g  (lo^2 + v) 2 log(hi / lo)
    variance_weighting  BASIC  v
    ordinary 16+3 S_VS_S2 T_INDEX: 1e-3~0.1 2~10 1e-4~3.9
    SMALL_V 5e-3 10 0; 0.3 2 3e-12; 0.01 3 7e-13; 1.5 2.5 1e-12; TAIL 1e-6 1e3 999999; 0.02 1e3 3e5
where  v0 variance of log X_0, > 0; v v(T) > 0; c0 constant error of the score; c1 its slope
score_error_bound  R20-affine  v0 v c0 c1
    k  64  two quadratures, one inside the other, and v0 + v formed by the process
    out  v (c0^2 + c1^2 (v0 + v / 2)) / 2, the error c0 + c1 (log X - E log X), the start exact
    again  (c0^2 v + c1^2 ((v0 + v)^2 - v0^2) / 2) / 2
    S  out (1 + 1 / v0) + v (1 + v0): the quadratures of scores whose size is 1 / sqrt(v0)
    common  twice
    constant_alone  T_INDEX  c1 = 0  c1 -> 0
    last_variance  SIGN  v0 + v throughout  v (c0^2 + c1^2 (v0 + v)) / 2
    error_not_squared  S_VS_S2  |c0| + |c1| sqrt(v0 + v / 2)  v (|c0| + |c1| sqrt(v0 + v / 2)) / 2
    ordinary 14+3 T_INDEX SIGN S_VS_S2: 0.2~3 0.1~3 -2..2 0.2..2
    TAIL 0.5 0.3 100 -70; 20 0.4 0.3 3
""", {"by_digamma": _by_digamma, "in_turn": _in_turn})  # fmt: skip
