"""Every option of every command: where it would be ignored it is refused, by its name."""

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gbm_fast as gbm
from gbm_fast import evaluate, restore, sample, train
from gbm_fast.settings.command_line import Command
from gbm_fast.settings.commands import EVALUATE, SAMPLE, EvaluateConfig, GridSearch, Measurement
from gbm_fast.settings.restoration import RESTORE
from gbm_fast.settings.training_presets import resolve

ALWAYS = "always read"
RUN = "--run RUN "
GRID, FILM = RUN + "--grid-search ", RUN + "--film 3 --output "
OWN = "asked of the run: tests/fast/sampling, tests/fast/commands"
# What a command line is refused for, or why its option is never without effect.
TRAIN: dict[str, str | tuple[str, str]] = {
    **dict.fromkeys("dataset preset class_conditional minutes steps seed run_dir".split(), ALWAYS),
    **dict.fromkeys("resume metrics_images samples_every process num_steps".split(), ALWAYS),
    **dict.fromkeys("parameterisation weighting times network batch_size".split(), ALWAYS),
    **dict.fromkeys("micro_batch learning_rate weight_decay warmup_steps".split(), ALWAYS),
    **dict.fromkeys("clip_norm ema_decay average average_every choose device".split(), ALWAYS),
    **dict.fromkeys("precision compile checkpoint_every keep_last".split(), ALWAYS),
    **dict.fromkeys("keep_every log_every tensorboard config".split(), ALWAYS),
    "timeout_minutes": "of several processes, which a launcher may start with any command line",
    "data_dir": ("--data-dir DIR", "data_dir is no setting of dataset digits"),
    "range": ("--range data", "range is no setting of dataset digits"),
    "zeros": ("--zeros floor", "zeros is no setting of dataset digits"),
    "image_size": ("--image-size 32", "image_size is no setting of dataset digits"),
    "crop": ("--dataset lognormal-1d --crop 8", "leave crop and symmetries out"),
    "symmetries": ("--dataset lognormal-1d --symmetries all", "leave crop and symmetries out"),
    "least_looks": ("--least-looks 2", "least_looks is no setting of noise multiplicative"),
    "most_looks": ("--most-looks 9", "most_looks is no setting of noise multiplicative"),
    "out_dir": ("--out-dir A --run-dir B", "leave one"),
    "noise": ("--noise additive --process constant", "noise additive has no process constant"),
    "sigma": ("--sigma 0.5", "sigma is no setting of process"),
    "std_min": ("--process constant --std-min 0.1", "std_min is no setting of process"),
    "std_max": ("--process constant --std-max 9", "std_max is no setting of process"),
    "target_level": ("--target-level next", "target_level next needs times uniform"),
    "label_dropout": ("--label-dropout 0.1", "label_dropout belongs to class_conditional"),
    "importance": ("--importance", "importance changes nothing"),
    "width": ALWAYS,
    "initial_weights": ALWAYS,
    "depth": ("--network unet --depth 2", "depth is no setting of network"),
    "multipliers": ("--network ncsn --multipliers 1", "multipliers is no setting of network"),
    "blocks": ("--network ncsn --blocks 1", "blocks is no setting of network"),
    "patch_size": ("--network ddpmpp --patch-size 2", "patch_size is no setting of network"),
    "dropout": ("--network ncsn --times uniform --dropout 0.1", "dropout is no setting"),
}
_SAMPLER: dict[str, str | tuple[str, str]] = {
    **dict.fromkeys("sampler start seed num_steps process".split(), ALWAYS),
    "label": OWN,
    "guidance": OWN,
    "sigma": (RUN + "--sigma 0.5", "sigma belongs to --process constant"),
    "inner_steps": (RUN + "--sampler ddim --inner-steps 2", "do not apply"),
    "chi": (RUN + "--sampler ddim --chi 0.9", "do not apply"),
    "kappa": (RUN + "--kappa 2", "kappa belongs to --sampler marginal-preserving"),
    "churn": (RUN + "--churn 0.2", "churn belongs to --sampler probability-flow and ddim"),
    "step_length": (RUN + "--sampler ddim --step-length 0.1", "do not apply"),
    "denoise_steps": (RUN + "--sampler ddim --denoise-steps 1", "do not apply"),
}
_MEASURING: dict[str, str | tuple[str, str]] = {
    "features": (RUN + "--features inception", "need --grid-search"),
    "features_dir": (RUN + "--features-dir F", "need --grid-search"),
    "inception_weights": (RUN + "--inception-weights F", "inception_weights is no option of"),
    "data_dir": (RUN + "--data-dir F", "need --grid-search"),
    "floor_repeats": (RUN + "--floor-repeats 3", "need --grid-search"),
}
SAMPLING = _SAMPLER | _MEASURING | {
    **dict.fromkeys(["run", "out", "device", "film", "grid_search"], ALWAYS),
    "pretrained": (RUN + "--pretrained digits", "are two models"),
    "output": (GRID + "--output npz", "leave --output out"),
    "preset": (GRID + "--preset paper", "takes no preset"),
    "num_images": (FILM + "--num-images 9", "num_images is no option of --film alone"),
    "batch_size": (FILM + "--batch-size 9", "batch_size is no option of --film alone"),
    "image_size": OWN,
    "search.chi": (RUN + "--search.chi 0.9", "need --grid-search"),
    "search.inner_steps": (RUN + "--search.inner-steps 2", "need --grid-search"),
    "search.step_length": (RUN + "--search.step-length 0.1", "need --grid-search"),
    "search.criterion": (RUN + "--search.criterion kernel", "need --grid-search"),
}  # fmt: skip
_IMAGES = RUN + "--images F "
EVALUATION = _SAMPLER | {
    **dict.fromkeys(["run", "images", "neighbours", "features", "floor_repeats"], ALWAYS),
    "device": OWN,
    "data_dir": OWN,
    "features_dir": (RUN + "--features inception --features-dir F", "features_dir is no option"),
    "inception_weights": (RUN + "--inception-weights F", "inception_weights is no option of"),
    "label": (RUN + "--label 1", "leave it out"),
    **{
        name: (f"{_IMAGES} --{name.replace('_', '-')} {value}", "do not apply")
        for name, value in {"num_images": 9, "batch_size": 9, "sampler": "ddim"}.items()
    },
}
RESTORATION: dict[str, str | tuple[str, str]] = {
    **dict.fromkeys("files run out output device looks domain estimate tile".split(), ALWAYS),
    "num_samples": ALWAYS,
    "pretrained": ("a.tif --run RUN --pretrained speckle", "are two models"),
    "num_steps": ("a.tif --num-steps 9", "num_steps belongs to samples"),
    "seed": ("a.tif --seed 9", "seed belongs to samples"),
}
COMMANDS = {
    "train": (train.COMMAND, TRAIN, lambda words: train.parse(words, has_gpu=False)),
    "sample": (SAMPLE, SAMPLING, sample.parse),
    "evaluate": (EVALUATE, EVALUATION, evaluate.parse),
    "restore": (RESTORE, RESTORATION, restore.parse),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_table(name: str) -> None:
    command: Command = COMMANDS[name][0]
    options = [setting for group in command.groups for setting in group.settings]
    short = {o if o.startswith("search.") else o.split(".")[-1] for o in options}
    assert short == set(COMMANDS[name][1])


REFUSED = [
    (parse, *row)
    for _, rows, parse in COMMANDS.values()
    for row in rows.values()
    if not isinstance(row, str)
]


@pytest.mark.parametrize(("parse", "line", "words"), REFUSED)
def test_an_option_without_effect_is_refused(
    parse: Callable[[list[str]], object], line: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        parse(line.split())


def test_a_data_dir_that_comes_from_the_environment_is_no_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GBM_DATA", "/somewhere")
    assert train.parse([], has_gpu=False)[0].data_dir is None


def test_a_run_goes_on_by_its_file_and_folder() -> None:
    """--config of a run made in --out-dir, with --run-dir: nothing contradicts."""
    stored = resolve(gbm.TrainConfig(out_dir=Path("mine")))
    again = dataclasses.replace(stored, run_dir=Path("mine/00000"))
    assert resolve(again) == again


RECORDS = [gbm.TrainConfig(), gbm.SamplingSettings(), Measurement(), GridSearch()]


def fields_of(kind: str) -> list[tuple[object, str]]:
    """The settings of one number of a kind; a word that has the kind in it is none."""
    found = [(record, field) for record in RECORDS for field in dataclasses.fields(record)]
    plain = [(r, f) for r, f in found if not {"tuple", "Literal"} & set(words(f))]
    return [(r, f.name) for r, f in plain if kind in words(f) and "str" not in words(f)]


def words(field: dataclasses.Field) -> list[str]:
    return re.findall(r"\w+", str(field.type))


COUNTS, FLOATS = fields_of("int"), fields_of("float")


def given(record: object, name: str, value: object) -> object:
    """The record with another value, past the constructor's check of annotations."""
    changed = object.__new__(type(record))
    changed.__dict__.update(vars(record) | {name: value})
    changed.__post_init__()
    return changed


@pytest.mark.parametrize(("record", "name"), COUNTS, ids=lambda part: str(part)[:20])
@pytest.mark.parametrize("value", [True, False, 8.5, np.float64(8), "8"], ids=repr)
def test_every_count_is_an_integer(record: object, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be an integer, got"):
        given(record, name, value)


@pytest.mark.parametrize(("record", "name"), FLOATS, ids=lambda part: str(part)[:20])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1"], ids=repr)
def test_every_number_is_finite(record: object, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a"):
        given(record, name, value)


def test_every_number_of_a_list_is_finite() -> None:
    for name in ("chi", "step_length"):
        for bad in (math.nan, math.inf, True):
            with pytest.raises(ValueError, match=name):
                given(GridSearch(), name, (0.5, bad))
    with pytest.raises(ValueError, match="inner_steps must be an integer"):
        given(GridSearch(), "inner_steps", (1, True))
    with pytest.raises(ValueError, match="multipliers must be an integer"):
        given(gbm.TrainConfig(), "multipliers", (1, True))


def test_numpys_numbers_become_pythons() -> None:
    """JSON has no others."""
    found = given(gbm.SamplingSettings(), "seed", np.int64(7))
    assert type(found.seed) is int and found.seed == 7
    searched = given(GridSearch(), "chi", (np.float32(0.5), 1.0))
    assert searched.chi == (0.5, 1.0) and {type(chi) for chi in searched.chi} == {float}


@pytest.mark.parametrize(
    ("record", "name", "value", "words"),
    [
        *((gbm.TrainConfig(), n, 10**9, f"{n} must be at most") for n in (
            "num_steps", "batch_size", "width", "blocks", "patch_size", "metrics_images",
        )),
        (gbm.TrainConfig(dataset="lognormal-1d"), "depth", 10**9, "depth must be at most"),
        (gbm.TrainConfig(), "steps", 2**32 + 1, "a batch has a number below that"),
        (gbm.TrainConfig(), "timeout_minutes", 1e300, "timeout_minutes must be at most"),
        (gbm.TrainConfig(), "minutes", 1e300, "minutes must be at most"),
        (gbm.TrainConfig(), "multipliers", (10**9,), "multipliers must be at most"),
        (gbm.TrainConfig(), "multipliers", (1,) * 40, "multipliers must be at most"),
        (gbm.SamplingSettings(), "num_images", 2**32 + 1, "num_images must be at most"),
        (gbm.SamplingSettings(), "batch_size", 10**9, "batch_size must be at most"),
        (gbm.SamplingSettings(), "num_steps", 10**9, "every step is a row in memory"),
        (gbm.SamplingSettings(), "inner_steps", 1001, "every step is a row in memory"),
        (gbm.SamplingSettings(), "denoise_steps", 10**9, "every step is a row in memory"),
        (gbm.SamplingSettings(), "step_length", -1.0, "step_length must be a positive"),
        (Measurement(), "floor_repeats", 10**9, "floor_repeats must be 2 or more, and at most"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_work_are_refused_with_their_bound(
    record: object, name: str, value: object, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        given(record, name, value)


def test_a_long_name_of_a_folder_keeps_apart_and_short() -> None:
    long = {"sampler": "marginal-preserving", "start": "lognormal-averages", "process": "constant"}
    long |= {"sigma": 0.123456, "inner_steps": 123, "chi": 0.123456, "kappa": 0.123456}
    long |= {"step_length": 1.23456e-5, "denoise_steps": 1234, "num_steps": 5678, "seed": 2**31}
    slugs = [gbm.SamplingSettings(num_images=n, **long).slug for n in (10, 11)]
    assert len(set(slugs)) == 2 and all(len(slug) <= 140 for slug in slugs)
    assert gbm.SamplingSettings(label=3).slug == (
        "dale-langevin_start-lognormal_class-3_1000-levels_64-images_seed-0"
    )


def test_a_device_for_images_that_are_there_is_refused(tmp_path: Path) -> None:
    from gbm_fast.commands.evaluation import run_evaluation
    from tests.support.tiny_runs import make_run

    run = make_run(tmp_path / "run")
    config = EvaluateConfig(run, images=tmp_path / "x.npy", device="cpu")
    with pytest.raises(ValueError, match="device is for making samples"):
        run_evaluation(config)
    data_dir = dataclasses.replace(Measurement(), data_dir=tmp_path)
    with pytest.raises(ValueError, match="data_dir is no option for .* a run on digits"):
        run_evaluation(EvaluateConfig(run, measurement=data_dir))
