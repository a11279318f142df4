"""Several processes as one: shards, gathering, errors of process 0, and the group's end."""

import json
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from gbm_fast.runtime import distributed
from gbm_fast.runtime.distributed import from_main, gather, is_main, process_group, shard, world
from tests.support.fixtures import Patch
from tests.support.processes import join, start, start_group

COUNT = 11


def rows(numbers: range) -> torch.Tensor:
    """What a worker computes for its items: (n, 2), a function of the item's number alone."""
    return torch.tensor([[i / 7, -(i**2)] for i in numbers], dtype=torch.float64).reshape(-1, 2)


def fail() -> str:
    raise ValueError("the folder is taken: é")


def work(folder: Path) -> None:
    """What each process of the group does; the answers go to files."""
    with process_group(use_cuda=False, timeout_minutes=1) as group:
        gathered = gather(rows(shard(COUNT)), COUNT)
        bytes_ = gather(torch.arange(3, dtype=torch.uint8)[list(shard(3))], 3)
        called: list[int] = []
        text = from_main(lambda: called.append(group.rank) or f"chosen by {group.rank}\n")
        given = torch.tensor([2.5]) if is_main() else None
        sent = distributed.send_tensor(given, torch.float32, (1,))
        try:
            from_main(fail)
            error = ""
        except ValueError as caught:
            error = str(caught)
        answer = {
            "group": group,
            "shard": list(shard(COUNT)),
            "gathered": gathered.tolist(),
            "bytes": bytes_.tolist(),
            "sum": distributed.all_sum(torch.tensor(float(group.rank + 1))).item(),
            "text": text,
            "called": called,
            "sent": sent.tolist(),
            "error": error,
        }
    answer["after"] = world()
    (folder / f"{group.rank}.json").write_text(json.dumps(answer))


@pytest.mark.parametrize("size", [2, 3])
def test_a_group_shares_work_and_agrees(tmp_path: Path, size: int) -> None:
    """Every process has all rows in the order of the items, and the answer of process 0."""
    assert join(start_group(size, work, tmp_path)) == [0] * size
    answers = [json.loads((tmp_path / f"{i}.json").read_text()) for i in range(size)]
    shards = [answer.pop("shard") for answer in answers]
    assert sum(shards, []) == list(range(COUNT))
    sizes = list(map(len, shards))
    assert max(sizes) - min(sizes) <= 1
    for rank, answer in enumerate(answers):
        assert answer == {
            "group": [rank, size],
            "gathered": rows(range(COUNT)).tolist(),
            "bytes": [0, 1, 2],
            "sum": size * (size + 1) / 2,
            "text": "chosen by 0\n",
            "called": [0] if rank == 0 else [],
            "sent": [2.5],
            "error": "the folder is taken: é",
            "after": [0, 1],
        }


ELASTIC = {"MASTER_ADDR": "127.0.0.1", "WORLD_SIZE": "2", "GROUP_WORLD_SIZE": "1"}
ELASTIC |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_MAX_RESTARTS": "3"}


def agent_store() -> dist.TCPStore:
    return dist.TCPStore("127.0.0.1", 0, is_master=True, timeout=timedelta(seconds=10))


def meet(dies: bool) -> None:
    """A process that joins its group, and is killed in it if it `dies`."""
    with process_group(use_cuda=False, timeout_minutes=1):
        distributed.all_sum(torch.ones(1))
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)


def test_processes_that_are_started_again_find_each_other() -> None:
    """With the store that the dead have left their addresses in."""
    store = agent_store()
    shared = ELASTIC | {"MASTER_PORT": str(store.port)}
    for restarts, dies in enumerate((True, True, False)):
        variables = shared | {"TORCHELASTIC_RESTART_COUNT": str(restarts)}
        children = [start(meet, dies, variables=variables | {"RANK": str(i)}) for i in range(2)]
        assert join(children) == [-signal.SIGKILL if dies else 0] * 2


def test_an_attempt_does_not_read_an_earlier_one(monkeypatch: Patch) -> None:
    """It would miss them by chance only. Twin: the same attempt again, which reads them."""
    server = agent_store()
    given: list[dist.Store] = []
    monkeypatch.setattr(dist, "init_process_group", lambda *_, store, **__: given.append(store))
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    for name, value in (ELASTIC | {"RANK": "1", "MASTER_PORT": str(server.port)}).items():
        monkeypatch.setenv(name, value)
    for restarts in (0, 1, 0):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(restarts))
        with process_group(use_cuda=False, timeout_minutes=1):
            pass
    first, second, twin = given
    first.set("address", "that of a dead process")
    assert first.get("address")  # it is there before anybody else looks
    assert twin.check(["address"]) and not second.check(["address"])


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({}, True),
        ({"RANK": "1"}, False),
        ({"TORCHELASTIC_USE_AGENT_STORE": "False"}, False),
        ({"TORCHELASTIC_MAX_RESTARTS": "0"}, False),
    ],
)
def test_several_machines_are_told_what_restarts_need(
    changed: dict, warned: bool, monkeypatch: Patch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    for name, value in (ELASTIC | {"RANK": "0", "GROUP_WORLD_SIZE": "2"} | changed).items():
        monkeypatch.setenv(name, value)
    with process_group(use_cuda=False, timeout_minutes=1):
        pass
    assert ("TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1" in capsys.readouterr().err) == warned


def test_without_a_launcher_there_is_one_process_and_no_group() -> None:
    with process_group(use_cuda=False, timeout_minutes=1) as group:
        assert group == world() == (0, 1) and is_main()
        assert shard(COUNT) == range(COUNT)
        assert torch.equal(gather(rows(shard(COUNT)), COUNT), rows(range(COUNT)))
        assert from_main(lambda: "text") == "text"
        with pytest.raises(ValueError, match="the folder is taken"):
            from_main(fail)
    with pytest.raises(ValueError, match="expected 11 rows of 11, got 4"):
        gather(rows(range(4)), COUNT)


def test_each_process_of_a_machine_needs_a_gpu_of_its_own(monkeypatch: Patch) -> None:
    """Decided by counting, before a group is made and before any GPU is touched."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert all(map(distributed.uses_cuda, ("auto", "cuda", "cuda:1")))
    assert not distributed.uses_cuda("cpu")
    for name, value in {"RANK": "2", "WORLD_SIZE": "3", "LOCAL_RANK": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="its own GPU"):
        distributed.uses_cuda("cuda:1")
    with pytest.raises(ValueError, match="finds only 2 GPUs"), process_group(True, 1):
        pass
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not distributed.uses_cuda("auto")
