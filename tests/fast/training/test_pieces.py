"""Pieces and symmetries of images: places, turns, and batches that have them."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.training.images import ImageBatches
from gbm_fast.training.pieces import Pieces

GRID = torch.arange(2 * 3 * 7 * 9).reshape(2, 3, 7, 9)


def test_pieces_are_pieces_of_the_images_at_every_place() -> None:
    """70 places, 4,000 draws: one missing has a chance of 70 (69/70)^4000 = 7e-24."""
    pieces, seen = Pieces((7, 9), crop=3), set()
    for step in range(40):
        images = GRID[:1].expand(100, -1, -1, -1)
        for piece in pieces.drawn(images, 1, step, range(100)):
            first = int(piece[0, 0, 0])
            row, column = divmod(first, 9)
            assert torch.equal(piece, GRID[0, :, row : row + 3, column : column + 3])
            seen.add((row, column))
    assert seen == {(row, column) for row in range(5) for column in range(7)}


def test_a_piece_is_a_function_of_seed_step_and_item() -> None:
    pieces, images = Pieces((7, 9), 3, "all"), GRID[:1].expand(8, -1, -1, -1)
    whole = pieces.drawn(images, 4, 2, range(8))
    assert torch.equal(pieces.drawn(images[:3], 4, 2, range(5, 8)), whole[5:])
    assert not torch.equal(pieces.drawn(images, 4, 3, range(8)), whole)


@pytest.mark.parametrize(("symmetries", "count"), [("none", 1), ("mirror", 2), ("all", 8)])
def test_each_symmetry_comes_and_no_other(symmetries: str, count: int) -> None:
    """400 draws: one of eight missing has a chance of 8 (7/8)^400 = 5e-23."""
    square = torch.arange(9).reshape(1, 1, 3, 3)
    turned = [square.rot90(k, (-2, -1)) for k in range(4)]
    every = {tuple(t.flatten().tolist()) for part in turned for t in (part, part.flip(-1))}
    found = Pieces((3, 3), None, symmetries).drawn(
        square.expand(400, -1, -1, -1), 0, 0, range(400)
    )
    seen = {tuple(image.flatten().tolist()) for image in found}
    assert len(every) == 8 and len(seen) == count and seen <= every


def test_tiles_lie_side_by_side() -> None:
    found = Pieces((7, 9), crop=3).tiled(GRID)
    assert found.shape == (2 * 2 * 3, 3, 3, 3)
    assert torch.equal(found[4], GRID[0, :, 3:6, 3:6]) and torch.equal(
        found[6], GRID[1, :, :3, :3]
    )


def test_pieces_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"crop 8 is larger than images of \(7, 9\)"):
        Pieces((7, 9), crop=8)
    with pytest.raises(ValueError, match="symmetries all turns images by quarters"):
        Pieces((7, 9), symmetries="all")


def test_batches_have_pieces_of_their_images() -> None:
    levels = np.arange(12 * 8 * 10, dtype=np.uint8).reshape(12, 1, 8, 10) % 200
    parts = torch.from_numpy(levels), torch.zeros(12, dtype=torch.int64)
    data = gbm.ImageData("made", *parts, *(part[:2] for part in parts), 255, ("a",))
    batches = ImageBatches(data, crop=4, symmetries="mirror")
    assert batches.event_shape == (1, 4, 4)
    drawn = batches.draw(3, 0, 6, range(6)).x
    assert drawn.shape == (6, 1, 4, 4) and batches.statistics.class_averages.shape == (1, 1, 4, 4)
    assert not torch.equal(drawn, batches.draw(3, 2, 6, range(6)).x)
