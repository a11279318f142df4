"""Claims about the score in its several forms."""

from spec.scores import coordinates, denoiser, forms, guidance, kernel, posterior

CLAIMS = (*coordinates.CLAIMS, *kernel.CLAIMS, *forms.CLAIMS, *denoiser.CLAIMS, *posterior.CLAIMS,
          *guidance.CLAIMS)  # fmt: skip
