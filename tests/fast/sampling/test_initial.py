"""Where the samplers start: fitted moments, class averages and their shares, exactly."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.data.statistics import DataStatistics, data_statistics
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import initial
from tests.support.cases import generator
from tests.support.fixtures import Patch
from tests.support.twins import assert_twins, tensor

PROCESSES: dict[str, gbm.Process] = {
    "constant": gbm.GBM(mu=0.13, sigma=0.7, horizon=0.9),
    "exploding": gbm.VarianceExploding(std_min=0.02, std_max=3.0, horizon=1.1),
}
SHAPE = (3, 2, 2)
# Per channel, log pixels are CENTRES -/+ SPREADS in equal numbers within each image, so their
# mean and deviation are CENTRES and SPREADS, the channels pooled or the deviation of the image
# means being something else.
CENTRES, SPREADS = (0.20, 0.31, 0.45), (0.05, 0.11, 0.17)
SIGNS = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)


def two_valued() -> tuple[Tensor, Tensor]:
    """Four images of three channels; the one of class 7 is the others inside out."""
    centres, spreads = (tensor(part)[:, None, None] for part in (CENTRES, SPREADS))
    image, inverse = (torch.exp(centres + sign * spreads * SIGNS) for sign in (1, -1))
    return torch.stack([image, image, inverse, image]), torch.tensor([2, 2, 7, 2])


def varied() -> tuple[Tensor, Tensor]:
    """Ten images in three classes of 5, 3 and 2."""
    values = generator("initialisation").uniform(1, 2, (10, *SHAPE))
    return tensor(values), torch.tensor([0, 4, 0, 1, 0, 1, 0, 4, 1, 0])


def test_the_moments_of_log_pixels_channel_by_channel() -> None:
    found = data_statistics(*two_valued(), 8)
    assert_twins(found.log_means, np.array(CENTRES), 4.0)
    assert_twins(found.log_stds, np.array(SPREADS), 4.0)
    pooled = torch.log(two_valued()[0]).mean()
    assert float((found.log_means - pooled).abs().min()) > 0.005


def test_the_class_averages_have_their_own_moments() -> None:
    """The mean over a class is arithmetic, as in the paper: its log is above the mean log. Class 2
    has one image three times, class 7 one; over both, log pixels are centre -/+ spread."""
    images, labels = two_valued()
    found = data_statistics(images, labels, 9)
    assert_twins(found.class_averages[[2, 7]], images[[0, 2]].numpy(), 2.0)
    assert found.class_frequencies.tolist() == [0, 0, 0.75, 0, 0, 0, 0, 0.25, 0]
    # The others keep their rows: there is no average of no images.
    assert found.class_averages.isnan().flatten(1).all(1).nonzero()[:, 0].tolist() == [
        *(0, 1, 3, 4, 5, 6, 8)
    ]
    assert_twins(found.average_log_means, np.array(CENTRES), 4.0)
    one_class = data_statistics(images[:3], torch.tensor([7, 7, 7]), 8)
    # Two images of three are `image`: pixels (2 e^s + e^-s) / 3 and (e^s + 2 e^-s) / 3 times e^c.
    up, down = np.exp(SPREADS), np.exp(np.negative(SPREADS))
    high, low = (np.log((a * up + b * down) / 3) for a, b in ((2, 1), (1, 2)))
    mean, half = (high + low) / 2, (high - low) / 2
    assert_twins(one_class.average_log_means, np.array(CENTRES) + mean, 4.0)
    assert_twins(one_class.average_log_stds, half, 4.0)
    # The two fits of Sections 6.2 and G.2 differ (sheet E24).
    assert bool((one_class.average_log_means - one_class.log_means > 5e-4).all())
    assert bool((one_class.average_log_stds < 0.5 * one_class.log_stds).all())


def test_the_averages_are_weighted_by_the_share_of_their_class() -> None:
    """Against a loop over all images, each replaced by the average of its class."""
    images, labels = varied()
    found = data_statistics(images, labels, 5)
    averages = {k: images[labels == k].mean(0) for k in (0, 1, 4)}
    replaced = torch.stack([averages[int(k)] for k in labels]).log()
    assert_channels(replaced, found.average_log_means, found.average_log_stds, 4.0)
    unweighted = torch.stack(list(averages.values())).log().mean((0, 2, 3))
    assert float((found.average_log_means - unweighted).abs().max()) > 1e-4


@pytest.mark.parametrize("name", PROCESSES)
def test_the_fit_at_the_horizon_has_the_moments_of_noised_pixels(name: str) -> None:
    """Noise of -1 and 1 has mean 0 and variance 1: all pixels under both are a full ensemble.
    Pushed by the forward process itself; dropping m or v, or adding v to the deviation, fails."""
    process, (images, labels) = PROCESSES[name], varied()
    statistics = data_statistics(images, labels, 5)
    mu, sigma = initial.fitted_lognormal(statistics.log_means, statistics.log_stds, process)
    ones = torch.ones_like(images)
    noised = [process.sample(images, process.horizon, z * ones).log() for z in (-1, 1)]
    assert_channels(torch.cat(noised), mu, sigma, 10.0)


def assert_channels(logs: Tensor, mean: Tensor, std: Tensor, scale: float) -> None:
    """`logs` (n, 3, height, width) have these moments channel by channel."""
    by_channel = logs.transpose(0, 1).reshape(3, -1)
    assert_twins(mean, by_channel.mean(1).numpy(), scale)
    assert_twins(std, by_channel.std(1, correction=0).numpy(), scale)


def replayed(count: int) -> ImageNoise:
    return ImageNoise(23, range(count), SHAPE)


@pytest.mark.parametrize("name", PROCESSES)
def test_class_averages_from_given_draws(name: str) -> None:
    """The class that the uniform number picks, times exp(m + sqrt(v) z): exact in float32."""
    process, statistics = PROCESSES[name], data_statistics(*varied(), 5)
    found, labels = initial.from_class_averages(statistics, process, replayed(20))
    draws = replayed(20)
    uniforms, z = draws.uniform().double(), draws.normal()
    # Shares 0.5, 0.3, 0.2, as a chain of comparisons.
    classes = [0 if u < 0.5 else 1 if u < 0.8 else 4 for u in uniforms.tolist()]
    assert set(classes) == {0, 1, 4} and labels.tolist() == classes
    m, v = (float(part(process.horizon)) for part in (process.log_mean, process.log_var))
    expected = statistics.class_averages[classes] * torch.exp(m + math.sqrt(v) * z.double())
    assert found.dtype == torch.float32
    scale = expected * (2 + abs(m) + 2 * math.sqrt(v) * z.double().abs())
    assert_twins(found, expected.numpy(), scale.numpy())


class Chosen(ImageNoise):
    """Noise whose uniform numbers are given and whose normal numbers are zero."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        super().__init__(0, range(len(uniforms)), SHAPE)
        self.uniforms = uniforms

    def uniform(self) -> Tensor:
        return torch.tensor(self.uniforms)

    def normal(self) -> Tensor:
        return torch.zeros(len(self.uniforms), *SHAPE)


def classes_of(statistics: DataStatistics, uniforms: Sequence[float]) -> list[int]:
    """The class of each start, read off the images themselves."""
    starts = initial.from_class_averages(statistics, gbm.GBM(sigma=0.7), Chosen(uniforms))
    averages = statistics.class_averages.float().flatten(1).nan_to_num(nan=1e6)
    distances = torch.cdist(starts.x.flatten(1), averages)
    assert float(distances.amin(1).max()) < 1e-5
    assert distances.argmin(1).tolist() == starts.labels.tolist()
    return distances.argmin(1).tolist()


def test_classes_are_drawn_by_their_shares() -> None:
    """All cells of [0, 1) in tenths, by enumeration; each is one image of the ten."""
    statistics = data_statistics(*varied(), 5)
    cells = [(k + 0.5) / 10 for k in range(10)]
    assert classes_of(statistics, cells) == [0] * 5 + [1] * 3 + [4] * 2
    # The ends of the range; 0.5, an edge between classes, belongs to the class above it.
    ends = [0.0, math.nextafter(0.5, 0), 0.5, 1 - 2**-24]
    assert classes_of(statistics, [float(np.float32(u)) for u in ends[::2]]) == [0, 1]
    assert classes_of(statistics, [float(np.float32(0.49999997)), ends[3]]) == [0, 4]


def test_the_lognormal_start_from_given_draws() -> None:
    mu, sigma = tensor([0.2, -0.3, 0.5]), tensor([1.1, 0.7, 2.3])
    found = initial.from_lognormal(mu, sigma, replayed(4))
    z = replayed(4).normal().double()
    power = mu[:, None, None] + sigma[:, None, None] * z
    scale = power.exp() * (2 + 2 * power.abs() + sigma[:, None, None] * z.abs())
    assert found.dtype == torch.float32
    assert_twins(found, power.exp().numpy(), scale.numpy())


def test_the_start_as_coded_has_the_fit_in_place_of_the_process() -> None:
    """Claim coded-start: mean (mu_hat - sigma_hat^2 / 2) t, variance sigma_hat^2 t, by channel."""
    statistics, time = data_statistics(*varied(), 5), 0.75
    mu, sigma = tensor([0.2, -0.3, 0.5]), tensor([1.1, 0.7, 1.3])
    found, labels = initial.from_class_averages_as_coded(
        statistics, (mu, sigma), time, replayed(20), None
    )
    plain, same = initial.from_class_averages(statistics, PROCESSES["constant"], replayed(20))
    draws = replayed(20)
    draws.uniform()
    z, mean = draws.normal().double(), (mu - sigma**2 / 2) * time
    moved = mean[:, None, None] + (sigma * time**0.5)[:, None, None] * z
    expected = statistics.class_averages[labels] * moved.exp()
    assert torch.equal(labels, same) and not torch.allclose(found, plain, rtol=0.1)
    assert torch.allclose(found.double(), expected, rtol=3e-6, atol=0)


def states(count: int) -> Tensor:
    """Positive states (count, 3, 2, 2) whose pixels depend on each other."""
    draws = generator("initialisation").normal(size=(count, 12)) @ np.tri(12) / 4
    return tensor(np.exp(draws)).unflatten(1, SHAPE)


@pytest.mark.parametrize("count", [7, 30])
def test_all_moments_of_the_full_log_normal_start(count: int) -> None:
    """The map of z is the symmetric root of covariance + v I, also where it has lesser rank."""
    process, x = PROCESSES["constant"], states(count)
    law = initial.log_axes(x)
    logs = x.flatten(1).log().numpy()
    m, v = (float(part(process.horizon)) for part in (process.log_mean, process.log_var))
    found = initial.from_log_normal_law(law, process, replayed(9)).flatten(1).double().log()
    values, axes = np.linalg.eigh(np.cov(logs.T, ddof=0) + v * np.eye(12))
    z = replayed(9).normal().flatten(1).double().numpy()
    expected = logs.mean(0) + m + z @ (axes * np.sqrt(values)) @ axes.T
    assert np.abs(found.numpy() - expected).max() < 2e-6
    # The marginals alone would be told apart.
    alone = logs.mean(0) + m + z * np.sqrt(logs.var(0) + v)
    assert np.abs(found.numpy() - alone).max() > 0.02


def test_large_images_have_leading_axes_and_an_even_rest(monkeypatch: Patch) -> None:
    """The axes are those of the covariance, the variance of the rest is its mean; and the images
    are taken evenly from all of them."""
    x = states(31)
    exact = initial.log_axes(x[::2])
    monkeypatch.setattr("gbm_fast.sampling.initial._MOST_ELEMENTS", 11)
    monkeypatch.setattr("gbm_fast.sampling.initial._MOST_IMAGES", 16)
    monkeypatch.setattr("gbm_fast.sampling.initial._MOST_AXES", 5)
    law = initial.log_axes(x)
    assert law.axes.shape == (12, 5) and torch.allclose(law.mean, exact.mean, rtol=1e-13)
    assert torch.allclose(law.variances, exact.variances[-5:], rtol=1e-10)
    overlaps = (law.axes.mT @ exact.axes[:, -5:]).abs()
    assert torch.allclose(overlaps, torch.eye(5, dtype=torch.float64), atol=1e-9)
    assert law.rest == pytest.approx(float(exact.variances[:-5].mean()), rel=1e-10)


def test_the_start_from_data_from_given_draws() -> None:
    """It differs from the class averages: images themselves, each drawn by its number."""
    process, (images, labels) = PROCESSES["constant"], varied()
    images = images.float()
    found = initial.from_data(gbm.Events(images, labels), process, replayed(9))
    draws = replayed(9)
    chosen, z = draws.integers(len(images)), draws.normal()
    assert len(set(chosen.tolist())) > 3
    assert torch.equal(found.x, process.sample(images[chosen], process.horizon, z))
    assert torch.equal(found.labels, labels[chosen])


@pytest.mark.parametrize("bad", [0.0, -1.2, float("nan"), float("inf")])
def test_pixels_that_are_not_positive_are_refused(bad: float) -> None:
    images, labels = varied()
    images[3, 1, 0, 1] = bad
    with pytest.raises(ValueError, match=r"images must be positive and finite, but .* of 120"):
        data_statistics(images, labels, 5)
    with pytest.raises(ValueError, match="x0 must be positive"):
        initial.from_data(gbm.Events(images[3:4], None), PROCESSES["constant"], replayed(1))


def test_other_shapes_are_refused() -> None:
    images, labels = varied()
    for wrong in ((images, labels[:9]), (images[:, 0], labels)):
        with pytest.raises(ValueError, match=r"images must be \(n, C, H, W\) with labels"):
            data_statistics(*wrong, 5)


@pytest.mark.parametrize("count", [0, 4])
def test_labels_outside_the_classes_are_refused(count: int) -> None:
    """Four is the greatest of them."""
    with pytest.raises(ValueError, match=f"labels must be numbers of the {count} classes"):
        data_statistics(*varied(), count)
    images, labels = varied()
    with pytest.raises(ValueError, match="there must be some images"):
        data_statistics(images[:0], labels[:0], 5)


def test_large_sets_are_read_in_blocks(monkeypatch: Patch) -> None:
    """Ten images in blocks of three, the last of one: the same to the order of the sums."""
    whole = data_statistics(*varied(), 5)
    monkeypatch.setattr("gbm_fast.data.statistics._BLOCK", 3)
    blocks = data_statistics(*varied(), 5)
    for field in dataclasses.fields(DataStatistics):
        expected, found = (getattr(part, field.name) for part in (whole, blocks))
        assert torch.allclose(found, expected, rtol=1e-14, atol=1e-15, equal_nan=True), field.name
