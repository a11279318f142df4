"""Covariances of log X along their principal axes, which a diffusion does not turn.

S_j = Q_j diag(variances_j) Q_j^T, j = 1..J, and S_j + v I has the same Q_j: one decomposition of
the data law serves every t. It is made and kept in float64 (small arrays), so an inverse has the
digits of the covariances as they were given; what meets a state is cast to it.

Gradients with respect to the covariances do not come this way: the derivative of an eigenvector
is divided by differences of eigenvalues, and equal ones, as every multiple of the identity has,
would make it NaN. Where they are asked for, and where scales are unlike, inverses and determinants
are those of Cholesky factors.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import has_values
from gbm_fast.process.times import float64
from gbm_fast.shapes import differentiated, exact_arithmetic
from gbm_fast.targets.rotations import principal_axes, unlike_scales


class PrincipalAxes(NamedTuple):
    """The covariances of J laws in d dimensions."""

    variances: Tensor
    """(J, d), at least 0, ascending."""
    axes: Tensor
    """(J, d, d), the columns orthonormal; no gradient goes through them."""
    singular: bool
    """Whether some variance is 0 to rounding, so that the law has no density."""
    covs: Tensor | None = None
    """The covariances (J, d, d) themselves where they ask for gradients or have unlike scales."""

    @classmethod
    def of(cls, covs: Tensor) -> "PrincipalAxes":
        """Those of (J, d, d) positive semidefinite matrices."""
        wide = float64(covs)
        variances, axes = principal_axes(wide.detach())
        flat = nearly_singular(wide.detach(), covs.shape[-1] * torch.finfo(covs.dtype).eps)
        singular = has_values(flat) and bool(flat.any())
        # The factors of Cholesky keep the digits of unlike scales, which eigenvectors mix.
        unlike = has_values(flat) and bool(unlike_scales(wide.detach()).any())
        kept = differentiated(wide) or unlike and not singular and covs.shape[-1] > 1
        return cls(variances, axes, singular, wide if kept else None)

    def widened(self, v: Tensor) -> "PrincipalAxes":
        """Those of S_j + v I, for v >= 0, 0-d and in float64; of S_j + diag v for v (d,)."""
        if v.ndim == 1:
            matrices = self._matrices() if self.covs is None else self.covs
            return PrincipalAxes.of(widened(matrices, v))
        # Only a law without a density is looked at: no wait for the device in a sampler's loop.
        still = self.singular and has_values(v) and bool(v == 0)
        covs = None if self.covs is None else widened(self.covs, v)
        return PrincipalAxes(self.variances + v.to(self.variances), self.axes, still, covs)

    def _matrices(self) -> Tensor:
        """S_j, (J, d, d)."""
        return (self.axes * self.variances[:, None, :]) @ self.axes.mT

    def whiteners(self, like: Tensor) -> Tensor:
        """W_j with S_j^-1 = W_j W_j^T, as Q_j diag(variances_j)^(-1/2): (J, d, d), cast to `like`.

        Raises ValueError where there is no density.
        """
        if self.singular:
            raise ValueError(
                "a log-covariance is singular, so there is no density: diffuse first."
            )
        if self.covs is None:
            return (self.axes * self.variances.rsqrt()[:, None, :]).to(like)
        factors = torch.linalg.cholesky(self.covs)
        eye = torch.eye(factors.shape[-1], dtype=factors.dtype, device=factors.device)
        return torch.linalg.solve_triangular(factors.mT, eye, upper=True).to(like)

    def half_log_dets(self) -> Tensor:
        """log det(2 pi S_j) / 2, (J,)."""
        if self.covs is None:
            return (2 * math.pi * self.variances).log().sum(-1) / 2
        factors = torch.linalg.cholesky(self.covs)
        return (math.sqrt(2 * math.pi) * factors.diagonal(dim1=-2, dim2=-1)).log().sum(-1)

    def roots(self, like: Tensor) -> Tensor:
        """R_j = Q_j diag(variances_j)^(1/2), so S_j = R_j R_j^T: (J, d, d), cast to `like`."""
        roots = self.axes * self.variances.sqrt()[:, None, :]
        if self.covs is not None and not self.singular:
            factors = torch.linalg.cholesky(self.covs)
            turns = torch.linalg.solve_triangular(factors, roots, upper=False).detach()
            # Equal to the roots, with the derivatives of S_j = R_j R_j^T.
            roots = roots.detach() + (factors - factors.detach()) @ turns
        return roots.to(like)


def nearly_singular(covs: Tensor, rounding: float) -> Tensor:
    """Whether the correlations of (J, d, d) have an eigenvalue within rounding of 0, (J,)."""
    stds = covs.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt()
    without = (stds == 0).any(-1)
    safe = torch.where(stds == 0, 1.0, stds)
    correlations = covs / safe[..., :, None] / safe[..., None, :]
    return without | (torch.linalg.eigvalsh(correlations)[..., 0] <= rounding)


def inverse(covs: Tensor) -> Tensor:
    """The inverses of positive definite (..., d, d), with derivatives in every mode.

    Forward derivatives of torch.cholesky_inverse are wrong (of PyTorch 2.14).
    """
    factors = torch.linalg.cholesky(covs)
    eye = torch.eye(covs.shape[-1], dtype=covs.dtype, device=covs.device)
    halves = torch.linalg.solve_triangular(factors, eye.expand_as(covs), upper=False)
    with exact_arithmetic(covs):
        return halves.mT @ halves


def log_det(covs: Tensor) -> Tensor:
    """log det of positive definite (..., d, d), (...), with derivatives in every mode.

    Second derivatives of torch.logdet, forwards both times, are wrong (of PyTorch 2.14).
    """
    return 2 * torch.linalg.cholesky(covs).diagonal(dim1=-2, dim2=-1).log().sum(-1)


def widened(covs: Tensor, v: Tensor) -> Tensor:
    """covs + v I for v 0-d, covs + diag v for v (d,)."""
    if v.ndim == 1:
        return covs + torch.diag(v.to(covs))
    return covs + v.to(covs) * torch.eye(covs.shape[-1], dtype=covs.dtype, device=covs.device)


# What autograd and torch.func hand to a function of their own: classes without relation.
_Context = Any


class _Sylvester(torch.autograd.Function):
    """X with R X + X R = M for a positive definite R, with derivatives of any order."""

    generate_vmap_rule = True

    @staticmethod
    def forward(root: Tensor, matrix: Tensor) -> Tensor:
        values, axes = torch.linalg.eigh(root)
        along = axes.mT @ matrix @ axes / (values[:, None] + values)
        return axes @ along @ axes.mT

    @staticmethod
    def setup_context(ctx: _Context, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], output)
        ctx.save_for_forward(inputs[0], output)

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor, Tensor]:
        root, found = ctx.saved_tensors
        of_matrix = _sylvester(root, gradient)
        return -(of_matrix @ found.mT + found.mT @ of_matrix), of_matrix

    @staticmethod
    def jvp(ctx: _Context, root_turn: Tensor, matrix_turn: Tensor) -> Tensor:
        root, found = ctx.saved_tensors
        return _sylvester(root, matrix_turn - root_turn @ found - found @ root_turn)


def _sylvester(root: Tensor, matrix: Tensor) -> Tensor:
    found: Tensor = _Sylvester.apply(root, matrix)
    return found


class _SymmetricRoot(torch.autograd.Function):
    """R = M^(1/2), whose derivative solves R dR + dR R = dM, at equal eigenvalues too."""

    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Tensor) -> Tensor:
        values, axes = torch.linalg.eigh(matrix)
        return (axes * values.sqrt()) @ axes.mT

    @staticmethod
    def setup_context(ctx: _Context, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        return _sylvester(root, gradient)

    @staticmethod
    def jvp(ctx: _Context, turn: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        return _sylvester(root, turn)


def symmetric_root(matrix: Tensor) -> Tensor:
    """The symmetric root of a positive definite (d, d) matrix, with derivatives of any order."""
    with exact_arithmetic(matrix):
        root: Tensor = _SymmetricRoot.apply(matrix)
    return root


def times_small(rows: Tensor, matrix: Tensor) -> Tensor:
    """rows (n, d) @ matrix (d, d); in compiled code, for few columns, as sums that are fused."""
    if torch.compiler.is_compiling() and matrix.shape[0] <= 4:
        total = rows[:, :1] * matrix[0]
        for i in range(1, len(matrix)):
            total = total + rows[:, i : i + 1] * matrix[i]
        return total
    with exact_arithmetic(rows):
        return rows @ matrix
