"""Claims about the forward process: Brownian motions of log X and their exact kernels."""

from spec.process import between_times, chain, equations, laws, schedules, time_varying

CLAIMS = (*equations.CLAIMS, *laws.CLAIMS, *time_varying.CLAIMS, *chain.CLAIMS, *schedules.CLAIMS,
          *between_times.CLAIMS)  # fmt: skip
