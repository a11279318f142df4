"""The study of learned scores on networks that are trained for a moment, and its gate.

Statistics: the bands of the draws have false alarm 1e-9 each, the identity in the plane 3e-12.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from tests.support.cases import seed
from validation.learned import networks, shares
from validation.learned.figure import build_figure
from validation.learned.gate import checks
from validation.learned.measure import measure_with
from validation.learned.problems import LINES, PLANES, WAYS, Case, Plan, training
from validation.study import Findings

TINY = Plan((LINES[1], PLANES[1]), 2, 16, 2, 16, 8, 1, 300, 300, 32, 4)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learned")


@pytest.fixture(scope="module")
def findings(runs: Path) -> Findings:
    return measure_with(TINY, seed("learned") % 2**31, runs)


def test_the_gate_passes_whatever_the_networks_have_learned(findings: Findings) -> None:
    assert [check for check in findings.checks if not check.passed] == []
    assert len(findings.checks) == 6


def test_every_seed_of_every_way_is_reported(findings: Findings) -> None:
    rows = [(n["law"], n["way"], n["seed"]) for n in findings.measurements["networks"]]
    assert len(set(rows)) == len(rows) == 2 * 3 * 2
    assert {way for _, way, _ in rows} == set(WAYS)
    for network in findings.measurements["networks"]:
        assert [row["t"] for row in network["errors"]][-1] == 1.0
        assert all(row["error"] > 0 for row in network["errors"])


def test_a_second_study_reads_the_trainings(
    findings: Findings, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("gbm_fast.training.trainer.Trainer.train_step", refuse)
    first = findings.measurements["networks"][0]
    case = Case(first["law"], first["way"], first["seed"])
    _, seconds = networks.train(case, TINY, runs)
    assert seconds == first["training_seconds"]


def test_the_ways_differ_as_they_say() -> None:
    paper, weighted, default = (training(Case(LINES[0], way, 1), TINY) for way in WAYS)
    assert (paper.parameterisation, paper.weighting, paper.times) == ("stein", "none", "uniform")
    assert weighted.parameterisation == "stein" and weighted.weighting == "variance"
    assert default.parameterisation == "denoiser" and default.weighting == "preconditioned"
    ways = paper, weighted, default
    assert len({(c.steps, c.batch_size, c.width, c.depth, c.learning_rate) for c in ways}) == 1


def wrong_loss(network: dict) -> None:
    network["identity"][1]["denoising"] += 1e-4


def beyond_its_bound(network: dict) -> None:
    network["kl_nats"] = 1.01 * network["kl_bound_nats"]


def half_a_bound(network: dict) -> None:
    network["kl_bound_nats"] *= 0.4


def far_draws(network: dict) -> None:
    network["samples_from_own_law"] = network["band"] + 0.01


def far_projection(network: dict) -> None:
    network["distance_from_data"] = 5.0


PLANTED = {
    wrong_loss: (LINES[1], "loss is floor plus error"),
    beyond_its_bound: (LINES[1], "divergence within its bound"),
    half_a_bound: (LINES[1], "divergence within its bound"),
    far_draws: (LINES[1], "draws against the sampler's own law"),
    far_projection: (PLANES[1], "projections within Pinsker's limit"),
}


@pytest.mark.parametrize("mistake", PLANTED, ids=lambda one: one.__name__)
def test_the_gate_refuses(findings: Findings, mistake: Callable[[dict], None]) -> None:
    law, name = PLANTED[mistake]
    networks = copy.deepcopy(findings.measurements["networks"])
    mistake(next(one for one in networks if one["law"] == law))
    found = checks(TINY, findings.measurements["laws"], networks)
    failed = [check.name for check in found if not check.passed]
    assert len(failed) == 1 and failed[0].startswith(name)


def test_the_gate_refuses_what_is_missing(findings: Findings) -> None:
    laws, networks = findings.measurements["laws"], findings.measurements["networks"]
    assert not all(check.passed for check in checks(TINY, laws, networks[1:]))
    assert not any(check.passed for check in checks(TINY, {}, []) if "Pinsker" not in check.name)


def test_the_share_of_small_times_is_that_of_the_sheet() -> None:
    """E9: at N = 1000 and sigma = 0.8 half of the sum is at k <= 32 and an eighth at k = 1."""
    assert shares.target_share(1000) == pytest.approx(0.5, abs=0.02)


def test_gradients_of_single_draws_are_those_of_autograd(runs: Path, findings: Findings) -> None:
    """Their losses are the training's, and the squared norm is compared for one draw."""
    first = findings.measurements["networks"][0]
    case = Case(first["law"], first["way"], first["seed"])
    model, _ = networks.train(case, TINY, runs)
    model.requires_grad_(True)
    process = gbm.GBM(sigma=0.8)
    x0, t = torch.tensor([[1.3]]), torch.tensor([0.25], dtype=torch.float64)
    z = torch.tensor([[0.7]])
    gbm.m_dsm(gbm.score_function(model, process), x0, t, z, process).loss.backward()
    expected = sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None)
    v = process.log_var(t).float()
    found = shares._gradients(model, process.sample(x0, t, z).log(), v, z, torch.ones(1))
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_the_picture_shows_every_network(findings: Findings) -> None:
    axes = build_figure(findings).axes
    assert len(axes) == 9
    errors = axes[2].lines[:-1]
    assert len(errors) == 6
    heights = np.concatenate([line.get_ydata() for line in errors])
    stored = [
        row["error_times_v"]
        for network in findings.measurements["networks"]
        if network["law"] == LINES[1]
        for row in network["errors"]
    ]
    assert sorted(heights) == sorted(stored)
