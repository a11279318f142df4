"""Images from settings: batches, and the exact score of three pictures as the network."""

import dataclasses
from collections import Counter

import pytest
import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

import gbm_fast as gbm
from gbm_fast.runtime.random import ImageNoise
from tests.support.stub_runs import SIZE, paper, points, stub_run
from tests.support.tiny_runs import make_run

RUN = stub_run()


def nearest(images: Tensor) -> tuple[Tensor, Tensor]:
    """The number of the nearest point, and log image - log point, for each image."""
    logs = images.double().flatten(1).log()
    index = torch.cdist(logs, points().flatten(1).log()).argmin(1)
    return index, (logs - points().flatten(1).log()[index]).reshape(images.shape)


# float32 states and inputs near log x = 0.6: a few times 2^-24 of 1, and the score's 1 / v is
# multiplied by the same v in the last step.
ROUNDING = 2e-6


@pytest.mark.parametrize(
    ("sampler", "levels"), [("probability-flow", None), ("ddim", 20), ("ancestral", 30)]
)
def test_with_the_exact_score_these_end_on_the_data(sampler: str, levels: int | None) -> None:
    """The last step lands on the denoiser, a data point (sheet R3, R16); every point is reached.

    The noise of the ancestral step to t = 0 is dv v(0) / v(t) = 0 (sheet R17). Of 24 fair draws
    from three points one is missed with probability below 3 (2/3)^24 = 2e-4, at this fixed seed
    not. Left out, the last step would end sqrt(v) = 0.005 away.
    """
    settings = gbm.SamplingSettings(sampler=sampler, num_steps=levels, num_images=24, seed=3)
    index, gap = nearest(gbm.Sampler(RUN, settings)(show_progress=False))
    assert float(gap.abs().max()) < ROUNDING
    assert set(Counter(index.tolist())) == {0, 1, 2}


def last_draws(settings: gbm.SamplingSettings) -> Tensor:
    """The normal draws of the last row, for every image: after the start and the rows before."""
    noise = ImageNoise(settings.seed, range(settings.num_images), SIZE)
    draws = [noise.normal() for _ in range(1 + settings.levels)]
    return draws[-1].double()


def test_dale_langevin_with_the_exact_score_ends_on_the_data_blurred() -> None:
    """log X_0 = log(data point) + sqrt(h) z with h the last increment of v (sheet R3).

    Checked against the very draws z of the last row, so nothing is left to chance: no noise in
    the last step, another h, or another image's noise is off by 0.005 |z|.
    """
    settings = gbm.SamplingSettings(num_steps=40, num_images=12, seed=4, batch_size=5)
    index, gap = nearest(gbm.Sampler(RUN, settings)(show_progress=False))
    assert float((gap - 0.005 * last_draws(settings)).abs().max()) < ROUNDING
    assert len(set(index.tolist())) > 1
    other = dataclasses.replace(settings, seed=5)
    assert float((gap - 0.005 * last_draws(other)).abs().max()) > 1000 * ROUNDING


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> gbm.Run:
    """A network of three steps on the digits, with weights that matter."""
    run = gbm.load_run(make_run(tmp_path_factory.mktemp("sampling") / "run"), "cpu")
    with torch.no_grad():
        run.model.network.head[-1].weight.normal_(0, 0.2, generator=torch.Generator())
    return run


@pytest.mark.parametrize(
    "settings",
    [
        gbm.SamplingSettings(num_steps=5, start="lognormal-averages"),
        gbm.SamplingSettings(sampler="probability-flow", num_steps=4),
        gbm.SamplingSettings(sampler="probability-flow", num_steps=4, start="data"),
        gbm.SamplingSettings(sampler="marginal-preserving", kappa=0.5, num_steps=5),
        paper(sampler="sign-agnostic", num_steps=5, start="class-average"),
    ],
    ids=["dale-langevin", "flow", "flow from data", "marginal-preserving", "sign-agnostic"],
)
def test_an_image_is_the_same_in_every_batch(
    trained: gbm.Run, settings: gbm.SamplingSettings
) -> None:
    """For batches of 1, 3 and 8, up to the order in which the network adds up.

    The noise is the same bit for bit (test_random.py), and the convolutions of another batch size
    round differently, by some 1e-6 of the score; a path of five rows multiplies that by less than
    100. Another image's noise would differ by some tenths.
    """
    wanted = dataclasses.replace(settings, num_images=8, seed=9)
    single, threes, all_at_once = (
        gbm.Sampler(trained, dataclasses.replace(wanted, batch_size=size))(show_progress=False)
        for size in (1, 3, 8)
    )
    assert all_at_once.shape == (8, 1, 8, 8)
    assert all_at_once.dtype == torch.float32
    assert float((single - all_at_once).abs().max()) < 1e-4
    assert float((threes - all_at_once).abs().max()) < 1e-4
    assert float((all_at_once[1:] - all_at_once[:-1]).abs().amax((1, 2, 3)).min()) > 0.05
    longer = dataclasses.replace(wanted, num_images=3, batch_size=8)
    prefix = gbm.Sampler(trained, longer)(show_progress=False)
    assert float((prefix - all_at_once[:3]).abs().max()) < 1e-4


class Roundings(TorchDispatchMode):
    """Counts how often each tensor is converted, by the address of its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[int] = Counter()

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: tuple[type, ...],
        args: tuple = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        if func is torch.ops.aten._to_copy.default:
            self.count[args[0].data_ptr()] += 1
        return func(*args, **(kwargs or {}))


def test_weights_are_rounded_once_a_batch_however_long_the_grid(trained: gbm.Run) -> None:
    old = trained.model
    model = gbm.ScoreModel(
        old.network, old.parameterisation, old.log_mean, old.log_std, torch.bfloat16
    )
    run = dataclasses.replace(trained, model=model.eval().requires_grad_(False))
    settings = gbm.SamplingSettings(num_steps=6, num_images=2)
    with Roundings() as seen:
        gbm.Sampler(run, settings)(show_progress=False)
    weights = {p.data_ptr() for p in model.parameters() if p.ndim == 4}
    assert weights and {seen.count[address] for address in weights} == {1}
    assert not any(p.requires_grad for p in model.parameters())


def test_images_are_within_one_and_two(trained: gbm.Run) -> None:
    """A sampler ends outside [1, 2] where the network is poor; the images do not."""
    images = gbm.Sampler(trained, gbm.SamplingSettings(num_steps=3, num_images=4))(
        show_progress=False
    )
    assert float(images.min()) == 1.0
    assert float(images.max()) <= 2.0
