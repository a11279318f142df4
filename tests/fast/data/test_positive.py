"""Grey levels to positive numbers and back, and the check that every pixel is positive."""

import math

import pytest
import torch

from gbm_fast.checks import require_positive
from gbm_fast.data import integers_from_positive, positive_from_integers


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
    x = torch.full((2, 3, 4), 1.4)
    x[0, 1, 2] = 0.0
    x[0, 2, 0] = -0.7
    x[1, 0, 0] = -0.1
    x[1, 0, 1] = math.nan
    x[1, 1, 1] = math.inf
    x[1, 2, 3] = -math.inf
    with pytest.raises(ValueError) as error:
        require_positive(x, "train images")
    message = str(error.value)
    assert message.startswith("train images must be positive and finite")
    assert "1 zero, 2 negative, 1 NaN, 2 infinite of 24 entries" in message
    assert "first at index (0, 1, 2) (value 0.0)" in message


@pytest.mark.parametrize(
    ("bad", "kind"), [(0.0, "zero"), (-0.2, "negative"), (math.nan, "NaN"), (math.inf, "infinite")]
)
def test_one_bad_entry_is_enough_and_only_its_kind_is_named(bad: float, kind: str) -> None:
    x = torch.tensor([1.2, 1.9, bad])
    with pytest.raises(ValueError, match=rf"has 1 {kind} of 3 entries, the first at index \(2,\)"):
        require_positive(x, "x")
