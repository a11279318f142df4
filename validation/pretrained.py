"""Make a folder of `pretrained/` from a run: half the bytes, measured as they are stored, a card.

python -m validation.pretrained --run RUN --name digits

What is measured is what the folder holds, weights in half precision, by the same features and
floors as `python -m gbm_fast.evaluate`: once for each sampler, without selection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from gbm_fast.settings.choices import expand_paths
from gbm_fast.settings.sampling import SamplingSettings
from validation.ending import leave

if TYPE_CHECKING:
    from gbm_fast.sampling.runs import Run

PLACE = Path(__file__).resolve().parents[1] / "pretrained"
MOST_BYTES = 6 * 2**20
SHOWN = (
    SamplingSettings(sampler="probability-flow", num_steps=18, num_images=1000),
    SamplingSettings(sampler="dpmpp-3m", num_steps=10, num_images=1000),
)
_SOURCES = {
    "digits": "scikit-learn's handwritten digits (UCI, Alpaydin and Kaynak, CC BY 4.0), 8 x 8",
    "mnist": "MNIST (LeCun, Cortes and Burges, CC BY-SA 3.0), 28 x 28",
    "fashion-mnist": "Fashion-MNIST (Zalando SE, MIT licence), 28 x 28",
}


@dataclass(frozen=True)
class Options:
    """Export a run as pretrained weights, measure them, and write their card."""

    run: Path
    """The run folder."""
    name: str
    """What the weights are called: the name of their folder."""
    into: Path = PLACE
    """The folder of all pretrained weights."""
    num_images: int = 1000
    """Images that are measured, a sampler."""

    def __post_init__(self) -> None:
        expand_paths(self)


def make(options: Options) -> Path:
    """The folder, with weights, card and picture; ValueError where it would be above 6 MiB (8 of
    a restorer, whose card has no picture).
    """
    from dataclasses import replace

    from gbm_fast.data import load_dataset
    from gbm_fast.data.pictures import save_png, tile
    from gbm_fast.evaluation.features import load_or_train_classifier
    from gbm_fast.evaluation.metrics import Evaluator
    from gbm_fast.sampling.pretrained import export
    from gbm_fast.sampling.runs import load_run
    from gbm_fast.training.runs import read_config
    from validation.study import write_text

    folder = options.into / options.name
    export(options.run, folder)
    if read_config(options.run).noise == "gamma":
        from validation.speckle.card import MOST_BYTES as MOST
        from validation.speckle.card import card

        write_text(folder / "README.md", card(options.name, folder))
        return _require_small(folder, MOST)
    run, trained = load_run(folder), read_config(options.run)
    data = load_dataset(trained.dataset, trained.data_dir)
    run.require_same_images(data, tested=True)
    features = load_or_train_classifier(data, options.run.resolve().parent / "features")
    evaluate, rows = Evaluator(data, features), []
    for settings in SHOWN:
        images = run.sampler(replace(settings, num_images=options.num_images))()
        rows.append((settings, evaluate(images)))
    shown = run.pictured(run.sample(40, seed=0, label=None))
    picture = tile(shown.images, 10, shown.max_value)
    save_png(folder / "samples.png", picture, scale=max(1, 224 // run.event_shape[-1] // 8))
    write_text(folder / "README.md", _card(options.name, run, rows))
    return _require_small(folder, MOST_BYTES)


def _require_small(folder: Path, most: int) -> Path:
    """The folder; ValueError where it has more bytes."""
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > most:
        raise ValueError(f"{folder} has {size:,} bytes: weights are kept up to {most:,}.")
    return folder


def _card(name: str, run: "Run", rows: Sequence[tuple[SamplingSettings, dict]]) -> str:
    """The card of the weights, Markdown."""
    from gbm_fast.training.runs import weights_facts

    facts, config, first = weights_facts(run.folder), run.config, rows[0][1]
    count = sum(parameter.numel() for parameter in run.model.parameters())
    options = f"--dataset {config.dataset}"
    options += " --class-conditional" if config.class_conditional else ""
    options += f" --label-dropout {config.label_dropout:g}" if config.label_dropout else ""
    return f"""# {name}

![samples](samples.png)

A {config.network} of {count:,} parameters, stored in half precision, that generates images like
those of {_SOURCES.get(config.dataset, config.dataset)}.

    python -m gbm_fast.sample --pretrained {name}

Trained with `{options} --seed {config.seed}` for {facts["step"]:,} steps of
{config.batch_size} images, {facts["seconds"] / 60:.0f} minutes on the machine at hand; all
settings stand in `config.json`. {_before(facts, name)}
The weights are moving averages. Their hash, as loaded, is
`{run.weights_sha256()[:16]}`; that of the training images and labels
`{(run.train_sha256 or "")[:16]}`.

{_table(rows)}

Distances of {first["feature_dim"]} features of a classifier of the same data (hash
`{first["feature_hash"]}`) from {first["N_reference"]:,} test images; the floor is that of as many
training images. Copies: the mean share of the distance to the nearest training image, 0 for a
copy, and in brackets that of held-out images. One seed, nothing selected. They are for checking
an installation and for first experiments, not for comparison with published models.

Licence of the weights: MIT, as the code; that of the data is its authors'.
"""


def _before(facts: dict, name: str) -> str:
    """The trainings that the weights come from, and how another one goes on from them."""
    go_on = (
        f"Another training goes on from them with\n`--config pretrained/{name}/config.json "
        f"--initial-weights pretrained/{name} --seed S`."
    )
    ledger = facts.get("began_from", [])
    if not ledger:
        return go_on
    listed = "; ".join(
        f"{one['images']:,} images in {one['seconds'] / 60:.0f} minutes "
        f"(`{one['weights_sha256'][:16]}`)"
        for one in ledger
    )
    return f"It began with the weights of\nearlier trainings: {listed}. {go_on}"


def _table(rows: Sequence[tuple[SamplingSettings, dict]]) -> str:
    """What was measured, a line a sampler."""
    names = "sampler", "evaluations", "N", "Fréchet", "floor", "kernel", "precision", "recall"
    lines = [f"| {' | '.join((*names, 'copies'))} |", "| --- " * 9 + "|"]
    for settings, result in rows:
        cells = (
            *(settings.sampler, f"{settings.evaluations}", f"{result['N']}"),
            f"{result['frechet']:.3g}",
            f"{result['frechet_floor']:.3g} ± {result['frechet_floor_sd']:.2g}",
            *(f"{result[key]:.3g}" for key in ("kernel", "precision", "recall")),
            f"{result['train_share']:.3f} ({result['train_share_floor']:.3f})",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0; a ValueError ends the process with a line."""
    options = tyro.cli(
        Options, prog="python -m validation.pretrained", description=__doc__, args=arguments
    )
    print(f"made: {make(options)}")
    return 0


if __name__ == "__main__":
    leave(main)
