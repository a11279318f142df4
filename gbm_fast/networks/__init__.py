"""Networks: plain modules (x, condition, labels or None) -> same shape as x; no diffusion inside.

| network | for | parameters | multiply-adds an image |
| --- | --- | --- | --- |
| `MLP(2)` | events of a few numbers | 219,522 | 0.22 M |
| `UNet(1, 32, blocks=1, patch_size=2)` | 8 x 8 x 1, on a CPU | 669,508 | 3.4 M |
| `UNet(1, 64, blocks=1, patch_size=2)` | 28 x 28 x 1, on a CPU | 2,655,876 | 159 M |
| `NCSNDeeper()` | 28 x 28 x 1, the paper's, N = 1000 levels | 159,070,721 | 7.2 G |
| `LocalUNet(1, 6)` | 64 x 64 x 1 and any other size, six numbers a pixel | 2,972,808 | 465 M |
| `DDPMpp()` | 32 x 32 x 3, the paper's | 61,804,419 | 10.8 G |
| `DDPMpp(blocks=8)` | the same, called deep in the original | 106,632,579 | 18.5 G |

Every network returns zeros before it is trained, takes classes with `num_classes` (`LocalUNet`
has none), and computes the same in bfloat16, compiled, and with channels last, up to rounding. The
condition is a real number a sample, for `NCSNDeeper` the index of a level.
"""

from gbm_fast.networks.ddpmpp import DDPMpp as DDPMpp
from gbm_fast.networks.local_unet import LocalUNet as LocalUNet
from gbm_fast.networks.mlp import MLP as MLP
from gbm_fast.networks.ncsn import NCSNDeeper as NCSNDeeper
from gbm_fast.networks.unet import UNet as UNet
