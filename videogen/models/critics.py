"""What keeps a factored VideoVAE honest: critics of patches, of motion, of motion states and of what these betray."""

from collections.abc import Callable

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


def normalised(spectral: bool) -> Callable[[nn.Module], nn.Module]:
    """Spectral normalisation (Miyato et al. 2018) of a layer, or nothing. A critic that is bounded so learns whose colours
    these are long before it sees that an edge is soft."""
    return spectral_norm if spectral else nn.Identity()


class PatchCritic(nn.Module):
    """Is this part of a frame a real one of this person?

    PatchGAN (Isola et al. 2017) with a projection on the identity (Miyato & Koyama 2018), at two scales; to be shown what
    is real under wrong names, too (Reed et al. 2016). A patch of 22 pixels shows texture, cloth and skin, and too little of
    a pose to know the action: a pair of person and action that was never seen is nothing new to it. One of 46 shows how
    tall and broad somebody is, and where they stand.
    """

    def __init__(self, channels: int, identities: int, width: int, spectral: bool):
        super().__init__()
        bounded = normalised(spectral)
        self.convolutions, self.real, self.own = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        scales = [[(channels, width), (width, 2 * width), (2 * width, 4 * width)], [(4 * width, 4 * width)]]
        for scale in scales:
            layers: list[nn.Module] = []
            for before, after in scale:
                layers += [bounded(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
            self.convolutions.append(nn.Sequential(*layers))
            self.real.append(bounded(nn.Linear(4 * width, 1)))
            self.own.append(bounded(nn.Linear(identities, 4 * width, bias=False)))

    def forward(
        self, frame: Float[Tensor, "n c h w"], *identities: Float[Tensor, "n i"]
    ) -> list[list[Float[Tensor, "n p"]]]:
        """For each of the `identities` that the frames may show, a score for every patch of each size; higher for real."""
        y = frame
        scores: list[list[Tensor]] = [[] for _ in identities]
        for convolutions, real, own in zip(self.convolutions, self.real, self.own, strict=True):
            y = convolutions(y)
            each = rearrange(y, "n d h w -> n (h w) d")
            for found, identity in zip(scores, identities, strict=True):
                found.append(real(each)[..., 0] + einsum(each, own(identity), "n p d, n d -> n p"))
        return scores


def grey_and_change(x: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b 2 t h2 w2"]:
    """Grey frames of half the size, and what has changed since the frame before: how a clip moves, whoever it shows.

    The change is small beside the frames, and enlarged eight times: it must not be lost to them.
    """
    grey = functional.avg_pool3d(x.float().mean(2), (1, 2, 2))
    return torch.stack([grey, 8 * grey.diff(dim=1, prepend=grey[:, :1])], dim=1)


class MotionCritic(nn.Module):
    """Does this clip move as this action moves? It is not told whose motion it is.

    3-D convolutions, and a projection on the action.
    """

    def __init__(self, actions: int, width: int, spectral: bool):
        super().__init__()
        bounded = normalised(spectral)
        layers: list[nn.Module] = []
        for before, after in ((2, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [bounded(nn.Conv3d(before, after, (3, 4, 4), (1, 2, 2), (1, 1, 1))), nn.LeakyReLU(0.2)]
        self.convolutions = nn.Sequential(*layers)
        self.mixed = nn.Sequential(bounded(nn.Linear(8 * width, 4 * width)), nn.LeakyReLU(0.2))
        self.real = bounded(nn.Linear(4 * width, 1))
        self.own = bounded(nn.Linear(actions, 4 * width, bias=False))

    def forward(self, x: Float[Tensor, "b t c h w"], *actions: Float[Tensor, "b a"]) -> list[Float[Tensor, "b"]]:
        """For each of the `actions` that the clips may show, a score; higher for real."""
        y = rearrange(self.convolutions(grey_and_change(x)), "b d t h w -> b d (t h w)")
        y = self.mixed(torch.cat([y.mean(-1), y.amax(-1)], dim=-1))
        return [(self.real(y)[:, 0] + einsum(y, self.own(action), "b d, b d -> b")).float() for action in actions]


class DynamicsCritic(nn.Module):
    """Do these motion states follow each other as where a clip leads them, or is the prior alone?

    Professor forcing (Lamb, Goyal et al. 2016): 1-D convolutions over 7 of the h_t and how they change, and a projection
    on the action. An arm that comes to rest is a few grey pixels to the critic of motion, and much of what h holds.
    """

    def __init__(self, motion: int, actions: int, width: int = 128):
        super().__init__()
        layers: list[nn.Module] = []
        for before in (2 * motion, width, width):
            layers += [nn.Conv1d(before, width, 3, padding=1), nn.LeakyReLU(0.2)]
        self.convolutions = nn.Sequential(*layers)
        self.real, self.own = nn.Linear(width, 1), nn.Linear(actions, width, bias=False)

    def forward(self, h: Float[Tensor, "b t d"], action: Float[Tensor, "b a"]) -> Float[Tensor, "b"]:
        """Higher for what a clip leads. Changes are small beside the states, and enlarged four times."""
        both = torch.cat([h, 4 * h.diff(dim=1, prepend=h[:, :1])], dim=-1)
        y = rearrange(self.convolutions(rearrange(both, "b t d -> b d t")), "b d t -> b t d")
        return (self.real(y)[..., 0] + einsum(y, self.own(action), "b t d, b d -> b t")).float().mean(1)


class Critic(nn.Module):
    """`real_patch` and `real_motion` see pixels, the others the motion states h_t. `whose_motion` names their owner
    (DrNet's adversary, Denton & Birodkar 2017): where it can, the motion has kept something of the identity's.

    both_ways   `real_motion` and `real_dynamics` are told an action that runs backwards as another one
                (`FactoredVideoVae.as_run`): or the prior would please them with whichever way is easier
    """

    def __init__(
        self,
        channels: int,
        identities: int,
        actions: int,
        motion: int,
        width: int = 24,
        hidden: int = 256,
        spectral: bool = True,
        both_ways: bool = False,
    ):
        super().__init__()
        runs = actions * (1 + both_ways)
        self.real_patch = PatchCritic(channels, identities, width, spectral)
        self.real_motion = MotionCritic(runs, width, spectral)
        self.real_dynamics = DynamicsCritic(motion, runs)
        self.whose_motion = nn.Sequential(
            nn.Linear(motion + actions, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, identities),
        )

    def patches(self, x: Float[Tensor, "b t c h w"], *identities: Float[Tensor, "b i"]) -> list[Float[Tensor, "b p"]]:
        """For each of the `identities`, the scores of all patches of all frames: first the small ones, then the large ones,
        as often as they need to weigh the same."""
        b, t = x.shape[:2]
        told = [repeat(identity, "b i -> (b t) i", t=t) for identity in identities]
        return [alike(scores, b) for scores in self.real_patch(rearrange(x, "b t c h w -> (b t) c h w"), *told)]

    def owners(self, h: Float[Tensor, "b t d"], action: Float[Tensor, "b a"]) -> Float[Tensor, "b t i"]:
        """log p(identity | h_t, action). The action is given: which people show it must not count."""
        known = repeat(action, "b a -> b t a", t=h.shape[1])
        return self.whose_motion(torch.cat([h, known], dim=-1)).float().log_softmax(-1)


def alike(scores: list[Float[Tensor, "n _"]], b: int) -> Float[Tensor, "b p"]:
    """The scores of patches of every size, each size with the same weight."""
    most = max(score.shape[1] for score in scores)
    each = torch.cat([repeat(score, "n p -> n (p k)", k=most // score.shape[1]) for score in scores], dim=1)
    return rearrange(each.float(), "(b t) p -> b (t p)", b=b)
