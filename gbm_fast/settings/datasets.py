"""The names of data sets, and what is known of them by name; no torch."""

from typing import Literal, get_args

ImageName = Literal[
    "digits",
    "natural-patches",
    "mnist",
    "fashion-mnist",
    "kuzushiji-mnist",
    "cifar10",
    "folder",
    "npy",
]
ToyName = Literal["lognormal-1d", "lognormal-2d", "lognormal-mixture-1d", "lognormal-mixture-2d"]
InPython = Literal["own-images", "own-vectors", "own-law"]
Dataset = Literal[ImageName, Literal["vectors"], ToyName, InPython]
OWN_DATA = ("folder", "npy", "vectors")
"""Data sets that are the user's own: --data-dir says which, and belongs to the settings."""
BUILT_IN = ("digits", "natural-patches", *get_args(ToyName))
"""Data sets that need no files, and so no --data-dir."""
IN_PYTHON: tuple[str, ...] = get_args(InPython)
"""Data that `train_run` is given as an object, which no command can read again."""
TOYS: tuple[str, ...] = get_args(ToyName)
"""Laws with a known score that are built in (`gbm_fast.data.toys`)."""
LAWS = (*TOYS, "own-law")
"""Data that are drawn from a law with a known score, in place of images."""
VECTORS = ("vectors", "own-vectors")
"""Data that are vectors of positive numbers, rows of a table."""
COLOUR = ("natural-patches", "cifar10")
"""Data sets of 32 x 32 colour images: a third more pixels than MNIST's, in three channels."""
UNITS = ("folder", "npy")
"""Data that have grey levels or units of their own, as their numbers say."""
Range = Literal["auto", "data"]
Zeros = Literal["refuse", "floor"]
