"""A learned score at t = 0, where the exact one of data without a density is refused too."""

import pytest
import torch

import gbm_fast as gbm
from gbm_fast import parameterisation
from tests.support.twins import tensor


class Flat(torch.nn.Module):
    """A network that returns zeros."""

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return 0.0 * x


@pytest.mark.parametrize("name", ["Stein", "Hyvarinen", "Noise", "Denoiser"])
def test_a_level_without_noise_is_refused(name: str) -> None:
    kinds = {"Denoiser": parameterisation.Denoiser(0.1, 0.3)}
    kind = kinds.get(name) or getattr(parameterisation, name)()
    model = parameterisation.ScoreModel(Flat(), kind, 0.1, 0.3)
    score = parameterisation.score_function(model, gbm.GBM(sigma=0.8))
    x = tensor([[1.2, 0.7]])
    assert bool(torch.isfinite(score(x, 0.5)).all())
    for t in (0.0, torch.zeros(1, dtype=torch.float64)):
        with pytest.raises(ValueError, match="no level without noise"):
            score(x, t)
    with pytest.raises(ValueError, match="no level without noise"):
        score.prepare([0.5, 0.0], x)
