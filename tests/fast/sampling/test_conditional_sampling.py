"""Samples of classes: which image has which, in any batch; what `label` does, and where it cannot.
The network knows one picture a class, the exact score of which leads every start to it (sheet R3):
the image itself says which class the network was told."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast import sample, train
from gbm_fast.data.statistics import data_statistics
from gbm_fast.runtime.random import ImageNoise, Stream, first_uniforms
from gbm_fast.sampling import film
from gbm_fast.sampling import sampler as sampling
from gbm_fast.sampling.sampler import batches
from gbm_fast.settings.commands import EvaluateConfig, SampleConfig
from gbm_fast.training.runs import TrainedModel
from tests.fast.conftest import Command
from tests.support.fixtures import Patch
from tests.support.stub_runs import LOG_MEAN, LOG_STD, points, stub_run

COUNT = 24
FLOW = gbm.SamplingSettings(sampler="probability-flow", num_steps=6, num_images=COUNT, seed=11)
# A process at whose end the three pictures are still told apart.
NEAR = {"process": "constant", "sigma": 0.3}
# Nine training images of the three pictures' classes, shares 2/9, 3/9 and 4/9.
LABELS = torch.tensor([2, 0, 1, 2, 2, 1, 0, 2, 1])
# float32 states near log x = 0.6, which the last step multiplies by v / v.
ROUNDING = 1e-5


class OnePictureAClass(nn.Module):
    """h = -1 - (log x - log picture_label) / v, the score of a class that is one picture."""

    def forward(self, inputs: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
        v = (4 * condition)[:, None, None, None].exp()
        y = LOG_MEAN + inputs * (v + LOG_STD**2).sqrt()
        return -1 - (y - points().log().float()[labels]) / v


STATISTICS = data_statistics(points()[LABELS], LABELS, 3)
PLAIN = dataclasses.replace(stub_run(), statistics=STATISTICS)
CONDITIONAL = dataclasses.replace(PLAIN, model=stub_run(OnePictureAClass()).model, num_classes=3)


@pytest.fixture(autouse=True)
def _data(monkeypatch: Patch) -> None:
    """The nine images as the data set that the start from data is drawn from."""
    split = ((points()[LABELS] - 1) * 255).round().to(torch.uint8), LABELS
    data = gbm.ImageData("pictures", *split, *split, 255, ("across", "down", "ramp"))
    monkeypatch.setattr(sampling, "load_dataset", lambda *place, **reading: data)


def made(run: TrainedModel, settings: gbm.SamplingSettings, size: int = 8) -> tuple[list, Tensor]:
    """The labels of images 0..23, made in batches of `size`, and the images."""
    made = gbm.Sampler(run, settings).batches(batches(range(COUNT), size), False)
    parts = [part for _, part in made]
    return torch.cat([part.labels for part in parts]).tolist(), torch.cat(
        [part.x for part in parts]
    )


def shown(images: Tensor) -> list[int]:
    """The class whose picture each image is, to rounding."""
    distances = torch.cdist(images.double().flatten(1), points().flatten(1), p=torch.inf)
    assert float(distances.amin(1).max()) < ROUNDING
    return distances.argmin(1).tolist()


@pytest.mark.parametrize("start", ["lognormal", "class-average", "data"])
def test_every_image_is_of_its_class_in_any_batch(start: str) -> None:
    settings = dataclasses.replace(FLOW, start=start)
    labels, images = made(CONDITIONAL, settings)
    assert shown(images) == labels and set(labels) == {0, 1, 2}
    for size in (1, 7, COUNT):
        others, again = made(CONDITIONAL, settings, size)
        assert others == labels and torch.allclose(again, images, rtol=0, atol=ROUNDING)
    # Processes share whole batches: one that makes the last of three has the labels of those.
    ((_, last),) = gbm.Sampler(CONDITIONAL, settings).batches([range(16, 24)], False)
    assert last.labels.tolist() == labels[16:]


def test_labels_numbered_anew_in_every_batch_are_told_apart(monkeypatch: Patch) -> None:
    """The twin: a batch, or a process, that counts its images from 0."""
    expected, _ = made(CONDITIONAL, FLOW)
    drawn = ImageNoise.label_uniform

    def from_zero(noise: ImageNoise) -> Tensor:
        return drawn(ImageNoise(FLOW.seed, range(len(noise)), (1,)))

    monkeypatch.setattr(ImageNoise, "label_uniform", from_zero)
    labels, images = made(CONDITIONAL, FLOW)
    assert shown(images) == labels != expected


def test_classes_are_drawn_by_their_shares_of_the_training_images() -> None:
    """A chain of comparisons, 2/9, 5/9, 1, of the number in [0, 1) that is the image's own."""
    draws = [float(first_uniforms(11, Stream.LABEL, i, 1)) for i in range(COUNT)]
    expected = [0 if u < 2 / 9 else 1 if u < 5 / 9 else 2 for u in draws]
    for start in ("lognormal", "class-average"):
        assert made(CONDITIONAL, dataclasses.replace(FLOW, start=start))[0] == expected


@pytest.mark.parametrize(
    "start", ["lognormal", "lognormal-averages", "lognormal-full", "class-average", "data"]
)
@pytest.mark.parametrize("run", [CONDITIONAL, PLAIN], ids=["conditional", "plain"])
def test_a_label_is_that_of_all_images(run: TrainedModel, start: str) -> None:
    settings = dataclasses.replace(FLOW, start=start, label=1)
    if run is PLAIN and start.startswith("lognormal"):
        with pytest.raises(ValueError, match=f"is not class-conditional, and the start {start}"):
            made(run, settings)
        return
    if run is PLAIN:
        settings = dataclasses.replace(settings, **NEAR)
    labels, images = made(run, settings)
    assert labels == [1] * COUNT
    if run is CONDITIONAL:
        assert shown(images) == labels


def test_a_start_that_has_forgotten_the_class_refuses_it() -> None:
    """At sqrt(v) = 10 the averages are a tenth of a deviation apart; at the limit, just one. A
    label of the images that are noised is no promise of a class."""
    forgotten = dataclasses.replace(FLOW, start="class-average", label=1)
    with pytest.raises(ValueError, match=r"sqrt\(v\) = 10 has forgotten the class: .* class 1"):
        gbm.Sampler(PLAIN, forgotten)
    gbm.Sampler(CONDITIONAL, forgotten)  # its network is told
    assert gbm.Sampler(PLAIN, dataclasses.replace(forgotten, start="data")).label == 1
    logs = STATISTICS.class_averages.flatten(1).log()
    nearest = min(float((logs[1] - logs[k]).norm()) for k in (0, 2))
    for sigma, taken in ((0.99 * nearest, True), (1.01 * nearest, False)):
        settings = dataclasses.replace(forgotten, process="constant", sigma=sigma)
        if taken:
            assert gbm.Sampler(PLAIN, settings).label == 1
        else:
            with pytest.raises(ValueError, match="0.99 deviations of the noise"):
                gbm.Sampler(PLAIN, settings)


NAMED = dataclasses.replace(CONDITIONAL, class_names=("across", "2", "ramp"))


def test_a_class_has_a_name_and_a_number() -> None:
    """A text is a name; where no class has it, a number. A number in Python is a number."""
    for label, number in {"across": 0, "ramp": 2, "2": 1, 2: 2, "0": 0, 1: 1}.items():
        sampler = gbm.Sampler(NAMED, dataclasses.replace(FLOW, label=label))
        assert (sampler.label, sampler.settings.label) == (number, number)
        assert sampler.initial_states(sampler.noise(range(3))).labels.tolist() == [number] * 3
    named = gbm.Sampler(NAMED, dataclasses.replace(FLOW, label="ramp"))
    assert ", class 2 (ramp), 6 levels" in named.caption and "class-2_6" in named.settings.slug
    assert (
        ", class 1 (2), 6 levels" in gbm.Sampler(NAMED, dataclasses.replace(FLOW, label=1)).caption
    )
    assert gbm.Sampler(CONDITIONAL, dataclasses.replace(FLOW, label="1")).caption.count("(") == 0


@pytest.mark.parametrize("label", [3, "3", "down", "-1", "1.0", "²"])
def test_a_class_that_is_not_there_is_refused_with_those_that_are(label: int | str) -> None:
    with pytest.raises(ValueError, match=r"are 0\.\.2, called across, 2, ramp\."):
        gbm.Sampler(NAMED, dataclasses.replace(FLOW, label=label))


@pytest.mark.parametrize("label", [True, False, "", -2])
def test_what_is_no_label_is_refused_at_once(label: object) -> None:
    with pytest.raises(ValueError, match="label must be"):
        gbm.SamplingSettings(label=label)  # type: ignore[arg-type]


WRONG = [[0, 1, 3], [-1, 0, 1], [0.0, 1.0, 2.0], [True, False, True], [0, 1]]


X = torch.full((3, 1, 4, 4), 1.5)


def scored(labels: Tensor) -> Tensor:
    return CONDITIONAL.score(X, 0.5, labels)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_labels_that_are_no_classes_reach_no_network(wrong: list) -> None:
    scored(torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match=r"must be 3 integers in 0\.\.2"):
        scored(torch.tensor(wrong))
    if len(wrong) == 3:
        with pytest.raises(ValueError, match=r"must be 3 integers in 0\.\.2"):
            gbm.Sampler(CONDITIONAL, FLOW).score(torch.tensor(wrong))


def test_a_class_without_training_images_is_refused() -> None:
    shares = torch.tensor([0.5, 0.0, 0.5])
    empty = dataclasses.replace(STATISTICS, class_frequencies=shares)
    run = dataclasses.replace(NAMED, statistics=empty)
    gbm.Sampler(run, dataclasses.replace(FLOW, label=2))
    with pytest.raises(ValueError, match=r"class 1 \(2\) has no training image"):
        gbm.Sampler(run, dataclasses.replace(FLOW, label=1))


@pytest.mark.parametrize("start", ["class-average", "data"])
@pytest.mark.parametrize("run", [CONDITIONAL, PLAIN], ids=["conditional", "plain"])
def test_a_label_chooses_the_start_and_leaves_the_noise(run: TrainedModel, start: str) -> None:
    """The picture is what is left of log x_T without m(T) and the image's own noise."""
    plain = gbm.Sampler(run, dataclasses.replace(FLOW, **(NEAR if run is PLAIN else {})))
    process, noise = plain.process, plain.noise(range(COUNT))
    _ = noise.uniform()  # and as much of the stream as the number of a training image takes
    mean, var = (part(process.horizon) for part in (process.log_mean, process.log_var))
    moved = mean + var.sqrt() * noise.normal().double()
    near = NEAR if run is PLAIN else {}
    for label in (None, 2):
        sampler = gbm.Sampler(run, dataclasses.replace(FLOW, start=start, label=label, **near))
        x, labels = sampler.initial_states(sampler.noise(range(COUNT)))
        # Levels of 8 bits and float32 states near exp(20): some 1e-3 of a pixel.
        logs = (x.double().log() - moved).flatten(1)
        distances = torch.cdist(logs, points().log().flatten(1), p=torch.inf)
        assert float(distances.amin(1).max()) < 3e-3
        assert distances.argmin(1).tolist() == labels.tolist()
        assert set(labels.tolist()) == ({0, 1, 2} if label is None else {2})


def test_images_without_a_class_have_no_labels_and_other_classes_are_refused() -> None:
    ((_, part),) = gbm.Sampler(PLAIN, FLOW).batches([range(2)], False)
    assert part.labels is None
    with pytest.raises(ValueError, match=r"label 3: the classes of .* are 0\.\.2"):
        made(CONDITIONAL, dataclasses.replace(FLOW, label=3))
    with pytest.raises(ValueError, match="label must be the number of a class"):
        dataclasses.replace(FLOW, label=-1)


@pytest.mark.parametrize("start", ["class-average", "data"])
def test_a_class_without_a_training_image_is_refused_and_later_ones_served(
    monkeypatch: Patch, start: str
) -> None:
    """Class 1 of three: were the classes numbered anew, 1 would be class 2, and 2 refused."""
    labels = torch.where(LABELS == 1, 0, LABELS)
    run = dataclasses.replace(PLAIN, statistics=data_statistics(points()[labels], labels, 3))
    split = ((points()[labels] - 1) * 255).round().to(torch.uint8), labels
    data = gbm.ImageData("pictures", *split, *split, 255, ("across", "down", "ramp"))
    monkeypatch.setattr(sampling, "load_dataset", lambda *place, **reading: data)
    # Near enough to the data for a class to show at the start.
    settings = dataclasses.replace(FLOW, start=start, **NEAR)
    with pytest.raises(ValueError, match="label: class 1 has no training image"):
        gbm.Sampler(run, dataclasses.replace(settings, label=1))
    sampler = gbm.Sampler(run, dataclasses.replace(settings, label=2))
    x, found = sampler.initial_states(sampler.noise(range(COUNT)))
    assert set(found.tolist()) == {2} and bool(x.isfinite().all())
    drawn = gbm.Sampler(run, settings)
    x, found = drawn.initial_states(drawn.noise(range(COUNT)))
    assert set(found.tolist()) == {0, 2} and bool(x.isfinite().all())


def test_a_film_is_of_the_image_with_its_class(tmp_path: Path, monkeypatch: Patch) -> None:
    ends, titles = [], []

    def spy(path: Path, above: Tensor, below: Tensor, captions: list[str], *rest: object) -> None:
        ends.extend((above[-1], below[-2]))
        titles.append(str(rest[0]))

    monkeypatch.setattr(film, "save_film", spy)
    labels, _ = made(CONDITIONAL, FLOW)
    number = labels.index(2)
    film.save_trajectory(tmp_path / "film.png", gbm.Sampler(CONDITIONAL, FLOW), number)
    assert shown(torch.stack(ends)) == [2, 2]
    assert titles[0].endswith(f"image {number} of seed 11, class 2")


def test_images_of_one_class_are_not_measured_against_all() -> None:
    of_one = dataclasses.replace(FLOW, label=1)
    for config, options in ((EvaluateConfig, {}), (SampleConfig, {"grid_search": True})):
        with pytest.raises(ValueError, match="distances are to the test images of all classes"):
            config(Path(), sampling=of_one, **options)


@pytest.mark.usefixtures("few")
def test_the_commands_from_training_to_images_of_a_class(tmp_path: Path, command: Command) -> None:
    """The grid that is drawn during the training has ten rows, a digit each, of six columns."""
    run, out, refused = tmp_path / "run", tmp_path / "out", tmp_path / "refused"
    tiny = "--width 8 --multipliers 1 --steps 2 --samples-every 2 --metrics-images 0 --device cpu"
    words = ("--class-conditional", *tiny.split(), "--run-dir", run)
    assert command(train.main, *words).status == 0
    with Image.open(run / "samples" / "step-00000002.png") as grid:
        assert grid.size == (3 * (6 * 9 - 1), 3 * (10 * 9 - 1))
    options = ("--run", run, "--sampler", "ddim", "--num-steps", 3, "--num-images", 4)
    done = command(sample.main, *options, "--label", 7, "--film", 1, "--out", out)
    assert done.status == 0
    assert np.loadtxt(out / "labels.txt", int).tolist() == [7] * 4
    assert (out / "film.png").exists() and '"label": 7' in (out / "settings.json").read_text()
    assert "ddim, start lognormal, class 7, 3 levels: 4 images" in done.out
    done = command(sample.main, *options, "--label", 10, "--out", refused)
    assert done.status == 2 and "label 10: the classes of" in done.err and not refused.exists()
