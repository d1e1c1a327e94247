"""What the clips of a pair of person and action have that neither has by itself: where they were cropped, what was worn.

It is learnt from clips for each pair that has some, so that it gets into no one's paint; what a pair has that was never
filmed follows from the others.
"""

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn

from videogen import processes

SWEEPS = 6  # that take the mean from rows and columns in turn; after them what is left of it is far below a pixel
SHARP = 20.0  # how fast a pair makes up its mind which look it has, beside how fast other weights learn


class Filmed(nn.Module):
    """The pairs that training has clips of: 1, and 0 for the others."""

    pairs: Float[Tensor, "i a"]

    def __init__(self, identities: int, actions: int):
        super().__init__()
        self.register_buffer("pairs", torch.zeros(identities, actions))

    @torch.no_grad()
    def see(self, identity: Float[Tensor, "b i"], action: Float[Tensor, "b a"]) -> None:
        """Training has clips of these pairs. Who is only guessed at a little counts for nobody."""
        pairs = processes.rows(einsum(identity, action, "b i, b a -> b i a"))
        self.pairs.copy_(torch.maximum(self.pairs, (pairs > 0.99).float().amax(0)))


def over_pairs(x: Float[Tensor, "i a k"], filmed: Float[Tensor, "i a"], of: int) -> Float[Tensor, "i a k"]:
    """x less its mean over the filmed pairs of a person (`of` 1) or of an action (0)."""
    some = filmed[..., None]
    return x - (some * x).sum(of, keepdim=True) / some.sum(of, keepdim=True).clamp(min=1)


class Spots(nn.Module):
    """How far each pair stands from where person and action put it: x, y, in half frames, and log size, at most .3 each.

    The means over a person's pairs and over an action's are 0, and a pair that was never filmed has 0.
    """

    def __init__(self, identities: int, actions: int):
        super().__init__()
        self.offsets = nn.Embedding(identities * actions, 3)
        nn.init.zeros_(self.offsets.weight)

    def forward(
        self, identity: Float[Tensor, "b i"], action: Float[Tensor, "b t a"], filmed: Float[Tensor, "i a"]
    ) -> Float[Tensor, "b t 4"]:
        """x, y, and the log size both across and down."""
        offsets = rearrange(self.offsets.weight, "(i a) k -> i a k", a=filmed.shape[1])
        for _ in range(SWEEPS):
            offsets = over_pairs(over_pairs(offsets, filmed, 1), filmed, 0)
        offsets = 0.3 * torch.tanh(filmed[..., None] * offsets / 0.3)
        pairs = einsum(identity, action, "b i, b t a -> b t i a")
        return einsum(pairs, offsets[..., [0, 1, 2, 2]], "b t i a, i a k -> b t k")


class Looks(nn.Module):
    """Embeddings of identities that look one way in some clips and another in others: another day, coat and light.

    A person has a few looks, and each pair a share of each, nearly all of one where clips differ. What all have in common
    is learnt as such, and a look can gain in one of the person's pairs only where it loses in others: or the first that
    fits a little better would have all of them. A pair that was never filmed looks as the person mostly does: like that one
    of the person's pairs which the others are most like.
    """

    def __init__(self, identities: int, actions: int, looks: int, e: int):
        super().__init__()
        self.common = nn.Linear(identities, e, bias=False)
        self.looks = nn.Linear(identities * looks, e, bias=False)
        nn.init.normal_(self.looks.weight, std=0.01)
        self.worn = nn.Embedding(identities * actions, looks)
        nn.init.normal_(self.worn.weight, std=0.01)

    def forward(
        self, identity: Float[Tensor, "b i"], action: Float[Tensor, "b a"], filmed: Float[Tensor, "i a"]
    ) -> Float[Tensor, "b e"]:
        shares = self.shares(filmed)
        apart = einsum(identity, action, shares - 1 / shares.shape[-1], "b i, b a, i a k -> b i k")
        return self.common(identity) + self.looks(rearrange(apart, "b i k -> b (i k)"))

    def shares(self, filmed: Float[Tensor, "i a"]) -> Float[Tensor, "i a k"]:
        """Of each look in each pair."""
        worn = rearrange(SHARP * self.worn.weight, "(i a) k -> i a k", a=filmed.shape[1])
        worn = over_pairs(worn, filmed, 1).softmax(-1)
        with torch.no_grad():
            unlike = (worn[:, :, None] - worn[:, None]).square().sum(-1)  # i a a
            odd = (unlike * filmed[:, None]).sum(2).masked_fill(filmed == 0, torch.inf)
            usual = worn[torch.arange(len(worn)), odd.argmin(1)]
        return torch.where(filmed[..., None] > 0, worn, usual[:, None])
