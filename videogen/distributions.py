"""The diagonal Gaussian: all the probability that the models need, as one small value class."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Gaussian:
    """N(mu, diag(exp(logvar))), any shape; the last axis is the event."""

    mu: Tensor
    logvar: Tensor

    @staticmethod
    def from_parameters(parameters: Tensor) -> "Gaussian":
        """Splits `[... 2z]` into mu and logvar. logvar is kept in [-8, 8]: exp() of anything beyond helps nobody."""
        mu, logvar = parameters.chunk(2, dim=-1)
        return Gaussian(mu, logvar.clamp(-8.0, 8.0))

    def sample(self, eps: Tensor) -> Tensor:
        """Reparametrised: mu + sigma * eps (Kingma & Welling 2014, section 2.4)."""
        return self.mu + torch.exp(0.5 * self.logvar) * eps

    def log_prob(self, x: Tensor) -> Tensor:
        """log N(x), summed over the last axis, nats."""
        return -0.5 * ((x - self.mu) ** 2 * torch.exp(-self.logvar) + self.logvar + LOG_2PI).sum(-1)

    def kl(self, other: "Gaussian") -> Tensor:
        """KL(self || other), closed form, summed over the last axis, nats."""
        variance_ratio = torch.exp(self.logvar - other.logvar)
        distance = (self.mu - other.mu) ** 2 * torch.exp(-other.logvar)
        return 0.5 * (variance_ratio + distance - 1.0 - (self.logvar - other.logvar)).sum(-1)


def stack(gaussians: list[Gaussian], dim: int) -> Gaussian:
    """Per-frame Gaussians to one over the clip."""
    return Gaussian(torch.stack([g.mu for g in gaussians], dim), torch.stack([g.logvar for g in gaussians], dim))


def standard(like: Tensor) -> Gaussian:
    """N(0, I), as large as `like`."""
    return Gaussian(torch.zeros_like(like), torch.zeros_like(like))


def interval_log_prob(x: Tensor, mean: Tensor, log_sigma: Tensor, levels: int) -> Tensor:
    """The log probability of each pixel's level, nats: what N(mean, sigma^2) gives to the interval of half a level to
    either side of x, which is open at -1 and 1. `levels` even steps go from -1 to 1; their probabilities sum to 1."""
    half, sigma = 1 / (levels - 1), log_sigma.exp()
    upper = torch.special.log_ndtr((x + half - mean) / sigma).masked_fill(x > 1 - half, 0.0)
    lower = torch.special.log_ndtr((x - half - mean) / sigma).masked_fill(x < -1 + half, -math.inf)
    return upper + torch.log1p(-(lower - upper).exp().clamp(max=1 - 1e-7))
