"""Which folder a training writes in: a new one, or that of a training that it goes on with.

A training is never begun anew in silence where one with its settings has been under way: what
stands in the way (a damaged file, files of another version) is said, with the command that goes on
or begins anew.
"""

import json
import re
import warnings
from pathlib import Path
from shlex import quote
from typing import Any

from gbm_fast.runtime.folders import claim
from gbm_fast.settings.datasets import IN_PYTHON
from gbm_fast.settings.stored import OtherSettingsError, differences, from_json, shared_settings
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.checkpoints import has_trained, newest_facts
from gbm_fast.training.runs import RUN_FILES, read_config


def _numbered(out_dir: Path) -> list[tuple[int, Path]]:
    found = out_dir.iterdir() if out_dir.is_dir() else iter(())
    matches = [(re.match(r"(\d{5})-", path.name), path) for path in found if path.is_dir()]
    return sorted((int(match[1]), path) for match, path in matches if match)


def begun_settings(folder: Path) -> TrainConfig:
    """The settings of the training in `folder`: of config.json, or else of its newest checkpoint.

    Warns where they are not from config.json, which is damaged or missing. Raises ValueError where
    neither can be read, and OtherSettingsError, of its kind, where they are of another version.
    """
    try:
        return read_config(folder)
    except OtherSettingsError:
        raise
    except ValueError as error:
        facts = newest_facts(folder)
        if facts is None:
            raise ValueError(
                f"{error} No checkpoint in {folder} can be read either: put a copy of its "
                "config.json back, or move the folder away."
            ) from error
        warnings.warn(f"{error} The settings are taken from its newest checkpoint.", stacklevel=2)
        return from_json(json.dumps(facts["config"]))


def _is_this(folder: Path, config: TrainConfig, data: dict[str, Any]) -> bool:
    """Whether the training in `folder`, which has begun, is the one with these settings and data.

    Raises ValueError where that cannot be known, or where another version began it.
    """
    try:
        begun = begun_settings(folder)
    except OtherSettingsError as error:
        if not shared_settings((folder / "config.json").read_text(), config):
            return False
        raise ValueError(
            f"the training in {folder} has these settings and was begun by another version of "
            f"gbm-diffusion ({error}) Go on with that version, or begin anew in a folder of its "
            f"own, with --run-dir."
        ) from error
    if differences(begun, config):
        return False
    facts = newest_facts(folder) or data
    then = facts.get("train_sha256")
    same = then is None or then == data.get("train_sha256", then)
    return same and facts.get("began_from", []) == data.get("began_from", [])


def run_folder(config: TrainConfig, data: dict[str, Any]) -> Path:
    """The folder that a training with these settings and data writes to, made where it is new.

    data   the facts of the batches, and as `began_from` the ledger of the initial weights

    Raises ValueError where a given folder holds a run of other settings, or holds a run and
    `resume` is "never", or has files of somebody else's in the places of ours; and where a
    training that would be continued is damaged beyond that, or of another version.
    """
    if config.run_dir is not None:
        _require_same_run(config.run_dir, config)
        _claim(config.run_dir)
        return config.run_dir
    numbered = _numbered(config.out_dir)
    if config.resume == "auto":
        for _, path in reversed(numbered):
            if has_trained(path) and _is_this(path, config, data):
                _claim(path)
                return path
    return _new_folder(config, numbered[-1][0] + 1 if numbered else 0)


def _new_folder(config: TrainConfig, number: int) -> Path:
    while True:
        folder = config.out_dir / f"{number:05d}-{config.dataset}-{config.process}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # another training that started at this moment has taken it
            if folder.parent.is_dir():
                number += 1
                continue
            raise ValueError(f"{config.out_dir} is no folder: choose another --out-dir.") from None
        except OSError as error:
            raise ValueError(f"the run folder {folder} cannot be made: {error}.") from error
        _claim(folder)
        return folder


def _claim(folder: Path) -> None:
    claim(folder, "run", RUN_FILES, "choose another folder for the run", lambda: _is_run(folder))


def _is_run(folder: Path) -> bool:
    """Whether a folder without a mark has a run, of a version without marks."""
    try:
        begun_settings(folder)
    except OtherSettingsError:
        return True
    except (ValueError, OSError):
        return False
    return True


def _command(folder: Path, processes: int) -> str:
    launch = "python" if processes == 1 else f"torchrun --nproc-per-node {processes}"
    separator = "" if processes == 1 else " --"
    config = quote(str(folder / "config.json"))
    return f"{launch} -m gbm_fast.train{separator} --config {config} --run-dir"


def continuing(folder: Path, processes: int = 1) -> str:
    """The command that goes on with the training in `folder`."""
    try:
        settings = read_config(folder)
    except ValueError:
        return "the command that began it, with --resume auto"
    if settings.network == "own" or settings.dataset in IN_PYTHON:
        return (
            f'gbm_fast.train_run(...) with run_dir=Path("{folder}"), resume="auto" and the same '
            "settings, data and network"
        )
    return f"{_command(folder, processes)} {quote(str(folder))} --resume auto"


def _require_same_run(folder: Path, config: TrainConfig) -> None:
    """Raise ValueError where `folder` holds a run that a training with these settings is not."""
    begun = has_trained(folder)
    if not begun and not (folder / "config.json").exists():
        return
    if not begun and not _is_run(folder):
        return  # what it holds is not ours, which `claim` says
    if config.resume == "never":
        raise ValueError(
            f"{folder} already holds a run: choose another folder, or go on with it: "
            f"{continuing(folder)}"
        )
    different = differences(begun_settings(folder), config)
    if different:
        raise ValueError(
            f"{folder} holds a run with other settings ({different}): choose another folder, or "
            f"go on with that run: {continuing(folder)}"
        )
