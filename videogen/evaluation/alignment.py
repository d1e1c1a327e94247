"""Where videos stand, next to others that show the same."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from tqdm import tqdm

from videogen.evaluation.judging import Labelled

REACH = 6  # pixels in either direction


def aligned(shown: Labelled, onto: Labelled) -> Labelled:
    """The videos, those of each pair moved, all by as much, to where `onto` shows the same pair.

    The place is found without a judge (`displacement`). Videos of a pair that `onto` does not show stay where they are.
    """
    by = torch.zeros(len(shown.videos), 2, dtype=torch.int64)
    for identity, action, there in by_pair(onto):
        own = (shown.identity == identity) & (shown.action == action)
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


def expected(shown: Labelled, seen: Labelled) -> Labelled:
    """The videos, those of each pair moved, all by as much, to where nothing but `seen` would have one expect that pair: as
    far from where others stand in the action as the person is expected to stand from them.

    How far that is, the person's other actions tell, though not in full: of their mean that part is taken which, across and
    down, foretells every pair of `seen` from the same person's others with the least squared error. Whoever `seen` says
    nothing of is expected where others stand; where nobody else is seen in an action, videos stay where they are.
    """
    sums = {(i, a): summed_up(seen.where(rows).videos) for i, a, rows in by_pair(seen)}

    def aside(identity: int, action: int, own: Float[Tensor, "c h w"]) -> Float[Tensor, "2"] | None:
        others = [offset(there, own) for (i, a), there in sums.items() if a == action and i != identity]
        return torch.stack(others).double().mean(0) if others else None

    pairs = tqdm(list(sums), "finding places", leave=False, delay=2, disable=None)
    measured = {(i, a): by for i, a in pairs if (by := aside(i, a, sums[i, a])) is not None}

    def usual(identity: int, action: int) -> Float[Tensor, "2"]:
        others = [by for (i, a), by in measured.items() if i == identity and a != action]
        return torch.stack(others).mean(0) if others else torch.zeros(2, dtype=torch.float64)

    products, squares = (torch.zeros(2, dtype=torch.float64) for _ in range(2))
    for pair, by in measured.items():
        products += by * usual(*pair)
        squares += usual(*pair).square()
    part = products / squares.clamp(min=1e-6)
    moves = torch.zeros(len(shown.videos), 2, dtype=torch.int64)
    for i, a, rows in by_pair(shown):
        if (by := aside(i, a, summed_up(shown.where(rows).videos))) is not None:
            moves[rows] = (part * usual(i, a) - by).round().long()
    return shown.moved(moves)


def by_pair(of: Labelled) -> Iterator[tuple[int, int, Int64[Tensor, "n"]]]:
    """Each pair of identity and action, and its rows."""
    for identity, action in torch.stack([of.identity, of.action], dim=1).unique(dim=0).tolist():
        yield identity, action, ((of.identity == identity) & (of.action == action)).nonzero()[:, 0]


def displacement(videos: Float[Tensor, "n t c h w"], onto: Float[Tensor, "m s c h w"]) -> Int64[Tensor, "2"]:
    """By how many pixels, to the right and down, `videos` must be moved to stand where `onto` does."""
    return offset(summed_up(videos), summed_up(onto))


def summed_up(videos: Float[Tensor, "n t c h w"]) -> Float[Tensor, "c2 h w"]:
    """Two pictures: what the videos show on average, and how much that changes."""
    return torch.cat([videos.mean((0, 1)), videos.std((0, 1), correction=0)])


def offset(moved: Float[Tensor, "c h w"], still: Float[Tensor, "c h w"]) -> Int64[Tensor, "2"]:
    """Of all moves by at most `REACH` pixels, and a quarter of the frame, the one after which both differ least in what
    overlaps (mean square)."""
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
