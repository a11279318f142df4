"""What a network takes of the memory, told without computing: how many images it takes at once.

A network on torch's `meta` device has shapes and no numbers. What its forward pass keeps for the
backward pass is nearly all that a training needs for an image.
"""

import math
from copy import deepcopy
from functools import lru_cache

import torch
from torch import Tensor, nn

from gbm_fast.runtime.memory import memory_limit
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.build import build_network

KNOWN_PIXELS = 32 * 32
"""Images of up to so many pixels fit as they always did: nothing is computed for them."""
_SHARE = 0.5  # of the memory, for what can be told in advance
_BESIDE = 1.5  # what a backward pass needs beside what was kept for it
_COPIES = 6  # of the weights: gradients, average, two moments, what is written
_SAMPLING = 3  # without gradients a layer's numbers go when the next has been computed
_STATES = 12  # copies of a state that a sampler has in hand
_MOST_PIXELS = 2**14  # that attention looks at, each at every other


@lru_cache(maxsize=8)
def _on_meta(config: TrainConfig, shape: tuple[int, ...], classes: int) -> nn.Module:
    with torch.device("meta"):
        return build_network(config, shape, classes)


def _parameters(config: TrainConfig, shape: tuple[int, ...], classes: int) -> int:
    return sum(weight.numel() for weight in _on_meta(config, shape, classes).parameters())


@lru_cache(maxsize=8)
def _kept_of_ours(config: TrainConfig, shape: tuple[int, ...], classes: int) -> int:
    return _kept_bytes(_on_meta(config, shape, classes), shape, classes, config.network == "ncsn")


def _kept_bytes(network: nn.Module, shape: tuple[int, ...], classes: int, levels: bool) -> int:
    """What the forward pass of one event keeps for the backward pass, in bytes of float32."""
    weights = {weight.untyped_storage()._cdata for weight in network.parameters()}
    kept: dict[int, int] = {}
    alive: list[Tensor] = []  # two tensors that live at the same time have different storages

    def keep(tensor: Tensor) -> Tensor:
        alive.append(tensor)
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.device("meta"):
        condition = torch.zeros(1, dtype=torch.int64 if levels else torch.float32)
        labels = (torch.zeros(1, dtype=torch.int64),) if classes else ()
        event = torch.empty(1, *shape)
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        network.train()(event, condition, *labels)
    return sum(kept.values())


def _attention_pixels(config: TrainConfig, shape: tuple[int, ...]) -> int:
    """How many pixels the attention of a network of ours looks at; 0 for one without."""
    if config.network == "unet":
        halved = (config.patch_size or 1) * 2 ** (len(config.multipliers or (1,)) - 1)
    elif config.network == "ddpmpp":
        halved = 2 if len(config.multipliers or (1,)) > 1 else 1
    else:
        return 0
    return math.prod(math.ceil(side / halved) for side in shape[1:])


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.3g} GB"


def _require_attention(config: TrainConfig, shape: tuple[int, ...]) -> None:
    pixels = _attention_pixels(config, shape)
    if pixels > _MOST_PIXELS:
        raise ValueError(
            f"the attention of network {config.network} would look at {pixels:,} pixels of images "
            f"{shape}, and {_MOST_PIXELS:,} are the most: leave --patch-size and --multipliers "
            "out, which then follow the size of the images, or give larger patches or more levels."
        )


def require_memory(
    config: TrainConfig,
    shape: tuple[int, ...],
    classes: int,
    device: torch.device,
    own: nn.Module | None = None,
) -> None:
    """Raise ValueError for a training that cannot fit, with the settings that would.

    Resolved settings; nothing of the network is allocated.
    """
    limit, numbers = memory_limit(device), math.prod(shape)
    batch = int(memory_limit(torch.device("cpu")) / (_STATES * 4 * numbers))
    if config.batch_size > max(1, batch):
        raise ValueError(
            f"batch_size {config.batch_size}: each process draws the noise of a whole batch, and "
            f"of events {shape} its memory has room for batches of {max(1, batch)} at most."
        )
    _require_attention(config, shape)
    if own is not None:
        return
    count = _parameters(config, shape, classes)
    bytes_each = 8 if config.precision == "float64" else 4
    weights = _COPIES * bytes_each * count
    if weights > limit:
        raise ValueError(
            f"the network has {count:,} parameters, and training them takes about "
            f"{_gigabytes(weights)} of the {_gigabytes(limit)} there are: pass a smaller --width, "
            "or fewer --blocks, --depth or --multipliers."
        )
    if math.prod(shape[1:]) > KNOWN_PIXELS:
        one = _BESIDE * _kept_of_ours(config, shape, classes)
        if weights + one > limit:
            raise ValueError(
                f"one image {shape} takes about {_gigabytes(one)} in this network, beside "
                f"{_gigabytes(weights)} for the weights, of the {_gigabytes(limit)} there are: "
                "pass a larger --patch-size or a smaller --width."
            )


def images_at_once(
    config: TrainConfig,
    shape: tuple[int, ...],
    classes: int,
    device: torch.device,
    most: int,
    own: nn.Module | None = None,
    sampling: bool = False,
) -> int:
    """How many events fit the memory together, of `most`: all, or a power of 2 of them.

    It follows from the settings, the events and the machine's memory alone. Images of up to
    `KNOWN_PIXELS` are taken as they come, and so is a network of the user's whose memory cannot be
    told.
    """
    if len(shape) < 3 or math.prod(shape[1:]) <= KNOWN_PIXELS:
        return most
    if own is None:
        kept = _kept_of_ours(config, shape, classes)
        count = _parameters(config, shape, classes)
    else:
        try:
            kept = _kept_bytes(deepcopy(own).to("meta"), shape, classes, False)
        except Exception:  # whatever the user's module does on a device without numbers
            return most
        count = sum(weight.numel() for weight in own.parameters())
    weights = 4 * count
    room = _SHARE * memory_limit(device) - weights * (1 if sampling else _COPIES)
    state = 4 * math.prod(shape) * _STATES
    one = kept / _SAMPLING + state if sampling else _BESIDE * kept + state
    fitting = max(1, int(room / one))
    return most if fitting >= most else 2 ** (fitting.bit_length() - 1)
