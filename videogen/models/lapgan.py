"""LAPGAN (Denton, Chintala, Szlam, Fergus; NIPS 2015): a pyramid of conditional GANs, each of which adds detail.

    I_K  = G_K(z_K)                         the coarsest image
    I_k  = up(I_{k+1}) + G_k(z_k, up(I_{k+1}))    the next finer one: what is there, enlarged, and a residual

Every level has a discriminator of its own; they are trained apart.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen.models.dropout import Dropout


def down(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    return functional.avg_pool2d(x, 2)


def up(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Coarsest(nn.Module):
    """G_K: a small image from noise alone."""

    def __init__(self, z: int, channels: int, side: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(z, 4 * width), nn.BatchNorm1d(4 * width), nn.ReLU(),
            nn.Linear(4 * width, 4 * width), nn.BatchNorm1d(4 * width), nn.ReLU(),
            nn.Linear(4 * width, channels * side**2), nn.Tanh(), nn.Unflatten(1, (channels, side, side)),
        )  # fmt: skip

    def forward(self, z: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        return self.layers(z)


class Detail(nn.Module):
    """G_k: the residual between a blurred image and the image, given the blurred one; the noise is a plane beside it."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((channels + 1, width), (width, width)):
            layers += [nn.Conv2d(before, after, 3, 1, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, 1, 1))

    def forward(self, blurred: Float[Tensor, "b c h w"], plane: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        return self.layers(torch.cat([blurred, plane], dim=1))


class Judge(nn.Module):
    """D_k: is the residual, on this blurred image, a real one? At the coarsest level, is the image?"""

    def __init__(self, channels: int, side: int, width: int):
        super().__init__()
        stride = 2 if side > 4 else 1
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 3, stride, 1), nn.LeakyReLU(0.2),
            nn.Flatten(), Dropout(0.3), nn.Linear(2 * width * (side // stride) ** 2, 1),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b"]:
        return self.layers(x).float()[:, 0]


class LapGan(nn.Module):
    """Level 0 is the finest; the last one makes `coarsest` x `coarsest` images from noise.

    Submodules G_0, D_0, G_1, D_1, ...: a player for each, in pairs.
    """

    labelled = False

    def __init__(self, channels: int, size: int, classes: int, z: int = 32, width: int = 64, coarsest: int = 4):
        super().__init__()
        sides = [size]
        while sides[-1] > coarsest:
            sides.append(sides[-1] // 2)
        if sides[-1] != coarsest or len(sides) < 2:
            raise ValueError(f"size must be {coarsest} doubled at least once, got {size}")
        self.sides, self.noise = sides, [side**2 for side in sides[:-1]] + [z]
        self.z = sum(self.noise)
        for level, side in enumerate(sides):
            last = level == len(sides) - 1
            self.add_module(f"G_{level}", Coarsest(z, channels, side, width) if last else Detail(channels, width))
            self.add_module(f"D_{level}", Judge(channels if last else 2 * channels, side, width))

    @property
    def levels(self) -> int:
        return len(self.sides)

    def made(
        self, level: int, eps: Float[Tensor, "b z"], blurred: Float[Tensor, "b c h w"] | None
    ) -> Float[Tensor, "b c h w"]:
        """What G of this level adds to `blurred`; at the coarsest level the image."""
        own = eps.split(self.noise, dim=1)[level]
        G = self.get_submodule(f"G_{level}")
        return G(own) if blurred is None else G(blurred, own.view(-1, 1, self.sides[level], self.sides[level]))

    def judge(
        self, level: int, x: Float[Tensor, "b c h w"], blurred: Float[Tensor, "b c h w"] | None
    ) -> Float[Tensor, "b"]:
        return self.get_submodule(f"D_{level}")(x if blurred is None else torch.cat([x, blurred], dim=1))

    def pyramid(
        self, x: Float[Tensor, "b c h w"]
    ) -> list[tuple[Float[Tensor, "b c h2 w2"], Float[Tensor, "b c h2 w2"] | None]]:
        """For each level what is to be made of a real image, and the blurred image that it is made on."""
        found: list[tuple[Tensor, Tensor | None]] = []
        for _ in self.sides[:-1]:
            blurred = up(down(x))
            found.append((x - blurred, blurred))
            x = down(x)
        return [*found, (x, None)]

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """Deterministic in its arguments; the label is not looked at."""
        x = self.made(self.levels - 1, eps, None)
        for level in reversed(range(self.levels - 1)):
            x = up(x)
            x = x + self.made(level, eps, x)
        return x
