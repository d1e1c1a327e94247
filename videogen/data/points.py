"""Points drawn from a mixture of Gaussians: data whose density is known, so that a game can be watched to its end.

A point is an image of one pixel whose channels are its coordinates: whatever trains on images trains on points. As with
images, what position p of the stream holds is a pure function of (seed, p); but it is drawn anew for each p, so that no
point comes twice.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from videogen import noise
from videogen.data.images import SPLITS
from videogen.errors import UserError

EPOCH = 10_000  # a split has no end; what tells its length says this


class Points:
    """A mixture of round Gaussians in d dimensions.

    centres   where the k modes lie, k rows of d numbers
    sigma     the standard deviation in every direction: one for all modes, or one for each
    shares    of the points that each mode has, up to a factor; None: all the same
    """

    skipped: tuple[tuple[str, str], ...] = ()  # nothing is read from disk

    def __init__(
        self,
        centres: Sequence[Sequence[float]],
        sigma: float | Sequence[float],
        shares: Sequence[float] | None = None,
    ):
        modes = len(centres)
        if not modes or len({len(centre) for centre in centres}) != 1 or not len(centres[0]):
            raise UserError(f"centres must be rows of equally many numbers, not {centres}")
        sigmas = [float(sigma)] * modes if isinstance(sigma, int | float) else list(sigma)
        weights = [1.0] * modes if shares is None else list(shares)
        for name, values in (("sigma", sigmas), ("shares", weights)):
            if len(values) != modes or not all(value > 0 for value in values):
                raise UserError(f"{name} must be positive, one for each of {modes} modes, not {values}")
        self.centres = torch.tensor(centres, dtype=torch.float32)  # k d
        self.sigma = torch.tensor(sigmas)  # k
        self.shares = torch.tensor(weights) / sum(weights)  # k

    def names(self) -> dict[str, Any]:
        """What configs interpolate."""
        modes = len(self.centres)
        return {"classes": [f"mode {k}" for k in range(modes)], "num_classes": modes}

    def split(self, name: str, seed: int) -> "PointSplit":
        if name not in SPLITS:
            raise UserError(f"no split {name!r}: choose one of {', '.join(SPLITS)}")
        return PointSplit(self, name, seed)

    def density(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        """p(x)."""
        squares = (x[:, None] - self.centres).square().sum(2) / self.sigma**2
        norm = self.centres.shape[1] * (self.sigma.log() + math.log(2 * math.pi) / 2)
        return torch.logsumexp(self.shares.log() - norm - squares / 2, 1).exp()


class PointSplit(Dataset[dict[str, Any]]):
    """One split, indexed by a position of its endless stream."""

    def __init__(self, points: Points, name: str, seed: int):
        self.points, self.name, self.seed = points, name, seed

    def __len__(self) -> int:
        return EPOCH

    def __getitem__(self, position: int) -> dict[str, Any]:
        """image [d 1 1], label (the mode), whether training may know it, and a noise seed of its own."""
        own = noise.seed_of(self.seed, self.name, position)
        centres, shares = self.points.centres, self.points.shares
        which, *along = noise.normal(torch.tensor([own]), 1 + centres.shape[1])[0]
        mode = int((torch.special.ndtr(which) >= shares.cumsum(0)[:-1]).sum())
        point = centres[mode] + self.points.sigma[mode] * torch.stack(along)
        return {
            "image": point[:, None, None],
            "label": torch.tensor(mode),
            "labelled": torch.tensor(True),
            "seed": torch.tensor(noise.seed_of(self.seed, self.name, position, "noise")),
        }


def ring(modes: int, radius: float, sigma: float) -> Points:
    """Gaussians of equal share, evenly on a circle in the plane (Metz et al. 2017, "Unrolled GANs", section 3.1)."""
    angles = [2 * math.pi * k / modes for k in range(modes)]
    return Points([[radius * math.cos(angle), radius * math.sin(angle)] for angle in angles], sigma)
