"""The training loop: budget, log, checkpoints, pictures and signals round `Trainer`.

Every process runs the same loop. What one of them alone knows, a signal or the time of process 0,
is put to all of them before each step, so that they end after the same one.
"""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from gbm_fast.distributed import all_sum, is_main
from gbm_fast.stats_log import StatsLog
from gbm_fast.trainer import Trainer


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
                trainer.save()
            if on_samples is not None and trainer.step % (config.samples_every or math.inf) == 0:
                on_samples(trainer)
        trainer.save()
        # One that came in the last step, or during its checkpoint, is not to be lost.
        return int(all_sum(torch.tensor(len(received)))) == 0
