"""The number of looks of an image with speckle, estimated from the image itself.

Where the clean image is even, the variance of log y over a small block is that of the speckle,
psi'(L); edges and texture only add to it. So the lower part of the distribution of block variances
belongs to even blocks. A plane is taken out of each block of 7 x 7 pixels; the tenth part of the
variances with the least values is compared with what pure speckle of L looks has there, if
two thirds of the blocks are even. Speckle that is correlated between neighbours, as in images that
were resampled, looks like more looks than it is.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gbm_fast.runtime.random import Stream, key

_SIDE, _LOWEST, _EVEN = 7, 0.10, 2 / 3
_LEAST_BLOCKS = 16
_LOOKS = np.geomspace(0.5, 200.0, 40)
_DRAWS = 4000


def estimate_looks(intensity: Tensor) -> float:
    """The estimated looks of an intensity image (C, H, W), NaN or 0 where there is no pixel.

    Between 0.5 and 200. Raises ValueError for an image with fewer than 16 whole blocks of 7 x 7
    pixels.
    """
    values = _block_variances(intensity.double().log())
    if len(values) < _LEAST_BLOCKS:
        raise ValueError(
            f"the image has {len(values)} whole blocks of {_SIDE} x {_SIDE} pixels, too few to "
            "estimate its looks: say how many it has with --looks."
        )
    found = float(np.quantile(values.numpy(), _LOWEST))
    # Falling in L: np.interp wants what it looks up to rise.
    return float(np.exp(np.interp(-np.log(found), -np.log(_expected()), np.log(_LOOKS))))


def _block_variances(logs: Tensor) -> Tensor:
    """The variance left by a plane in each whole block without a missing pixel, (n,)."""
    if min(logs.shape[-2:]) < _SIDE:
        return logs.new_empty(0)
    blocks = logs.unfold(-2, _SIDE, _SIDE).unfold(-2, _SIDE, _SIDE).reshape(-1, _SIDE**2)
    blocks = blocks[blocks.isfinite().all(1)]
    row, column = torch.meshgrid(*(torch.arange(_SIDE) - _SIDE // 2,) * 2, indexing="ij")
    plane = torch.stack([torch.ones(_SIDE**2), row.flatten(), column.flatten()]).double()
    plane = plane / plane.square().sum(1, keepdim=True).sqrt()
    rest = blocks.square().sum(1) - (blocks @ plane.T).square().sum(1)
    return rest / (_SIDE**2 - 3)


@lru_cache(maxsize=1)
def _expected() -> np.ndarray:
    """The quantile that is compared, of pure speckle with each of `_LOOKS`, by simulation."""
    source = np.random.Generator(np.random.Philox(key=key(0, Stream.LOOKS, 0)))
    found = []
    for looks in _LOOKS:
        speckle = source.standard_gamma(looks, (1, _DRAWS * _SIDE, _SIDE))
        values = _block_variances(torch.from_numpy(speckle).clamp(min=1e-300).log())
        found.append(np.quantile(values.numpy(), _LOWEST / _EVEN))
    return np.array(found)
