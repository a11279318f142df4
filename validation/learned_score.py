"""What a network learns by M-DSM, against exact scores: one and two dimensions, several seeds.

Small networks are trained by the code of `gbm_fast.train` on four laws whose score is known at
every time, in three ways with the same budget: as the paper does (its head, no weight, uniform
times), the same with the weight v(t), and as this package does by default. For each network

    the error of its score at every time, by quadrature (M-ESM, eq. (14) of version 2)
    the loss in excess of its exact floor, which is that error (Theorem 4.1; claim R4b)
    on the line, the law that its sampler of N steps draws from, by carrying densities through the
        steps, and its divergence from the data beside the bound of claim R20
    draws of the sampler in float32, against that law, or in the plane along projections
    what share of loss and gradient comes from the smallest times (claims E9, R4)

The trainings are kept in runs/learned_score, in a folder named by the hash of their code: a study
that was interrupted goes on where it stopped, and networks of other code are not measured.
All seeds are reported. The gate asks for what must hold whatever a network has learned: the
identity, the bounds, and that draws follow the law. How good the networks are is in the results.
"""

from pathlib import Path

from validation.provenance import code_hashes, digest
from validation.study import Findings, Settings, Study

RUNS = Path("runs") / "learned_score"


def measure(settings: Settings) -> Findings:
    """The study; minutes, or seconds with few and short trainings."""
    from validation.learned.measure import measure_with
    from validation.learned.problems import FULL, QUICK

    runs = RUNS / digest(code_hashes("gbm_fast.commands.training"))
    if settings.quick:
        return measure_with(QUICK, settings.seed, runs)
    return measure_with(FULL, settings.seed, runs, workers=2)


def draw(findings: Findings, path: Path) -> None:
    """The figure, as a PNG file."""
    from validation.learned.figure import draw_figure

    draw_figure(findings, path)


STUDY = Study(
    name="learned_score",
    summary="learned scores against exact ones on laws in one and two dimensions (five minutes)",
    measure=measure,
    draw=draw,
    about=__doc__,
)


if __name__ == "__main__":
    STUDY.script()
