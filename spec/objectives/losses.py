"""The losses as the paper defines them, and the functions that compute them.

Pins, in the plane: model h = b + B log x; data x and noise z, of a second sample u and w; log X_0
of mean a and variance v0; s log-deviation of the data in the preconditioned weighting."""

from functools import partial

from sympy import Expr, Integer, Matrix, Symbol, log, ones, sqrt, symbols

from spec.checking.claim import Claim, Kind, Means, Pin, Source, v1, v2
from spec.checking.pins import table
from spec.checking.symbols import H, h
from spec.objectives._setting import DENOISING, EXPLICIT, INNER, LOST, NAMES, POSITIVE_TIME, c

_mu, _sigma, _t, _v0, _s = symbols("mu sigma t v0 s")
_a, _b = Matrix(symbols("a1 a2")), Matrix(symbols("b1 b2"))
_B = Matrix(2, 2, symbols("B11 B12 B21 B22"))
_v, _m = _sigma**2 * _t, (_mu - _sigma**2 / 2) * _t * ones(2, 1)
POINTS = table(
    "mu sigma t x1 x2 z1 z2 b1 b2 B11 B12 B21 B22 u1 u2 w1 w2 s v0 a1 a2",
    (0.31, 0.8, 0.37, 1.3, 1.9, 0.4, -1.7, -0.9, 0.3, -1.2, 0.45, 0.2, -2.1,
     1.7, 1.05, -0.6, 0.9, 0.35, 0.2, 0.3, -0.4),
    (-1.4, 1.7, 1.0, 0.02, 55.0, -6.5, 8.25, 2.0, -1.0, 0.7, -0.3, -0.6, 0.1,
     3.5, 0.4, 5.5, -4.75, 2.5, 0.013, -2.0, 1.7),
    (0.32, 0.8, 1e-6, 1.004, 1.5, 2.3, -0.01, -1.0, -1.0, -3.0, 0.5, 0.25, -4.0,
     1.1, 1.9, -3.1, 1.2, 0.02, 0.05, 0.1, 0.2))  # fmt: skip


def logs(name: str) -> Matrix:
    """The logarithms of name1 and name2."""
    return Matrix([log(e) for e in symbols(f"{name}1 {name}2")])


def model(at: Matrix) -> Matrix:
    """The model where log x is `at`."""
    return _b + _B * at


def _terms(integrand: Expr, score: Symbol, value: Matrix, at: Matrix) -> tuple[Expr, ...]:
    """Loss, per-sample loss, model and score of one state."""
    pairs = zip(value, model(at), strict=True)
    loss = sum(integrand.xreplace({score: e, h: f}) for e, f in pairs)
    return (loss, loss, *model(at), *value)


def _denoising(x0: str = "x", z: str = "z", sign: int = 1) -> tuple[Expr, ...]:
    """One sample; the target by A16; sign -1 reflects it."""
    noise = sqrt(_v) * Matrix(symbols(f"{z}1 {z}2"))
    return _terms(DENOISING, c, -sign * (ones(2, 1) + noise / _v), logs(x0) + _m + noise)


def _explicit(jacobian: int) -> tuple[Expr, ...]:
    """Log-normal data; jacobian 0 takes the score of log X for H."""
    score = -jacobian * ones(2, 1) - (logs("x") - _a - _m) / (_v0 + _v)
    return _terms(EXPLICIT, H, score, logs("x"))


_ONE, _SECOND = _denoising(), _denoising("u", "w")[0]
_LOSS, _CROSSED = _ONE[0], _denoising("x", "w")[0] + _denoising("u", "z")[0]

_pin = partial(Pin, points=POINTS,
    because="it is the definition at samples, times a weight if one is given")  # fmt: skip
_M_DSM_PINS = (
    _pin("gbm_ref.m_dsm", formula=_ONE, variant="one sample", twins={
        "reflected": _denoising(sign=-1), "model for target": (*_ONE[:4], *_ONE[2:4]),
    }), _pin("gbm_ref.m_dsm", formula=(_LOSS + _SECOND) / 2, variant="mean of two samples", twins={
        "summed": _LOSS + _SECOND, "mean over entries": (_LOSS + _SECOND) / 4,
        "noises exchanged": _CROSSED / 2,
    }), _pin("gbm_ref.m_dsm", formula=_v * _LOSS, variant="variance weighting", twins={
        "unweighted": _LOSS, "deviation": sqrt(_v) * _LOSS,
    }), _pin(
        "gbm_ref.m_dsm", formula=_v * (1 + _v / _s**2) * _LOSS, variant="preconditioned weighting",
        twins={"variance weighting": _v * _LOSS},
    ), Pin(
        "gbm_ref.unweighted", ({"v": 0.64}, {"v": 6.4e-4}, {"v": 17.0}), formula=Integer(1),
        because="it is the weight that the definition does not write",
        twins={"lambda = v": Symbol("v")},
    ))  # fmt: skip
_definition = partial(Claim, means=Means.NONE, stated_kind=Kind.DEFINITION)


def _places(first: int | str, second: int | str) -> tuple[Source, ...]:
    """The equations of versions 1 and 2."""
    return v1(f"eq. {first}") + v2(f"eq. {second}")


_READ, _AGAIN = (LOST, INNER), "The paper writes the definition of its main text once more."
_AT_ONE_TIME = "It defines a loss at one time: no average over $t$ is written."
A3 = _definition(
    "A3", "denoising score matching, additive noise", sources=_places(5, 3),
    statement=r"$\mathcal L(\theta)$ is the expectation, over $t$ uniform and over $X_0$ and "
    r"$X_t$, of $[[integrand]]$.", reason="It defines the loss of Song et al. (2021), quoted as "
    "background; the later losses drop the weight, which is a number.", readings=_READ,
    values=lambda: {"integrand": Symbol("lam") * 2 * DENOISING}, names={
        "lam": r"\lambda(t)", "h": r"s_\theta(X_t,t)",
        "c": r"\nabla\log p_{X_t\mid X_0}(X_t\mid X_0)",
    })  # fmt: skip
A14 = _definition(
    "A14", "multiplicative explicit score matching", sources=_places(17, 14),
    statement=r"$\mathcal L_{\text{M-ESM}}(\theta)=\mathbb E_{X_t}\,[[integrand]]$, where $H$ is "
    r"$X_t\circ\nabla\log p_{X_t}(X_t)$ and $h$ is $X_t\circ s_\theta(X_t,t)$.",
    reason=_AT_ONE_TIME, values=lambda: {"integrand": EXPLICIT}, readings=_READ,
    assumptions=("X_t has a differentiable density",), names=NAMES, pins=(
        _pin("gbm_ref.m_esm", formula=_explicit(1), twins={"log score": _explicit(0)}),
    ))  # fmt: skip
A15 = _definition(
    "A15", "multiplicative denoising score matching", sources=_places(18, 15),
    statement=r"$\mathcal L_{\text{M-DSM}}(\theta)=\mathbb E_{X_0,X_t}\,[[integrand]]$, where $c$ "
    r"is $X_t\circ\nabla\log p_{X_t\mid X_0}(X_t\mid X_0)$ and $h$ is $X_t\circ s_\theta(X_t,t)$.",
    reason=_AT_ONE_TIME + " Nor is a weight, as in A3; the pinned function takes one.",
    values=lambda: {"integrand": DENOISING}, assumptions=(POSITIVE_TIME,), readings=_READ,
    depends=("A6", "A16"), pins=_M_DSM_PINS, names=NAMES)  # fmt: skip
A17 = _definition(
    "A17", "non-negative score matching", sources=_places(21, 17),
    statement=r"$\mathcal L_{\text{NN}}(\theta)=\mathbb E_{X_0}\,[[integrand]]$, where $H$ is "
    r"$X_0\circ\nabla\log p_{X_0}(X_0)$ and $h$ is $X_0\circ s_\theta(X_0)$.",
    reason="It quotes the loss of Hyvärinen (2007) for non-negative data.",
    assumptions=("X_0 has a differentiable density",), readings=_READ, names=NAMES,
    values=lambda: {"integrand": EXPLICIT})  # fmt: skip

V1_19 = _definition(
    "V1-19", "the loss that is proposed", sources=v1("eq. 19"), sheet=("A15",),
    statement="The loss is that of A15.", reason=_AGAIN, depends=("A15",))  # fmt: skip
A24, A25 = (
    _definition(name, f"{loss} loss, recalled", sources=_places(name[1:], name[1:]), reason=_AGAIN,
                statement=f"The loss is that of {of}.", depends=(of,))
    for name, loss, of in (("A24", "explicit", "A14"), ("A25", "denoising", "A15"))
)  # fmt: skip
CLAIMS = (A3, A14, A15, V1_19, A17, A24, A25)
