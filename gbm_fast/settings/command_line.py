"""A record of settings as a command line: options in groups, real defaults, examples, --version.

A record is a frozen dataclass whose fields have docstrings. A setting that is None until something
else fills it in says by what at the end of its docstring, "(default: ...)", or has the value that
is filled in shown in its place. The records inside a record (how to sample, what to measure with)
lose their names on the way: their settings stand among the others.
"""

import ast
import contextlib
import dataclasses
import inspect
import os
import re
import shlex
import shutil
import signal
import sys
import textwrap
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from gbm_fast.settings.failures import sentence
from gbm_fast.settings.streams import lasting_streams
from gbm_fast.settings.version import VERSION

Record = TypeVar("Record")
_DEFAULT = re.compile(r"\s*\(default: (.*?)\)\.?$|\s*\(default: (.*?)\)", re.DOTALL)
_METAVARS = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH"}


class Group(NamedTuple):
    """Options under one heading: settings by name, "sampling.seed" for those of a record inside.

    prefixed   whether the option is called by the whole name, --search.chi
    """

    title: str
    settings: tuple[str, ...]
    prefixed: bool = False


class Command(NamedTuple):
    """A command: its module, a line on what it is for, options by group, examples, and notes.

    memory      which options need less memory, where there is not enough; a clause
    positional  settings whose values stand without the name of an option
    """

    module: str
    about: str
    groups: tuple[Group, ...]
    examples: tuple[str, ...]
    notes: str
    memory: str
    positional: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """What was typed to start it: the console script, or python -m."""
        typed = Path(sys.argv[0]).name
        return typed if typed.startswith("gbm-") else f"python -m {self.module}"


@cache
def _documentation(record: type) -> dict[str, str]:
    """The docstring of each field, its lines joined."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(record)))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
    found = {}
    for field, text in zip(body, body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            assert isinstance(field.target, ast.Name) and isinstance(text.value, ast.Constant)
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def _metavar(annotation: object) -> str | None:
    """How a value is to be typed; None where tyro says it well."""
    parts = [annotation]
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
    (kind,) = parts[:1]
    if kind is float and len(parts) == 2 and get_origin(parts[1]) is Literal:
        return f"FLOAT|{_metavar(parts[1])}"
    if get_origin(kind) is Literal:
        words = [word for word in get_args(kind) if not str(word).startswith("own")]
        return "{" + ",".join(str(word) for word in words) + "}"
    if get_origin(kind) is tuple and get_origin(get_args(kind)[0]) is not Literal:
        element = _metavar(get_args(kind)[0])
        return f"{element} [{element} ...]"
    return next((word for known, word in _METAVARS.items() if kind is known), None)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(_shown(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _option(
    record: object,
    setting: str,
    group: tuple[bool, bool],
    shown: Mapping[str, object],
    required: bool,
) -> tuple:
    """One field of the class that tyro is given; `group`: prefixed or not, positional or not."""
    import tyro

    owner, name = _owner(record, setting)
    (field,) = (f for f in dataclasses.fields(owner) if f.name == name)
    kind: type = type(owner)
    text, value = _documentation(kind)[name], getattr(owner, name)
    stated = _DEFAULT.search(text)
    words = _shown(shown.get(setting) if value is None else value)
    if stated is not None:
        text = _DEFAULT.sub("", text).rstrip(".") + "."
        words = stated[1] or stated[2] if words == "none" else words
    hint = "(required)" if required else f"(default: {words})"
    prefixed, positional = group
    option = (setting if prefixed else name).replace("_", "-")
    metavar = _metavar(field.type)
    settings = tyro.conf.arg(name=option, help=text, metavar=metavar, help_behavior_hint=hint)
    place = (tyro.conf.Positional,) if positional else ()
    annotation = Annotated[(field.type, settings, *place)]  # type: ignore[name-defined]
    attribute = setting.replace(".", "_")
    if required:
        return attribute, annotation
    return attribute, annotation, dataclasses.field(default=value)


def _owner(record: Any, setting: str) -> tuple[Any, str]:  # noqa: ANN401
    """The record that has a setting, and its name there."""
    *path, name = setting.split(".")
    for part in path:
        record = getattr(record, part)
    return record, name


def parse(
    command: Command,
    default: Record,
    arguments: Sequence[str],
    required: Sequence[str] = (),
    shown: Mapping[str, object] = types.MappingProxyType({}),
) -> Record:
    """`default` with what the arguments choose.

    required   settings that have no default, whatever `default` holds
    shown      what None stands for, by setting, where that is known

    Ends the process with status 0 for --help and --version, and 2 for options that do not exist or
    have no such value. Raises ValueError for settings out of range or that contradict each other.
    """
    if "--version" in arguments:
        print(f"gbm-diffusion {VERSION}")
        raise SystemExit(0)
    parts = []
    for group in command.groups:
        options = [
            _option(
                default,
                setting,
                (group.prefixed, setting in command.positional),
                shown,
                setting in required,
            )
            for setting in group.settings
        ]
        options.sort(key=len)  # those without a default come first
        parts.append((group.title, dataclasses.make_dataclass(group.title, options, frozen=True)))
    found = _asked(command, dataclasses.make_dataclass("Options", parts, frozen=True), arguments)
    chosen: dict[str, dict[str, Any]] = {}
    for group in command.groups:
        for setting in group.settings:
            path, _, name = setting.rpartition(".")
            value = getattr(getattr(found, group.title), setting.replace(".", "_"))
            chosen.setdefault(path, {})[name] = value
    return _rebuilt(default, chosen)


def _asked(command: Command, options: type, arguments: Sequence[str]) -> Any:  # noqa: ANN401
    """What tyro reads into the class `options`; notes and examples follow its --help."""
    import tyro

    try:
        return tyro.cli(
            tyro.conf.configure(tyro.conf.OmitArgPrefixes)(options),
            prog=command.program,
            description=command.about,
            args=arguments,
        )
    except SystemExit as left:
        if left.code == 0:
            notes = f"{command.notes} --version prints the version."
            print(textwrap.fill(notes, shutil.get_terminal_size().columns) + "\n\nexamples:")
            print("\n".join(f"  {example}" for example in command.examples))
        raise


def _rebuilt(default: Any, chosen: dict[str, dict[str, Any]]) -> Any:  # noqa: ANN401
    """`default` with the chosen values, those of the records inside first."""
    values = dict(chosen.get("", {}))
    for path in chosen:
        if path:
            values[path] = dataclasses.replace(getattr(default, path), **chosen[path])
    return dataclasses.replace(default, **values)


def run(command: Command, body: Callable[[], int]) -> int:
    """The exit status of a command's body; errors that a user can mend are one line on stderr.

    Text that the terminal's encoding lacks, or that nobody reads any more, ends no command. Ctrl-C
    is status 130, and SIGTERM 143 where no launcher of several processes is to end them.
    """
    with lasting_streams() as problems:
        status = _outcome(command, body)
    for problem in problems:
        where = "standard output cannot be written, and what it lacks is lost"
        if sys.stderr is not None and not sys.stderr.closed:
            print(f"error: {where}: {sentence(problem, command.memory)}", file=sys.stderr)
        status = status or 2
    return status


def _outcome(command: Command, body: Callable[[], int]) -> int:
    rank = os.environ.get("RANK") or "0"
    where = "" if rank == "0" else f"process {rank}: "
    try:
        with _termination_raised():
            return body()
    except (KeyboardInterrupt, _Terminated) as stop:
        again = shlex.join([*command.program.split(), *sys.argv[1:]])
        ended = isinstance(stop, _Terminated)
        how = "ended by SIGTERM" if ended else "stopped"
        print(
            f"\n{where}{how}; the same command goes on, or begins again: {again}",
            file=sys.stderr,
        )
        return 128 + (signal.SIGTERM if ended else signal.SIGINT)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("gbm_"):
            raise
        text = (
            f"{command.module} needs the package {error.name}: install the extra `fast`, "
            "pip install 'gbm-diffusion[fast]'."
        )
    except Exception as error:
        known = sentence(error, command.memory)
        if known is None:
            raise
        text = known
    print(f"{where}error: {text}", file=sys.stderr)
    return 2


class _Terminated(BaseException):
    """SIGTERM, as an exception that only the end of a command catches."""


@contextlib.contextmanager
def _termination_raised() -> Iterator[None]:
    """SIGTERM raises `_Terminated` in the body of a `with`.

    Not where somebody else has chosen what it does, nor under a launcher, which ends its processes
    by it and is not to wait for one that waits for another, nor outside the main thread, where
    Python sets no handlers.
    """

    def leave(number: int, frame: types.FrameType | None) -> None:
        raise _Terminated

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        and not os.environ.get("WORLD_SIZE")
    )
    if not ours:
        yield
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
