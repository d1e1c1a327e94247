"""A folder of pictures that show an object from all around."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from videogen.data.decode import MOST_BYTES, Footage
from videogen.pictures import Unreadable, opened

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


class View(NamedTuple):
    """A picture's file name and what it tells, in its own digits; the elevation is empty where names tell none."""

    elevation: str
    angle: str
    name: str


@dataclass(frozen=True)
class Views:
    """How the pictures of one object are read as a video: by elevation, then by angle, both rising.

    `pattern` is a regular expression for a whole file name with the group `angle` and perhaps `elevation`. `invert`
    makes a white background black: 0 is then where nothing is, as a decoder's output begins.
    """

    pattern: str
    invert: bool = False

    def views(self, folder: Path) -> list[View]:
        """The pictures whose names the pattern matches, in order. Names alone are looked at."""
        pattern, found = re.compile(self.pattern), []
        for name in os.listdir(folder):  # noqa: PTH208  (names are enough: 1,393 folders of 62 pictures are a large set)
            if (match := pattern.fullmatch(name)) and not name.startswith("."):
                found.append(View(match.groupdict().get("elevation") or "", match["angle"] or "", name))
        return sorted(found, key=lambda view: (float(view.elevation or 0), float(view.angle), view.name))

    def facts(self, folder: Path) -> tuple[object, ...]:
        """Every picture counts: a folder's own time does not change when a file in it is overwritten."""
        stats = [(view.name, (folder / view.name).stat()) for view in self.views(folder)]
        return (self, *((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))

    def whole(self, folder: Path) -> Footage:
        """Raises `Unreadable` for a picture that cannot be read, and for pictures of several sizes."""
        frames = self._read(folder, self.views(folder))
        return Footage(frames, fps=10.0, seekable=True)

    def span(self, folder: Path, start: int, stop: int, seekable: bool) -> UInt8[np.ndarray, "t h w c"]:
        return self._read(folder, self.views(folder)[start:stop])

    def _read(self, folder: Path, views: list[View]) -> UInt8[np.ndarray, "t h w c"]:
        frames = []
        for view in views:
            try:
                frames.append(np.asarray(opened(folder / view.name).convert("RGB")))
            except Unreadable as reason:
                raise Unreadable(f"{view.name}: {reason}") from reason
            if len(views) * frames[0].nbytes > MOST_BYTES:
                raise Unreadable(f"more than {MOST_BYTES >> 30} GiB of pixels; make its pictures smaller")
            if frames[-1].shape != frames[0].shape:
                sizes = ["x".join(map(str, frame.shape[1::-1])) for frame in (frames[0], frames[-1])]
                raise Unreadable(f"{view.name} has {sizes[1]} pixels, {views[0].name} {sizes[0]}; make them one size")
        if not frames:
            raise Unreadable("no pictures in it")
        return 255 - np.stack(frames) if self.invert else np.stack(frames)
