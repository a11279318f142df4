"""What classifier-free guidance draws: exactly on the line, and from a network of digits.

The score without a class plus w times what the class adds to it (claim guided-score) is the score
of no process, and what samplers draw with it is not p_u^(1-w) p_c^w (claim guided-flow).

On the line the data are two log-normal classes that overlap, and the law that the probability flow
makes of the samplers' log-normal start is known by transport (`gbm_ref.flow_moments`, `flow_cdf`):
mean and deviation of log X and the share of the law on the class's side, for weights from 0 to 8,
beside what p_u^(1-w) p_c^w has. The gate asks for the data at w = 0, for the closed form at w = 1,
and that deviation and the share on the other side fall with w.

On the digits that come with scikit-learn a network is trained for about 90 s of one core, with a
tenth of the labels left out, and sampled at several weights from the same noise: precision and the
share of images that the classifier takes for their class, against recall. All are reported, no
weight is chosen. The gate asks that guidance gains class accuracy and costs recall.
"""

from pathlib import Path

from validation.study import Findings, Settings, Study


def measure(settings: Settings) -> Findings:
    """Both parts of the study."""
    from validation.guided.measure import measure_with

    return measure_with(settings.quick, settings.seed)


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.guided.figure import draw_figure

    draw_figure(findings, path)


STUDY = Study(
    name="guidance",
    summary="what guidance draws: exactly on a mixture, and fidelity against recall on digits",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
