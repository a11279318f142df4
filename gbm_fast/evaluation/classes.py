"""Which classes generated images are of: their shares, beside those of the test images.

The classes are the classifier's guesses, for either set of images, so that what it confuses counts
on both sides. The distance is the total variation, half the sum of the differences: the least
share of the images that would have to be of another class. It is above zero for real images too,
by chance and because the classifier knows the training images: the floor beside it says how much.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from gbm_fast.evaluation.features import FeatureExtractor

Array = NDArray[np.float64]


def class_shares(features: Array, extractor: FeatureExtractor) -> Array:
    """The share of each class, (classes,), among images with these features (N, dim).

    Raises ValueError for features that are not a classifier's.
    """
    if extractor.head is None:
        raise ValueError(f"the features {extractor.name} know no classes.")
    with torch.no_grad():
        logits = extractor.head(torch.from_numpy(features).float())
    counts = torch.bincount(logits.argmax(dim=1), minlength=logits.shape[1])
    return (counts.double() / len(features)).numpy()


def total_variation(shares: Array, others: Array) -> float:
    """Half the sum of |shares - others|, in [0, 1]."""
    return float(np.abs(shares - others).sum() / 2)
