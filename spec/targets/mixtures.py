"""Mixtures of log-normals stay mixtures of log-normals (sheet R2).

Symbols: L_i = log x_i;  (w1, a, S) and (w2, b, T) the components of log X_0, in the plane;
         m_i, v     integrals of mu_i - sigma^2/2 and sigma^2 over [0, t], so that
                    dm_i/dt = mu_i - s2/2 and dv/dt = s2, whatever mu_i(t) and sigma(t) are
"""

from collections.abc import Callable

from sympy import Expr, Matrix, diff, eye, log, ones, symbols, zeros

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import mu, s2, sigma, v
from spec.targets import _formulas, _laws
from spec.targets._laws import DATA, Component, flat

Law = Callable[[Matrix, Expr], tuple[Component, Component]]

_M = Matrix(symbols("m1 m2"))
_MU = Matrix(symbols("mu1 mu2"))


def is_the_law_at_t(candidate: tuple[Law, int]) -> bool:
    """Whether p = (x1 x2)^-power sum_j w_j N(log x; a_j, S_j) is the law of X_t.

    candidate = (law, power), law a function of m and v that gives (w_j, a_j, S_j). It must be the
    data law at m = 0, v = 0 and solve the Fokker-Planck equation of the process,
        dp/dt = sum_i -d(mu_i x_i p)/dx_i + s2/2 d^2(x_i^2 p)/dx_i^2.
    The equation is linear and the components are linearly independent functions of x, so each
    component p_j has to solve it; divided by p_j it is rational.
    """
    law, power = candidate
    starts = zip(law(zeros(2, 1), 0 * v), DATA, strict=True)
    gaps = [f - g for now, data in starts for f, g in zip(flat(now), flat(data), strict=True)]
    if not vanishes([gap for gap in gaps if gap != 0]):
        return False
    return all(
        vanishes(_centred(_residual(now, power), data))
        for now, data in zip(law(_M, v), DATA, strict=True)
    )


def _residual(component: Component, power: int) -> Expr:
    """dp_j/dt minus the right side of the Fokker-Planck equation, over p_j / w_j."""
    weight, mean, covariance = component
    # log p_j = log w_j + exponent - log(det) / 2 + a constant; x d/dx is d/dL.
    exponent = -power * sum(_laws.Y) - _laws.quadratic(_laws.Y, mean, covariance) / 2
    det = covariance.det()
    rate = _in_time(weight) + weight * (_in_time(exponent) - _in_time(det) / (2 * det))
    flow = 0
    for drift, y in zip(_MU, _laws.Y, strict=True):
        slope = diff(exponent, y)  # x p'/p
        bend = slope**2 + diff(slope, y) - slope  # x^2 p''/p
        flow += -drift * (1 + slope) + s2 / 2 * (2 + 4 * slope + bend)
    return rate - weight * flow


def _centred(residual: Expr, data: Component) -> Expr:
    """The residual in L - a - m and S + v I, for which it is short; T is taken diagonal."""
    _, mean, covariance = data
    spreads = {covariance[i, i]: covariance[i, i] - v for i in (0, 1)}
    places = dict(zip(_laws.Y, _laws.Y + mean + _M, strict=True))
    return residual.subs({**spreads, **places, _laws.T[0, 1]: 0}, simultaneous=True)


def _in_time(f: Expr) -> Expr:
    by_mean = sum((drift - s2 / 2) * diff(f, m) for drift, m in zip(_MU, _M, strict=True))
    return by_mean + s2 * diff(f, v)


def _forgetting(m: Matrix, v_: Expr) -> tuple[Component, Component]:
    """Weights that move towards each other as noise is added."""
    (w1, *first), (w2, *second) = _laws.shifted(m, v_ * eye(2))
    return (w1 + v_ * (w2 - w1), *first), (w2 + v_ * (w1 - w2), *second)


_RATE = mu - sigma**2 / 2

MIXTURE = Claim(
    id="R2",
    title="law of X_t for a mixture of log-normals",
    statement=r"If $\log X_0\sim\sum_jw_j\mathcal N(a_j,S_j)$ then $\log X_t\sim\sum_jw_j\mathcal "
    r"N(a_j+m(t),S_j+v(t)I)$, that is $p_t(x)=\prod_ix_i^{-1}\sum_jw_j\mathcal N(\log x;"
    r"a_j+m,S_j+vI)$ with $m=\int_0^t(\mu-\frac{\sigma^2}2)$, $v=\int_0^t\sigma^2$. It solves "
    r"$\partial_tp=-\nabla\cdot(\mu\circ x\,p)+\frac{\sigma^2}2\sum_i\partial_i^2(x_i^2p)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R2",),
    assumptions=(
        "S_j + v I is positive definite (S_j may be singular when t > 0)",
        "mu may differ between coordinates and both rates may depend on t; sigma is one number",
        "decided for d = 2 and two components, the first with a full covariance, all entries "
        "symbols",
    ),
    depends=("A5", "A6", "A33", "correlated-log-normal"),
    derivation=r"$X_0$ is component $j$ with probability $w_j$; given $j$, $\log X_t=\log X_0+m+"
    r"\sqrt v Z$ (A6) is a sum of independent normal vectors. Checked through the Fokker-Planck "
    r"equation: it is linear, so each component has to solve it. With $x_i\partial_i="
    r"\partial_{L_i}$, $\dot m_i=\mu_i-\frac{\sigma^2}2$, $\dot v=\sigma^2$, both sides divided "
    r"by the component are rational functions of $L$, $a$, $S$, $m$, $v$, and they are equal; at "
    r"$m=0$, $v=0$ the law is the data law.",
    proof=Proof(
        is_the_law_at_t,
        holds=(lambda m, v_: _laws.shifted(m, v_ * eye(2)), 1),
        twins={
            "drift mu t, without the Ito term": (
                lambda m, v_: _laws.shifted(m + v_ / 2 * ones(2, 1), v_ * eye(2)),
                1,
            ),
            "no variance added": (lambda m, v_: _laws.shifted(m, 0 * eye(2)), 1),
            "one noise for all coordinates": (
                lambda m, v_: _laws.shifted(m, v_ * ones(2, 2)),
                1,
            ),
            "the Jacobian left out": (lambda m, v_: _laws.shifted(m, v_ * eye(2)), 0),
            "weights that change with the noise": (_forgetting, 1),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.LogNormalMixture.logpdf",
            formula=log(_formulas.DENSITY),
            twins={"the Jacobian left out": log(_formulas.DENSITY * _laws.X[0] * _laws.X[1])},
            points=_laws.POINTS_OF_TWO,
            variant="2-D",
        ),
        Pin(
            "gbm_ref.LogNormalMixture.logpdf",
            formula=log(_formulas.on_line(_laws.x)),
            twins={"the Jacobian left out": log(_formulas.on_line(1))},
            points=_formulas.LINE_POINTS,
            variant="1-D",
        ),
        Pin(
            "gbm_ref.LogNormalMixture.cdf",
            formula=_formulas.CDF,
            twins={"the upper tail": 1 - _formulas.CDF},
            points=_formulas.LINE_POINTS,
        ),
        Pin(
            "gbm_ref.LogNormalMixture.rvs",
            formula=_formulas.draw,
            twins={"from the other component": _formulas.draw_of_the_other},
            points=_formulas.DRAWS,
        ),
        Pin(
            "gbm_ref.LogNormalMixture.rvs",
            formula=_formulas.MEAN_AND_ROOT,
            twins={"no correlation": _formulas.WITHOUT_CORRELATION},
            points=_laws.POINTS_OF_TWO,
            scale=_formulas.SCALE_OF_ROOT,
            variant="mean and root",
        ),
        *(
            Pin(
                f"gbm_ref.{name}.diffuse",
                formula=_formulas.diffused(_RATE, components),
                twins={"without the Itô term": _formulas.diffused(mu, components)},
                points=_formulas.POINTS_AT_T,
            )
            for name, components in (("LogNormal", 1), ("LogNormalMixture", 2))
        ),
    ),
)

CLAIMS = (MIXTURE,)
