"""What `python -m gbm_fast.sample` does: batches of images, shared by the processes, to files."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from gbm_fast.evaluation.generated import GROUP_MINUTES
from gbm_fast.evaluation.grid_search import run_search
from gbm_fast.runtime.distributed import (
    barrier,
    from_main,
    is_main,
    process_group,
    shard,
    uses_cuda,
    world,
)
from gbm_fast.sampling.files import finish, open_folder, part_path, write_batch
from gbm_fast.sampling.film import save_trajectory
from gbm_fast.sampling.sampler import batches, fitted_start, generated_batches, require_served
from gbm_fast.settings.commands import SampleConfig
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.sampling_presets import with_preset
from gbm_fast.training.runs import Run, load_run


def run_sampling(config: SampleConfig) -> None:
    """Sample, or search, as the options say; under torchrun all processes together.

    Raises ValueError for a run that cannot be read, settings that it does not serve, or a folder
    with unfinished images of other settings, before anything is written.
    """
    with process_group(uses_cuda(config.device), GROUP_MINUTES):
        run = load_run(config.run, config.device)
        if config.grid_search:
            run_search(run, config)
            return
        settings, source = config.sampling, None
        if config.preset is not None:
            settings, source = with_preset(settings, run.config.dataset)
        _sample(run, settings, source, config)


def _sample(
    run: Run, settings: SamplingSettings, source: str | None, config: SampleConfig
) -> None:
    require_served(run, settings)
    folder = config.out or config.run / "samples" / settings.slug
    record = _record(run, settings, source)
    say = print if is_main() else _silent
    say(f"{settings.caption}: {settings.num_images} images")
    if source is not None:
        say(f"preset: {source}")
    for name in ("mu_hat", "sigma_hat"):
        if name in record:
            say(f"{name}: {', '.join(f'{value:.6g}' for value in record[name])}")
    if config.output:
        _write_images(run, settings, config, folder, record)
    if config.film is not None:
        path, number = folder / "film.png", config.film
        from_main(lambda: save_trajectory(path, run, settings, number))
        say(f"film:    {path}")


def _write_images(
    run: Run,
    settings: SamplingSettings,
    config: SampleConfig,
    folder: Path,
    record: dict[str, Any],
) -> None:
    identity = record | {"output": sorted(config.output)}
    identity.pop("num_images")  # image i is the same in a larger set
    from_main(lambda: open_folder(folder, identity))
    wanted = batches(range(settings.num_images), settings.batch_size)
    missing = [batch for batch in wanted if not part_path(folder, batch).exists()]
    # Before anyone writes: all processes must see the same batches missing.
    barrier()
    if len(missing) < len(wanted) and is_main():
        print(f"going on: {len(wanted) - len(missing)} of {len(wanted)} batches are there")
    mine = [missing[i] for i in shard(len(missing))]
    for batch, made in generated_batches(run, settings, mine):
        write_batch(folder, batch, made, config.output, run.max_value)
    barrier()
    facts = record | {"processes": world().size}
    from_main(lambda: finish(folder, wanted, config.output, run.max_value, facts))
    if is_main():
        print(f"images:  {folder}")
        if "grid" in config.output:
            print(f"picture: {folder / 'grid.png'}")


def _record(run: Run, settings: SamplingSettings, source: str | None) -> dict[str, Any]:
    """What settings.json holds: everything that the images depend on."""
    record = asdict(settings) | {
        "run": str(run.folder.resolve()),
        "weights_sha256": run.weights_sha256(),
        "num_classes": run.num_classes,
    }
    if source is not None:
        record["preset_source"] = source
    fit = fitted_start(run, settings)
    if fit is not None:
        record |= {"mu_hat": _numbers(fit[0]), "sigma_hat": _numbers(fit[1])}
    return record


def _numbers(values: Tensor) -> list[float]:
    return [float(value) for value in values]


def _silent(text: str) -> None:
    """What the processes other than the first print."""
