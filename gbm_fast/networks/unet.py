"""A compact U-Net that trains in minutes on a CPU; nothing about diffusion inside.

The image is first folded by `patch_size` (space-to-depth), so that the arithmetic runs at fewer
pixels with more channels. Every residual block is modulated by an embedding of
one real number a sample, `condition` (the callers pass a noise level), through a scale and a shift
after its second normalisation.

The last convolution starts at zero, so an untrained network returns zeros.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gbm_fast.networks.attention import attend
from gbm_fast.networks.embeddings import ClassEmbedding, NoiseEmbedding


def _groups(channels: int) -> int:
    """The number of groups of a group norm: eight from 64 channels on, four or fewer below."""
    return math.gcd(8 if channels >= 64 else 4, channels)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with group norm and SiLU, modulated by the embedding; (b, c, h, w)."""

    def __init__(
        self, in_channels: int, out_channels: int, embedding: int, dropout: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_groups(in_channels), in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * out_channels)
        self.norm2 = nn.GroupNorm(_groups(out_channels), out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.skip = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Conv2d(in_channels, out_channels, 1)
        )
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        hidden = torch.addcmul(shift, self.norm2(hidden), 1 + scale)
        return self.skip(x) + self.conv2(self.dropout(F.silu(hidden)))


class SelfAttention(nn.Module):
    """Residual multi-head attention over the pixels; (b, c, h, w)."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(
                f"the coarsest level has {channels} channels (width times the last multiplier), "
                f"which must be a multiple of its {heads} attention heads."
            )
        self.heads = heads
        self.norm = nn.GroupNorm(_groups(channels), channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(attend(self.qkv(self.norm(x)), self.heads))


class UNet(nn.Module):
    """U-Net for images (batch, channels, height, width) and one condition a sample (batch,).

    Args:
        channels: image channels, in and out.
        width: channels of the finest level.
        multipliers: channels of each level as multiples of `width`; each further level halves the
            resolution (rounding up, so odd sizes are allowed).
        blocks: residual blocks a level on the way down; the way up has one more.
        patch_size: side of the space-to-depth fold; must divide the image's sides, unless `pads`.
        dropout: probability inside the residual blocks.
        num_classes: classes of the optional labels (see `ClassEmbedding`); 0 for none.
        pads: images of any size: the last row and column are repeated until `patch_size` divides
            the sides, and what is put out for them is cut off.

    Raises:
        ValueError: a coarsest level whose channels are no multiple of 4; and from `forward`,
            where `patch_size` does not divide the image's sides, or for labels that
            `ClassEmbedding` refuses.
    """

    def __init__(
        self,
        channels: int,
        width: int = 64,
        multipliers: tuple[int, ...] = (1, 2),
        blocks: int = 2,
        patch_size: int = 1,
        dropout: float = 0.0,
        num_classes: int = 0,
        pads: bool = False,
    ) -> None:
        super().__init__()
        self.patch_size, self.pads = patch_size, pads
        folded, embedding = channels * patch_size**2, 4 * width
        self.embedding = NoiseEmbedding(embedding)
        self.classes = ClassEmbedding(num_classes, embedding)
        self.stem = nn.Conv2d(folded, width, 3, padding=1)
        self.down = nn.ModuleList()
        skips, current = [width], width
        for level, multiplier in enumerate(multipliers):
            if level > 0:
                self.down.append(nn.Conv2d(current, current, 3, stride=2, padding=1))
                skips.append(current)
            for _ in range(blocks):
                self.down.append(ResidualBlock(current, width * multiplier, embedding, dropout))
                current = width * multiplier
                skips.append(current)
        first = ResidualBlock(current, current, embedding, dropout)
        last = ResidualBlock(current, current, embedding, dropout)
        self.middle = nn.ModuleList([first, SelfAttention(current), last])
        self.up = nn.ModuleList()
        for multiplier in reversed(multipliers):
            for _ in range(blocks + 1):
                joined = current + skips.pop()
                self.up.append(ResidualBlock(joined, width * multiplier, embedding, dropout))
                current = width * multiplier
        out = nn.Conv2d(current, folded, 3, padding=1)
        nn.init.zeros_(out.weight)
        nn.init.zeros_(out.get_parameter("bias"))
        self.head = nn.Sequential(nn.GroupNorm(_groups(current), current), nn.SiLU(), out)

    def forward(self, x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        height, width = x.shape[-2:]
        below, beside = -height % self.patch_size, -width % self.patch_size
        if below or beside:
            if not self.pads:
                raise ValueError(
                    f"patch_size {self.patch_size} does not divide the image size "
                    f"{tuple(x.shape[-2:])}."
                )
            x = F.pad(x, (0, beside, 0, below), mode="replicate")
        embedding = F.silu(self.classes(self.embedding(condition), labels))
        hidden = self.stem(F.pixel_unshuffle(x, self.patch_size))
        skips = [hidden]
        for layer in self.down:
            is_block = isinstance(layer, ResidualBlock)
            hidden = layer(hidden, embedding) if is_block else layer(hidden)
            skips.append(hidden)
        first, attention, last = self.middle
        hidden = last(attention(first(hidden, embedding)), embedding)
        for layer in self.up:
            skip = skips.pop()
            if hidden.shape[-2:] != skip.shape[-2:]:
                hidden = F.interpolate(hidden, size=skip.shape[-2:], mode="nearest")
            hidden = layer(torch.cat([hidden, skip], dim=1), embedding)
        unfolded = F.pixel_shuffle(self.head(hidden), self.patch_size)
        return unfolded[..., :height, :width] if below or beside else unfolded
