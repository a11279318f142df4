"""The measurements of `validation.overhead`, and its gate."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gbm_fast.build import choose_autocast
from gbm_fast.config import TrainConfig
from gbm_fast.networks import DDPMpp, NCSNDeeper, UNet
from validation.cost import roofline, sampling, throughput, training
from validation.cost.timing import Interval, interleaved, median, ratio
from validation.study import Check, Findings

TRAINING_GOAL, SAMPLING_GOAL = 1.03, 1.02
Event = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """A network, as a training and as a constructor, and the sizes to measure it at."""

    name: str
    config: TrainConfig
    event: Event
    build: Callable[[], nn.Module]
    rounds: int
    sampling_batch: int
    rows: int
    batches: tuple[int, ...]
    threads: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What a run measures. The first case is also compared with the other libraries' loops."""

    cases: tuple[Case, ...]
    free_rounds: int
    pictures: int
    estimated_batches: tuple[int, ...]


def full() -> Plan:
    """The U-Net that is trained on 28 x 28 by default, and the reference DDPM++."""
    unet = Case(
        name="U-Net",
        config=TrainConfig(dataset="fashion-mnist"),
        event=(1, 28, 28),
        build=lambda: UNet(1, 64, (1, 2), 1, 2),
        rounds=12,
        sampling_batch=32,
        rows=8,
        batches=(8, 32, 128),
        threads=(1, 2),
    )
    ddpmpp = Case(
        name="DDPM++",
        config=TrainConfig(dataset="cifar10", network="ddpmpp", batch_size=4, dropout=0.1),
        event=(3, 32, 32),
        build=DDPMpp,
        rounds=6,
        sampling_batch=4,
        rows=2,
        batches=(4,),
        threads=(1,),
    )
    return Plan((unet, ddpmpp), 20, 60_000, (16, 128, 512))


def quick() -> Plan:
    """Seconds: a U-Net of 8 channels on 8 x 8, a few rounds. Its times mean nothing."""
    config = TrainConfig(dataset="digits", width=8, patch_size=1, batch_size=4)
    case = Case("U-Net", config, (1, 8, 8), lambda: UNet(1, 8), 2, 2, 2, (2,), (1,))
    return Plan((case,), 2, 32, ())


def measure_with(plan: Plan, seed: int) -> Findings:
    """Every measurement of the plan, with one thread but where threads are what is varied."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    loads = [os.getloadavg()]
    try:
        training_ratios = {c.name: _training(c, plan, seed) for c in plan.cases}
        rows = {c.name: _sampling(c, with_peers=c is plan.cases[0]) for c in plan.cases}
        loops = _free_loops(plan)
        rates = [_rates(point) for case in plan.cases for point in _points(case)]
    finally:
        torch.set_num_threads(threads)
    loads.append(os.getloadavg())
    measurements = {
        "training_step_over_bare": {k: v._asdict() for k, v in training_ratios.items()},
        "sampling_over_network": {k: _plain(v) for k, v in rows.items()},
        "loop_microseconds_a_row": _plain(loops),
        "images_a_second": rates,
    }
    if plan.estimated_batches:
        measurements |= {"networks": counts(), "h100_estimate": estimate(plan.estimated_batches)}
    parameters = {
        "peers": sampling.installed(),
        "arithmetic": str(choose_autocast("auto", torch.device("cpu")) or torch.float32),
        "load_before_and_after": loads,
        "cases": {c.name: {"batch": c.config.batch_size, "rows": c.rows} for c in plan.cases},
    }
    return Findings(parameters, measurements, gate(training_ratios, rows, loops))


def _plain(intervals: dict[str, Interval]) -> dict[str, dict]:
    return {name: interval._asdict() for name, interval in intervals.items()}


def _training(case: Case, plan: Plan, seed: int) -> Interval:
    data = training.pictures(case.event, seed, plan.pictures)
    with training.trainer(case.config, data) as running:
        actions = {"step": running.train_step, "bare": training.bare_step(running)}
        spent = interleaved(actions, case.rounds)
    return ratio(spent["step"], spent["bare"])


def _sampling(case: Case, with_peers: bool) -> dict[str, Interval]:
    """Each loop's time over the network's alone, as often and on batches of the same shape."""
    torch.manual_seed(0)
    network = case.build().eval().to(memory_format=torch.channels_last)
    start = torch.randn(case.sampling_batch, *case.event)
    autocast = choose_autocast("auto", torch.device("cpu"))
    actions = sampling.loops(network, start, case.rows, autocast, with_peers)
    spent = interleaved(actions, case.rounds)
    alone = spent.pop("network alone")
    return {name: ratio(times, alone) for name, times in spent.items()}


def _free_loops(plan: Plan) -> dict[str, Interval]:
    """Microseconds a row of each loop round a network that costs nothing."""
    case, rows = plan.cases[0], 64
    start = torch.randn(case.sampling_batch, *case.event)
    actions = sampling.loops(sampling.Free(), start, rows, None, True)
    spent = interleaved(actions, plan.free_rounds)
    return {name: median([1e6 * t / rows for t in times]) for name, times in spent.items()}


def _points(case: Case) -> list[throughput.Point]:
    """Every batch on one thread, the largest on each number of threads."""
    one = throughput.points(case.name, case.build, case.event, case.batches, case.threads[:1])
    largest = case.batches[-1:]
    return one + throughput.points(case.name, case.build, case.event, largest, case.threads[1:])


def _rates(point: throughput.Point) -> dict[str, object]:
    told = {k: v for k, v in point._asdict().items() if k not in ("build", "event")}
    return told | throughput.measure(point)._asdict()


def counts() -> dict[str, dict[str, float]]:
    """Parameters and multiply-adds an image of the networks as they are offered."""
    networks: dict[str, tuple[Callable[[], nn.Module], Event, torch.dtype]] = {
        "UNet": (lambda: UNet(1, 64, (1, 2), 1, 2), (1, 28, 28), torch.float32),
        "NCSNDeeper": (NCSNDeeper, (1, 28, 28), torch.int64),
        "DDPMpp": (DDPMpp, (3, 32, 32), torch.float32),
    }
    found = {}
    for name, (build, event, dtype) in networks.items():
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            network = build()
            network(torch.empty(1, *event), torch.zeros(1, dtype=dtype))
        parameters = sum(p.numel() for p in network.parameters())
        found[name] = {"parameters": parameters, "macs": counter.get_total_flops() / 2}
    return found


def estimate(batches: tuple[int, ...]) -> dict[str, object]:
    """Least seconds of a training step of DDPM++ on a GPU, by batch; not measured."""
    gpu, bounds = roofline.H100, {}
    for batch in batches:
        with torch.device("meta"):
            images, condition = torch.empty(batch, 3, 32, 32), torch.empty(batch)
            bounds[batch] = roofline.training_bounds(DDPMpp(), images, condition, gpu)._asdict()
    parameters = int(counts()["DDPMpp"]["parameters"])
    return {
        "gpu": gpu._asdict(),
        "steps": bounds,
        "optimiser_seconds": roofline.optimiser_seconds(parameters, gpu),
        "all_reduce_seconds_of_8": roofline.all_reduce_seconds(parameters, 8, gpu),
    }


def gate(
    training_ratios: dict[str, Interval],
    rows: dict[str, dict[str, Interval]],
    loops: dict[str, Interval],
) -> tuple[Check, ...]:
    """The goals: medians below them; no loop of a peer below ours, with or without noise.

    Round the real network, where all loops are within the noise of the measurement, ours fails
    if it is slower with 95 % confidence; round the free one, by the medians.
    """
    checks = [
        Check(f"training step, {name}", value.median <= TRAINING_GOAL, f"{value} of bare")
        for name, value in training_ratios.items()
    ]
    for name, found in rows.items():
        for loop, value in found.items():
            if loop.startswith("ours"):
                passed = value.median <= SAMPLING_GOAL
                checks.append(Check(f"{loop}, {name}", passed, f"{value} of the network"))
    first = next(iter(rows.values()))
    for peer in (name for name in first if not name.startswith("ours")):
        ours = f"ours, {peer.split(', ')[1]}"
        passed = first[ours].low <= first[peer].high
        checks.append(Check(f"{ours} against {peer}", passed, f"{first[ours]}, {first[peer]}"))
        passed = loops[ours].median <= loops[peer].median
        detail = f"{loops[ours].median:.0f} and {loops[peer].median:.0f} microseconds a row"
        checks.append(Check(f"loop alone, {ours} against {peer}", passed, detail))
    return tuple(checks)
