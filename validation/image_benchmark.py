"""Table 1 of the paper, measured: one trained run, every row, beside what the formulas predict.

The same network is sampled by both of the paper's samplers from both of its starts with the
settings of the authors' code (`paper`), by these and the probability flow from every start and
from its own process' end (`starts`), and by every sampler in 5 to 1000 evaluations (`few`). The
reasons for what is seen: claims E17, E18, E21, E22, R7, R10.

The gate (`validation.gate`) examines all of this first, with an exact score in place of the
network, and nothing is trained or sampled where it fails. With --dataset or --config the run is
trained by the same command. Before sampling the cost is printed; with --minutes what does not fit
is left out and said. All batches are kept in the run folder, so that the same command goes on
where a killed one stopped.
"""

import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gbm_fast.settings.choices import expand_paths
from validation.benchmark.rows import SLOW, Group, Row, table
from validation.ending import leave
from validation.provenance import code_hashes
from validation.study import OWN_RESULTS, RESULTS
from validation.trained import Source

if TYPE_CHECKING:
    from torch import Tensor

    from gbm_fast.data import ImageData
    from gbm_fast.training.runs import TrainedModel
    from validation.benchmark.ledger import Cost
    from validation.gate.gate import Outcome

MODULE = "validation.image_benchmark"
_PANEL = 36


@dataclass(frozen=True)
class Options:
    """Measure every row of the paper's Table 1, and its neighbours, on one trained run."""

    source: Annotated[Source, tyro.conf.OmitArgPrefixes]
    """The run."""
    groups: tuple[Group, ...] = ("few", "starts", "paper")
    """Which rows: paper, Table 1; starts, every start; few, distance against evaluations; or
    annealing alone: chi from 0.99 to 1."""
    num_images: int = 1000
    """Images a row and seed block."""
    num_slow_images: int | None = None
    """Images of a row of more than 200 evaluations (default: as the others)."""
    num_steps: int = 1000
    """N, the levels of the paper's samplers."""
    blocks: int = 1
    """Seed blocks of the rows of up to 200 evaluations; the others have one."""
    minutes: float | None = None
    """Time for sampling; rows that do not fit are left out, and the same command goes on."""
    seed: int = 20260524
    """Seed of the first block; the others are the numbers after it."""
    out_dir: Path = OWN_RESULTS
    """Folder for <data set>_benchmark.json, .md and .png and <data set>_evaluations.png; of
    annealing <data set>_annealing.json, .md and .png, a figure in place of the grids."""
    record: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write to validation/results, in place of what is recorded there."""

    def __post_init__(self) -> None:
        expand_paths(self)
        if not self.groups or self.blocks < 1:
            raise ValueError("there must be one group of rows and one block of seeds, or more.")
        if "annealing" in self.groups and len(self.groups) > 1:
            raise ValueError("annealing is a result of its own: pass --groups annealing alone.")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes must be positive, got {self.minutes}.")


def rows(options: Options, dataset: str) -> list[Row]:
    """The rows for a run on `dataset`, with their numbers of images."""
    made = table(dataset, tuple(options.groups), options.seed, options.num_steps)
    fast, slow = options.num_images, options.num_slow_images or options.num_images
    return [
        row._replace(
            settings=replace(row.settings, num_images=slow if row.evaluations > SLOW else fast)
        )
        for row in made
    ]


def seeds(options: Options, row: Row) -> range:
    """The seeds of a row's blocks."""
    return range(options.seed, options.seed + (1 if row.evaluations > SLOW else options.blocks))


def benchmark(options: Options) -> bool:
    """The gate; then train where that is wanted, sample and measure each row, write the results.

    Returns whether the gate passed; where it did not, nothing else has been done. Raises
    ValueError where the folder is no run, or its network does not serve the settings.
    """
    from validation.gate.gate import run_gate
    from validation.trained import before_training, trained

    config = options.source.training()
    examined = trained(options.source) if config is None else before_training(config)
    gate = run_gate(examined, rows(options, examined.config.dataset))
    gate.report()
    if gate.passed:
        _Benchmark(options, trained(options.source), gate).run()
    return gate.passed


class _Benchmark:
    """One benchmark: what is measured with, and what has been found so far."""

    def __init__(self, options: Options, run: "TrainedModel", gate: "Outcome") -> None:
        from gbm_fast.data import load_dataset
        from gbm_fast.evaluation.features import load_or_train_classifier
        from gbm_fast.evaluation.metrics import Evaluator
        from validation.benchmark.images import Kept
        from validation.benchmark.predicted import Prediction

        self.options, self.network, self.gate = options, run, gate
        self.data: ImageData = load_dataset(run.config.dataset, run.config.data_dir)
        run.require_same_images(self.data, tested=True)
        features = load_or_train_classifier(self.data, run.folder.resolve().parent / "features")
        self.evaluate = Evaluator(self.data, features)
        self.predict = Prediction(run.config, self.data)
        self.code = code_hashes(MODULE)
        self.kept = Kept(run, self.code)
        self.entries: list[dict] = []
        self.panels: list[Tensor] = []
        self.left_out: list[str] = []
        self.made = 0
        self.folder = RESULTS if options.record else options.out_dir
        self.folder.mkdir(parents=True, exist_ok=True)
        kind = "annealing" if "annealing" in options.groups else "benchmark"
        self.stem = self.folder / f"{self.data.name}_{kind}"

    def run(self) -> None:
        """Every row that the time allows; the results are written after each."""
        from validation.benchmark.ledger import announce, costs, ledger

        wanted = rows(self.options, self.network.config.dataset)
        blocks = {row.name: seeds(self.options, row) for row in wanted}
        found = costs(self.network, self.kept, wanted, blocks)
        self.planned = ledger(found)
        announce(self.planned, self.options.minutes)
        self.started = time.perf_counter()
        for row in wanted:
            self._measure(row, [cost for cost in found if cost.row.name == row.name])
            self._write()
        self._draw()
        print(f"figure: {self.stem}.png\ntable: {self.stem}.md\nnumbers: {self.stem}.json")

    def _measure(self, row: Row, costs: "Sequence[Cost]") -> None:
        """The blocks of a row that the time allows."""
        import torch

        minutes, entry = self.options.minutes, None
        for cost in costs:
            spent = time.perf_counter() - self.started
            if minutes is not None and cost.images and spent + cost.seconds > 60 * minutes:
                self.left_out.append(f"{row.name} (seed {cost.seed})")
                continue
            states = torch.cat(list(self.kept.states(row.settings, cost.seed)))
            self.made += cost.images * row.evaluations
            images = self.network.images_of(states)
            result = self.evaluate(images) | {"log_pixels": self.predict.measured(states)}
            if entry is None:
                entry = self._entry(row, len(states))
                self.panels.append(images[:_PANEL])
            entry["blocks"].append({"seed": cost.seed, "result": result})
            print(
                f"{row.name}, seed {cost.seed}: N = {len(images)}, Fréchet "
                f"{result['frechet']:.3g} (floor {result['frechet_floor']:.2g})",
                flush=True,
            )

    def _entry(self, row: Row, count: int) -> dict:
        entry = {
            "name": row.name,
            "group": row.group,
            "evaluations": row.evaluations,
            "settings": asdict(row.settings),
            "predicted": self.predict(row.settings),
            "log_pixels_floor": self.predict.floor(count),
            "blocks": [],
        }
        self.entries.append(entry)
        return entry

    def record(self) -> dict:
        """What has been found, as the result stores it."""
        from gbm_fast.settings.stored import to_json
        from validation.study import environment

        options, run = self.options, self.network
        aside = ("source", "out_dir", "record")
        return {
            "study": "image_benchmark",
            "command": _command(options),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "passed": self.gate.passed,
            "dataset": self.data.name,
            "seconds": round(time.perf_counter() - self.started, 1),
            "evaluations_made": self.made,
            "ledger": self.planned,
            "left_out": self.left_out,
            "options": {k: v for k, v in asdict(options).items() if k not in aside},
            "environment": environment(),
            "code": self.code,
            "training": dict(run.identity()) | {"config": json.loads(to_json(run.config))},
            "gate": self.gate.as_dict(),
            "rows": self.entries,
        }

    def _write(self) -> None:
        from validation.benchmark.page import markdown
        from validation.study import plain, write_text

        if not self.entries:
            return
        record = plain(self.record())
        write_text(self.stem.with_suffix(".json"), json.dumps(record, indent=1) + "\n")
        write_text(self.stem.with_suffix(".md"), markdown(record))

    def _draw(self) -> None:
        from gbm_fast.data.pictures import save_panels
        from validation.benchmark.page import draw_annealing, draw_evaluations, labels

        if not self.entries:
            return
        if "annealing" in self.options.groups:
            draw_annealing(self.record(), self.stem.with_suffix(".png"))
            return
        real = self.data.positive(self.data.test_images[:_PANEL])
        panels = [("real test images", real)]
        panels += zip(labels(self.entries), self.panels, strict=True)
        title = f"{self.data.name}: one network, {len(self.entries)} ways to sample it"
        save_panels(
            self.stem.with_suffix(".png"), panels, self.data.grey_levels(), title, columns=6
        )
        draw_evaluations(self.record(), self.folder / f"{self.data.name}_evaluations.png")


def _command(options: Options) -> str:
    """The line that makes the benchmark again; RUN stands for the run folder."""
    source, default = options.source, Options(Source(Path()))
    words = ["python", "-m", MODULE, "--run", "RUN"]
    if source.dataset is not None:
        words += ["--dataset", source.dataset]
    if source.config is not None:
        words += ["--config", source.config.name]
    if source.steps is not None:
        words += ["--steps", str(source.steps)]
    if options.groups != default.groups:
        words += ["--groups", *options.groups]
    for name in ("num_images", "num_slow_images", "num_steps", "blocks", "minutes", "seed"):
        value = getattr(options, name)
        if value != getattr(default, name):
            words += [
                f"--{name.replace('_', '-')}",
                f"{value:g}" if name == "minutes" else f"{value}",
            ]
    return shlex.join(words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when the benchmark was made, 1 when the gate refused it."""
    options = tyro.cli(Options, prog=f"python -m {MODULE}", description=__doc__, args=arguments)
    return 0 if benchmark(options) else 1


if __name__ == "__main__":
    leave(main)
