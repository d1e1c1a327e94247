"""Clips in disguise: who it is and where it stands must not be read off them by an encoder of motion, and critics, who see
few clips, must not learn them by heart.

One draw for each clip, the same for all its frames, from standard normal noise of the clip's own.
"""

import math

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from videogen import pixels


def false_colours(
    x: Float[Tensor, "b t c h w"], eps: Float[Tensor, "b 6"], contrast: float = 0.4
) -> Float[Tensor, "b t c h w"]:
    """Hue turned by any angle, saturation, contrast (by up to the share `contrast`) and tint drawn. Of frames with one
    channel: contrast and tint."""
    u = torch.special.ndtr(eps)
    scale, tint = 1 - contrast + 2 * contrast * u[:, 2], 1.2 * (u[:, 3:6] - 0.5)
    if x.shape[2] != 3:
        return x * _each(scale[:, None]) + _each(tint[:, :1])
    angle, saturation = 2 * math.pi * u[:, 0], 1.5 * u[:, 1]
    grey = torch.full((3, 3), 1 / 3, device=x.device)
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]], device=x.device) / math.sqrt(3)
    plane = torch.eye(3, device=x.device) - grey
    turn = angle.cos()[:, None, None] * plane + angle.sin()[:, None, None] * cross  # about the grey axis (Rodrigues)
    mix = scale[:, None, None] * (grey + saturation[:, None, None] * turn)
    return torch.einsum("bij,btjhw->btihw", mix, x) + _each(tint)


def false_places(x: Float[Tensor, "b t c h w"], eps: Float[Tensor, "b 3"], reach: float) -> Float[Tensor, "b t c h w"]:
    """Moved and resized by up to `reach`, a share of the frame."""
    u = 2 * torch.special.ndtr(eps) - 1
    theta = x.new_zeros(len(x), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 + reach * u[:, 0]
    theta[:, :, 2] = 2 * reach * u[:, 1:3]
    return pixels.warped(x, theta)


def glimpsed(x: Float[Tensor, "b t c h w"], eps: Float[Tensor, "b 5"]) -> Float[Tensor, "b t c h w"]:
    """As one may catch them (DiffAugment, Zhao et al. 2020): half of them mirrored, all moved by up to an eighth of the
    frame, their light and contrast changed by up to a quarter. By whole pixels, so that nothing becomes softer."""
    h, w = x.shape[-2:]
    u = torch.special.ndtr(eps)
    x = torch.where(_each(u[:, :1]) < 0.5, x.flip(-1), x)
    shift = ((2 * u[:, 1:3] - 1) * (w // 8)).round().long()
    rows = (torch.arange(h, device=x.device) + shift[:, :1]).clamp(0, h - 1)
    columns = (torch.arange(w, device=x.device) + shift[:, 1:]).clamp(0, w - 1)
    each = torch.arange(len(x), device=x.device)[:, None, None]
    x = rearrange(
        rearrange(x, "b t c h w -> b h w t c")[each, rows[:, :, None], columns[:, None]], "b h w t c -> b t c h w"
    )
    light, contrast = 0.25 * (2 * u[:, 3:4] - 1), 0.25 * (2 * u[:, 4:] - 1)
    return _each(1 + contrast) * x + _each(light)


def _each(values: Float[Tensor, "b c"]) -> Float[Tensor, "b 1 c 1 1"]:
    return values[:, None, :, None, None]
