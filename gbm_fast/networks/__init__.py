"""Networks: plain modules (x, condition, labels) -> same shape as x; no diffusion inside."""

from gbm_fast.networks.mlp import MLP as MLP
from gbm_fast.networks.unet import UNet as UNet
