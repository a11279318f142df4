"""Methods of other packages, run here or by another Python: a script without imports of ours.

    python -m venv peers && peers/bin/pip install mulog==0.0.4
    python -m validation.despeckling --peers-python peers/bin/python

MuLoG needs nptyping, which brings a NumPy below 2: hence the other Python. bm3d alone
(`pip install bm3d`) runs in any. Without another Python, beside a newer NumPy:

    pip install bm3d StrEnum attrs && pip install --no-deps mulog==0.0.4 nptyping==2.5.0

BM3D has one thread, so that its results repeat.

    python validation/speckle/peers.py NAME LOOKS IMAGE.npy ESTIMATE.npy

writes the estimate and prints the seconds of processor time.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

Array = NDArray[np.float64]


class Peer(NamedTuple):
    """A method of another package.

    name, modules   what it is called, and what it needs
    install         how that is installed
    load            imports it, before time is taken
    method          the method itself
    """

    name: str
    modules: tuple[str, ...]
    install: str
    load: Callable[[], None]
    method: Callable[[Array, float], Array]

    def missing(self) -> str | None:
        """What to do where this Python lacks a module; None where it has all."""
        found = all(importlib.util.find_spec(module) for module in self.modules)
        return None if found else f"not run: {self.install}"


def _load_bm3d() -> None:
    import bm3d  # noqa: F401


GONE = {
    np.bool_: ("bool8",),
    np.object_: ("object0",),
    np.intp: ("int0",),
    np.uintp: ("uint0",),
    np.void: ("void0",),
    np.bytes_: ("bytes0", "string_"),
    np.str_: ("str0", "unicode_"),
    np.float64: ("float_",),
    np.complex64: ("singlecomplex",),
    np.complex128: ("complex_", "cfloat"),
    np.longdouble: ("longfloat",),
    np.clongdouble: ("clongfloat", "longcomplex"),
}
"""Names that NumPy 2 lacks, and nptyping, which MuLoG needs, asks for."""


def _load_mulog() -> None:
    for kind, names in GONE.items():
        for name in names:
            setattr(np, name, kind)
    import mulog  # noqa: F401


def log_bm3d(y: Array, looks: float) -> Array:
    """BM3D of log y as of Gaussian noise with log-speckle's variance, its bias removed."""
    import bm3d

    profile = bm3d.BM3DProfile()
    profile.num_threads = 1
    centred = np.log(y) - (digamma(looks) - np.log(looks))
    return np.exp(bm3d.bm3d(centred, float(np.sqrt(polygamma(1, looks))), profile))


def mulog_bm3d(y: Array, looks: float) -> Array:
    """MuLoG by its authors' code and settings (six iterations) with their call of BM3D."""
    import bm3d
    import mulog

    bm3d.BM3DProfile.num_threads = 1
    return np.asarray(mulog.run_mulog(y, looks, mulog.run_autoscaled_bm3d)).real


BM3D = Peer("log-BM3D", ("bm3d",), "pip install bm3d", _load_bm3d, log_bm3d)
MULOG = Peer(
    "MuLoG + BM3D",
    ("mulog", "bm3d"),
    "pip install mulog==0.0.4 in a Python of its own, and --peers-python",
    _load_mulog,
    mulog_bm3d,
)
ALL = {peer.name: peer for peer in (BM3D, MULOG)}


def elsewhere(python: Path, name: str, y: Array, looks: float) -> tuple[Array, float]:
    """The estimate of a method by another Python, and seconds; ValueError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        image, estimate = Path(folder) / "image.npy", Path(folder) / "estimate.npy"
        np.save(image, y)
        words = [str(python), __file__, name, repr(float(looks)), str(image), str(estimate)]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise ValueError(f"{name} by {python} failed: {said}.")
        return np.load(estimate), float(done.stdout.split()[-1])


def main() -> None:
    """The script of the docstring."""
    name, looks, image, estimate = sys.argv[1:]
    y, peer = np.load(image), ALL[name]
    if missing := peer.missing():
        sys.exit(missing)
    peer.load()
    started = time.process_time()
    found = peer.method(y, float(looks))
    seconds = time.process_time() - started
    np.save(estimate, found)
    print(seconds)


if __name__ == "__main__":
    main()
