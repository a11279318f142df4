"""Self-attention over the pixels of an image, as a function of projected queries, keys, values."""

from torch import Tensor
from torch.nn import functional as F

_FEW = 1024


def attend(qkv: Tensor, heads: int) -> Tensor:
    """Scaled dot-product attention among pixels; (b, 3 c, h, w) -> (b, c, h, w).

    The channels of `qkv` are queries, then keys, then values, c of each, and each c is split among
    `heads`, which must divide it.
    """
    b, tripled, height, width = qkv.shape
    channels = tripled // 3
    split = qkv.reshape(b, 3, heads, channels // heads, height * width)
    query, key, value = split.transpose(-1, -2).unbind(1)
    if (qkv.is_cpu or qkv.is_meta) and height * width <= _FEW:
        # At these few pixels the fused kernel of CPUs is slower than plain products: 5 times in
        # the backward pass of bfloat16. At more of them the products would fill the memory.
        weights = (query * (channels // heads) ** -0.5) @ key.transpose(-1, -2)
        mixed = weights.softmax(-1) @ value
    else:
        mixed = F.scaled_dot_product_attention(query, key, value)
    return mixed.transpose(-1, -2).reshape(b, channels, height, width)
