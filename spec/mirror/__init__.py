"""Claims about mirror descent, exponentiated gradients and mirrored Langevin dynamics."""

from spec.checking.claim import Claim
from spec.mirror import (
    analogies,
    bias,
    entropy,
    langevin,
    log_normal_target,
    modified_error,
    quadratic,
    reverse_time,
    sampling_equivalent,
    weights_at_convergence,
)

CLAIMS: tuple[Claim, ...] = (
    *quadratic.CLAIMS,
    *entropy.CLAIMS,
    *langevin.CLAIMS,
    *modified_error.CLAIMS,
    *sampling_equivalent.CLAIMS,
    *analogies.CLAIMS,
    *reverse_time.CLAIMS,
    *log_normal_target.CLAIMS,
    *bias.CLAIMS,
    *weights_at_convergence.CLAIMS,
)
