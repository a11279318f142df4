"""What training and sampling cost beyond the arithmetic of the network, and images a second.

The trainer's step is compared with forward, backward, clipping, AdamW and moving average alone; a
row of the sampling loop with the network alone, and with the loops of diffusers and k-diffusion
(where the extra `peers` is installed). The goals, 3 % and 2 %, are below what a ratio of two whole
times resolves, so they are judged by the time of the added work itself, measured apart from the
network and divided by the network's; the upper end of an interval has to meet the goal. Ratios of
whole times are recorded beside. Images a second are given by batch, number format, memory layout
and threads. All times are of one processor, interleaved. A benchmark: run it on a quiet machine;
the load is recorded.
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
