"""Batches of clips. What position p of the stream holds is a pure function of (seed, p): no state, no global generator."""

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from videogen.data.cache import Cache, Record, open_array
from videogen.data.crop import CROPS, boxes, resize
from videogen.data.index import SPLITS, Clip, labelled, rows_of, save_index, selected, unseen
from videogen.data.sources import Drawn, Source, Video
from videogen.errors import UserError
from videogen.noise import seed_of


class Clips:
    """A prepared data set: its videos decoded, cropped and cached at the first use, its rows in `index`.

    A clip is `frames` frames, every `stride`-th of the video, at `size` x `size`. With `cache` false nothing but a few
    numbers is stored, and every access decodes. With `mirror` half of the clips are mirrored. With `backwards` half of
    those in the endless stream run backwards, but for the actions in `directional`; `window` has them as they were filmed.
    """

    def __init__(
        self,
        source: Source,
        *,
        size: int,
        frames: int,
        stride: int,
        mirror: bool,
        crop: str,
        cache: bool,
        cache_dir: str,
        identities: str | Sequence[str] | None = None,
        actions: str | Sequence[str] | None = None,
        unseen_pairs: str | Sequence[Sequence[str]] = (),
        labelled_share: float = 1.0,
        train_fraction: float = 2 / 3,
        backwards: bool = False,
        directional: Sequence[str] = (),
    ):
        for name, value in (("size", size), ("frames", frames), ("stride", stride)):
            if value < 1:
                raise UserError(f"data.{name} is {value}: it must be at least 1")
        if crop not in CROPS:
            raise UserError(f"data.crop is {crop!r}: choose one of {', '.join(CROPS)}")
        if not 0 < labelled_share <= 1:
            raise UserError(f"data.labelled_share is {labelled_share}: it must lie above 0 and be at most 1")
        if not 0 < train_fraction < 1:
            raise UserError(f"train_fraction is {train_fraction}: it must lie between 0 and 1")
        self.source, self.size, self.frames, self.stride, self.mirror = source, size, frames, stride, mirror
        self.labelled_share, self.crop, self.backwards, self.directional = labelled_share, crop, backwards, set(directional)
        self.span = (frames - 1) * stride + 1
        store = Cache(Path(cache_dir), crop, size)
        self.folder = store.folder
        with store.locked():
            found, self.skipped = source.videos(Path(cache_dir) / "unpacked")
            if not found:
                raise UserError(f"{source.root}: no videos in it{first_reason(self.skipped)}; set data.root")
            whom = selected("identities", identities, {video.identity for video in found})
            what = selected("actions", actions, {action for video in found for action in video.actions})
            videos = [video for video in found if video.identity in whom and not set(what).isdisjoint(video.actions)]
            # Arrays of videos that are there but not selected stay: another run may be using them.
            keys = {video.path: store.key(video, source.reader) for video in found}
            self.records = store.build(videos, keys, source.reader, cache)
            usable = [video for video in videos if self._is_usable(video)]
            if not usable:
                reason = first_reason(self.skipped)
                raise UserError(f"{source.root}: none of {len(videos)} videos can be used{reason}; set data.root to others")
            # A name that was not asked for and has no usable video is no class.
            self.identities = [name for name in whom if identities or name in {video.identity for video in usable}]
            shown = {action for video in usable for action in video.actions}
            self.actions = [name for name in what if actions or name in shown]
            hidden = unseen(unseen_pairs, self.identities, self.actions)
            self.files = {video.path: video.file for video in usable}
            self.index: list[Clip] = []
            self.notes: list[tuple[str, str]] = list(source.notes)  # usable, but not quite as asked for
            for video in usable:
                self._add(video, hidden, train_fraction, store.array(keys[video.path]).name if cache else None)
            save_index(self.folder / "index.json", self.identities, self.actions, self.index)

    def _is_usable(self, video: Video) -> bool:
        record = self.records[video.path]
        reason = record.get("reason")
        if not reason and not video.turns and record["frames"] < self.span:
            reason = f"{record['frames']} frames, but a clip spans {self.span}; lower data.frames or data.stride"
        if reason:
            self.skipped.append((video.path, reason))
        return not reason

    def _add(self, video: Video, hidden: set[tuple[str, str]], train_fraction: float, cached: str | None) -> None:
        record = self.records[video.path]
        if record["note"]:
            self.notes.append((video.path, record["note"]))
        rows = rows_of(video, record, hidden, self.span, train_fraction, cached)
        if [row.split for row in rows] == ["train"] and video.split is None:
            self.notes.append((video.path, f"{record['frames']} frames, too short to split: all of it trains"))
        self.index += [row for row in rows if row.action in self.actions]

    def names(self) -> dict[str, Any]:
        """What configs interpolate. `turns` has +1, -1 or 0 for each action: which way round it goes, if it does."""
        found = {"identities": self.identities, "actions": self.actions}
        ways = {row.action: row.turn for row in self.index}
        turns = [ways.get(action, 0) for action in self.actions]
        return {**found, **{f"num_{kind}": len(names) for kind, names in found.items()}, "turns": turns}

    def split(self, name: str, seed: int) -> "ClipSplit":
        """The rows of `train`, `test` or `unseen`, as an endless stream that `seed` shuffles. May have no rows."""
        if name not in SPLITS:
            raise UserError(f"no split {name!r}: choose one of {', '.join(SPLITS)}")
        return ClipSplit(self, name, seed)

    def numbers(self, row: Clip, start: int) -> Int64[np.ndarray, "t"]:
        """Which frames of its video the clip of `row` that begins at frame `start` shows; a turn goes round and round."""
        if not row.turn:
            return start + self.stride * np.arange(self.frames)
        return row.start + (start - row.start + row.turn * self.stride * np.arange(self.frames)) % (row.stop - row.start)

    def pixels(self, row: Clip, start: int) -> UInt8[np.ndarray, "t s s c"]:
        """The clip of `row` that begins at frame `start` of its video."""
        numbers = self.numbers(row, start)
        if row.cached:
            return open_array(self.folder / row.cached)[numbers]
        record: Record = self.records[row.path]
        first, stop = int(numbers.min()), int(numbers.max()) + 1
        whole = self.source.reader.span(self.files[row.path], first, stop, record["seekable"])
        return resize(whole[numbers - first], np.asarray(record["boxes"])[numbers], self.size, self.crop)

    @property
    def drawn(self) -> bool:
        """Whether the source can draw what is in none of its files."""
        return isinstance(self.source, Drawn)

    def redrawn(self, row: Clip, start: int, by: str | None) -> UInt8[np.ndarray, "t s s c"]:
        """`pixels` of another performance or, with `by`, of this one by somebody else, where clips are `drawn`."""
        assert isinstance(self.source, Drawn), f"{self.source} has films"
        whole, numbers = self.source.redrawn(row.path, by), self.numbers(row, start)
        return resize(whole[numbers], boxes(whole, self.crop)[numbers], self.size, self.crop)


class ClipSplit(Dataset[dict[str, Any]]):
    """One split. Indexed by a position of the endless stream, not by a clip; `window` gives a clip of choice."""

    def __init__(self, clips: Clips, name: str, seed: int):
        self.clips, self.name, self.seed = clips, name, seed
        self.rows = [row for row in clips.index if row.split == name]
        self.labelled = labelled(self.rows, clips.labelled_share)
        self.identity_of = {identity: i for i, identity in enumerate(clips.identities)}
        self.action_of = {action: i for i, action in enumerate(clips.actions)}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> dict[str, Any]:
        """video [t c h w] uint8, identity, action, whether training may know these two (`labelled`), whether it runs
        backwards, and a noise seed of its own.

        Each epoch shows every row once.
        """
        if not self.rows:
            raise UserError(f"the {self.name} split has no clips: see data.unseen_pairs and the videos' lengths")
        epoch, place = divmod(position, len(self.rows))
        number = int(permutation(len(self.rows), seed_of(self.seed, "epoch", epoch))[place])
        row = self.rows[number]
        start = row.start + seed_of(self.seed, position, "start") % self._starts(row)
        mirror = self.clips.mirror and seed_of(self.seed, position, "mirror") % 2 == 1
        sample = self.window(number, start, mirror)
        backwards = self.clips.backwards and row.action not in self.clips.directional
        backwards = backwards and seed_of(self.seed, position, "backwards") % 2 == 1
        if backwards:
            sample["video"] = sample["video"].flip(0)
        own = {"backwards": backwards, "labelled": number in self.labelled, "seed": seed_of(self.seed, position, "noise")}
        return sample | {name: torch.tensor(value) for name, value in own.items()}

    def window(
        self, number: int, start: int, mirror: bool = False
    ) -> dict[str, Int64[Tensor, ""] | UInt8[Tensor, "t c h w"]]:
        """Row `number` from frame `start` of its video: video, identity, action."""
        row = self.rows[number]
        if not 0 <= start - row.start < self._starts(row):
            raise IndexError(f"start {start} lies outside row {number}, frames {row.start} to {row.stop - 1}")
        return self._sample(row, self.clips.pixels(row, start), mirror, row.identity)

    def redrawn(
        self, number: int, start: int, mirror: bool = False, by: int | None = None
    ) -> dict[str, Int64[Tensor, ""] | UInt8[Tensor, "t c h w"]]:
        """The same of another performance, which is in no split; with `by`, of this performance by identity number `by`.
        Where clips are `drawn`.
        """
        row = self.rows[number]
        name = None if by is None else self.clips.identities[by]
        return self._sample(row, self.clips.redrawn(row, start, name), mirror, name or row.identity)

    def _sample(
        self, row: Clip, pixels: UInt8[np.ndarray, "t s s c"], mirror: bool, identity: str
    ) -> dict[str, Int64[Tensor, ""] | UInt8[Tensor, "t c h w"]]:
        first = pixels.transpose(0, 3, 1, 2)
        return {
            "video": torch.from_numpy(np.array(first[..., ::-1] if mirror else first, order="C")),
            "identity": torch.tensor(self.identity_of[identity]),
            "action": torch.tensor(self.action_of[row.action]),
        }

    def windows(self, per_clip: int, seed: int) -> list[tuple[int, int, bool]]:
        """(number, start, mirror) of `per_clip` windows in every row, evenly spaced; half of them mirrored, if allowed.

        Every row gets the same number, so that every clip weighs the same; one that is too short repeats windows.
        """
        chosen = []
        for number, row in enumerate(self.rows):
            starts = self._starts(row)  # of a circle, the last is the first one's neighbour
            places = np.arange(per_clip) * starts / per_clip if row.turn else np.linspace(0, starts - 1, per_clip)
            offsets = (np.floor(places) if row.turn else places.round()).astype(int).tolist()
            odd = seed_of(seed, number) % 2
            mirrors = [self.clips.mirror and (i + odd) % 2 == 1 for i in range(per_clip)]
            chosen += [(number, row.start + offset, mirror) for offset, mirror in zip(offsets, mirrors, strict=True)]
        return chosen

    def counts(self) -> Counter[tuple[str, str]]:
        """How many rows each (identity, action) has."""
        return Counter((row.identity, row.action) for row in self.rows)

    def _starts(self, row: Clip) -> int:
        """At how many frames a clip can begin: at any of a circle."""
        if row.turn:
            return row.stop - row.start
        return row.stop - row.start - self.clips.span + 1


class PositionSampler:
    """Endless lists of positions for `DataLoader(batch_sampler=...)`: step s of a global batch B holds sB .. sB+B-1.

    Every rank takes its contiguous share, so that one process or many see the same global batch.
    """

    def __init__(self, batch_size: int, rank: int = 0, ranks: int = 1, first_step: int = 0):
        if batch_size < 1 or batch_size % ranks:
            raise UserError(f"a global batch of {batch_size} cannot be shared by {ranks} processes: use a multiple")
        self.batch_size, self.rank, self.ranks, self.first_step = batch_size, rank, ranks, first_step

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch_size // self.ranks
        step = self.first_step
        while True:
            begin = step * self.batch_size + self.rank * share
            yield list(range(begin, begin + share))
            step += 1


@functools.lru_cache(maxsize=4)
def permutation(rows: int, seed: int) -> Int64[np.ndarray, "rows"]:
    return np.random.default_rng(seed).permutation(rows)


def first_reason(skipped: list[tuple[str, str]]) -> str:
    """For a one-line error: the first of the reasons."""
    if not skipped:
        return ""
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f": {skipped[0][0]}: {skipped[0][1]}{more}"
