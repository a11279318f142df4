"""The measurements of `validation.overhead`: what is timed, and how often."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gbm_fast.networks import DDPMpp, UNet
from gbm_fast.runtime.devices import choose_autocast
from gbm_fast.settings.training import TrainConfig
from validation.cost import sampling, throughput, training
from validation.cost.estimate import counts, estimate
from validation.cost.gate import gate
from validation.cost.own_time import Cost, against_peers, costs
from validation.cost.timing import Interval, interleaved, interleaved_by, median
from validation.study import Findings

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
    free_rows: int
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
        rows=16,
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
    return Plan((unet, ddpmpp), 20, 64, 60_000, (16, 128, 512))


def quick() -> Plan:
    """Seconds: a U-Net of 8 channels on 8 x 8, a few rounds. Its times mean nothing."""
    config = TrainConfig(dataset="digits", width=8, patch_size=1, batch_size=4)
    case = Case("U-Net", config, (1, 8, 8), lambda: UNet(1, 8), 2, 2, 2, (2,), (1,))
    return Plan((case,), 2, 4, 32, ())


def measure_with(plan: Plan, seed: int) -> Findings:
    """Every measurement of the plan, with one thread but where threads are what is varied."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    loads = [os.getloadavg()]
    try:
        trained = {case.name: _training(case, plan, seed) for case in plan.cases}
        sampled = {c.name: _sampling(c, with_peers=c is plan.cases[0]) for c in plan.cases}
        alone = _loops_alone(plan)
        rates = [_rates(point) for case in plan.cases for point in _points(case)]
    finally:
        torch.set_num_threads(threads)
    loads.append(os.getloadavg())
    against = against_peers(alone)
    measurements = {
        "training_step": {case: cost._asdict() for case, cost in trained.items()},
        "sampling_row": {
            case: {loop: cost._asdict() for loop, cost in loops.items()}
            for case, loops in sampled.items()
        },
        "loop_microseconds_a_row": {k: median(v).scaled(1e6) for k, v in alone.items()},
        "microseconds_more_than_peers": against,
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
    return Findings(parameters, _plain(measurements), gate(trained, sampled, against))


def _plain(value: object) -> object:
    """Intervals as dictionaries, however deep."""
    if isinstance(value, Interval):
        return value._asdict()
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def _training(case: Case, plan: Plan, seed: int) -> Cost:
    """The trainer's step, with the network and with a stand-in for its arithmetic."""
    data = training.pictures(case.event, seed, plan.pictures)
    with training.trainer(case.config, data) as running:
        actions = {"step": running.train_step, "bare": training.bare_step(running)}
        whole = interleaved(actions, case.rounds)
        with training.standing_in(running.model.network):
            beside = interleaved(actions, plan.free_rounds)
    return costs(whole, beside, "bare")["step"]


def _sampling(case: Case, with_peers: bool) -> dict[str, Cost]:
    """Each loop's cost a row, with the network called as often on batches of the same shape."""
    network, start, autocast = _network(case)
    clocked = sampling.Clocked(network)
    actions = sampling.loops(clocked, start, case.rows, autocast, with_peers)
    spent = interleaved_by(actions, case.rounds, [time.process_time, clocked.outside])
    whole, beside = (_a_row(times, case.rows) for times in spent)
    return costs(whole, beside, sampling.BARE)


def _loops_alone(plan: Plan) -> dict[str, list[float]]:
    """Seconds a row of all loops round a stand-in for the first case's network."""
    network, start, autocast = _network(plan.cases[0])
    with torch.no_grad(), torch.autocast("cpu", autocast, enabled=autocast is not None):
        stand_in = sampling.StandIn(network(start, torch.zeros(len(start))))
    actions = sampling.loops(stand_in, start, plan.free_rows, autocast, True)
    return _a_row(interleaved(actions, plan.free_rounds), plan.free_rows)


def _network(case: Case) -> tuple[nn.Module, Tensor, torch.dtype | None]:
    """The network, a start for its sampling, and the arithmetic."""
    torch.manual_seed(0)
    network = case.build().eval().to(memory_format=torch.channels_last)
    start = torch.randn(case.sampling_batch, *case.event)
    return network, start, choose_autocast("auto", torch.device("cpu"))


def _a_row(spent: dict[str, list[float]], rows: int) -> dict[str, list[float]]:
    return {name: [seconds / rows for seconds in times] for name, times in spent.items()}


def _points(case: Case) -> list[throughput.Point]:
    """Every batch on one thread, the largest on each number of threads."""
    one = throughput.points(case.name, case.build, case.event, case.batches, case.threads[:1])
    largest = case.batches[-1:]
    return one + throughput.points(case.name, case.build, case.event, largest, case.threads[1:])


def _rates(point: throughput.Point) -> dict[str, object]:
    told = {k: v for k, v in point._asdict().items() if k not in ("build", "event")}
    return told | throughput.measure(point)._asdict()
