"""One training: its state, the step of M-DSM that advances it, and its checkpoints.

A step draws its images, times and noise from (seed, step) alone, so a resumed run continues
exactly where it stopped. The state holds the step, the weights, their moving average and AdamW's
moments.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from gbm_fast.batches import Batches
from gbm_fast.build import (
    build_model,
    build_process,
    build_times,
    build_weighting,
    choose_autocast,
    choose_device,
)
from gbm_fast.checkpoint import (
    STATE_FORMAT,
    WEIGHTS_FORMAT,
    load_tensors,
    save_tensors,
)
from gbm_fast.config import TrainConfig, same_training
from gbm_fast.config_files import from_json, to_json
from gbm_fast.noise import Stream, generator, stream_seed
from gbm_fast.objectives import m_dsm
from gbm_fast.parameterisation import score_function

Weights = tuple[Tensor, ...] | list[Tensor]


def _ramped_average(decay: float) -> Callable[[Weights, Weights, Tensor | int], None]:
    """EMA with decay min(decay, (1 + n) / (10 + n)), so that the first steps do not linger."""

    @torch.no_grad()
    def update(averaged: Weights, current: Weights, count: Tensor | int) -> None:
        n = int(count)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        torch._foreach_lerp_(averaged, current, weight)

    return update


class Trainer:
    """The state of one training and the step that advances it.

    Args:
        config: resolved settings.
        batches: the data.
        folder: the run folder, which exists.

    Raises ValueError for a checkpoint in `folder` that is truncated, foreign or of other settings.
    """

    def __init__(self, config: TrainConfig, batches: Batches, folder: Path) -> None:
        self.config, self.batches, self.folder = config, batches, folder
        self.device = choose_device(config.device)
        log_mean, log_std = batches.log_mean, batches.log_std
        self.process = build_process(config)
        self.times = build_times(config, self.process, log_std)
        self.weighting = build_weighting(config, log_std)
        torch.manual_seed(stream_seed(config.seed, Stream.WEIGHTS))
        autocast = choose_autocast(config.precision, self.device)
        self.model = build_model(config, batches.event_shape, log_mean, log_std, autocast)
        self.model.to(self.device)
        self.average = AveragedModel(
            self.model, multi_avg_fn=_ramped_average(config.ema_decay), use_buffers=False
        )
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.step, self.seconds = 0, 0.0
        if (folder / "state.safetensors").exists():
            self._load()
        if config.compile:
            self.model.compile()

    def _draw_batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """x0 and z (batch, *event) and t (batch,) of this step, on the device."""
        config = self.config
        items = range(config.batch_size)
        x0 = self.batches.draw(config.seed, self.step, config.batch_size, items).float()
        source = generator(config.seed, Stream.BATCH, self.step)
        t = self.times(torch.rand(config.batch_size, generator=source, dtype=torch.float64))
        z = torch.randn(x0.shape, generator=source)
        return x0.to(self.device), t.to(self.device), z.to(self.device)

    def train_step(self) -> tuple[Tensor, Tensor]:
        """One step of AdamW; returns the loss an element and the gradient norm, both 0-d.

        Raises FloatingPointError, with the weights as they were, where the gradient is not finite.
        """
        config = self.config
        warm = min(1.0, (self.step + 1) / max(1, config.warmup_steps))
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * warm
        x0, t, z = self._draw_batch()
        torch.manual_seed(stream_seed(config.seed, Stream.DROPOUT, self.step))
        self.model.train()
        score = score_function(self.model, self.process)
        loss = m_dsm(score, x0, t, z, self.process, self.weighting).loss / x0[0].numel()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        if not bool(torch.isfinite(norm)):
            raise FloatingPointError(
                f"the gradient at step {self.step} is not finite (loss {float(loss.detach())}); "
                f"the last checkpoint in {self.folder} is good. Lower --learning-rate, or choose "
                "a --weighting that bounds the loss."
            )
        self.optimiser.step()
        self.average.update_parameters(self.model)
        self.step += 1
        return loss.detach(), norm

    def save(self) -> None:
        """Write weights.safetensors and state.safetensors, each atomically."""
        facts = {
            "config": json.loads(to_json(self.config)),
            "step": self.step,
            "seconds": self.seconds,
            "event_shape": list(self.batches.event_shape),
            "max_value": self.batches.max_value,
            "log_mean": self.batches.log_mean,
            "log_std": self.batches.log_std,
        }
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": v for k, v in moments.items()}
        save_tensors(self.folder / "state.safetensors", tensors, STATE_FORMAT, facts)
        averaged = self.average.module.state_dict()
        save_tensors(self.folder / "weights.safetensors", averaged, WEIGHTS_FORMAT, facts)

    def _load(self) -> None:
        tensors, facts = load_tensors(self.folder / "state.safetensors", STATE_FORMAT)
        if not same_training(from_json(json.dumps(facts["config"])), self.config):
            raise ValueError(
                f"the checkpoint in {self.folder} is of other settings: choose another folder."
            )
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            kind, _, key = name.partition(".")
            groups[kind][key] = tensor
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in groups["optimiser"].items():
            index, _, key = name.partition(".")
            moments.setdefault(int(index), {})[key] = tensor
        try:
            self.model.load_state_dict(groups["model"])
            self.average.load_state_dict(groups["average"])
        except RuntimeError as error:
            raise ValueError(
                f"the checkpoint in {self.folder} does not fit these settings: {error}"
            ) from error
        state = self.optimiser.state_dict()
        self.optimiser.load_state_dict({**state, "state": moments})
        self.step, self.seconds = facts["step"], facts["seconds"]
