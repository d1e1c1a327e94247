"""GANs without convolutions: the first one (Goodfellow et al., NIPS 2014), and one of points whose game can be drawn."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from videogen.models.dcgan import Verdict
from videogen.models.dropout import Dropout


class Maxout(nn.Module):
    """The largest of `pieces` linear functions, for each unit (Goodfellow et al., ICML 2013, equation 1)."""

    def __init__(self, inputs: int, units: int, pieces: int):
        super().__init__()
        self.units, self.pieces = units, pieces
        self.linear = nn.Linear(inputs, units * pieces)

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b u"]:
        return self.linear(x).unflatten(1, (self.units, self.pieces)).amax(2)


def started(module: nn.Module, reach: float) -> None:
    """The published initialisation: weights uniform within `reach` of 0, no bias."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight, -reach, reach)
            nn.init.zeros_(layer.bias)


class MlpGan(nn.Module):
    """The GAN of Goodfellow et al. 2014 (section 5), with the sizes of its released settings for MNIST.

    G   z, uniform in (-1, 1); two layers of ReLU; a sigmoid, here stretched to [-1, 1]
    D   dropout of a fifth of the pixels; two layers of maxout, each followed by dropout; one logit

    width     units of a layer of G
    units     of a layer of D, each the largest of `pieces` linear functions
    dropout   share of D's units that are left out
    """

    labelled = False

    def __init__(
        self,
        channels: int,
        size: int,
        z: int = 100,
        width: int = 1200,
        units: int = 240,
        pieces: int = 5,
        dropout: float = 0.5,
    ):
        super().__init__()
        self.z = z
        shape = (channels, size, size)
        pixels = math.prod(shape)
        self.G = nn.Sequential(
            nn.Linear(z, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, pixels), nn.Sigmoid()
        )
        self.shaped = nn.Unflatten(1, shape)
        self.D = nn.Sequential(
            nn.Flatten(),
            Dropout(0.2),
            Maxout(pixels, units, pieces),
            Dropout(dropout),
            Maxout(units, units, pieces),
            Dropout(dropout),
            nn.Linear(units, 1),
        )
        started(self.G, 0.05)
        started(self.D, 0.005)

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """An image for each row of noise, N(0, 1) as everywhere. Deterministic in its arguments; no label is looked at."""
        return self.shaped(2 * self.G(2 * torch.special.ndtr(eps) - 1) - 1)

    def judge(self, x: Float[Tensor, "b c h w"], y: Int64[Tensor, "b"]) -> Verdict:
        return Verdict(self.D(x).float()[:, 0])


class PointGan(nn.Module):
    """Two small networks that play for points of `channels` numbers, each an image of one pixel (`data/points.py`).

    z    N(0, I)
    G    two layers of ReLU; the last layer is linear, so a point may lie anywhere
    D    two layers of LeakyReLU .2; one logit
    """

    labelled = False

    def __init__(self, channels: int, z: int = 2, width: int = 64):
        super().__init__()
        self.z = z
        self.G = nn.Sequential(
            nn.Linear(z, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, channels)
        )
        self.D = nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(channels, width), nn.LeakyReLU(0.2)),
            *(nn.Linear(width, width), nn.LeakyReLU(0.2)),
            nn.Linear(width, 1),
        )

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c 1 1"]:
        """A point for each row of noise. Deterministic in its arguments; no label is looked at."""
        return self.G(eps)[:, :, None, None]

    def judge(self, x: Float[Tensor, "b c 1 1"], y: Int64[Tensor, "b"]) -> Verdict:
        return Verdict(self.D(x).float()[:, 0])
