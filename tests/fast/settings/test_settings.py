"""Settings of training and of the commands: defaults, the JSON file, presets, what is refused."""

import copy
import dataclasses
import json
import math
from pathlib import Path

import pytest

import gbm_fast as gbm
from gbm_fast.settings.commands import GridSearch, Measurement, SampleConfig
from gbm_fast.settings.sampling_presets import (
    CHOSEN,
    CODED,
    CUT,
    PAPER,
    PUBLISHED,
    with_preset,
)
from gbm_fast.settings.stored import from_json, same_training, to_json
from gbm_fast.settings.training import noise_range
from gbm_fast.settings.training_presets import resolve
from spec.paper.authors_code import SETTINGS, TERMINAL_STEPS
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tiny_runs import tiny_config

CHANGES = {
    "dataset": "npy", "data_dir": Path("some/data.npy"), "out_dir": Path("elsewhere"),
    "range": "data", "zeros": "floor", "image_size": 48, "crop": 24, "symmetries": "all",
    "run_dir": Path("elsewhere/00007-mine"), "preset": "demo", "resume": "auto",
    "class_conditional": True, "label_dropout": 0.15,
    "process": "constant", "sigma": 0.65, "num_steps": 77,
    "parameterisation": "stein", "weighting": "none", "times": "uniform", "importance": True,
    "network": "unet", "width": 24, "multipliers": (1, 3, 2), "blocks": 2, "patch_size": 4,
    "initial_weights": Path("some/run"), "dropout": 0.17,
    "batch_size": 19, "micro_batch": 5, "learning_rate": 3.3e-4,
    "weight_decay": 0.02, "warmup_steps": 11, "clip_norm": 0.7, "ema_decay": 0.98,
    "average": "saved-checkpoints", "average_every": 26, "choose": "least-loss", "steps": 123,
    "minutes": 2.75, "seed": 29, "precision": "float32", "compile": True, "device": "cpu",
    "checkpoint_every": 13, "keep_last": 3, "keep_every": 39, "log_every": 7, "tensorboard": True,
    "samples_every": 17, "timeout_minutes": 2.5, "metrics_images": 31,
}  # fmt: skip
EVERY_FIELD_CHANGED = gbm.TrainConfig(**CHANGES)
# The settings that contradict one of those above, and the one that contradicts these.
OTHERS = {"depth": 5, "target_level": "next", "std_min": 0.013, "std_max": 7.25}
THE_OTHERS = gbm.TrainConfig(dataset="lognormal-2d", network="mlp", times="uniform", **OTHERS)
ADDITIVE = gbm.TrainConfig(noise="additive")
LOOKS = {"least_looks": 2.0, "most_looks": 50.0}
GAMMA = gbm.TrainConfig(dataset="npy", noise="gamma", **LOOKS)
OF_FIELD = dict.fromkeys(OTHERS, THE_OTHERS) | {"noise": ADDITIVE} | dict.fromkeys(LOOKS, GAMMA)


def test_resolve_fills_in_what_depends_on_the_data_set() -> None:
    digits, images = resolve(gbm.TrainConfig()), resolve(gbm.TrainConfig(dataset="mnist"))
    assert (digits.width, digits.patch_size, digits.steps, digits.minutes) == (32, 2, 4000, 1.5)
    assert (images.width, images.patch_size, images.steps, images.minutes) == (64, 2, 6000, 45.0)
    assert (digits.metrics_images, images.metrics_images) == (64, 256)


def test_resolve_keeps_every_choice_of_the_user() -> None:
    assert resolve(EVERY_FIELD_CHANGED) == EVERY_FIELD_CHANGED
    chosen = gbm.TrainConfig(metrics_images=0, steps=9)
    assert (resolve(chosen).metrics_images, resolve(chosen).minutes) == (0, None)
    assert resolve(gbm.TrainConfig(minutes=40.5)).minutes == 40.5
    assert resolve(resolved := resolve(gbm.TrainConfig())) == resolved


def test_every_field_survives_the_json_file() -> None:
    for field in dataclasses.fields(gbm.TrainConfig):
        default = getattr(gbm.TrainConfig(), field.name)
        changed = OF_FIELD.get(field.name, EVERY_FIELD_CHANGED)
        assert getattr(changed, field.name) != default, field.name
    defaults = gbm.TrainConfig(), resolve(gbm.TrainConfig())
    for config in (EVERY_FIELD_CHANGED, THE_OTHERS, ADDITIVE, GAMMA, *defaults):
        assert from_json(to_json(config)) == config


def stored(**changes: object) -> gbm.TrainConfig:
    """The JSON file with these values in it, read again."""
    return from_json(json.dumps(json.loads(to_json(EVERY_FIELD_CHANGED)) | changes))


def test_a_file_without_a_key_or_of_another_kind_is_refused() -> None:
    record = json.loads(to_json(EVERY_FIELD_CHANGED))
    del record["clip_norm"]
    with pytest.raises(ValueError, match=r"it lacks \['clip_norm'\]"):
        from_json(json.dumps(record))
    # Runs from before there were class-conditional ones lack the key, and are none.
    later = {"class_conditional": False, "label_dropout": 0.0, "noise": "multiplicative"}
    later |= {"initial_weights": None, "range": "auto", "zeros": "refuse"}
    record = json.loads(to_json(EVERY_FIELD_CHANGED))
    kept = {name: value for name, value in record.items() if name not in later}
    assert from_json(json.dumps(kept)) == dataclasses.replace(EVERY_FIELD_CHANGED, **later)
    cut = to_json(THE_OTHERS)[:-20]
    nested, digits = "[" * 100_000, f'{{"seed": {"1" * 5000}}}'
    bad = (
        ("[1, 2]", "not a JSON object"),
        *((text, "not JSON") for text in (cut, nested, digits)),
    )
    for text, message in bad:
        with pytest.raises(ValueError, match=message):
            from_json(text)


def changed(**changes: object) -> gbm.TrainConfig:
    """Settings without a contradiction that have another value in this field."""
    base = THE_OTHERS if set(changes) & set(OTHERS) else EVERY_FIELD_CHANGED
    return dataclasses.replace(base, **changes)


def together(settings: dict[str, object]) -> gbm.TrainConfig:
    return resolve(gbm.TrainConfig(**settings))


def command(options: dict[str, object]) -> SampleConfig:
    return SampleConfig(run=Path("run"), **options)


NAN = math.nan
OUT_OF_RANGE = {
    "sigma": [0.0, -0.8, NAN, math.inf], "std_min": [0.0, -0.1, NAN], "std_max": [0.0, math.inf],
    "learning_rate": [0.0, NAN], "clip_norm": [-1.0], "num_steps": [0], "batch_size": [0],
    "checkpoint_every": [0], "log_every": [-1], "blocks": [0], "width": [0], "depth": [0],
    "patch_size": [0], "steps": [0], "warmup_steps": [-1], "seed": [-3],
    "weight_decay": [-0.1, NAN], "minutes": [0.0, NAN], "dropout": [1.0, -0.1, NAN],
    "ema_decay": [1.0, -0.5, NAN], "metrics_images": [-1], "multipliers": [(), (1, 0)],
}  # fmt: skip
SAVED = {"average": "saved-checkpoints", "average_every": 7, "checkpoint_every": 3}
LINE, SEARCH = {"dataset": "lognormal-1d"}, {"grid_search": True}
CONTRADICTIONS = [
    ({"network": "mlp"}, "network mlp does not suit digits"),
    (LINE | {"network": "unet"}, "unet does not suit lognormal-1d"),
    ({"depth": 3}, "depth is no setting of network unet"),
    (LINE | {"patch_size": 2}, "patch_size is no setting of network mlp"),
    (LINE | {"dropout": 0.1}, "dropout is no setting of network mlp"),
    ({"network": "ncsn", "times": "uniform", "blocks": 2}, "blocks is no setting of network n"),
    ({"network": "ncsn"}, "pass --times uniform"),
    ({"sigma": 0.5}, "sigma is no setting of process variance-exploding"),
    ({"process": "constant", "std_max": 4.0}, "std_max is no setting of process constant"),
    ({"importance": True}, "importance changes nothing"),
    ({"noise": "additive", "process": "constant"}, "noise additive has no process constant"),
    *(
        ({"noise": "additive", "parameterisation": name}, f"has no parameterisation {name}")
        for name in ("stein", "hyvarinen")
    ),
    (LINE | {"noise": "additive"}, "noise additive is for images"),
    ({"noise": "additive", "dataset": "own-law"}, "noise additive is for images"),
    ({"batch_size": 8, "micro_batch": 9}, "micro_batch 9 must be at most batch_size 8"),
    ({"keep_every": 7, "checkpoint_every": 3}, "keep_every 7 must be a multiple of"),
    (SAVED, "average_every 7 must be a multiple of"),
]
OF_A_COMMAND = [
    ({"output": ()}, "nothing to write"),
    ({"film": -1}, "film must be the number of an image"),
    ({"search": GridSearch(chi=(0.5,))}, "need --grid-search"),
    ({"measurement": Measurement(floor_repeats=3)}, "need --grid-search"),
    (SEARCH | {"film": 0}, "makes no film"),
    (SEARCH | {"preset": "paper"}, "takes no preset"),
    (SEARCH | {"output": ("npz",)}, "leave --output out"),
    (SEARCH | {"sampling": gbm.SamplingSettings(chi=0.9)}, "from --search"),
    (SEARCH | {"sampling": gbm.SamplingSettings(step_length=1e-4)}, "from --search"),
]
PRESETS = [
    (gbm.SamplingSettings(chi=0.9), "chi is set by --preset"),
    (gbm.SamplingSettings(num_steps=100), "num_steps is set by --preset"),
    (gbm.SamplingSettings(process="constant"), "process is set by --preset"),
    (gbm.SamplingSettings(sampler="ddim"), "no setting for mnist, ddim"),
    (gbm.SamplingSettings(start="data"), "start data"),
]
LISTS = [(n, v) for n in ("chi", "inner_steps", "step_length") for v in ((), (1, 1))]
MNIST = {"settings": gbm.SamplingSettings(), "dataset": "mnist"}
FEATURES = {"inception_weights": "classifier", "features_dir": "inception"}


@table(
    *(
        rows(changed, {}, *((field, value, f"^{field} must be") for value in values))
        for field, values in OUT_OF_RANGE.items()
    ),
    rows(
        changed,
        {},
        *(("std_min", v, r"std_min .* must be below std_max 7\.25") for v in (7.25, 9.0)),
    ),
    rows(
        stored,
        {},
        ("learning_rat", 0.5, "learning_rat"),
        ("sigma", "0.8", "wrong type"),
        *(("multipliers", value, "wrong type") for value in (2, [1, 2.5])),
        ("seed", True, "wrong type"),
        ("out_dir", None, "wrong type"),
        ("times", "linear", "times must be one of"),
        ("clip_norm", -4.0, "clip_norm"),
    ),
    rows(together, {"settings": {}}, *(("settings", *row) for row in CONTRADICTIONS)),
    rows(command, {"options": {}}, *(("options", *row) for row in OF_A_COMMAND)),
    rows(with_preset, MNIST, *(("settings", *row) for row in PRESETS)),
    rows(with_preset, MNIST, ("dataset", "digits", "no setting for digits")),
    rows(GridSearch, {}, *((n, v, f"search.{n} must be different values") for n, v in LISTS)),
    *(
        rows(
            Measurement,
            {"features": features},
            (name, Path("run"), f"{name} is no option of --features {features}"),
        )
        for name, features in FEATURES.items()
    ),
)
def test_what_the_settings_refuse(refusal: Refusal) -> None:
    check(refusal)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "letters"),
        ("noise", "gaussian"),
        ("process", "vp"),
        ("resume", "always"),
        ("times", "linear"),
    ]
    + [("parameterisation", "score"), ("weighting", "edm"), ("precision", "float8")],
)
def test_a_word_that_is_no_choice_is_refused_by_its_field(field: str, value: str) -> None:
    # Past the constructor, where the tests' check of annotations would refuse the word first.
    config = copy.copy(EVERY_FIELD_CHANGED)
    config.__post_init__()
    config.__dict__[field] = value
    with pytest.raises(ValueError, match=f"^{field} must be one of .*, got '{value}'"):
        config.__post_init__()


def test_noise_range_of_both_processes() -> None:
    assert noise_range(THE_OTHERS) == (0.013, 7.25)
    # The constant process has v = sigma^2 t, from t = 1 / N (sheet E9) to t = 1.
    least, greatest = noise_range(EVERY_FIELD_CHANGED)
    assert least**2 == pytest.approx(0.65**2 / 77, rel=1e-15)
    assert greatest == 0.65


def test_only_budgets_places_and_names_may_differ_in_one_training() -> None:
    free = {"data_dir", "out_dir", "run_dir", "resume", "steps", "minutes", "metrics_images"}
    free |= {"preset", "micro_batch", "keep_last", "keep_every", "tensorboard", "samples_every"}
    free |= {"timeout_minutes", "log_every", "device", "compile", "initial_weights"}
    needs = {"sigma": {"process": "constant"}, "importance": {"weighting": "none"}}
    needs |= {"label_dropout": {"class_conditional": True}}
    needs |= dict.fromkeys(("range", "zeros", "image_size"), {"dataset": "npy"})
    for field in dataclasses.fields(gbm.TrainConfig):
        base = tiny_config(checkpoint_every=1, **needs.get(field.name, {}))
        value = getattr(ADDITIVE if field.name == "noise" else EVERY_FIELD_CHANGED, field.name)
        if value in (None, getattr(base, field.name)):
            continue
        changed = dataclasses.replace(base, **{field.name: value})
        assert same_training(base, changed) == (field.name in free), field.name
        free.discard(field.name)
    assert free == {"device"}, "not changed here, but by test_trainer.py"


def test_a_film_may_be_all_that_is_wanted() -> None:
    assert command({"output": (), "film": 0}).film == 0


def test_the_papers_tables_have_sixteen_rows_of_which_twelve_are_of_the_code() -> None:
    """Both samplers, four data sets, two starts; the spec has the same numbers, and where versions
    of the code disagree the first."""
    keys = {(p.dataset, p.sampler, p.start): p for p in PAPER}
    assert len(PAPER) == len(keys) == 16
    for (sampler, start), stated in SETTINGS.items():
        for dataset, ((length, inner, chi), *_) in stated.items():
            row = keys.pop((dataset, sampler, start))
            assert (row.inner_steps, row.chi) == (inner, chi)
            assert row.step_length == min(length, 1e-3)
            assert row.source == (CODED if length <= 1e-3 else CUT)
    assert {(sampler, start) for _, sampler, start in keys} == {("dale-langevin", "class-average")}
    assert {p.source for p in keys.values()} == {CHOSEN}
    assert {p.denoise_steps for p in PAPER if p.dataset == "cifar10"} == {TERMINAL_STEPS}
    assert {p.denoise_steps for p in PAPER if p.dataset != "cifar10"} == {0}


def test_a_preset_sets_the_constant_process_and_the_annealing() -> None:
    """Version 1, Appendix D.4, and the code; the number of images and the seed are the user's."""
    wanted = gbm.SamplingSettings(num_images=7, seed=3)
    paper = {"process": "constant", "sigma": 0.8, "num_steps": 1000, "chi": 0.995}
    first = paper | {"inner_steps": 3, "step_length": 2e-4}
    found = with_preset(wanted, "mnist", "paper-v1")
    assert found == (dataclasses.replace(wanted, **first), PUBLISHED)
    coded = paper | {"inner_steps": 1, "step_length": 6.16545e-4}
    assert with_preset(wanted, "mnist") == (dataclasses.replace(wanted, **coded), CODED)
    agnostic = gbm.SamplingSettings(sampler="sign-agnostic", start="class-average")
    settings, source = with_preset(agnostic, "cifar10")
    assert (settings.denoise_steps, source) == (25, CODED)
    coded_start = dataclasses.replace(agnostic, start="class-average-coded")
    expected = dataclasses.replace(settings, start="class-average-coded")
    assert with_preset(coded_start, "cifar10") == (expected, CODED)
    with pytest.raises(ValueError, match="paper-v1 has no setting for cifar10"):
        with_preset(agnostic, "cifar10", "paper-v1")


def test_every_row_of_the_presets_has_a_grid() -> None:
    for row in PAPER:
        settings = gbm.SamplingSettings(sampler=row.sampler, start=row.start)
        chosen, _ = with_preset(settings, row.dataset)
        assert len(gbm.annealed(
            chosen.levels, 1.0, chosen.step_length, chosen.inner_steps, chosen.chi,
            denoise_steps=chosen.denoise_steps,
        )) == 1000 * row.inner_steps + row.denoise_steps  # fmt: skip
