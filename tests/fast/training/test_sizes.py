"""Images of the sizes that people have: the network follows the size, the rounds the memory."""

from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.runtime import memory as machine
from gbm_fast.settings.training_presets import preset_config, require_patch_size, resolve
from gbm_fast.training import memory
from gbm_fast.training.build import build_network
from tests.support.fixtures import Patch
from tests.support.refusals import Refusal, check, rows, table

CPU = torch.device("cpu")


def shape_of(size: tuple[int, int], preset: str = "cpu") -> tuple[int | None, object]:
    config = resolve(preset_config(preset, "folder"), size)
    return config.patch_size, config.multipliers


@pytest.mark.parametrize(
    ("size", "cpu", "gpu"),
    [
        ((8, 8), (2, (1, 2)), (1, (1, 2, 2))),
        ((28, 28), (2, (1, 2)), (1, (1, 2, 2))),
        ((30, 45), (2, (1, 2)), (1, (1, 2, 2))),
        ((64, 64), (2, (1, 2)), (1, (1, 2, 2))),
        ((65, 9), (4, (1, 2)), (2, (1, 2, 2))),
        ((256, 256), (4, (1, 2, 2)), (2, (1, 2, 2, 2))),
        ((8, 1000), (8, (1, 2, 2, 2)), (4, (1, 2, 2, 2, 2))),
    ],
)
def test_patches_and_levels_follow_the_size(size: tuple[int, int], cpu: tuple, gpu: tuple) -> None:
    """So that the coarsest level has at most 16 pixels a side."""
    assert shape_of(size) == cpu and shape_of(size, "gpu") == gpu
    for patch_size, multipliers in (cpu, gpu):
        assert max(size) / patch_size / 2 ** (len(multipliers) - 1) <= 16


def test_what_is_given_stays_and_the_rest_follows_it() -> None:
    config = resolve(gbm.TrainConfig(dataset="folder", patch_size=2), (256, 256))
    assert (config.patch_size, config.multipliers) == (2, (1, 2, 2, 2))
    config = resolve(gbm.TrainConfig(dataset="folder", multipliers=(1, 3)), (256, 256))
    assert (config.patch_size, config.multipliers) == (4, (1, 3))
    # Until the size is known both wait; where the name says the size, they do not.
    waiting = resolve(gbm.TrainConfig(dataset="npy"))
    assert (waiting.patch_size, waiting.multipliers, waiting.width) == (None, None, 64)
    assert resolve(waiting, (8, 9)) == resolve(gbm.TrainConfig(dataset="npy"), (8, 9))
    assert resolve(gbm.TrainConfig(dataset="mnist")).multipliers == (1, 2)
    with pytest.raises(ValueError, match="call resolve first, for images with their size"):
        build_network(waiting, (1, 8, 8))


@pytest.mark.parametrize("size", [(8, 8), (9, 11), (30, 45), (8, 131)])
def test_a_network_serves_any_size(size: tuple[int, int], torch_rng: torch.Generator) -> None:
    """And no pixel of what comes in is without effect, in the last row and column as well."""
    config = resolve(gbm.TrainConfig(dataset="npy", width=8), size)
    network = build_network(config, (1, *size))
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.1, generator=torch_rng)
    x = torch.full((1, 1, *size), 0.3, requires_grad=True)
    out = network(x, torch.zeros(1))
    assert out.shape == x.shape
    (gradient,) = torch.autograd.grad(out[..., -1, -1].sum() + out[..., 0, 0].sum(), x)
    assert float(gradient[..., -1, -1].abs()) > 0 and float(gradient[..., 0, 0].abs()) > 0


def test_images_of_an_odd_size_are_trained_sampled_and_opened(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    levels = torch.from_numpy(rng.integers(0, 256, (6, 1, 9, 11), dtype=np.uint8))
    labels = torch.zeros(6, dtype=torch.int64)
    data = gbm.ImageData("odd", levels, labels, levels, labels, 255, ("all",))
    settings = {"width": 8, "steps": 1, "batch_size": 4, "device": "cpu", "metrics_images": 0}
    config = gbm.TrainConfig(run_dir=tmp_path / "run", **settings)  # type: ignore[arg-type]
    run = gbm.train_run(config, data)
    assert run.config.patch_size == 2 and run.config.multipliers == (1, 2)
    again = gbm.load_run(tmp_path / "run", "cpu")
    images = again.sample(3, num_steps=3)
    assert images.shape == (3, 1, 9, 11)
    assert torch.equal(images, run.sample(3, num_steps=3))


LARGE = (3, 256, 256)
PHOTOS = resolve(gbm.TrainConfig(dataset="folder"), LARGE[1:])
_ONE = {"config": PHOTOS, "shape": LARGE, "classes": 0, "device": CPU, "most": 128}


def at_once(gigabytes: float, patch: Patch, **changes: object) -> int:
    patch.setattr(memory, "memory_limit", lambda device: gigabytes * 1e9)
    return memory.images_at_once(**(_ONE | changes))  # type: ignore[arg-type]


def test_the_memory_sets_how_many_images_go_at_once(monkeypatch: Patch) -> None:
    """Half of it, in powers of two: about 85 MB an image of this network."""
    assert [at_once(g, monkeypatch) for g in (1000, 9, 4.5, 2.3, 0.1)] == [128, 32, 16, 8, 1]
    assert at_once(9, monkeypatch, sampling=True) == 128
    # What images up to 32 x 32 take is known: nothing follows the memory there.
    assert at_once(0.1, monkeypatch, shape=(3, 32, 32)) == 128
    assert at_once(0.1, monkeypatch, shape=(2,)) == 128


def test_a_network_of_ones_own_is_measured_where_it_can_be(monkeypatch: Patch) -> None:
    convolutions = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.SiLU())

    class Own(torch.nn.Module):
        def __init__(self, refuses: bool) -> None:
            super().__init__()
            self.layers, self.refuses = convolutions, refuses

        def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
            if self.refuses:
                assert float(x.sum()) > 0
            return self.layers(x)

    assert at_once(1, monkeypatch, own=Own(False)) == 16
    assert at_once(1, monkeypatch, own=Own(True)) == 128


def test_rounds_follow_and_samples_do_not(monkeypatch: Patch, tmp_path: Path) -> None:
    """The batches of a set are the same when the network is given fewer at once."""
    from tests.support.stub_runs import stub_run

    run = stub_run()
    settings = gbm.SamplingSettings(sampler="ddim", num_steps=3, num_images=7, batch_size=5)
    expected = list(gbm.Sampler(run, settings).batches([range(5), range(5, 7)], False))
    seen: list[int] = []
    states = gbm.Sampler.states
    monkeypatch.setattr(
        gbm.Sampler, "states", lambda s, noise, c: seen.append(len(noise)) or states(s, noise, c)
    )
    monkeypatch.setattr(gbm.Sampler, "_at_once", lambda sampler: 2)
    found = list(gbm.Sampler(run, settings).batches([range(5), range(5, 7)], False))
    assert seen == [2, 2, 1, 2]
    for (batch, made), (wanted, others) in zip(found, expected, strict=True):
        assert batch == wanted and torch.allclose(made.x, others.x, rtol=1e-6)


def required(**changes: object) -> None:
    good = {"dataset": "folder", "batch_size": 8}
    config = resolve(gbm.TrainConfig(**(good | changes)), LARGE[1:])  # type: ignore[arg-type]
    require_patch_size(config, LARGE[1:])
    memory.require_memory(config, LARGE, 0, CPU)


SIZES = "1, 2, 4, 8, 16, 32, 64, 128, 256 would, and without --patch-size it is 4"


@table(
    rows(
        required,
        {"batch_size": 8},
        ("batch_size", 2**20, "has room for batches of .* at most"),
        ("patch_size", 3, f"patch_size 3 does not divide the image size .256, 256.: {SIZES}"),
        ("width", 2**16, "parameters, and training them takes about .* GB of the .* smaller --w"),
    ),
    rows(required, {"patch_size": 4}, ("multipliers", (1,), "to 16,384|leave --patch-size")),
)
def test_what_cannot_fit_names_what_would(refusal: Refusal, monkeypatch: Patch) -> None:
    if refusal.argument == "multipliers":
        refusal = refusal._replace(good={"patch_size": 1, "multipliers": (1, 1, 1, 1)})
    check(refusal)


def test_limits_of_the_machine(monkeypatch: Patch, tmp_path: Path) -> None:
    """The least of what there is and what is allowed; shared by the processes of a machine."""
    monkeypatch.setattr(machine, "_physical", lambda: 8e9)
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "limit").write_text("4000000000\n")
    for name, expected in (("absent", 8e9), ("max", 8e9), ("limit", 4e9)):
        monkeypatch.setattr(machine, "_CGROUPS", (str(tmp_path / name),))
        assert machine.memory_limit(CPU) == expected
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert machine.memory_limit(CPU) == 2e9
    monkeypatch.setattr(machine, "_address_space", lambda: 1e9)
    assert machine.memory_limit(CPU) == 1e9
