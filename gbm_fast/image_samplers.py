"""From the settings of a sampler to its objects: process, step and the rows of the grid."""

from gbm_fast.build import build_process
from gbm_fast.config import noise_range
from gbm_fast.grids import Grid, Row, annealed, geometric, power
from gbm_fast.process import GBM, Process
from gbm_fast.runs import Run
from gbm_fast.settings import NOISE_FREE, SamplingSettings
from gbm_fast.steps import (
    DDIM,
    AmbientMilstein,
    Ancestral,
    DaleLangevin,
    MarginalPreserving,
    ProbabilityFlow,
    SignAgnostic,
    Step,
)


def build_step(settings: SamplingSettings) -> Step:
    """The step of the sampler."""
    match settings.sampler:
        case "dale-langevin":
            return DaleLangevin()
        case "sign-agnostic":
            return SignAgnostic()
        case "milstein":
            return AmbientMilstein()
        case "ancestral":
            return Ancestral()
        case "marginal-preserving":
            return MarginalPreserving(settings.kappa)
        case "probability-flow":
            return ProbabilityFlow()
        case "ddim":
            return DDIM()


def sampling_process(run: Run, settings: SamplingSettings) -> Process:
    """The process that is reversed: that of the training, or the paper's."""
    if settings.process == "constant":
        return GBM(sigma=settings.sigma)
    return build_process(run.config)


def require_served(run: Run, settings: SamplingSettings) -> None:
    """Raise ValueError for settings that the run cannot serve: its grid, or its classes."""
    build_grid(run, settings, sampling_process(run, settings))
    require_label(run, settings)


def require_label(run: Run, settings: SamplingSettings) -> None:
    """Raise ValueError for a `label` that the run has not, or that would change nothing."""
    if settings.label is None:
        return
    if not run.num_classes and settings.start not in ("class-average", "data"):
        raise ValueError(
            f"label: {run.folder} is not class-conditional, and the start {settings.start} has no "
            "class: train with --class-conditional, or pass --start class-average."
        )
    count = len(run.statistics.class_frequencies)
    if settings.label >= count:
        raise ValueError(
            f"label {settings.label}: the classes of {run.folder} are 0..{count - 1}."
        )


def build_grid(run: Run, settings: SamplingSettings, process: Process) -> Grid:
    """The rows of the sampler, within the noise levels that the run was trained on.

    without noise      levels sqrt(v) spaced as in EDM (probability-flow, ddim)
    constant process   Algorithms 1 and 2: uniform levels, L inner steps, annealed by chi
    exploding process  levels sqrt(v) spaced geometrically, annealed by chi

    Raises ValueError where the network was not trained on a level of the grid, or where a setting
    has no meaning on that grid.
    """
    low, high = noise_range(run.config)
    top = float(process.log_var(process.horizon)) ** 0.5
    constant = isinstance(process, GBM)
    if (settings.step_length is not None or settings.denoise_steps) and not constant:
        raise ValueError("step_length and denoise_steps belong to --process constant.")
    if settings.sampler in NOISE_FREE:
        grid = power(process, settings.levels, std_min=low, std_max=top)
    elif constant:
        grid = annealed(
            settings.levels,
            process.horizon,
            settings.step_length,
            settings.inner_steps,
            settings.chi,
            denoise_steps=settings.denoise_steps,
        )
    else:
        grid = _exploding_grid(settings, process, low, top)
    _require_trained(run, process, grid)
    return grid


def _exploding_grid(settings: SamplingSettings, process: Process, low: float, top: float) -> Grid:
    if not build_step(settings).keeps_sign:
        raise ValueError(
            f"the {settings.sampler} step needs log-variance increments far below 1, which a grid "
            f"from sqrt(v) = {top:g} down does not have: use --process constant."
        )
    if settings.inner_steps > 1:
        raise ValueError(
            "inner_steps belongs to --process constant: a step of this grid goes from one level "
            "to the next, so a second one from the same level would pass it."
        )
    rows = geometric(process, settings.levels, low, top)
    return tuple(Row(row.t_score, row.dt, settings.chi**i) for i, row in enumerate(rows))


def _require_trained(run: Run, process: Process, grid: Grid) -> None:
    low, high = noise_range(run.config)
    stds = [float(process.log_var(row.t_score)) ** 0.5 for row in (grid[0], grid[-1])]
    if max(stds) > high * (1 + 1e-6) or min(stds) < low * (1 - 1e-6):
        raise ValueError(
            f"the network was trained for noise levels sqrt(v) in [{low:g}, {high:g}] and this "
            f"grid visits [{min(stds):g}, {max(stds):g}]: choose another process or num_steps."
        )
