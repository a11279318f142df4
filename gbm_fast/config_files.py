"""The settings of a run as a JSON file, the same keys as the fields of `TrainConfig`."""

import dataclasses
import json
from pathlib import Path

from gbm_fast.config import TrainConfig


def to_json(config: TrainConfig) -> str:
    """The record as JSON, keys in the order of the class."""
    record = dataclasses.asdict(config)
    return json.dumps(
        {k: str(v) if isinstance(v, Path) else v for k, v in record.items()}, indent=2
    )


def from_json(text: str) -> TrainConfig:
    """The record from `to_json`; ValueError where the text is not one, or has unknown keys."""
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the configuration is not JSON: {error}.") from error
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    if not isinstance(record, dict) or set(record) != known:
        differing = sorted(set(record) ^ known) if isinstance(record, dict) else []
        raise ValueError(
            f"the configuration is not one of this version: missing or unknown keys {differing}."
        )
    try:
        for name in ("data_dir", "out_dir", "run_dir"):
            record[name] = None if record[name] is None else Path(record[name])
        if record["multipliers"] is not None:
            record["multipliers"] = tuple(record["multipliers"])
        return TrainConfig(**record)
    except TypeError as error:
        raise ValueError(f"the configuration has a value of a wrong type: {error}.") from error
