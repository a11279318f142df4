"""What start and sampler do to images: one trained run, every setting of the paper beside noise.

The same network is sampled by both of the paper's samplers and by the probability flow, from each
start of Section 6.2 and G.2 of version 2 at the paper's sigma = 0.8, N = 1000, with version 1's
published annealing, and from the variance-exploding process' end, where the image is gone. The
start from noised training images is what the samplers could reach if their start were right; no
generative model may use it. The reasons for what is seen are in the sheet: E18, E21, E22.

The images of a setting are kept in the run folder as soon as they exist, so an interrupted
comparison goes on where it stopped. Every distance stands beside its floor (`gbm_fast.metrics`).
"""

import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import tyro

from gbm_fast.settings import SamplingSettings
from validation.study import RESULTS

if TYPE_CHECKING:
    from torch import Tensor

    from gbm_fast.data import ImageData
    from gbm_fast.runs import Run


@dataclass(frozen=True)
class Options:
    """Compare starts and samplers on a trained run of the variance-exploding process."""

    run: Path
    """The run folder of gbm_fast.train."""
    num_images: int = 64
    """Images a setting."""
    num_flow_images: int = 1000
    """Images for a larger measurement of the flow, which is cheap, from two starts."""
    num_steps: int = 1000
    """N, the levels of the paper's samplers."""
    seed: int = 20260524
    """Seed of the images."""
    out_dir: Path = RESULTS
    """Folder for <data set>_samplers.json and .png."""


class Row(NamedTuple):
    """A line of the table: what to call it, and how to sample."""

    name: str
    settings: SamplingSettings


def rows(options: Options) -> list[Row]:
    """The settings: quick ones first, then the paper's samplers from each of its starts."""
    flow = SamplingSettings(
        sampler="probability-flow", num_images=options.num_images, seed=options.seed
    )
    dale = replace(flow, sampler="dale-langevin", num_steps=options.num_steps)
    paper = replace(dale, process="constant", start="class-average")
    agnostic = replace(paper, sampler="sign-agnostic")
    # Version 1's chi, L and delta_s = 0.2 / N, for N = 1000: 0.995, 3 and 0.0002.
    published = replace(paper, chi=0.995, inner_steps=3, step_length=0.2 / options.num_steps)
    starts = {
        "class averages": "class-average",
        "log-normal fit to noised data": "lognormal",
        "log-normal fit to noised averages": "lognormal-averages",
    }
    fixed = replace(flow, process="constant")
    table = [
        Row("noise, flow", flow),
        Row("noise, flow, larger N", replace(flow, num_images=options.num_flow_images)),
        Row(
            "class averages, flow, larger N",
            replace(fixed, start="class-average", num_images=options.num_flow_images),
        ),
        Row("noised training images, flow", replace(fixed, start="data")),
    ]
    table += [Row(f"{name}, flow", replace(fixed, start=start)) for name, start in starts.items()]
    for name, start in starts.items():
        table.append(Row(f"{name}, Dale-Langevin", replace(paper, start=start)))
        table.append(Row(f"{name}, sign-agnostic", replace(agnostic, start=start)))
    table.append(Row("noise, Dale-Langevin", dale))
    table.append(Row("class averages, Dale-Langevin, version 1's chi, L, delta", published))
    return table


def _images(run: "Run", row: Row) -> "Tensor":
    """The row's images, from the run folder where they have been made before."""
    import io

    import numpy as np
    import torch

    from gbm_fast.checkpoint import write_atomic
    from gbm_fast.sampling import generate

    settings = row.settings
    path = run.folder / "comparison" / f"{settings.slug}.npy"
    if path.exists():
        return torch.from_numpy(np.load(path, allow_pickle=False))
    images = generate(run, settings)
    buffer = io.BytesIO()
    np.save(buffer, images.numpy())
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, buffer.getvalue())
    return images


def _record(options: Options, run: "Run", entries: list[dict]) -> dict[str, object]:
    from gbm_fast.checkpoint import WEIGHTS_FORMAT, load_tensors
    from validation.study import environment

    _, facts = load_tensors(run.folder / "weights.safetensors", WEIGHTS_FORMAT)
    training = {key: facts[key] for key in ("step", "seconds", "config")}
    chosen = {k: v for k, v in asdict(options).items() if k not in ("run", "out_dir")}
    return {
        "study": "samplers_on_images",
        "options": chosen,
        "environment": environment(),
        "training": training,
        "rows": entries,
    }


def compare(options: Options) -> None:
    """Sample and measure each row, then write the table as JSON and the picture.

    Raises ValueError where the folder is no run, or its network does not serve the settings.
    """
    import json

    from gbm_fast.data import load_dataset, positive_from_integers
    from gbm_fast.features import load_or_train
    from gbm_fast.metrics import Evaluator
    from gbm_fast.pictures import save_panels
    from gbm_fast.runs import load_run
    from validation.study import plain, write_text

    run = load_run(options.run)
    data: ImageData = load_dataset(run.config.dataset, run.config.data_dir)
    evaluate = Evaluator(data, load_or_train(data, run.folder.resolve().parent / "features"))
    options.out_dir.mkdir(parents=True, exist_ok=True)
    stem = options.out_dir / f"{data.name}_samplers"
    entries: list[dict] = []
    real = positive_from_integers(data.test_images[:36], data.max_value)
    panels = [("real test images", real)]
    title = f"{data.name}: one network, N = {options.num_images} images a setting"
    for row in rows(options):
        images = _images(run, row)
        result = evaluate(images)
        entries.append({"name": row.name, "settings": asdict(row.settings), "result": result})
        record = plain(_record(options, run, entries))
        write_text(stem.with_suffix(".json"), json.dumps(record, indent=1) + "\n")
        distance = f"Fréchet {result['frechet']:.0f} (floor {result['frechet_floor']:.1f})"
        print(f"{row.name}: N = {len(images)}, {distance}", flush=True)
        if row.settings.num_images == options.num_images:
            panels.append((f"{row.name}\n{distance}", images[:36]))
            save_panels(stem.with_suffix(".png"), panels, data.max_value, title, columns=6)
    print(f"figure: {stem}.png\nnumbers: {stem}.json")


def main() -> int:
    """Parse the command line and compare; returns the exit status."""
    options = tyro.cli(
        Options, prog="python -m validation.samplers_on_images", description=__doc__
    )
    compare(options)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
