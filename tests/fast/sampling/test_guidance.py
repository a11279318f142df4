"""Classifier-free guidance of samples: with scores for which the image is known, and refusals."""

import dataclasses

import pytest
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from tests.fast.sampling.test_conditional_sampling import (
    CONDITIONAL,
    COUNT,
    FLOW,
    PLAIN,
    ROUNDING,
    X,
    made,
)
from tests.support.stub_runs import LOG_MEAN, LOG_STD, points, stub_run


class OrAll(nn.Module):
    """The same of the classes' pictures, and for none of them of their geometric mean."""

    def forward(self, inputs: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
        v = (4 * condition)[:, None, None, None].exp()
        y = LOG_MEAN + inputs * (v + LOG_STD**2).sqrt()
        return -1 - (y - log_pictures()[labels]) / v


def log_pictures() -> Tensor:
    """The logarithms of the three pictures, and their mean."""
    logs = points().log().float()
    return torch.cat([logs, logs.mean(0, keepdim=True)])


DROPPED = dataclasses.replace(CONDITIONAL.config, class_conditional=True, label_dropout=0.1)
BOTH = dataclasses.replace(CONDITIONAL, config=DROPPED, model=stub_run(OrAll()).model)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 1.4])
def test_guidance_goes_from_all_to_the_class_and_beyond(weight: float) -> None:
    """With these scores the image is exp((1 - w) mean + w log picture), exactly."""
    settings = dataclasses.replace(FLOW, guidance=weight)
    labels, images = made(BOTH, settings)
    logs = log_pictures()
    expected = ((1 - weight) * logs[3] + weight * logs[torch.tensor(labels)]).exp()
    assert float((images - expected).abs().max()) < ROUNDING
    wrong = ((2 - weight) * logs[3] + (weight - 1) * logs[torch.tensor(labels)]).exp()
    assert float((images - wrong).abs().max()) > 0.1
    alone, of_one = made(BOTH, dataclasses.replace(settings, label=2))
    assert alone == [2] * COUNT and float((of_one - expected[labels.index(2)]).abs().max()) < 1e-4


def test_guidance_that_a_run_cannot_serve_is_refused_with_what_to_do() -> None:
    settings = dataclasses.replace(FLOW, guidance=2.0)
    for run, words in ((PLAIN, "is not class-conditional"), (CONDITIONAL, "no score without one")):
        with pytest.raises(ValueError, match=rf"guidance 2: .* {words}: train .*label-dropout"):
            gbm.Sampler(run, settings)
        gbm.Sampler(run, dataclasses.replace(settings, guidance=1.0))
    for bad in (-0.5, float("nan")):
        with pytest.raises(ValueError, match="guidance must be a|guidance must be"):
            dataclasses.replace(FLOW, guidance=bad)
    sampler = gbm.Sampler(BOTH, dataclasses.replace(settings, label=2))
    assert ", class 2, guidance 2, 6 levels" in sampler.caption
    assert "class-2_guidance-2_6-levels" in sampler.settings.slug
    assert "guidance" not in FLOW.caption + FLOW.slug


def test_a_run_with_both_scores_has_that_of_all_without_labels() -> None:
    x, none = X * torch.linspace(0.9, 1.2, 3)[:, None, None, None], torch.full((3,), 3)
    v = BOTH.process.log_var(0.5).float()
    expected = -1 - (x.log() - log_pictures()[none]) / v
    assert torch.allclose(BOTH.score(x, 0.5), expected, rtol=1e-4)
    one = BOTH.score(x, 0.5, torch.tensor([0, 1, 2]))
    assert not torch.allclose(one, expected, rtol=0.01)
    with pytest.raises(ValueError, match=r"must be 3 integers in 0\.\.2"):
        BOTH.score(x, 0.5, none)
    with pytest.raises(ValueError, match="pass labels"):
        CONDITIONAL.score(x, 0.5)
