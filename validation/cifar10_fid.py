"""CIFAR-10 from training to clean-fid's own FID and KID, as the commands that one would type.

python -m validation.cifar10_fid --data-dir DIR --inception-weights FILE  # the published measure
python -m validation.cifar10_fid --rehearse                               # made-up, a stand-in

The parts: `gbm_fast.train --dataset cifar10`, `gbm_fast.sample`, PNG files of the training images,
clean-fid's reader, features and distances on both folders, and ours of the same images, which have
to agree. Neither CIFAR-10 nor the Inception file can be had where this was written: what ran here
is the rehearsal, on random pixels in CIFAR-10's binary layout and with a TorchScript file of the
published one's interface that averages colours. Its numbers say that every part fits the next, and
nothing of images.
"""

import hashlib
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from gbm_fast.settings.choices import expand_paths
from validation.ending import leave
from validation.study import OWN_RESULTS

if TYPE_CHECKING:
    import numpy as np

    from gbm_fast.data import ImageData
    from validation.study import Check

MODULE = "validation.cifar10_fid"
STAND_IN = "STAND-IN features, no FID"
_CLOSE = 1e-4
"""Between our distances and clean-fid's, relative: its features are averaged in float32."""
_REHEARSED = 48
"""Images of a rehearsal, generated and real."""
_TRAINED = (
    "--preset",
    "cpu",
    "--steps",
    "3",
    "--batch-size",
    "8",
    "--width",
    "16",
    "--blocks",
    "1",
)
_SAMPLED = ("--sampler", "probability-flow", "--num-steps", "3")


@dataclass(frozen=True)
class Options:
    """Train on CIFAR-10, generate images, and measure them with clean-fid's own FID and KID."""

    rehearse: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Made-up images in CIFAR-10's layout, a small network, a stand-in for the Inception file."""
    data_dir: Path | None = None
    """Folder with CIFAR-10's binary archive, or what it unpacks to."""
    inception_weights: Path | None = None
    """The file inception-2015-12-05.pt, or its folder."""
    run: Path | None = None
    """A run folder to train in, or that of a trained run (default: in --out-dir)."""
    preset: Literal["paper", "paper-code", "cpu", "gpu", "auto"] = "auto"
    """Preset of the training."""
    num_images: int = 50_000
    """Images that are generated; the reference is all training images."""
    out_dir: Path = OWN_RESULTS
    """Folder for cifar10_fid.json, the run and the images."""

    def __post_init__(self) -> None:
        expand_paths(self)
        if self.rehearse != (self.data_dir is None) or self.rehearse != (
            self.inception_weights is None
        ):
            raise ValueError(
                "pass --data-dir and --inception-weights, or --rehearse in place of both."
            )
        if self.num_images < 2:
            raise ValueError(f"num_images must be 2 or more, got {self.num_images}.")


def write_made_up(folder: Path) -> None:
    """Random pixels in the layout of CIFAR-10's unpacked archive, as many as it has."""
    import numpy as np

    from gbm_fast.data.sources import CIFAR10

    rng, count = np.random.default_rng(20261130), CIFAR10.records_per_member
    inside = folder / CIFAR10.folder
    inside.mkdir(parents=True)
    for member in (*CIFAR10.train_members, *CIFAR10.test_members):
        records = rng.integers(0, 256, (count, 1 + 3 * 32 * 32), np.uint8)
        records[:, 0] = np.arange(count) % 10
        (inside / member).write_bytes(records.tobytes())


def write_stand_in(folder: Path) -> tuple[Path, str]:
    """A file with the name and interface of the published one, and its SHA-256.

    Its features are the mean colours of the quarters of an image, among 2048 numbers.
    """
    import torch
    from torch import Tensor, nn

    from gbm_fast.evaluation.inception import WEIGHTS_NAME

    class Layers(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            quarters = nn.functional.adaptive_avg_pool2d(x, [2, 2]).flatten(1)
            return nn.functional.pad(quarters, [0, 2048 - 12])

    class StandIn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = Layers()

        def forward(self, x: Tensor) -> Tensor:
            return self.layers(x)

    path = folder / WEIGHTS_NAME
    torch.jit.save(torch.jit.script(StandIn().eval()), str(path))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def commands(options: Options, run: Path, data_dir: Path, images: Path) -> list[list[str]]:
    """The command of the training, unless --run has been trained, and that of the images.

    One that was interrupted here has weights too: it is given again, and goes on.
    """
    trained = options.run is not None and (run / "weights.safetensors").is_file()
    count = _REHEARSED if options.rehearse else options.num_images
    how = _TRAINED if options.rehearse else ("--preset", options.preset)
    training = ["-m", "gbm_fast.train", "--dataset", "cifar10", "--data-dir", f"{data_dir}"]
    training += [*how, "--resume", "auto", "--metrics-images", "0", "--run-dir", f"{run}"]
    sampled = _SAMPLED if options.rehearse else _SAMPLED[:2]
    sampling = ["-m", "gbm_fast.sample", "--run", f"{run}", *sampled, "--output", "png"]
    sampling += ["--num-images", f"{count}", "--out", f"{images}"]
    return [sampling] if trained else [training, sampling]


def write_real(data: "ImageData", folder: Path, count: int | None) -> None:
    """The training images, or the first `count`, as PNG files."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(data.train_images[:count]):
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(folder / f"{number:06d}.png")


def measure(
    images: Path, real: Path, data: "ImageData", weights: Path, sha256: str
) -> list["Check"]:
    """clean-fid's FID and KID of two folders, and ours of the same files."""
    import torch
    from cleanfid import fid
    from cleanfid.inception_torchscript import InceptionV3W

    from gbm_fast.evaluation.distances import frechet_distance, kernel_distance
    from gbm_fast.evaluation.foreign import read_images
    from gbm_fast.evaluation.inception import load_inception

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = InceptionV3W(f"{weights.parent}", download=False).to(device)
    options = {"num_workers": 0, "device": device, "mode": "clean", "verbose": False}
    theirs = [fid.get_folder_features(f"{f}", network, **options) for f in (images, real)]
    extractor = load_inception((3, 32, 32), weights, sha256)
    ours = [extractor(read_images(folder, data)) for folder in (images, real)]
    wide: list[np.ndarray] = [part.astype("float64") for part in theirs]
    pairs = {
        "FID": (fid.fid_from_feats(*theirs), frechet_distance(*ours)),
        "KID": (fid.kernel_distance(*wide), kernel_distance(*ours)[0]),
    }
    return list(_agreeing(pairs, len(wide[0])))


def _agreeing(pairs: dict[str, tuple[float, float]], count: int) -> "Iterator[Check]":
    from validation.study import Check

    for name, (theirs, ours) in pairs.items():
        # KID draws subsets of 1000 where there are more images: two draws are apart by chance.
        drawn = name == "KID" and count > 1000
        close = abs(ours - theirs) <= (0.1 if drawn else _CLOSE) * max(abs(theirs), 1e-3)
        said = f"clean-fid {theirs:.6g}, ours {ours:.6g}"
        yield Check(name, bool(close), said)


@contextmanager
def _data(options: Options) -> Iterator[tuple[Path, Path, str]]:
    """The folder of the data, the file of the network, and its SHA-256."""
    from gbm_fast.evaluation.inception import WEIGHTS_SHA256, find_weights

    if not options.rehearse:
        assert options.data_dir is not None
        yield options.data_dir, find_weights(options.inception_weights), WEIGHTS_SHA256
        return
    with tempfile.TemporaryDirectory() as name:
        write_made_up(Path(name))
        yield (Path(name), *write_stand_in(Path(name)))


def measured(options: Options) -> bool:
    """Every part; prints each command and number, writes cifar10_fid.json.

    Raises ValueError where a command fails, with the end of what it said.
    """
    from gbm_fast.data import load_dataset
    from validation.study import environment, plain, write_text

    kind = "rehearsal" if options.rehearse else "cifar10"
    out = options.out_dir / f"{kind}_images"
    run = options.run or options.out_dir / f"{kind}_run"
    with _data(options) as (data_dir, weights, sha256):
        for words in commands(options, run, data_dir, out):
            print(f"$ python {shlex.join(words)}", flush=True)
            done = subprocess.run([sys.executable, *words], stderr=subprocess.PIPE, check=False)
            if done.returncode:
                said = done.stderr[-800:].decode()
                raise ValueError(f"the command ended with {done.returncode}: {said}.")
        data = load_dataset("cifar10", data_dir)
        write_real(data, out / "real", _REHEARSED if options.rehearse else None)
        checks = measure(out / "png", out / "real", data, weights, sha256)
    label = f" ({STAND_IN})" if options.rehearse else ""
    for one in checks:
        print(f"{'pass' if one.passed else 'FAIL'}  {one.name}{label}: {one.detail}", flush=True)
    record = {
        "study": "cifar10_fid",
        "features": STAND_IN if options.rehearse else "clean-fid, inception-2015-12-05.pt",
        "passed": all(one.passed for one in checks),
        "environment": environment(),
        "checks": [one._asdict() for one in checks],
    }
    path = options.out_dir / f"{kind}_fid.json"
    write_text(path, json.dumps(plain(record), indent=1) + "\n")
    print(f"numbers: {path}")
    return bool(checks) and all(one.passed for one in checks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 where both distances agree with clean-fid's, 1 otherwise."""
    options = tyro.cli(Options, prog=f"python -m {MODULE}", description=__doc__, args=arguments)
    return 0 if measured(options) else 1


if __name__ == "__main__":
    leave(main)
