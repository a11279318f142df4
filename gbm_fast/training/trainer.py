"""One training: its state, the step of M-DSM that advances it, and its checkpoints.

A step's data, times and noise are a function of (seed, step) (`gbm_fast.training.batches`); each
process takes its own items of the batch in rounds of `micro_batch`. So a run that is resumed, on
however many processes, continues with the same data, and its parameters are the same up to the
order of sums. Dropout masks cannot be drawn item by item: they are a function of (seed, step,
first item of the round), the same again where processes and rounds are.
"""

import json
import warnings
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gbm_fast.gamma_noise import SpeckleModel
from gbm_fast.parameterisation import ScoreModel
from gbm_fast.runtime.devices import choose_autocast, choose_device
from gbm_fast.runtime.distributed import all_sum, from_main, gather, shard, world
from gbm_fast.runtime.files import WEIGHTS_FORMAT, save_tensors, tensors_sha256
from gbm_fast.runtime.random import Stream, torch_seed
from gbm_fast.settings.failures import naming_memory
from gbm_fast.settings.stored import differences, from_json, to_json
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.averages import moving_average
from gbm_fast.training.batches import Batch, Batches, TrainingData
from gbm_fast.training.build import build_model, build_process
from gbm_fast.training.checkpoints import (
    LeastLoss,
    checkpoint_path,
    checkpoint_steps,
    machine,
    pack,
    restore,
    save_checkpoint,
    unpack,
    warn_of_changes,
)
from gbm_fast.training.memory import images_at_once
from gbm_fast.training.objective import build_objective
from gbm_fast.training.origin import read_origin
from gbm_fast.training.runs import WEIGHTS_NAME, TrainedModel, stored_weights
from gbm_fast.training.speckle import SpeckleData

# A larger network takes fewer images at once on a CPU, where its memory is the bound.
_LARGE, _FEW, _SHOWN = 10_000_000, 16, 8


class Trainer:
    """The state of one training and the step that advances it.

    Args:
        config: resolved settings.
        batches: the data.
        folder: the run folder, which exists.
        network: the user's own, for settings that say so; a copy is trained.

    Raises ValueError where a checkpoint in `folder` is of other settings, or all are damaged, and
    for more processes than items in a batch.
    """

    def __init__(
        self,
        config: TrainConfig,
        batches: Batches,
        folder: Path,
        network: nn.Module | None = None,
    ) -> None:
        self.config, self.batches, self.folder = config, batches, folder
        self.device = choose_device(config.device)
        self.dtype = torch.float64 if config.precision == "float64" else torch.float32
        self.process = build_process(config)
        self.data = (
            SpeckleData(config, batches)
            if config.noise == "gamma"
            else TrainingData(config, batches, self.process)
        )
        self.objective = build_objective(config, self.process, batches.log_std)
        self.model = self._new_model(network)
        self.average = moving_average(self.model, config.ema_decay)
        # One pass over the weights in place of a dozen: half the time on CPUs.
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(),
            config.learning_rate,
            weight_decay=config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )
        half = config.precision == "float16"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half)
        self.step, self.seconds, self.saved_step = 0, 0.0, -1
        self._least_loss = LeastLoss(config.checkpoint_every)
        self._chosen_sha256 = ""
        self.origin = read_origin(config.initial_weights)
        self._load()
        self.items, self.micro_batch = self._share()
        if config.compile:
            self.model.compile()
        one = world().size == 1
        self._parallel = self.model if one else DistributedDataParallel(self.model)

    def _new_model(self, network: nn.Module | None) -> ScoreModel | SpeckleModel:
        config, data = self.config, self.batches
        autocast = choose_autocast(config.precision, self.device)
        moments = data.log_mean, data.log_std
        shape, classes = data.event_shape, data.num_classes
        with self._own_random_numbers():
            torch.manual_seed(torch_seed(config.seed, Stream.WEIGHTS))
            model = build_model(config, shape, *moments, autocast, classes, network)
        return model.to(self.device, self.dtype)

    def _own_random_numbers(self) -> AbstractContextManager:
        """For the body of a `with`: torch's global random numbers are not the caller's."""
        gpus = [self.device] if self.device.type == "cuda" else []
        return torch.random.fork_rng(devices=gpus)

    def _share(self) -> tuple[range, int]:
        """The items of a batch that are this process's, and how many of them it takes at once."""
        size, batch_size = world().size, self.config.batch_size
        if size > batch_size:
            raise ValueError(f"{size} processes cannot share a batch of {batch_size}.")
        large = sum(p.numel() for p in self.model.parameters()) > _LARGE
        most = _FEW if large and self.device.type == "cpu" else batch_size
        items = shard(batch_size)
        if self.config.micro_batch is not None:
            return items, min(self.config.micro_batch, len(items))
        own = self.model.network if self.config.network == "own" else None
        shape, classes = self.batches.event_shape, self.batches.num_classes
        most = min(most, len(items))
        return items, images_at_once(self.config, shape, classes, self.device, most, own)

    def draw_batch(self) -> Batch:
        """This process's items of this step's batch, on the device and in the weights' type."""
        x0, t, z, weights, labels = self.data.draw(self.step, self.items)
        late = self.device.type == "cuda"  # a copy from pinned memory need not be waited for
        x0, z, weights = (
            part.to(self.device, self.dtype, non_blocking=late) for part in (x0, z, weights)
        )
        # MPS has no float64; the schedule of such times is computed on the CPU and then moved.
        t = t if self.device.type == "mps" else t.to(self.device, non_blocking=late)
        labels = None if labels is None else labels.to(self.device, non_blocking=late)
        return Batch(x0, t, z, weights, labels)

    def _sync(self, wanted: bool) -> AbstractContextManager:
        """Whether the gradients of a backward pass are averaged over the processes."""
        if isinstance(self._parallel, DistributedDataParallel) and not wanted:
            return self._parallel.no_sync()
        return nullcontext()

    def _backward(self, batch: Batch) -> Tensor:
        """Adds the gradients of the mean loss to the parameters; the losses of the items, (n,)."""
        elements = batch.x0[0].numel()
        # The processes' gradients are averaged: their number makes a sum of that.
        share = world().size / (self.config.batch_size * elements)
        losses, starts = [], range(0, len(batch.x0), self.micro_batch)
        for first in starts:
            which = self.step, self.items.start + first
            torch.manual_seed(torch_seed(self.config.seed, Stream.DROPOUT, *which))
            part = batch.part(slice(first, first + self.micro_batch))
            with self._sync(first == starts[-1]):
                loss = self.objective(self._parallel, part)
                self.scaler.scale(loss.sum() * share).backward()
            losses.append(loss.detach() / elements)
        return torch.cat(losses)

    def train_step(self) -> tuple[Tensor, Tensor]:
        """One step of AdamW; returns the loss an element and the gradient norm, both 0-d.

        Raises FloatingPointError, with the weights as they were, where one of them is not finite.
        In float16 gradients may overflow until their scale is found: such a step changes nothing.
        """
        config = self.config
        warm = min(1.0, (self.step + 1) / max(1, config.warmup_steps))
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * warm
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        batch, least = self.draw_batch(), max(1, self.micro_batch // 2)
        what = f"for {self.micro_batch} images at once: pass --micro-batch {least}, or less."
        if self.micro_batch == 1:
            what = "for one image: pass a larger --patch-size or a smaller --width."
        with self._own_random_numbers(), naming_memory(what):
            losses = self._backward(batch)
        if self.device.type == "cuda":
            # The GPU has only been told of the work: until it is done the CPU draws what follows.
            self.data.draw_ahead(self.step + 1, self.items, pin=True)
        loss = all_sum(losses.sum()) / config.batch_size
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        if not bool(torch.isfinite(loss + norm)):
            self._refuse(losses, loss)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.step += 1
        if self.step % config.average_every == 0:
            self.average.update_parameters(self.model)
        if config.choose == "least-loss":
            self._least_loss.add(float(loss))
        return loss, norm

    def _refuse(self, losses: Tensor, loss: Tensor) -> None:
        """Raise FloatingPointError for this step, unless float16 can still lower its scale."""
        if bool(torch.isfinite(loss)):
            if self.scaler.is_enabled() and self.scaler.get_scale() >= 1:
                return
            what = f"the gradient at step {self.step} is not finite (loss {float(loss)})"
        else:
            bad = gather((~torch.isfinite(losses)).byte().cpu(), self.config.batch_size)
            items = bad.nonzero().flatten().tolist()
            shown = "; ".join(self.data.describe(self.step, i) for i in items[:_SHOWN])
            more = " ..." if len(items) > _SHOWN else ""
            what = (
                f"the loss at step {self.step} is not finite for {len(items)} of "
                f"{len(bad)} samples: {shown}{more}"
            )
        steps = checkpoint_steps(self.folder)
        last = f"{checkpoint_path(self.folder, steps[-1])} is good" if steps else "none yet"
        raise FloatingPointError(
            f"{what}. The last checkpoint: {last}. Lower --learning-rate, or choose a --weighting "
            "that bounds the loss."
        )

    def averaged(self) -> ScoreModel | SpeckleModel:
        """The averaged weights, in eval mode; the weights themselves before the first average."""
        averaged = bool(self.average.n_averaged)
        if not averaged:
            return self.model.eval()
        return cast(ScoreModel | SpeckleModel, self.average.module)

    def trained_model(self) -> TrainedModel:
        """The training so far, as a run: the averaged weights as they are now."""
        data, model, facts = self.batches, self.averaged(), self.batches.facts()
        if self.dtype == torch.float64:
            model = deepcopy(model).float()
        return TrainedModel(
            self.folder,
            self.config,
            model,
            self.device,
            data.event_shape,
            data.statistics,
            data.max_value,
            data.num_classes,
            data.law,
            data.class_names,
            self.step,
            facts.get("train_sha256"),
            facts.get("test_sha256"),
            data.scale,
            data.columns,
        )

    def save(self) -> None:
        """Write the checkpoint of this step, once, and weights.safetensors where it is chosen.

        Raises OSError, on every process, where process 0 cannot write; what was there stays.
        """
        if self.saved_step == self.step:
            return
        chosen = self.config.choose == "last" or self._least_loss.improves()
        from_main(lambda: self._write(chosen))
        self.saved_step = self.step

    def _facts(self) -> dict[str, Any]:
        """What weights and checkpoints say of themselves, plain JSON."""
        said = {"config": json.loads(to_json(self.config))} | self.origin.facts()
        return said | {"step": self.step, "seconds": self.seconds} | self.batches.facts()

    def _write(self, chosen: bool) -> None:
        # The weights first: a run killed in between writes them again when it is resumed.
        if chosen:
            self._write_weights()
        facts = self._facts() | {
            "scaler": self.scaler.state_dict(),
            "weights_sha256": self._chosen_sha256,
            "machine": machine(self.device),
        }
        tensors = pack(self.model, self.average, self.optimiser)
        config = self.config
        if config.choose == "least-loss":
            tensors["least_loss"] = self._least_loss.pack()
        save_checkpoint(
            self.folder, self.step, tensors, facts, config.keep_last, config.keep_every
        )

    def _write_weights(self) -> None:
        tensors = self.averaged().state_dict()
        self._chosen_sha256 = tensors_sha256(tensors)
        save_tensors(self.folder / WEIGHTS_NAME, tensors, WEIGHTS_FORMAT, self._facts())

    def _load(self) -> None:
        found = restore(self.folder)
        if found is None:
            self.origin.fill(self.model)
            return
        tensors, facts = found
        different = differences(from_json(json.dumps(facts["config"])), self.config)
        if different:
            raise ValueError(
                f"the checkpoint in {self.folder} is of other settings ({different}): choose "
                "another folder."
            )
        self.batches.require_same(facts)
        self.origin.require_same(facts)
        if self.config.choose == "least-loss":
            self._least_loss.unpack(tensors.pop("least_loss"))
        unpack(tensors, self.model, self.average, self.optimiser)
        self.scaler.load_state_dict(facts["scaler"])
        self.step, self.seconds = facts["step"], facts["seconds"]
        self.saved_step = self.step
        warn_of_changes(self.folder, facts.get("machine", {}), self.device)
        from_main(lambda: self._mend_weights(facts.get("weights_sha256", "")))

    def _mend_weights(self, expected: str) -> None:
        """Write weights.safetensors anew unless it has those that the checkpoint speaks of.

        expected   their hash; "" where an older checkpoint does not say
        """
        now = tensors_sha256(self.averaged().state_dict())
        self._chosen_sha256 = expected or now
        stored = stored_weights(self.folder)
        if stored is not None and stored.sha256 == self._chosen_sha256:
            return
        if self.config.choose == "least-loss" and now != expected:
            # Of a step after the checkpoint, which comes again: as chosen as those before.
            if stored is not None and stored.step > self.step:
                return
            warnings.warn(
                f"{self.folder / WEIGHTS_NAME} was damaged, and the weights of the least loss "
                f"with it: until there are better ones it has those of step {self.step}.",
                stacklevel=2,
            )
        self._write_weights()
