"""NCSN-Deeper, the paper's network for 28 x 28 grey images, written anew; no diffusion inside.

The paper (version 2, Section 6.1) describes it in words: five stages of residual blocks with
dilation and progressive downsampling, five conditional refine blocks, conditional normalisation.
What fills the words in is the network of that name by Song and Ermon: 128 channels, ELU,
instance normalisation whose parameters are a row a noise level, means of 2 x 2 for downsampling,
and RefineNet's decoder, which joins each stage with what comes from the coarser ones.

    stage         1    2     3     4     5
    channels      c    2c    2c    4c    4c
    resolution    1    1/2   1/4   1/4   1/4
    dilation      1    1     1     2     4

Readings of ours: dilation stands in for the downsampling of the last two stages, as in the
original, though the paper speaks of progressive downsampling throughout; the "class information"
of the paper is the index of the noise level, as the argument of that name is in the original.
Labels of the images' classes are an addition. The last convolution starts at zero, so an untrained
network returns zeros.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gbm_fast.networks.embeddings import require_indices

_CHANNELS, _DILATIONS = (1, 2, 2, 4, 4), (1, 1, 1, 2, 4)


class Code(NamedTuple):
    """What the normalisations depend on: the levels' indices (batch,), and the labels or None."""

    level: Tensor
    labels: Tensor | None


class ConditionalNorm(nn.Module):
    """Instance normalisation with parameters of the noise level (InstanceNorm++); (b, c, h, w).

    gamma (normalised x + alpha normalised mean) + beta: the mean of each channel, which instance
    normalisation removes, is normalised over the channels and added back. gamma, alpha and beta
    are rows of a table with a row a level, plus a row of the image's class where there is one.
    """

    def __init__(self, channels: int, levels: int, num_classes: int) -> None:
        super().__init__()
        self.table = nn.Embedding(levels, 3 * channels)
        nn.init.normal_(self.table.weight[:, : 2 * channels], 1.0, 0.02)
        nn.init.zeros_(self.table.weight[:, 2 * channels :])
        # Zero at first, and for ever in the last row, which means "no class".
        self.classes = None
        if num_classes:
            self.classes = nn.Embedding(num_classes + 1, 3 * channels, padding_idx=num_classes)
            nn.init.zeros_(self.classes.weight)

    def forward(self, x: Tensor, code: Code) -> Tensor:
        rows = self.table(code.level)
        if self.classes is not None and code.labels is not None:
            rows = rows + self.classes(code.labels)
        gamma, alpha, beta = rows[:, :, None, None].chunk(3, dim=1)
        # Never in bfloat16: the variance of the means is a small difference.
        mean = x.mean((2, 3), keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
        variance, centre = torch.var_mean(mean, dim=1, keepdim=True)
        shift = beta + gamma * alpha * (mean - centre) / (variance + 1e-5).sqrt()
        return torch.addcmul(shift.to(x.dtype), gamma.to(x.dtype), F.instance_norm(x))


Normalise = Callable[[int], ConditionalNorm]
"""Makes the normalisation of so many channels."""


def _conv(channels: int, out_channels: int, dilation: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(channels, out_channels, 3, padding=dilation, dilation=dilation, bias=bias)


class ResidualBlock(nn.Module):
    """Two dilated 3 x 3 convolutions added to what came in; (b, c, h, w).

    The `first` block of a stage halves the resolution by means of 2 x 2, or widens the field by
    its dilation instead, and then has a convolution on its shortcut as well.
    """

    def __init__(
        self, channels: int, out_channels: int, norm: Normalise, dilation: int, first: bool
    ) -> None:
        super().__init__()
        self.norm1, self.conv1 = norm(channels), _conv(channels, channels, dilation)
        self.norm2, self.conv2 = norm(channels), _conv(channels, out_channels, dilation)
        halves = first and dilation == 1
        self.pool = nn.AvgPool2d(2) if halves else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if halves:  # the mean and a 1 x 1 convolution may change places: fewer products this way
            self.shortcut = nn.Sequential(self.pool, nn.Conv2d(channels, out_channels, 1))
        elif first:
            self.shortcut = _conv(channels, out_channels, dilation)

    def forward(self, x: Tensor, code: Code) -> Tensor:
        hidden = self.conv1(F.elu(self.norm1(x, code)))
        hidden = self.conv2(F.elu(self.norm2(hidden, code)))
        return self.shortcut(x) + self.pool(hidden)


class ResidualUnits(nn.Module):
    """`count` times: norm, ELU, convolution, twice, added to what came in."""

    def __init__(self, channels: int, count: int, norm: Normalise) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(channels) for _ in range(2 * count))
        self.convs = nn.ModuleList(_conv(channels, channels, bias=False) for _ in range(2 * count))

    def forward(self, x: Tensor, code: Code) -> Tensor:
        layers = list(zip(self.norms, self.convs, strict=True))
        for (norm1, conv1), (norm2, conv2) in zip(layers[::2], layers[1::2], strict=True):
            hidden = conv1(F.elu(norm1(x, code)))
            x = x + conv2(F.elu(norm2(hidden, code)))
        return x


class ChainedPooling(nn.Module):
    """Twice: norm, mean of 5 x 5, convolution; every stage of the chain is added up."""

    def __init__(self, channels: int, norm: Normalise) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(channels) for _ in range(2))
        self.convs = nn.ModuleList(_conv(channels, channels, bias=False) for _ in range(2))

    def forward(self, x: Tensor, code: Code) -> Tensor:
        total = path = F.elu(x)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            path = conv(F.avg_pool2d(norm(path, code), 5, stride=1, padding=2))
            total = total + path
        return total


class RefineBlock(nn.Module):
    """Refines a stage's image and, where it `joins` one, the coarser image refined before it.

    Both have `in_channels`. Residual units on each; norm and convolution to `channels`, bilinear
    interpolation to the stage's resolution, and their sum; chained pooling; more residual units.
    Without a coarser image the second part is left out, and `in_channels` must be `channels`.
    """

    def __init__(
        self, in_channels: int, channels: int, norm: Normalise, joins: bool, units: int
    ) -> None:
        super().__init__()
        images = 2 if joins else 1
        self.adapt = nn.ModuleList(ResidualUnits(in_channels, 2, norm) for _ in range(images))
        fused = range(images) if joins else ()
        self.norms = nn.ModuleList(norm(in_channels) for _ in fused)
        self.convs = nn.ModuleList(_conv(in_channels, channels) for _ in fused)
        self.pooling = ChainedPooling(channels, norm)
        self.output = ResidualUnits(channels, units, norm)

    def forward(self, x: Tensor, coarser: Tensor | None, code: Code) -> Tensor:
        hidden = self.adapt[0](x, code)
        if coarser is not None:
            other = self.adapt[1](coarser, code)
            other = self.convs[1](self.norms[1](other, code))
            hidden = self.convs[0](self.norms[0](hidden, code)) + F.interpolate(
                other, size=x.shape[-2:], mode="bilinear", align_corners=True
            )
        return self.output(self.pooling(hidden, code), code)


class NCSNDeeper(nn.Module):
    """NCSN-Deeper for images (batch, channels, height, width) and the index of a noise level.

    The defaults, for 28 x 28 x 1 and N = 1000 levels, have 159,070,721 parameters: 83,422,721 in
    convolutions and 75,648 in the normalisations for every level.

    Args:
        channels: image channels, in and out.
        width: channels of the first stage.
        levels: N, the noise levels; every normalisation has a row of parameters for each.
        num_classes: classes of the images' optional labels; 0 for none. The label `num_classes`
            means no class, as None does for the whole batch.

    `forward` takes the condition as integers (batch,) in [0, N): level k of the training grid
    (`LevelIndex` of `conditions` finds it). Raises ValueError for an index out of that range,
    labels that are misshapen, out of range or not expected, and an image whose sides are
    not multiples of 4.
    """

    def __init__(
        self, channels: int = 1, width: int = 128, levels: int = 1000, num_classes: int = 0
    ) -> None:
        super().__init__()
        if levels < 1 or num_classes < 0:
            raise ValueError(
                f"levels must be 1 or more and num_classes 0 or more, got {levels}, {num_classes}."
            )
        self.levels, self.num_classes = levels, num_classes

        def norm(count: int) -> ConditionalNorm:
            return ConditionalNorm(count, levels, num_classes)

        self.stem = _conv(channels, width)
        counts = [width * multiple for multiple in _CHANNELS]
        self.stages, self.refine = nn.ModuleList(), nn.ModuleList()
        for stage, (count, dilation) in enumerate(zip(counts, _DILATIONS, strict=True)):
            before = counts[max(stage - 1, 0)]
            self.stages.append(ResidualBlock(before, count, norm, dilation, first=stage > 0))
            self.stages.append(ResidualBlock(count, count, norm, dilation, first=False))
        for stage in reversed(range(len(counts))):
            out, joins = counts[max(stage - 1, 0)], stage < len(counts) - 1
            units = 3 if stage == 0 else 1
            self.refine.append(RefineBlock(counts[stage], out, norm, joins, units))
        self.norm = norm(width)
        self.head = _conv(width, channels)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.get_parameter("bias"))

    def forward(self, x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        self._check(x, condition, labels)
        code = Code(condition, labels)
        hidden, stages = self.stem(x), []
        for first, second in zip(self.stages[::2], self.stages[1::2], strict=True):
            hidden = second(first(hidden, code), code)
            stages.append(hidden)
        refined = None
        for refine in self.refine:
            refined = refine(stages.pop(), refined, code)
        return self.head(F.elu(self.norm(refined, code)))

    def _check(self, x: Tensor, condition: Tensor, labels: Tensor | None) -> None:
        if x.shape[-1] % 4 or x.shape[-2] % 4:
            raise ValueError(
                f"the sides of the image must be multiples of 4, got {tuple(x.shape[-2:])}: "
                "the network unet takes any size."
            )
        require_indices(condition, "condition", x.shape[0], self.levels)
        if labels is not None and not self.num_classes:
            raise ValueError("labels were given to a network that was built without classes.")
        if labels is not None:
            require_indices(labels, "labels", x.shape[0], self.num_classes + 1)
