"""Command: measure the samples of a trained run, or images from elsewhere, against its data.

python -m gbm_fast.evaluate --run RUN
python -m gbm_fast.evaluate --run RUN --sampler probability-flow --num-images 1000
python -m gbm_fast.evaluate --run RUN --images FOLDER_OF_PNG
torchrun --nproc-per-node 2 -m gbm_fast.evaluate -- --run RUN
"""

import sys

import tyro

from gbm_fast.settings.commands import EvaluateConfig


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    try:
        config = tyro.cli(EvaluateConfig, prog="python -m gbm_fast.evaluate")
        # torch takes seconds to import: only now, so that --help and a wrong option are fast.
        from gbm_fast.commands.evaluation import run_evaluation

        run_evaluation(config)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
