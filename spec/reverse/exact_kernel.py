"""The exact reverse kernel for log-normal data, and the noise factor that makes eq. (13) exact.

Symbols: S, T covariance of log X at times s < t, T = S + u I with u = v(t) - v(s); e_s, e_t
deviations of log X from its mean; in one coordinate v, V the two variances; Q = kappa^2.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Matrix, Symbol, cancel, diff, eye, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import V, h, mu, s2, v, z

Kernel = tuple[Callable[[Matrix, Matrix], Matrix], Callable[[Matrix, Matrix], Matrix]]


def is_the_reverse_kernel(kernel: Kernel) -> bool:
    """Whether N(gain e_t, cov) is the law of e_s given e_t, in the plane with any covariance S.

    kernel  gain and covariance as functions of (S, T)
    Bayes' rule itself is decided: N(e_s; 0, S) N(e_t - e_s; 0, u I) = N(e_t; 0, T) N(e_s; gain
    e_t, cov). The exponents are quadratic forms in (e_s, e_t), whose blocks must agree, and so
    must the determinants of the normalizations; this is no formula for conditioning.
    """
    a, b, c = symbols("S11 S12 S22", real=True)
    u = Symbol("u", positive=True)
    S = Matrix([[a, b], [b, c]])
    T = S + u * eye(2)
    gain, cov = (part(S, T).applyfunc(cancel) for part in kernel)
    if not same(S.det() * u**2, T.det() * cov.det()):
        return False
    precision = cov.inv().applyfunc(cancel)
    return (
        same(S.inv() + eye(2) / u, precision)
        and same(-eye(2) / u, -precision * gain)
        and same(eye(2) / u, T.inv() + gain.T * precision * gain)
    )


def makes_the_step_exact(Q: Expr) -> bool:
    """Whether eq. (13) with noise kappa = sqrt(Q) draws log X_s exactly, given log X_t.

    Log-normal data and their exact score. The step is affine in z, so its law is normal; its
    mean and variance must be those that the joint law of (e_s, e_t) has given e_t, and a chain
    that starts with variance V must end with variance v.
    """
    y, M = symbols("y M", real=True)
    dt, kappa_r = symbols("dt kappa_r", positive=True)
    log_q = -((y - M) ** 2) / (2 * V)
    exponent = -dt * (mu - 3 * s2 / 2) + dt * s2 * h + kappa_r * z
    # dt = u / s2, and kappa_r stands for kappa sqrt(u)
    step = (y + exponent).subs(h, diff(log_q, y) - 1).subs(dt, (V - v) / s2)
    mean = expectation(step, z, Integer(0), Integer(1))
    variance = expectation((step - mean) ** 2, z, Integer(0), Integer(1))
    variance = variance.subs(kappa_r**2, Q * (V - v))
    # Var(e_s) = Cov(e_s, e_t) = v: the residual e_s - gain e_t must not correlate with e_t.
    gain = diff(mean, y)
    uncorrelated = same(v - gain * V, Integer(0))
    centred = same(mean.subs(y, M), M - (mu - s2 / 2) * (V - v) / s2)
    residual = v - 2 * gain * v + gain**2 * V
    return (
        uncorrelated and centred and same(variance, residual) and same(gain**2 * V + variance, v)
    )


R7 = Claim(
    id="R7",
    title="exact reverse kernel of log-normal data",
    statement=r"For $\log X_0\sim\mathcal N(a,S_0)$ and $S_t=S_0+v(t)I$: $\log X_s\mid\log X_t\sim"
    r"\mathcal N\big(a+m(s)+S_sS_t^{-1}(\log X_t-a-m(t)),\ (v(t)-v(s))\,S_sS_t^{-1}\big)$, $s<t$. "
    r"In one coordinate the gain is $v_s/v_t$ and the variance $\sigma^2(t-s)\,v_s/v_t$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R7",),
    assumptions=("S_s is invertible (for s = 0 the data have a density)",),
    depends=("A6",),
    derivation=r"With $e=\log X-a-m$, $e_t=e_s+\sqrt uZ$, $u=v(t)-v(s)$, so $\mathrm{Cov}(e_s,e_t)"
    r"=S_s$ and $\mathrm{Cov}(e_t)=S_t$. Conditioning gives the gain $S_sS_t^{-1}$ and the "
    r"covariance $S_s-S_sS_t^{-1}S_s=S_sS_t^{-1}(S_t-S_s)=u\,S_sS_t^{-1}$; it is symmetric since "
    r"$S_s$ and $S_t=S_s+uI$ commute. The routine decides Bayes' rule as an identity of quadratic "
    r"forms and determinants for every $S_s$ of the plane, also those that are not diagonal.",
    proof=Proof(
        is_the_reverse_kernel,
        holds=(lambda S, T: S * T.inv(), lambda S, T: (T - S) * S * T.inv()),
        twins={
            "noise of eq. (13)": (lambda S, T: S * T.inv(), lambda S, T: T - S),
            "gain inverted": (lambda S, T: T * S.inv(), lambda S, T: (T - S) * S * T.inv()),
            "gain 1 - u S^-1": (
                lambda S, T: eye(2) - (T - S) * S.inv(),
                lambda S, T: (T - S) * S * T.inv(),
            ),
            "correlations ignored": (
                lambda S, T: S.multiply_elementwise(eye(2)) * T.multiply_elementwise(eye(2)).inv(),
                lambda S, T: (T - S) * S * T.inv(),
            ),
        },
    ),
)

R7_NOISE = Claim(
    id="R7-noise",
    title="the noise that makes eq. (13) exact for log-normal data",
    statement=r"For log-normal data the drift of A13 is exact: $\mathbb E[\log X_{k-1}\mid X_k]$ "
    r"of the step is that of the process. Only the noise variance, $h=\sigma^2\delta$ instead of "
    r"$h\,v_{k-1}/v_k$, is wrong, and $\kappa_k^2=v_{k-1}/v_k$ makes the step exact: the chain "
    r"then has the law of the process at every $k$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R7",),
    assumptions=(
        "exact score, step of the same length as the noise level",
        "one coordinate, or one eigenvector of S_0 (each needs its own kappa)",
    ),
    depends=("R7", "A13"),
    derivation=r"The exact score is $1+H=-(y-M_k)/v_k$, so A13 without noise gives $y-m\delta-"
    r"\frac h{v_k}(y-M_k)=M_{k-1}+\frac{v_{k-1}}{v_k}(y-M_k)$, since $v_{k-1}=v_k-h$: the mean of "
    r"R7. Its variance is $\kappa_k^2h$, that of R7 is $hv_{k-1}/v_k$. The chain's variance is "
    r"then $\frac{v_{k-1}^2}{v_k^2}v_k+h\frac{v_{k-1}}{v_k}=\frac{v_{k-1}}{v_k}(v_{k-1}+h)="
    r"v_{k-1}$. The routine finds the conditional mean and variance from the residual being "
    "uncorrelated with the state.",
    proof=Proof(
        makes_the_step_exact,
        holds=v / V,
        twins={
            "full noise": Integer(1),
            "inverted": V / v,
            "squared": v**2 / V**2,
            "1 - 2h/v_k": 1 - 2 * (V - v) / V,
        },
    ),
)

CLAIMS = (R7, R7_NOISE)
