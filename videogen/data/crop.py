"""Which square of each frame is kept, and its antialiased reduction to the working size."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from scipy import ndimage

from videogen.pictures import Unreadable

CROPS = ("person", "centre", "union", "none")
MARGIN = 1.12  # the square against what it must hold
SMOOTH = 5.0  # frames: the square follows a walk, not a step
BORDER = 1 / 30  # of the picture, around a union: 20 of the 600 pixels of the rendered chairs
PLAIN = 8  # levels that a plain background may vary by


def boxes(frames: UInt8[np.ndarray, "t h w c"], crop: str) -> Int[np.ndarray, "t 3"]:
    """(top, left, side) of the square kept of every frame. `none` asks for square frames.

    It lies inside the frame, but for `union`: that has background around it, whether the frame goes so far or not.
    """
    t, height, width, _ = frames.shape
    if crop == "person":
        return person_boxes(frames)
    if crop == "union":
        return union_boxes(frames)
    side = min(height, width)
    if crop == "none" and height != width:
        raise Unreadable(f"frames of {width}x{height} are not square; set data.crop to centre or person")
    return np.tile([(height - side) // 2, (width - side) // 2, side], (t, 1))


def resize(
    frames: UInt8[np.ndarray, "t h w c"], squares: Int[np.ndarray, "t 3"], size: int, crop: str
) -> UInt8[np.ndarray, "t s s c"]:
    """Cut each frame's square out and reduce it with an antialiasing filter. Beyond a frame, its rim goes on."""
    # The sharper filter rings, and a background that is plain must stay so: masks are made from it.
    kernel = Image.Resampling.BILINEAR if crop == "union" else Image.Resampling.LANCZOS
    out = np.empty((len(frames), size, size, 3), np.uint8)
    for i, (frame, (top, left, side)) in enumerate(zip(frames, squares.tolist(), strict=True)):
        beyond = max(0, -top, -left, top + side - frame.shape[0], left + side - frame.shape[1])
        if beyond:
            frame = np.pad(frame, ((beyond, beyond), (beyond, beyond), (0, 0)), mode="edge")
        top, left = top + beyond, left + beyond
        square = Image.fromarray(frame[top : top + side, left : left + side])
        out[i] = np.asarray(square.resize((size, size), kernel))
    return out


def cutting(crop: str, size: int, invert: bool) -> Callable[[np.ndarray], np.ndarray] | None:
    """How a lone picture becomes a frame of a set that was cropped so; None where its centre square will do.

    With `union` it is cut out by its own outline, which is somewhat smaller than the outline of a whole turn.
    """
    if crop != "union" and not invert:
        return None

    def cut(picture: UInt8[np.ndarray, "1 h w c"]) -> UInt8[np.ndarray, "1 s s c"]:
        shown = 255 - picture if invert else picture
        return resize(shown, boxes(shown, crop if crop == "union" else "centre"), size, crop)

    return cut


def union_boxes(frames: UInt8[np.ndarray, "t h w c"]) -> Int[np.ndarray, "t 3"]:
    """One square for all frames, on all that ever differs from a plain background, with a border around it.

    As the Deep Rotator's authors cut their chairs (Yang et al. 2015): an object keeps its size while it turns. The
    background is the most usual colour of the rim. Frames that show nothing else keep their middle.
    """
    t, height, width, _ = frames.shape
    rim = np.concatenate([frames[:, [0, -1]].reshape(-1, 3), frames[:, :, [0, -1]].reshape(-1, 3)])
    plain = np.median(rim, axis=0).astype(int)
    lowest, highest = frames.min(0), frames.max(0)  # an object shows in one of them, lighter or darker
    shown = np.maximum(np.abs(lowest - plain), np.abs(highest - plain)).max(-1) > PLAIN
    if not shown.any():
        return boxes(frames, "centre")
    top, bottom, left, right = extent(shown)
    side = max(bottom - top, right - left) + 2 * BORDER * min(height, width)
    corner = np.round([(top + bottom - side) / 2, (left + right - side) / 2])
    return np.tile(np.array([*corner, round(side)], int), (t, 1))


def person_boxes(frames: UInt8[np.ndarray, "t h w c"]) -> Int[np.ndarray, "t 3"]:
    """One side for the clip, on the only thing that moves before a still camera; the middle where nothing does.

    Somebody who acts in place gets one square for all frames. Somebody who travels is followed, smoothly, and only along
    the axes where the square would not do: a jump stays a jump.
    """
    step = max(1, max(frames.shape[1:3]) // 160)  # detail enough to find a person
    small = frames[:, ::step, ::step].astype(np.float32)
    t, height = small.shape[:2]
    sample = small[np.linspace(0, t - 1, min(t, 60)).astype(int)]
    energy = sample.std(0).max(-1)  # even a person who only waves sways: the outline of the whole body shows
    moving = largest_parts(energy > max(2.0, 4 * float(np.median(energy))))
    if not moving.any():
        return boxes(frames, "centre")
    top, bottom, left, right = extent(moving)
    least = 0.55 * height  # where only the arms were found, the body is below them
    bottom = max(bottom, min(top + least, height))
    tall, wide = bottom - top, right - left

    middles = np.tile([(top + bottom) / 2, (left + right) / 2], (t, 1))
    if wide <= 1.15 * tall:
        side = MARGIN * max(tall, wide)
    else:
        extents = foreground_extents(small, np.median(sample, 0), moving)
        reach = np.stack([extents[:, 1] - extents[:, 0], extents[:, 3] - extents[:, 2]])
        side = MARGIN * max(least, float(np.percentile(reach, 95, axis=1).max()))
        followed = np.stack([extents[:, 0] + extents[:, 1], extents[:, 2] + extents[:, 3]], 1) / 2
        smooth = ndimage.gaussian_filter1d(followed, SMOOTH, axis=0, mode="nearest")
        middles = np.where(np.array([tall, wide]) > side, smooth, middles)

    whole = np.array(frames.shape[1:3])
    pixels = min(round(side * step), whole.min())
    corners = np.clip(np.round(middles * step - pixels / 2), 0, whole - pixels).astype(int)
    return np.column_stack([corners, np.full(t, pixels)])


def foreground_extents(
    small: Float[np.ndarray, "t h w c"], background: Float[np.ndarray, "h w c"], where: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "t 4"]:
    """(top, bottom, left, right) of what differs from the background; frames without any are interpolated."""
    extents = np.full((len(small), 4), np.nan)
    for i, frame in enumerate(small):
        difference = np.abs(frame - background).max(-1)
        mask = largest_parts((difference > max(16.0, 4 * float(np.median(difference)))) & where)
        if mask.any():
            extents[i] = extent(mask)
    known = np.flatnonzero(~np.isnan(extents[:, 0]))
    if len(known) == 0:
        return np.tile(extent(where), (len(small), 1))
    return np.stack([np.interp(np.arange(len(small)), known, column[known]) for column in extents.T], 1)


def largest_parts(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Without specks, and without islands far smaller than the largest one (a limb may be cut off; a bird is no limb)."""
    closed = ndimage.binary_closing(ndimage.binary_opening(mask), iterations=3)
    islands, count = ndimage.label(closed)
    if count == 0:
        return closed
    areas = np.bincount(islands.ravel())
    areas[0] = 0
    return (areas > 0.15 * areas.max())[islands]


def extent(mask: Bool[np.ndarray, "h w"]) -> tuple[float, float, float, float]:
    """(top, bottom, left, right) of a mask that has pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(rows[0]), float(rows[-1] + 1), float(columns[0]), float(columns[-1] + 1)
