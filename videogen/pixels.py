"""The one place that knows the pixel range: stored as uint8, computed on as float in [-1, 1]."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_float(pixels: UInt8[Tensor, "..."]) -> Float[Tensor, "..."]:
    """uint8 in [0, 255] to float32 in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1.0)


def to_uint8(x: Float[Tensor, "..."]) -> UInt8[Tensor, "..."]:
    """Float in [-1, 1] to uint8, rounded; values outside are clamped."""
    return x.float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
