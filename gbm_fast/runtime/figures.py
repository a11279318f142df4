"""matplotlib's figures, for pictures in files: no window is opened, whatever MPLBACKEND says.

A notebook hands its processes a backend in MPLBACKEND that their environment may lack, which makes
`import matplotlib` raise. Here it is imported without, and then told of a backend that it has, so
that whoever opens windows in the same process finds his choice.
"""

import contextlib
import os
import sys

_given = None if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
finally:
    if _given is not None:
        os.environ["MPLBACKEND"] = _given
if _given:
    with contextlib.suppress(ValueError):
        matplotlib.rcParams["backend"] = _given

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: E402

__all__ = ["Axes", "ConstrainedLayoutEngine", "Figure"]
