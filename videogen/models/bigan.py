"""BiGAN (Donahue, Krähenbühl, Darrell; ICLR 2017) and ALI (Dumoulin et al.; ICLR 2017): a GAN that also infers.

D sees pairs of an image and a code: (x, E(x)) of real images against (G(z), z) of made ones. Where it cannot tell them
apart, E inverts G. ALI's E is a Gaussian that is sampled from, BiGAN's its mean.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from videogen.distributions import Gaussian
from videogen.models.dcgan import ImageGenerator, features_of, started, trunk


class BiGan(nn.Module):
    """G, E and a D of pairs.

    stochastic   E(x) is drawn from a Gaussian (ALI)
    """

    labelled = False

    def __init__(self, channels: int, size: int, classes: int, z: int = 32, width: int = 64, stochastic: bool = False):
        super().__init__()
        self.z, self.stochastic = z, stochastic
        features = features_of(size, width)
        self.G = ImageGenerator(z, channels, size, width)
        self.E = nn.Sequential(trunk(channels, size, width, norm=True), nn.Linear(features, 2 * z))
        self.D = PairDiscriminator(channels, size, width, z)
        self.apply(started)

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """Deterministic in its arguments; the label is not looked at."""
        return self.G(eps)

    def encode(self, x: Float[Tensor, "b c h w"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b z"]:
        """E(x); `eps` counts only where it is drawn."""
        code = Gaussian.from_parameters(self.E(x).float())
        return code.sample(eps) if self.stochastic else code.mu

    def pair(self, x: Float[Tensor, "b c h w"], z: Float[Tensor, "b z"]) -> Float[Tensor, "b"]:
        """D(x, z), a logit: high for an image with its inferred code."""
        return self.D(x, z)


class PairDiscriminator(nn.Module):
    """D(x, z): convolutions for x, layers for z, and layers for both."""

    def __init__(self, channels: int, size: int, width: int, z: int, hidden: int = 256):
        super().__init__()
        self.of_x = trunk(channels, size, width, norm=False)
        self.of_z = nn.Sequential(nn.Linear(z, hidden), nn.LeakyReLU(0.2))
        features = features_of(size, width) + hidden
        self.of_both = nn.Sequential(nn.Linear(features, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, x: Float[Tensor, "b c h w"], z: Float[Tensor, "b z"]) -> Float[Tensor, "b"]:
        return self.of_both(torch.cat([self.of_x(x), self.of_z(z)], dim=1)).float()[:, 0]
