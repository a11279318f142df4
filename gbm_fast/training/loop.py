"""The training loop: budget, log, checkpoints, pictures and signals round `Trainer`.

Every process runs the same loop. What one of them alone knows, a signal or the time of process 0,
is put to all of them before each step, so that they end after the same one.
"""

import json
import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType, TracebackType

import torch
from torch import Tensor
from tqdm import tqdm

from gbm_fast.runtime.distributed import all_sum, is_main
from gbm_fast.runtime.files import write_atomic
from gbm_fast.training.trainer import Trainer


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list in place of ending the process.

    Outside the main thread Python sets no handlers, and one that was not set from Python could not
    be put back: there the signals do what they do.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    ours = threading.current_thread() is threading.main_thread()
    wanted = (signal.SIGINT, signal.SIGTERM) if ours else ()
    known = [number for number in wanted if signal.getsignal(number) is not None]
    previous = {number: signal.signal(number, note) for number in known}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def fit(
    trainer: Trainer,
    steps: int,
    minutes: float | None,
    show_progress: bool = True,
    on_samples: Callable[[Trainer], None] | None = None,
) -> bool:
    """Train until `steps` steps or `minutes` minutes in all; False where a signal ended it.

    Checkpoints every `checkpoint_every` steps and at the end; SIGTERM and SIGINT, to any of the
    processes, end the training after the current step, with a checkpoint. `on_samples` is called
    in every process every `samples_every` steps.
    """
    config, limit = trainer.config, math.inf if minutes is None else 60 * minutes
    started = time.monotonic() - trainer.seconds
    log = StatsLog(trainer, steps, limit, show_progress)
    with log, _signals_noted() as received:
        while trainer.step < steps:
            over = is_main() and trainer.seconds >= limit
            votes = all_sum(torch.tensor([len(received), int(over)])).tolist()
            if any(votes):
                break
            loss, norm = trainer.train_step()
            trainer.seconds = time.monotonic() - started
            log.step(loss, norm)
            if trainer.step % config.checkpoint_every == 0:
                log.sync()
                trainer.save()
            if on_samples is not None and trainer.step % (config.samples_every or math.inf) == 0:
                on_samples(trainer)
        log.sync()
        trainer.save()
        # One that came in the last step, or during its checkpoint, is not to be lost.
        return int(all_sum(torch.tensor(len(received)))) == 0


_BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} steps [{elapsed}{postfix}]"


def require_tensorboard() -> None:
    """Raise ValueError where TensorBoard cannot be written."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"--tensorboard needs the package tensorboard ({error}): pip install tensorboard."
        ) from error


def _step(line: bytes) -> float:
    """The step of a line of the log; infinite where the line is damaged."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def truncate_stats(path: Path, step: int) -> None:
    """Drop the lines of stats.jsonl after `step`: a killed run may have logged beyond it.

    Damaged lines among the others are dropped as well, with a warning; the file as it was is kept
    beside, under the name of the step.
    """
    if not path.exists():
        return
    content = path.read_bytes()
    lines = content.splitlines()
    steps = [_step(line) for line in lines]
    known = [i for i, at in enumerate(steps) if at < math.inf]
    # Damage behind the last whole line is a line that a kill cut short.
    damaged = [i for i, at in enumerate(steps) if at == math.inf and known and i < known[-1]]
    if damaged:
        aside = path.with_name(f"stats-before-{step:08d}.jsonl")
        write_atomic(aside, content)
        warnings.warn(
            f"{len(damaged)} lines of {path} are damaged and left out; the file as it was is "
            f"{aside.name}.",
            stacklevel=2,
        )
    kept = [line for line, at in zip(lines, steps, strict=True) if at <= step]
    write_atomic(path, b"".join(line + b"\n" for line in kept))


class StatsLog:
    """The log of one training, written by process 0; a context manager.

    Args:
        trainer: the training, at the step that it begins or continues with.
        steps, seconds: where it is to end, whichever comes first.
        show_progress: whether to draw the bar on stderr.
    """

    def __init__(
        self, trainer: Trainer, steps: int, seconds: float, show_progress: bool = True
    ) -> None:
        self._trainer, self._steps, self._seconds = trainer, steps, seconds
        self._first_step, self._first_seconds = trainer.step, trainer.seconds
        self._smoothed = math.nan
        self._path = trainer.folder / "stats.jsonl"
        self._board = None
        self._bar = tqdm(
            total=steps,
            initial=trainer.step,
            bar_format=_BAR,
            mininterval=0.5,
            disable=not (show_progress and is_main()),
        )
        if not is_main():
            return
        truncate_stats(self._path, trainer.step)
        if trainer.config.tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(
                str(trainer.folder / "tensorboard"), purge_step=trainer.step + 1
            )

    def __enter__(self) -> "StatsLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
        if self._board is not None:
            self._board.close()

    def step(self, loss: Tensor, norm: Tensor) -> None:
        """Note the step that the trainer has just taken."""
        trainer = self._trainer
        if is_main() and trainer.step % trainer.config.log_every == 0:
            self._write(float(loss), float(norm))
        self._bar.update()

    def sync(self) -> None:
        """Bring the log to the disk, before the checkpoint that it leads up to."""
        if is_main() and self._path.exists():
            with self._path.open("rb+") as file:
                os.fsync(file.fileno())

    def _write(self, loss: float, norm: float) -> None:
        trainer = self._trainer
        known = not math.isnan(self._smoothed)
        self._smoothed = 0.8 * self._smoothed + 0.2 * loss if known else loss
        line = {
            "step": trainer.step,
            "images": trainer.step * trainer.config.batch_size,
            "seconds": round(trainer.seconds, 3),
            "loss": loss,
            # In float16 it overflows until the scale is found, and JSON has no infinity.
            "gradient_norm": norm if math.isfinite(norm) else None,
        }
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        if self._board is not None:
            self._board.add_scalar("loss", loss, trainer.step)
            self._board.add_scalar("gradient_norm", norm, trainer.step)
        self._bar.set_postfix_str(f"loss {self._smoothed:.4f}, {self._pace()}", refresh=False)

    def _pace(self) -> str:
        """Images a second, and the time that is left until the budget of steps or time ends."""
        trainer = self._trainer
        seconds = trainer.seconds - self._first_seconds
        rate = (trainer.step - self._first_step) / max(seconds, 1e-9)
        left = min((self._steps - trainer.step) / rate, self._seconds - trainer.seconds)
        shown = timedelta(seconds=round(max(left, 0.0)))
        return f"{rate * trainer.config.batch_size:,.0f} images/s, {shown} left"
