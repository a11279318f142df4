"""What a training tells while it runs: stats.jsonl, TensorBoard on request, a progress bar."""

import json
import math
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from torch import Tensor
from tqdm import tqdm

from gbm_fast.checkpoint import write_atomic
from gbm_fast.distributed import is_main
from gbm_fast.trainer import Trainer

_BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} steps [{elapsed}{postfix}]"


def require_tensorboard() -> None:
    """Raise ValueError where TensorBoard cannot be written."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"--tensorboard needs the package tensorboard ({error}): pip install tensorboard."
        ) from error


def truncate_stats(path: Path, step: int) -> None:
    """Drop the lines of stats.jsonl after `step`: a killed run may have logged beyond it."""
    if path.exists():
        lines = path.read_text().splitlines()
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        write_atomic(path, "".join(f"{line}\n" for line in kept).encode())


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
