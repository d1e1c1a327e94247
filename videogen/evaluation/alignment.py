"""Where videos stand, next to others that show the same."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from videogen.evaluation.judging import Labelled

REACH = 6  # pixels in either direction


def aligned(shown: Labelled, onto: Labelled) -> Labelled:
    """The videos, those of each pair moved, all by as much, to where `onto` shows the same pair.

    The place is found without a judge (`displacement`). Videos of a pair that `onto` does not show stay where they are.
    """
    by = torch.zeros(len(shown.videos), 2, dtype=torch.int64)
    for identity, action in torch.stack([onto.identity, onto.action], dim=1).unique(dim=0):
        own, there = ((of.identity == identity) & (of.action == action) for of in (shown, onto))
        if own.any():
            by[own] = displacement(shown.videos[own], onto.videos[there])
    return shown.moved(by)


def exchanged(shown: Labelled, real: Labelled) -> tuple[Labelled, Labelled]:
    """The videos, each by itself moved to where `real` shows its pair; and for each of them a clip of `real` of that pair,
    moved to where the video stood. Raises ValueError where `real` has none.
    """
    moved, stand_ins = [], []
    for k in range(len(shown.videos)):
        own = ((real.identity == shown.identity[k]) & (real.action == shown.action[k])).nonzero()[:, 0]
        if not len(own):
            raise ValueError(f"no real clip of identity {int(shown.identity[k])} at action {int(shown.action[k])}")
        by = displacement(shown.videos[k : k + 1], real.videos[own])
        moved.append(by)
        stand_ins.append(real.where(own[[k % len(own)]]).moved(-by[None]).videos)
    return shown.moved(torch.stack(moved)), Labelled(torch.cat(stand_ins), shown.identity, shown.action)


def displacement(videos: Float[Tensor, "n t c h w"], onto: Float[Tensor, "m s c h w"]) -> Int64[Tensor, "2"]:
    """By how many pixels, to the right and down, `videos` must be moved to stand where `onto` does.

    Each set is summed up by two pictures: what it shows on average, and how much that changes. Of all moves by at most
    `REACH` pixels, and a quarter of the frame, it is the one after which these differ least (mean square) in what overlaps.
    """
    moved, still = (torch.cat([part.mean((0, 1)), part.std((0, 1), correction=0)]) for part in (videos, onto))
    height, width = still.shape[-2:]
    right, down = (torch.arange(-reach, reach + 1) for reach in (min(REACH, width // 4), min(REACH, height // 4)))
    moves = torch.cartesian_prod(right, down)
    moves = moves[moves.abs().sum(1).argsort(stable=True)]  # of equals the nearest
    errors = [(overlap(moved, x, y) - overlap(still, -x, -y)).square().mean().item() for x, y in moves.tolist()]
    return moves[min(range(len(errors)), key=errors.__getitem__)]


def overlap(picture: Float[Tensor, "c h w"], x: int, y: int) -> Float[Tensor, "c h2 w2"]:
    """What of a picture can still be seen once it has been moved by so many pixels to the right and down."""
    height, width = picture.shape[-2:]
    return picture[:, max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)]
