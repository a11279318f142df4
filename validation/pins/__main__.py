"""Compare the functions of `gbm_ref` with what the claims pin them to.

python -m validation.pins [CLAIM ...]

Prints {"claim: pin": [troubles]} as JSON, for the claims named or for all, which `python -m spec`
reads.
"""

import gc
import json
import sys

from spec.__main__ import COLLECT_AFTER
from spec.catalogue import CLAIMS
from validation.pins.adapters import ADAPTERS
from validation.pins.comparing import troubles


def main(ids: list[str]) -> None:
    """Print what comparing gave for the claims of these ids, for all when there are none."""
    chosen = [claim for claim in CLAIMS if not ids or claim.id in ids]
    results = {
        f"{claim.id}: {pin.name}": troubles(pin, ADAPTERS, claim)
        for claim in chosen
        for pin in claim.compared
    }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    gc.set_threshold(COLLECT_AFTER)
    main(sys.argv[1:])
