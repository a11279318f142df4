"""How a network is told the noise level: the level of a training grid that is nearest."""

import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast.networks.conditions import LevelIndex
from tests.support.twins import assert_twins, tensor

LEVELS = 0.64 * torch.arange(1, 1001, dtype=torch.float64) / 1000


def test_a_level_of_the_grid_has_its_own_index_also_in_float32() -> None:
    """The paper's levels sigma^2 k / N, through the process and its rounding."""
    index, process = LevelIndex(LEVELS), gbm.GBM(sigma=0.8)
    for dtype in (torch.float32, torch.float64):
        v = process.log_var(torch.arange(1, 1001, dtype=torch.float64) / 1000).to(dtype)
        assert torch.equal(index(v), torch.arange(1000))
    assert not index.state_dict()


def test_a_level_between_two_takes_the_nearest_in_log_v() -> None:
    index = LevelIndex(tensor([0.1, 0.4, 6.4]))
    v = tensor([0.1, 0.19, 0.21, 0.4, 1.59, 1.61, 6.4, 6.40005])
    assert index(v).tolist() == [0, 0, 1, 1, 1, 2, 2, 2]


def test_a_model_of_levels_passes_the_index_and_the_labels_on() -> None:
    """v stays what the head uses: only the network's condition is the index."""
    seen = []

    class Recorder(nn.Module):
        def forward(self, x: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
            seen.append((condition, labels))
            return torch.ones_like(x)

    process, labels = gbm.GBM(sigma=0.8), torch.tensor([4, 7])
    model = gbm.ScoreModel(Recorder(), gbm.Noise(), 0.27, 0.34, condition=LevelIndex(LEVELS))
    t = tensor([0.001, 0.4996])
    h = gbm.score_function(model, process, labels)(torch.ones(2, 3, dtype=torch.float64), t)
    ((condition, given),) = seen
    assert condition.tolist() == [0, 499]
    assert torch.equal(given, labels)
    assert_twins(h, (-1 - 1 / (0.64 * t).sqrt()[:, None].expand(2, 3)).numpy(), 50.0)
