"""Picture files as Pillow reads them: those of a data set, and those that a user hands to a model."""

import struct
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

# Pillow is asked for these alone, whatever a file is called: others start programs (EPS) or are no photographs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


class Unreadable(Exception):
    """A file that cannot be used; the message is the reason."""


class NoPicture(Unreadable):
    """A file that is no picture at all; it may be a video."""


def opened(file: Path, on_white: bool = True) -> Image.Image:
    """A picture in grey or RGB, turned upright, on white where it is transparent (or `on_white` false: in the colours that
    lie there all the same). Raises `Unreadable`."""
    first_bytes(file)
    try:
        with Image.open(file, formats=FORMATS) as found:
            picture = ImageOps.exif_transpose(found)
            if picture.mode[0] in "IF":
                raise Unreadable(f"more than 8 bits a pixel (mode {picture.mode}); save it with 8")
            if on_white and ("A" in picture.getbands() or "transparency" in picture.info):
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
            return picture if picture.mode == "L" else picture.convert("RGB")
    except Image.DecompressionBombError as error:
        raise Unreadable(f"picture too large ({error})") from error
    except (OSError, EOFError, SyntaxError, ValueError, struct.error) as error:
        kind = NoPicture if isinstance(error, UnidentifiedImageError) else Unreadable
        raise kind(f"not a readable picture ({str(error).replace(str(file), file.name)})") from error


def first_bytes(file: Path) -> bytes:
    """Raises `Unreadable` for what no decoder has to be asked about."""
    try:
        with file.open("rb") as opening:
            beginning = opening.read(12)
    except OSError as error:
        raise Unreadable(str(error.strerror)) from error
    if not beginning:
        raise Unreadable("empty file")
    return beginning
