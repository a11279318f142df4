"""The settings of a run as a JSON file, the same keys as the fields of `TrainConfig`."""

import dataclasses
import json
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from gbm_fast.settings.training import TrainConfig

_FIELDS = {field.name: field.type for field in dataclasses.fields(TrainConfig)}


class OtherSettingsError(ValueError):
    """Settings of another version: JSON as it should be, with other keys than this one has."""


# Settings that older records lack: what they did is the default.
_ADDED = (
    *("class_conditional", "label_dropout", "noise", "target_level", "initial_weights"),
    *("range", "zeros", "image_size", "crop", "symmetries", "least_looks", "most_looks"),
)


def to_json(config: TrainConfig) -> str:
    """The record as JSON, keys in the order of the class."""
    record = dataclasses.asdict(config)
    return json.dumps(
        {k: str(v) if isinstance(v, Path) else v for k, v in record.items()}, indent=2
    )


def from_json(text: str) -> TrainConfig:
    """The record from `to_json`; ValueError where the text is not one.

    OtherSettingsError, of its kind, where it lacks keys or has others. A setting that was added
    later, and whose default leaves a training as it was, may be missing.
    """
    settings = read_settings(text)
    missing = [name for name in _FIELDS if name not in settings and name not in _ADDED]
    if missing:
        raise OtherSettingsError(
            f"the configuration is not one of this version: it lacks {missing}."
        )
    return TrainConfig(**settings)


def read_settings(text: str) -> dict[str, Any]:
    """Some of the fields of `TrainConfig`, by name, from a JSON object.

    Raises ValueError where the text is no JSON object, or has a value of a wrong type, and
    OtherSettingsError, of its kind, where it has a key that is no setting. Ranges and
    contradictions are checked when the record is made.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of too many digits, nesting
        raise ValueError(f"the configuration is not JSON: {error}.") from error
    if not isinstance(record, dict):
        raise ValueError("the configuration is not a JSON object of settings.")
    unknown = sorted(set(record) - set(_FIELDS))
    if unknown:
        raise OtherSettingsError(f"the configuration has keys that are no settings: {unknown}.")
    return {name: _value(name, value, _FIELDS[name]) for name, value in record.items()}


def _value(name: str, value: object, annotation: object) -> object:
    """`value` as the type that the field has; ValueError where it is of another."""
    alternatives = (annotation,)
    if get_origin(annotation) in (types.UnionType, Union):
        alternatives = get_args(annotation)
    for kind in alternatives:
        if get_origin(kind) is Literal:
            if value in get_args(kind):
                return value
            if isinstance(value, str):
                words = ", ".join(get_args(kind))
                raise ValueError(f"{name} must be one of {words}, got {value!r}.")
        elif get_origin(kind) is tuple:
            if isinstance(value, list) and all(type(item) is int for item in value):
                return tuple(value)
        elif kind is Path and isinstance(value, str):
            return Path(value)
        elif kind is float and type(value) in (int, float):
            return value
        elif kind in (bool, int, str, type(None)) and type(value) is kind:
            return value
    raise ValueError(f"{name} has a value of a wrong type, {value!r}.")


# What may change when a run goes on: its length, places and names, what is kept or shown, and what
# computes it, to the rounding of another device or compiler. Precision is no such thing. The data
# and the initial weights are compared by their content, wherever they are.
_FREE = (
    *("preset", "steps", "minutes", "resume", "out_dir", "run_dir", "metrics_images"),
    *("keep_last", "keep_every", "log_every", "tensorboard", "samples_every"),
    *("device", "compile", "micro_batch", "timeout_minutes", "data_dir"),
    "initial_weights",
)


def same_training(first: TrainConfig, second: TrainConfig) -> bool:
    """Whether two settings differ only in what may change when a run goes on."""
    return differences(first, second) == ""


def differences(first: TrainConfig, second: TrainConfig) -> str:
    """The settings that make two trainings different ones, as `name old, now new; ...`."""
    names = [f.name for f in dataclasses.fields(TrainConfig) if f.name not in _FREE]
    pairs = [(name, getattr(first, name), getattr(second, name)) for name in names]
    return "; ".join(f"{name} {old}, now {new}" for name, old, new in pairs if old != new)


def shared_settings(text: str, config: TrainConfig) -> bool:
    """Whether settings of another version, a JSON object, have the values of `config`.

    Compared is what both have and what makes two trainings different ones.
    """
    stored, now = json.loads(text), json.loads(to_json(config))
    names = [name for name in now if name in stored and name not in _FREE]
    return "dataset" in names and all(stored[name] == now[name] for name in names)
