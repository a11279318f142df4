"""The training loop: budget, progress bar, log, checkpoints and signals round `Trainer`."""

import json
import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tqdm import tqdm

from gbm_fast.checkpoint import write_atomic
from gbm_fast.trainer import Trainer


def _truncate_stats(path: Path, step: int) -> None:
    """Drop the lines of stats.jsonl after `step`: a killed run may have logged beyond it."""
    if path.exists():
        lines = path.read_text().splitlines()
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        write_atomic(path, "".join(f"{line}\n" for line in kept).encode())


class _StatsLog:
    """Appends lines to stats.jsonl, and shows the smoothed loss on the progress bar."""

    def __init__(self, trainer: Trainer, bar: tqdm) -> None:
        self._trainer, self._bar, self._smoothed = trainer, bar, math.nan
        self._path = trainer.folder / "stats.jsonl"
        _truncate_stats(self._path, trainer.step)

    def log(self, loss: float, norm: float) -> None:
        """One line for the step that the trainer has just taken."""
        trainer = self._trainer
        known = not math.isnan(self._smoothed)
        self._smoothed = 0.8 * self._smoothed + 0.2 * loss if known else loss
        self._bar.set_postfix_str(f"loss {self._smoothed:.4f}")
        line = {
            "step": trainer.step,
            "images": trainer.step * trainer.config.batch_size,
            "seconds": round(trainer.seconds, 3),
            "loss": loss,
            "gradient_norm": norm,
        }
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list in place of ending the process."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def fit(trainer: Trainer, steps: int, minutes: float | None, show_progress: bool = True) -> bool:
    """Train until `steps` steps or `minutes` minutes in all; False where a signal ended it.

    Checkpoints every `checkpoint_every` steps and at the end; SIGTERM and SIGINT end the training
    after the current step, with a checkpoint.
    """
    config, limit = trainer.config, math.inf if minutes is None else 60 * minutes
    bar = tqdm(total=steps, initial=trainer.step, unit="step", disable=not show_progress)
    log = _StatsLog(trainer, bar)
    started = time.monotonic() - trainer.seconds
    with bar, _signals_noted() as received:
        while trainer.step < steps and trainer.seconds < limit and not received:
            loss, norm = trainer.train_step()
            trainer.seconds = time.monotonic() - started
            bar.update()
            if trainer.step % config.log_every == 0:
                log.log(float(loss), float(norm))
            if trainer.step % config.checkpoint_every == 0:
                trainer.save()
        trainer.save()
        return not received
