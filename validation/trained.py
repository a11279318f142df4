"""Which run a benchmark measures: one that exists, or one that it trains itself.

A benchmark names a run folder. With settings of a training (`dataset`, or a file `config`) the
folder is trained to its end first, or on to it where it was interrupted; without them it must hold
a run. Before anything is trained, `before_training` gives the run that will come out of it, with
everything but the values of its weights: that is what the gate examines.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gbm_fast.settings.choices import expand_paths
from gbm_fast.settings.datasets import ImageName
from gbm_fast.settings.stored import from_json
from gbm_fast.settings.training import TrainConfig
from gbm_fast.settings.training_presets import resolve

if TYPE_CHECKING:
    from gbm_fast.training.runs import TrainedModel


@dataclass(frozen=True)
class Source:
    """The run folder, and how to train it where that is wanted."""

    run: Path
    """The run folder: one of gbm_fast.train, or where to train with --dataset or --config."""
    dataset: ImageName | None = None
    """Train on this data set, with the defaults of gbm_fast.train, before sampling."""
    config: Path | None = None
    """Train with the settings of this file, the config.json of a run, before sampling."""
    steps: int | None = None
    """Steps of that training (default: that of the settings)."""
    data_dir: Path | None = None
    """Folder of the data for that training (default: as in gbm_fast.train)."""

    def __post_init__(self) -> None:
        expand_paths(self)

    def training(self) -> TrainConfig | None:
        """Resolved settings of the training that is wanted, None for a run as it is.

        Raises ValueError for options that contradict each other, or a file that is no settings.
        """
        if self.config is not None and self.dataset is not None:
            raise ValueError("--config has its own data set: pass --config or --dataset.")
        if self.config is None and self.dataset is None:
            if self.steps is not None or self.data_dir is not None:
                raise ValueError("--steps and --data-dir are for a training: pass --dataset.")
            return None
        if self.config is not None:
            chosen = from_json(self.config.read_text())
        else:
            chosen = TrainConfig(dataset=self.dataset or "digits")
        return resolve(
            dataclasses.replace(
                chosen,
                run_dir=self.run,
                resume="auto",
                metrics_images=0,
                steps=self.steps or chosen.steps,
                data_dir=self.data_dir or chosen.data_dir,
            )
        )


def before_training(config: TrainConfig) -> "TrainedModel":
    """The run that a training with these resolved settings will leave; nothing is written."""
    from gbm_fast.data import load_dataset
    from gbm_fast.training.images import ImageBatches
    from gbm_fast.training.trainer import Trainer

    data = load_dataset(config.dataset, config.data_dir)
    batches = ImageBatches(data, config.class_conditional, config.noise)
    run = Trainer(config, batches, config.run_dir or Path()).trained_model()
    run.model.eval().requires_grad_(False)
    return run


def trained(source: Source) -> "TrainedModel":
    """The run of `source`, trained to its end where that is wanted.

    Raises ValueError where the training was interrupted, so that nothing half-trained is measured.
    """
    from gbm_fast.commands.training import run_training
    from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors
    from gbm_fast.training.runs import load_trained

    config = source.training()
    if config is None:
        return load_trained(source.run)
    run_training(config)
    _, facts = load_tensors(source.run / "weights.safetensors", WEIGHTS_FORMAT)
    in_time = config.minutes is not None and facts["seconds"] >= 60 * config.minutes
    if facts["step"] < (config.steps or 0) and not in_time:
        raise ValueError(
            f"the training in {source.run} was interrupted at step {facts['step']}: run the same "
            "command again, which goes on from there."
        )
    return load_trained(source.run, config.device)
