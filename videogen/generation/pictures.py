"""A first frame, or a whole clip, from the user's own picture or video."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from videogen import pixels
from videogen.errors import UserError
from videogen.pictures import NoPicture, Unreadable, opened

Cut = Callable[[UInt8[np.ndarray, "1 h w c"]], UInt8[np.ndarray, "1 s s c"]]


def read_first_frame(path: Path, size: int, cut: Cut | None = None) -> Float[Tensor, "1 c h w"]:
    """The picture, or the first frame of the video, at `path`: its centre square at `size` x `size`, in [-1, 1]; or what
    `cut` makes of it, where a model's frames were cut out in another way.

    Raises UserError if the file is missing, or neither Pillow nor PyAV can read it.
    """
    if not path.is_file():
        raise UserError(f"{path} is no file: name a picture or a video with first_frame=...")
    image = picture(path)
    if image is None:
        try:
            with av.open(str(path)) as container:
                image = next(container.decode(video=0)).to_image()
        except (av.FFmpegError, IndexError, StopIteration) as error:
            raise UserError(f"{path} is neither a picture nor a video that can be read ({error})") from None
    if cut is None:
        square = np.array(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS))[None]
    else:
        square = cut(np.asarray(image)[None])
    return pixels.to_float(rearrange(torch.from_numpy(square), "1 h w c -> 1 c h w"))


def picture(path: Path, on_white: bool = True) -> Image.Image | None:
    """In RGB; None for what is no picture. Raises UserError for one that cannot be used."""
    try:
        return opened(path, on_white).convert("RGB")
    except NoPicture:
        return None
    except Unreadable as error:
        raise UserError(f"{path} cannot be used: {error}") from None


def read_clip(path: Path, size: int, frames: int, stride: int) -> Float[Tensor, "1 t c h w"]:
    """The first `frames` frames of the video at `path`, every `stride`-th: their centre squares, in [-1, 1].

    A picture at least twice as wide as it is high is read as a strip: square frames side by side. Raises UserError if the
    file is missing, cannot be read or is too short.
    """
    if not path.is_file():
        raise UserError(f"{path} is no file: name a video")
    strip = picture(path, on_white=False)
    if strip is not None:
        count, side = strip.width // strip.height, strip.height
        images = [strip.crop((side * k, 0, side * (k + 1), side)) for k in range(count)]
    else:
        try:
            with av.open(str(path)) as container:
                images = [frame.to_image() for frame in container.decode(video=0)]
        except (av.FFmpegError, IndexError) as error:
            raise UserError(f"{path} is neither a picture nor a video that can be read ({error})") from None
    images = images[::stride][:frames]
    if len(images) < frames:
        needed = (frames - 1) * stride + 1
        raise UserError(
            f"{path} is too short: {needed} frames are needed ({frames}, every {stride}th); name a longer video"
        )
    squares = [np.array(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)) for image in images]
    return pixels.to_float(rearrange(torch.from_numpy(np.stack(squares)), "t h w c -> 1 t c h w"))
