"""The denoising loss at one time, in the plane, for a model that is affine in log x.

Symbols
    mu, sigma, t   the process; m = (mu - sigma^2/2) t, v = sigma^2 t
    x1, x2         data; u1, u2 and y1, y2 a second sample; z1, z2 and w1, w2 their noises
    b1, b2, B11..  the model: h_i = b_i + B_i1 log x_1 + B_i2 log x_2
    s              log-deviation of the data in the preconditioned weighting
"""

from sympy import Expr, Integer, Matrix, Rational, log, sqrt, symbols

from spec.checking.old import Claim, Kind, Means, Pin, v1, v2

_mu, _sigma, _t, _s = symbols("mu sigma t s")
_x, _z = symbols("x1 x2"), symbols("z1 z2")
_u, _w = symbols("u1 u2"), symbols("w1 w2")
_b = Matrix(symbols("b1 b2"))
_B = Matrix(2, 2, symbols("B11 B12 B21 B22"))
_v = _sigma**2 * _t
_m = (_mu - _sigma**2 / 2) * _t
_ONE = Integer(1)


def _noisy_log(x0: tuple[Expr, ...], z: tuple[Expr, ...]) -> Matrix:
    """log X_t of a sample."""
    return Matrix([log(e) + _m + sqrt(_v) * n for e, n in zip(x0, z, strict=True)])


def _model(x0: tuple[Expr, ...], z: tuple[Expr, ...]) -> Matrix:
    return _b + _B * _noisy_log(x0, z)


def _target(x0: tuple[Expr, ...], z: tuple[Expr, ...]) -> Matrix:
    """x * grad log p(x_t | x_0) by A16: from log X_t and log X_0, not from the noise."""
    start = Matrix([log(e) for e in x0])
    return -Matrix([1, 1]) - (_noisy_log(x0, z) - start - _m * Matrix([1, 1])) / _v


def _loss(x0: tuple[Expr, ...], z: tuple[Expr, ...], weight: Expr = _ONE) -> Expr:
    gap = _target(x0, z) - _model(x0, z)
    return weight * Rational(1, 2) * gap.dot(gap)


def _terms(sign: int) -> tuple[Expr, ...]:
    """Loss, per-sample loss, model and target of one sample; sign -1 reflects the target."""
    target = sign * _target(_x, _z)
    gap = target - _model(_x, _z)
    loss = gap.dot(gap) / 2
    return (loss, loss, *_model(_x, _z), *target)


_POINTS = (
    {"mu": 0.31, "sigma": 0.8, "t": 0.37, "x1": 1.3, "x2": 1.9, "z1": 0.4, "z2": -1.7,
     "b1": -0.9, "b2": 0.3, "B11": -1.2, "B12": 0.45, "B21": 0.2, "B22": -2.1},
    {"mu": -1.4, "sigma": 1.7, "t": 1.0, "x1": 0.02, "x2": 55.0, "z1": -6.5, "z2": 8.25,
     "b1": 2.0, "b2": -1.0, "B11": 0.7, "B12": -0.3, "B21": -0.6, "B22": 0.1},
    {"mu": 0.32, "sigma": 0.8, "t": 1e-6, "x1": 1.004, "x2": 1.5, "z1": 2.3, "z2": -0.01,
     "b1": -1.0, "b2": -1.0, "B11": -3.0, "B12": 0.5, "B21": 0.25, "B22": -4.0},
)  # fmt: skip
_SECOND = (
    {"u1": 1.7, "u2": 1.05, "w1": -0.6, "w2": 0.9},
    {"u1": 3.5, "u2": 0.4, "w1": 5.5, "w2": -4.75},
    {"u1": 1.1, "u2": 1.9, "w1": -3.1, "w2": 1.2},
)
_PAIRS = tuple({**one, **two} for one, two in zip(_POINTS, _SECOND, strict=True))
_DEVIATIONS = tuple({**p, "s": s} for p, s in zip(_POINTS, (0.35, 2.5, 0.02), strict=True))

PINS = (
    Pin(
        "gbm_ref.m_dsm",
        formula=_terms(1),
        twins={
            "target reflected": _terms(-1),
            "model for the target": (*_terms(1)[:4], *_terms(1)[2:4]),
        },
        points=_POINTS,
        variant="one sample",
    ),
    Pin(
        "gbm_ref.m_dsm",
        formula=(_loss(_x, _z) + _loss(_u, _w)) / 2,
        twins={
            "sum over samples": _loss(_x, _z) + _loss(_u, _w),
            "mean over entries": (_loss(_x, _z) + _loss(_u, _w)) / 4,
            "noises exchanged": (_loss(_x, _w) + _loss(_u, _z)) / 2,
        },
        points=_PAIRS,
        variant="mean of two samples",
    ),
    Pin(
        "gbm_ref.m_dsm",
        formula=_loss(_x, _z, _v),
        twins={"unweighted": _loss(_x, _z), "deviation for variance": _loss(_x, _z, sqrt(_v))},
        points=_POINTS,
        variant="variance weighting",
    ),
    Pin(
        "gbm_ref.m_dsm",
        formula=_loss(_x, _z, _v * (1 + _v / _s**2)),
        twins={"variance weighting": _loss(_x, _z, _v)},
        points=_DEVIATIONS,
        variant="preconditioned weighting",
    ),
    Pin(
        "gbm_ref.unweighted",
        formula=Integer(1),
        twins={"lambda = v": symbols("v")},
        points=({"v": 0.64}, {"v": 6.4e-4}, {"v": 17.0}),
    ),
)

A15 = Claim(
    id="A15",
    title="multiplicative denoising score matching",
    statement=r"$\mathcal L_{\text{M-DSM}}(\theta)=\mathbb E_{X_0,X_t}\tfrac12\lVert X_t\circ"
    r"\nabla\log p_{X_t\mid X_0}(X_t\mid X_0)-X_t\circ s_\theta(X_t,t)\rVert^2$, for $t>0$.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 18"), *v2("eq. 15")),
    sheet=("A15",),
    assumptions=("t > 0: at t = 0 there is no conditional density (E27)",),
    depends=("A6", "A16"),
    reason="It defines a loss at one time $t$. The formula is lost in the text of version 2; "
    "reconstructed from version 1 and from the words around it. No weight and no average over $t$ "
    "are written, where A3 has both; the pinned function takes the weight as an argument.",
    pins=PINS,
)

CLAIMS = (A15,)
