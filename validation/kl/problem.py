"""The two problems of the step-size study and their exact curves, without a random number.

Both have a log-normal target, `log X_0 ~ N(a, v_0)` in one dimension (divergences add over
independent coordinates), and both chains are affine in log space, so that each chain's law is
normal and its divergence from the target is exact.

Reverse sampler. `DaleLangevin` (eq. (13) of version 2; claim A13) with the exact score, N steps of
length delta = 1/N from the exact law at t = 1. With h = sigma^2 delta and v_k = v_0 + h k the
output is N(a, V) (claim R8),

    V = v_0^2 / v_N + (v_0^2 / h) [psi_1(v_0/h) - psi_1(v_0/h + N)]
    KL = sigma^4 delta^2 / (16 v_0^2) (1 - v_0^2 / v_N^2)^2 + O(delta^3)

Version 1's Algorithm 1 has mu - sigma^2/2 where eq. (13) has mu - 3 sigma^2/2 (claim E2): the same
variance, and a log-mean that is off by -v_0 [psi(v_0/h + N) - psi(v_0/h)] -> -v_0 log(v_N / v_0).

Mirrored Langevin. Euler-Maruyama of eq. (22) of version 2 (Appendix D; claims A37, R22),

    log X_{k+1} = log X_k + delta (1 + X_k d/dx log p(X_k)) + sqrt(2 delta) Z_k,

has the stationary law N(a, c v_0) with c = 1 / (1 - u), u = delta / (2 v_0), provided u < 1, whose
divergence is (c - 1 - log c) / 2 = u^2/4 + O(u^3) = delta^2 / (16 v_0^2) + ... (claim E20); the
law after k steps from any normal start is normal too. psi, psi_1: digamma, trigamma.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from gbm_ref.divergence import Gaussian, kl_divergence
from gbm_ref.exact import exact_law
from gbm_ref.grids import uniform
from gbm_ref.mirror import mirrored_langevin_law
from gbm_ref.process import GBM
from gbm_ref.steps import DaleLangevin
from gbm_ref.targets import LogNormal


@dataclass(frozen=True)
class ReverseProblem:
    """Target N(log_mean, log_var) in log space, under dX = mu X dt + sigma X dW on [0, 1]."""

    log_mean: float = 0.3
    log_var: float = 0.15
    mu: float = 0.45
    sigma: float = 0.8

    @property
    def target_law(self) -> Gaussian:
        """The target in log space."""
        return gaussian(self.log_mean, self.log_var)

    def law(self, num_steps: int) -> Gaussian:
        """Law of the logarithm after `num_steps` Dale-Langevin steps, by gbm_ref's recursion."""
        process, target = GBM(self.mu, self.sigma), self._target()
        noised = target.diffuse(process, process.horizon)
        start = Gaussian(np.asarray(noised.log_mean), np.atleast_2d(noised.log_cov))
        return exact_law(DaleLangevin(), target, process, uniform(num_steps), start)

    def closed_form(self, num_steps: int) -> Gaussian:
        """The same law from R8's trigamma formula, which shares no code with `law`."""
        v_0, h = self.log_var, self.sigma**2 / num_steps
        q = v_0 / h
        sums = float(special.polygamma(1, q) - special.polygamma(1, q + num_steps))
        return gaussian(self.log_mean, v_0**2 / (v_0 + self.sigma**2) + v_0 * q * sums)

    def version_one_law(self, num_steps: int) -> Gaussian:
        """Law of version 1's Algorithm 1, which lacks the Ito term (claim E2)."""
        q = self.log_var * num_steps / self.sigma**2
        shift = self.log_var * float(special.digamma(q + num_steps) - special.digamma(q))
        correct = self.closed_form(num_steps)
        return Gaussian(correct.mean - shift, correct.cov)

    def divergence(self, law: Gaussian) -> float:
        """KL(law || target)."""
        return kl_divergence(law, self.target_law)

    def leading(self, step_length: float) -> float:
        """The term of order step_length^2 of the divergence."""
        contraction = self.log_var / (self.log_var + self.sigma**2)
        scaled = self.sigma**2 * step_length / (4 * self.log_var)
        return (scaled * (1 - contraction**2)) ** 2

    def _target(self) -> LogNormal:
        return LogNormal(np.array([self.log_mean]), self.log_var)


@dataclass(frozen=True)
class MirroredProblem:
    """Target N(log_mean, log_var) in log space, chain started from N(start_mean, start_var)."""

    log_mean: float = 0.25
    log_var: float = 0.6
    start_mean: float = 0.9
    start_var: float = 0.2

    @property
    def target_law(self) -> Gaussian:
        """The target in log space."""
        return gaussian(self.log_mean, self.log_var)

    @property
    def start_law(self) -> Gaussian:
        """The start in log space."""
        return gaussian(self.start_mean, self.start_var)

    @property
    def stability_limit(self) -> float:
        """Step length from which on there is no stationary law, 2 v_0."""
        return 2.0 * self.log_var

    def law(self, delta: float, num_steps: int) -> Gaussian:
        """Law of the logarithm after `num_steps` steps from the start law."""
        return self.law_from(self.start_law, delta, num_steps)

    def law_from(self, start: Gaussian, delta: float, num_steps: int) -> Gaussian:
        """Law of the logarithm after `num_steps` steps from `start`."""
        mean = np.array([self.log_mean])
        return mirrored_langevin_law(mean, self.log_var, delta, num_steps, start)

    def stationary_law(self, delta: float) -> Gaussian:
        """The law that the discretised chain leaves as it is, for 0 < delta < 2 log_var."""
        if not 0.0 < delta < self.stability_limit:
            raise ValueError(
                f"no stationary law for delta = {delta}: 0 < delta < 2 log_var needed."
            )
        return gaussian(self.log_mean, self.log_var / (1.0 - delta / self.stability_limit))

    def divergence(self, law: Gaussian) -> float:
        """KL(law || target)."""
        return kl_divergence(law, self.target_law)

    def leading(self, delta: float) -> float:
        """The term of order delta^2 of the stationary law's divergence."""
        return (delta / (4.0 * self.log_var)) ** 2


def gaussian(mean: float, variance: float) -> Gaussian:
    """A one-dimensional normal law."""
    return Gaussian(np.array([mean]), np.array([[variance]]))


def moments_of(law: Gaussian) -> tuple[float, float]:
    """Mean and variance of a one-dimensional normal law."""
    return float(law.mean[0]), float(law.cov[0, 0])


def relative_gap(law: Gaussian, other: Gaussian) -> float:
    """Largest of the mean's difference in standard deviations and the variance's relative one."""
    (mean, variance), (other_mean, other_variance) = moments_of(law), moments_of(other)
    return max(
        abs(mean - other_mean) / math.sqrt(other_variance), abs(variance / other_variance - 1.0)
    )
