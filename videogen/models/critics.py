"""What keeps a factored VideoVAE honest: a critic of patches, and one of what the motion betrays."""

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchCritic(nn.Module):
    """Is this patch of a frame a real one of this person?

    PatchGAN (Isola et al. 2017) with a projection on the identity (Miyato & Koyama 2018) and spectral normalisation
    (Miyato et al. 2018). A patch of 22 pixels shows texture, cloth and skin, and too little of a pose to know the action:
    a pair of person and action that was never seen is nothing new to it.
    """

    def __init__(self, channels: int, identities: int, width: int):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.convolutions = nn.Sequential(*layers)
        self.real = spectral_norm(nn.Linear(4 * width, 1))
        self.own = spectral_norm(nn.Linear(identities, 4 * width, bias=False))

    def forward(self, frame: Float[Tensor, "n c h w"], identity: Float[Tensor, "n i"]) -> Float[Tensor, "n p"]:
        """A score for every patch, higher for real."""
        y = rearrange(self.convolutions(frame), "n d h w -> n (h w) d")
        return self.real(y)[..., 0] + einsum(y, self.own(identity), "n p d, n d -> n p")


class Critic(nn.Module):
    """`real_patch` sees pixels. `whose_motion` sees the motion state h_t and names its owner (DrNet's adversary, Denton &
    Birodkar 2017): where it can, the motion has kept something that belongs to the identity."""

    def __init__(self, channels: int, identities: int, actions: int, motion: int, width: int = 24, hidden: int = 256):
        super().__init__()
        self.real_patch = PatchCritic(channels, identities, width)
        self.whose_motion = nn.Sequential(
            nn.Linear(motion + actions, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, identities),
        )

    def patches(self, x: Float[Tensor, "b t c h w"], identity: Float[Tensor, "b i"]) -> Float[Tensor, "b p"]:
        """The scores of all patches of all frames."""
        t = x.shape[1]
        scores = self.real_patch(rearrange(x, "b t c h w -> (b t) c h w"), repeat(identity, "b i -> (b t) i", t=t))
        return rearrange(scores.float(), "(b t) p -> b (t p)", t=t)

    def owners(self, h: Float[Tensor, "b t d"], action: Float[Tensor, "b a"]) -> Float[Tensor, "b t i"]:
        """log p(identity | h_t, action). The action is given: which people show it must not count."""
        known = repeat(action, "b a -> b t a", t=h.shape[1])
        return self.whose_motion(torch.cat([h, known], dim=-1)).float().log_softmax(-1)
