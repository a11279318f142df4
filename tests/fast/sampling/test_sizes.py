"""Samples of other sizes than those of the training, of networks that see to a reach only."""

from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.settings.commands import EvaluateConfig
from tests.support.cases import generator
from tests.support.fixtures import Folders, Patch

SETTINGS = gbm.SamplingSettings(sampler="ddim", num_steps=3, num_images=2, seed=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> gbm.Run:
    """A local network trained for three steps on pieces of intensities."""
    root = tmp_path_factory.mktemp("sizes")
    np.save(root / "a.npy", np.exp(generator("sizes").normal(2, 0.4, (12, 20, 24))))
    config = gbm.TrainConfig(
        dataset="npy", data_dir=root / "a.npy", network="local", crop=12, width=4, blocks=1,
        multipliers=(1, 2), batch_size=4, steps=3, warmup_steps=1, learning_rate=0.01,
        run_dir=root / "run", device="cpu", precision="float32", metrics_images=0,
    )  # fmt: skip
    return gbm.train_run(config)


def sized(size: int | None) -> gbm.SamplingSettings:
    return gbm.SamplingSettings(**(vars(SETTINGS) | {"image_size": size}))


def test_samples_have_the_size_that_is_asked_for(run: gbm.Run) -> None:
    assert run.sampler(SETTINGS)().shape == (2, 1, 12, 12)
    larger = run.sampler(sized(40))()
    assert larger.shape == (2, 1, 40, 40) and bool((larger > 0).all())


def test_tiles_make_the_sample_of_the_whole_image(run: gbm.Run, monkeypatch: Patch) -> None:
    """With the same noise, in float32 to a few roundings of the network's sums."""
    whole = run.sampler(sized(70))()
    monkeypatch.setattr("gbm_fast.networks.tiles.TILE", 16)
    monkeypatch.setattr("gbm_fast.networks.tiles.TiledNetwork.__init__.__defaults__", (16,))
    tiles = run.sampler(sized(70))()
    assert torch.allclose(tiles, whole, rtol=1e-4)


def test_other_networks_and_starts_have_one_size(run: gbm.Run) -> None:
    with pytest.raises(ValueError, match="image_size needs a run with --network local"):
        gbm.load_pretrained("digits").sampler(sized(16))
    settings = vars(sized(16)) | {"start": "data"}
    with pytest.raises(ValueError, match="and --start lognormal or lognormal-averages"):
        run.sampler(gbm.SamplingSettings(**settings))


def test_distances_are_of_the_trainings_size() -> None:
    with pytest.raises(ValueError, match="leave image_size out"):
        EvaluateConfig(Path("RUN"), sampling=sized(16))
