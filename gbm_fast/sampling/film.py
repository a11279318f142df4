"""The way of one image through the sampler, as a strip of pictures."""

from pathlib import Path

import torch
from torch import Tensor

from gbm_fast.data.pictures import save_film
from gbm_fast.process import Process
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.scores import denoiser
from gbm_fast.simulation import simulate
from gbm_fast.training.runs import TrainedModel

FRAMES = 10


@torch.no_grad()
def save_trajectory(path: Path, sampler: Sampler, number: int) -> None:
    """Draw the states of image `number` of the set at ten rows of the grid.

    Above, the state with its contrast reduced to that of the data (at sqrt(v) = 10 the pixels
    themselves span ten orders of magnitude); below, what the network takes the image to be,
    exp E[log X_0 | X_t]. Raises ValueError for a run on a law.
    """
    run, settings = sampler.run, sampler.settings
    process, grid = sampler.process, sampler.grid
    require_images(run)
    noise = sampler.noise(range(number, number + 1))
    x_T, labels = sampler.initial_states(noise)
    score = sampler.score(labels)
    _, visited = simulate(sampler.step, process, score, x_T, grid, noise, return_path=True)
    rows = torch.linspace(0, len(grid) - 1, FRAMES - 1).round().long().unique().tolist()
    states, guesses, captions = [], [], []
    for row in rows:
        t, x = grid[row].t_score, visited[row]
        states.append(_with_contrast_of_data(x, run, process, t))
        magnitude = x.abs()
        guesses.append(denoiser(magnitude, score(magnitude, t), process, t).exp())
        captions.append(f"√v = {float(process.log_var(t)) ** 0.5:.3g}")
    states.append(visited[-1])
    guesses.append(visited[-1])
    captions.append("the image")
    parts = (run.images_of(torch.cat(part).cpu().float()) for part in (states, guesses))
    above, below = (run.pictured(part) for part in parts)
    title = f"{sampler.caption}, image {number} of seed {settings.seed}"
    if labels is not None and sampler.label is None:
        title += f", {run.class_text(int(labels))}"
    save_film(path, above.images, below.images, captions, title, above.max_value)


def require_images(run: TrainedModel) -> None:
    """Raise ValueError for a run on a law or on vectors, which have no images."""
    if len(run.event_shape) != 3:
        raise ValueError(
            f"{run.folder} is a run on {run.config.dataset}, which is no image data set."
        )


def _with_contrast_of_data(x: Tensor, run: TrainedModel, process: Process, t: float) -> Tensor:
    """log x - m(t), moved and scaled to the data's log moments; what is not positive is black."""
    mean, std = (
        part.to(x)[:, None, None] for part in (run.statistics.log_means, run.statistics.log_stds)
    )
    m, v = float(process.log_mean(t)), float(process.log_var(t))
    standard = (x.abs().log() - m - mean) / (std.square() + v).sqrt()
    return torch.where(x > 0, (mean + std * standard).exp(), 1.0)
