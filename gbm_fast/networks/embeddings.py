"""What tells a network the noise level and the class of a sample: vectors (batch, width)."""

import torch
from torch import Tensor, nn


def require_indices(indices: Tensor, name: str, batch: int, count: int) -> None:
    """Raise ValueError unless `indices` are (batch,) integers in [0, count).

    The range is checked on the CPU alone, where it costs nothing; other devices refuse an index
    out of range when they look it up.
    """
    if indices.shape != (batch,) or indices.dtype not in (torch.int32, torch.int64):
        raise ValueError(
            f"{name} must be integers of shape ({batch},), "
            f"got {indices.dtype} of shape {tuple(indices.shape)}."
        )
    if indices.is_cpu and not torch.compiler.is_compiling():
        least, greatest = indices.aminmax()
        if not (0 <= int(least) and int(greatest) < count):
            raise ValueError(
                f"{name} must be in [0, {count}), got {int(least)} to {int(greatest)}."
            )


class NoiseEmbedding(nn.Module):
    """Maps a real number a sample, shape (batch,), to (batch, width) by sines and a two-layer MLP.

    Args:
        width: length of the vectors.
        waves: frequencies, running geometrically from 1/4 to 16 radians per unit; each gives a
            sine and a cosine.
    """

    def __init__(self, width: int, waves: int = 16) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.logspace(-2.0, 4.0, waves, 2.0))
        self.mlp = nn.Sequential(nn.Linear(2 * waves, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, condition: Tensor) -> Tensor:
        phase = condition[:, None] * self.get_buffer("frequencies")
        return self.mlp(torch.cat([phase.sin(), phase.cos()], dim=1))


class ClassEmbedding(nn.Module):
    """Adds a learned vector of its class to each sample's embedding (batch, width).

    Args:
        num_classes: classes; 0 for a network without them, which then has no parameters here.
        width: length of the vectors.

    `forward` takes labels (batch,), integers in [0, num_classes]. The last of them means that the
    sample has no class, and None that no sample has one: nothing is added there. (A network that
    is trained with and without its labels is what classifier-free guidance needs.)

    Raises ValueError for labels of another shape or type, out of range (checked on the CPU), or
    given to a network without classes.
    """

    def __init__(self, num_classes: int, width: int) -> None:
        super().__init__()
        if num_classes < 0:
            raise ValueError(f"num_classes must be 0 (none) or more, got {num_classes}.")
        self.num_classes = num_classes
        # The last row is the vector of "no class": zero, and without a gradient.
        self.table = (
            nn.Embedding(num_classes + 1, width, padding_idx=num_classes) if num_classes else None
        )

    def forward(self, embedding: Tensor, labels: Tensor | None) -> Tensor:
        if labels is None:
            return embedding
        if self.table is None:
            raise ValueError("labels were given to a network that was built without classes.")
        require_indices(labels, "labels", embedding.shape[0], self.num_classes + 1)
        return embedding + self.table(labels)
