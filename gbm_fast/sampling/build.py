"""The parts of a sampler from its settings: step, process and grid."""

from dataclasses import replace

from gbm_fast.grids import Grid, Row, annealed, geometric, power
from gbm_fast.process import GBM, Process
from gbm_fast.settings.sampling import NOISE_FREE, SamplingSettings
from gbm_fast.settings.training import noise_range
from gbm_fast.steps import (
    DDIM,
    AmbientMilstein,
    Ancestral,
    Churn,
    DaleLangevin,
    DPMSolver,
    MarginalPreserving,
    ProbabilityFlow,
    SignAgnostic,
    Step,
)
from gbm_fast.training.build import build_process
from gbm_fast.training.runs import TrainedModel


def build_step(settings: SamplingSettings) -> Step:
    """The step of the sampler, churned where noise is asked for."""
    if settings.churn:
        return Churn(build_step(replace(settings, churn=0.0)), settings.churn)
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
        case "dpmpp-2m" | "dpmpp-3m":
            return DPMSolver(2 if settings.sampler == "dpmpp-2m" else 3)


def sampling_process(run: TrainedModel, settings: SamplingSettings) -> Process:
    """The process that is reversed: that of the training, or the paper's."""
    if settings.process == "constant":
        return GBM(sigma=settings.sigma)
    return build_process(run.config)


def build_grid(run: TrainedModel, settings: SamplingSettings, process: Process) -> Grid:
    """The rows of the sampler, within the noise levels that the run was trained on.

    without noise      levels sqrt(v) spaced as in EDM (probability-flow, ddim, dpmpp-2m, dpmpp-3m)
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
    stds = [float(process.log_var(row.t_score)) ** 0.5 for row in (grid[0], grid[-1])]
    if max(stds) > high * (1 + 1e-6) or min(stds) < low * (1 - 1e-6):
        raise ValueError(
            f"the network was trained for noise levels sqrt(v) in [{low:g}, {high:g}] and this "
            f"grid visits [{min(stds):g}, {max(stds):g}]: choose another process or num_steps."
        )
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
