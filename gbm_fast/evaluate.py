"""Command: measure the samples of a trained run, or images from elsewhere, against its data.

python -m gbm_fast.evaluate --run RUN
python -m gbm_fast.evaluate --run RUN --sampler probability-flow --num-images 1000
python -m gbm_fast.evaluate --run RUN --images FOLDER_OF_PNG
torchrun --nproc-per-node 2 -m gbm_fast.evaluate -- --run RUN
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from gbm_fast.settings import command_line
from gbm_fast.settings.commands import EVALUATE, EvaluateConfig


def parse(arguments: Sequence[str]) -> EvaluateConfig:
    """The options of a command line.

    Ends the process (SystemExit 2) for options that do not exist or have no such value, and raises
    ValueError for values out of range and contradictions.
    """
    return command_line.parse(EVALUATE, EvaluateConfig(Path("RUN")), arguments, required=("run",))


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    return command_line.run(EVALUATE, _run)


def _run() -> int:
    config = parse(sys.argv[1:])
    # torch takes seconds to import: only now, so that --help and a wrong option are fast.
    from gbm_fast.commands.evaluation import run_evaluation

    run_evaluation(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
