"""Every setting of a sampler has an effect: two values of it whose samples differ. A setting
without a row fails, and so does one whose two values do the same."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

import gbm_fast as gbm
from gbm_fast.data.statistics import law_statistics
from gbm_fast.sampling.batching import batches
from tests.support.hand_runs import LAW
from tests.support.small_colour import Told
from tests.support.tiny_runs import tiny_config

CONSTANT = {"process": "constant", "sigma": 0.6}


class Row(NamedTuple):
    """Two values of a setting, and the settings that both are beside."""

    first: object
    second: object
    beside: dict[str, object] = {}  # noqa: RUF012


def on_a_law() -> gbm.Run:
    """A run on a law that has not been trained."""
    model = gbm.ScoreModel(Told(2), gbm.Denoiser(0.1, 0.6), 0.1, 0.6).eval().requires_grad_(False)
    config = tiny_config(
        dataset="lognormal-2d", network=None, width=8, blocks=None, patch_size=None,
        class_conditional=True, label_dropout=0.2,
    )  # fmt: skip
    rest = torch.device("cpu"), (2,), law_statistics(LAW), None, 2, LAW
    return gbm.Run(Path(), config, model, *rest)


ON_LAW = on_a_law()
OF_SAMPLING: dict[str, Row] = {
    "sampler": Row("dale-langevin", "ancestral"),
    "process": Row("run", "constant"),
    "sigma": Row(0.8, 0.7, {"process": "constant"}),
    "start": Row("lognormal", "class-average"),
    "num_steps": Row(2, 3),
    "inner_steps": Row(1, 2, CONSTANT),
    "chi": Row(1.0, 0.9),
    "kappa": Row(1.0, 0.5, {"sampler": "marginal-preserving"}),
    "churn": Row(0.0, 0.3, {"sampler": "ddim"}),
    "step_length": Row(None, 0.1, CONSTANT),
    "denoise_steps": Row(0, 1, CONSTANT),
    "label": Row(0, 1),
    "guidance": Row(1.0, 2.0),
    "num_images": Row(3, 4),
    "seed": Row(0, 1),
    "batch_size": Row(256, 2),
}


def samples(**settings: object) -> list[list]:
    """Batch by batch."""
    chosen = gbm.SamplingSettings(**({"num_steps": 2, "num_images": 3} | settings))
    wanted = batches(range(chosen.num_images), chosen.batch_size)
    made = gbm.Sampler(ON_LAW, chosen).batches(wanted, False)
    return [part.x.tolist() for _, part in made]


@pytest.mark.parametrize("name", OF_SAMPLING)
def test_a_setting_of_the_sampler_has_an_effect(name: str) -> None:
    first, second, beside = OF_SAMPLING[name]
    one, other = (samples(**(beside | {name: value})) for value in (first, second))
    assert one != other


@pytest.mark.parametrize("beside", [{}, CONSTANT])
def test_the_same_settings_have_the_same_samples(beside: dict[str, object]) -> None:
    """Otherwise the test above would see a difference where there is none."""
    assert samples(**beside) == samples(**beside)


def test_every_setting_has_two_values() -> None:
    found = {field.name for field in dataclasses.fields(gbm.SamplingSettings)}
    # The size is one of images: tests/fast/sampling/test_sizes.py.
    assert found - {"image_size"} == OF_SAMPLING.keys()


def test_labels_are_below_the_number_of_classes() -> None:
    """The number of classes itself is none of them."""
    x, told = torch.full((2, 2), 1.3), torch.tensor([0, 1])
    assert ON_LAW.score(x, 0.5, told).shape == (2, 2)
    for bad in ([0, 2], [-1, 0]):
        with pytest.raises(ValueError, match=r"labels must be 2 integers in 0\.\.1"):
            ON_LAW.score(x, 0.5, torch.tensor(bad))
