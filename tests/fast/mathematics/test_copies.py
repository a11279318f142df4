"""A law, step, process or score keeps copies of what it is given, and no stale values."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast import distributions
from tests.support.cases import PROCESS
from tests.support.good import COV, X
from tests.support.twins import tensor

MEANS = torch.stack([X[0], -X[1]])


KEEPS: dict[str, tuple[Callable[[Tensor], object], Tensor]] = {
    "LogNormal mean": (lambda a: gbm.LogNormal(a, COV), X[0]),
    "LogNormal cov": (lambda a: gbm.LogNormal(X[0], a), COV),
    "mixture weights": (lambda a: gbm.LogNormalMixture(a, MEANS, X[0]), tensor([0.25, 0.75])),
    "mixture means": (lambda a: gbm.LogNormalMixture(tensor([0.5, 0.5]), a, X[0]), MEANS),
    "mixture covs": (
        lambda a: gbm.LogNormalMixture(tensor([0.5, 0.5]), MEANS, a),
        torch.stack([COV, 2 * COV]),
    ),
    "points": (lambda a: gbm.PointMasses(a, 0.1), X),
    "front mean": (lambda a: distributions.LogNormal(a, COV), X[0]),
    "front cov": (lambda a: distributions.LogNormal(X[0], a), COV),
    "front weights": (
        lambda a: distributions.LogNormalMixture(a, MEANS, torch.stack([COV, COV])),
        tensor([0.25, 0.75]),
    ),
    "front points": (lambda a: distributions.PointMasses(a, 0.1), X),
    **{
        make.__name__: (lambda a, make=make: make(a, 1.0), X[0])
        for make in (gbm.Gamma, gbm.InverseGamma, gbm.Weibull, gbm.BetaPrime)
    },
}


def what_it_says(law: object) -> list[Tensor]:
    """Densities and scores, of one point and of the law diffused; nothing that draws."""
    density = law.logpdf if hasattr(law, "logpdf") else law.log_prob
    found = [density(X), law.log_score(X)]
    if hasattr(law, "diffuse"):
        later = law.diffuse(PROCESS, 0.3)
        found += [
            later.log_score(X),
            *(part for part in vars(later).values() if torch.is_tensor(part)),
        ]
    return found


@pytest.mark.parametrize("name", KEEPS)
def test_a_law_keeps_a_copy(name: str) -> None:
    """Reused buffers change nothing, whatever was computed from them before."""
    make, given = KEEPS[name]
    buffer = given.clone()
    law, fresh = make(buffer), make(given.clone())
    buffer.fill_(7.0)
    for found, expected in zip(what_it_says(law), what_it_says(fresh), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["number", "diagonal", "matrix", "sigma", "mu"])
def test_steps_and_processes_keep_copies(kind: str) -> None:
    given = {"number": tensor(0.2), "matrix": COV}.get(kind, X[0]).clone()
    if kind in ("sigma", "mu"):
        process = gbm.PiecewiseGBM(**{"sigma": [0.3, 0.4], kind: given})
        before = process.log_mean(0.7), process.log_var(0.7), getattr(process, kind).clone()
        given.fill_(9.0)
        assert (process.log_mean(0.7), process.log_var(0.7)) == before[:2]
        assert torch.equal(getattr(process, kind), before[2])
        return
    step, same = gbm.Ancestral(given), gbm.Ancestral(given.clone())
    given.fill_(9.0)
    assert torch.equal(step.data_log_cov, same.data_log_cov)
    for found, expected in zip(
        *(s.coefficients(PROCESS, 0.4, 0.1, 1.0) for s in (step, same)), strict=True
    ):
        assert torch.equal(found, expected)


def test_labels_of_a_score_are_a_copy() -> None:
    class Shifts(torch.nn.Module):
        def forward(self, inputs: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
            assert labels.dtype == torch.int64
            return inputs + labels[:, None]

    labels = torch.tensor([0, 1], dtype=torch.int32)
    model = gbm.ScoreModel(Shifts(), gbm.Hyvarinen(), 0.1, 0.3)
    score = gbm.score_function(model, PROCESS, labels)
    before = score(X, 0.3)
    labels.fill_(5)
    assert torch.equal(score(X, 0.3), before)


def test_a_data_set_that_was_used_without_gradients_gives_them_afterwards() -> None:
    for dtype in (torch.float32, torch.float64):
        points = X.to(dtype, copy=True).requires_grad_()
        law = gbm.PointMasses(points, 0.1)
        with torch.no_grad():
            law.logpdf(X.to(dtype))
        law.logpdf(X.to(dtype)).sum().backward()
        assert points.grad is not None and bool((points.grad != 0).all())
