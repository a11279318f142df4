"""Claims about data laws that are closed under the process."""

from spec.targets import log_normal_moments

CLAIMS = log_normal_moments.CLAIMS
