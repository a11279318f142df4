"""Precision, recall, density and coverage against loops over all pairs, and where they are known.

The ladder at the end asks of every measure that it puts real images first and worse ones later.
"""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.evaluation.manifolds import Balls, shares
from gbm_fast.evaluation.metrics import Evaluator
from tests.support.cases import seed as seed_of
from tests.support.evaluation_by_hand import shares_by_loops
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tiny_data import digits_extractor

Features = np.ndarray


def drawn(name: str, count: int, shift: float = 0.0) -> Features:
    return np.random.default_rng(seed_of(name)).normal(shift, 1.0, (count, 3))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("shift", [0.0, 0.7, 9.0])
def test_the_four_numbers_are_those_of_their_definitions(k: int, shift: float) -> None:
    generated, real = drawn("generated", 17, shift), drawn("real", 23)
    found = shares(Balls(generated, k), Balls(real, k))._asdict()
    assert found == pytest.approx(shares_by_loops(generated, real, k), abs=1e-6)


def test_chunks_of_the_pairs_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generated, real = drawn("generated", 40), drawn("real", 31)
    whole = shares(Balls(generated), Balls(real))
    monkeypatch.setattr("gbm_fast.evaluation.manifolds._PAIRS", 70)
    assert shares(Balls(generated), Balls(real)) == whole


def test_the_data_themselves_are_precise_and_covered() -> None:
    real = drawn("real", 50)
    found = shares(Balls(real), Balls(real))
    assert (found.precision, found.recall, found.coverage) == (1.0, 1.0, 1.0)
    # k + 1 of its own ball's members: itself and, on average over the set, k others hold it.
    assert found.density == pytest.approx(1.2)


def test_a_missing_half_costs_recall_and_coverage_alone() -> None:
    """A generator that makes one of two clusters is precise; one that adds another is complete."""
    left, right, far = (drawn(name, 60, at) for name, at in (("l", 0.0), ("r", 50.0), ("f", -50)))
    real = np.concatenate([left, right])
    half = shares(Balls(left), Balls(real))
    assert (half.precision, half.recall, half.coverage) == (1.0, 0.5, 0.5)
    more = shares(Balls(np.concatenate([real, far, far + 1e-3])), Balls(real))
    assert (more.precision, more.recall, more.coverage) == (0.5, 1.0, 1.0)


@table(
    rows(
        lambda features, k: Balls(features, k),
        {"features": drawn("real", 6), "k": 5},
        ("k", 6, "between 1 and 5"),
        ("k", 0, "between 1 and 5"),
        ("features", drawn("real", 6)[0], r"shape \(3,\)"),
        ("features", drawn("real", 6) * np.nan, "NaN"),
        ("features", drawn("real", 1), "1 row"),
    )
)
def test_what_has_no_balls_is_refused(refusal: Refusal) -> None:
    check(refusal)


def test_sets_that_do_not_fit_are_refused() -> None:
    real = drawn("real", 9)
    with pytest.raises(ValueError, match="3 and 2 columns"):
        shares(Balls(real), Balls(real[:, :2]))
    with pytest.raises(ValueError, match="k is 2 and 5"):
        shares(Balls(real, 2), Balls(real))


def blurred(images: torch.Tensor, weight: float) -> torch.Tensor:
    """Each pixel moved towards the mean of its neighbourhood."""
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    return torch.lerp(images, torch.nn.functional.avg_pool2d(padded, 3, 1), weight)


def generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(name))


def noisy(images: torch.Tensor, deviation: float) -> torch.Tensor:
    noise = torch.randn(images.shape, generator=generator("noise"))
    return (images + deviation * noise).clamp(1.0, 2.0)


def ordered(values: list[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))


def test_worse_images_measure_worse(tmp_path: Path) -> None:
    """The ladder: other real images, a slight blur, noise that rises, images of some classes."""
    data = gbm.load_dataset("digits")
    evaluate = Evaluator(data, digits_extractor(tmp_path), floor_repeats=3)
    chosen = torch.randperm(len(data.train_images), generator=generator("real images"))[:300]
    real = gbm.positive_from_integers(data.train_images[chosen], data.max_value)
    few = gbm.positive_from_integers(data.train_images[data.train_labels < 3], data.max_value)
    blur = [evaluate(blurred(real, weight)) for weight in (0.0, 0.3, 0.8)]
    noise = [evaluate(noisy(real, deviation)) for deviation in (0.0, 0.25, 0.5)]
    # A blur brings images closer together: they miss more of the data, and look no less real.
    falling = (blur, ("recall",)), (noise, ("precision", "density", "coverage"))
    for steps, names in falling:
        for name in names:
            assert ordered([-step[name] for step in steps]), name
        for name in ("frechet", "kernel"):
            assert ordered([step[name] for step in steps]), name
    classes = evaluate(few[:300])
    assert classes["frechet"] > 2 * blur[0]["frechet"]
    assert classes["coverage"] < 0.6 * blur[0]["coverage"]
    assert classes["precision"] > 0.9 * blur[0]["precision"]
