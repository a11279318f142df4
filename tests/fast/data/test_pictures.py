"""Grey levels to positive numbers and back; pictures: where each image lands, files are whole."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.data import integers_from_positive, positive_from_integers
from gbm_fast.data.pictures import save_panels, save_png, tile
from tests.support.cases import torch_generator
from tests.support.fixtures import Patch


def levels(count: int, channels: int = 1, max_value: int = 255) -> Tensor:
    """Random integer images (count, channels, 3, 2), all different."""
    generator = torch_generator("pictures", str(count), str(channels))
    size = (count, channels, 3, 2)
    return torch.randint(max_value + 1, size, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("gap", [0, 1, 2])
def test_each_image_is_where_it_belongs(gap: int, channels: int) -> None:
    """Seven images in three columns: read row by row, the rest and the gaps white."""
    images = levels(7, channels)
    canvas = tile(positive_from_integers(images, 255), 3, 255, gap)
    canvas = canvas.reshape(*canvas.shape[:2], channels)
    assert canvas.shape == (9 + 2 * gap, 6 + 2 * gap, channels)
    left = canvas.copy()
    for i in range(7):
        rows = slice(i // 3 * (3 + gap), i // 3 * (3 + gap) + 3)
        columns = slice(i % 3 * (2 + gap), i % 3 * (2 + gap) + 2)
        assert np.array_equal(canvas[rows, columns], images[i].permute(1, 2, 0).numpy())
        left[rows, columns] = 255
    assert bool((left == 255).all())


def test_grey_values_are_spread_over_eight_bits() -> None:
    """Digits have 17 levels: k becomes round(255 k / 16)."""
    images = torch.arange(17, dtype=torch.uint8).reshape(17, 1, 1, 1)
    canvas = tile(positive_from_integers(images, 16), 17, 16, 0)
    assert canvas[0].tolist() == [round(255 * k / 16) for k in range(17)]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_is_read_back_as_it_was(tmp_path: Path, channels: int) -> None:
    pixels = tile(positive_from_integers(levels(4, channels), 255), 2, 255)
    save_png(tmp_path / "grid.png", pixels, scale=3)
    with Image.open(tmp_path / "grid.png") as found:
        enlarged = np.asarray(found)
    assert np.array_equal(enlarged, np.kron(pixels, np.ones((3, 3, 1)[: pixels.ndim], np.uint8)))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: Patch) -> None:
    """Nothing is renamed onto the name before it is whole."""

    def full_disk(number: int) -> None:
        raise OSError("no space left")

    pixels = tile(positive_from_integers(levels(4), 255), 2, 255)
    save_png(tmp_path / "grid.png", pixels)
    before = (tmp_path / "grid.png").read_bytes()
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save_png(tmp_path / "grid.png", 255 - pixels)
    assert (tmp_path / "grid.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


def grid_columns(picture: np.ndarray) -> list[tuple[int, int]]:
    """Runs of columns with mid-grey pixels, which only the images have, in pixels."""
    filled = (np.abs(picture.astype(int) - 128) < 3).sum(0) > 20
    edges = np.flatnonzero(np.diff(np.concatenate([[0], filled.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def panel_runs(columns: list[tuple[int, int]], widest_gap: int) -> list[tuple[int, int]]:
    """The runs joined across gaps of up to `widest_gap` pixels."""
    joined = [columns[0]]
    for start, end in columns[1:]:
        if start - joined[-1][1] <= widest_gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


@pytest.mark.parametrize(("count", "across"), [(1, 1), (3, 3), (5, 3)])
def test_panels_stand_apart(tmp_path: Path, count: int, across: int) -> None:
    """Grey images: the panels of a row are told apart by gaps wider than those between images.
    Panels that touch, as they do without padding, come out as one run."""
    images = torch.full((64, 1, 8, 8), 1 + 128 / 255)
    label = "dale-langevin, start class-average, sigma 0.8, 1000 levels, L 5, chi 0.9995\nFréchet"
    save_panels(tmp_path / "samples.png", [(label, images)] * count, 255, "a title")
    with Image.open(tmp_path / "samples.png") as found:
        picture = np.asarray(found.convert("L"))
    columns = grid_columns(picture)
    assert len(columns) == 8 * across
    within = columns[1][0] - columns[0][1]
    runs = panel_runs(columns, within + 2)
    assert len(runs) == across
    assert all(b[0] - a[1] > 3 * within for a, b in zip(runs, runs[1:], strict=False))
    assert int((picture < 100).sum()) > 500, "the title and the labels"
    assert [path.name for path in tmp_path.iterdir()] == ["samples.png"]


@pytest.mark.parametrize("max_value", [255, 16, 4095, 65535])
def test_every_grey_level_survives_the_round_trip(max_value: int) -> None:
    """All of them, exactly: float32 in [1, 2] is fine enough for 16 bits; nothing is clipped."""
    levels = torch.arange(max_value + 1).to(torch.uint8 if max_value <= 255 else torch.uint16)
    x = positive_from_integers(levels, max_value)
    assert x.dtype == torch.float32
    assert torch.equal(integers_from_positive(x, max_value), levels)
    assert float(x[0]) == 1.0 and float(x[-1]) == 2.0
    exact = 1 + levels.to(torch.float64) / max_value
    assert float((x.to(torch.float64) - exact).abs().max()) <= torch.finfo(torch.float32).eps


def test_the_inverse_rounds_and_clips_and_refuses_nan() -> None:
    x = torch.tensor([-3.0, 0.2, 1.0 + 6.4 / 16, 1.0 + 6.6 / 16, 2.7, math.inf, -math.inf])
    expected = torch.tensor([0, 0, 6, 7, 16, 16, 0], dtype=torch.uint8)
    assert torch.equal(integers_from_positive(x, 16), expected)
    x = torch.tensor([[1.3, math.nan], [math.nan, 1.7]])
    with pytest.raises(ValueError, match="2 of 4 pixels are NaN"):
        integers_from_positive(x, 255)


def test_rescaled_images_are_not_rescaled_twice() -> None:
    with pytest.raises(ValueError, match="must be integers in 0..255, found torch.float32"):
        positive_from_integers(torch.tensor([0.25, 0.75]), 255)


@pytest.mark.parametrize("values", [[3, 17], [-1, 5]])
def test_grey_levels_out_of_range_are_refused(values: list[int]) -> None:
    with pytest.raises(ValueError, match=f"run from {values[0]} to {values[1]}, outside 0..16"):
        positive_from_integers(torch.tensor(values), 16)


@pytest.mark.parametrize("max_value", [0, -4, 65536])
def test_impossible_max_values_are_refused(max_value: int) -> None:
    with pytest.raises(ValueError, match=f"in 1..65535 .* found {max_value}"):
        positive_from_integers(torch.zeros(2, dtype=torch.uint8), max_value)
    with pytest.raises(ValueError, match=f"in 1..65535 .* found {max_value}"):
        integers_from_positive(torch.ones(2), max_value)


def test_positive_values_pass_down_to_the_smallest_float() -> None:
    require_positive(torch.tensor([[5e-324, 1.7], [1e300, 0.3]], dtype=torch.float64), "x0")


def test_the_message_counts_each_kind_and_names_the_first() -> None:
    x = torch.full((24,), 1.4)
    x[[6, 8, 12, 13, 17, 23]] = torch.tensor([0, -0.7, -0.1, math.nan, math.inf, -math.inf])
    x = x.reshape(2, 3, 4)
    with pytest.raises(ValueError) as error:
        require_positive(x, "train images")
    message = str(error.value)
    assert message.startswith("train images must be positive and finite")
    assert "1 zero, 2 negative, 1 NaN, 2 infinite of 24 entries" in message
    assert "first at index (0, 1, 2) (value 0.0)" in message


KINDS = [(0.0, "zero"), (-0.2, "negative"), (math.nan, "NaN"), (math.inf, "infinite")]


@pytest.mark.parametrize(("bad", "kind"), KINDS)
def test_one_bad_entry_is_enough_and_only_its_kind_is_named(bad: float, kind: str) -> None:
    x = torch.tensor([1.2, 1.9, bad])
    with pytest.raises(ValueError, match=rf"has 1 {kind} of 3 entries, the first at index \(2,\)"):
        require_positive(x, "x")
