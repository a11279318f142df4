"""Whether generated images lie nearer to the training images than new images would.

The share of an image is a / (a + b), with a the distance of its features to the nearest training
image and b that to the nearest held-out image: zero for a copy of a training image, a half where
both are equally near. A sampler that has learned the law of the data makes images whose mean share
is that of held-out images themselves (each looked at without itself); one that repeats its
training images has a lower one. Images that are unlike any data have shares near a half whatever
was learned, so a mean above that of held-out images says nothing about copies.

The alarm is raised where the mean is more than six deviations below that of the held-out images.
The deviation is that of a difference of two means of independent images; if the shares were
independent, as they nearly are, a sampler that copies nothing would raise it less than once in
10^9 evaluations. Of N = 1000 images of the tests it finds copies that are a tenth of all.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from gbm_fast.evaluation.distances import checked_pair
from gbm_fast.evaluation.manifolds import blocks

_ALARM = 6.0  # deviations
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Memorisation:
    """Mean shares of images and of held-out images, and how many deviations lie between."""

    share: float
    held_out_share: float
    deviations: float

    @property
    def alarm(self) -> bool:
        """Whether the images are nearer to the training images than chance allows."""
        return self.deviations < -_ALARM

    def __str__(self) -> str:
        """The alarm in words; empty where there is none."""
        if not self.alarm:
            return ""
        return (
            f"WARNING: the images lie nearer to the training images than new images would, by "
            f"{-self.deviations:.0f} deviations (mean share {self.share:.3f}, of held-out images "
            f"{self.held_out_share:.3f}, of copies 0): look for copies before you trust the "
            "distances."
        )


class NearestImages:
    """Distances to training and held-out images, whose features are kept.

    Args:
        train: (n, d) features of all training images, n >= 2.
        held_out: (m, d) features of images that were not trained on, m >= 3.

    Raises ValueError for features that do not fit, or too few of them.
    """

    def __init__(self, train: ArrayLike, held_out: ArrayLike) -> None:
        self._train, self._held_out = checked_pair(train, held_out)
        if len(self._held_out) < 3:
            raise ValueError(
                f"there are {len(self._held_out)} held-out images; the nearest other one of each "
                "and a deviation need 3 or more."
            )
        to_train, to_others = (
            _nearest(self._held_out, rows, without_itself)
            for rows, without_itself in ((self._train, False), (self._held_out, True))
        )
        self._known = _shares(to_train, to_others)

    def of(self, features: ArrayLike) -> NDArray[np.int64]:
        """The number of the training image nearest to each image of these features, (N,)."""
        near, far = map(torch.from_numpy, checked_pair(features, self._train))
        found = [distances.argmin(dim=1) for _, distances in blocks(near, far, False, exact=False)]
        return torch.cat(found).numpy()

    def __call__(self, features: ArrayLike) -> Memorisation:
        """How near the images of these features (N, d), N >= 2, lie to the training images."""
        given, _ = checked_pair(features, self._train)
        shares = _shares(_nearest(given, self._train), _nearest(given, self._held_out))
        known = self._known
        spread = known.std(ddof=1) * np.sqrt(1 / len(shares) + 1 / len(known))
        gap = shares.mean() - known.mean()
        # Held-out images that all have one share tell nothing of how much chance moves it.
        deviations = gap / spread if spread > 0 else 0.0
        return Memorisation(float(shares.mean()), float(known.mean()), float(deviations))


def _shares(to_train: Array, to_held_out: Array) -> Array:
    """a / (a + b); a half where an image is a copy of both."""
    both = to_train + to_held_out
    return np.divide(to_train, both, out=np.full_like(both, 0.5), where=both > 0)


def _nearest(features: Array, others: Array, without_itself: bool = False) -> Array:
    """Distance of each row to the nearest of the others, or of the other rows of the same set."""
    near, far = torch.from_numpy(features), torch.from_numpy(others)
    # The nearest is found by a matrix product, in which the distance to a copy is not quite zero.
    found = [
        torch.linalg.vector_norm(near[rows] - far[distances.argmin(dim=1)], dim=1)
        for rows, distances in blocks(near, far, without_itself, exact=False)
    ]
    return torch.cat(found).numpy()
