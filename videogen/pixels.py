"""The one place that knows the pixel range: stored as uint8, computed on as float in [-1, 1]."""

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional


def to_float(pixels: UInt8[Tensor, "..."]) -> Float[Tensor, "..."]:
    """uint8 in [0, 255] to float32 in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1.0)


def to_uint8(x: Float[Tensor, "..."]) -> UInt8[Tensor, "..."]:
    """Float in [-1, 1] to uint8, rounded; values outside are clamped."""
    return x.float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def to_levels(x: Float[Tensor, "..."], levels: int) -> Int64[Tensor, "..."]:
    """The number, from 0 to levels - 1, of the nearest of `levels` even steps from -1 to 1."""
    return ((x.float() + 1) * ((levels - 1) / 2)).round().clamp(0, levels - 1).long()


def moved(x: Float[Tensor, "b t c h w"], by: Int64[Tensor, "b 2"]) -> Float[Tensor, "b t c h w"]:
    """Each clip moved to the right and down by as many whole pixels; what comes in repeats the border."""
    height, width = x.shape[-2:]
    theta = torch.eye(2, 3, device=x.device).repeat(len(x), 1, 1)
    theta[:, 0, 2], theta[:, 1, 2] = -2 * by[:, 0] / width, -2 * by[:, 1] / height
    return warped(x.float(), theta)


def panned(x: Float[Tensor, "b t c h w"], by: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Each clip moved to the right, as `moved` does it."""
    return moved(x, torch.stack([by, torch.zeros_like(by)], dim=1))


def warped(x: Float[Tensor, "b t c h w"], theta: Float[Tensor, "b 2 3"]) -> Float[Tensor, "b t c h w"]:
    """Each clip seen through the affine map `theta` of `functional.affine_grid`; what comes in repeats the border."""
    frames = x.flatten(1, 2)  # as channels of one picture: where they are read from is computed once for a clip
    grid = functional.affine_grid(theta, list(frames.shape), align_corners=False)
    return functional.grid_sample(frames, grid, padding_mode="border", align_corners=False).view_as(x)
