"""What `python -m gbm_fast.sample` does: batches of samples, shared by the processes, to files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from gbm_fast.evaluation.generated import GROUP_MINUTES
from gbm_fast.evaluation.grid_search import run_search
from gbm_fast.evaluation.known_laws import save_picture
from gbm_fast.evaluation.marginals import save_columns
from gbm_fast.runtime.distributed import (
    barrier,
    from_main,
    is_main,
    process_group,
    shard,
    uses_cuda,
    world,
)
from gbm_fast.runtime.folders import locked
from gbm_fast.runtime.places import require_writable
from gbm_fast.runtime.random import SCHEME
from gbm_fast.sampling.batching import batches
from gbm_fast.sampling.files import Draw, claim_folder, draw_grid, finish, open_folder, write_batch
from gbm_fast.sampling.film import require_images, save_trajectory
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.commands import SampleConfig
from gbm_fast.settings.failures import naming_folder, naming_memory
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.sampling_presets import with_preset
from gbm_fast.training.batches import as_mixture
from gbm_fast.training.runs import TrainedModel, load_trained


def run_sampling(config: SampleConfig) -> None:
    """Sample, or search, as the options say; under torchrun all processes together.

    Raises ValueError for a run that cannot be read, settings that it does not serve, or a folder
    with unfinished samples of other settings, before anything is written.
    """
    with process_group(uses_cuda(config.device), GROUP_MINUTES):
        run = load_trained(config.folder, config.device)
        if config.grid_search:
            run_search(run, config)
            return
        settings, source = config.sampling, None
        if config.preset is not None:
            settings, source = with_preset(settings, run.config.dataset, config.preset)
        sampler = Sampler(run, settings, data_dir=config.measurement.data_dir)
        with naming_folder(config.out or config.folder), naming_memory(_memory(settings)):
            _sample(sampler, source, config)


def _memory(settings: SamplingSettings) -> str:
    """What there may not be enough memory for, and what needs less."""
    count = min(settings.batch_size, settings.num_images)
    return f"for {count} samples at once: pass a smaller --batch-size."


def _sample(sampler: Sampler, source: str | None, config: SampleConfig) -> None:
    run, settings = sampler.run, sampler.settings
    if config.film is not None:
        require_images(run)
    folder = config.samples
    from_main(lambda: require_writable(folder))
    record = _record(sampler, source)
    sampler.read()
    say = print if is_main() else _silent
    say(f"{sampler.caption}: {settings.num_images} {_kind(run)}")
    if source is not None:
        say(f"preset: {source}")
    for name in ("mu_hat", "sigma_hat"):
        if name in record:
            say(f"{name}: {', '.join(f'{value:.6g}' for value in record[name])}")
    from_main(lambda: claim_folder(folder))
    with locked(folder, "wait for it, or choose another --out"):
        if config.output:
            _write_samples(sampler, config, folder, record)
        if config.film is not None:
            path, number = folder / "film.png", config.film
            from_main(lambda: save_trajectory(path, sampler, number))
            say(f"film:    {path}")


def _kind(run: TrainedModel) -> Literal["images", "samples"]:
    return "images" if len(run.event_shape) == 3 else "samples"


def _write_samples(
    sampler: Sampler, config: SampleConfig, folder: Path, record: dict[str, Any]
) -> None:
    run, settings = sampler.run, sampler.settings
    identity = record | {"output": sorted(config.output)}
    # Image i is the same in a larger set, and wherever the run is by now.
    identity = {name: identity[name] for name in identity if name not in ("num_images", "run")}
    wanted = batches(range(settings.num_images), settings.batch_size)
    missing = wanted.without(
        json.loads(from_main(lambda: json.dumps(open_folder(folder, identity, wanted))))
    )
    if len(missing) < len(wanted) and is_main():
        print(f"going on: {len(wanted) - len(missing)} of {len(wanted)} batches are there")
    share = shard(len(missing))
    mine = missing[share.start : share.stop]
    for batch, made in sampler.batches(mine):
        write_batch(folder, batch, made, config.output, run.max_value)
    barrier()
    names = {"class_names": list(run.class_names)} if run.class_names else {}
    facts, kind = record | {"processes": world().size} | names, _kind(run)
    whole = folder, wanted, config.output, _drawing(sampler), facts, kind
    from_main(lambda: finish(*whole, columns=run.columns))
    if is_main():
        if kind == "samples" and "png" in config.output:
            print("no png/: the samples are no images")
        print(f"{kind}:".ljust(9) + str(folder))
        if "grid" in config.output:
            print(f"picture: {folder / 'grid.png'}")


def _drawing(sampler: Sampler) -> Draw:
    """What draws grid.png: the images, or samples against the exact density of a law."""
    run = sampler.run
    if run.columns:
        title = f"{run.config.dataset}: {sampler.caption}"
        return lambda path, samples: save_columns(path, {"samples": samples}, run.columns, title)
    if run.law is None:
        return draw_grid(run.max_value, run.scale)
    label = sampler.label if run.num_classes else None
    law = run.law if label is None else as_mixture(run.law.component(label))
    title = f"{run.config.dataset}: {sampler.caption}"

    def draw(path: Path, samples: Tensor) -> None:
        save_picture(path, samples, law, title)

    return draw


def _record(sampler: Sampler, source: str | None) -> dict[str, Any]:
    """What settings.json holds: everything that the samples depend on."""
    run = sampler.run
    record = asdict(sampler.settings) | {
        "run": str(run.folder.resolve()),
        "weights_sha256": run.weights_sha256(),
        "num_classes": run.num_classes,
        "step": run.step,
        "train_sha256": run.train_sha256,
        "random": SCHEME,
    }
    if source is not None:
        record["preset_source"] = source
    if sampler.fit is not None:
        mu_hat, sigma_hat = sampler.fit
        record |= {"mu_hat": _numbers(mu_hat), "sigma_hat": _numbers(sigma_hat)}
    return record


def _numbers(values: Tensor) -> list[float]:
    return [float(value) for value in values]


def _silent(text: str) -> None:
    """What the processes other than the first print."""
