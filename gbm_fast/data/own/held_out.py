"""Which images are held out for testing where the user's data have no split of their own."""

import torch
from torch import Tensor

TEST_EVERY = 10


def held_out(total: int, where: str) -> Tensor:
    """True for every tenth of `total` images in their order, bool (total,): index % 10 == 9.

    A rule and no draw, so that the split is the same everywhere and can be foretold. Neighbours
    in the order (frames of one film, crops of one picture) end up on both sides of it: data of
    that kind need a split of their own. Raises ValueError for fewer than ten images, with
    `where` in the message.
    """
    if total < TEST_EVERY:
        raise ValueError(
            f"{where} holds {total} image(s): {TEST_EVERY} or more are needed, since every "
            f"{TEST_EVERY}th is held out for testing."
        )
    return torch.arange(total) % TEST_EVERY == TEST_EVERY - 1


def plain_name(kind: str, name: str) -> str:
    """`kind` and the name of a folder or file, fit for the name of a file."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    return f"{kind}-{kept}"
