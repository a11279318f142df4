"""What tells a network the noise level and the class of a sample: vectors (batch, width)."""

import math

import torch
from torch import Tensor, nn


class NoiseEmbedding(nn.Module):
    """Maps a real number a sample, shape (batch,), to (batch, width) by sines and a two-layer MLP.

    The frequencies run geometrically from `min_frequency` to `max_frequency` (radians per unit).
    """

    def __init__(
        self, width: int, min_frequency: float = 0.25, max_frequency: float = 16.0
    ) -> None:
        super().__init__()
        frequencies = torch.logspace(math.log2(min_frequency), math.log2(max_frequency), 16, 2.0)
        self.register_buffer("frequencies", frequencies)
        self.mlp = nn.Sequential(nn.Linear(32, width), nn.SiLU(), nn.Linear(width, width))

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
        if labels.shape != embedding.shape[:1] or labels.dtype not in (torch.int32, torch.int64):
            raise ValueError(
                f"labels must be int64 of shape {tuple(embedding.shape[:1])}, "
                f"got {labels.dtype} of shape {tuple(labels.shape)}."
            )
        if labels.is_cpu and not torch.compiler.is_compiling():
            least, greatest = labels.aminmax()
            if not (0 <= int(least) and int(greatest) <= self.num_classes):
                raise ValueError(
                    f"labels must be in [0, {self.num_classes}], the last meaning no class; "
                    f"got {int(least)} to {int(greatest)}."
                )
        return embedding + self.table(labels)
