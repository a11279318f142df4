"""Which images a batch has: shuffled epochs, as a function of the seed and the step."""

import pytest
import torch
from torch import Tensor

from gbm_fast.training.batches import batch_indices


def test_every_image_is_seen_once_an_epoch_in_another_order_each_time() -> None:
    seed, batch, images = 31, 8, 28  # the batch does not divide the epoch
    rows = torch.cat([batch_indices(seed, step, batch, images) for step in range(7)])
    first, second = rows.reshape(2, images)
    for epoch in (first, second):
        assert torch.equal(epoch.sort().values, torch.arange(images))
    assert not torch.equal(first, second)
    assert not torch.equal(first, torch.arange(images))
    # A function of (seed, step) alone, asked for in any order, whatever torch's own generator did.
    torch.manual_seed(1)
    assert torch.equal(batch_indices(seed, 5, batch, images), rows[40:48])
    assert not torch.equal(batch_indices(seed + 1, 5, batch, images), rows[40:48])


def test_the_order_of_an_epoch_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at every step: of 60,000 images that would cost more than the images of a batch."""
    drawn, randperm = [], torch.randperm

    def count(n: int, *, generator: torch.Generator) -> Tensor:
        drawn.append(n)
        return randperm(n, generator=generator)

    monkeypatch.setattr(torch, "randperm", count)
    for step in range(9):  # of 5 images each: epochs of 15 images, then of 12, which 5 crosses
        batch_indices(77, step, 5, 15)
    assert drawn == [15] * 3
    for step in range(9):
        batch_indices(77, step, 5, 12)
    assert drawn == [15] * 3 + [12] * 4


def test_a_batch_larger_than_the_data_set_takes_whole_epochs() -> None:
    rows = batch_indices(2, 1, 20, 5)
    assert torch.equal(rows.bincount(), torch.full((5,), 4))
