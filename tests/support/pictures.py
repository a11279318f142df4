"""Looking at pictures that the package has drawn."""

from pathlib import Path

import numpy as np
from PIL import Image


def grey_levels(path: Path) -> np.ndarray:
    """The grey levels that a picture has, each once: a blank one has few."""
    with Image.open(path) as picture:
        return np.unique(np.asarray(picture.convert("L")))
