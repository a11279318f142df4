"""Claims about mirror descent, exponentiated gradients and mirrored Langevin dynamics."""

from spec.checking.claim import Claim
from spec.mirror import (
    analogies, bias, entropy, langevin, log_normal_target, mirror_step, reverse_time,
    weights_at_convergence)  # fmt: skip

CLAIMS: tuple[Claim, ...] = (
    *entropy.CLAIMS, *langevin.CLAIMS, *mirror_step.CLAIMS, *analogies.CLAIMS,
    *reverse_time.CLAIMS, *log_normal_target.CLAIMS, *bias.CLAIMS, *weights_at_convergence.CLAIMS,
)  # fmt: skip
