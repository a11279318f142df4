"""Command: train a model, then sample from it and measure the samples.

python -m gbm_fast.train                                     built-in digits, a few minutes
python -m gbm_fast.train --dataset fashion-mnist --data-dir DIR
"""

import sys

import tyro

from gbm_fast.config import TrainConfig, resolve


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    try:
        config = resolve(tyro.cli(TrainConfig, prog="python -m gbm_fast.train"))
        # torch takes seconds to import: only now, so that --help and wrong options answer at once.
        from gbm_fast.pipeline import run_training

        return run_training(config)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
