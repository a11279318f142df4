"""Multiplicative against additive noise (ordinary diffusion, EDM) in the same engine, on digits.

Additive noise on the pixels x is multiplicative noise on exp(x), so that the two arms differ by
the state alone: network, initial weights, batches, noise, budget, losses, samplers and starts are
the same, and the noise levels are as many deviations of the data (of log x, and of x). Each arm
has the same learning rates to choose from, by the distance of one block of images that is not
reported.

Distances are those of a classifier's features, for 1000 images a block, beside the distance that
real training images have. The blocks of the two arms have the same noise, and what is compared is
the difference within a block, with an interval for each training. An arm counts as nearer where
the intervals of all trainings say so. The gate asks for what must hold whoever is nearer.

The trainings are kept in runs/additive_peer, in a folder named by the hash of their code. A table
in Markdown is written beside the numbers.
"""

from pathlib import Path

from validation.provenance import code_hashes, digest
from validation.study import Findings, Settings, Study, write_text

RUNS = Path("runs") / "additive_peer"


def measure(settings: Settings) -> Findings:
    """The study; some twenty minutes of one core, or seconds with short trainings."""
    from validation.additive.figure import table
    from validation.additive.measure import measure_with
    from validation.additive.plan import FULL, QUICK

    runs = RUNS / digest(code_hashes("gbm_fast.commands.training"))
    plan = QUICK if settings.quick else FULL
    findings = measure_with(plan, settings.seed, runs / ("quick" if settings.quick else "full"))
    stem = "additive_peer" + ("-quick" if settings.quick else "")
    write_text(settings.folder / f"{stem}.md", table(findings))
    return findings


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.additive.figure import draw_figure

    draw_figure(findings, path)


STUDY = Study(
    name="additive_peer",
    summary="multiplicative against additive noise in the same engine, digits (half an hour)",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
