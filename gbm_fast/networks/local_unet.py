"""A U-Net without attention and without normalisation over the image; nothing about noise inside.

What it puts out at a pixel depends on the pixels within `reach` of it and on nothing else, so a
large image can be cut into overlapping tiles and put together again without a seam, and a network
that was trained on small crops serves images of any size. Tiles begin at multiples of `stride`.

The image is folded by `patch_size` first (space-to-depth). Every residual block is modulated by an
embedding of one real number a sample, `condition`. The last convolution starts at zero, so an
untrained network returns zeros.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gbm_fast.networks.embeddings import NoiseEmbedding


class LocalBlock(nn.Module):
    """x + conv(silu(modulated conv(silu(x)))), both convolutions 3x3; (b, c, h, w)."""

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        hidden = torch.addcmul(shift, self.conv1(F.silu(x)), 1 + scale)
        return x + self.conv2(F.silu(hidden))


class LocalBlocks(nn.ModuleList):
    """Some of them, one after the other."""

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        for block in self:
            x = block(x, embedding)
        return x


class LocalUNet(nn.Module):
    """U-Net for images (batch, channels, height, width) and one condition a sample (batch,).

    Args:
        channels: image channels that go in.
        out_channels: image channels that come out.
        width: channels of the finest level.
        multipliers: channels of each level as multiples of `width`; each further level halves the
            resolution.
        blocks: residual blocks a level on the way down, and as many on the way up.
        patch_size: side of the space-to-depth fold.

    Attributes:
        stride: sides of an image are filled up to multiples of it by repeating the last row and
            column, and what is put out there is cut off.
        reach: pixels further away than this, in rows or in columns, have no influence.
    """

    def __init__(
        self,
        channels: int = 1,
        out_channels: int = 1,
        width: int = 48,
        multipliers: tuple[int, ...] = (1, 2, 3),
        blocks: int = 2,
        patch_size: int = 2,
    ) -> None:
        super().__init__()
        self.patch_size, embedding = patch_size, 4 * width
        self.stride = patch_size * 2 ** (len(multipliers) - 1)
        self.embedding = NoiseEmbedding(embedding)
        widths = [width * multiple for multiple in multipliers]
        self.stem = nn.Conv2d(channels * patch_size**2, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.shrink, self.grow = nn.ModuleList(), nn.ModuleList()
        for level, count in enumerate(widths):
            if level:
                self.shrink.append(nn.Conv2d(widths[level - 1], count, 2, stride=2))
                self.grow.append(nn.ConvTranspose2d(count, widths[level - 1], 2, stride=2))
            for way in (self.down, self.up):
                way.append(LocalBlocks(LocalBlock(count, embedding) for _ in range(blocks)))
        self.head = nn.Conv2d(width, out_channels * patch_size**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.get_parameter("bias"))
        steps = sum(4 * blocks * 2**level for level in range(len(widths)))
        # What a pixel of a coarse level stands for begins up to stride - 1 pixels before it.
        self.reach = patch_size * (steps + 2) + self.stride - 1

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        below, beside = -height % self.stride, -width % self.stride
        if below or beside:
            x = F.pad(x, (0, beside, 0, below), mode="replicate")
        embedding = F.silu(self.embedding(condition))
        hidden = self.stem(F.pixel_unshuffle(x, self.patch_size))
        skips = []
        for level, blocks in enumerate(self.down):
            if level:
                skips.append(hidden)
                hidden = self.shrink[level - 1](hidden)
            hidden = blocks(hidden, embedding)
        for level in reversed(range(len(self.up))):
            hidden = self.up[level](hidden, embedding)
            if level:
                hidden = self.grow[level - 1](hidden) + skips.pop()
        out = F.pixel_shuffle(self.head(hidden), self.patch_size)
        return out[..., :height, :width]
