"""Classes and nearest neighbours of generated images, by loops and on copies."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.evaluation.classes import class_shares, total_variation
from gbm_fast.evaluation.metrics import Evaluator, format_table
from gbm_fast.evaluation.neighbours import FIGURE_NAME, save_neighbours, with_pixels
from gbm_fast.settings.commands import EvaluateConfig, Measurement
from tests.support.evaluation_by_hand import FACTS
from tests.support.fixtures import Folders, Shown
from tests.support.tiny_data import digits_extractor, tiny_data
from tests.support.tiny_runs import make_run

DIGITS = gbm.load_dataset("digits")


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: Folders) -> gbm.FeatureExtractor:
    return digits_extractor(tmp_path_factory.mktemp("features"), steps=300)


def of(images: torch.Tensor, data: gbm.ImageData = DIGITS) -> torch.Tensor:
    return gbm.positive_from_integers(images, data.max_value)


def test_the_shares_of_classes_are_counts_of_guesses(extractor: gbm.FeatureExtractor) -> None:
    fours = DIGITS.train_images[DIGITS.train_labels == 4]
    shares = class_shares(extractor(of(fours)), extractor)
    assert shares.shape == (10,) and shares.sum() == pytest.approx(1)
    assert shares[4] > 0.95
    uneven = np.array([0.2, 0.3, 0.5])
    assert total_variation(uneven, np.array([0.5, 0.3, 0.2])) == pytest.approx(0.3)
    assert total_variation(uneven, uneven) == 0


def test_a_wrong_mix_of_classes_is_far_from_the_floor(extractor: gbm.FeatureExtractor) -> None:
    """One class left out is a tenth of the images; the right mix is within 6 deviations."""
    evaluate = Evaluator(DIGITS, extractor, floor_repeats=5)
    every = torch.arange(0, len(DIGITS.train_images), 3)
    some = every[DIGITS.train_labels[every] != 4]
    right, wrong = (evaluate(of(DIGITS.train_images[rows])) for rows in (every, some))
    gap = abs(right["class_distance"] - right["class_distance_floor"])
    assert gap < 6 * right["class_distance_floor_sd"]
    assert wrong["class_distance"] > 0.08
    assert wrong["class_share_4"] < 0.01 < 0.08 < wrong["class_share_4_test"]
    assert f"{wrong['class_distance']:.2f}" in format_table([("s", "-", wrong)])


def test_features_without_classes_have_no_shares() -> None:
    data = tiny_data()
    pixels = gbm.FeatureExtractor(
        **{**FACTS, "dim": 72}, image_shape=(1, 9, 8), network=lambda images: images.flatten(1)
    )
    result = gbm.evaluate_images(of(data.train_images, data), data, pixels, floor_repeats=2)
    assert "class_distance" not in result
    assert format_table([("s", "-", result)]).endswith(" -")
    with pytest.raises(ValueError, match="know no classes"):
        class_shares(pixels(of(data.train_images, data)), pixels)


def test_pixels_stand_behind_the_features(extractor: gbm.FeatureExtractor) -> None:
    images = of(DIGITS.test_images[:7])
    rows = with_pixels(extractor)(images)
    assert (rows[:, : extractor.dim] == extractor(images)).all()
    assert (rows[:, extractor.dim :] == images.flatten(1).double().numpy()).all()


def test_copies_are_found_in_the_pixels_and_drawn(
    extractor: gbm.FeatureExtractor, tmp_path: Path
) -> None:
    """A third of the images are copies; new ones, which are in neither set, raise no alarm."""
    held_out = {"test_images": DIGITS.test_images[::2], "test_labels": DIGITS.test_labels[::2]}
    data = dataclasses.replace(DIGITS, **held_out)
    new = of(DIGITS.test_images[1::2])
    copied = torch.cat([of(DIGITS.train_images[:90]), new[:180]])
    fresh, found = (
        save_neighbours(
            tmp_path / FIGURE_NAME,
            with_pixels(extractor)(images),
            data,
            extractor,
            Evaluator(data, extractor).nearest(),
        )
        for images in (new, copied)
    )
    assert found.alarm and not fresh.alarm
    panels = np.asarray(Image.open(tmp_path / FIGURE_NAME).convert("L"))
    assert panels.shape[1] > panels.shape[0] > 300


def test_the_command_records_and_draws(tmp_path: Path, capsys: Shown) -> None:
    run = make_run(tmp_path / "run", data=DIGITS)
    np.save(tmp_path / "copies.npy", of(DIGITS.train_images[:60]).numpy())
    digits_extractor(tmp_path)
    measured = Measurement(features_dir=tmp_path / "features", floor_repeats=2)
    images = tmp_path / "copies.npy"
    run_evaluation(EvaluateConfig(run, images, neighbours=True, measurement=measured))
    said = capsys.readouterr().out
    assert "by pixels: WARNING" in said and FIGURE_NAME in said
    result = json.loads((run / "metrics.json").read_text())[-1]["result"]
    assert result["pixel_train_share"] == 0.0 == result["train_share"]
    assert (run / FIGURE_NAME).stat().st_size > 1000
