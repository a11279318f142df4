"""What the mathematics of the studies refuses, with the words that say why."""

import math

import numpy as np

import gbm_fast as gbm
from tests.support.refusals import Refusal, check, rows, table
from validation.gate.problem import coefficients
from validation.intervals import Moments, confidence_region, sample_moments
from validation.kl.problem import MirroredProblem

SAMPLES = {"log_samples": np.array([0.1, 0.4, 1.0])}
REGION = {"moments": Moments(10, 0.2, 0.4), "alpha": 1e-6}
KNOWN = {"head": gbm.Stein(), "log_mean": 0.0, "log_std": 1.0, "u": np.zeros(1), "v": 1.0}


@table(
    rows(
        sample_moments,
        SAMPLES,
        *(("log_samples", np.full(shape, 0.3), "one axis") for shape in ((1,), (4, 1), ())),
    ),
    rows(confidence_region, REGION, *(("alpha", a, "alpha") for a in (0.0, 1.0, -0.1, math.nan))),
    rows(
        MirroredProblem().stationary_law,
        {"delta": 0.2},
        *(("delta", delta, "stationary") for delta in (0.0, -0.1, 1.2, 1.7, math.nan)),
    ),
    rows(
        coefficients,
        KNOWN,
        ("head", lambda output, u, v: output, "does not know the parameterisation"),
    ),
)
def test_a_wrong_argument_is_refused(refusal: Refusal) -> None:
    check(refusal)
