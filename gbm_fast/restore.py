"""Command: restore images with speckle, with error bars.

python -m gbm_fast.restore --looks 1 --out clean radar.tif
python -m gbm_fast.restore --run RUN --looks auto --domain amplitude --num-samples 32 *.tif
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from gbm_fast.settings import command_line
from gbm_fast.settings.restoration import RESTORE, RestoreConfig


def parse(arguments: Sequence[str]) -> RestoreConfig:
    """The options of a command line.

    Ends the process (SystemExit 2) for options that do not exist or have no such value, and raises
    ValueError for values out of range and contradictions.
    """
    return command_line.parse(RESTORE, RestoreConfig((Path("IMAGE"),)), arguments, ("files",))


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    return command_line.run(RESTORE, _run)


def _run() -> int:
    config = parse(sys.argv[1:])
    # torch takes seconds to import: only now, so that --help and a wrong option are fast.
    from gbm_fast.commands.restoration import run_restoration

    run_restoration(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
