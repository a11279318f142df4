"""The restorer on laws that are known, and a small trained run, through Python and the command."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast import restore
from gbm_fast.gamma_noise import Z95, PixelLaws, gamma_log_moments
from gbm_fast.restoration.chain import looks_levels, reverse_speckle
from tests.fast.conftest import Command
from tests.support.cases import generator
from tests.support.fixtures import Folders

ONCE = gbm.RestorationSettings()


def linear_laws(logs: Tensor, looks: Tensor) -> PixelLaws:
    """Of log-normal pixels of deviation 1 under log-normal speckle of the same log-variance."""
    bias, v = (part.to(logs)[:, None, None, None] for part in gamma_log_moments(looks))
    mean, variance = (logs - bias) / (1 + v), v / (1 + v)
    moments = (mean + variance / 2).exp(), (mean / 2 + variance / 8).exp()
    std = variance.sqrt().expand_as(mean)
    ends = ((mean + z * std).exp() for z in (-Z95, Z95))
    return PixelLaws(mean, std, moments[1], moments[0], *ends)


RESTORER = gbm.Restorer(linear_laws, 1.0, 100.0, channels=0, unit=0.0)


def image(name: str, shape: tuple[int, ...] = (1, 12, 9)) -> Tensor:
    return torch.from_numpy(np.exp(generator(name).standard_normal(shape)))


@pytest.mark.parametrize("domain", ["intensity", "amplitude", "log"])
def test_one_evaluation_gives_the_law_in_the_domain(domain: str) -> None:
    y = image("one evaluation")
    given = {"intensity": y, "amplitude": y.sqrt(), "log": y.log()}[domain]
    found = RESTORER(given, replace(ONCE, domain=domain, looks=4.0))
    laws = linear_laws(y.log()[None].float(), torch.tensor([4.0], dtype=torch.float64))
    means = {"intensity": laws.mean, "amplitude": laws.root_mean, "log": laws.log_mean}
    assert torch.allclose(found.estimate, means[domain][0].double(), rtol=1e-5)
    assert bool((found.low < found.estimate).all() & (found.estimate < found.high).all())


def test_the_ratio_is_of_intensities() -> None:
    y = image("ratio")
    plain = RESTORER(y, replace(ONCE, estimate="median"))
    root = RESTORER(y.sqrt(), replace(ONCE, estimate="median", domain="amplitude"))
    assert torch.allclose(plain.ratio, y / plain.estimate, rtol=1e-6)
    assert torch.allclose(root.ratio, plain.ratio, rtol=1e-5)


def test_samples_of_a_seed_do_not_depend_on_how_many_there_are() -> None:
    y, settings = image("samples"), replace(ONCE, num_samples=20, num_steps=3, seed=5)
    found = RESTORER(y, settings)
    fewer = RESTORER(y, replace(settings, num_samples=2))
    assert found.samples is not None and fewer.samples is not None
    assert torch.equal(found.samples[:2], fewer.samples)
    assert torch.allclose(found.estimate, found.samples.mean(0))
    other = RESTORER(y, replace(settings, seed=6))
    assert other.samples is not None and not torch.equal(other.samples, found.samples)
    assert fewer.low.isnan().all() and found.low.isfinite().all()


def test_the_chain_by_hand() -> None:
    """One step and the last draw, written out with the same random numbers."""
    from gbm_fast.runtime.random import Stream, normal_events
    from gbm_fast.training.speckle import speckle_events

    y, levels = image("by hand", (1, 4, 4)).float(), looks_levels(2.0, 8.0, 1)
    z = normal_events(3, Stream.POSTERIOR, [7], range(2), (1, 4, 4))[0]
    gamma = 6 * speckle_events(3, Stream.RESTORE, 0, range(7, 8), torch.tensor([6.0]), (1, 4, 4))
    first = linear_laws(y.log()[None], torch.tensor([2.0], dtype=torch.float64))
    clean = (first.log_mean + first.log_std * z[0]).exp()
    x = (2 * y + clean * gamma) / 8
    last = linear_laws(x.log(), torch.tensor([8.0], dtype=torch.float64))
    expected = (last.log_mean + last.log_std * z[1]).exp()
    found = reverse_speckle(linear_laws, y, levels, 3, range(7, 8))
    assert torch.allclose(found, expected, rtol=1e-5)


def test_zeros_and_missing_pixels_come_back_as_they_were() -> None:
    y = image("zeros")
    y[0, 0, :3] = torch.tensor([0.0, torch.nan, torch.inf])
    found = RESTORER(y, ONCE)
    assert torch.equal(found.estimate[0, 0, :3].isnan(), torch.tensor([False, True, False]))
    assert found.estimate[0, 0, 0] == 0 and found.estimate[0, 0, 2] == torch.inf
    assert found.known.sum() == y.numel() - 3
    assert found.ratio[0, 0, :3].isnan().all() and found.ratio[0, 1:].isfinite().all()


@pytest.mark.parametrize(("given", "words"), [
    (torch.ones(3), "must have shape"), (torch.zeros(1, 4, 4), "no pixel above zero"),
    (-torch.ones(1, 4, 4), "are negative: intensity has none"),
])  # fmt: skip
def test_what_is_no_image_is_refused(given: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RESTORER(given, ONCE)


def test_looks_outside_the_training_are_refused() -> None:
    with pytest.raises(ValueError, match=r"was trained for 1 to 100 looks, not for 0\.5"):
        RESTORER(image("few looks"), replace(ONCE, looks=0.5))


@pytest.mark.parametrize(("settings", "words"), [
    ({"looks": 0.0}, "looks must be a positive number"),
    ({"num_samples": -1}, "num_samples must be 0 or more"), ({"tile": 0}, "tile 1 or more"),
    ({"estimate": "sample"}, "estimate sample needs samples"), ({"seed": 3}, "seed belongs to"),
    ({"num_steps": 5}, "num_steps belongs to samples"),
    ({"seed": 2**32, "num_samples": 1}, "seed must be in"),
])  # fmt: skip
def test_settings_out_of_range_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        gbm.RestorationSettings(**settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> Path:
    """Three steps of a small restorer on arrays of intensities."""
    root = tmp_path_factory.mktemp("speckle")
    clean = np.exp(generator("clean").normal(3, 0.5, (12, 24, 20))).astype(np.float32)
    np.save(root / "clean.npy", clean)
    config = gbm.TrainConfig(
        dataset="npy", data_dir=root / "clean.npy", noise="gamma", crop=16, symmetries="all",
        width=4, multipliers=(1, 2), blocks=1, batch_size=4, steps=3, warmup_steps=1,
        run_dir=root / "run", device="cpu", precision="float32",
    )  # fmt: skip
    gbm.train_run(config)
    return root / "run"


def test_a_trained_run_restores_in_any_units_and_size(run: Path) -> None:
    y = image("units", (30, 41))
    found = gbm.restore_image(y, gbm.load_run(run), looks=2.0)
    assert found.estimate.shape == (1, 30, 41)
    larger = gbm.restore_image(1e6 * y, gbm.load_run(run), looks=2.0)
    assert torch.allclose(larger.estimate, 1e6 * found.estimate, rtol=1e-4)
    two = gbm.restore_image(torch.stack([y, y]), gbm.load_run(run), looks=2.0)
    assert torch.allclose(two.estimate[1], found.estimate[0], rtol=1e-5)


def test_a_restorer_makes_no_samples_and_a_score_restores_nothing(run: Path) -> None:
    opened = gbm.load_run(run)
    with pytest.raises(ValueError, match=r"has learned to restore and no score: use gbm_fast\."):
        opened.sample(2)
    with pytest.raises(ValueError, match="no score: use restore_image"):
        opened.score(torch.ones(1, 1, 16, 16), 0.5)
    with pytest.raises(ValueError, match=r"and no restoration: train one with --noise gamma\."):
        gbm.restorer_of(gbm.load_pretrained("digits"))


def test_the_command_writes_what_is_asked_for_and_nothing_twice(
    run: Path, tmp_path: Path, command: Command
) -> None:
    path = tmp_path / "scene.tif"
    tifffile.imwrite(path, image("a scene", (20, 24)).numpy().astype(np.float32))
    out = tmp_path / "out"
    options = "--run", run, "--out", out, "--num-samples", 19, "--num-steps", 1, path
    done = command(restore.main, *options, "--output", "estimate", "band", "samples", "page")
    assert done.status == 0 and "scene.tif: looks 1\n" in done.out
    names = {p.name for p in out.iterdir()}
    assert names >= {"scene-estimate.tif", "scene-low.tif", "scene-high.tif"}
    assert {"scene-restored.png", "scene-samples-0018.tif"} <= names and len(names) == 23
    low, high = (tifffile.imread(out / f"scene-{part}.tif") for part in ("low", "high"))
    assert (low <= high).all()
    again = command(restore.main, *options)
    assert again.status == 2 and "is there already: choose another --out" in again.err


@pytest.mark.parametrize(("words", "said"), [
    ((), "no image is named"), (("a.tif", "b/a.png"), "two files are called a"),
    (("a.tif", "--run", "R", "--pretrained", "P"), "are two models"),
    (("a.tif", "--output", "samples"), "--output samples needs --num-samples"),
    (("a.tif", "--output"), "nothing to write"), (("a.tif", "--looks", "-1"), "looks must be"),
])  # fmt: skip
def test_options_that_cannot_be_are_refused(
    words: tuple[str, ...], said: str, command: Command
) -> None:
    done = command(restore.main, *words)
    assert done.status == 2 and said in done.err


def test_every_image_is_looked_at_before_the_first_is_restored(
    run: Path, tmp_path: Path, command: Command
) -> None:
    np.save(tmp_path / "good.npy", image("good", (16, 16)).numpy())
    np.save(tmp_path / "bad[1].npy", -np.ones((16, 16)))
    files = tmp_path / "good.npy", tmp_path / "bad[1].npy"
    done = command(restore.main, "--run", run, "--out", tmp_path / "none", *files)
    assert done.status == 2 and "bad[1].npy: 256 of 256 numbers are negative" in done.err
    assert not (tmp_path / "none").exists()
