"""Log-normal mixtures in mpmath, from the formula: (weight, mean, covariance) of log x."""

import mpmath
import numpy as np
from mpmath import mpf

from gbm_ref import LogNormal, LogNormalMixture, PointMasses, Target

Component = tuple[mpf, list[mpf], mpmath.matrix]
Normal = tuple[mpmath.matrix, mpmath.matrix]


def components(target: Target) -> list[Component]:
    """The mixture in log space that `target` denotes, its parameters taken as exact numbers."""
    if isinstance(target, LogNormal):
        return [(mpf(1), _numbers(target.log_mean), mpmath.matrix(target.log_cov.tolist()))]
    if isinstance(target, LogNormalMixture):
        return [
            (mpf(float(w)), _numbers(mean), mpmath.matrix(cov.tolist()))
            for w, mean, cov in zip(target.weights, target.log_means, target.log_covs, strict=True)
        ]
    assert isinstance(target, PointMasses)
    n, d = target.points.shape
    cov = mpf(target.log_var) * mpmath.eye(d)
    return [(mpf(1) / n, [mpmath.log(p) for p in _numbers(row)], cov) for row in target.points]


def logpdf(mixture: list[Component], x: list[mpf]) -> mpf:
    """log p(x) = log sum_j w_j N(log x; a_j, S_j) - sum_i log x_i."""
    y = [mpmath.log(value) for value in x]
    total = mpmath.fsum(w * _normal(y, mean, cov) for w, mean, cov in mixture)
    return mpmath.log(total) - mpmath.fsum(y)


def stein(mixture: list[Component], x: list[mpf]) -> list[mpf]:
    """grad log p(x) by numerical differentiation of `logpdf`, one coordinate at a time."""

    def along(i: int) -> mpf:
        def line(value: mpf) -> mpf:
            return logpdf(mixture, [value if j == i else x[j] for j in range(len(x))])

        return mpmath.diff(line, x[i])

    return [along(i) for i in range(len(x))]


def hyvarinen(mixture: list[Component], x: list[mpf]) -> list[mpf]:
    """x * grad log p(x), by differentiation in log x: for states too far out for `stein`."""
    y = [mpmath.log(value) for value in x]

    def along(i: int) -> mpf:
        def line(value: mpf) -> mpf:
            moved = [value if j == i else y[j] for j in range(len(y))]
            return logpdf(mixture, [mpmath.exp(entry) for entry in moved])

        return mpmath.diff(line, y[i])

    return [along(i) for i in range(len(y))]


def gaussian(mean: np.ndarray, cov: np.ndarray) -> Normal:
    """The law of y, its parameters taken as exact numbers."""
    return mpmath.matrix(mean.tolist()), mpmath.matrix(cov.tolist())


def kl(p: Normal, q: Normal) -> mpf:
    """(tr Q^-1 P - d + |mean difference|^2_Q^-1 - log det P / det Q) / 2."""
    inverse, shift = q[1] ** -1, p[0] - q[0]
    product = inverse * p[1]
    trace = mpmath.fsum(product[i, i] for i in range(shift.rows))
    logs = mpmath.log(mpmath.det(p[1]) / mpmath.det(q[1]))
    return (trace - shift.rows + (shift.T * inverse * shift)[0] - logs) / 2


def _normal(y: list[mpf], mean: list[mpf], cov: mpmath.matrix) -> mpf:
    residual = mpmath.matrix([a - b for a, b in zip(y, mean, strict=True)])
    exponent = (residual.T * mpmath.inverse(cov) * residual)[0]
    return mpmath.exp(-exponent / 2) / mpmath.sqrt((2 * mpmath.pi) ** len(y) * mpmath.det(cov))


def posterior_means(points: np.ndarray, x: np.ndarray, m: mpf, v: mpf) -> list[mpf]:
    """E[log X_0 | x] for data that are points, for rows x, flat: Bayes' rule written out."""
    means = []
    logs = [[mpmath.log(p) for p in _numbers(point)] for point in points]
    for row in x:
        y = [mpmath.log(a) for a in _numbers(row)]
        squares = [mpmath.fsum((a - b - m) ** 2 for a, b in zip(y, p, strict=True)) for p in logs]
        weights = [mpmath.exp(-square / (2 * v)) for square in squares]
        for i in range(len(y)):
            pairs = zip(weights, logs, strict=True)
            means.append(mpmath.fsum(w * p[i] for w, p in pairs) / mpmath.fsum(weights))
    return means


def _numbers(values: object) -> list[mpf]:
    return [mpf(float(value)) for value in values]  # type: ignore[attr-defined]
