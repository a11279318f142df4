"""DDPM++, the network of Song et al. (2021) for CIFAR-10, written anew; no diffusion inside.

It is the U-Net of DDPM with BigGAN's residual blocks, which change the resolution inside the block
(nearest neighbour up, mean down, before the first convolution), and with residual sums divided by
sqrt(2), so that the variance stays where it is. Skips join every block of the way down with one of
the way up; attention has one head. As in the reference configuration for CIFAR-10 there is no FIR
filter and no progressive input or output.

A reading of ours: the reference embeds a time step by sines of t; here the sines are of
`condition`, a real number a sample (the callers pass a noise level), with as many frequencies and
hence as many parameters. The last convolution of every block and of the network starts at exactly
zero (the reference scales it by 1e-10), so an untrained network returns zeros.
"""

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gbm_fast.networks.attention import attend
from gbm_fast.networks.embeddings import ClassEmbedding, NoiseEmbedding

_HALF = math.sqrt(0.5)


def _norm(channels: int) -> nn.GroupNorm:
    """Group norm of at most 32 groups of at least four channels."""
    groups = min(channels // 4, 32)
    if groups == 0 or channels % groups:
        raise ValueError(
            f"a level of {channels} channels (width times a multiplier, also summed over a skip) "
            "cannot be split into 32 groups, or into groups of 4 below 128: a width that is a "
            "multiple of 32 always can."
        )
    return nn.GroupNorm(groups, channels, eps=1e-6)


def _conv(in_channels: int, out_channels: int, side: int, gain: float = 1.0) -> nn.Conv2d:
    """A convolution with weights uniform of variance gain^2 / (mean fan), and biases of zero."""
    conv = nn.Conv2d(in_channels, out_channels, side, padding=side // 2)
    nn.init.xavier_uniform_(conv.weight, gain)
    nn.init.zeros_(conv.get_parameter("bias"))
    return conv


class Attention(nn.Module):
    """Residual attention with one head over the pixels; (b, c, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        for weight in self.qkv.weight.data.chunk(3):
            nn.init.xavier_uniform_(weight, math.sqrt(0.1))
        nn.init.zeros_(self.qkv.get_parameter("bias"))
        self.out = _conv(channels, channels, 1, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.out(attend(self.qkv(self.norm(x)), heads=1))) * _HALF


class Block(nn.Module):
    """A BigGAN residual block, then attention where `attends`; (b, c, h, w).

    `resample` is the factor of the resolution: 2.0, 0.5 or 1.0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embedding: int,
        dropout: float,
        attends: bool = False,
        resample: float = 1.0,
    ) -> None:
        super().__init__()
        self.resample = resample
        self.norm1 = _norm(in_channels)
        self.conv1 = _conv(in_channels, out_channels, 3)
        self.shift = nn.Linear(embedding, out_channels)
        nn.init.xavier_uniform_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)
        self.norm2 = _norm(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = _conv(out_channels, out_channels, 3, gain=0.0)
        plain = in_channels == out_channels and resample == 1
        self.skip = nn.Identity() if plain else _conv(in_channels, out_channels, 1)
        self.attention = Attention(out_channels) if attends else nn.Identity()

    def _resampled(self, x: Tensor) -> Tensor:
        if self.resample == 1:
            return x
        if self.resample < 1:
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest")

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.conv1(self._resampled(F.silu(self.norm1(x))))
        hidden = hidden + self.shift(embedding)[:, :, None, None]
        hidden = self.conv2(self.dropout(F.silu(self.norm2(hidden))))
        return self.attention((self.skip(self._resampled(x)) + hidden) * _HALF)


class DDPMpp(nn.Module):
    """DDPM++ for images (batch, channels, height, width) and one condition a sample (batch,).

    The defaults are the reference configuration for CIFAR-10 ("ddpmpp", four blocks): 61,804,419
    parameters for 3 x 32 x 32.

    Args:
        channels: image channels, in and out.
        width: channels of the finest level; multiples of 32 always fit the normalisation.
        multipliers: channels of each level as multiples of `width`; each further level halves the
            resolution, so the image's sides must be multiples of 2^(levels - 1).
        blocks: residual blocks a level on the way down; the way up has one more.
        attention_levels: levels with attention, counted from 0, the finest; (1,) is 16 x 16 for
            images of 32 x 32. The middle of the network always has it.
        dropout: probability inside the residual blocks.
        num_classes: classes of the optional labels (see `ClassEmbedding`); 0 for none.

    Raises ValueError for channels that cannot be grouped or an attention level that is not there;
    and from `forward` for an image that cannot be halved, or labels that `ClassEmbedding` refuses.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 128,
        multipliers: tuple[int, ...] = (1, 2, 2, 2),
        blocks: int = 4,
        attention_levels: tuple[int, ...] = (1,),
        dropout: float = 0.1,
        num_classes: int = 0,
    ) -> None:
        super().__init__()
        self.levels = len(multipliers)
        if not set(attention_levels) <= set(range(self.levels)):
            raise ValueError(
                f"attention_levels must be in 0..{self.levels - 1}, got {attention_levels}."
            )
        self.embedding = NoiseEmbedding(4 * width, width // 2)
        self.classes = ClassEmbedding(num_classes, 4 * width)
        self.stem = _conv(channels, width, 3)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        block = partial(Block, embedding=4 * width, dropout=dropout)
        skips, current = [width], width
        for level, multiplier in enumerate(multipliers):
            if level > 0:
                self.down.append(block(current, current, resample=0.5))
                skips.append(current)
            for _ in range(blocks):
                attends = level in attention_levels
                self.down.append(block(current, width * multiplier, attends=attends))
                current = width * multiplier
                skips.append(current)
        self.middle = nn.ModuleList(block(current, current, attends=a) for a in (True, False))
        for level, multiplier in reversed(list(enumerate(multipliers))):
            for index in range(blocks + 1):
                attends = level in attention_levels and index == blocks
                joined, current = current + skips.pop(), width * multiplier
                self.up.append(block(joined, current, attends=attends))
            if level > 0:
                self.up.append(block(current, current, resample=2.0))
        self.head = nn.Sequential(_norm(current), nn.SiLU(), _conv(current, channels, 3, 0.0))

    def forward(self, x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        factor = 2 ** (self.levels - 1)
        if x.shape[-1] % factor or x.shape[-2] % factor:
            raise ValueError(
                f"the sides of the image must be multiples of {factor}, got "
                f"{tuple(x.shape[-2:])}: the network unet takes any size."
            )
        embedding = F.silu(self.classes(self.embedding(condition), labels))
        hidden = self.stem(x)
        skips = [hidden]
        for block in self.down:
            hidden = block(hidden, embedding)
            skips.append(hidden)
        for block in self.middle:
            hidden = block(hidden, embedding)
        for block in self.up:
            if isinstance(block, Block) and block.resample == 1:
                hidden = torch.cat([hidden, skips.pop()], dim=1)
            hidden = block(hidden, embedding)
        return self.head(hidden)
