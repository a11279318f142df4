"""How many generated images look real, and how much of the data they cover: four shares.

Around each image of a set lies a ball whose radius is the distance to its k-th nearest other image
of that set; the balls together stand for where the set lies. With real features r_i of radii R_i
and generated features g_j of radii G_j,

    precision   share of the g_j that lie in some ball of a real image
    recall      share of the r_i that lie in some ball of a generated image
    density     mean over j of the number of balls of real images that hold g_j, over k
    coverage    share of the balls of real images that hold a g_j

Precision and recall are those of Kynkäänniemi et al. 2019 (arXiv:1904.06991); density and
coverage, which one odd image moves less, are those of Naeem et al. 2020 (arXiv:2002.09797). All
depend on both numbers of images, so they are comparable at equal numbers only: the floor beside
them is what real images reach.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from gbm_fast.evaluation.distances import checked_pair

_PAIRS = 2**24  # distances in memory at once: 128 MiB


class Shares(NamedTuple):
    """The four numbers of the module docstring: in [0, 1], but the density, which is >= 0."""

    precision: float
    recall: float
    density: float
    coverage: float


class Balls:
    """A set of features with the radius of each image's ball.

    Args:
        features: (n, d), at least k + 1 rows.
        k: which neighbour bounds the balls, at least 1.

    Raises ValueError for features that are not finite or no (n, d) array, or another k.
    """

    def __init__(self, features: ArrayLike, k: int = 5) -> None:
        (checked, _) = checked_pair(features, features)
        if not 1 <= k < len(checked):
            raise ValueError(
                f"k is {k}; of {len(checked)} images it must be between 1 and {len(checked) - 1}."
            )
        self.k, self.features = k, torch.from_numpy(checked)
        self.radii = _radii(self.features, k)


def shares(generated: Balls, real: Balls) -> Shares:
    """Precision, recall, density and coverage of generated images among real ones.

    Raises ValueError for sets of another number of features, or another k.
    """
    checked_pair(generated.features, real.features)
    if generated.k != real.k:
        raise ValueError(f"k is {generated.k} and {real.k}; it must be one number for both sets.")
    made, true = generated.features, real.features
    held, reached = torch.zeros(len(made)), torch.zeros(len(true), dtype=torch.bool)
    covered = torch.zeros(len(true), dtype=torch.bool)
    for rows, distances in blocks(made, true):
        inside = distances <= real.radii
        held[rows] = inside.sum(1).float()
        covered |= inside.any(0)
        reached |= (distances <= generated.radii[rows, None]).any(0)
    return Shares(
        precision=float((held > 0).double().mean()),
        recall=float(reached.double().mean()),
        density=float(held.double().mean()) / real.k,
        coverage=float(covered.double().mean()),
    )


def _radii(features: Tensor, k: int) -> Tensor:
    """The distance of each row to its k-th nearest other row."""
    found = []
    for _, distances in blocks(features, features, without_itself=True):
        found.append(distances.topk(k, dim=1, largest=False).values[:, -1])
    return torch.cat(found)


def blocks(
    a: Tensor, b: Tensor, without_itself: bool = False, exact: bool = True
) -> Iterator[tuple[slice, Tensor]]:
    """Rows of a and their distances to all rows of b, as many at once as memory serves.

    without_itself: a and b are one set, in which no image is its own neighbour; exact: not by a
    matrix product, which is faster, and whose rounding would leave an image outside the ball that
    it bounds.
    """
    size = max(1, _PAIRS // len(b))
    mode = "donot_use_mm_for_euclid_dist" if exact else "use_mm_for_euclid_dist_if_necessary"
    for start in range(0, len(a), size):
        rows = slice(start, min(start + size, len(a)))
        distances = torch.cdist(a[rows], b, compute_mode=mode)
        if without_itself:
            distances[torch.arange(len(distances)), torch.arange(start, rows.stop)] = torch.inf
        yield rows, distances
