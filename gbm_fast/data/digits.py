"""The 1,797 handwritten digits, 8 by 8 pixels, that are shipped inside scikit-learn.

Grey levels are 0..16. scikit-learn states no train/test split; here every fifth image is a test
image (index % 5 == 4), which gives 1,438 train and 359 test images. The images are stored writer
after writer, so the rule puts most writers in both splits: a test digit is a new digit, not a
new hand.
"""

import numpy as np
import torch

from gbm_fast.data.types import ImageData

TEST_EVERY = 5
MAX_VALUE = 16


def load_digits() -> ImageData:
    """The digits as `ImageData` with images (n, 1, 8, 8); needs no file and no network."""
    # Imported here because it costs a second that the other data sets need not pay.
    from sklearn.datasets import load_digits as sklearn_digits

    bunch = sklearn_digits()
    images = torch.from_numpy(bunch.images.astype(np.uint8))[:, None]
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    is_test = torch.arange(len(images)) % TEST_EVERY == TEST_EVERY - 1
    return ImageData(
        name="digits",
        train_images=images[~is_test],
        train_labels=labels[~is_test],
        test_images=images[is_test],
        test_labels=labels[is_test],
        max_value=MAX_VALUE,
        class_names=tuple(str(digit) for digit in range(10)),
    )
