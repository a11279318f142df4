"""Where the trained runs are that come with a clone: `pretrained/`, beside the packages.

They are run folders whose weights are in half precision, each with a card, README.md. An installed
package does not have them: whoever installs the oracle for NumPy alone should not pay for them.
The environment variable GBM_PRETRAINED names another folder of such runs.
"""

import os
from pathlib import Path

_CLONE = Path(__file__).resolve().parents[2] / "pretrained"


def pretrained_folder(name: str) -> Path:
    """The run folder of the weights called `name`; ValueError, with what there is, for another."""
    root = Path(os.environ.get("GBM_PRETRAINED", _CLONE)).expanduser()
    there = sorted(path.parent.name for path in root.glob("*/config.json"))
    if name not in there:
        found = f"there are {', '.join(there)}" if there else "there are none"
        raise ValueError(
            f"no pretrained weights {name!r} in {root}: {found}. They come with a clone of the "
            "repository; GBM_PRETRAINED may name the folder pretrained of one."
        )
    return root / name
