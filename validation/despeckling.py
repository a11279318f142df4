"""Despeckling: our networks against Lee, total variation, BM3D and MuLoG, at several looks.

Three photographs get speckle of L looks from seeds that their names give; every method sees the
same images in the same run. The one setting that was chosen, the weight of log-TV, was chosen on
training photographs; how their errors are pooled was decided after a first weight had looked weak
on these images, so that log-TV is better here than a blind choice would be. Measured are
PSNR, SSIM, the equivalent number of looks in a uniform area, mean and variance of the ratio image
y / estimate, seconds of the processor, and of posterior samples the coverage of their 90 % band.

The gate asks for what must hold whoever is best: the speckle has the squared error that its law
has, and mistakes that users make (amplitude for intensity, wrong looks, the bias of the logarithm)
lose. BM3D and MuLoG are of other packages: a method that is missing is a row that says how it is
installed. A table in Markdown is written beside the numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from validation.study import Findings, Settings, Study, run, write_text

if TYPE_CHECKING:
    from validation.speckle.images import Array
    from validation.speckle.measure import Plan

PRETRAINED = Path(__file__).resolve().parents[1] / "pretrained" / "speckle"


@dataclass(frozen=True)
class Options(Settings):
    """Which runs are measured, and on what."""

    run: Path | None = None
    """A run trained with gamma noise (default: pretrained/speckle, where it is there)."""
    additive_run: Path | None = None
    """An ordinary run with noise multiplicative and network local, to compare with."""
    looks: tuple[float, ...] = (1.0, 4.0, 10.0)
    """Numbers of looks."""
    num_samples: int = 32
    """Posterior samples of each image; 0 for none."""
    skip_mulog: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave MuLoG out: it takes the longest."""
    peers_python: Path | None = None
    """A Python that has bm3d and mulog, where this one has not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.looks or not all(0 < looks < float("inf") for looks in self.looks):
            raise ValueError(f"looks must be positive numbers, one or more, got {self.looks}.")
        if self.num_samples < 0:
            raise ValueError(f"num_samples must be 0 or more, got {self.num_samples}.")


def plan(options: Options) -> "Plan":
    """What is measured with these options."""
    from dataclasses import replace

    from validation.speckle.measure import QUICK_LOOKS, QUICK_SAMPLES, QUICK_SIDE, Plan

    folder = options.run or (PRETRAINED if PRETRAINED.is_dir() else None)
    whole = Plan(
        folder,
        options.additive_run,
        options.looks,
        options.num_samples,
        seed=options.seed,
        skip_mulog=options.skip_mulog or options.quick,
        peers_python=options.peers_python,
    )
    if not options.quick:
        return whole
    return replace(whole, looks=QUICK_LOOKS, num_samples=QUICK_SAMPLES, side=QUICK_SIDE)


_pictures: dict[str, "Array"] = {}
"""Of the last measurement, for the figure: the record has no images."""


@dataclass(frozen=True)
class Despeckling(Study):
    """The study, with options of its own."""

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run as a command: exit status 0 when the study passed, 1 otherwise."""
        prog = f"python -m validation.{self.name}"
        options = tyro.cli(Options, prog=prog, description=self.about, args=arguments)
        return 0 if run(self, options) else 1


def measure(settings: Settings) -> Findings:
    """The study; twenty minutes of one core, most of it the samples and MuLoG."""
    from validation.speckle.figure import table
    from validation.speckle.measure import measure_with

    if not isinstance(settings, Options):
        settings = Options(settings.quick, settings.seed, settings.out_dir, settings.record)
    findings, pictures = measure_with(plan(settings))
    _pictures.clear()
    _pictures.update(pictures)
    stem = "despeckling" + ("-quick" if settings.quick else "")
    write_text(settings.folder / f"{stem}.md", table(findings))
    return findings


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.speckle.figure import draw_figure

    draw_figure(findings, _pictures, path)


STUDY = Despeckling(
    name="despeckling",
    summary="despeckling: our networks, Lee, TV, BM3D and MuLoG (twenty minutes; needs a run)",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
