"""How far the samplers' starts are from the law at the end of the forward process, on real images.

The paper starts its samplers from log-normals fitted to pixels, or from noised class averages
(Section 6.2 and Appendix G.2 of version 2; Algorithms 1 and 2 of version 1). At its sigma = 0.8
the image is not gone at t = 1, and each start misses some of it. The study computes the least
divergence that each can have, from the means and covariances of the log pixels of the training
images alone (claims R23, E22), what share of such an error an exact sampler leaves (R9), the two
fits of claim E24, and the bound on the information that X_1 has on X_0 (E21). Nothing is random.

It reads MNIST and Fashion-MNIST from the folder that the variable GBM_DATA names; with --quick it
takes the digits that come with scikit-learn.
"""

from pathlib import Path

from validation.study import Findings, Settings, Study

DATA_SETS, QUICK = ("mnist", "fashion-mnist"), ("digits",)


def measure(settings: Settings) -> Findings:
    """The study on the published training images."""
    from validation.mismatch.measure import load, measure_with

    return measure_with(load(QUICK if settings.quick else DATA_SETS))


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.mismatch.figure import draw_figure

    draw_figure(findings, path)


STUDY = Study(
    name="terminal_mismatch",
    summary="divergence of the law at t = 1 from each start, MNIST and Fashion-MNIST (needs data)",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
