"""Distances of marginals in units of their own, against SciPy and by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.evaluation.marginals import spoken_marginals
from tests.support.cases import generator


def vectors(name: str, count: int) -> Tensor:
    """Two correlated columns in unlike units."""
    z = torch.from_numpy(generator(name).standard_normal((count, 2))).float()
    return torch.stack([z[:, 0], 5 + 0.4 * z[:, 0] + 0.3 * z[:, 1]], dim=1).exp()


TRAIN, TEST = vectors("train", 200), vectors("test", 120)


def test_each_distance_by_hand() -> None:
    made = vectors("made", 50) * torch.tensor([1.0, 1.4])
    result = gbm.marginal_distances(made, TRAIN, TEST)
    ours, theirs = made.log().double().numpy(), TEST.log().double().numpy()
    ks = max(stats.ks_2samp(ours[:, i], theirs[:, i]).statistic for i in range(2))
    means = abs(ours.mean(0) - theirs.mean(0)) / theirs.std(0)
    gap = np.corrcoef(ours.T)[0, 1] - np.corrcoef(theirs.T)[0, 1]
    assert result["N"] == 50 and math.isclose(result["ks"], ks, rel_tol=1e-9)
    assert math.isclose(result["mean_error"], means.max(), rel_tol=1e-6)
    assert math.isclose(
        result["std_error"], abs(ours.std(0) / theirs.std(0) - 1).max(), rel_tol=1e-6
    )
    assert math.isclose(result["correlation_error"], abs(gap), rel_tol=1e-5)


def test_units_do_not_matter() -> None:
    units = torch.tensor([1e-6, 1e5])
    here = gbm.marginal_distances(vectors("made", 50), TRAIN, TEST)
    there = gbm.marginal_distances(vectors("made", 50) * units, TRAIN * units, TEST * units)
    for name in ("ks", "ks_floor", "mean_error", "correlation_error"):
        assert math.isclose(here[name], there[name], rel_tol=1e-4, abs_tol=1e-6)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mean_error", lambda y: y * 3),
        ("std_error", lambda y: y**2),
        ("correlation_error", lambda y: torch.stack([y[:, 0], y[:, 1].flip(0)], dim=1)),
        ("ks", lambda y: y * 3),
    ],
)
def test_what_is_wrong_stands_out(name: str, change: object) -> None:
    """A training set is near its own floor; each planted change is far above it."""
    same, other = (
        gbm.marginal_distances(y, TRAIN, TEST) for y in (TRAIN[:80], change(TRAIN[:80]))
    )
    room = 5 * same[f"{name}_floor_sd"]
    assert same[name] < same[f"{name}_floor"] + room < other[name]


def test_images_take_their_pixels_together() -> None:
    pixels = vectors("pixels", 400).T.reshape(2, 25, 4, 4).transpose(0, 1)
    result = gbm.marginal_distances(pixels, pixels, pixels)
    assert result["ks"] == result["mean_error"] == 0 and "correlation_error" not in result
    assert "correlation" not in spoken_marginals(result) and "ks 0 (0" in spoken_marginals(result)


def test_what_cannot_be_compared_is_refused() -> None:
    for made, message in (
        (TRAIN[:1], "generated must be 2 or more events"),
        (TRAIN[:, :1], "generated must be 2 or more events of shape"),
        (-TRAIN, "generated"),
        (vectors("many", 201), "the floor is taken from as many"),
    ):
        with pytest.raises(ValueError, match=message):
            gbm.marginal_distances(made, TRAIN, TEST)
