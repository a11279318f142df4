"""What training and sampling cost beyond the arithmetic of the network, and images a second.

The trainer's step is compared with forward, backward, clipping, AdamW and moving average alone; a
row of the sampling loop with the network alone, and with the loops of diffusers and k-diffusion
round the same network (where the extra `peers` is installed). All times are of one processor,
interleaved, and compared round by round. Images a second are given by batch, number format, memory
layout and threads. A benchmark: run it on a quiet machine; the load is recorded.
"""

from pathlib import Path

from validation.study import Findings, Settings, Study


def measure(settings: Settings) -> Findings:
    """The study on this machine's processor."""
    from validation.cost.measure import full, measure_with, quick

    return measure_with(quick() if settings.quick else full(), settings.seed)


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.cost.figure import draw_figure

    draw_figure(findings, path)


STUDY = Study(
    name="overhead",
    summary="time of training and sampling beyond the network's own, and images a second",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
