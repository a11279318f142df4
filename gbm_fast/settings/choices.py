"""What every record of settings checks, in Python as in commands: words, paths and numbers."""

import dataclasses
import math
import numbers
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin


def _choices(annotation: object) -> tuple[object, ...]:
    """The words and None that an annotation allows; empty where it is no choice of words alone."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    literals = [part for part in get_args(annotation) if get_origin(part) is Literal]
    if float in get_args(annotation):
        return ()
    return (*get_args(literals[0]), None) if literals else ()


def check_choices(record: Any) -> None:  # noqa: ANN401
    """Raise ValueError unless every choice of words in a dataclass's instance is one of them."""
    for field in dataclasses.fields(record):
        choices, value = _choices(field.type), getattr(record, field.name)
        given = value if get_origin(field.type) is tuple else (value,)
        for word in given if choices else ():
            if word not in choices:
                words = ", ".join(str(choice) for choice in choices if choice is not None)
                raise ValueError(f"{field.name} must be one of {words}, got {word!r}.")


def expand_paths(record: Any) -> None:  # noqa: ANN401
    """Put the home folder in the place of a leading ~ in every path of a frozen record.

    No shell does that for --out-dir=~/runs, for a path in a JSON file, or for one in Python.
    Raises ValueError where there is no such home folder.
    """
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Path):
            try:
                object.__setattr__(record, field.name, value.expanduser())
            except RuntimeError as error:
                raise ValueError(
                    f"{field.name} {value} names no home folder: write the path out."
                ) from error


def check_numbers(record: Any) -> None:  # noqa: ANN401
    """Make plain numbers of a dataclass's instance, or raise ValueError.

    A count is an integer, and True is none; every other number is finite. NumPy's numbers, which
    no JSON file takes, become Python's.
    """
    for field in dataclasses.fields(record):
        kinds = _kinds(field.type)
        if not kinds & {int, float}:
            continue
        value = getattr(record, field.name)
        if isinstance(value, tuple):
            plain: object = tuple(_number(field.name, item, kinds) for item in value)
        else:
            plain = _number(field.name, value, kinds)
        object.__setattr__(record, field.name, plain)


def _kinds(annotation: object) -> set[object]:
    """The types that a value, or an element of a list, may have."""
    parts = {annotation}
    if get_origin(annotation) is tuple:
        parts = {get_args(annotation)[0]}
    found: set[object] = set()
    for part in parts:
        union = get_origin(part) in (Union, types.UnionType)
        for kind in get_args(part) if union else (part,):
            found |= _kinds(kind) if get_origin(kind) is tuple else {kind}
            found |= {type(word) for word in get_args(kind) if get_origin(kind) is Literal}
    return found


def _number(name: str, value: Any, kinds: set[object]) -> Any:  # noqa: ANN401
    """`value` as a plain number, or as it is where it is None or a text that is allowed."""
    if value is None and type(None) in kinds or isinstance(value, str) and str in kinds:
        return value
    if isinstance(value, bool):
        if bool in kinds:
            return value
    elif isinstance(value, numbers.Integral):
        return int(value)
    elif float in kinds and isinstance(value, numbers.Real):
        if math.isfinite(value):
            return float(value)
        raise ValueError(f"{name} must be a positive finite number, got {value}.")
    what = "a number" if float in kinds else "an integer"
    raise ValueError(f"{name} must be {what}, got {value!r}.")
