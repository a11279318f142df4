"""The grid search over chi, L and delta_s of Appendix E.1 of version 2, without its optimism.

Every candidate makes the same images of a seed, 0..n-1, from the same noise, and is measured
against the test images. The least of several noisy distances is too small on average, and the
more so the more candidates there are; so the best one makes n further images, n..2n-1, whose noise
no choice has seen, and that distance is the result. Both are printed.

The journal search.jsonl has a first line with what the search depends on, then a line for each
candidate as it is measured, then the result; a search that was killed goes on behind the last
whole line.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

from gbm_fast.evaluation.estimates import seconds_of_sampling, spoken
from gbm_fast.evaluation.generated import (
    choose_extractor,
    generated_features,
    measured_data,
    require_extractor,
    training_events,
)
from gbm_fast.evaluation.metrics import Evaluator, format_table, require_floor
from gbm_fast.runtime.distributed import from_main, is_main, world
from gbm_fast.runtime.files import write_atomic
from gbm_fast.runtime.folders import claim, locked
from gbm_fast.runtime.places import require_writable
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.commands import SampleConfig
from gbm_fast.training.runs import TrainedModel

JOURNAL_NAME = "search.jsonl"
SEARCHED = ("chi", "inner_steps", "step_length")


def _entry(line: bytes) -> dict | None:
    """A line of the journal; None where it is damaged."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


class Journal:
    """Lines of JSON that are added one by one and survive the end of the process."""

    def __init__(self, path: Path, header: dict[str, object]) -> None:
        """Lines that a kill cut short, or that are damaged, are dropped: they are measured again.

        Raises ValueError where `path` holds the journal of another search, or no journal.
        """
        self._path = path
        text = path.read_bytes() if path.exists() else b""
        first = json.dumps(header).encode() + b"\n"
        found = [_entry(line) for line in text.split(b"\n")[:-1]]
        lines = [entry for entry in found if entry is not None]
        ours = found[0] == json.loads(first) if found else first.startswith(text)
        if not ours:
            other = bool(lines) and "feature_hash" in lines[0]
            what = "the journal of a search with other settings, weights, data or features"
            raise ValueError(
                f"{path} is {what if other else 'no journal of a search'}: choose another --out, "
                "or delete it."
            )
        self.entries: list[dict] = lines[1:]
        whole = b"".join(json.dumps(entry).encode() + b"\n" for entry in lines)
        if whole != text:
            write_atomic(path, whole)
        if not lines:
            self._append(header)

    def add(self, entry: dict) -> None:
        """Append one line; it is on the disk when this returns."""
        self._append(entry)
        self.entries.append(entry)

    def _append(self, entry: dict) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())


class _Search:
    """One search: what is measured with, and what has been found so far (by process 0)."""

    def __init__(self, run: TrainedModel, config: SampleConfig) -> None:
        self.run, self.config = run, config
        self.data = measured_data(config.folder, config.measurement)
        self.count = config.sampling.num_images
        require_floor(self.count, self.data)

    def prepare(self) -> None:
        """What is measured with, after all that may be wrong."""
        config, data = self.config, self.data
        require_extractor(config.folder, config.measurement, data)
        self.folder = config.out or config.folder / "search" / config.sampling.slug
        from_main(lambda: require_writable(self.folder))
        self.extractor = choose_extractor(config.folder, config.measurement, data)
        repeats, seed = config.measurement.floor_repeats, config.sampling.seed
        self.evaluate = Evaluator(data, self.extractor, repeats, seed)
        self.path = self.folder / JOURNAL_NAME
        self.journal: Journal | None = None

    def is_ours(self) -> bool:
        """Whether the journal that is there, in a folder without a mark, is one of a search."""
        first = _entry(self.path.read_bytes().partition(b"\n")[0])
        return first is not None and {"settings", "feature_hash"} <= set(first)

    def open(self) -> list[dict]:
        """The entries of the journal, on every process; only process 0 holds it."""

        def of_main() -> str:
            header = {
                "settings": asdict(self.config.sampling),
                "weights_sha256": self.run.weights_sha256(),
                "train_sha256": self.data.train_sha256,
                "test_sha256": self.data.test_sha256,
                "feature": self.extractor.name,
                "feature_hash": self.extractor.hash,
                "floor_repeats": self.config.measurement.floor_repeats,
            }
            self.journal = Journal(self.path, header)
            return json.dumps(self.journal.entries)

        return json.loads(from_main(of_main))

    def measure(self, sampler: Sampler, images: range, facts: dict) -> dict:
        """The entry, on every process, of these images of all processes; noted in the journal."""
        features = generated_features(sampler, images, self.extractor)

        def of_main() -> str:
            assert self.journal is not None
            result = self.evaluate.of_features(features)
            entry = facts | {"images": [images.start, images.stop], "result": result}
            self.journal.add(entry)
            return json.dumps(entry)

        return json.loads(from_main(of_main))


def run_search(run: TrainedModel, config: SampleConfig) -> None:
    """Measure what is not in the journal yet, choose, measure the choice anew, and print.

    Raises ValueError, before anything is sampled, for a candidate that the run does not serve,
    more images than there is a floor for, or the journal of another search.
    """
    search = _Search(run, config)
    settings = config.search.candidates(config.sampling)
    given = training_events(search.data, config.sampling)
    candidates = [Sampler(run, chosen, given) for chosen in settings]
    search.prepare()
    advice = "choose another --out"
    from_main(lambda: claim(search.folder, "search", (JOURNAL_NAME,), advice, search.is_ours))
    with locked(search.folder, f"wait for it, or {advice}"):
        _carry_out(search, candidates)


def _carry_out(search: _Search, candidates: list[Sampler]) -> None:
    """Measure, choose, measure the choice anew, and print."""
    config, entries = search.config, search.open()
    tried = {_searched(entry): entry for entry in entries if "compared" not in entry}
    _announce([s for s in candidates if _searched(asdict(s.settings)) not in tried], candidates)
    for number, sampler in enumerate(candidates, start=1):
        wanted = {name: getattr(sampler.settings, name) for name in SEARCHED}
        if _searched(wanted) in tried:
            continue
        if is_main():
            print(f"{number} of {len(candidates)}: {_label(wanted)}")
        entry = search.measure(sampler, range(search.count), wanted)
        tried[_searched(entry)] = entry
    ranked = sorted(
        (tried[_searched(asdict(sampler.settings))] for sampler in candidates),
        key=lambda entry: entry["result"][config.search.criterion],
    )
    best = {name: ranked[0][name] for name in SEARCHED}
    facts = best | {"compared": len(candidates), "criterion": config.search.criterion}
    known = [e for e in entries if all(e.get(name) == value for name, value in facts.items())]
    chosen = next(s for s in candidates if _searched(asdict(s.settings)) == _searched(best))
    fresh = range(search.count, 2 * search.count)
    report = known[0] if known else search.measure(chosen, fresh, facts)
    if is_main():
        _print(ranked, report, config, search.path)


def _announce(left: list[Sampler], candidates: list[Sampler]) -> None:
    """How long the search takes: what is left, and the choice once more on other images."""
    if not is_main():
        return
    seconds = seconds_of_sampling([*left, candidates[0]]) / world().size
    print(
        f"{len(left)} of {len(candidates)} settings to try, "
        f"{candidates[0].settings.num_images} images each: {spoken(seconds)} (fewer with "
        "--num-images, or shorter --search lists)",
        flush=True,
    )


def _searched(entry: dict) -> tuple:
    return tuple(entry[name] for name in SEARCHED)


def _label(entry: dict) -> str:
    length = entry["step_length"]
    step = "full steps" if length is None else f"delta_s {length:g}"
    return f"chi {entry['chi']:g}, L {entry['inner_steps']}, {step}"


def _print(ranked: list[dict], report: dict, config: SampleConfig, path: Path) -> None:
    start, count, criterion = config.sampling.start, len(ranked), config.search.criterion
    print(format_table([(_label(entry), start, entry["result"]) for entry in ranked]))
    first, last = report["images"]
    chosen, seen = report["result"][criterion], ranked[0]["result"][criterion]
    print(
        f"chosen by {criterion} among {count}: {_label(report)}. There it was {seen:.4g}, the "
        f"least of {count} and so too small on average; on images {first} to {last - 1}, which no "
        f"choice has seen, it is {chosen:.4g}:"
    )
    print(format_table([(_label(report), start, report["result"])]))
    print(f"journal: {path}")
