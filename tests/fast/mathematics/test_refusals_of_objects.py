"""What processes, posteriors, steps, the loop, targets and distributions refuse."""

from typing import ClassVar

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_fast.distributions as fronts
from tests.support.cases import PROBLEMS, PROCESS, log_linear, states
from tests.support.fixtures import Patch
from tests.support.good import COV, INF, NAN, X, column, each, not_positive, refused
from tests.support.refusals import Refusal, check, table
from tests.support.tables import ALL_PROCESSES, STEPS
from tests.support.twins import tensor, twin_process, twin_target


def with_a_hole(bad: float) -> Tensor:
    """Images (2, 1, 3, 3) of which one pixel is not positive."""
    x0 = torch.full((2, 1, 3, 3), 1.5)
    x0[1, 0, 2, 1] = bad
    return x0


BAD = (0.0, -0.8, NAN, INF)
IMAGES = with_a_hole(1.5)


def of_times(process: gbm.Process) -> list[Refusal]:
    """Times, lengths and variances beyond the horizon."""
    end, most = process.horizon, float(process.log_var(process.horizon))
    outside = (-0.01, 1.01 * end, NAN, tensor([0.1, -0.1]), tensor([[0.1]]))
    return [
        *refused(process.log_var, *each("t", outside, "t must")),
        *refused(process.increments, ("dt", 0.4 * end, "step"), t=0.3 * end),
        *refused(process.time_at_log_var, ("v", 1.5 * most, "v must"), v=most / 2),
    ]


MOTIONS = [
    *(of_times(twin_process(process)) for process in ALL_PROCESSES.values()),
    refused(gbm.GBM, *each("sigma", BAD, "sigma"), *each("horizon", BAD, "horizon")),
    refused(gbm.GBM, ("mu", NAN, "mu")),
    refused(gbm.VarianceExploding, *each("std_min", (*BAD, 2.0), "std_min"), std_max=1.5),
    refused(
        PROCESS.sample,
        *each("x0", map(with_a_hole, (0.0, -1.2, NAN, INF)), r"1 \w+ of 18"),
        **{"x0": IMAGES, "z": torch.zeros_like(IMAGES)},
    ),
    refused(
        PROCESS.sample,
        ("z", torch.zeros(2, 3), "shape of x"),
        ("t", torch.tensor([0.4, 0.4, 0.4]), "one value a sample"),
    ),
]
PICTURES = next(p for p in PROBLEMS if p.name.startswith("images"))
PICTURE = tensor(states(PICTURES, 0.3, size=1))
POSTERIOR = {"target": twin_target(PICTURES.target), "process": twin_process(PICTURES.process)}
POSTERIORS = [
    *(
        refused(
            call,
            ("t", 0.0, "diffuse first|take t > 0"),
            ("x", PICTURE[:, :2], "shape"),
            ("x", -PICTURE, "positive"),
            x=PICTURE,
            **POSTERIOR,
        )
        for call in (gbm.posterior_weights, gbm.posterior_log_mean, gbm.posterior_log_cov)
    ),
    refused(gbm.posterior_law, ("x", PICTURE, "one state"), x=PICTURE[0], **POSTERIOR),
]


class Stratonovich(gbm.GBM):
    """A process of another calculus."""

    calculus: ClassVar[str] = "stratonovich"


BAD_STATES = [tensor([[1.3, bad], [1.1, 1.9]]) for bad in (0.0, NAN, INF)]


def of_step(step: gbm.Step) -> list[Refusal]:
    """States, shapes and times; in the loop, scores that are not finite."""
    noise = [("z", None, "needs noise"), ("z", X[:, :1], "z must have the shape")]
    once = {"step": step, "grid": gbm.uniform(1), "z": X[None] - 1}
    return [
        *refused(
            step,
            *each("x_t", BAD_STATES, "positive and finite"),
            ("score", column, "score's result"),
            *each("dt", (0.6, -0.1), "must"),
            *each("t_score", (1.2, -0.1), "must"),
            *(noise if step.uses_noise else []),
            noise=1.0,
        ),
        *refused(
            gbm.simulate,
            ("score", lambda x, t: torch.full_like(x, NAN), "finite"),
            ("score", lambda x, t: torch.full_like(x, INF), "finite"),
            **once,
        ),
    ]


NEGATIVE = ("x_t", tensor([[1.3, -0.4], [1.1, 1.9]]), "1 negative of 4")
FLOW, LANGEVIN = gbm.ProbabilityFlow(), gbm.DaleLangevin()
FOUR = torch.stack([X - 1] * 4)
STEPPING = [
    *(of_step(STEPS[kind][0]) for kind in STEPS),
    *(refused(step, NEGATIVE, noise=1.0) for step in (LANGEVIN, FLOW)),
    refused(FLOW, ("dt", 0.2, "split the batch"), t_score=tensor([0.7, 0.2]), z=None, noise=1.0),
    refused(lambda t: FLOW(PROCESS, log_linear, X, t, t, 1.0, None), ("t", 0.0, "positive")),
    refused(
        gbm.simulate,
        ("process", Stratonovich(sigma=0.7), "calculus"),
        ("grid", (), "no rows"),
        ("z", None, "uses noise"),
        ("z", FOUR[:3], r"\(rows, \*x_T.shape\)"),
        ("z", lambda i: FOUR[i, :, :1], "z must have the shape"),
        ("x_T", -X, "positive"),
        **{"step": LANGEVIN, "grid": gbm.uniform(4), "z": FOUR},
    ),
]

CENTRES = tensor([[0.1, 0.2], [0.5, -0.4]])
MIXTURE = gbm.LogNormalMixture(tensor([0.3, 0.7]), CENTRES, tensor([0.2, 0.3]))
TARGETS = [
    *(
        refused(
            call,
            *each("x", not_positive(-1.0), "positive"),
            ("x", tensor([[1.3, 1.0, 2.0]]), "shape"),
        )
        for call in (
            MIXTURE.logpdf,
            MIXTURE.log_score,
            MIXTURE.hyvarinen_score,
            MIXTURE.stein_score,
        )
    ),
    # d times for d coordinates would broadcast to another law, without an error.
    *(
        refused(
            twin_target(problem.target).diffuse,
            ("t", torch.full((problem.target.d,), 0.3), "one time"),
            process=twin_process(problem.process),
        )
        for problem in PROBLEMS
    ),
    refused(
        gbm.LogNormal,
        *each("log_mean", (tensor(0.3), tensor([0.3, NAN])), "must"),
        *each("log_cov", (tensor([0.4] * 3), tensor(-0.4)), "must"),
        ("log_cov", tensor([[1, 0.2], [0.1, 1]]), "must"),
        ("log_cov", tensor([[1, 2], [2, 1.0]]), "must"),
        **{"log_mean": tensor([0.3, 0.1]), "log_cov": tensor(0.4)},
    ),
    refused(
        gbm.LogNormalMixture,
        *each("weights", map(tensor, ([0.5, 0.6], [1.0, 0.0], [1.0])), "must"),
        ("log_covs", tensor([0.3]), "must"),
        weights=tensor([0.5, 0.5]),
        log_means=tensor([[0.1], [0.2]]),
        log_covs=tensor([0.3, 0.4]),
    ),
    refused(
        gbm.PointMasses,
        *each("points", (X * tensor([1.0, 0.0]), X[0], torch.empty(0, 2)), "must"),
        ("log_var", -0.1, "must"),
    ),
]


MEANS, COVS = torch.stack([X[0], -X[0]]), torch.stack([COV, COV])
FOREIGN = type("Foreign", (gbm.Target,), dict.fromkeys(gbm.Target.__abstractmethods__))()
FRONTS = [
    refused(fronts.LogNormal, ("log_cov", -COV, "covariance_matrix"), log_mean=X[0], log_cov=COV),
    refused(
        fronts.LogNormalMixture,
        ("weights", tensor([0.3, -0.7]), "probs"),
        **{"weights": tensor([0.3, 0.7]), "log_means": MEANS, "log_covs": COVS},
    ),
    refused(fronts.PointMasses, ("points", tensor([[0.7, -1.3]]), "points must be positive")),
    refused(
        lambda log_var: fronts.PointMasses(X, log_var).log_prob(X[0]),
        ("log_var", 0.0, "diffuse first"),
        log_var=0.2,
    ),
    refused(
        fronts.ForwardKernel,
        ("t", 0.0, "scale"),
        ("x0", tensor([[0.7, -1.3]]), "x0 must be positive"),
        ("x0", X[0], "batch"),
    ),
    refused(fronts.from_target, ("target", FOREIGN, "Foreign")),
]


@table(*MOTIONS, *POSTERIORS, *STEPPING, *TARGETS)
def test_processes_steps_and_targets_refuse(refusal: Refusal) -> None:
    check(refusal)


@table(*FRONTS)
def test_distributions_refuse(refusal: Refusal, monkeypatch: Patch) -> None:
    # The first use of torch.compile in a process turns torch's default off.
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)
    check(refusal)


def test_a_rate_that_turns_negative_is_refused_when_the_process_is_made() -> None:
    with pytest.raises(ValueError, match="sigma"):
        gbm.TimeVaryingGBM(mu=lambda t: 0.1 * t, sigma=lambda t: 0.4 - t)
