"""One file in, RGB frames out, or a reason in plain words. Nothing here trusts decord's word alone.

decord repeats or drops frames of some files without telling, counts frames that an edit list hides, and can hang or
abort the process. So every file is decoded once, whole, in a worker process (`cache.py`), and compared with PyAV.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import av
import numpy as np
from jaxtyping import Float, UInt8

from videogen.pictures import Unreadable, first_bytes, opened

REENCODE = "re-encode with ffmpeg -i in -c:v libx264 out.mp4"
MOST_BYTES = 4 << 30  # a video is decoded whole: more than this is no clip


class DecordError(Exception):
    """decord has given up on a file."""


@dataclass
class Footage:
    """A whole video. `seekable`: reading from its middle gives the same frames as reading from its start."""

    frames: UInt8[np.ndarray, "t h w c"]
    fps: float
    seekable: bool
    note: str = ""  # what had to be left out


@runtime_checkable
class Reader(Protocol):
    """How files of one kind are read."""

    def facts(self, file: Path) -> tuple[object, ...]:
        """What the frames depend on: bytes and time of change of all that is read, and this reader's own settings."""

    def whole(self, file: Path) -> Footage:
        """Every frame, checked; raises `Unreadable`."""

    def span(self, file: Path, start: int, stop: int, seekable: bool) -> UInt8[np.ndarray, "t h w c"]:
        """Frames start..stop-1 of a file that `whole` has accepted."""


class StripFile:
    """One picture with square frames side by side along its longer side; the name's ending does not matter."""

    def facts(self, file: Path) -> tuple[object, ...]:
        return file_facts(file)

    def whole(self, file: Path) -> Footage:
        pixels = np.asarray(opened(file, on_white=False).convert("RGB"))  # MoCoGAN's have an alpha that means nothing
        height, width, _ = pixels.shape
        side = min(height, width)
        if max(height, width) % side:
            raise Unreadable(f"a strip of {width}x{height} is not a whole number of square frames")
        frames = pixels.reshape(side, -1, side, 3).swapaxes(0, 1) if width > height else pixels.reshape(-1, side, side, 3)
        return Footage(np.ascontiguousarray(frames), fps=25.0, seekable=True)

    def span(self, file: Path, start: int, stop: int, seekable: bool) -> UInt8[np.ndarray, "t h w c"]:
        return self.whole(file).frames[start:stop]


class VideoFile:
    """Any container that decord reads."""

    def facts(self, file: Path) -> tuple[object, ...]:
        return file_facts(file)

    def whole(self, file: Path) -> Footage:
        reference = Reference.of(file)
        try:
            frames, fps = decord_frames(file)
        except DecordError as error:
            raise Unreadable(reference.complaint() or f"decord cannot decode this {reference.what}; {REENCODE}") from error
        if complaint := reference.complaint():
            raise Unreadable(complaint)
        if len(frames) != len(reference.thumbnails):
            counts = f"decord counts {len(frames)} frames, {len(reference.thumbnails)} are shown"
            raise Unreadable(f"{counts} (hidden ones of an edit list, or wrong ones); {REENCODE}")
        wrong = reference.disagreements(frames)
        note = ""
        if wrong == [len(frames) - 1]:  # AVI with B-frames: decord ends on a copy of the frame before
            frames, wrong, note = frames[:-1], [], "its last frame, which decord does not decode, is left out"
        if wrong:
            raise Unreadable(f"decord decodes {len(wrong)} of {len(frames)} frames wrongly; {REENCODE}")
        return Footage(frames, fps, is_seekable(file, frames), note)

    def span(self, file: Path, start: int, stop: int, seekable: bool) -> UInt8[np.ndarray, "t h w c"]:
        if seekable:
            return decord_frames(file, start, stop)[0]
        return decord_frames(file, 0, stop)[0][start:]


def decord_frames(file: Path, start: int = 0, stop: int | None = None) -> tuple[UInt8[np.ndarray, "t h w c"], float]:
    """Frames start..stop-1, to the end by default, and frames per second.

    A new reader every time: decord's readers survive neither a fork nor pickling. Raises `DecordError`.
    """
    # Imported here, long after torch where a process uses both (the other order can crash); the worker uses decord alone.
    import decord

    try:
        reader = decord.VideoReader(str(file), num_threads=1)
        frames = reader.get_batch(range(start, len(reader) if stop is None else stop)).asnumpy()
        return frames, float(reader.get_avg_fps())
    except (RuntimeError, decord.DECORDError, ValueError, IndexError) as error:
        raise DecordError(str(error)) from error


@dataclass
class Reference:
    """What PyAV, a second decoder, finds in a file: its kind, the frames promised, a thumbnail of each frame shown."""

    what: str
    promised: int
    thumbnails: Float[np.ndarray, "t s s 3"]
    damage: str

    @classmethod
    def of(cls, file: Path) -> "Reference":
        opening = first_bytes(file)
        thumbnails, hidden, damage = [], 0, ""
        try:
            with av.open(str(file)) as container:
                if not container.streams.video:
                    raise Unreadable("no video stream" + " (sound only)" * bool(container.streams.audio))
                stream = container.streams.video[0]
                codec, promised = stream.codec_context.codec.canonical_name, stream.frames
                if codec == "av1":
                    raise Unreadable(f"AV1, which decord cannot decode; {REENCODE}")
                try:
                    for packet in container.demux(stream):
                        hidden += packet.is_discard  # before an edit list's beginning: decoded, never shown
                        for frame in packet.decode():
                            pixels = upright(frame)
                            thumbnails.append(thumbnail(pixels))
                            if len(thumbnails) * pixels.nbytes > MOST_BYTES:
                                raise Unreadable(
                                    f"more than {MOST_BYTES >> 30} GiB of frames; cut or shrink it with ffmpeg"
                                )
                except av.FFmpegError as error:
                    damage = str(error.strerror)
                what = f"{codec} in {container.format.name.split(',')[0]}"
        except av.FFmpegError as error:
            if opening[4:8] == b"ftyp":
                raise Unreadable("cut off: the index at the end of this MP4 file is missing") from error
            raise Unreadable(f"not a video (no container that decord reads: {error.strerror})") from error
        shown = np.stack(thumbnails) if thumbnails else np.empty((0, 1, 1, 3), np.float32)
        return cls(what, promised - hidden, shown, damage)

    def complaint(self) -> str:
        """What is wrong with the file itself, whoever decodes it; empty where nothing is."""
        count = len(self.thumbnails)
        if self.promised > count + 1:  # some encoders of B-frames count one too many
            return f"cut off: header promises {self.promised} frames, {count} can be decoded"
        if self.damage:
            return f"damaged: {count} frames can be decoded, then: {self.damage}"
        return "" if count else "no frame of it can be decoded"

    def disagreements(self, frames: UInt8[np.ndarray, "t h w c"]) -> list[int]:
        """Frames of decord's that look more like another one of PyAV's, or like none.

        Both decode to nearly the same pixels (how they scale colour may differ by a few levels), unless decord has
        taken a neighbour for the frame.
        """
        ours = np.stack([thumbnail(frame) for frame in frames])
        gap = distance(ours, self.thumbnails)
        neighbour = np.full(len(gap), np.inf)
        neighbour[1:] = distance(ours[1:], self.thumbnails[:-1])
        neighbour[:-1] = np.minimum(neighbour[:-1], distance(ours[:-1], self.thumbnails[1:]))
        return np.flatnonzero((gap > neighbour + 0.1) | (gap > 16)).tolist()


def is_seekable(file: Path, frames: UInt8[np.ndarray, "t h w c"]) -> bool:
    """Does a new reader that jumps into the file find the frames that decoding from the start finds?"""
    length = min(16, len(frames))
    for start in sorted({len(frames) // 3, len(frames) // 2, len(frames) - length}):
        stop = min(start + length, len(frames))
        try:
            if not np.array_equal(decord_frames(file, start, stop)[0], frames[start:stop]):
                return False
        except DecordError:
            return False
    return True


def file_facts(file: Path) -> tuple[int, int]:
    """Size and time of change."""
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def upright(frame: av.VideoFrame) -> UInt8[np.ndarray, "h w c"]:
    """RGB, turned as its metadata say (decord does so by itself)."""
    return np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)


def thumbnail(pixels: UInt8[np.ndarray, "h w c"]) -> Float[np.ndarray, "s s c"]:
    """Means over 16 x 16 blocks of the frame (fewer for tiny ones)."""
    height, width, _ = pixels.shape
    s = min(16, height, width)
    cut = pixels[: height // s * s, : width // s * s]
    return cut.reshape(s, height // s, s, width // s, 3).mean((1, 3), dtype=np.float32)


def distance(a: Float[np.ndarray, "t s s c"], b: Float[np.ndarray, "t s s c"]) -> Float[np.ndarray, "t"]:
    return np.abs(a - b).mean((1, 2, 3))
