"""GANs whose discriminator is an autoencoder: what it reconstructs well counts as real.

EBGAN (Zhao, Mathieu, LeCun; ICLR 2017) calls the error an energy; BEGAN (Berthelot, Schumm, Metz; 2017) keeps the errors
of real and made images in balance. The networks are BEGAN's: ELU, no batch norm, nearest upsampling, and a generator that
is built like D's decoder.
"""

import itertools

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


def depth_of(size: int) -> int:
    """How often `size` is halved down to 4. Raises ValueError for one that cannot be."""
    if size < 8 or size & (size - 1):
        raise ValueError(f"size must be a power of two of at least 8, got {size}")
    return size.bit_length() - 3


def encoder(channels: int, size: int, width: int, code: int) -> nn.Sequential:
    widths = [width * (k + 1) for k in range(depth_of(size) + 1)]
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, 1, 1), nn.ELU()]
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, before, 3, 1, 1), nn.ELU(), nn.Conv2d(before, after, 3, 2, 1), nn.ELU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * 16, code))


def decoder(channels: int, size: int, width: int, code: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(code, width * 16), nn.Unflatten(1, (width, 4, 4))]
    for _ in range(depth_of(size)):
        layers += [nn.Conv2d(width, width, 3, 1, 1), nn.ELU(), nn.Conv2d(width, width, 3, 1, 1), nn.ELU()]
        layers += [nn.Upsample(scale_factor=2)]
    layers += [nn.Conv2d(width, width, 3, 1, 1), nn.ELU(), nn.Conv2d(width, width, 3, 1, 1), nn.ELU()]
    return nn.Sequential(*layers, nn.Conv2d(width, channels, 3, 1, 1))


class Autoencoder(nn.Module):
    """D: image -> code -> image."""

    def __init__(self, channels: int, size: int, width: int, code: int):
        super().__init__()
        self.enc = encoder(channels, size, width, code)
        self.dec = decoder(channels, size, width, code)

    def forward(self, x: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b q"]]:
        """The reconstruction, and the code that it was made from."""
        code = self.enc(x)
        return self.dec(code), code


class AutoencoderGan(nn.Module):
    """G from z, uniform in [-1, 1], and the autoencoder D."""

    labelled = False

    def __init__(self, channels: int, size: int, classes: int, z: int = 64, width: int = 64):
        super().__init__()
        self.z = z
        self.G = decoder(channels, size, width, z)
        self.D = Autoencoder(channels, size, width, z)

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """Deterministic in its arguments; the label is not looked at. Not clamped: the last layer is linear."""
        return self.G(2 * torch.special.ndtr(eps) - 1)
