"""The judge: a small 3-D convolutional classifier of (identity, action), one prediction per clip.

The architecture that the field scores Weizmann with (TwoStreamVAN's classifier: 3-D convolutions with spatial stride 2,
LeakyReLU .2, batch norm), narrower, and averaged over time so that a clip of any length can be judged.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from videogen.models.dropout import Dropout


class Apart(nn.Module):
    """Logits of pairs from logits of their parts: p(identity, action | v) = p(identity | v) p(action | v)."""

    def __init__(self, features: int, identities: int, actions: int):
        super().__init__()
        self.identity, self.action = nn.Linear(features, identities), nn.Linear(features, actions)

    def forward(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        return (self.identity(features)[:, :, None] + self.action(features)[:, None]).flatten(1)


class Judge(nn.Module):
    """p(y | v) over the joint classes y = identity * actions + action (person x action).

    apart   who and what are judged apart. The field's judge has a class of its own for each pair, and one clip or a few to
            learn it from: it knows a pair by its clip, and what is right but not that clip by no pair at all.
    """

    def __init__(
        self,
        channels: int,
        identities: int,
        actions: int,
        width: int = 24,
        features: int = 64,
        dropout: float = 0.2,
        apart: bool = False,
    ):
        super().__init__()
        self.identities, self.actions = identities, actions
        widths = [width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for before, after in zip([channels, *widths], widths, strict=False):
            layers += [
                nn.Conv3d(before, after, (3, 4, 4), (1, 2, 2), (1, 1, 1), bias=False),
                nn.BatchNorm3d(after),
                nn.LeakyReLU(0.2),
            ]
        self.convolutions = nn.Sequential(*layers)
        self.embedding = nn.Linear(2 * widths[-1], features)
        self.dropout = Dropout(dropout)
        self.classes = Apart(features, identities, actions) if apart else nn.Linear(features, identities * actions)

    def features(self, x: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b d"]:
        """What the Frechet distance is measured on: few dimensions, so that a few hundred clips pin down a covariance."""
        y = self.convolutions(rearrange(x, "b t c h w -> b c t h w"))
        y = rearrange(y, "b d t h w -> b d (t h w)")
        return functional.leaky_relu(self.embedding(torch.cat([y.mean(-1), y.amax(-1)], dim=-1)), 0.2)

    def forward(self, x: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b k"]:
        """Logits of the joint classes."""
        return self.classes(self.dropout(self.features(x)))
