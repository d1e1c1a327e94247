"""Videos to files (MP4, GIF, PNG) and to pictures that can be looked at: labelled sheets and animated grids.

Every file is written beside its place (`.part`) and renamed, so that a kill leaves the old file or the new one, whole.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import torch
from av.filter import Graph
from einops import rearrange, repeat
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from videogen.errors import UserError
from videogen.files import written_whole
from videogen.pixels import to_uint8

# Float in [-1, 1]: one video, or a batch that is laid side by side; or finished pixels, as `grid` makes them.
Video: TypeAlias = Float[Tensor, "t c h w"] | Float[Tensor, "b t c h w"] | UInt8[Tensor, "t h w c"]

_INK, _FAINT, _PAPER = (25, 25, 25), (130, 130, 130), (255, 255, 255)
_GAP = 2  # px between two cells
_PAD = 8  # px around text and at the borders
_TEXT = 15  # px, the largest label


# ------------------------------------------------------------------------------------------------------------- files


def write_mp4(path: Path, video: Video, fps: int | float, scale: int = 1) -> None:
    """Write `video` as H.264 (yuv420p, which every player and browser shows), enlarged `scale` times (bicubic).

    yuv420p needs even sides: an odd one is padded by repeating its last row or column of pixels.
    """
    frames = _frames(video, scale)
    height, width = frames.shape[1:3]
    frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rate = _rate(fps)
    with (
        written_whole(path) as part,
        av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as container,
    ):
        stream = container.add_stream("libx264", rate=rate, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def write_gif(path: Path, video: Video, fps: int | float, scale: int = 1) -> None:
    """Write `video` as a GIF that loops for ever, enlarged `scale` times (bicubic).

    One palette of 256 colours serves all frames, with ordered dithering: what stands still does not flicker. A GIF
    counts time in 1/100 s, so frame k is shown at round(100 k / fps): at 12 fps the delays are 8, 9, 8, ... and the
    mean rate is right.

    Raises:
        UserError: above 50 fps. Browsers slow a delay of 1/100 s down to 1/10 s.
    """
    rate = _rate(fps)
    if rate > 50:
        raise UserError(f"{path}: a GIF shows at most 50 frames a second, not {fps:g}: lower fps or write an MP4")
    frames = _frames(video, scale)
    height, width = frames.shape[1:3]

    graph = Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=1 / rate)
    split, palette = graph.add("split"), graph.add("palettegen")
    mapped, sink = graph.add("paletteuse", "dither=bayer:bayer_scale=5:diff_mode=rectangle"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(mapped, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(mapped, 0, 1)
    mapped.link_to(sink)
    graph.configure()
    for k, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = k, 1 / rate
        source.push(frame)
    source.push(None)

    times = [round(100 * k / rate) for k in range(len(frames) + 1)]
    options = {"loop": "0", "final_delay": str(times[-1] - times[-2])}
    with written_whole(path) as part, av.open(str(part), "w", format="gif", options=options) as container:
        stream = container.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        stream.codec_context.time_base = Fraction(1, 100)
        for time in times[:-1]:
            indexed = sink.pull()
            assert isinstance(indexed, av.VideoFrame)
            indexed.pts, indexed.time_base = time, Fraction(1, 100)
            container.mux(stream.encode(indexed))
        container.mux(stream.encode())


def write_png(path: Path, image: Image.Image | Float[Tensor, "c h w"]) -> None:
    """Write a picture (a `sheet`) or one frame in [-1, 1] as PNG."""
    if isinstance(image, Tensor):
        image = Image.fromarray(_frames(image[None], scale=1)[0])
    with written_whole(path) as part:
        image.save(part, format="PNG")


def _rate(fps: int | float) -> Fraction:
    """Frames per second as the fraction that containers store (29.97 is 2997/100)."""
    if not fps > 0:
        raise UserError(f"fps is {fps:g}: it must be above 0")
    return Fraction(fps).limit_denominator(1001)


def _frames(video: Video, scale: int) -> UInt8[np.ndarray, "t height width 3"]:
    """RGB pixels of `video`; a batch becomes one row of videos, grey becomes RGB."""
    if video.dtype != torch.uint8:
        if video.ndim == 5:
            video = rearrange(video, "b t c h w -> t c h (b w)")
        video = rearrange(to_uint8(video), "t c h w -> t h w c")
    if video.shape[-1] == 1:
        video = repeat(video, "t h w 1 -> t h w 3")
    frames = video.cpu().numpy()
    if scale == 1:
        return np.ascontiguousarray(frames)
    return _resized(frames, frames.shape[2] * scale, frames.shape[1] * scale)


def _resized(frames: UInt8[np.ndarray, "t h w 3"], width: int, height: int) -> UInt8[np.ndarray, "t {height} {width} 3"]:
    return np.stack([np.asarray(Image.fromarray(f).resize((width, height), Image.Resampling.BICUBIC)) for f in frames])


# ---------------------------------------------------------------------------------------------------------- pictures


def sheet(
    videos: Float[Tensor, "n t c h w"], labels: Sequence[str], columns: int = 10, title: str = "", cell: int = 96
) -> Image.Image:
    """A labelled contact sheet: one row per video, time from left to right under frame numbers that start at 1.

    Pillow's own font draws the text: Latin letters, digits and punctuation; it has no symbols such as ○.

    Args:
        videos: in [-1, 1].
        labels: one per video, in the margin at the left.
        columns: how many frames of each video, evenly chosen from first to last (all of them if there are fewer).
        title: one line at the top.
        cell: height of a frame in px.
    """
    if len(labels) != len(videos):
        raise ValueError(f"{len(videos)} videos but {len(labels)} labels")
    t, (h, w) = videos.shape[1], videos.shape[-2:]
    shown = torch.linspace(0, t - 1, min(columns, t)).round().long()
    numbers = [str(int(k) + 1) for k in shown]
    page = _Page(labels, numbers, width=round(cell * w / h), height=cell, column_ink=_FAINT, title=title)
    for row, video in enumerate(videos[:, shown.to(videos.device)]):
        for column, pixels in enumerate(_resized(_frames(video, scale=1), page.width, page.height)):
            page.image.paste(Image.fromarray(pixels), page.corner(row, column))
    return page.image


def grid(
    videos: Float[Tensor, "n t c h w"], rows: Sequence[str], columns: Sequence[str], cell: int = 96
) -> UInt8[Tensor, "t height width 3"]:
    """An animated table, e.g. identities x actions: every cell a video, all of them in step. Write it with `write_gif`.

    Args:
        videos: in [-1, 1], row by row: video `i * len(columns) + j` stands in row i, column j.
        rows: the names at the left.
        columns: the names at the top.
        cell: height of a video in px.
    """
    if len(rows) * len(columns) != len(videos):
        raise ValueError(f"{len(videos)} videos do not fill {len(rows)} rows x {len(columns)} columns")
    t, (h, w) = videos.shape[1], videos.shape[-2:]
    page = _Page(rows, columns, width=round(cell * w / h), height=cell)
    frames = np.stack([np.asarray(page.image)] * t)
    for k, video in enumerate(videos):
        x, y = page.corner(*divmod(k, len(columns)))
        pixels = _resized(_frames(video, scale=1), page.width, page.height)
        frames[:, y : y + page.height, x : x + page.width] = pixels
    return torch.from_numpy(frames)


def mosaic(images: Float[Tensor, "n c h w"], columns: int, cell: int = 48) -> Image.Image:
    """Images side by side, row by row, each enlarged to `cell` pixels by whole pixels (small ones stay what they are).

    Args:
        images: in [-1, 1].
        columns: how many stand in a row.
        cell: height of an image in px, at least; a multiple of its own.
    """
    scale = max(1, round(cell / images.shape[-2]))
    pixels = repeat(to_uint8(images), "n c h w -> n (h k) (w l) c", k=scale, l=scale).cpu().numpy()
    height, width = pixels.shape[1:3]
    rows = math.ceil(len(images) / columns)
    page = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), _PAPER, np.uint8)
    for k, image in enumerate(pixels):
        y, x = (k // columns) * (height + _GAP), (k % columns) * (width + _GAP)
        page[y : y + height, x : x + width] = image
    return Image.fromarray(page)


def labelled_mosaic(rows: Sequence[Float[Tensor, "n c h w"]], labels: Sequence[str], cell: int = 48) -> Image.Image:
    """Rows of images, all equally many, each row under a name in the margin at the left."""
    picture = mosaic(torch.cat(list(rows)), len(rows[0]), cell)
    font, step = ImageFont.load_default(_TEXT), (picture.height + _GAP) / len(rows)
    left = _PAD + math.ceil(max(font.getlength(label) for label in labels)) + _PAD
    page = Image.new("RGB", (left + picture.width, picture.height), _PAPER)
    page.paste(picture, (left, 0))
    for k, label in enumerate(labels):
        ImageDraw.Draw(page).text((left - _PAD, (k + 0.5) * step), label, _INK, font, anchor="rm")
    return page


class _Page:
    """A white page with row names at the left, column names at the top, and room for cells of `width` x `height`."""

    def __init__(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        width: int,
        height: int,
        column_ink: tuple[int, int, int] = _INK,
        title: str = "",
    ) -> None:
        self.width, self.height = width, height
        font, column_font = ImageFont.load_default(_TEXT), _fitting(columns, width)
        title_font = ImageFont.load_default(_TEXT + 3)
        line = round(1.2 * _TEXT)
        self.left = _PAD + math.ceil(max((font.getlength(name) for name in rows), default=0)) + _PAD
        self.top = (2 * _PAD + line if title else _PAD) + line + _PAD // 2

        right, bottom = self.corner(len(rows), len(columns))
        right = max(right - _GAP, _PAD + math.ceil(title_font.getlength(title))) + _PAD
        bottom = bottom - _GAP + _PAD
        self.image = Image.new("RGB", (right + right % 2, bottom + bottom % 2), _PAPER)  # even, as an MP4 needs it

        draw = ImageDraw.Draw(self.image)
        draw.text((_PAD, _PAD), title, font=title_font, fill=_INK)
        for row, name in enumerate(rows):
            draw.text((self.left - _PAD, self.corner(row, 0)[1] + height / 2), name, _INK, font, anchor="rm")
        for column, name in enumerate(columns):
            at = (self.corner(0, column)[0] + width / 2, self.top - _PAD // 2 - line / 2)
            draw.text(at, name, column_ink, column_font, anchor="mm")

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """(x, y) of the cell's upper left corner."""
        return self.left + column * (self.width + _GAP), self.top + row * (self.height + _GAP)


def _fitting(names: Sequence[str], width: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The largest font, from `_TEXT` down to 8 px, in which every name is at most `width` px wide."""
    for size in range(_TEXT, 8, -1):
        font = ImageFont.load_default(size)
        if all(font.getlength(name) <= width for name in names):
            return font
    return ImageFont.load_default(8)
