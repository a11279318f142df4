"""Data at finitely many points, noised by any kernel: the setting of the proof of Theorem 4.1.

X_0 is one of three points with weights w_j, X_t given point j has the density k_j, an arbitrary
positive differentiable function of the plane, and the model is any vector h = x * s_theta. At one
x everything is a rational function of the values K_j and slopes of the k_j. An integral over p_0
in the place of the sum changes nothing but the notation once A28 allows the derivative under the
integral.
"""

from dataclasses import dataclass
from functools import cache

from sympy import Expr, Function, Matrix, Symbol, diff, log, symbols

POINTS = 3
_X = symbols("x1 x2", positive=True)
_KERNELS = tuple(Function(f"k{j}", positive=True)(*_X) for j in range(POINTS))
_VALUES = symbols(f"K0:{POINTS}", positive=True)
WEIGHTS = symbols(f"w0:{POINTS}", positive=True)


@dataclass(frozen=True)
class Place:
    """All that enters the losses at one x.

    p       marginal density                  grad_p    its gradient
    joint   w_j k_j, by j                     grad_k    the gradients of the k_j
    H       x * grad log p                    c         x * grad log k_j, by j
    x       the point itself                  h         the model's x * s_theta
    """

    x: Matrix
    p: Expr
    grad_p: Matrix
    grad_k: tuple[Matrix, ...]
    joint: tuple[Expr, ...]
    H: Matrix
    c: tuple[Matrix, ...]
    h: Matrix


@cache
def place() -> Place:
    """The losses' ingredients, by differentiating the densities themselves."""
    joint = tuple(w * k for w, k in zip(WEIGHTS, _KERNELS, strict=True))
    p = sum(joint)
    return Place(
        x=Matrix(_X),
        p=_at_point(p),
        grad_p=_at_point(_gradient(p)),
        grad_k=tuple(_at_point(_gradient(k)) for k in _KERNELS),
        joint=tuple(_at_point(j) for j in joint),
        H=_at_point(_scaled_gradient(log(p))),
        c=tuple(_at_point(_scaled_gradient(log(k))) for k in _KERNELS),
        h=Matrix(symbols("h1 h2")),
    )


def posterior_mean(at: Place) -> Matrix:
    """The mean of the conditional scores c_j under the posterior weights w_j k_j / p."""
    return sum((j / at.p * c for j, c in zip(at.joint, at.c, strict=True)), Matrix([0, 0]))


def square(vector: Matrix) -> Expr:
    """The squared Euclidean norm."""
    return vector.dot(vector)


def _gradient(function: Expr) -> Matrix:
    return Matrix([diff(function, e) for e in _X])


def _scaled_gradient(function: Expr) -> Matrix:
    return Matrix([e * diff(function, e) for e in _X])


def _at_point(expression: Expr | Matrix) -> Expr | Matrix:
    """The same with the slopes and values of the kernels replaced by symbols."""
    for j, kernel in enumerate(_KERNELS):
        for i, e in enumerate(_X):
            expression = expression.subs(diff(kernel, e), Symbol(f"g{j}_{i}"))
        expression = expression.subs(kernel, _VALUES[j])
    return expression
