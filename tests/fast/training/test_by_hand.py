"""A training against one that is written out from the documentation in plain NumPy: losses, norms,
weights, averages, the weights for use and the log, with every setting away from its default."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import gbm_fast as gbm
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors
from gbm_fast.settings.training_presets import resolve
from tests.support.batch_noise import first_weights
from tests.support.small_colour import SIZE, Told, small_colour
from tests.support.tiny_runs import advance, log
from tests.support.training_by_hand import HandData, HandTraining

LAW = gbm.LogNormalMixture(
    torch.tensor([0.3, 0.7], dtype=torch.float64),
    torch.tensor([[-0.5, 0.2], [0.6, -0.4]], dtype=torch.float64),
    torch.tensor([[[0.2, 0.1], [0.1, 0.3]], [[0.15, -0.05], [-0.05, 0.1]]], dtype=torch.float64),
)
BASE = {
    "batch_size": 6, "steps": 5, "learning_rate": 0.03, "weight_decay": 0.4, "warmup_steps": 3,
    "clip_norm": 0.3, "ema_decay": 0.25, "precision": "float64", "seed": 29, "device": "cpu",
    "log_every": 2,
}  # fmt: skip
EXPLODING = {"std_min": 0.03, "std_max": 2.5}
CONSTANT = {"process": "constant", "sigma": 0.6, "num_steps": 7}
UNET = {"width": 8, "multipliers": (1, 2), "blocks": 2, "patch_size": 4}

OWN = {
    "denoiser": EXPLODING | {"class_conditional": True, "micro_batch": 4},
    "stein": CONSTANT
    | {"parameterisation": "stein", "weighting": "none", "times": "uniform", "importance": True}
    | {"choose": "least-loss", "checkpoint_every": 2, "clip_norm": 1e6},
    "noise": CONSTANT
    | {"parameterisation": "noise", "weighting": "variance", "times": "log-uniform"}
    | {"importance": True, "class_conditional": True, "average_every": 2}
    | {"average": "saved-checkpoints", "checkpoint_every": 1},
    "hyvarinen": EXPLODING
    | {"parameterisation": "hyvarinen", "weighting": "none", "times": "log-uniform"}
    | {"importance": True, "num_steps": 6, "batch_size": 25, "micro_batch": 7}
    | {"choose": "least-loss", "checkpoint_every": 3},
    "levels of the paper": EXPLODING
    | {"weighting": "variance", "times": "uniform", "num_steps": 9, "warmup_steps": 0},
    "as coded": CONSTANT
    | {"parameterisation": "stein", "weighting": "squared-variance", "times": "uniform"}
    | {"target_level": "next", "weight_decay": 0.0, "ema_decay": 0.0, "clip_norm": 1e6},
    "mean square": CONSTANT | {"parameterisation": "noise", "average_every": 3},
}
VECTORS = {
    "noise": EXPLODING | {"parameterisation": "noise", "micro_batch": 5, "average_every": 2},
    "denoiser": CONSTANT | {"class_conditional": True, "weight_decay": 0.0, "ema_decay": 0.0},
    "stein": EXPLODING
    | {"parameterisation": "stein", "weighting": "variance", "importance": True, "num_steps": 5}
    | {"class_conditional": True},
}


def compare(
    folder: Path, data: gbm.Batches, hand: HandTraining, network: nn.Module | None
) -> float:
    """The greatest difference between the two trainings of the settings, in units of what each
    number is of: the loss, the norm, a tensor's largest entry."""
    config, folder = hand.config, folder / "run"
    folder.mkdir()
    trainer = gbm.Trainer(config, data, folder, network)
    begun = [p.detach().numpy().copy() for p in trainer.model.parameters()]
    pairs = [(begun, hand.weights)]
    found, take = [], trainer.train_step

    def noted() -> tuple[torch.Tensor, torch.Tensor]:
        found.append(loss := take())
        return loss

    trainer.train_step = noted
    assert advance(trainer, config.steps)
    for _ in range(config.steps):
        hand.step()
    stored, _ = load_tensors(folder / "weights.safetensors", WEIGHTS_FORMAT)
    names = [name for name, _ in trainer.model.named_parameters()]
    pairs += [
        ([float(loss) for loss, _ in found], hand.losses),
        ([float(norm) for _, norm in found], hand.norms),
        ([p.detach().numpy() for p in trainer.model.parameters()], hand.weights),
        ([stored[name].numpy() for name in names], hand.shown),
    ]
    if hand.averaged:
        averaged = [p.detach().numpy() for p in trainer.averaged().parameters()]
        pairs.append((averaged, hand.averaged))
    lines = log(folder)
    assert [line.keys() for line in lines] == [line.keys() for line in hand.lines()]
    pairs += [
        (list(a.values()), list(b.values())) for a, b in zip(lines, hand.lines(), strict=True)
    ]
    return max(
        distance(a, b) for first, second in pairs for a, b in zip(first, second, strict=True)
    )


def distance(a: np.ndarray | float, b: np.ndarray | float) -> float:
    """The largest difference, relative to the largest entry."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-300))


def pixels(**changes: object) -> HandData:
    """The training images of the colour images, as files have them."""
    data = small_colour(**changes)
    return HandData(data.train_images.numpy(), data.train_labels.numpy(), data.max_value)


@pytest.mark.parametrize("case", OWN)
def test_a_training_in_colour_is_the_one_written_by_hand(case: str, tmp_path: Path) -> None:
    config = resolve(gbm.TrainConfig(dataset="own-images", network="own", **(BASE | OWN[case])))
    hand = HandTraining(config, pixels(), Told())
    data = gbm.ImageBatches(small_colour(), config.class_conditional)
    assert compare(tmp_path, data, hand, Told()) < 1e-11


@pytest.mark.parametrize("case", VECTORS)
def test_a_training_on_vectors_is_the_one_written_by_hand(case: str, tmp_path: Path) -> None:
    chosen = BASE | {"network": "mlp", "width": 6, "depth": 2} | VECTORS[case]
    config = resolve(gbm.TrainConfig(dataset="own-law", **chosen))
    with first_weights(config.seed):
        network = gbm.MLP(2, width=6, depth=2, num_classes=2 * config.class_conditional)
    hand = HandTraining(config, HandData(None, None, law=LAW), network)
    data = gbm.LawBatches(LAW, config.class_conditional)
    assert compare(tmp_path, data, hand, None) < 1e-10


def test_the_masks_of_dropout_are_those_of_the_step_and_the_round(tmp_path: Path) -> None:
    """With the built-in network, its shape and its first weights; rounds of four and of two."""
    chosen = BASE | EXPLODING | UNET | {"dropout": 0.3, "micro_batch": 4, "steps": 3}
    config = resolve(gbm.TrainConfig(class_conditional=True, **chosen))
    with first_weights(config.seed):
        shape = {"patch_size": 4, "dropout": 0.3, "num_classes": 3}
        network = gbm.UNet(SIZE[0], 8, multipliers=(1, 2), blocks=2, **shape)
    # The masks follow the order of the numbers in memory, channels last (`ScoreModel`).
    hand = HandTraining(config, pixels(), network.to(memory_format=torch.channels_last))
    assert compare(tmp_path, gbm.ImageBatches(small_colour(), True), hand, None) < 1e-9


def test_in_float32_it_is_the_same_to_rounding(tmp_path: Path) -> None:
    chosen = BASE | OWN["denoiser"] | {"precision": "float32"}
    config = resolve(gbm.TrainConfig(dataset="own-images", network="own", **chosen))
    data = gbm.ImageBatches(small_colour(), True)
    found = compare(tmp_path, data, HandTraining(config, pixels(), Told()), Told())
    assert 1e-9 < found < 1e-4
    with pytest.raises(ValueError, match="of other settings"):
        gbm.Trainer(replace(config, seed=30), data, tmp_path / "run", Told())


PUBLISHED = {
    "ncsn": ({"width": 4, "times": "uniform", "num_steps": 5}, lambda: gbm.NCSNDeeper(3, 4, 5, 3)),
    "ddpmpp": (
        {"width": 4, "multipliers": (1, 2), "blocks": 1, "dropout": 0.2},
        lambda: gbm.DDPMpp(3, 4, (1, 2), 1, (1,), 0.2, 3),
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_networks_begin_with_the_weights_of_the_seed(
    name: str, tmp_path: Path
) -> None:
    chosen, build = PUBLISHED[name]
    config = gbm.TrainConfig(network=name, seed=29, device="cpu", class_conditional=True, **chosen)
    trainer = gbm.Trainer(resolve(config), gbm.ImageBatches(small_colour(), True), tmp_path)
    with first_weights(29):
        network = build()
    expected = dict(network.named_parameters())
    found = dict(trainer.model.network.named_parameters())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    rates = [
        {m.p for m in part.modules() if isinstance(m, nn.Dropout)}
        for part in (trainer.model, network)
    ]
    assert rates[0] == rates[1]
