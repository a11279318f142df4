"""One prepared command for whoever has a GPU: is everything right there, and how fast is it?

python -m validation.gpu_check                       # on one GPU or more
python -m validation.gpu_check --device cpu --quick  # the rehearsal that the tests run

What is checked: the gate of the benchmarks with the samplers on the device; steps and scores
there against `gbm_ref` on the same noise in float64; a short training of DDPM++ (made-up images in
CIFAR-10's layout) as it is and compiled, whose losses have to agree; the same training by two
processes, where there are two GPUs, against one. What is measured: images a second beside the
products that the device makes a second, which bound them. Nothing of this could be run by us on a
GPU; on a CPU all of it is run by a test.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gbm_fast.settings.choices import expand_paths
from gbm_fast.settings.training import TrainConfig
from validation.ending import leave
from validation.study import OWN_RESULTS, Check

if TYPE_CHECKING:
    from gbm_fast.data import ImageData

MODULE = "validation.gpu_check"
_CLOSE = 1e-9
"""Between steps on the device and those of `gbm_ref`, in log x; in float64."""
_ALIKE = 0.05
"""Between the losses of the compiled and the plain network: bfloat16 has three digits."""


@dataclass(frozen=True)
class Options:
    """Check CUDA and NCCL, and measure the speed of training there."""

    device: str = "cuda"
    """The device: cuda, or cpu for a rehearsal."""
    steps: int = 30
    """Steps of each short training; the first third is not timed."""
    batch_size: int = 128
    """Images a step."""
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """A small network and few steps: a rehearsal, whose speed means nothing."""
    out_dir: Path = OWN_RESULTS
    """Folder for gpu_check.json."""

    def __post_init__(self) -> None:
        expand_paths(self)
        if self.steps < 3:
            raise ValueError(f"steps must be 3 or more, of which the first third is not timed, "
                             f"got {self.steps}.")  # fmt: skip


def training(options: Options) -> TrainConfig:
    """Settings of the short training, not resolved."""
    shape: dict = {"network": "ddpmpp", "batch_size": options.batch_size, "seed": 5}
    if options.quick:
        shape |= {"width": 16, "multipliers": (1, 2), "blocks": 1, "batch_size": 8}
    return TrainConfig(dataset="own-images", device=options.device, metrics_images=0, **shape)


def _images(quick: bool) -> "ImageData":
    from validation.cost.training import pictures

    return pictures((3, 32, 32), seed=5, count=64 if quick else 4096)


def twins(device: str) -> list[Check]:
    """Steps and a score on the device against the oracle, on the same noise, in float64."""
    import numpy as np
    import torch

    import gbm_fast as fast
    import gbm_ref as ref

    rng = np.random.default_rng(20260524)
    factor = 0.3 * rng.standard_normal((4, 4))
    mean, cov = rng.standard_normal(4), factor @ factor.T + 0.1 * np.eye(4)
    x, z = np.exp(rng.standard_normal((64, 4))), rng.standard_normal((12, 64, 4))
    place = {"dtype": torch.float64, "device": device}
    law = fast.LogNormal(torch.tensor(mean, **place), torch.tensor(cov, **place))
    ours = fast.GBM(sigma=0.8), fast.exact_score(law, fast.GBM(sigma=0.8))
    known = ref.GBM(sigma=0.8), ref.exact_score(ref.LogNormal(mean, cov), ref.GBM(sigma=0.8))
    found = []
    steps = (
        (fast.DaleLangevin(), ref.DaleLangevin()),
        (fast.SignAgnostic(), ref.SignAgnostic()),
        (fast.AmbientMilstein(), ref.AmbientMilstein()),
        (fast.Ancestral(), ref.Ancestral()),
        (fast.DDIM(), ref.DDIM()),
        (fast.ProbabilityFlow(), ref.ProbabilityFlow()),
        (fast.DPMSolver(3), ref.DPMSolver(3)),
    )
    state, noise = torch.tensor(x, **place), torch.tensor(z, **place)
    for step, twin in steps:
        name, grid = type(step).__name__, fast.uniform(12)
        there = fast.simulate(step, *ours, state, grid, noise)
        here = ref.simulate(twin, *known, x, ref.uniform(12), z)
        gap = float(np.abs(there.cpu().numpy() / here - 1).max())
        found.append(Check(f"{name} on {device}", gap < _CLOSE, f"{gap:.1e} of x, same noise"))
    return found


def gate(options: Options) -> list[Check]:
    """The gate of the benchmarks for every sampler, with the run on the device."""
    from gbm_fast.settings.sampling import SamplingSettings
    from gbm_fast.settings.training_presets import resolve
    from gbm_fast.training.images import ImageBatches
    from gbm_fast.training.trainer import Trainer
    from validation.gate.gate import run_gate
    from validation.gate.line import Line

    config = resolve(replace(training(options), seed=6))
    run = Trainer(config, ImageBatches(_images(options.quick)), Path()).trained_model()
    run.model.eval().requires_grad_(False)
    base = SamplingSettings(num_steps=20, seed=6)
    names = "probability-flow", "ddim", "dpmpp-3m", "ancestral", "dale-langevin"
    lines = [Line(name, replace(base, sampler=name)) for name in names]
    fixed = replace(base, process="constant", num_steps=200)
    lines.append(Line("eq. (12)", replace(fixed, sampler="sign-agnostic")))
    return list(run_gate(run, lines).checks)


def trained(options: Options, compiled: bool) -> tuple[list[float], float]:
    """Losses of a short training, and its images a second after the first third."""
    from validation.cost.training import trainer

    config, losses, started = replace(training(options), compile=compiled), [], 0.0
    with trainer(config, _images(options.quick)) as running:
        for step in range(options.steps):
            if step == options.steps // 3:
                started = time.perf_counter()
            loss, _ = running.train_step()
            losses.append(float(loss))  # a number is there when the device has made it
        seconds = time.perf_counter() - started
    timed = options.steps - options.steps // 3
    return losses, timed * config.batch_size / seconds


def products(device: str, seconds: float) -> float:
    """FLOP/s of products of large matrices in bfloat16 (on a CPU in float32)."""
    import torch

    on_cpu = device == "cpu"
    size, dtype = (1024, torch.float32) if on_cpu else (8192, torch.bfloat16)
    a, b = (torch.randn(size, size, dtype=dtype, device=device) for _ in range(2))
    float((a @ b)[0, 0])
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        float((a @ b)[0, 0])
        count += 1
    return count * 2.0 * size**3 / (time.perf_counter() - started)


def _flops(options: Options) -> float:
    """Floating-point operations of a training step, an image."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from gbm_fast.settings.training_presets import resolve
    from gbm_fast.training.build import build_network

    network = build_network(resolve(training(options)), (3, 32, 32))
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(1, 3, 32, 32), torch.zeros(1)).sum().backward()
    return float(counter.get_total_flops())


def speed(options: Options, measured: dict[str, object]) -> list[Check]:
    """Trainings as they are and compiled; what was measured goes into `measured`."""
    found, losses = [], {}
    peak = products(options.device, 0.2 if options.quick else 3.0)
    flops = _flops(options)
    measured |= {"products_flops": peak, "flops_an_image": flops}
    for name, compiled in (("eager", False), ("compiled", True)):
        if compiled and options.quick:
            continue  # a compiler is no part of a rehearsal
        losses[name], rate = trained(options, compiled)
        share = rate * flops / peak
        measured |= {f"{name}_images_a_second": rate, f"{name}_share_of_products": share}
        finite = all(loss < float("inf") for loss in losses[name])
        said = f"{rate:,.1f} images a second, {share:.0%} of the products of the device"
        found.append(Check(f"DDPM++ {name}", finite, said))
    if len(losses) == 2:
        pairs = zip(losses["eager"], losses["compiled"], strict=True)
        gap = max(abs(a - b) / abs(a) for a, b in pairs)
        found.append(Check("compiled and eager losses agree", gap < _ALIKE, f"{gap:.1e} of them"))
    return found


def processes(options: Options) -> Iterator[Check]:
    """Two processes against one, where there are two GPUs, or on the CPU: the same weights."""
    import torch

    gpus = torch.cuda.device_count() if options.device.startswith("cuda") else 2
    if gpus < 2:
        print("not checked: two processes, since there is one GPU", flush=True)
        return
    from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors

    with tempfile.TemporaryDirectory() as folder:
        for count in (1, 2):
            words = [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
                *("--nproc-per-node", f"{count}", "-m", "gbm_fast.train", "--dataset", "digits"),
                *("--steps", "3", "--metrics-images", "0", "--precision", "float64"),
                *("--device", options.device.split(":")[0], "--run-dir", f"{folder}/{count}"),
            ]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                yield Check(f"{count} processes", False, done.stderr[-600:])
                return
        one, two = (
            load_tensors(Path(folder, f"{count}", "weights.safetensors"), WEIGHTS_FORMAT)[0]
            for count in (1, 2)
        )
        gap = max(float((two[name] - one[name]).abs().max()) for name in one)
    yield Check("two processes have the weights of one", gap < 1e-9, f"within {gap:.1e}")


def check(options: Options) -> bool:
    """Every part; prints each check, writes gpu_check.json, and says whether all passed."""
    import torch

    from validation.study import environment, plain, write_text

    if options.device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("there is no CUDA device here: --device cpu --quick is a rehearsal.")
    measured: dict[str, object] = {"device": _name(options.device)}
    parts: tuple[Callable[[], object], ...] = (
        lambda: twins(options.device),
        lambda: gate(options),
        lambda: speed(options, measured),
        lambda: processes(options),
    )
    checks: list[Check] = []
    print(f"device: {measured['device']}, PyTorch {torch.__version__}", flush=True)
    for part in parts:
        for one in part():  # type: ignore[attr-defined]
            checks.append(one)
            print(f"{'pass' if one.passed else 'FAIL'}  {one.name}: {one.detail}", flush=True)
    passed = bool(checks) and all(one.passed for one in checks)
    record = {
        "study": "gpu_check",
        "passed": passed,
        "options": {"device": options.device, "steps": options.steps, "quick": options.quick},
        "environment": environment(),
        "measurements": measured,
        "checks": [one._asdict() for one in checks],
    }
    options.out_dir.mkdir(parents=True, exist_ok=True)
    path = options.out_dir / f"gpu_check{'-quick' if options.quick else ''}.json"
    write_text(path, json.dumps(plain(record), indent=1) + "\n")
    print(f"numbers: {path}")
    return passed


def _name(device: str) -> str:
    """What the device calls itself."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {os.cpu_count()} threads"
    return device


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 where every check passed, 1 otherwise."""
    options = tyro.cli(Options, prog=f"python -m {MODULE}", description=__doc__, args=arguments)
    return 0 if check(options) else 1


if __name__ == "__main__":
    leave(main)
