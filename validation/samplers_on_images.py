"""What start and sampler do to images: one trained run, every setting of the paper beside noise.

The same network is sampled by both of the paper's samplers and by the probability flow, from each
start of Section 6.2 and G.2 of version 2 at the paper's sigma = 0.8, N = 1000, with version 1's
published annealing, and from the variance-exploding process' end, where the image is gone. The
start from noised training images is what the samplers could reach if their start were right; no
generative model may use it. The reasons for what is seen: claims E18, E21, E22.

The gate (`validation.gate`) examines all of this first, with an exact score in place of the
network, and nothing is trained or sampled where it fails. With --dataset or --config the run is
trained by the same command.

The images of a setting are kept in the run folder as soon as they exist, with the hashes of the
weights, the data and the code that they are of, so an interrupted comparison goes on where it
stopped, and images of other weights are not measured. (A run may have been trained by other
code.) Every distance stands beside its
floor (`gbm_fast.evaluation.metrics`).
"""

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gbm_fast.settings.choices import expand_paths
from gbm_fast.settings.sampling import SamplingSettings
from validation.ending import leave
from validation.gate.line import Line
from validation.provenance import code_hashes, digest
from validation.study import OWN_RESULTS, RESULTS
from validation.trained import Source

if TYPE_CHECKING:
    from torch import Tensor

    from gbm_fast.data import ImageData
    from gbm_fast.training.runs import TrainedModel
    from validation.gate.gate import Outcome

MODULE = "validation.samplers_on_images"


@dataclass(frozen=True)
class Options:
    """Compare starts and samplers on a trained run of the variance-exploding process."""

    source: Annotated[Source, tyro.conf.OmitArgPrefixes]
    """The run."""
    num_images: int = 64
    """Images a setting."""
    num_flow_images: int = 1000
    """Images for a larger measurement of the flow, which is cheap, from two starts."""
    num_steps: int = 1000
    """N, the levels of the paper's samplers."""
    seed: int = 20260524
    """Seed of the images."""
    out_dir: Path = OWN_RESULTS
    """Folder for <data set>_samplers.json and .png."""
    record: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write to validation/results, in place of what is recorded there."""

    def __post_init__(self) -> None:
        expand_paths(self)


def rows(options: Options) -> list[Line]:
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
        Line("noise, flow", flow),
        Line("noise, flow, larger N", replace(flow, num_images=options.num_flow_images)),
        Line(
            "class averages, flow, larger N",
            replace(fixed, start="class-average", num_images=options.num_flow_images),
        ),
        Line("noised training images, flow", replace(fixed, start="data")),
    ]
    table += [Line(f"{name}, flow", replace(fixed, start=start)) for name, start in starts.items()]
    for name, start in starts.items():
        table.append(Line(f"{name}, Dale-Langevin", replace(paper, start=start)))
        table.append(Line(f"{name}, sign-agnostic", replace(agnostic, start=start)))
    table.append(Line("noise, Dale-Langevin", dale))
    table.append(Line("class averages, Dale-Langevin, version 1's chi, L, delta", published))
    return table


CACHE_FORMAT = "gbm-diffusion compared images 1"


def _identity(run: "TrainedModel", code: dict[str, str]) -> dict[str, object]:
    """What images depend on beside their settings: weights, data and code."""
    return dict(run.identity()) | {"code": digest(code)}


def _images(run: "TrainedModel", row: Line, identity: dict[str, object]) -> "Tensor":
    """The row's images, read where they have been made before from the same weights and data."""
    import json

    from gbm_fast.runtime.files import load_tensors, save_tensors
    from gbm_fast.sampling.sampler import Sampler

    settings = row.settings
    # Through JSON, as they come back from a file.
    facts = json.loads(json.dumps(identity | {"settings": asdict(settings)}))
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    path = run.folder / "comparison" / f"{name}.safetensors"
    if path.exists():
        stored, of = load_tensors(path, CACHE_FORMAT)
        if of != facts:
            raise ValueError(f"{path} is of other images than its name says: delete it.")
        return stored["images"]
    images = Sampler(run, settings)()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(path, {"images": images}, CACHE_FORMAT, facts)
    return images


def _record(
    options: Options,
    run: "TrainedModel",
    gate: "Outcome",
    code: dict[str, str],
    entries: list[dict],
) -> str:
    """The text of the result."""
    import json

    from gbm_fast.settings.stored import to_json
    from validation.study import environment, plain

    training = dict(run.identity()) | {"config": json.loads(to_json(run.config))}
    chosen = {k: v for k, v in asdict(options).items() if k not in ("source", "out_dir", "record")}
    record = {
        "study": "samplers_on_images",
        "command": _command(options),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "passed": gate.passed,
        "options": chosen,
        "environment": environment(),
        "code": code,
        "training": training,
        "gate": gate.as_dict(),
        "rows": entries,
    }
    return json.dumps(plain(record), indent=1) + "\n"


def _command(options: Options) -> str:
    """The line that makes the comparison again; RUN stands for the run folder."""
    source, default = options.source, Options(Source(Path()))
    words = ["python", "-m", MODULE, "--run", "RUN"]
    if source.dataset is not None:
        words += ["--dataset", source.dataset]
    if source.config is not None:
        words += ["--config", source.config.name]
    if source.steps is not None:
        words += ["--steps", str(source.steps)]
    for name in ("num_images", "num_flow_images", "num_steps", "seed"):
        if getattr(options, name) != getattr(default, name):
            words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    return shlex.join(words)


def compare(options: Options) -> bool:
    """The gate; then train where that is wanted, sample and measure each row, write the results.

    Returns whether the gate passed; where it did not, nothing else has been done. Raises
    ValueError where the folder is no run, or its network does not serve the settings.
    """
    from validation.gate.gate import run_gate
    from validation.trained import before_training, trained

    config = options.source.training()
    examined = trained(options.source) if config is None else before_training(config)
    gate = run_gate(examined, rows(options))
    gate.report()
    if gate.passed:
        _measure(options, trained(options.source), gate)
    return gate.passed


def _measure(options: Options, run: "TrainedModel", gate: "Outcome") -> None:
    from gbm_fast.data import load_dataset, positive_from_integers
    from gbm_fast.data.pictures import save_panels
    from gbm_fast.evaluation.features import load_or_train_classifier
    from gbm_fast.evaluation.metrics import Evaluator
    from validation.study import write_text

    data: ImageData = load_dataset(run.config.dataset, run.config.data_dir)
    run.require_same_images(data, tested=True)
    evaluate = Evaluator(
        data, load_or_train_classifier(data, run.folder.resolve().parent / "features")
    )
    folder = RESULTS if options.record else options.out_dir
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{data.name}_samplers"
    entries: list[dict] = []
    code = code_hashes(MODULE)
    identity = _identity(run, code)
    real = positive_from_integers(data.test_images[:36], data.max_value)
    panels = [("real test images", real)]
    title = f"{data.name}: one network, N = {options.num_images} images a setting"
    for row in rows(options):
        images = _images(run, row, identity)
        result = evaluate(images)
        entries.append({"name": row.name, "settings": asdict(row.settings), "result": result})
        write_text(stem.with_suffix(".json"), _record(options, run, gate, code, entries))
        distance = f"Fréchet {result['frechet']:.0f} (floor {result['frechet_floor']:.1f})"
        print(f"{row.name}: N = {len(images)}, {distance}", flush=True)
        if row.settings.num_images == options.num_images:
            panels.append((f"{row.name}\n{distance}", images[:36]))
            save_panels(stem.with_suffix(".png"), panels, data.max_value, title, columns=6)
    print(f"figure: {stem}.png\nnumbers: {stem}.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when the comparison was made, 1 when the gate refused it."""
    options = tyro.cli(
        Options,
        prog="python -m validation.samplers_on_images",
        description=__doc__,
        args=arguments,
    )
    return 0 if compare(options) else 1


if __name__ == "__main__":
    leave(main)
