"""Options of the commands that contradict each other, and the paper's settings."""

from pathlib import Path

import pytest

import gbm_fast as gbm
from gbm_fast.settings.commands import GridSearch, Measurement, SampleConfig
from gbm_fast.settings.sampling_presets import CHOSEN, PAPER, PUBLISHED, with_preset

RUN = Path("run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": ()}, "nothing to write"),
        ({"film": -1}, "film must be the number of an image"),
        ({"search": GridSearch(chi=(0.5,))}, "need --grid-search"),
        ({"measurement": Measurement(floor_repeats=3)}, "need --grid-search"),
        ({"grid_search": True, "film": 0}, "makes no film"),
        ({"grid_search": True, "preset": "paper"}, "takes no preset"),
        ({"grid_search": True, "output": ("npz",)}, "leave --output out"),
        ({"grid_search": True, "sampling": gbm.SamplingSettings(chi=0.9)}, "from --search"),
        (
            {"grid_search": True, "sampling": gbm.SamplingSettings(step_length=1e-4)},
            "from --search",
        ),
    ],
)
def test_contradictions_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SampleConfig(run=RUN, **options)  # type: ignore[arg-type]


def test_a_film_may_be_all_that_is_wanted() -> None:
    assert SampleConfig(run=RUN, output=(), film=0).film == 0


@pytest.mark.parametrize("name", ["chi", "inner_steps", "step_length"])
def test_lists_of_a_search_are_neither_empty_nor_repeated(name: str) -> None:
    for values in ((), (1, 1)):
        with pytest.raises(ValueError, match=f"search.{name} must be different values"):
            GridSearch(**{name: values})  # type: ignore[arg-type]


def test_the_papers_tables_have_sixteen_rows_of_which_three_are_published() -> None:
    """Both samplers, four data sets, two starts; version 1 has one sampler, three, and one."""
    keys = {(p.dataset, p.sampler, p.start) for p in PAPER}
    assert len(PAPER) == len(keys) == 16
    published = {(p.dataset, p.sampler, p.start) for p in PAPER if p.source == PUBLISHED}
    data = ("mnist", "fashion-mnist", "kuzushiji-mnist")
    assert published == {(name, "dale-langevin", "lognormal") for name in data}


def test_a_preset_sets_the_constant_process_and_the_annealing() -> None:
    """Version 1, Appendix D.4; the number of images and the seed are the user's."""
    wanted = gbm.SamplingSettings(num_images=7, seed=3)
    chosen, source = with_preset(wanted, "mnist")
    assert source == PUBLISHED
    assert chosen == gbm.SamplingSettings(
        process="constant",
        sigma=0.8,
        num_steps=1000,
        chi=0.995,
        inner_steps=3,
        step_length=2e-4,
        num_images=7,
        seed=3,
    )
    agnostic = gbm.SamplingSettings(sampler="sign-agnostic", start="class-average")
    assert with_preset(agnostic, "cifar10")[1] == CHOSEN


@pytest.mark.parametrize(
    ("settings", "dataset", "message"),
    [
        (gbm.SamplingSettings(chi=0.9), "mnist", "chi is set by --preset"),
        (gbm.SamplingSettings(num_steps=100), "mnist", "num_steps is set by --preset"),
        (gbm.SamplingSettings(process="constant"), "mnist", "process is set by --preset"),
        (gbm.SamplingSettings(), "digits", "no setting for digits"),
        (gbm.SamplingSettings(sampler="ddim"), "mnist", "no setting for mnist, ddim"),
        (gbm.SamplingSettings(start="data"), "mnist", "start data"),
    ],
)
def test_presets_are_neither_overruled_nor_invented(
    settings: gbm.SamplingSettings, dataset: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        with_preset(settings, dataset)


def test_options_of_the_features_that_are_not_taken_are_refused() -> None:
    with pytest.raises(
        ValueError, match="inception_weights is no option of --features classifier"
    ):
        Measurement(inception_weights=RUN)
    with pytest.raises(ValueError, match="features_dir is no option of --features inception"):
        Measurement(features="inception", features_dir=RUN)
