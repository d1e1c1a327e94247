"""VGAN (Vondrick, Pirsiavash, Torralba; NIPS 2016): a video as a moving foreground on a background that stands still.

    x = m * f + (1 - m) * b

`f` (foreground) and `m` (mask) come from 3-D convolutions, `b` from 2-D ones, all from one code for the whole video of 32
frames: z ~ N(0, I), or what an encoder says of a given first frame (section 3.4 of the paper). There is nothing to ask for
by name.

Convolutions have biases and begin at N(0, .01). `width` is 64 in the paper, 128 with a given first frame.
"""

import itertools
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn

from videogen.models.attributes import Attributes

FRAMES = 32


@dataclass(frozen=True)
class Scene:
    """A video, and the mask that it was put together with (None for one stream)."""

    video: Float[Tensor, "b t c h w"]
    mask: Float[Tensor, "b t 1 h w"] | None


def started(module: nn.Module) -> None:
    """The published initialisation."""
    if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        nn.init.normal_(module.weight, std=0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
        nn.init.normal_(module.weight, 1.0, 0.01)


def upwards(dimensions: int, widths: list[int]) -> list[nn.Module]:
    """Each layer doubles every side."""
    Convolution = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
    Norm = nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm3d
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [Convolution(before, after, 4, 2, 1), Norm(after), nn.ReLU()]
    return layers


class VGanGenerator(nn.Module):
    """Code `[b d 1 1]`, or `[b d 4 4]` of a given frame, to a scene of 32 frames of 64x64 (section 3.2).

    streams   2: foreground, mask and background; 1: a foreground that fills the frame
    """

    def __init__(self, code: int, channels: int, width: int, streams: int, spread: bool):
        super().__init__()
        widths = [8 * width, 4 * width, 2 * width, width]
        start = (2, 1, 1) if spread else (2, 4, 4)
        first = nn.ConvTranspose3d(code, widths[0], start)
        self.trunk = nn.Sequential(first, nn.BatchNorm3d(widths[0]), nn.ReLU(), *upwards(3, widths))
        self.foreground = nn.Sequential(nn.ConvTranspose3d(width, channels, 4, 2, 1), nn.Tanh())
        self.mask, self.background = None, None
        if streams == 2:
            self.mask = nn.Sequential(nn.ConvTranspose3d(width, 1, 4, 2, 1), nn.Sigmoid())
            still = [] if spread else [nn.ConvTranspose2d(code, widths[0], 4), nn.BatchNorm2d(widths[0]), nn.ReLU()]
            still += upwards(2, [code if spread else widths[0], *widths[1:]])
            self.background = nn.Sequential(*still, nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh())

    def forward(self, code: Float[Tensor, "b d s s"]) -> Scene:
        moving = self.trunk(code[:, :, None])
        f = rearrange(self.foreground(moving), "b c t h w -> b t c h w").float()
        if self.mask is None or self.background is None:
            return Scene(f, None)
        m = rearrange(self.mask(moving), "b c t h w -> b t c h w").float()
        b = repeat(self.background(code).float(), "b c h w -> b t c h w", t=f.shape[1])
        return Scene(m * f + (1 - m) * b, m)


class VGanDiscriminator(nn.Module):
    """D: is this video of 32 frames real? (section 3.3)"""

    def __init__(self, channels: int, width: int):
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for k, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
            layers += [nn.Conv3d(before, after, 4, 2, 1)]
            layers += [nn.BatchNorm3d(after, eps=1e-3)] if k else []
            layers += [nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.out = nn.Conv3d(widths[-1], 2, (2, 4, 4))

    def forward(self, x: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b"]:
        """The logit of "real": of two classes under a softmax, the difference.

        Raises ValueError for videos that are not as long or as large as those it was made for.
        """
        if (x.shape[1], *x.shape[3:]) != (FRAMES, 64, 64):
            raise ValueError(f"VGAN sees {FRAMES} frames of 64x64, not {x.shape[1]} of {x.shape[3]}x{x.shape[4]}: set data")
        y = self.layers(rearrange(x, "b t c h w -> b c t h w"))
        with torch.autocast(x.device.type, enabled=False):  # oneDNN's bf16 fails on a map of one point
            fake, real = self.out(y.float()).flatten(1).unbind(1)
        return real - fake


class VGan(Attributes, nn.Module):
    """Generator G, discriminator D and, where a first frame is given, the encoder E of it.

    conditional   the video goes on from a first frame; there is no noise, one frame has one future
    """

    told = ()
    longest = FRAMES

    def __init__(
        self,
        channels: int,
        size: int,
        identities: int,
        actions: int,
        noise: int = 100,
        width: int = 64,
        streams: int = 2,
        conditional: bool = False,
    ):
        super().__init__()
        if size != 64:
            raise ValueError(f"VGAN makes frames of 64x64, not {size}x{size}: set data.size=64")
        if streams not in (1, 2):
            raise ValueError(f"streams must be 1 or 2, got {streams}")
        self.identities, self.actions, self.conditional = identities, actions, conditional
        self.begins_with = ("first_frame",) if conditional else ("codes",)
        self.z = 0 if conditional else noise
        if conditional:
            self.E = first_frame_encoder(channels, width)
        self.G = VGanGenerator(8 * width if conditional else noise, channels, width, streams, spread=conditional)
        self.D = VGanDiscriminator(channels, width)
        self.apply(started)

    def forward(self, eps: Float[Tensor, "b t z"], first_frame: Float[Tensor, "b c h w"] | None = None) -> Scene:
        """32 frames, from the noise of the first of `eps` or from the first frame. Raises ValueError without one."""
        if not self.conditional:
            return self.G(eps[:, 0, :, None, None])
        if first_frame is None:
            raise ValueError("this VGAN goes on from a first frame, and was given none")
        return self.G(self.E(first_frame))

    def sample(
        self,
        a: Float[Tensor, "b k"],
        eps: Float[Tensor, "b t z"],
        first_frame: Float[Tensor, "b c h w"] | None = None,
    ) -> Float[Tensor, "b t c h w"]:
        """The first t of its 32 frames. Deterministic in its arguments.

        Raises ValueError for more frames, or a first frame that it cannot take or does not get.
        """
        if eps.shape[1] > FRAMES:
            raise ValueError(f"VGAN makes {FRAMES} frames, not {eps.shape[1]}")
        if first_frame is not None and not self.conditional:
            raise ValueError("this VGAN has no way to begin with a given frame")
        return self(eps, first_frame).video[:, : eps.shape[1]]


def first_frame_encoder(channels: int, width: int) -> nn.Sequential:
    """E: 64x64 -> 4x4, 8 `width` channels. Batch norm in the hidden layers, as in the other networks."""
    widths = [width, 2 * width, 4 * width, 8 * width]
    layers: list[nn.Module] = []
    for k, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
        layers += [nn.Conv2d(before, after, 4, 2, 1), *([nn.BatchNorm2d(after)] if k else []), nn.ReLU()]
    return nn.Sequential(*layers)
