"""The VAE of an image (Kingma & Welling 2014), with a label or without (conditional VAE, Sohn et al. 2015)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen.distributions import Gaussian


@dataclass(frozen=True)
class Pass:
    """One pass over a batch: what training compares."""

    raw: Float[Tensor, "b c h w"]  # of p(x|z): a logit for each pixel
    posterior: Gaussian  # of z, [b z]


class ImageVae(nn.Module):
    """z ~ N(0, I), x ~ p(x | dec(z)), q(z | enc(x)); with `conditional` all of them given the label y.

    The decoder gives a raw number r for each pixel. It is the logit of a Bernoulli whose mean is sigmoid(r) in [0, 1], and
    as an image in [-1, 1] this mean is tanh(r / 2): whichever likelihood the objective takes, the picture is the same.

    log_sigma   of a Gaussian likelihood, one for all pixels, learned with the rest
    """

    def __init__(
        self,
        channels: int,
        size: int,
        classes: int,
        z: int = 16,
        width: int = 64,
        hidden: int = 256,
        conditional: bool = False,
    ):
        super().__init__()
        if size < 8 or size % 4:
            raise ValueError(f"size must be a multiple of 4 from 8 on, got {size}")
        self.classes, self.z, self.labelled = classes, z, conditional
        told, side = classes if conditional else 0, size // 4
        self.enc = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.SiLU(),
            nn.Flatten(),
        )
        self.f_q = nn.Sequential(nn.Linear(2 * width * side**2 + told, hidden), nn.SiLU(), nn.Linear(hidden, 2 * z))
        self.dec = nn.Sequential(
            nn.Linear(z + told, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 2 * width * side**2),
            nn.SiLU(),
            nn.Unflatten(1, (2 * width, side, side)),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(width, channels, 4, 2, 1),
        )
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def forward(self, x: Float[Tensor, "b c h w"], y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Pass:
        posterior = self.encode(x, y)
        return Pass(self.raw(posterior.sample(eps), y), posterior)

    def encode(self, x: Float[Tensor, "b c h w"], y: Int64[Tensor, "b"]) -> Gaussian:
        """q(z|x), [b z]."""
        return Gaussian.from_parameters(self.f_q(self.told(self.enc(x), y)).float())

    def raw(self, z: Float[Tensor, "b z"], y: Int64[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
        return self.dec(self.told(z, y)).float()

    def decode(self, z: Float[Tensor, "b z"], y: Int64[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
        """The mean of p(x|z) as an image in [-1, 1]."""
        return (self.raw(z, y) / 2).tanh()

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """An image for each label (which counts only where the model is told it). Deterministic in its arguments."""
        return self.decode(eps, y)

    def told(self, features: Float[Tensor, "b d"], y: Int64[Tensor, "b"]) -> Float[Tensor, "b d2"]:
        if not self.labelled:
            return features
        return torch.cat([features, functional.one_hot(y, self.classes).to(features.dtype)], dim=1)
