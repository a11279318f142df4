"""Random numbers of a test: a function of its id and of one run seed, and of nothing else."""

import hashlib
from functools import cached_property

import numpy as np
import torch


def sequence(run_seed: int, test_id: str) -> np.random.SeedSequence:
    """The seed sequence of a test: the same in every order, worker and selection of tests."""
    words = np.frombuffer(hashlib.sha256(test_id.encode()).digest(), dtype=">u4").tolist()
    return np.random.SeedSequence([run_seed, *words])


class Source:
    """Generators for NumPy, torch and seeds, each of a child of its own: one moves no other."""

    def __init__(self, seeds: np.random.SeedSequence) -> None:
        self._numpy, self._torch, self._whole = seeds.spawn(3)

    @cached_property
    def numpy(self) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(self._numpy))

    @cached_property
    def torch(self) -> torch.Generator:
        """A CPU generator; torch keeps 32 bits of a seed."""
        return torch.Generator().manual_seed(int(self._torch.generate_state(1, np.uint32)[0]))

    @cached_property
    def seed(self) -> int:
        """A seed below 2^32, for functions that make their generators themselves."""
        return int(self._whole.generate_state(1, np.uint32)[0])
