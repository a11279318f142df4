"""Divergence of two log-normal samplers from their target, as a function of the step length.

The Dale-Langevin sampler (eq. (13) of version 2; claim R8) and Appendix D's mirrored Langevin
dynamics (eq. (22) of version 2; claims R22, E20) are affine in log space on a log-normal target,
so the law that they really sample from is known and its divergence from the target is exact. The
study draws from both implementations, requires every confidence interval to hold the exact value,
and requires the exact curves to follow their leading terms, of second order in the step length.
"""

from pathlib import Path

from validation.study import Findings, Settings, Study


def measure(settings: Settings) -> Findings:
    """The study on the two implementations of this repository."""
    from validation.kl.measure import measure_with, plan
    from validation.kl.samplers import FAST, REF

    return measure_with(plan(settings.quick), settings.seed, (REF, FAST))


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.kl.figure import draw_figure

    draw_figure(findings, path)


STUDY = Study(
    name="kl_vs_stepsize",
    summary="KL of Dale-Langevin and of mirrored Langevin against step length, exact and sampled",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
