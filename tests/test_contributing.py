"""CONTRIBUTING's lists of places: they exist, and a name with several is in all of them."""

import re
from pathlib import Path
from typing import get_args

import pytest

from gbm_fast.networks import __doc__ as networks
from gbm_fast.sampling.build import build_step
from gbm_fast.settings.combinations import SHAPES
from gbm_fast.settings.datasets import ImageName, ToyName
from gbm_fast.settings.sampling import SamplerName, SamplingSettings
from gbm_fast.settings.training import NetworkName, TrainConfig
from gbm_fast.settings.training_presets import preset_config, resolve
from gbm_fast.training.build import build_network
from tests.support.source_tree import ROOT
from validation.gate.reference import reference

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = ("step", "target", "claim", "data set", "network", "command")


def test_every_place_that_is_named_exists() -> None:
    places = set(re.findall(r"`((?:gbm_|tests|spec|validation|docs|\.ci)[\w./]*)`", TEXT))
    paths = {place for place in places if "/" in place and "NAME" not in place}
    assert len(paths) > 30
    assert {place for place in paths if not (ROOT / place).exists()} == set()


@pytest.mark.parametrize("what", SECTIONS)
def test_what_people_add_has_its_list_of_places(what: str) -> None:
    (section,) = re.findall(rf"^## Adding an? {what}\b.*?(?=^## )", TEXT, re.M | re.S)
    assert len(re.findall(r"^\d\. ", section, re.M)) >= 3
    assert len(re.findall(r"`[\w.]+/[\w./]*`", section)) >= 3


@pytest.mark.parametrize("sampler", get_args(SamplerName))
def test_a_sampler_has_its_step_and_its_counterpart_in_the_gate(sampler: str) -> None:
    settings = SamplingSettings(sampler=sampler, process="constant")  # type: ignore[arg-type]
    theirs = reference(TrainConfig(), settings).step
    assert type(build_step(settings)).__name__ == type(theirs).__name__


@pytest.mark.parametrize("network", [n for n in get_args(NetworkName) if n != "own"])
def test_a_network_has_its_shape_and_its_class(network: str) -> None:
    dataset = "lognormal-2d" if network == "mlp" else "cifar10"
    shape = {"mlp": (2,), "ncsn": (1, 28, 28)}.get(network, (3, 32, 32))
    times = "uniform" if network == "ncsn" else "log-normal"
    small = dict(width=32) | ({"blocks": 1} if "blocks" in SHAPES[network] else {})
    config = resolve(TrainConfig(dataset=dataset, network=network, times=times, **small))  # type: ignore[arg-type]
    assert f"`{type(build_network(config, shape)).__name__}(" in str(networks)


def test_every_data_set_has_its_presets_and_its_row() -> None:
    page = Path(ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert all(name in page for name in get_args(ImageName))
    for name in (*get_args(ImageName), *get_args(ToyName)):
        for preset in ("cpu", "gpu", "demo"):
            assert resolve(preset_config(preset, name)).dataset == name


def test_the_tests_that_the_pages_name_are_there() -> None:
    """A promise of docs/ stands beside the test that holds it, by path or by the file's name."""
    known = {path.name for path in ROOT.rglob("tests/**/test_*.py")}
    named = 0
    for page in sorted((ROOT / "docs").glob("*.md")):
        for place in re.findall(r"`([\w./]*test_\w+\.py)`", page.read_text(encoding="utf-8")):
            there = (ROOT / place).is_file() if "/" in place else place in known
            assert there, f"{page.name} names {place}"
            named += 1
    assert named > 30
