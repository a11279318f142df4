"""The film strip: the states of the very image, with the noise levels of their rows."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.sampling import film
from gbm_fast.sampling.film import save_trajectory
from tests.support.stub_runs import paper, points, stub_run


def test_a_film_ends_on_the_image_and_starts_from_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the exact score of three pictures: what is drawn, before it is drawn, then the file.

    The denoiser at sqrt(v) = 10 is the mean log picture to some percent; at the last row it is
    the picture itself. Another image's way, or rows out of order, would not end there.
    """
    drawn: list[tuple[Tensor, Tensor, list[str]]] = []
    save = film.save_film

    def spy(path: Path, above: Tensor, below: Tensor, captions: list[str], *rest: object) -> None:
        drawn.append((above, below, captions))
        save(path, above, below, captions, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(film, "save_film", spy)
    settings = gbm.SamplingSettings(sampler="ddim", num_steps=20, num_images=3, seed=8)
    save_trajectory(tmp_path / "film.png", gbm.Sampler(stub_run(), settings), 2)
    ((above, below, captions),) = drawn
    assert above.shape == below.shape == (10, 1, 4, 4)
    assert captions[0] == "√v = 10" and captions[-2:] == ["√v = 0.005", "the image"]
    image = gbm.Sampler(stub_run(), settings)(show_progress=False)[2]
    assert torch.allclose(above[-1], image, rtol=0, atol=1e-5)
    assert torch.allclose(below[-2], image, rtol=0, atol=1e-3)
    mean = points().log().mean(0).exp().float()
    assert torch.allclose(below[0], mean, rtol=0, atol=0.1)
    with Image.open(tmp_path / "film.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20, "not blank"


def test_fewer_rows_than_frames_and_states_below_zero(tmp_path: Path) -> None:
    """Five rows make six frames; an ambient sampler may leave the positive numbers."""
    settings = paper(sampler="sign-agnostic", num_steps=5)
    save_trajectory(tmp_path / "film.png", gbm.Sampler(stub_run(), settings), 0)
    with Image.open(tmp_path / "film.png") as picture:
        assert picture.width < 1.2 * 135 * 1.3 * 6
