"""How a command of the studies ends: what a user can mend is one line, as for `gbm_fast`'s."""

import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import NoReturn

_MEMORY = "close other programs, or take a machine with more"


def leave(body: Callable[[], int]) -> NoReturn:
    """End the process with the status of `body`; 1, and a line on stderr, for such an error.

    A letter that the terminal's encoding lacks is an escape in its place.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int | str = body()
    except Exception as error:
        from gbm_fast.settings.failures import sentence  # not for --help, which is to be quick

        known = sentence(error, _MEMORY)
        if known is None:
            raise
        status = f"error: {known}"
    sys.exit(status)
