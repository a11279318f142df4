"""Command: make images with a trained run, or search for the settings of its sampler.

python -m gbm_fast.sample --run RUN --sampler dale-langevin --num-images 64 --seed 0
torchrun --nproc-per-node 2 -m gbm_fast.sample -- --run RUN --sampler ddim --num-images 50000
python -m gbm_fast.sample --run RUN --process constant --start class-average --grid-search
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

from gbm_fast.settings import command_line
from gbm_fast.settings.commands import SAMPLE, SampleConfig


def parse(arguments: Sequence[str]) -> SampleConfig:
    """The options of a command line; pretrained weights are sampled by the quick flow unless told.

    Ends the process (SystemExit 2) for options that do not exist or have no such value, and raises
    ValueError for values out of range and contradictions.
    """
    default = SampleConfig()
    if any(word.split("=")[0] == "--pretrained" for word in arguments):
        default = replace(default, sampling=replace(default.sampling, sampler="probability-flow"))
    return command_line.parse(SAMPLE, default, arguments)


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    return command_line.run(SAMPLE, _run)


def _run() -> int:
    config = parse(sys.argv[1:])
    # torch takes seconds to import: only now, so that --help and a wrong option are fast.
    from gbm_fast.commands.sampling import run_sampling

    run_sampling(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
