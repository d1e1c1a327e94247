"""CoGAN (Liu & Tuzel; NIPS 2016): two GANs that learn a joint distribution of two domains from unpaired images of each.

The generators share the layers that decide what is shown, the discriminators those that judge it; how it is drawn is each
domain's own.
"""

import itertools

from jaxtyping import Float, Int64
from torch import Tensor, nn

from videogen.models.dcgan import features_of, smallest_map, started, upwards, widths_of


class CoGan(nn.Module):
    """`sample` gives the first domain's image, `both` the two that belong together."""

    labelled = False

    def __init__(self, channels: int, size: int, classes: int, z: int = 100, width: int = 64):
        super().__init__()
        widths, self.z = widths_of(size, width), z
        up = widths[::-1]
        self.G = nn.Sequential(*upwards(z, up, smallest_map(size)))
        self.G_1, self.G_2 = (nn.Sequential(nn.ConvTranspose2d(up[-1], channels, 4, 2, 1), nn.Tanh()) for _ in range(2))
        self.D_1, self.D_2 = (nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)) for _ in range(2))
        judges: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            judges += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        features = features_of(size, width)
        self.D = nn.Sequential(*judges, nn.Flatten(), nn.Linear(features, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
        self.apply(started)

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """Deterministic in its arguments; the label is not looked at."""
        return self.both(eps)[0]

    def both(self, eps: Float[Tensor, "b z"]) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        what = self.G(eps)
        return self.G_1(what), self.G_2(what)

    def judge(
        self, first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b"], Float[Tensor, "b"]]:
        """Logits of "real", each domain's by its own discriminator."""
        return self.D(self.D_1(first)).float()[:, 0], self.D(self.D_2(second)).float()[:, 0]
