"""Multiplicative gamma noise: its formulas, and what a network says of clean pixels under it."""

from gbm_fast.gamma_noise.looks import gamma_ancestral_step as gamma_ancestral_step
from gbm_fast.gamma_noise.looks import gamma_chain_step as gamma_chain_step
from gbm_fast.gamma_noise.looks import (
    gamma_conditional_hyvarinen_score as gamma_conditional_hyvarinen_score,
)
from gbm_fast.gamma_noise.looks import gamma_denoiser as gamma_denoiser
from gbm_fast.gamma_noise.looks import gamma_log_moments as gamma_log_moments
from gbm_fast.gamma_noise.looks import gamma_marginal as gamma_marginal
from gbm_fast.gamma_noise.looks import gamma_noise_sample as gamma_noise_sample
from gbm_fast.gamma_noise.looks import gamma_posterior as gamma_posterior
from gbm_fast.gamma_noise.looks import looks_at_log_var as looks_at_log_var
from gbm_fast.gamma_noise.pixel_laws import OUTPUTS as OUTPUTS
from gbm_fast.gamma_noise.pixel_laws import Z95 as Z95
from gbm_fast.gamma_noise.pixel_laws import PixelLaws as PixelLaws
from gbm_fast.gamma_noise.pixel_laws import SpeckleModel as SpeckleModel
from gbm_fast.gamma_noise.pixel_laws import speckle_loss as speckle_loss
