"""The despeckling study: speckle, methods and numbers by hand; planted mistakes refused."""

import dataclasses
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from gbm_fast.data.positive import LogScale
from gbm_fast.data.statistics import DataStatistics
from gbm_fast.gamma_noise import OUTPUTS, SpeckleModel
from gbm_fast.networks import LocalUNet
from gbm_fast.parameterisation import Denoiser, ScoreModel
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.runs import TrainedModel
from tests.support.fixtures import Patch
from validation import despeckling
from validation.speckle import measure, peers
from validation.speckle.images import Array, Seen, case, filled, seed_of, speckled, truth
from validation.speckle.measure import ADDITIVE, OURS, SAMPLED, Plan, methods_of
from validation.speckle.methods import lee, log_moments, log_tv, noisy
from validation.speckle.mistakes import MISTAKES, mistakes_lose, noise_is_right
from validation.speckle.ours import additive_peer, band, ours, posterior_samples
from validation.speckle.scores import covered, enl, psnr, score

STD = 0.5


class Zeros(torch.nn.Module):
    """An untrained network: zeros, of so many channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return x.new_zeros(len(x), self.channels, *x.shape[2:])


@pytest.fixture
def untrained() -> TrainedModel:
    """A run whose law of a pixel is the log-normal one that goes with log-normal speckle."""
    model = SpeckleModel(LocalUNet(1, OUTPUTS, 4, (1,), 1), STD).eval()
    one = torch.ones(1)
    statistics = DataStatistics(one, one, one, one, one, one)
    config = TrainConfig(dataset="npy", noise="gamma")
    cpu = torch.device("cpu")
    return TrainedModel(Path("run"), config, model, cpu, (1, 64, 64), statistics, None)


@pytest.fixture
def square(rng: np.random.Generator) -> Array:
    return 40.0 + 60.0 * rng.random((12, 12))


def test_speckle_is_a_function_of_name_and_looks() -> None:
    first, again = case("coins", 4.0, 32), case("coins", 4.0, 32)
    np.testing.assert_array_equal(first.noisy, again.noisy)
    seeds = {seed_of(name, looks) for name in ("coins", "camera") for looks in (1.0, 4.0)}
    assert len(seeds) == 4 and seed_of("coins", 4) == seed_of("coins", 4.0)


def test_images_are_central_squares_and_zeros_stay(square: Array) -> None:
    whole, middle = truth("camera"), truth("camera", 64)
    np.testing.assert_array_equal(whole[96:160, 96:160], middle)
    assert whole.shape == (256, 256) and whole.dtype == np.float64
    assert set(np.unique(truth("astronaut"))) <= set(range(256))
    square[3, 4] = 0
    found = speckled(square, "square", 1.0)
    assert found[3, 4] == 0 and (found > 0).sum() == square.size - 1
    assert filled(found)[3, 4] == found[found > 0].min()


@pytest.mark.parametrize(("name", "side", "says"), [("lena", 64, "camera"), ("coins", 400, "303")])
def test_what_is_no_test_image_is_refused(name: str, side: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        truth(name, side)


def test_an_image_without_positive_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        filled(np.zeros((3, 3)))


def test_the_moments_of_log_speckle_at_one_look() -> None:
    assert log_moments(1.0) == pytest.approx((-np.euler_gamma, math.pi**2 / 6), rel=1e-14)


def test_lee_by_hand(square: Array) -> None:
    window = square[2:9, 2:9]
    mean, variance = window.mean(), window.var()
    for looks in (2.0, 50.0):
        weight = max(0.0, 1 - mean**2 / looks / variance)
        wanted = mean + weight * (square[5, 5] - mean)
        assert lee(square, looks)[5, 5] == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(lee(np.full((9, 9), 7.0), 4.0), 7.0, rtol=1e-14)


def test_log_tv_knows_the_mean_of_a_constant_with_speckle() -> None:
    """The exponential of the mean of 96 x 96 logarithms, less the bias; 5 deviations of it."""
    y = speckled(np.full((96, 96), 50.0), "constant", 4.0)
    found = np.log(log_tv(y, 4.0).mean() / 50)
    assert abs(found) < 5 * math.sqrt(log_moments(4.0).variance) / 96 + 0.01


def test_the_numbers_by_hand(square: Array) -> None:
    estimate = square + 5.0
    assert psnr(estimate, square) == pytest.approx(20 * math.log10(255 / 5), rel=1e-12)
    assert psnr(square, square) == math.inf
    seen = square * np.where(np.arange(12) % 2, 1.5, 0.5)
    found = score(Seen("coins", 4.0, square, seen), square, 0.25)
    assert (found.ratio_mean, found.ratio_var) == pytest.approx((1.0, 0.25), rel=1e-12)
    assert found.ssim == pytest.approx(1.0) and math.isnan(found.enl)
    sky = np.full((64, 256), 10.0)
    sky[:, ::2] = 14.0
    assert enl("camera", sky) == pytest.approx(36.0, rel=1e-12)
    assert math.isnan(enl("camera", sky[:, :64])) and math.isnan(enl("coins", sky))


def test_the_band_is_of_order_statistics() -> None:
    samples = np.arange(19.0)[::-1].reshape(19, 1, 1).copy()
    assert [float(end[0, 0]) for end in band(samples)] == [0.0, 18.0]
    assert [float(end[0, 0]) for end in band(samples, 0.75)] == [1.5, 16.5]
    assert all(math.isnan(end[0, 0]) for end in band(samples[:4]))
    of = Seen("coins", 1.0, np.array([[0.0, 5.0, 9.0]]), np.array([[0.0, 4.0, 4.0]]))
    assert covered(of, np.full((1, 3), 4.0), np.full((1, 3), 6.0)) == 0.5


def test_an_untrained_network_gives_the_log_normal_mean(
    untrained: TrainedModel, square: Array
) -> None:
    bias, v = log_moments(4.0)
    s2, centre = STD**2, np.log(square).mean() - bias
    k, c2 = s2 / (s2 + v), s2 * v / (s2 + v)
    wanted = np.exp(centre + k * (np.log(square) - bias - centre) + c2 / 2)
    np.testing.assert_allclose(ours(untrained, square, 4.0), wanted, rtol=1e-5)
    np.testing.assert_allclose(ours(untrained, 3e6 * square, 4.0), 3e6 * wanted, rtol=1e-5)


def test_samples_do_not_depend_on_how_many_there_are(
    untrained: TrainedModel, square: Array
) -> None:
    five = posterior_samples(untrained, square, 4.0, 5, seed=3)
    assert five.shape == (5, 12, 12) and (five > 0).all()
    np.testing.assert_allclose(
        posterior_samples(untrained, square, 4.0, 2, 3), five[:2], rtol=1e-5
    )
    assert not np.allclose(five[0], five[1], rtol=1e-2)


def test_the_additive_peer_is_the_denoiser_of_the_logarithm(square: Array) -> None:
    """An untrained one is linear, in units where log X has deviation 1 over the training data."""
    scale, model = LogScale((1.0,), (0.4,)), ScoreModel(Zeros(1), Denoiser(0.0, 1.0), 0.0, 1.0)
    config = TrainConfig(process="variance-exploding")
    run: Any = SimpleNamespace(
        model=model, scale=scale, config=config, device=torch.device("cpu"), folder="run"
    )
    bias, v = log_moments(10.0)
    centre = np.log(square).mean() - bias
    wanted = centre + (np.log(square) - bias - centre) * 0.16 / (0.16 + v)
    np.testing.assert_allclose(np.log(additive_peer(run, square, 10.0)), wanted, rtol=1e-5)
    run.scale = None
    with pytest.raises(ValueError, match="--range data"):
        additive_peer(run, square, 10.0)


def cases(looks: float) -> list[Seen]:
    return [case(name, looks, 64) for name in ("camera", "coins", "astronaut")]


@pytest.mark.parametrize("looks", [1.0, 4.0, 10.0])
def test_every_mistake_loses(looks: float) -> None:
    checks = mistakes_lose("log-TV", log_tv, cases(looks))
    assert [check for check in checks if not check.passed] == []
    assert len(checks) == len(MISTAKES) - (looks == 1)


def test_a_method_that_is_called_wrongly_is_refused() -> None:
    """Of each mistake's method the right one is a mistake; and looks do not matter to `noisy`."""
    planted = MISTAKES["4 L for L"](log_tv)
    failed = {c.name for c in mistakes_lose("x", planted, cases(4.0)) if not c.passed}
    assert "x, L = 4: L / 4 for L loses" in failed
    failed = {c.name for c in mistakes_lose("x", noisy, cases(4.0)) if not c.passed}
    assert {"x, L = 4: 4 L for L loses", "x, L = 4: 1 / L for L loses"} <= failed


def test_speckle_of_other_looks_is_refused() -> None:
    right = case("camera", 4.0, 64)
    assert noise_is_right(right).passed
    amplitude = right.truth * np.sqrt(right.noisy / np.maximum(right.truth, 1))
    fewer = speckled(right.truth, "camera", 2.0)
    for wrong in (amplitude, fewer):
        assert not noise_is_right(right._replace(noisy=wrong)).passed


def test_what_is_missing_is_a_row_that_says_why(monkeypatch: Patch) -> None:
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    able, unable = methods_of(Plan(None, None, (4.0,), 0), None)
    assert list(able) == ["noisy", "Lee 7 x 7", "log-TV"]
    assert set(unable) == {"log-BM3D", "MuLoG + BM3D", ADDITIVE, OURS, SAMPLED}
    assert unable["log-BM3D"] == "not run: pip install bm3d"
    assert "mulog" in unable["MuLoG + BM3D"] and "--run" in unable[OURS]
    there = Plan(None, None, (4.0,), 0, skip_mulog=True, peers_python=Path("python"))
    able, unable = methods_of(there, None)
    assert "log-BM3D" in able and unable["MuLoG + BM3D"] == "not run: --skip-mulog"


def test_another_python_that_fails_is_named() -> None:
    with pytest.raises(ValueError, match="nothing such by .* failed: KeyError"):
        peers.elsewhere(Path(sys.executable), "nothing such", np.ones((2, 2)), 1.0)


@pytest.mark.parametrize(
    ("words", "says"), [({"looks": (0.0,)}, "looks"), ({"num_samples": -1}, "num_samples")]
)
def test_options_that_cannot_be(words: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        despeckling.Options(**words)


def test_the_command_leaves_three_files(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(despeckling, "PRETRAINED", tmp_path / "none")
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    assert despeckling.STUDY.main(["--quick", "--out-dir", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "despeckling-quick.json").read_text())
    assert record["passed"] is True and record["parameters"]["side"] == 64
    rows = record["measurements"]["rows"]
    assert {row["method"] for row in rows} == {"noisy", "Lee 7 x 7", "log-TV"} and len(rows) == 9
    page = (tmp_path / "despeckling-quick.md").read_text()
    assert "not run: pip install bm3d" in page and page.count("\n") == 2 + 3 + 5
    picture = (tmp_path / "despeckling-quick.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n") and len(picture) > 20_000


def test_a_run_that_has_learned_nothing_is_measured_and_refused(
    untrained: TrainedModel, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(measure, "load_restorer", lambda folder: untrained)
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    findings, pictures = measure.measure_with(Plan(Path("run"), None, (4.0,), 4, side=64))
    failed = {check.name for check in findings.checks if not check.passed}
    assert f"{OURS}, L = 4: 4 L for L loses" in failed
    assert all(name.startswith(OURS) for name in failed)
    rows: Any = findings.measurements["rows"]
    assert all(0 < row["coverage"] < 1 for row in rows if row["method"] == OURS)
    sampled = [row for row in rows if row["method"] == SAMPLED]
    assert all(0 < row["coverage_by_level"]["0.6"] < 1 for row in sampled)
    assert {OURS, SAMPLED, "truth"} <= set(pictures) and len(rows) == 15


def test_a_plan_for_the_whole_study_is_not_the_quick_one(monkeypatch: Patch) -> None:
    monkeypatch.setattr(despeckling, "PRETRAINED", Path("/nowhere"))
    whole = despeckling.plan(despeckling.Options())
    assert (whole.run, whole.side, whole.looks) == (None, 256, (1.0, 4.0, 10.0))
    quick = despeckling.plan(despeckling.Options(quick=True))
    assert (
        dataclasses.replace(whole, looks=(4.0,), side=64, num_samples=4, skip_mulog=True) == quick
    )
