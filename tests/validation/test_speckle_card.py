"""Weights that restore, as a clone ships them: folder, card, and the command that finds them."""

from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from tests.support.cases import generator
from tests.support.fixtures import Patch
from validation import pretrained
from validation.speckle import card, photographs


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two steps of a small restorer."""
    clean = np.exp(generator("clean").normal(3, 0.5, (12, 16, 16))).astype(np.float32)
    np.save(tmp_path / "clean.npy", clean)
    config = gbm.TrainConfig(
        dataset="npy", data_dir=tmp_path / "clean.npy", noise="gamma", crop=16, width=4,
        multipliers=(1, 2), blocks=1, batch_size=4, steps=2, run_dir=tmp_path / "run",
        device="cpu", precision="float32",
    )  # fmt: skip
    gbm.train_run(config)
    return tmp_path / "run"


def test_the_folder_restores_and_its_card_says_what_it_is(
    run: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(card, "LOOKS", (4.0,))
    folder = pretrained.make(pretrained.Options(run, "speckle", tmp_path / "shipped"))
    text = (folder / "README.md").read_text()
    assert "| looks | camera | coins | astronaut | mean | in the band |" in text
    assert "--noise gamma --crop 16 --symmetries none" in text
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "config.json", "statistics.safetensors", "weights.safetensors",
    }  # fmt: skip
    monkeypatch.setenv("GBM_PRETRAINED", str(tmp_path / "shipped"))
    scene = torch.from_numpy(np.exp(generator("scene").standard_normal((20, 20))))
    found = gbm.restore_image(scene, gbm.load_pretrained("speckle"))
    assert found.estimate.shape == (1, 20, 20) and bool((found.low < found.high).all())


def test_the_list_of_photographs_is_whole() -> None:
    listed = photographs.listed()
    assert len(listed) == len({p.sha256 for p in listed}) == 171
    assert {p.registry for p in listed} == {"deb", "npm"} and all(p.version for p in listed)
    named = " ".join(photographs.LICENCES)
    packages = {p.package.removeprefix("startbootstrap").split("-img-")[0] for p in listed}
    packages = {package.removeprefix("lomiri-wallpapers") for package in packages}
    assert [package for package in packages if package not in named] == []


def test_squares_of_a_photograph(tmp_path: Path) -> None:
    from PIL import Image

    levels = np.arange(800 * 900, dtype=np.int64).reshape(800, 900) % 251
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "a.png")
    found = list(photographs.squares(tmp_path / "a.png"))
    assert len(found) == 4 * 4 + 2 * 2 and all(square.shape == (192, 192) for square in found)
    assert np.array_equal(found[0], levels[:192, :192])
    halved = levels[:384, :384].reshape(192, 2, 192, 2).mean((1, 3))
    assert np.abs(found[16] - halved).max() <= 0.5 + 1e-9
