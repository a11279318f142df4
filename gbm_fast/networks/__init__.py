"""Networks: plain modules (x, condition) -> same shape as x; nothing about diffusion inside."""

from gbm_fast.networks.unet import UNet as UNet
