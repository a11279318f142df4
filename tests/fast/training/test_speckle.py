"""The training of a restorer: its noise, its loss by hand, and what it learns of known laws."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

import gbm_fast as gbm
from gbm_fast.gamma_noise import gamma_log_moments
from gbm_fast.runtime.random import Stream
from gbm_fast.training.speckle import speckle_events
from tests.support.cases import generator


def few_looks(low: float, high: float, count: int) -> torch.Tensor:
    return torch.linspace(math.log(low), math.log(high), count, dtype=torch.float64).exp()


def test_speckle_has_its_law() -> None:
    """Kolmogorov and Smirnov at 1e-4 for each of four; 1.3 times as many looks are rejected."""
    looks = torch.tensor([1.0, 2.5, 10.0, 100.0], dtype=torch.float64)
    drawn = speckle_events(3, Stream.SPECKLE, 5, range(4), looks, (1, 90, 90)).numpy()
    for one, count in zip(drawn.reshape(4, -1), looks.tolist(), strict=True):
        assert stats.kstest(one, stats.gamma(count, scale=1 / count).cdf).pvalue > 1e-4
        more = stats.gamma(1.3 * count, scale=1 / (1.3 * count))
        assert stats.kstest(one, more.cdf).pvalue < 1e-4


def test_an_items_speckle_is_its_own() -> None:
    looks, shape = few_looks(1, 9, 6), (2, 3)
    whole = speckle_events(3, Stream.SPECKLE, 5, range(6), looks, shape)
    assert torch.equal(
        speckle_events(3, Stream.SPECKLE, 5, range(4, 6), looks[4:], shape), whole[4:]
    )
    assert not torch.equal(speckle_events(3, Stream.SPECKLE, 6, range(6), looks, shape), whole)


class Fixed(torch.nn.Module):
    """A network that puts out the same six numbers for every pixel."""

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self.numbers = torch.nn.Parameter(torch.tensor(numbers, dtype=torch.float64))

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.numbers[None, :, None, None].expand(len(x), -1, *x.shape[2:])


def test_an_untrained_network_gives_the_laws_of_log_normal_pixels() -> None:
    """Against quadrature over log X for log-normal speckle of the same log-variance."""
    s, looks = 0.7, torch.tensor([3.0], dtype=torch.float64)
    bias, v = (float(part) for part in gamma_log_moments(looks))
    log_y = torch.tensor(0.9, dtype=torch.float64)
    found = gbm.SpeckleModel(Fixed(0, 0, 0, 0, 0, 0), s)(log_y.reshape(1, 1, 1, 1), looks)
    a = np.linspace(-8, 8, 40_001)
    weights = np.exp(-(a**2) / (2 * s**2) - (0.9 - bias - a) ** 2 / (2 * v))
    mean = np.average(a, weights=weights)
    expected = {
        "log_mean": mean,
        "log_std": math.sqrt(np.average((a - mean) ** 2, weights=weights)),
        "root_mean": np.average(np.exp(a / 2), weights=weights),
        "mean": np.average(np.exp(a), weights=weights),
    }
    below = np.cumsum(weights) / weights.sum()
    expected["low"], expected["high"] = np.exp(np.interp([0.05, 0.95], below, a))
    for name, value in expected.items():
        assert float(getattr(found, name).detach()) == pytest.approx(
            value, rel=1e-9 if name not in ("low", "high") else 1e-3
        )


def test_the_loss_by_hand() -> None:
    source, s = generator("loss by hand"), 0.8
    x, g = np.exp(source.normal(0, 1, (2, 1, 2, 3))), source.gamma(2, 0.5, (2, 1, 2, 3))
    looks = torch.tensor([2.0, 5.0], dtype=torch.float64)
    model = gbm.SpeckleModel(Fixed(0.1, -0.2, 0.3, -0.1, 0.2, -0.3), s)
    parts = torch.from_numpy(x), looks, torch.from_numpy(g)
    laws = model(torch.from_numpy(np.log(x * g)), looks)
    m, d, r, a, low, high = (part.detach().numpy() for part in laws)
    v = gamma_log_moments(looks)[1].numpy()[:, None, None, None]
    squares = (np.log(x) - m) ** 2 + 4 * (np.sqrt(x) - r) ** 2 + (x - a) ** 2
    fit = (np.log(x) - m) ** 2 / (2 * d**2) + np.log(d)
    inner = s**2 * v / (s**2 + v)
    under, over = np.log(x / low), np.log(x / high)
    pinball = np.where(under > 0, 0.05, -0.95) * under + np.where(over > 0, 0.95, -0.05) * over
    expected = (squares / inner + 0.1 * fit + 0.3 * pinball / np.sqrt(inner)).sum((1, 2, 3))
    assert np.allclose(gbm.speckle_loss(model, *parts, s).detach().numpy(), expected)


def test_the_loss_is_least_at_the_means_and_the_deviation() -> None:
    """Of gamma pixels of one value each under speckle that says nothing (many draws, L = 0.01).

    What minimises the squares is the mean in each domain, by itself: the exponential of the mean
    of the logarithm is 15 % off.
    """
    x = generator("least loss").gamma(4, 0.25, (1, 1, 300, 300))
    given = (
        torch.from_numpy(x),
        torch.tensor([0.01], dtype=torch.float64),
        torch.ones(1, 1, 300, 300),
    )
    network = Fixed(0, 0, 0, 0, 0, 0)
    model = gbm.SpeckleModel(network, 0.5)
    optimiser = torch.optim.LBFGS(
        network.parameters(), max_iter=100, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = gbm.speckle_loss(model, *given, 0.5).sum() / x.size
        loss.backward()
        return loss

    optimiser.step(closure)
    found = model((given[0] * given[2]).log() * 0, given[1])
    middle = [float(part.detach().mean()) for part in found]
    expected = [np.log(x).mean(), np.log(x).std(), np.sqrt(x).mean(), x.mean()]
    expected += np.quantile(x, [0.05, 0.95]).tolist()
    # The network knows no pixel, so the slope in log y, s^2 / (s^2 + v) = 2.5e-5, is all there is.
    assert middle == pytest.approx(expected, rel=0.01)
    assert math.exp(expected[0]) < 0.9 * expected[3]


def test_a_restorer_of_grey_levels_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "grey.npy", np.zeros((12, 8, 8), np.uint8) + np.arange(8, dtype=np.uint8))
    config = gbm.TrainConfig(dataset="npy", data_dir=tmp_path / "grey.npy", noise="gamma", steps=1)
    with pytest.raises(ValueError, match="has grey levels: pass --range data"):
        gbm.train_run(config)


@pytest.mark.parametrize(("options", "words"), [
    ({"dataset": "digits"}, "noise gamma is for images in units of their own"),
    ({"dataset": "npy", "process": "constant"}, "process is no setting of noise gamma"),
    ({"dataset": "npy", "network": "unet"}, "noise gamma has the network local, not unet"),
    ({"dataset": "npy", "least_looks": 5.0, "most_looks": 2.0}, "must be at most most_looks"),
])  # fmt: skip
def test_settings_that_do_not_go_with_gamma_noise(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        gbm.TrainConfig(noise="gamma", **options)  # type: ignore[arg-type]
