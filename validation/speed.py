"""How fast a sampler with an exact score runs, beside its noise and beside other programs.

One reverse equation (eq. (13) of version 2 in log X, log-normal data, two dimensions) is
integrated with the same steps by gbm_fast, eager and compiled, by torchsde's Euler scheme, by a
loop written in NumPy and by gbm_ref. Times are of the processor, one thread, interleaved and
compared round by round; a step includes drawing its noise, its score and its share of the checks.
What must hold is that all programs compute the same numbers on the same noise; speeds are
reported with their goals, met or not. A benchmark, for a quiet machine; the load is recorded.
"""

from pathlib import Path

from validation.study import Findings, Settings, Study


def measure(settings: Settings) -> Findings:
    """The study on this machine's processor."""
    from validation.race.measure import full, measure_with, quick

    return measure_with(quick() if settings.quick else full(), settings.seed)


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.race.figure import draw_figure

    draw_figure(findings, path)


STUDY = Study(
    name="speed",
    summary="time and memory of a sampler's step beside its noise, torchsde, NumPy and the oracle",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
