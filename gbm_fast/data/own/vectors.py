"""A table of positive numbers as a data set: `--dataset vectors --data-dir TABLE.csv`.

A row is an event, a column one of its numbers, in units of its own. A CSV file has commas,
semicolons or tabs between its numbers, and may have the columns' names in its first line; an array
(.npy) of shape (n, d) has none. Every tenth row is held out. What is generated comes back in the
units and columns of the table.
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.data.own.held_out import held_out, plain_name
from gbm_fast.data.own.values import ARRAY, settled
from gbm_fast.data.positive import LogScale, scale_of_columns
from gbm_fast.runtime.files import tensors_sha256
from gbm_fast.runtime.reading import decoding, open_regular, read_array
from gbm_fast.settings.datasets import Zeros

_DELIMITERS = ",;\t"


@dataclass(frozen=True, eq=False)
class VectorData:
    """Train and test vectors of one table, on the CPU.

    name          what tables and file names call it
    train, test   float32 (n, d), positive, in units of their own
    columns       d names, all different

    Raises ValueError for other shapes or types, a split of fewer than 2 vectors, numbers that are
    not positive, and names that do not tell the columns apart.
    """

    name: str
    train: Tensor
    test: Tensor
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        for split, values in (("train", self.train), ("test", self.test)):
            where = f"{self.name}, {split} split"
            shaped = values.ndim == 2 and values.shape[1] == len(self.columns) > 0
            if values.dtype != torch.float32 or not shaped or len(values) < 2:
                raise ValueError(
                    f"{where}: vectors must be torch.float32 (n, {len(self.columns)}), a number "
                    f"for each column and n of 2 or more, found {values.dtype} "
                    f"{tuple(values.shape)}."
                )
            require_positive(values, f"{where}: vectors")
        if len(set(self.columns)) < len(self.columns) or not all(self.columns):
            raise ValueError(
                f"{self.name}: the columns are called {', '.join(self.columns)}: names must not "
                "be empty, and all different."
            )

    @cached_property
    def scale(self) -> LogScale:
        """The scale of each column of the training vectors.

        Raises ValueError where all numbers of a column are alike.
        """
        return scale_of_columns(self.train, self.columns)

    def positive(self, values: Tensor) -> Tensor:
        """The state x of vectors of this table, float32, of their shape."""
        return self.scale.states(values)

    @cached_property
    def train_sha256(self) -> str:
        """SHA-256 of the training vectors and the columns: what a training is of."""
        return self._sha256(self.train)

    @cached_property
    def test_sha256(self) -> str:
        """SHA-256 of the test vectors and the columns."""
        return self._sha256(self.test)

    def _sha256(self, values: Tensor) -> str:
        return tensors_sha256({"vectors": values}, "\n".join(self.columns).encode())


def load_vectors(path: Path | str | None, zeros: Zeros = "refuse") -> VectorData:
    """The vectors of one table, a CSV file or an array.

    zeros   what becomes of zeros and missing numbers: `refuse`, or `floor`, the least positive
            number of the column in their place

    Raises ValueError, with the path, for no path, a damaged file, another shape, a cell that is no
    number, rows of different lengths, fewer than twenty rows, and zeros that are refused, negative
    or infinite numbers.
    """
    if path is None:
        raise ValueError("vectors are your own: say where with --data-dir, TABLE.csv or .npy.")
    path = Path(path).expanduser()
    if path.suffix.lower() == ARRAY:
        array = read_array(path, None, lambda shape, dtype: None)
        if array.ndim != 2 or array.dtype.kind not in "uif":
            raise ValueError(
                f"{path} holds {array.dtype} of shape {array.shape}: a table is (n, d) numbers, a "
                "row for each vector."
            )
        columns = tuple(f"x{i + 1}" for i in range(array.shape[1]))
    else:
        columns, array = _read_csv(path)
    if len(array) < 20:
        raise ValueError(
            f"{path} has {len(array)} rows: 20 or more are needed, of which every tenth is held "
            "out for testing."
        )
    values = torch.from_numpy(settled(array, zeros, str(path)))
    is_test = held_out(len(values), str(path))
    return VectorData(plain_name("vectors", path.stem), values[~is_test], values[is_test], columns)


def _read_csv(path: Path) -> tuple[tuple[str, ...], NDArray]:
    """The names of the columns and the numbers, NaN for an empty cell."""
    with open_regular(path) as file, decoding(path, "a table", "save it as UTF-8 text"):
        lines = file.read().decode("utf-8-sig").splitlines()
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not filled:
        raise ValueError(f"{path} is empty: a table has a row for each vector.")
    delimiter = max(_DELIMITERS, key=filled[0][1].count)
    rows = [(number, _cells(line, delimiter)) for number, line in filled]
    first = rows[0][1]
    named = not all(_is_number(cell) for cell in first)
    columns = tuple(first) if named else tuple(f"x{i + 1}" for i in range(len(first)))
    numbers = [_numbers(path, number, cells, columns) for number, cells in rows[named:]]
    return columns, np.array(numbers, dtype=np.float64).reshape(-1, len(columns))


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _numbers(path: Path, line: int, cells: list[str], columns: tuple[str, ...]) -> list[float]:
    if len(cells) != len(columns):
        raise ValueError(
            f"{path}, line {line}: {len(cells)} cells, and the first line has {len(columns)}: "
            "give every row the same columns."
        )
    for cell, column in zip(cells, columns, strict=True):
        if not _is_number(cell):
            raise ValueError(
                f"{path}, line {line}: {column} is {cell[:40]!r}, which is no number: a table has "
                "numbers alone, with a point for decimals."
            )
    return [float(cell or "nan") for cell in cells]
