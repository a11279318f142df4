"""Command: make images with a trained run, or search for the settings of its sampler.

python -m gbm_fast.sample --run RUN --sampler dale-langevin --num-images 64 --seed 0
torchrun --nproc-per-node 2 -m gbm_fast.sample -- --run RUN --sampler ddim --num-images 50000
python -m gbm_fast.sample --run RUN --process constant --start class-average --grid-search
"""

import sys

import tyro

from gbm_fast.settings.commands import SampleConfig


def main() -> int:
    """Parse the command line and sample; returns the exit status."""
    try:
        config = tyro.cli(SampleConfig, prog="python -m gbm_fast.sample")
        # torch takes seconds to import: only now, so that --help and a wrong option are fast.
        from gbm_fast.commands.sampling import run_sampling

        run_sampling(config)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
