"""Distances written out from their definitions: SciPy's matrix root, and plain loops."""

import numpy as np
import torch
from scipy.linalg import sqrtm
from torch import Tensor

import gbm_fast as gbm
from tests.support.batch_noise import floor_rows, kernel_rows
from tests.support.training_by_hand import Array, HandData

DIM = 3
FACTS = {"name": "three numbers", "hash": "00112233aabbccdd", "dim": DIM, "test_accuracy": 0.6}


def _projection(pixels: int) -> Array:
    return np.sin(np.outer(np.arange(pixels), [0.7, 1.1, 1.9]) + [0.1, 0.5, 0.9])


def stub_extractor(shape: tuple[int, int, int]) -> gbm.FeatureExtractor:
    """Three numbers an image, linear in its pixels and by no means the same for all."""
    matrix = torch.from_numpy(_projection(int(np.prod(shape))))

    def network(images: Tensor) -> Tensor:
        return images.double().flatten(1) @ matrix

    return gbm.FeatureExtractor(**FACTS, image_shape=shape, network=network)


def features(images: Array) -> Array:
    """The same of images (n, C, H, W)."""
    return images.reshape(len(images), -1) @ _projection(images[0].size)


def frechet(a: Array, b: Array) -> float:
    """|m_a - m_b|^2 + tr (S_a + S_b - 2 (S_a S_b)^(1/2))."""
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(first @ second).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root))


def _kernel(x: Array, y: Array) -> float:
    return float(x @ y / len(x) + 1) ** 3


def _discrepancy(x: Array, y: Array) -> float:
    m, within = len(x), 0.0
    for rows in (x, y):
        pairs = [(i, j) for i in range(m) for j in range(m) if i != j]
        within += sum(_kernel(rows[i], rows[j]) for i, j in pairs) / (m * (m - 1))
    return within - 2 * sum(_kernel(a, b) for a in x for b in y) / m**2


def kernel(a: Array, b: Array, seed: int, subsets: int = 100) -> tuple[float, float]:
    """Mean and deviation over subsets of as many rows of both sets as the smaller one has."""
    m = min(len(a), len(b))
    if m == len(a) == len(b):
        return _discrepancy(a, b), 0.0
    rows = kernel_rows(seed, len(a), len(b), subsets, m)
    found = [_discrepancy(a[first], b[second]) for first, second in rows]
    return float(np.mean(found)), float(np.std(found, ddof=1))


def shares_by_loops(generated: Array, real: Array, k: int) -> dict[str, float]:
    """The four numbers by their definitions, one distance at a time."""

    def radius(points: Array, i: int) -> float:
        others = [np.linalg.norm(points[i] - points[j]) for j in range(len(points)) if j != i]
        return sorted(others)[k - 1]

    def inside(x: Array, points: Array) -> list[bool]:
        return [np.linalg.norm(x - p) <= radius(points, i) for i, p in enumerate(points)]

    held = np.array([inside(g, real) for g in generated])
    reached = np.array([inside(r, generated) for r in real])
    return {
        "precision": np.mean([any(row) for row in held]),
        "recall": np.mean([any(row) for row in reached]),
        "density": held.sum() / (k * len(generated)),
        "coverage": np.mean(held.any(axis=0)),
    }


def share_by_loops(found: Array, known: Array, reference: Array) -> dict[str, float]:
    """How near images lie to training images among the training and test images."""

    def share(x: Array, others: Array) -> float:
        a, b = (min(np.linalg.norm(x - y) for y in rows) for rows in (known, others))
        return a / (a + b)

    ours = np.array([share(x, reference) for x in found])
    theirs = np.array([share(x, np.delete(reference, i, 0)) for i, x in enumerate(reference)])
    gap = ours.mean() - theirs.mean()
    spread = theirs.std(ddof=1) * np.sqrt(1 / len(ours) + 1 / len(theirs))
    names = ("train_share", "train_share_floor", "train_share_deviations")
    return dict(zip(names, (ours.mean(), theirs.mean(), gap / spread), strict=True))


def measured(
    images: Array, train: HandData, test: HandData, repeats: int, seed: int
) -> dict[str, float]:
    """The numbers of an evaluation: distances to the test images, floors of training images."""
    reference, known = features(test.positive()), features(train.positive())
    draws = floor_rows(seed, len(known), len(images), repeats)
    k = min(5, len(images) - 1, len(reference) - 1)
    near = [shares_by_loops(known[rows], reference, k) for rows in draws]
    floors = {
        **{f"{name}_floor": [found[name] for found in near] for name in near[0]},
        "frechet_floor": [frechet(known[rows], reference) for rows in draws],
        "kernel_floor": [kernel(known[rows], reference, seed)[0] for rows in draws],
    }
    found = features(images)
    numbers = {"N": len(images), "N_reference": len(reference), "floor_repeats": repeats}
    numbers |= share_by_loops(found, known, reference)
    numbers |= {"neighbours": k} | shares_by_loops(found, reference, k)
    numbers |= {"seed": seed, "frechet": frechet(found, reference)}
    numbers |= dict(zip(("kernel", "kernel_sd"), kernel(found, reference, seed), strict=True))
    for name, values in floors.items():
        numbers |= {name: float(np.mean(values)), f"{name}_sd": float(np.std(values, ddof=1))}
    return numbers
