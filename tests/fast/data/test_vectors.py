"""Tables of positive numbers: CSV files and arrays, their columns and their units."""

from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.data.positive import scale_of_columns
from tests.support.fixtures import Shown

VALUES = (np.arange(60).reshape(20, 3) * 7 % 59 + 1) * np.array([0.25, 100.0, 3.0])
IS_TEST = np.arange(20) % 10 == 9
NAMES = ("mass (kg)", "price, net", "x")


def table(path: Path, delimiter: str = ",", header: bool = True, ending: str = "\n") -> Path:
    quoted = [f'"{name}"' for name in NAMES]
    lines = [delimiter.join(quoted)] if header else []
    lines += [delimiter.join(f" {value:.17g}" for value in row) for row in VALUES]
    path.write_bytes((ending.join(lines) + ending).encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(("header", "ending"), [(True, "\n"), (False, "\r\n")])
def test_the_numbers_of_a_table_as_they_are(
    tmp_path: Path, delimiter: str, header: bool, ending: str
) -> None:
    data = gbm.load_vectors(table(tmp_path / "my table.csv", delimiter, header, ending))
    assert data.columns == (NAMES if header else ("x1", "x2", "x3"))
    assert data.name == "vectors-my-table" and data.train.dtype == torch.float32
    assert np.array_equal(data.train.numpy(), VALUES[~IS_TEST].astype(np.float32))
    assert np.array_equal(data.test.numpy(), VALUES[IS_TEST].astype(np.float32))


@pytest.mark.parametrize("kind", [np.float64, np.int32, ">f4"])
def test_an_array_is_the_same_table(tmp_path: Path, kind: str) -> None:
    array = (4 * VALUES).astype(kind)
    np.save(tmp_path / "x.npy", array)
    data = gbm.load_vectors(str(tmp_path / "x.npy"))
    assert data.columns == ("x1", "x2", "x3")
    assert np.array_equal(data.train.numpy(), (4 * VALUES)[~IS_TEST].astype(np.float32))


def test_empty_cells_and_zeros_need_a_word(tmp_path: Path, capsys: Shown) -> None:
    text = table(tmp_path / "x.csv").read_text().splitlines()
    text[3] = "0," + text[3].split(",", 1)[1]
    text[5] = text[5].rsplit(",", 1)[0] + ","
    (tmp_path / "x.csv").write_text("\n".join(text))
    with pytest.raises(ValueError, match=r"1 zeros and 1 missing values \(NaN\) among 60"):
        gbm.load_vectors(tmp_path / "x.csv")
    data = gbm.load_vectors(tmp_path / "x.csv", zeros="floor")
    both = torch.cat([data.train, data.test])
    rest = [both[both[:, i] > 0, i].min() for i in range(3)]
    assert float(data.train[2, 0]) == float(rest[0]) and float(data.train[4, 2]) == float(rest[2])
    assert float(rest[0]) != float(rest[2]), "each column has a floor of its own"
    assert "2 of 60 numbers were zero or missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: "", "x.csv is empty"),
        (lambda t: t.replace(" 5.5,", " 5.5,1,", 1), "line 3: 4 cells, and the first line has 3"),
        (
            lambda t: t.replace(" 5.5,", " red,", 1),
            "line 3: mass .kg. is 'red', which",
        ),
        (lambda t: t.replace(" 5.5,", " -5.5,", 1), "numbers that are negative"),
        (lambda t: t.replace(" 5.5,", " inf,", 1), "numbers that are infinite"),
        (lambda t: "\n".join(t.splitlines()[:20]), "x.csv has 19 rows: 20 or more are needed"),
        (lambda t: t.replace('"x"', '"mass (kg)"'), "names must not be empty, and all different"),
        (lambda t: t.replace('"x"', '""'), "names must not be empty, and all different"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, change: object, message: str) -> None:
    path = table(tmp_path / "x.csv")
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=message):
        gbm.load_vectors(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="say where with --data-dir, TABLE.csv"):
        gbm.load_vectors(None)
    with pytest.raises(ValueError, match="does not exist"):
        gbm.load_vectors(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(ValueError, match="x.csv cannot be read as a table"):
        gbm.load_vectors(tmp_path / "x.csv")
    for array in (VALUES[0], VALUES[None], VALUES + 1j):
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(ValueError, match=r"a table is \(n, d\) numbers"):
            gbm.load_vectors(tmp_path / "x.npy")


def test_each_column_has_a_scale_of_its_own() -> None:
    values = torch.from_numpy(VALUES).float()
    scale, logs = scale_of_columns(values, NAMES), np.log(VALUES)
    assert np.allclose(scale.log_means, logs.mean(0), rtol=1e-6)
    assert np.allclose(scale.log_stds, logs.std(0), rtol=1e-6)
    x = scale.states(values).log().numpy()
    assert np.allclose(x, (logs - logs.mean(0)) / logs.std(0), atol=2e-6)
    assert torch.allclose(scale.values(scale.states(values)), values, rtol=2e-6)
    values[:, 1] = 3.0
    with pytest.raises(ValueError, match="all numbers of the column price, net are alike"):
        scale_of_columns(values, NAMES)


def test_vectors_in_python_are_checked() -> None:
    values = torch.from_numpy(VALUES).float()
    data = gbm.VectorData("mine", values[:15], values[15:], NAMES)
    assert torch.equal(data.positive(values), data.scale.states(values))
    other = gbm.VectorData("mine", values[:15], values[15:], ("a", "b", "c"))
    assert data.train_sha256 != other.train_sha256, "the columns belong to the data"
    for train, columns, message in (
        (values[:15].double(), NAMES, "train split: vectors must be torch.float32"),
        (values[:15, :2], NAMES, "a number for each column"),
        (values[:1], NAMES, "n of 2 or more"),
        (-values[:15], NAMES, "train split: vectors"),
        (values[:15], ("a", "a", "b"), "all different"),
    ):
        with pytest.raises(ValueError, match=message):
            gbm.VectorData("mine", train, values[15:], columns)
