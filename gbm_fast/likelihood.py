"""Log-likelihood of positive data by the probability flow (torch; claims R16, R19).

The noise-free equation with the marginals of the process, integrated from the data to the noise,

    d log X / dt = mu - sigma^2 - sigma^2 / 2 h(X, t),      h = x * grad log p_t

carries log q_t, the log density of log X_t, which grows by sigma^2 / 2 times the divergence of
the log score s = 1 + h:

    log p(x) = log q_T(log X_T) - int sigma^2 / 2 tr grad_y s dt - sum_i log x_i

`log_likelihood` takes any score and any law at T, so it is the likelihood of a model; with the
exact score and the diffused target it returns the target's own density. The divergence is always
that of the *log* score in log coordinates (claims R2, R18, R19),

    tr grad_y s = sum_i d s_i / d y_i = sum_i x_i d h_i / d x_i,        y = log x, s = 1 + h

in closed form for a target, or of any score by autograd, exactly or with given probes. Scores are
called once for a batch, whose samples they must not mix, and are differentiated by reverse-mode
autograd, also under `torch.no_grad`; with `create_graph` the results can be differentiated again,
as training with the implicit loss does.

All x are positive and (batch, *event), all results (batch,), in nats; wrong arguments raise
`ValueError`.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gbm_fast.checks import (
    positive_number,
    require_finite,
    require_positive,
    require_same_shape,
    require_tensor,
    whole_number,
)
from gbm_fast.grids import Grid
from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import log_means, one_log_var
from gbm_fast.scores import ScoreFunction
from gbm_fast.shapes import differentiated, exact_arithmetic, lasting, tracked
from gbm_fast.targets import LogNormal, PointMasses, Target
from gbm_fast.targets.components import components
from gbm_fast.targets.principal_axes import inverse, log_det, symmetric_root

Divergence = Callable[[Tensor, Time], Tensor]
"""(x, t) -> tr grad_y s at x (batch, *event), shape (batch,)."""


def log_score_divergence(x: Tensor, target: Target) -> Tensor:
    """tr grad_y s(x), the divergence of the log score of `target` in y = log x (claim R2).

        tr grad_y s = -sum_j r_j tr S_j^{-1} + sum_j r_j |u_j - s|^2,   s = sum_j r_j u_j

    with r_j the probability of component j at x and u_j = -S_j^{-1} (log x - a_j); the second sum
    is R2's difference of two squares without the cancellation.

    x       (..., d), positive; the result (...)
    target  a `LogNormal`, a `LogNormalMixture` or `PointMasses`, with a density; for a mixture of
            J components the memory is that of (..., J, d) numbers
    """
    require_tensor(x, "x")
    if x.ndim == 0 or x.shape[-1] != target.d:
        raise ValueError(f"x must have shape (..., {target.d}), got {tuple(x.shape)}.")
    require_positive(x, "x")
    if isinstance(target, PointMasses):
        return target.log_score_divergence(x)
    parts, y = components(target), x.log()
    shares, pulls = parts.shares(y), parts.pulls(y)
    gaps = pulls - (shares[..., None] * pulls).sum(-2, keepdim=True)
    bends = gaps.square().sum(-1) - parts.traces()
    return (shares * bends).sum(-1)


def exact_divergence(target: Target, process: Process) -> Divergence:
    """The callable (x, t) -> tr grad_y s_t(x) of data with the law `target`, t a scalar.

    It goes with `exact_score(target, process)`; `log_score_divergence` has the formula.
    """

    def divergence(x: Tensor, t: Time) -> Tensor:
        _require_batch(x)
        return log_score_divergence(x.flatten(1), target.diffuse(process, t))

    return divergence


def log_score_slope(score: ScoreFunction, create_graph: bool = False) -> ScoreFunction:
    """The callable (x, t) -> x_i d h_i / d x_i, of the shape of x.

    The diagonal of the derivative of h in log x, which `implicit_m_esm` asks for, by one backward
    pass for each element of an event: for a few coordinates.
    """

    def slope(x: Tensor, t: Time) -> Tensor:
        _require_batch(x)
        count = x.shape[1:].numel()
        units = torch.eye(count, dtype=x.dtype, device=x.device).reshape(count, 1, *x.shape[1:])
        products = _products(score, x, t, [unit.expand_as(x) for unit in units], create_graph)
        columns = [product.flatten(1)[:, i] for i, product in enumerate(products)]
        return torch.stack(columns, dim=1).reshape(x.shape)

    return slope


def autograd_divergence(score: ScoreFunction, create_graph: bool = False) -> Divergence:
    """The exact divergence of any score: the sum of `log_score_slope`, d backward passes.

    A ValueError inside `torch.func`, whose transforms do not let torch.autograd in.
    """
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
        _require_batch(x)
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
    with lasting(), torch.enable_grad():
        y = tracked((x if create_graph else x.detach()).log())
        h = score(y.exp(), t)
        if not h.requires_grad:
            raise ValueError("the score has no derivative in x: is it computed under no_grad?")
        found: list[Tensor] = []
        # What a network rounded on the way is of its own dtype, in which its derivatives come.
        with exact_arithmetic(x):
            for i, vector in enumerate(vectors):
                keep = create_graph or i < len(vectors) - 1
                found += torch.autograd.grad(
                    h, y, vector.to(h.dtype), keep, create_graph, materialize_grads=True
                )
        return found


__all__ = [
    "Divergence",
    "autograd_divergence",
    "bits_per_dim",
    "exact_divergence",
    "exact_log_likelihood",
    "hutchinson_divergence",
    "log_likelihood",
    "log_score_divergence",
    "log_score_slope",
]

# The classical Runge-Kutta method: where each stage is, and its weight.
_STAGES, _WEIGHTS = (0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)


def log_likelihood(
    x: Tensor,
    process: Process,
    score: ScoreFunction,
    divergence: Divergence,
    terminal: Target,
    grid: Grid,
) -> Tensor:
    """log p(x) of the model that follows the probability flow from `terminal` to the data.

    The formula of the module docstring (claim R19) by the classical Runge-Kutta method, a step for
    each row of the grid: four evaluations of the score and of its divergence, global error of
    fourth order in the steps. Halve them to see it: the difference is 15/16 of the error.

    x           states at the end of the grid, (batch, *event)
    score       (x, t) -> x * grad log p_t(x)
    divergence  (x, t) -> sum_i x_i d h_i / d x_i of that score, (batch,)
    terminal    the law at the first time of the grid, of d = the number of elements of an event
    grid        rows from that time down to the time of the data, each beginning where the one
                before it ends, such as those of the samplers. The score is read at both ends, so
                where it is singular at t = 0 the grid must stop above: `geometric(...)[:-1]`

    Computed in the dtype of x; no sample depends on another. Raises ValueError also for a grid
    with gaps or where the result is not finite.
    """
    rows = _rows(x)
    times = _times(grid)
    if rows.shape[-1] != terminal.d:
        raise ValueError(f"an event has {rows.shape[-1]} elements, terminal d = {terminal.d}.")

    velocity = _velocity(process, score, divergence, x.shape)
    y, growth = rows.log(), torch.zeros_like(rows[:, 0])
    for start, end in zip(times[:-1], times[1:], strict=True):
        dy, more = _runge_kutta(velocity, start, end, y)
        y, growth = y + dy, growth + more
    require_finite(y, "the flow's end (a score singular at the last time of the grid?)")
    return terminal.logpdf(y.exp()) + y.sum(-1) - growth - rows.log().sum(-1)


def exact_log_likelihood(
    x: Tensor, target: LogNormal, process: Process, terminal: Target, t_min: Time = 0.0
) -> Tensor:
    """`log_likelihood` with the exact score of log-normal data, in closed form.

        Y_T = a + m(T) + R (log x - a - m(t_min)),   R = (S_T S_min^{-1})^{1/2}
        log p(x) = log q_T(Y_T) + 1/2 log det(S_T S_min^{-1}) - sum_i log x_i

    with S_t = log_cov + v(t) I (claims R16, R19). With `terminal` the diffused target it is the
    density of the target at t_min; with another start, the density of what the flow makes of it.
    Derivatives in log_cov are right in every mode of torch, also at equal eigenvalues.

    x         states at t_min, (batch, *event)
    target    the data law; its covariance at t_min must be positive definite
    terminal  any law at T
    """
    if not isinstance(target, LogNormal):
        raise ValueError(f"the closed form is for log-normal data, not {type(target).__name__}.")
    rows, end = _rows(x), process.horizon
    begin = target.diffuse(process, t_min)
    if rows.shape[-1] != target.d:
        raise ValueError(f"an event has {rows.shape[-1]} elements, target d = {target.d}.")
    if begin.principal_axes.singular:
        raise ValueError("the data have no density at t_min: their log covariance is singular.")
    residual = rows.log() - begin.log_mean
    dv = one_log_var(process, end, end - t_min)
    root, growth = _stretch(begin, dv, residual)
    centre = target.log_mean + log_means(process, end).to(residual)
    with exact_arithmetic(residual):
        y_end = centre + residual @ root
    return terminal.logpdf(y_end.exp()) + y_end.sum(-1) + growth - rows.log().sum(-1)


def _stretch(begin: LogNormal, dv: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """(I + dv S^{-1})^{1/2} and half the logarithm of its square's determinant, S at t_min."""
    variances, axes, dv = (
        begin.principal_axes.variances[0],
        begin.principal_axes.axes[0],
        dv.double(),
    )
    added = dv.to(variances) / variances
    root, growth = (axes * (1 + added).sqrt()) @ axes.mT, added.log1p().sum() / 2
    cov = begin.principal_axes.covs
    if cov is not None and differentiated(cov):
        # The derivatives of eigenvectors are NaN at equal eigenvalues: theirs are of other forms.
        eye = torch.eye(begin.d, dtype=cov.dtype, device=cov.device)
        squared = eye + dv.to(cov) * inverse(cov[0])
        of_root, of_growth = symmetric_root(squared), log_det(squared) / 2
        root = root.detach() + (of_root - of_root.detach())
        growth = growth.detach() + (of_growth - of_growth.detach())
    return root.to(like), growth.to(like)


def bits_per_dim(log_likelihood: Tensor, d: int, cell: float = 1.0 / 256.0) -> Tensor:
    """-log2 p(x) / d - log2(cell): bits per dimension of quantised data (claim R19).

    log_likelihood  log p(x) in nats at dequantised data x, any shape; also the shape of the result
    d               number of dimensions of x
    cell            distance of two neighbouring grey levels in x: 1/256 for x = 1 + (v + u) / 256
                    with v = 0..255 and u uniform on [0, 1), which adds 8 bits

    Averaged over u it is at least the bits per dimension of the discrete model.
    """
    require_finite(log_likelihood, "log_likelihood")
    nats = whole_number(d, "d", 1) * math.log(2)
    return -log_likelihood / nats - math.log2(positive_number(cell, "cell"))


Velocity = Callable[[float, Tensor], tuple[Tensor, Tensor]]


def _velocity(
    process: Process, score: ScoreFunction, divergence: Divergence, shape: torch.Size
) -> Velocity:
    """(t, log X_t as rows) -> the rates of both, (batch, d) and of the log density, (batch,)."""

    def velocity(t: float, y: Tensor) -> tuple[Tensor, Tensor]:
        state = y.exp().reshape(shape)
        rate = process.diffusion(t).to(y) ** 2
        h, trace = score(state, t), divergence(state, t)
        require_same_shape(state, h, "the score's result")
        require_same_shape(y[:, 0], trace, "the divergence")
        drift = process.drift(t).to(y) - rate - rate / 2 * h.to(y.dtype).reshape(y.shape)
        return drift, rate / 2 * trace.to(y.dtype)

    return velocity


def _rows(x: Tensor) -> Tensor:
    """x (batch, *event), checked, as (batch, d)."""
    _require_batch(x)
    require_positive(x, "x")
    return x.flatten(1)


def _require_batch(x: Tensor) -> None:
    require_tensor(x, "x")
    if x.ndim < 2:
        raise ValueError(f"x must have shape (batch, *event), got {tuple(x.shape)}.")


def _times(grid: Grid) -> list[float]:
    """The ends of the grid's steps, ascending."""
    if len(grid) == 0:
        raise ValueError("the grid has no rows: nothing to integrate.")
    times = [row.t_score for row in grid]
    ends = [row.t_score - row.dt for row in grid]
    slack = 1e-9 * times[0]
    if any(abs(a - b) > slack for a, b in zip(ends[:-1], times[1:], strict=True)):
        raise ValueError("each row of the grid must begin where the one before it ends.")
    if any(row.dt <= 0 for row in grid) or ends[-1] < -slack:
        raise ValueError("the rows of the grid must have dt > 0 and stay at t >= 0.")
    return [max(ends[-1], 0.0), *reversed(times)]


def _runge_kutta(velocity: Velocity, start: float, end: float, y: Tensor) -> tuple[Tensor, Tensor]:
    """The increments of y and of what is carried along, over one step."""
    length = end - start
    slope, total, carried = torch.zeros_like(y), torch.zeros_like(y), torch.zeros_like(y[:, 0])
    for stage, weight in zip(_STAGES, _WEIGHTS, strict=True):
        slope, rate = velocity(start + stage * length, y + stage * length * slope)
        total, carried = total + weight * slope, carried + weight * rate
    return length * total, length * carried
