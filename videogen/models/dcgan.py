"""DCGAN (Radford, Metz, Chintala; ICLR 2016) and the models that change its inputs and outputs, not its convolutions.

CGAN      the label into G and D                        conditional (Mirza & Osindero 2014)
AC-GAN    the label into G, D names it                  names_classes (Odena, Olah, Shlens; ICML 2017)
InfoGAN   a part c of z has a meaning that D guesses    categories, continuous (Chen et al.; NIPS 2016)
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Verdict:
    """What D says of a batch of images."""

    score: Float[Tensor, "b"]
    classes: Float[Tensor, "b k"] | None = None  # logits
    code: Float[Tensor, "b q"] | None = None  # Q: logits of the category, then mean and log-variance of what is continuous


def started(module: nn.Module) -> None:
    """The published initialisation: weights N(0, .02), batch-norm gains N(1, .02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def smallest_map(size: int) -> int:
    """The side of the map that G begins with and D ends with: 4, but 2 for 8 pixels, where one layer each is too little."""
    return min(4, size // 4)


def widths_of(size: int, width: int) -> list[int]:
    """Channels at size / 2, size / 4, ..., the smallest map. Raises ValueError for no power of two, or under 8."""
    if size < 8 or size & (size - 1):
        raise ValueError(f"size must be a power of two of at least 8, got {size}")
    return [width * 2**k for k in range((size // smallest_map(size)).bit_length() - 1)]


def features_of(size: int, width: int) -> int:
    """How many numbers `trunk` makes of an image."""
    return widths_of(size, width)[-1] * smallest_map(size) ** 2


def upwards(code: int, widths: list[int], start: int = 4) -> list[nn.Module]:
    """Layers from a flat code to a `start` x `start` map of the first of `widths` channels, and to maps twice as large of
    each other."""
    layers: list[nn.Module] = [nn.Unflatten(1, (code, 1, 1))]
    for k, (before, after) in enumerate(zip([code, *widths], widths, strict=False)):
        layers += [nn.ConvTranspose2d(before, after, 4 if k else start, min(k + 1, 2), min(k, 1), bias=False)]
        layers += [nn.BatchNorm2d(after), nn.ReLU()]
    return layers


def trunk(channels: int, size: int, width: int, norm: bool) -> nn.Sequential:
    """Strided convolutions down to the smallest map, flat; LeakyReLU .2, batch norm but at the input, if at all."""
    widths = widths_of(size, width)
    layers: list[nn.Module] = []
    for k, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
        layers += [nn.Conv2d(before, after, 4, 2, 1), *([nn.BatchNorm2d(after)] if k and norm else []), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten())


class ImageGenerator(nn.Module):
    """G: code -> image in [-1, 1]. A map, doubled by fractionally strided convolutions; no batch norm at the output."""

    def __init__(self, code: int, channels: int, size: int, width: int):
        super().__init__()
        widths = widths_of(size, width)[::-1]
        up = upwards(code, widths, smallest_map(size))
        self.layers = nn.Sequential(*up, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1), nn.Tanh())

    def forward(self, code: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        return self.layers(code)


class ImageDiscriminator(nn.Module):
    """D: strided convolutions, LeakyReLU .2, batch norm but at the input; a head for each thing it says."""

    def __init__(self, channels: int, size: int, width: int, classes: int, code: int, norm: bool):
        super().__init__()
        self.trunk = trunk(channels, size, width, norm)
        features = features_of(size, width)
        self.score = nn.Linear(features, 1)
        self.classes = nn.Linear(features, classes) if classes else None
        self.Q = nn.Sequential(nn.Linear(features, 128), nn.LeakyReLU(0.2), nn.Linear(128, code)) if code else None

    def forward(self, x: Float[Tensor, "b c h w"]) -> Verdict:
        y = self.trunk(x)
        classes = None if self.classes is None else self.classes(y).float()
        code = None if self.Q is None else self.Q(y).float()
        return Verdict(self.score(y).float()[:, 0], classes, code)


class DcGan(nn.Module):
    """G and D with the latent code between them.

    conditional     the label goes into G beside z, and into D as planes beside the image
    names_classes   the label goes into G, and D names it
    categories      how many values the categorical part of the code has that D guesses (0: none)
    continuous      how many numbers, uniform in [-1, 1], it has
    norm            batch norm in D; a critic whose gradient is penalised has none (WGAN-GP)
    """

    def __init__(
        self,
        channels: int,
        size: int,
        classes: int,
        z: int = 100,
        width: int = 64,
        conditional: bool = False,
        names_classes: bool = False,
        categories: int = 0,
        continuous: int = 0,
        norm: bool = True,
    ):
        super().__init__()
        if conditional and names_classes:
            raise ValueError("a D that is told the label cannot be asked to name it: choose conditional or names_classes")
        self.classes, self.conditional = classes, conditional
        self.labelled = conditional or names_classes
        self.categories, self.continuous = categories, continuous
        self.z = z + categories + continuous
        self.G = ImageGenerator(self.z + (classes if self.labelled else 0), channels, size, width)
        seen = channels + (classes if conditional else 0)
        self.D = ImageDiscriminator(seen, size, width, classes if names_classes else 0, categories + 2 * continuous, norm)
        self.apply(started)

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """An image for each label (which counts only where the model is told it). Deterministic in its arguments."""
        code = [self.latent(eps)]
        if self.labelled:
            code.append(functional.one_hot(y, self.classes).float())
        return self.G(torch.cat(code, dim=1))

    def judge(self, x: Float[Tensor, "b c h w"], y: Int64[Tensor, "b"]) -> Verdict:
        """What D says of images with their labels."""
        if self.conditional:
            planes = functional.one_hot(y, self.classes).float()[:, :, None, None].expand(-1, -1, *x.shape[2:])
            x = torch.cat([x, planes], dim=1)
        return self.D(x)

    def factors(self, eps: Float[Tensor, "b z"]) -> tuple[Int64[Tensor, "b"], Float[Tensor, "b n"]]:
        """The meaningful part c of the code: its category, and its continuous part, uniform in [-1, 1]."""
        k, n = self.categories, self.continuous
        category = eps[:, :k].argmax(1) if k else torch.zeros(len(eps), dtype=torch.int64, device=eps.device)
        return category, 2 * torch.special.ndtr(eps[:, k : k + n]) - 1

    def latent(self, eps: Float[Tensor, "b z"]) -> Float[Tensor, "b z"]:
        """The code as G sees it: the category one-hot, the continuous part uniform, the rest as drawn."""
        if not self.categories and not self.continuous:
            return eps
        category, uniform = self.factors(eps)
        onehot = functional.one_hot(category, max(self.categories, 1)).float()[:, : self.categories]
        return torch.cat([onehot, uniform, eps[:, self.categories + self.continuous :]], dim=1)
