"""The divergence of a score in log coordinates: closed form, autograd and probes (torch).

    tr grad_y s = sum_i d s_i / d y_i = sum_i x_i d h_i / d x_i,        y = log x, s = 1 + h

of the log score s of a target (sheet R2) or of any score (sheet R18, R19). x is (batch, *event),
and t a time as the score takes it. Scores are called once for a batch, whose samples they must
not mix, and are differentiated by reverse-mode autograd, also under `torch.no_grad`. With
`create_graph` the results can be differentiated again, as training with the implicit loss does.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gbm_fast._components import components
from gbm_fast.checks import require_positive
from gbm_fast.process import Process, Time
from gbm_fast.scores import ScoreFunction
from gbm_fast.targets import PointMasses, Target

Divergence = Callable[[Tensor, Time], Tensor]
"""(x, t) -> tr grad_y s at x (batch, *event), shape (batch,)."""


def log_score_divergence(x: Tensor, target: Target) -> Tensor:
    """tr grad_y s(x), the divergence of the log score of `target` in y = log x (sheet R2).

        tr grad_y s = -sum_j r_j tr S_j^{-1} + sum_j r_j |u_j - s|^2,   s = sum_j r_j u_j

    with r_j the probability of component j at x and u_j = -S_j^{-1} (log x - a_j); the second sum
    is R2's difference of two squares without the cancellation.

    x       (..., d), positive; the result (...)
    target  a `LogNormal`, a `LogNormalMixture` or `PointMasses`, with a density; for a mixture of
            J components the memory is that of (..., J, d) numbers
    """
    if x.ndim == 0 or x.shape[-1] != target.d:
        raise ValueError(f"x must have shape (..., {target.d}), got {tuple(x.shape)}.")
    require_positive(x, "x")
    if isinstance(target, PointMasses):
        return target.log_score_divergence(x)
    parts, y = components(target), x.log()
    shares = parts.shares(y)
    pulls = parts.off_axes(-parts.residuals(y) / parts.variances)
    gaps = pulls - (shares[..., None] * pulls).sum(-2, keepdim=True)
    bends = gaps.square().sum(-1) - (1 / parts.variances).sum(-1)
    return (shares * bends).sum(-1)


def exact_divergence(target: Target, process: Process) -> Divergence:
    """The callable (x, t) -> tr grad_y s_t(x) of data with the law `target`, t a scalar.

    It goes with `exact_score(target, process)`; `log_score_divergence` has the formula.
    """

    def divergence(x: Tensor, t: Time) -> Tensor:
        return log_score_divergence(x.flatten(1), target.diffuse(process, t))

    return divergence


def log_score_slope(score: ScoreFunction, create_graph: bool = False) -> ScoreFunction:
    """The callable (x, t) -> x_i d h_i / d x_i, of the shape of x.

    The diagonal of the derivative of h in log x, which `implicit_m_esm` asks for, by one backward
    pass for each element of an event: for a few coordinates.
    """

    def slope(x: Tensor, t: Time) -> Tensor:
        count = x[0].numel()
        units = torch.eye(count, dtype=x.dtype, device=x.device).reshape(count, 1, *x.shape[1:])
        products = _products(score, x, t, [unit.expand_as(x) for unit in units], create_graph)
        columns = [product.flatten(1)[:, i] for i, product in enumerate(products)]
        return torch.stack(columns, dim=1).reshape(x.shape)

    return slope


def autograd_divergence(score: ScoreFunction, create_graph: bool = False) -> Divergence:
    """The exact divergence of any score: the sum of `log_score_slope`, d backward passes."""
    slope = log_score_slope(score, create_graph)

    def divergence(x: Tensor, t: Time) -> Tensor:
        return slope(x, t).flatten(1).sum(1)

    return divergence


def hutchinson_divergence(
    score: ScoreFunction, probes: Tensor, create_graph: bool = False
) -> Divergence:
    """An unbiased estimate for images: the mean of e^T (ds/dy) e over given probes e.

    probes  (K, batch, *event), independent entries of mean 0 and variance 1, of the shape of the
            batch that the callable is given; entries +-1 have the least variance

    The probes are the same at every t, so the likelihood is a deterministic function of them, and
    its standard error over the probes comes from calls with one probe each. Raises ValueError for
    probes of another shape.
    """

    def divergence(x: Tensor, t: Time) -> Tensor:
        if probes.ndim != x.ndim + 1 or probes.shape[1:] != x.shape or len(probes) == 0:
            raise ValueError(
                f"probes must have shape (K, *x.shape) = (K, *{tuple(x.shape)}), got "
                f"{tuple(probes.shape)}."
            )
        given = list(probes.to(x))
        products = _products(score, x, t, given, create_graph)
        estimates = [(p * e).flatten(1).sum(1) for p, e in zip(products, given, strict=True)]
        return torch.stack(estimates).mean(0)

    return divergence


def _products(
    score: ScoreFunction, x: Tensor, t: Time, vectors: list[Tensor], create_graph: bool
) -> list[Tensor]:
    """vector^T dh/dy for each of the vectors, of the shape of x, from one call of the score."""
    with torch.enable_grad():
        y = (x if create_graph else x.detach()).log()
        y = y if y.requires_grad else y.requires_grad_()
        h = score(y.exp(), t)
        if not h.requires_grad:
            raise ValueError("the score has no derivative in x: is it computed under no_grad?")
        found: list[Tensor] = []
        for i, vector in enumerate(vectors):
            keep = create_graph or i < len(vectors) - 1
            found += torch.autograd.grad(
                h, y, vector.to(h.dtype), keep, create_graph, materialize_grads=True
            )
        return found
