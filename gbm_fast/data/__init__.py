"""Image data sets as integers, and their rescaling to positive numbers in [1, 2]."""

from gbm_fast.data.load import DATASETS, load_dataset
from gbm_fast.data.positive import (
    integers_from_positive,
    positive_from_integers,
)
from gbm_fast.data.types import ImageData

__all__ = [
    "DATASETS",
    "ImageData",
    "integers_from_positive",
    "load_dataset",
    "positive_from_integers",
]
