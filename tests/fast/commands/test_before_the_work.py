"""What would fail after the work is found before it; what was made and measured is not lost."""

import dataclasses
import errno
import json
import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import gbm_fast as gbm
from gbm_fast import evaluate, sample, train
from gbm_fast.commands import evaluation as evaluation_job
from gbm_fast.commands import report
from gbm_fast.commands import sampling as sampling_job
from gbm_fast.commands import training as training_job
from gbm_fast.evaluation import generated
from gbm_fast.evaluation.estimates import spoken
from gbm_fast.runtime import places
from gbm_fast.runtime.folders import claim
from gbm_fast.training import loop
from tests.fast.conftest import Command
from tests.support.fixtures import Folders, Patch
from tests.support.tiny_data import BRIEF, digits_extractor
from tests.support.tiny_runs import few_digits, make_run, make_trainer


def few_extractor(root: Path) -> Path:
    """The features of the forty digits beside the runs of `root`; their file."""
    gbm.load_or_train_classifier(few_digits(), root / "features", settings=BRIEF)
    (path,) = (root / "features").iterdir()
    return path


FAST = "--sampler ddim --num-steps 2 --num-images 4".split()
SEARCH = "--grid-search --num-images 4 --search.step-length None --search.inner-steps 1".split()
SMALL = "--width 8 --steps 1 --batch-size 4 --num-steps 5 --warmup-steps 1".split()


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> Path:
    root = tmp_path_factory.mktemp("before")
    digits_extractor(root, steps=2)
    return make_run(root / "run", 1, gbm.load_dataset("digits"))


@pytest.fixture
def no_work(monkeypatch: Patch) -> None:
    """Neither a step of a training nor a sample may be made."""

    def work(*rest: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(gbm.Sampler, "states", work)
    monkeypatch.setattr(gbm.Trainer, "train_step", work)


def refusing(number: int) -> Callable[..., None]:
    def fails(**where: Path) -> None:
        raise OSError(number, os.strerror(number))

    return fails


@pytest.mark.usefixtures("no_work", "few")
@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_folder_that_takes_no_files_is_found_before(
    tmp_path: Path, run: Path, command: Command, monkeypatch: Patch, number: int
) -> None:
    monkeypatch.setattr(places.tempfile, "TemporaryFile", refusing(number))
    few_extractor(tmp_path)
    new = tmp_path / "new"
    for main, words, place in (
        (train.main, (*SMALL, "--run-dir", new), new),
        (sample.main, ("--run", run, *FAST, "--out", tmp_path / "out"), tmp_path),
        (evaluate.main, ("--run", run, *FAST), run),
    ):
        done = command(main, *words)
        assert done.status == 2 and f"{place}: {os.strerror(number)}: " in done.err


@pytest.mark.usefixtures("no_work")
def test_a_name_that_is_too_long_is_found_before(
    tmp_path: Path, run: Path, command: Command
) -> None:
    long = tmp_path / ("a" * 300)
    for main, words in (
        (train.main, (*SMALL, "--metrics-images", "0", "--run-dir", long)),
        (sample.main, ("--run", run, *FAST, "--out", long)),
        (sample.main, ("--run", run, *SEARCH, "--out", long)),
    ):
        done = command(main, *words)
        assert (
            done.status == 2 and "File name too long" in done.err and "Traceback" not in done.err
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_work", "few")
def test_guidance_without_a_score_of_all_classes_is_found_before(
    tmp_path: Path, run: Path, command: Command
) -> None:
    for main, words in (
        (sample.main, (*FAST, "--out", tmp_path / "out")),
        (sample.main, (*SEARCH, "--out", tmp_path / "out")),
        (evaluate.main, (*FAST, "--features-dir", tmp_path / "features")),
    ):
        done = command(main, "--run", run, *words, "--guidance", "2")
        assert done.status == 2 and "guidance 2: " in done.err and "label-dropout" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_work", "few")
def test_bad_metrics_are_found_before(tmp_path: Path, run: Path, command: Command) -> None:
    bad = run / "metrics.json"
    bad.write_text("[{]")
    try:
        done = command(evaluate.main, "--run", run, *FAST)
        assert done.status == 2 and "is not a list of evaluations" in done.err
    finally:
        bad.unlink()
    few_extractor(tmp_path)
    claim(tmp_path / "run", "run", (), "")
    (tmp_path / "run" / "metrics.json").write_text("{}")
    done = command(train.main, *SMALL, "--metrics-images", "8", "--run-dir", tmp_path / "run")
    assert done.status == 2 and "is not a list of evaluations" in done.err


@pytest.mark.usefixtures("no_work", "few")
def test_a_classifier_that_is_damaged_is_found_before(tmp_path: Path, command: Command) -> None:
    path = few_extractor(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    done = command(train.main, *SMALL, "--metrics-images", "8", "--run-dir", tmp_path / "run")
    assert done.status == 2 and str(path) in done.err
    assert not (tmp_path / "run").exists()


def test_images_that_cannot_be_measured_are_shown_without_distances(
    tmp_path: Path, command: Command, monkeypatch: Patch
) -> None:
    """One test image has no covariance: said before the training, which ends well."""
    monkeypatch.setattr(training_job, "load_dataset", lambda *place, **reading: few_digits(12, 1))
    done = command(train.main, *SMALL, "--metrics-images", "8", "--run-dir", tmp_path / "run")
    assert done.status == 0, done.err
    order = [
        "no distances at the end: digits has one test image",
        "trained 1 steps",
        "samples: ab",
    ]
    places_found = [done.out.index(words) for words in (*order, "picture: ")]
    assert places_found == sorted(places_found)
    assert (tmp_path / "run" / "samples.png").exists()
    assert not (tmp_path / "features").exists()


@pytest.mark.parametrize(("data", "words"), [
    (few_digits(12, 1), "digits has one test image"),
    (few_digits(1, 5), "between 2 and 1"),
    (dataclasses.replace(few_digits(), **{
        f"{split}_images": getattr(few_digits(), f"{split}_images")[..., :7]
        for split in ("train", "test")
    }), "8 x 8 is the least"),
])  # fmt: skip
def test_why_images_have_no_distances(data: gbm.ImageData, words: str, tmp_path: Path) -> None:
    config = gbm.TrainConfig(metrics_images=8, out_dir=tmp_path)
    assert words in report.without_distances(config, data)
    assert report.without_distances(config, few_digits()) == ""
    none = dataclasses.replace(config, metrics_images=0)
    assert report.without_distances(none, data) == ""


@pytest.mark.usefixtures("few")
def test_the_end_of_a_training_keeps_what_it_made(
    tmp_path: Path, command: Command, monkeypatch: Patch
) -> None:
    """Samples before the classifier, which fails; the table before the record, which fails."""
    run = tmp_path / "run"
    words = (*SMALL, "--metrics-images", "8", "--run-dir", run)

    def no_classifier(*rest: object) -> None:
        raise ValueError("no classifier.")

    with Patch.context() as patch:
        patch.setattr(report, "load_or_train_classifier", no_classifier)
        done = command(train.main, *words)
    assert done.status == 2 and "error: no classifier." in done.err
    first = (run / "samples.png").read_bytes()
    assert "samples and distances: about" in done.out
    assert "(skip with --metrics-images 0)" in done.out

    few_extractor(tmp_path)
    monkeypatch.setattr(report, "record_metrics", lambda *rest: refusing(errno.ENOSPC)())
    done = command(train.main, *words, "--resume", "auto")
    assert done.status == 2 and f"{run}: No space left on device: free some space" in done.err
    assert "Fréchet" in done.out and "probability-flow" in done.out
    assert (run / "samples.png").read_bytes() != first


def test_what_was_measured_is_printed_where_it_cannot_be_recorded(
    run: Path, command: Command, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(evaluation_job, "record_metrics", lambda *rest: refusing(errno.ENOSPC)())
    done = command(evaluate.main, "--run", run, *FAST, "--floor-repeats", "2")
    assert done.status == 2 and "No space left on device" in done.err
    assert "Fréchet" in done.out and "ddim" in done.out


def test_a_search_says_how_long_it_takes(run: Path, tmp_path: Path, command: Command) -> None:
    options = "--process constant --start class-average --num-steps 40 --num-images 3".split()
    options += (
        "--grid-search --search.chi 1 --search.inner-steps 1 --search.step-length 0.01".split()
    )
    options += ["--floor-repeats", "2", "--out", str(tmp_path)]
    constant = make_run(
        run.parent / "constant", 1, gbm.load_dataset("digits"), process="constant", num_steps=40
    )
    done = command(sample.main, "--run", constant, *options)
    assert done.status == 0, done.err
    said = r"1 of 1 settings to try, 3 images each: about \d+ s \(fewer with --num-images"
    assert re.search(said, done.out)
    (tmp_path / "search.jsonl").write_text("{\n")
    done = command(sample.main, "--run", constant, *options)
    assert done.status == 2 and "is no journal of a search" in done.err


def test_times_are_told_in_words() -> None:
    found = [spoken(seconds) for seconds in (0, 40, 89, 90, 720, 5400, 12_600)]
    assert found == ["about 1 s", "about 40 s", "about 89 s", "about 2 min", "about 12 min",
                     "about 1.5 h", "about 3.5 h"]  # fmt: skip


@pytest.mark.parametrize("kind", ["sample", "evaluate"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_sampling_is_one_sentence(
    run: Path, tmp_path: Path, command: Command, monkeypatch: Patch,
    kind: str, number: int, status: int,
) -> None:  # fmt: skip
    states = gbm.Sampler.states

    def interrupted(sampler: gbm.Sampler, *rest: object) -> object:
        signal.raise_signal(number)
        return states(sampler, *rest)

    monkeypatch.setattr(gbm.Sampler, "states", interrupted)
    main, out = (sample.main, ("--out", tmp_path)) if kind == "sample" else (evaluate.main, ())
    done = command(main, "--run", run, *FAST, *out)
    assert done.status == status and "the same command goes on, or begins again" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("job", [sample, evaluate, train])
def test_memory_that_is_not_there_names_what_needs_less(
    run: Path, tmp_path: Path, command: Command, monkeypatch: Patch, job: object
) -> None:
    def short(*rest: object) -> None:
        torch.empty(2**60)

    if job is train:
        monkeypatch.setattr(gbm.Trainer, "_backward", short)
        words = (*SMALL, "--metrics-images", "0", "--run-dir", tmp_path / "new")
        expected = "not enough memory for 4 images at once: pass --micro-batch 2, or less."
    else:
        monkeypatch.setattr(gbm.Sampler, "states", short)
        words = ("--run", run, *FAST)
        expected = "pass a smaller --batch-size"
    done = command(job.main, *words)
    assert done.status == 2 and expected in done.err and "Traceback" not in done.err


def test_a_thousand_million_images_begin_with_the_first(
    run: Path, tmp_path: Path, monkeypatch: Patch, command: Command
) -> None:
    """Nothing is made for all of them before the first batch is stored."""
    stored: list[range] = []
    write = sampling_job.write_batch

    def first(folder: Path, batch: range, *rest: object) -> None:
        stored.append(batch)
        write(folder, batch, *rest)
        raise KeyboardInterrupt

    monkeypatch.setattr(sampling_job, "write_batch", first)
    options = "--sampler ddim --num-steps 2 --num-images 1000000000 --batch-size 2".split()
    for number in range(2):
        assert command(sample.main, "--run", run, *options, "--out", tmp_path).status == 130
        assert stored == [range(2 * number, 2 * number + 2)]
        stored.clear()


def test_batches_without_those_that_are_there() -> None:
    wanted = generated.batches(range(3, 20), 4)
    assert list(wanted) == [range(3, 7), range(7, 11), range(11, 15), range(15, 19), range(19, 20)]
    assert list(wanted.without([1, 3, 99])) == [range(3, 7), range(11, 15), range(19, 20)]
    huge = generated.batches(range(10**12), 7).without(range(1000))
    assert huge[0] == range(7000, 7007) and len(huge) == -(-(10**12) // 7) - 1000
    assert huge[5:7] == [range(7035, 7042), range(7042, 7049)]


def test_a_training_in_a_thread_leaves_the_signals_alone(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    trainer, ended = make_trainer(tmp_path), []
    worker = threading.Thread(target=lambda: ended.append(loop.fit(trainer, 2, None, False)))
    worker.start()
    worker.join()
    assert ended == [True] and trainer.step == 2
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_handler_that_python_did_not_set_is_left(monkeypatch: Patch) -> None:
    """getsignal says None of it, and signal() cannot put it back."""
    asked: list[int] = []
    monkeypatch.setattr(loop.signal, "getsignal", lambda n: None)
    monkeypatch.setattr(loop.signal, "signal", lambda n, handler: asked.append(n))
    with loop._signals_noted() as received:
        assert received == []
    assert asked == []


def test_metrics_are_read_as_they_were_written(run: Path, command: Command) -> None:
    assert command(evaluate.main, "--run", run, *FAST, "--floor-repeats", "2").status == 0
    (entry,) = json.loads((run / "metrics.json").read_text())
    assert entry["result"]["N"] == 4
    (run / "metrics.json").unlink()
