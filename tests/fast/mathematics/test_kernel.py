"""Kernel, bridge and two times agree with the oracle; times one a sample; refusals."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.ref.test_ref_kernel import ALL, PLANES, R, S, T, X, Z
from tests.support.refusals import Refusal, check, rows, table
from tests.support.twins import assert_agree, assert_twins, tensor, twin_process, twin_target

BOTH = twin_process(ALL["rates by coordinate"])


@pytest.fixture(params=list(ALL))
def theirs(request: pytest.FixtureRequest) -> ref.Process:
    return ALL[request.param]


def test_laws_agree(theirs: ref.Process) -> None:
    ours = twin_process(theirs)
    pairs = [
        (gbm.kernel_law(tensor(X[0]), ours, S, T), ref.kernel_law(X[0], theirs, S, T)),
        (
            gbm.bridge_law(tensor(X[0]), tensor(X[1]), ours, R, S, T),
            ref.bridge_law(X[0], X[1], theirs, R, S, T),
        ),
    ]
    for found, expected in pairs:
        assert_twins(found.log_mean, expected.log_mean, 10.0)
        assert_twins(found.log_cov, expected.log_cov, 10.0)


@pytest.mark.parametrize("sigma", [1e-150, 1e150])
def test_a_bridge_stays_in_range(sigma: float) -> None:
    law = gbm.bridge_law(tensor(X[0]), tensor(X[1]), gbm.GBM(sigma=sigma), 0.0, 0.5, 1.0)
    assert_twins(law.log_cov.diagonal(), np.full(2, sigma**2 / 4), 1.0)


def test_draws_agree(theirs: ref.Process) -> None:
    scale = 1.0 + np.abs(ref.kernel_sample(X, theirs, S, T, Z))
    assert_agree("kernel_sample", X, theirs, S, T, Z, scale=scale)
    x, y, z = X[:6], X[6:], Z[:6]
    scale = 10.0 + np.abs(ref.bridge_sample(x, y, theirs, R, S, T, z))
    assert_agree("bridge_sample", x, y, theirs, R, S, T, z, scale=scale)


@pytest.mark.parametrize("name", PLANES)
def test_two_times_agree(name: str) -> None:
    theirs = ALL["constant"]
    found = gbm.two_time_law(twin_target(PLANES[name]), twin_process(theirs), S, T)
    expected = ref.two_time_law(PLANES[name], theirs, S, T)
    pairs = np.concatenate([X, np.roll(X, 1, axis=0)], axis=-1)
    assert_twins(found.logpdf(tensor(pairs)), expected.logpdf(pairs), 1e3)
    rates = twin_process(ALL["rates by coordinate"])
    law = gbm.two_time_law(twin_target(PLANES["mixture-2d"]), rates, S, T)
    expected = ref.two_time_law(PLANES["mixture-2d"], ALL["rates by coordinate"], S, T)
    assert_twins(law.log_covs, expected.log_covs, 10.0)


def test_one_time_a_sample_is_each_alone(theirs: ref.Process) -> None:
    ours, s = twin_process(theirs), torch.linspace(0.2, 0.5, 6, dtype=torch.float64)
    x, y, z = tensor(X[:6]), tensor(X[6:]), tensor(Z[:6])
    for call in (
        lambda x, y, z, s: gbm.kernel_sample(x, ours, s, T, z),
        lambda x, y, z, s: gbm.bridge_sample(x, y, ours, R, s, T, z),
    ):
        alone = [call(x[i : i + 1], y[i : i + 1], z[i : i + 1], s[i]) for i in range(6)]
        torch.testing.assert_close(call(x, y, z, s), torch.cat(alone), rtol=1e-13, atol=1e-13)


def test_images_keep_their_shape() -> None:
    image, z = tensor(X).reshape(4, 3, 2), tensor(Z).reshape(4, 3, 2)
    process = twin_process(ALL["constant"])
    drawn = gbm.bridge_sample(image, image.flip(0), process, R, S, T, z)
    flat = gbm.bridge_sample(
        image.flatten(1), image.flip(0).flatten(1), process, R, S, T, z.flatten(1)
    )
    torch.testing.assert_close(drawn.flatten(1), flat, rtol=0, atol=0)


ONE, TWO = tensor(X[0]), tensor(X[1])
LAW = {"x_s": ONE, "process": BOTH, "s": S, "t": T}
BRIDGE = {"x_r": ONE, "x_t": TWO, "process": BOTH, "r": R, "s": S, "t": T}
MANY = torch.full((12,), T, dtype=torch.float64)


@table(
    rows(gbm.kernel_law, LAW, ("x_s", tensor(X), r"shape \(d,\)"), ("x_s", -ONE, "positive"),
         ("x_s", ONE[:1], "rates for 2 coordinates"), ("s", 0.9, "in order"),
         ("t", 1.0, "within"), ("t", MANY, "that of one time")),
    rows(gbm.kernel_sample, {**LAW, "x_s": tensor(X), "z": tensor(Z)},
         ("z", tensor(Z[:3]), "z must have the shape"), ("t", R, "in order")),
    rows(gbm.bridge_law, BRIDGE, ("s", 0.1, "in order"), ("s", 0.9, "in order"),
         ("x_t", TWO[:1], "rates for 2 coordinates"), ("x_r", tensor(X), r"shape \(d,\)")),
    rows(gbm.bridge_law, {**BRIDGE, "s": R}, ("t", R, "two different times")),
    rows(gbm.two_time_law,
         {"target": twin_target(PLANES["log-normal-2d"]), "process": BOTH, "s": S, "t": T},
         ("t", R, "in order"), ("process", gbm.CoordinateGBM([1.0, 2.0, 3.0]), "3 coordinates")),
)  # fmt: skip
def test_what_does_not_fit_is_refused(refusal: Refusal) -> None:
    check(refusal)
