"""Multiplicative diffusion in PyTorch: geometric Brownian motion as the forward noise.

The state is positive, every marginal of a point is log-normal, and the networks learn the
Hyvarinen score x * grad log p_t(x). `import gbm_fast as gbm` offers, flat, every name that has a
twin in `gbm_ref`, and what a user of a trained model needs:

    run = gbm.load_run("runs/00000-digits-variance-exploding")
    images = run.sample(16, seed=0, sampler="probability-flow")
    run = gbm.train_run(gbm.TrainConfig(dataset="digits", minutes=1.0))
    model = gbm.ScoreModel(network, gbm.Denoiser(a, s), a, s)       # and gbm.m_dsm, gbm.simulate

The mathematics lives in the modules named as in `gbm_ref`; settings, runtime, networks, data,
training, sampling, evaluation and commands are rooms of their own. `distributions` is a front in
the style of torch.distributions. `python -m gbm_fast.train`, `gbm_fast.sample` and
`gbm_fast.evaluate` are the commands.

States and parameters are tensors of floating-point numbers, times and other numbers are Python's
or tensors; arrays of another kind, masks, complex numbers, booleans and text are a ValueError.
Laws, processes and steps keep copies, which are not to be changed in place. The mathematics
comes out the same under any default dtype or device, autocast, `inference_mode` and `no_grad`;
only a network's own arithmetic follows the autocast in force.

Names are imported when they are first used: the commands' `--help` does not wait for torch.
"""

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from gbm_fast.settings.version import VERSION

if TYPE_CHECKING:  # read below, for what is imported from where when it is first used
    from gbm_fast.commands.training import train_run as train_run
    from gbm_fast.data import ImageData as ImageData
    from gbm_fast.data import integers_from_positive as integers_from_positive
    from gbm_fast.data import load_dataset as load_dataset
    from gbm_fast.data import positive_from_integers as positive_from_integers
    from gbm_fast.data.own.vectors import VectorData as VectorData
    from gbm_fast.data.own.vectors import load_vectors as load_vectors
    from gbm_fast.data.types import Events as Events
    from gbm_fast.divergence import Gaussian as Gaussian
    from gbm_fast.divergence import kl_divergence as kl_divergence
    from gbm_fast.evaluation.distances import frechet_distance as frechet_distance
    from gbm_fast.evaluation.distances import kernel_distance as kernel_distance
    from gbm_fast.evaluation.features import FeatureExtractor as FeatureExtractor
    from gbm_fast.evaluation.features import load_or_train_classifier as load_or_train_classifier
    from gbm_fast.evaluation.known_laws import law_distances as law_distances
    from gbm_fast.evaluation.known_laws import score_errors as score_errors
    from gbm_fast.evaluation.marginals import marginal_distances as marginal_distances
    from gbm_fast.evaluation.metrics import evaluate_images as evaluate_images
    from gbm_fast.flips import log_average_flip_probability as log_average_flip_probability
    from gbm_fast.flips import log_flip_probability as log_flip_probability
    from gbm_fast.gamma_noise import PixelLaws as PixelLaws
    from gbm_fast.gamma_noise import SpeckleModel as SpeckleModel
    from gbm_fast.gamma_noise import gamma_ancestral_step as gamma_ancestral_step
    from gbm_fast.gamma_noise import gamma_chain_step as gamma_chain_step
    from gbm_fast.gamma_noise import (
        gamma_conditional_hyvarinen_score as gamma_conditional_hyvarinen_score,
    )
    from gbm_fast.gamma_noise import gamma_denoiser as gamma_denoiser
    from gbm_fast.gamma_noise import gamma_log_moments as gamma_log_moments
    from gbm_fast.gamma_noise import gamma_marginal as gamma_marginal
    from gbm_fast.gamma_noise import gamma_noise_sample as gamma_noise_sample
    from gbm_fast.gamma_noise import gamma_posterior as gamma_posterior
    from gbm_fast.gamma_noise import looks_at_log_var as looks_at_log_var
    from gbm_fast.gamma_noise import speckle_loss as speckle_loss
    from gbm_fast.grids import Grid as Grid
    from gbm_fast.grids import Row as Row
    from gbm_fast.grids import annealed as annealed
    from gbm_fast.grids import geometric as geometric
    from gbm_fast.grids import power as power
    from gbm_fast.grids import printed as printed
    from gbm_fast.grids import uniform as uniform
    from gbm_fast.kernel import bridge_law as bridge_law
    from gbm_fast.kernel import bridge_sample as bridge_sample
    from gbm_fast.kernel import kernel_law as kernel_law
    from gbm_fast.kernel import kernel_sample as kernel_sample
    from gbm_fast.kernel import two_time_law as two_time_law
    from gbm_fast.laws import BetaPrime as BetaPrime
    from gbm_fast.laws import Gamma as Gamma
    from gbm_fast.laws import InverseGamma as InverseGamma
    from gbm_fast.laws import ProductLaw as ProductLaw
    from gbm_fast.laws import Weibull as Weibull
    from gbm_fast.likelihood import Divergence as Divergence
    from gbm_fast.likelihood import autograd_divergence as autograd_divergence
    from gbm_fast.likelihood import bits_per_dim as bits_per_dim
    from gbm_fast.likelihood import exact_divergence as exact_divergence
    from gbm_fast.likelihood import exact_log_likelihood as exact_log_likelihood
    from gbm_fast.likelihood import hutchinson_divergence as hutchinson_divergence
    from gbm_fast.likelihood import log_likelihood as log_likelihood
    from gbm_fast.likelihood import log_score_divergence as log_score_divergence
    from gbm_fast.likelihood import log_score_slope as log_score_slope
    from gbm_fast.mirror import ENTROPY as ENTROPY
    from gbm_fast.mirror import EUCLIDEAN as EUCLIDEAN
    from gbm_fast.mirror import Potential as Potential
    from gbm_fast.mirror import bregman as bregman
    from gbm_fast.mirror import exponentiated_gradient_step as exponentiated_gradient_step
    from gbm_fast.mirror import gradient_step as gradient_step
    from gbm_fast.mirror import mirrored_langevin_step as mirrored_langevin_step
    from gbm_fast.mismatch import PricedStart as PricedStart
    from gbm_fast.mismatch import best_start as best_start
    from gbm_fast.mismatch import terminal_gaussian as terminal_gaussian
    from gbm_fast.mismatch import terminal_mismatch as terminal_mismatch
    from gbm_fast.networks import MLP as MLP
    from gbm_fast.networks import DDPMpp as DDPMpp
    from gbm_fast.networks import LocalUNet as LocalUNet
    from gbm_fast.networks import NCSNDeeper as NCSNDeeper
    from gbm_fast.networks import UNet as UNet
    from gbm_fast.objectives import ImplicitLoss as ImplicitLoss
    from gbm_fast.objectives import LikelihoodWeighting as LikelihoodWeighting
    from gbm_fast.objectives import MDSMLoss as MDSMLoss
    from gbm_fast.objectives import MESMLoss as MESMLoss
    from gbm_fast.objectives import PreconditionedWeighting as PreconditionedWeighting
    from gbm_fast.objectives import Weighting as Weighting
    from gbm_fast.objectives import implicit_m_esm as implicit_m_esm
    from gbm_fast.objectives import m_dsm as m_dsm
    from gbm_fast.objectives import m_esm as m_esm
    from gbm_fast.objectives import nonnegative_score_matching as nonnegative_score_matching
    from gbm_fast.objectives import squared_variance_weighting as squared_variance_weighting
    from gbm_fast.objectives import unweighted as unweighted
    from gbm_fast.objectives import variance_weighting as variance_weighting
    from gbm_fast.parameterisation import Denoiser as Denoiser
    from gbm_fast.parameterisation import Hyvarinen as Hyvarinen
    from gbm_fast.parameterisation import LearnedScore as LearnedScore
    from gbm_fast.parameterisation import Noise as Noise
    from gbm_fast.parameterisation import Parameterisation as Parameterisation
    from gbm_fast.parameterisation import ScoreModel as ScoreModel
    from gbm_fast.parameterisation import Stein as Stein
    from gbm_fast.parameterisation import score_function as score_function
    from gbm_fast.posterior import log_posterior_moment as log_posterior_moment
    from gbm_fast.posterior import posterior_law as posterior_law
    from gbm_fast.posterior import posterior_log_cov as posterior_log_cov
    from gbm_fast.posterior import posterior_log_mean as posterior_log_mean
    from gbm_fast.posterior import posterior_weights as posterior_weights
    from gbm_fast.process import GBM as GBM
    from gbm_fast.process import CoordinateGBM as CoordinateGBM
    from gbm_fast.process import PiecewiseGBM as PiecewiseGBM
    from gbm_fast.process import Process as Process
    from gbm_fast.process import TimeVaryingGBM as TimeVaryingGBM
    from gbm_fast.process import VarianceExploding as VarianceExploding
    from gbm_fast.restoration.looks import estimate_looks as estimate_looks
    from gbm_fast.restoration.restorer import Restored as Restored
    from gbm_fast.restoration.restorer import Restorer as Restorer
    from gbm_fast.restoration.restorer import restore_image as restore_image
    from gbm_fast.restoration.restorer import restorer_of as restorer_of
    from gbm_fast.sampling.pretrained import load_pretrained as load_pretrained
    from gbm_fast.sampling.runs import Run as Run
    from gbm_fast.sampling.runs import load_run as load_run
    from gbm_fast.sampling.sampler import Sampler as Sampler
    from gbm_fast.scores import LogScore as LogScore
    from gbm_fast.scores import ScoreFunction as ScoreFunction
    from gbm_fast.scores import conditional_hyvarinen_score as conditional_hyvarinen_score
    from gbm_fast.scores import conditional_logpdf as conditional_logpdf
    from gbm_fast.scores import denoiser as denoiser
    from gbm_fast.scores import exact_score as exact_score
    from gbm_fast.scores import guided_score as guided_score
    from gbm_fast.scores import hyvarinen_from_denoiser as hyvarinen_from_denoiser
    from gbm_fast.scores import hyvarinen_from_log_score as hyvarinen_from_log_score
    from gbm_fast.scores import hyvarinen_from_noise as hyvarinen_from_noise
    from gbm_fast.scores import hyvarinen_from_stein as hyvarinen_from_stein
    from gbm_fast.scores import log_score_from_hyvarinen as log_score_from_hyvarinen
    from gbm_fast.scores import noise_from_hyvarinen as noise_from_hyvarinen
    from gbm_fast.scores import stein_from_hyvarinen as stein_from_hyvarinen
    from gbm_fast.settings.restoration import RestorationSettings as RestorationSettings
    from gbm_fast.settings.sampling import SamplingSettings as SamplingSettings
    from gbm_fast.settings.training import TrainConfig as TrainConfig
    from gbm_fast.settings.training_presets import preset_config as preset_config
    from gbm_fast.simulation import simulate as simulate
    from gbm_fast.starts import class_averages as class_averages
    from gbm_fast.starts import fitted_lognormal as fitted_lognormal
    from gbm_fast.starts import from_class_averages as from_class_averages
    from gbm_fast.starts import from_data as from_data
    from gbm_fast.starts import log_moments as log_moments
    from gbm_fast.starts import standard_lognormal as standard_lognormal
    from gbm_fast.steps import DDIM as DDIM
    from gbm_fast.steps import AmbientMarginalPreserving as AmbientMarginalPreserving
    from gbm_fast.steps import AmbientMilstein as AmbientMilstein
    from gbm_fast.steps import AmbientStep as AmbientStep
    from gbm_fast.steps import Ancestral as Ancestral
    from gbm_fast.steps import Churn as Churn
    from gbm_fast.steps import Compiled as Compiled
    from gbm_fast.steps import Corrector as Corrector
    from gbm_fast.steps import DaleLangevin as DaleLangevin
    from gbm_fast.steps import DPMSolver as DPMSolver
    from gbm_fast.steps import LogAffineStep as LogAffineStep
    from gbm_fast.steps import LogCoefficients as LogCoefficients
    from gbm_fast.steps import MarginalPreserving as MarginalPreserving
    from gbm_fast.steps import PrintedAlgorithm1 as PrintedAlgorithm1
    from gbm_fast.steps import ProbabilityFlow as ProbabilityFlow
    from gbm_fast.steps import SignAgnostic as SignAgnostic
    from gbm_fast.steps import Step as Step
    from gbm_fast.targets import LogNormal as LogNormal
    from gbm_fast.targets import LogNormalMixture as LogNormalMixture
    from gbm_fast.targets import PointMasses as PointMasses
    from gbm_fast.targets import Target as Target
    from gbm_fast.training.batches import Batches as Batches
    from gbm_fast.training.batches import LawBatches as LawBatches
    from gbm_fast.training.images import ImageBatches as ImageBatches
    from gbm_fast.training.trainer import Trainer as Trainer
    from gbm_fast.training.vectors import VectorBatches as VectorBatches

__version__ = VERSION


def _homes() -> dict[str, str]:
    """The module of each public name, from the imports above."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


_HOMES = _homes()
__all__ = sorted(_HOMES)
_MODULES = ("distributions", "networks")


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"gbm_fast.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'gbm_fast' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
