"""Networks: plain modules (x, condition, labels) -> same shape as x; no diffusion inside."""

from gbm_fast.networks.ddpmpp import DDPMpp as DDPMpp
from gbm_fast.networks.mlp import MLP as MLP
from gbm_fast.networks.ncsn import NCSNDeeper as NCSNDeeper
from gbm_fast.networks.unet import UNet as UNet
