"""Images from settings: steps, grids, batches, films, and the exact score of three pictures."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

import gbm_fast as gbm
from gbm_fast.commands.training import standard_samplers
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import film
from gbm_fast.sampling.build import build_grid, build_step
from gbm_fast.sampling.film import save_trajectory
from tests.support.fixtures import Folders, Patch
from tests.support.good import each
from tests.support.pictures import grey_levels
from tests.support.refusals import Refusal, check, rows, table
from tests.support.stub_runs import SIZE, paper, points, stub_run
from tests.support.tiny_runs import make_run

RUN = stub_run()


def nearest(images: Tensor) -> tuple[set[int], Tensor]:
    """The numbers of the points that are nearest, and log image - log point, for each image."""
    logs, targets = images.double().flatten(1).log(), points().flatten(1).log()
    index = torch.cdist(logs, targets).argmin(1)
    return set(index.tolist()), (logs - targets[index]).reshape(images.shape)


# float32 states and inputs near log x = 0.6: a few times 2^-24 of 1, and the score's 1 / v is
# multiplied by the same v in the last step.
ROUNDING = 2e-6


LEVELS = {"probability-flow": None, "ddim": 20, "ancestral": 30}


@pytest.mark.parametrize(("sampler", "levels"), LEVELS.items())
def test_with_the_exact_score_these_end_on_the_data(sampler: str, levels: int | None) -> None:
    """The last step lands on the denoiser, a data point (sheet R3, R16); every point is reached.
    The noise of the ancestral step to t = 0 is dv v(0) / v(t) = 0 (sheet R17). Of 24 fair draws
    from three points one is missed with probability below 3 (2/3)^24 = 2e-4, at this fixed seed
    not. Left out, the last step would end sqrt(v) = 0.005 away."""
    settings = gbm.SamplingSettings(sampler=sampler, num_steps=levels, num_images=24, seed=3)
    index, gap = nearest(sampled(RUN, settings))
    assert float(gap.abs().max()) < ROUNDING and index == {0, 1, 2}


def last_draws(settings: gbm.SamplingSettings) -> Tensor:
    """The normal draws of the last row, for every image."""
    noise = ImageNoise(settings.seed, range(settings.num_images), SIZE)
    return noise(settings.levels - 1).double()


def test_dale_langevin_with_the_exact_score_ends_on_the_data_blurred() -> None:
    """log X_0 = log(data point) + sqrt(h) z with h the last increment of v (sheet R3). Checked
    against the very draws z of the last row, so nothing is left to chance: no noise in the last
    step, another h, or another image's noise is off by 0.005 |z|."""
    settings = gbm.SamplingSettings(num_steps=40, num_images=12, seed=4, batch_size=5)
    index, gap = nearest(sampled(RUN, settings))
    assert float((gap - 0.005 * last_draws(settings)).abs().max()) < ROUNDING
    assert len(index) > 1
    other = dataclasses.replace(settings, seed=5)
    assert float((gap - 0.005 * last_draws(other)).abs().max()) > 1000 * ROUNDING


@pytest.fixture(scope="module")
def trained(tmp_path_factory: Folders) -> gbm.Run:
    """A network of three steps on the digits, with weights that matter."""
    run = gbm.load_run(
        make_run(tmp_path_factory.mktemp("sampling") / "run", data=gbm.load_dataset("digits")),
        "cpu",
    )
    with torch.no_grad():
        run.model.network.head[-1].weight.normal_(0, 0.2, generator=torch.Generator())
    return run


@pytest.mark.parametrize(
    "settings",
    [
        gbm.SamplingSettings(num_steps=5, start="lognormal-averages"),
        gbm.SamplingSettings(sampler="probability-flow", num_steps=4),
        gbm.SamplingSettings(sampler="probability-flow", num_steps=4, start="data"),
        gbm.SamplingSettings(sampler="probability-flow", num_steps=4, churn=0.3),
        gbm.SamplingSettings(sampler="marginal-preserving", kappa=0.5, num_steps=5),
        paper(sampler="sign-agnostic", num_steps=5, start="class-average"),
    ],
    ids=[
        "dale-langevin",
        "flow",
        "flow from data",
        "churned flow",
        "marginal-preserving",
        "sign-agnostic",
    ],
)
def test_an_image_is_one_in_any_batch(trained: gbm.Run, settings: gbm.SamplingSettings) -> None:
    """For batches of 1, 3 and 8, up to the order in which the network adds up. The noise is the
    same bit for bit (test_random.py), and the convolutions of another batch size round
    differently, by some 1e-6 of the score; a path of five rows multiplies that by less than 100.
    Another image's noise would differ by some tenths."""
    nine = dataclasses.replace(settings, num_images=8, seed=9)
    single, threes, whole = (sampled(trained, nine, batch_size=size) for size in (1, 3, 8))
    assert whole.shape == (8, 1, 8, 8) and whole.dtype == torch.float32
    prefix = sampled(trained, nine, num_images=3, batch_size=8)
    for found, expected in ((single, whole), (threes, whole), (prefix, whole[:3])):
        assert float((found - expected).abs().max()) < 1e-4
    assert float((whole[1:] - whole[:-1]).abs().amax((1, 2, 3)).min()) > 0.05


class Roundings(TorchDispatchMode):
    """Counts how often each tensor is converted, by the address of its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[int] = Counter()

    def __torch_dispatch__(
        self, func: OpOverload, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        if func is torch.ops.aten._to_copy.default:
            self.count[args[0].data_ptr()] += 1
        return func(*args, **(kwargs or {}))


def test_weights_are_rounded_once_a_batch_however_long_the_grid(trained: gbm.Run) -> None:
    old = trained.model
    parts = old.network, old.parameterisation, old.log_mean, old.log_std
    model = gbm.ScoreModel(*parts, torch.bfloat16).eval().requires_grad_(False)
    run = dataclasses.replace(trained, model=model)
    with Roundings() as seen:
        sampled(run, gbm.SamplingSettings(num_steps=6, num_images=2))
    weights = {p.data_ptr() for p in model.parameters() if p.ndim == 4}
    assert weights and {seen.count[address] for address in weights} == {1}
    assert not any(p.requires_grad for p in model.parameters())


def test_images_are_within_one_and_two(trained: gbm.Run) -> None:
    """A sampler ends outside [1, 2] where the network is poor; the images do not."""
    images = sampled(trained, gbm.SamplingSettings(num_steps=3, num_images=4))
    assert float(images.min()) == 1.0
    assert float(images.max()) <= 2.0


EXPLODING = gbm.VarianceExploding(std_min=0.005, std_max=10.0)
CONSTANT = gbm.GBM(sigma=0.7)
STEPS = {
    "dale-langevin": gbm.DaleLangevin,
    "sign-agnostic": gbm.SignAgnostic,
    "milstein": gbm.AmbientMilstein,
    "ancestral": gbm.Ancestral,
    "marginal-preserving": gbm.MarginalPreserving,
    "probability-flow": gbm.ProbabilityFlow,
    "ddim": gbm.DDIM,
    "dpmpp-2m": gbm.DPMSolver,
    "dpmpp-3m": gbm.DPMSolver,
}


@pytest.mark.parametrize("sampler", STEPS)
def test_a_name_becomes_its_step_and_kappa_reaches_it(sampler: str) -> None:
    assert type(build_step(paper(sampler=sampler))) is STEPS[sampler]
    orders = [build_step(paper(sampler=f"dpmpp-{order}m")).order for order in (2, 3)]
    assert orders == [2, 3]
    settings = gbm.SamplingSettings(sampler="marginal-preserving", kappa=0.3)
    assert build_step(settings) == gbm.MarginalPreserving(kappa=0.3)


@pytest.mark.parametrize("sampler", ["probability-flow", "ddim"])
def test_churn_is_noise_for_a_step_without(sampler: str) -> None:
    settings = gbm.SamplingSettings(sampler=sampler, churn=0.3)
    assert build_step(settings) == gbm.Churn(STEPS[sampler](), 0.3)
    assert build_step(settings).uses_noise and "churn 0.3" in settings.caption
    assert build_grid(RUN, settings, EXPLODING) == build_grid(
        RUN, gbm.SamplingSettings(sampler=sampler), EXPLODING
    )


@pytest.mark.parametrize("sampler", list(STEPS)[:5])
def test_the_constant_process_has_the_grid_of_algorithms_1_and_2(sampler: str) -> None:
    """Every setting in its place: another order of arguments gives other rows."""
    options = {"inner_steps": 3, "chi": 0.93, "step_length": 0.03, "denoise_steps": 2}
    found = build_grid(RUN, paper(sampler=sampler, **options), CONSTANT)
    assert found == gbm.annealed(num_steps=20, horizon=1.0, **options)
    assert found[0] == (1.0, 0.03, 1.0)
    assert found[3] == (0.95, 0.03, 0.93)
    assert found[-3:] == ((0.05, 0.03, 0.93**19), (0.05, 0.03, 0.0), (0.05, 0.03, 0.0))
    assert len(found) == 62
    assert [row.dt for row in build_grid(RUN, paper(sampler=sampler), CONSTANT)] == [1 / 20] * 20


@pytest.mark.parametrize("sampler", ["dale-langevin", "ancestral", "marginal-preserving"])
def test_the_exploding_process_has_geometric_levels(sampler: str) -> None:
    found = build_grid(RUN, gbm.SamplingSettings(sampler=sampler, num_steps=9, chi=0.8), EXPLODING)
    plain = gbm.geometric(EXPLODING, 9, 0.005, 10.0)
    assert [row[:2] for row in found] == [row[:2] for row in plain]
    assert [row.noise for row in found] == [0.8**i for i in range(9)]
    assert len(build_grid(RUN, gbm.SamplingSettings(), EXPLODING)) == 1000


@pytest.mark.parametrize(("sampler", "levels"), [("probability-flow", 18), ("ddim", 50)])
def test_without_noise_the_levels_are_edms_on_both_processes(sampler: str, levels: int) -> None:
    found = build_grid(RUN, gbm.SamplingSettings(sampler=sampler), EXPLODING)
    assert found == gbm.power(EXPLODING, levels, std_min=0.005, std_max=10.0)
    levels_of_20 = gbm.power(CONSTANT, 20, std_min=0.005, std_max=0.7)
    assert build_grid(RUN, paper(sampler=sampler), CONSTANT) == levels_of_20


def test_a_run_on_the_constant_process_samples_down_to_its_smallest_level() -> None:
    run = stub_run(process="constant", sigma=0.7, num_steps=40)
    process = gbm.GBM(sigma=0.7)
    flow = build_grid(run, gbm.SamplingSettings(sampler="probability-flow", num_steps=6), process)
    assert flow == gbm.power(process, 6, std_min=0.7 / 40**0.5, std_max=0.7)
    assert len(build_grid(run, paper(num_steps=40), process)) == 40


@pytest.mark.parametrize(
    ("overrides", "settings"),
    [
        *(({name: value}, paper()) for name, value in (("std_max", 0.6), ("std_min", 0.2))),
        ({"process": "constant", "sigma": 0.7, "num_steps": 19}, paper()),
        ({"process": "constant", "sigma": 0.69, "num_steps": 20}, paper()),
        ({"std_max": 0.6}, paper(sampler="probability-flow")),
    ],
)
def test_a_level_outside_the_trained_range_is_refused(
    overrides: dict[str, object], settings: gbm.SamplingSettings
) -> None:
    run = stub_run(**overrides)
    for attempt in (lambda: build_grid(run, settings, CONSTANT), lambda: sampled(run, settings)):
        with pytest.raises(ValueError, match="was trained for noise levels"):
            attempt()


def test_the_start_as_coded_belongs_to_the_constant_process() -> None:
    coded = gbm.SamplingSettings(start="class-average-coded")
    with pytest.raises(ValueError, match="class-average-coded belongs to --process constant"):
        gbm.Sampler(RUN, coded)


OF_NOISE = {"chi": 0.9, "inner_steps": 2, "denoise_steps": 1, "step_length": 0.01}


@table(
    rows(
        lambda settings: sampled(RUN, settings),
        {"settings": paper(num_steps=2)},
        ("settings", gbm.SamplingSettings(sampler="sign-agnostic"), "use --process constant"),
        ("settings", gbm.SamplingSettings(sampler="milstein"), "use --process constant"),
        ("settings", gbm.SamplingSettings(step_length=0.01), "belong to --process constant"),
        ("settings", gbm.SamplingSettings(denoise_steps=1), "belong to --process constant"),
        ("settings", gbm.SamplingSettings(inner_steps=2), "inner_steps"),
        ("settings", paper(step_length=0.06), "step_length must be in"),
    ),
    rows(
        paper,
        {},
        *each("num_images", [0], "num_images"),
        *each("batch_size", [0], "batch_size"),
        *each("inner_steps", [0], "inner_steps"),
        *each("num_steps", [1], "num_steps"),
        *each("seed", [-1, 2**32], "seed"),
        *each("denoise_steps", [-1], "denoise_steps"),
        *each("sigma", [0.0, float("nan")], "sigma"),
        *each("chi", [0.0, 1.1], "chi"),
        *each("kappa", [-0.1, float("inf")], "kappa"),
        *each("churn", [-0.1, float("inf"), float("nan")], "churn"),
        *each("guidance", [-0.1, float("inf")], "guidance"),
    ),
    *(
        rows(
            paper,
            {"sampler": sampler},
            *((name, value, "do not apply") for name, value in OF_NOISE.items()),
        )
        for sampler in ("probability-flow", "ddim")
    ),
    rows(
        gbm.SamplingSettings,
        {"sampler": "ancestral"},
        ("kappa", 0.5, "kappa belongs to --sampler marginal-preserving"),
        ("churn", 0.5, "churn belongs to --sampler probability-flow and ddim"),
    ),
    rows(gbm.SamplingSettings, {"sampler": "dpmpp-2m"}, ("churn", 0.5, "remember rows")),
)
def test_settings_without_a_meaning_are_refused(refusal: Refusal) -> None:
    check(refusal)


def shown(run: gbm.Run) -> list[tuple[str, str, str]]:
    settings = [sampler.settings for sampler in standard_samplers(run, 16, seed=2)]
    assert {(s.num_images, s.seed) for s in settings} == {(16, 2)}
    return [(s.sampler, s.process, s.start) for s in settings]


def test_what_a_training_shows_at_its_end() -> None:
    """From noise, then the paper's two samplers; these are left out where v is out of range."""
    noise = [("probability-flow", "run", "lognormal"), ("dale-langevin", "run", "lognormal")]
    papers = ["dale-langevin", "sign-agnostic"]
    assert shown(stub_run()) == noise + [(p, "constant", "class-average") for p in papers]
    assert shown(stub_run(std_max=0.5)) == noise
    own = [(p, "run", "class-average") for p in ("probability-flow", *papers)]
    assert shown(stub_run(process="constant")) == own


def test_a_film_goes_from_noise_to_the_image(tmp_path: Path, monkeypatch: Patch) -> None:
    """With the exact score of three pictures: what is drawn, before it is drawn, then the file.
    The denoiser at sqrt(v) = 10 is the mean log picture to some percent; at the last row it is the
    picture itself. Another image's way, or rows out of order, would not end there."""
    drawn: list[tuple[Tensor, Tensor, list[str]]] = []
    save = film.save_film

    def spy(path: Path, above: Tensor, below: Tensor, captions: list[str], *rest: object) -> None:
        drawn.append((above, below, captions))
        save(path, above, below, captions, *rest)

    monkeypatch.setattr(film, "save_film", spy)
    settings = gbm.SamplingSettings(sampler="ddim", num_steps=20, num_images=3, seed=8)
    save_trajectory(tmp_path / "film.png", gbm.Sampler(RUN, settings), 2)
    ((above, below, captions),) = drawn
    assert above.shape == below.shape == (10, 1, 4, 4)
    assert captions[0] == "√v = 10" and captions[-2:] == ["√v = 0.005", "the image"]
    image = sampled(RUN, settings)[2]
    assert torch.allclose(above[-1], image, rtol=0, atol=1e-5)
    assert torch.allclose(below[-2], image, rtol=0, atol=1e-3)
    mean = points().log().mean(0).exp().float()
    assert torch.allclose(below[0], mean, rtol=0, atol=0.1)
    assert len(grey_levels(tmp_path / "film.png")) > 20, "not blank"


def test_fewer_rows_than_frames_and_states_below_zero(tmp_path: Path) -> None:
    """Five rows make six frames; an ambient sampler may leave the positive numbers."""
    sampler = gbm.Sampler(RUN, paper(sampler="sign-agnostic", num_steps=5))
    save_trajectory(tmp_path / "film.png", sampler, 0)
    with Image.open(tmp_path / "film.png") as picture:
        assert picture.width < 1.2 * 135 * 1.3 * 6


def sampled(run: gbm.Run, settings: gbm.SamplingSettings, **changes: object) -> Tensor:
    """The images of these settings, with some of them changed."""
    return gbm.Sampler(run, dataclasses.replace(settings, **changes))(show_progress=False)
