"""A few made-up colour images in three classes, and a network of a few numbers that uses all of
what it is told, so that no setting is without an effect on its first step."""

import numpy as np
import torch
from torch import Tensor, nn

import gbm_fast as gbm

SIZE = (3, 8, 8)
NAMES = ("left", "middle", "right")


def levels(count: int, shift: int = 0) -> np.ndarray:
    """Images (count, 3, 8, 8) of 8 bits, each channel with levels of its own."""
    i, c, y, x = np.ogrid[:count, :3, :8, :8]
    waves = np.sin(1 + 2.3 * (i + shift) + 0.7 * c * x + 1.1 * y) + np.cos(x * (i + shift) - y * c)
    return (30 + 45 * c + 30 * waves).round().clip(0, 255).astype(np.uint8)


def small_colour(
    train: int = 10, test: int = 6, size: int = 8, noisy_test: bool = False
) -> gbm.ImageData:
    """Images of `size` pixels a side; the labels of training images are of unequal shares."""
    labels = torch.tensor([0, 2, 1, 2, 1, 2, 0, 2, 2, 1])[torch.arange(train) % 10]
    images = torch.from_numpy(levels(train + test)[:, :, :size, :size].copy())
    others = torch.arange(test) % 3
    if noisy_test:
        images[train:] = torch.from_numpy(255 - levels(test, 37)[:, :, ::-1, :size][:, :, :size])
        others = torch.arange(test) // 2 % 2
    return gbm.ImageData(
        "small", images[:train], labels, images[train:], others, 255, class_names=NAMES
    )


class Told(nn.Module):
    """F = w0 x + w1 tanh(w2 x + condition + label) + w3 condition, channel by channel."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        waves = torch.sin(1 + torch.arange(4 * channels, dtype=torch.float32))
        self.weight = nn.Parameter(0.4 * waves.reshape(4, channels))

    def forward(self, x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        each = (-1, *[1] * (x.ndim - 1))
        known = condition if labels is None else condition + 0.8 * labels
        told, noise = known.to(x).reshape(each), condition.to(x).reshape(each)
        a, b, c, d = self.weight.to(x).reshape(4, 1, -1, *[1] * (x.ndim - 2)).unbind()
        return a * x + b * torch.tanh(c * x + told) + d * noise
