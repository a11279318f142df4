"""The states that a row has made, kept in the run folder batch by batch as soon as they exist.

Each file says of which weights, data, code, settings and numbers of images it is, and is compared
with that when it is read, so that a benchmark which was killed goes on where it stopped, and
images of other weights are never measured. States are kept as the sampler leaves them; images are
their values clipped to [1, 2].
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from gbm_fast.runtime.files import load_tensors, save_tensors
from gbm_fast.sampling.batching import batches
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.training.runs import TrainedModel
from validation.provenance import digest

CACHE_FORMAT = "gbm-diffusion benchmark states 1"
_FREE = ("num_images", "seed", "batch_size")


class Kept:
    """The states of a run that are kept, and what they are of.

    run    the trained run
    code   hashes of the code that makes them
    """

    def __init__(self, run: TrainedModel, code: dict[str, str]) -> None:
        self._run = run
        self._identity = dict(run.identity()) | {"code": digest(code)}

    def _place(
        self, settings: SamplingSettings, seed: int, batch: range
    ) -> tuple[Path, dict[str, object]]:
        """Where a batch is kept, and the facts of it, as they come back from a file."""
        chosen = {k: v for k, v in asdict(settings).items() if k not in _FREE}
        numbers = {"seed": seed, "images": [batch.start, batch.stop]}
        facts = json.loads(json.dumps(self._identity | {"settings": chosen} | numbers))
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        return self._run.folder / "benchmark" / f"{name}.safetensors", facts

    def missing(self, settings: SamplingSettings, seed: int) -> int:
        """How many images of a row have still to be made."""
        wanted = batches(range(settings.num_images), settings.batch_size)
        places = ((self._place(settings, seed, batch)[0], len(batch)) for batch in wanted)
        return sum(count for path, count in places if not path.exists())

    def states(self, settings: SamplingSettings, seed: int) -> Iterator[Tensor]:
        """The batches of a row on the CPU, each kept before it is given.

        Raises ValueError for a file that holds other states than its name says.
        """
        sampler = None
        for batch in batches(range(settings.num_images), settings.batch_size):
            path, facts = self._place(settings, seed, batch)
            if path.exists():
                tensors, of = load_tensors(path, CACHE_FORMAT)
                if of != facts:
                    raise ValueError(f"{path} is of other images than its name says: delete it.")
                yield tensors["states"]
                continue
            sampler = sampler or Sampler(self._run, settings)
            states = sampler.states(sampler.noise(batch, seed)).x.cpu()
            path.parent.mkdir(parents=True, exist_ok=True)
            save_tensors(path, {"states": states}, CACHE_FORMAT, facts)
            yield states
