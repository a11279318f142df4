"""A small residual MLP for flat events; nothing about diffusion inside.

Every block is modulated by an embedding of one real number a sample, `condition` (the callers pass
a noise level), through a scale and a shift. There is no normalisation: on few coordinates it would
hide their size from the network. The last layer starts at zero, so an untrained network returns
zeros.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from gbm_fast.networks.embeddings import ClassEmbedding, NoiseEmbedding


class ModulatedLayers(nn.Module):
    """h + W2 silu(scale W1 silu(h) + shift), the scale 1 and the shift 0 at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.modulation = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulation(embedding).chunk(2, dim=1)
        return hidden + self.second(F.silu(self.first(F.silu(hidden)) * (1 + scale) + shift))


class MLP(nn.Module):
    """Residual MLP for (batch, *event), events of `d` numbers, and a condition a sample (batch,).

    Args:
        d: numbers an event; an event of several axes is flattened.
        width: units of every hidden layer.
        depth: residual blocks of two layers each.
        num_classes: classes of the optional labels (see `ClassEmbedding`); 0 for none.

    Raises ValueError for a `d`, `width` or `depth` below 1; and from `forward` for an event that
    has not `d` numbers, or labels that `ClassEmbedding` refuses.
    """

    def __init__(self, d: int, width: int = 128, depth: int = 3, num_classes: int = 0) -> None:
        super().__init__()
        if min(d, width, depth) < 1:
            raise ValueError(
                f"d, width and depth must be 1 or more, got {d}, {width} and {depth}."
            )
        self.d = d
        self.embedding = NoiseEmbedding(width)
        self.classes = ClassEmbedding(num_classes, width)
        self.stem = nn.Linear(d, width)
        self.blocks = nn.ModuleList(ModulatedLayers(width) for _ in range(depth))
        self.head = nn.Linear(width, d)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        flat = x.flatten(1)
        if flat.shape[1] != self.d:
            raise ValueError(
                f"this network is for events of {self.d} numbers, got the shape {tuple(x.shape)}."
            )
        embedding = F.silu(self.classes(self.embedding(condition), labels))
        hidden = self.stem(flat)
        for block in self.blocks:
            hidden = block(hidden, embedding)
        return self.head(F.silu(hidden)).reshape(x.shape)
