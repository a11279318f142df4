"""Networks that restore images with multiplicative gamma noise: the laws of their clean pixels."""

from gbm_fast.speckle.pixel_laws import OUTPUTS as OUTPUTS
from gbm_fast.speckle.pixel_laws import Z95 as Z95
from gbm_fast.speckle.pixel_laws import PixelLaws as PixelLaws
from gbm_fast.speckle.pixel_laws import SpeckleModel as SpeckleModel
from gbm_fast.speckle.pixel_laws import speckle_loss as speckle_loss
