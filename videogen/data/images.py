"""Batches of images. As with clips, what position p of the stream holds is a pure function of (seed, p)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch.utils.data import Dataset

from videogen.data.clips import first_reason, permutation
from videogen.errors import UserError
from videogen.noise import seed_of

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Pictures:
    """What a source has: pixels as they will be trained on, their class, and whether they are kept for testing."""

    pixels: UInt8[np.ndarray, "n s s c"]
    labels: Int64[np.ndarray, "n"]
    held_out: np.ndarray  # n booleans
    classes: list[str]
    skipped: list[tuple[str, str]]  # (file, reason)


@runtime_checkable
class ImageSource(Protocol):
    """A set of images, in whatever layout it has on disk."""

    root: Path

    def pictures(self, size: int, channels: int) -> Pictures:
        """All of it, as squares of `size`, grey (1 channel) or in colour (3). Raises UserError where it cannot be read."""


class Images:
    """A set of images in memory: 60,000 of 28x28 take 47 MB, and a million of 64x64 are no task for this class."""

    def __init__(self, source: ImageSource, *, size: int, channels: int, mirror: bool = False, labelled_share: float = 1.0):
        if size < 1:
            raise UserError(f"data.size is {size}: it must be at least 1")
        if channels not in (1, 3):
            raise UserError(f"data.channels is {channels}: 1 for grey, 3 for colour")
        if not 0 < labelled_share <= 1:
            raise UserError(f"data.labelled_share is {labelled_share}: it must lie above 0 and be at most 1")
        self.mirror, self.labelled_share = mirror, labelled_share
        self.found = source.pictures(size, channels)
        self.classes, self.skipped = self.found.classes, self.found.skipped
        if not len(self.found.pixels):
            raise UserError(f"{source.root}: no images in it{first_reason(self.skipped)}; set data.root")

    def names(self) -> dict[str, Any]:
        """What configs interpolate."""
        return {"classes": self.classes, "num_classes": len(self.classes)}

    def split(self, name: str, seed: int) -> "ImageSplit":
        if name not in SPLITS:
            raise UserError(f"no split {name!r}: choose one of {', '.join(SPLITS)}")
        return ImageSplit(self, name, seed)


class ImageSplit(Dataset[dict[str, Any]]):
    """One split, indexed by a position of its endless stream."""

    def __init__(self, images: Images, name: str, seed: int):
        self.images, self.name, self.seed = images, name, seed
        self.rows = np.flatnonzero(images.found.held_out == (name == "test"))
        share = round(images.labelled_share * len(self.rows))
        order = permutation(len(self.rows), seed_of("labelled", len(self.rows)))
        self.labelled = set(self.rows[order[:share]].tolist())

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> dict[str, Any]:
        """image [c h w] uint8, label, whether training may know it, and a noise seed of its own."""
        if not len(self.rows):
            raise UserError(f"the {self.name} split has no images")
        epoch, place = divmod(position, len(self.rows))
        number = int(self.rows[permutation(len(self.rows), seed_of(self.seed, "epoch", epoch))[place]])
        mirror = self.images.mirror and seed_of(self.seed, position, "mirror") % 2 == 1
        pixels = self.images.found.pixels[number].transpose(2, 0, 1)
        return {
            "image": torch.from_numpy(np.array(pixels[..., ::-1] if mirror else pixels, order="C")),
            "label": torch.tensor(int(self.images.found.labels[number])),
            "labelled": torch.tensor(number in self.labelled),
            "seed": torch.tensor(seed_of(self.seed, position, "noise")),
        }

    def all(self) -> tuple[UInt8[torch.Tensor, "n c h w"], Int64[torch.Tensor, "n"]]:
        """Every image of the split once, in the source's order, with its label."""
        pixels = self.images.found.pixels[self.rows].transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(pixels)), torch.from_numpy(self.images.found.labels[self.rows])

    def counts(self) -> Counter[str]:
        """How many images each class has."""
        return Counter(self.images.classes[label] for label in self.images.found.labels[self.rows].tolist())


def kept_for_test(names: Sequence[str], share: float = 0.2) -> np.ndarray:
    """A split for sets that come without one: by a hash of each name, so that it does not change when files are added."""
    return np.array([seed_of("test", name) % 1000 < 1000 * share for name in names], dtype=bool)
