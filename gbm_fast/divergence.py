"""Kullback-Leibler divergence between Gaussian laws of log X (torch).

The divergence is unchanged by x <-> log x (claim C6), so the one between two log-normal laws is
computed from the means and covariances of their logarithms. Leading axes are a batch of laws.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import (
    has_values,
    require_covariance,
    require_finite,
    require_floating,
)
from gbm_fast.shapes import differentiated, exact_arithmetic

# Below this share of the largest, an eigenvalue has too few digits for its logarithm.
_FEW_DIGITS = 1e-8


class Gaussian(NamedTuple):
    """The law of Y = log X as N(mean, cov): mean (..., d), cov (..., d, d)."""

    mean: Tensor
    cov: Tensor


def kl_divergence(p: Gaussian, q: Gaussian) -> Tensor:
    """KL(p || q) in nats, shape (...), at least 0; infinite when p is singular and q is not.

        KL = 1/2 [ sum_i (w_i - 1 - log w_i) + |Q^{-1/2} (mean_p - mean_q)|^2 ]

    where w_i are the eigenvalues of Q^{-1/2} P Q^{-1/2} and P, Q the covariances. Where w_i is
    near 1, w_i - 1 is taken from the eigenvalues of Q^{-1/2} (P - Q) Q^{-1/2}, so nearly equal
    laws are compared accurately (the plain formula with traces and determinants, as that of
    torch.distributions, loses every digit of a divergence below the rounding of d). Claim C6.

    Raises ValueError for different dimensions, a covariance that is not symmetric or a singular q.
    """
    for name, law in (("p", p), ("q", q)):
        require_gaussian(law, name)
    if p.mean.shape[-1] != q.mean.shape[-1]:
        raise ValueError(f"p and q must have one dimension, got {p.mean.shape}, {q.mean.shape}.")
    if not (differentiated(p.cov) or differentiated(q.cov)):
        with exact_arithmetic(q.mean):
            return _by_eigenvalues(p, q)
    # The derivatives of eigenvectors are NaN at equal eigenvalues, those of the plain formula are
    # not; its digits are not needed for its value.
    with torch.no_grad(), exact_arithmetic(q.mean):
        value = _by_eigenvalues(*(Gaussian(*(part.detach() for part in law)) for law in (p, q)))
    with exact_arithmetic(q.mean):
        plain = _by_determinants(p, q)
    return torch.where(plain.isfinite(), value + (plain - plain.detach()), value)


def _by_eigenvalues(p: Gaussian, q: Gaussian) -> Tensor:
    """The formula of `kl_divergence`, for laws that were checked."""
    stds, values, vectors = _correlation_axes(q.cov)
    rounding = torch.finfo(values.dtype).eps
    if has_values(values) and bool((values[..., 0] <= 50 * rounding).any()):
        raise ValueError("the covariance of q must be positive definite.")
    own, own_values, _ = _correlation_axes(p.cov)
    singular = own_values[..., 0] <= (own.shape[-1] - 1) * 5 * rounding
    # In units of q's standard deviations, which the divergence does not depend on.
    units = stds[..., :, None], stds[..., None, :]
    ratios, gaps = (
        _eigenvalues(cov / units[0] / units[1], values, vectors) for cov in (p.cov, p.cov - q.cov)
    )
    shift = (((p.mean - q.mean) / stds)[..., None, :] @ vectors)[..., 0, :]
    few = (ratios[..., 0] <= _FEW_DIGITS * ratios[..., -1])[..., None]
    # Small ratios have no digits as eigenvalues; their product has, from the determinants.
    logs = 2 * (own / stds).log() + own_values.clamp(min=0).log() - values.log()
    excess = torch.where(
        few, ratios - 1 - logs, _excess(gaps, torch.where(few, torch.ones_like(ratios), ratios))
    )
    divergence = (excess.sum(-1) + (shift.square() / values).sum(-1)) / 2
    return torch.where(singular, torch.full_like(divergence, torch.inf), divergence)


def _correlation_axes(cov: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Standard deviations D (..., d), eigenvalues and eigenvectors of D^-1 cov D^-1.

    In this form unlike scales cost no digits, and a small variance alone is not singular. Where a
    variance is 0 the eigenvalues are given as 0.
    """
    stds = cov.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt()
    safe = torch.where(stds == 0, torch.ones_like(stds), stds)
    correlations = cov / safe[..., :, None] / safe[..., None, :]
    correlations.diagonal(dim1=-2, dim2=-1).fill_(1)
    values, vectors = torch.linalg.eigh(correlations)
    flat = (stds == 0).any(-1, keepdim=True)
    return stds, torch.where(flat, torch.zeros_like(values), values), vectors


def _by_determinants(p: Gaussian, q: Gaussian) -> Tensor:
    """1/2 [tr Q^-1 P - log det P + log det Q + ...], up to a constant."""
    root = torch.linalg.cholesky(q.cov)
    shift = torch.linalg.solve_triangular(root, (p.mean - q.mean)[..., None], upper=False)
    trace = torch.cholesky_solve(p.cov, root).diagonal(dim1=-2, dim2=-1).sum(-1)
    # Not torch.logdet, whose second derivatives are wrong where both are taken forwards.
    own, failed = torch.linalg.cholesky_ex(p.cov)
    logs = [part.diagonal(dim1=-2, dim2=-1).log().sum(-1) for part in (root, own)]
    log_dets = 2 * (logs[0] - torch.where(failed > 0, torch.nan, logs[1]))
    return (trace + log_dets + shift.square().sum((-2, -1))) / 2


def require_gaussian(law: Gaussian, name: str) -> None:
    """Raise ValueError unless `law` has a mean (..., d) and a covariance (..., d, d)."""
    require_floating(law.mean, f"the mean of {name}")
    require_floating(law.cov, f"the covariance of {name}")
    d = law.mean.shape[-1] if law.mean.ndim else 0
    if d == 0 or law.cov.shape[-2:] != (d, d):
        raise ValueError(
            f"{name} must have a mean (..., d) and a covariance (..., d, d), got "
            f"{tuple(law.mean.shape)} and {tuple(law.cov.shape)}."
        )
    require_finite(law.mean, f"the mean of {name}")
    require_covariance(law.cov, f"the covariance of {name}")


def _eigenvalues(matrix: Tensor, values: Tensor, vectors: Tensor) -> Tensor:
    """Ascending eigenvalues of Q^{-1/2} matrix Q^{-1/2}, Q given by its eigenvectors."""
    roots = values.sqrt()
    # sqrt(values_i values_j), without the rounding of the roots on the diagonal.
    scale = roots[..., :, None] * roots[..., None, :]
    on_diagonal = torch.eye(values.shape[-1], dtype=torch.bool, device=values.device)
    scale = torch.where(on_diagonal, values[..., None, :], scale)
    product = vectors.mT @ matrix @ vectors
    return torch.linalg.eigvalsh((product + product.mT) / 2 / scale)


def _excess(gaps: Tensor, ratios: Tensor) -> Tensor:
    """r - log(1 + r) for r = gaps = ratios - 1, each given to its own relative accuracy."""
    zeros = torch.zeros_like(gaps)
    near, middle = gaps.abs() < 0.5, gaps > -0.7
    series = r_minus_log1p(torch.where(near, gaps, zeros))
    inner = torch.where(middle, gaps, zeros)
    return torch.where(
        near, series, torch.where(middle, inner - inner.log1p(), gaps - ratios.log())
    )


def r_minus_log1p(r: Tensor) -> Tensor:
    """r - log(1 + r) for |r| < 0.5, where it is about r^2 / 2, without cancellation.

    With s = r / (2 + r), log(1 + r) = 2 artanh(s) and r - 2 s = r s exactly, which leaves
    r s - 2 (s^3 / 3 + s^5 / 5 + ...). Eighteen terms reach rounding there (|s| < 1/3).
    """
    s = r / (2 + r)
    tail = torch.zeros_like(s)
    for odd in range(37, 1, -2):
        tail = s * s * (1 / odd + tail)
    return r * s - 2 * s * tail
