"""Settings that are a choice of words, or a path, in Python as on the command line."""

import dataclasses
from pathlib import Path
from typing import Any, Literal, get_args, get_origin


def _choices(annotation: object) -> tuple[object, ...]:
    """The words and None that an annotation allows; empty where it is no choice of words."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    literals = [part for part in get_args(annotation) if get_origin(part) is Literal]
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
