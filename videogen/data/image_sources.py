"""Where images come from: the embedded digits, the on-disk formats of the usual sets, folders, and frames of clips.

Nothing here unpickles, and what cannot be read is told by name, never replaced.
"""

import gzip
import math
import re
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from tqdm import tqdm

from videogen.data.cache import open_array
from videogen.data.clips import Clips
from videogen.data.images import Pictures, kept_for_test
from videogen.data.index import selected
from videogen.data.pictures import ENDINGS
from videogen.data.sources import Skipped, visible_files
from videogen.errors import UserError
from videogen.pictures import Unreadable, opened

DIGITS = [str(k) for k in range(10)]
CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


class Digits:
    """scikit-learn's handwritten digits (Alpaydin & Kaynak 1998): 1,797 real ones, 8x8 in 17 grey levels, part of it.

    Only `size` 8 is the original; other sizes are resampled.
    """

    root = Path("scikit-learn")

    def pictures(self, size: int, channels: int) -> Pictures:
        from sklearn.datasets import load_digits  # slow to import, and only this source needs it

        found = load_digits()
        pixels = np.round(found.images * (255 / 16)).astype(np.uint8)[..., None]
        return Pictures(
            pixels=fitted(pixels, size, channels),
            labels=found.target.astype(np.int64),
            held_out=kept_for_test([str(k) for k in range(len(pixels))]),
            classes=DIGITS,
            skipped=[],
        )


class Mnist:
    """The four IDX files as the site serves them, gzipped or not; `t10k-...` is held out.

    Sets that took over its files (Fashion-MNIST, KMNIST) are read as well; their classes are then the labels' numbers.
    """

    def __init__(self, root: str):
        self.root = Path(root)

    def pictures(self, size: int, channels: int) -> Pictures:
        """Raises UserError for a file that is missing, no IDX file, or cut off, and for images without their labels."""
        check_folder(self.root, "the folder with MNIST's four files")
        pixels, labels = [], []
        for part in ("train", "t10k"):
            images = idx(self.root, f"{part}-images-idx3-ubyte", 3)
            digits = idx(self.root, f"{part}-labels-idx1-ubyte", 1)
            if len(images) != len(digits):
                raise UserError(
                    f"{self.root}: {len(images)} images in {part}-images-idx3-ubyte, but {len(digits)} labels in"
                    f" {part}-labels-idx1-ubyte; take both files from one set"
                )
            check_labels(self.root / f"{part}-labels-idx1-ubyte", digits)
            pixels.append(fitted(images[..., None], size, channels))
            labels.append(digits)
        return Pictures(
            pixels=np.concatenate(pixels),
            labels=np.concatenate(labels).astype(np.int64),
            held_out=np.repeat([False, True], [len(part) for part in labels]),
            classes=DIGITS,
            skipped=[],
        )


class Cifar10:
    """The binary version: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, which is held out.

    They lie in `root` or in its `cifar-10-batches-bin`, as the archive unpacks. A row has 3,073 bytes: the label, then
    1,024 of red, green and blue each.
    """

    ROW = 1 + 3 * 32 * 32

    def __init__(self, root: str):
        self.root = Path(root)

    def pictures(self, size: int, channels: int) -> Pictures:
        """Raises UserError for a file that is missing or cut off, and for the Python version, which is pickled."""
        check_folder(self.root, "the folder with CIFAR-10's binary version")
        places = (self.root, self.root / "cifar-10-batches-bin")
        folder = next((place for place in places if any(place.glob("*_batch*.bin"))), None)
        if folder is None:
            if any((place / "data_batch_1").exists() for place in (self.root, self.root / "cifar-10-batches-py")):
                raise UserError(
                    f"{self.root}: CIFAR-10's Python version, which is pickled and may run code when it is read;"
                    " fetch the binary version, cifar-10-binary.tar.gz"
                )
            raise UserError(
                f"{self.root}: no data_batch_1.bin in it; set data.root to the folder with CIFAR-10's binary version"
            )
        train = [self._rows(folder / f"data_batch_{k}.bin") for k in range(1, 6)]
        test = self._rows(folder / "test_batch.bin")
        rows = np.concatenate([*train, test])
        return Pictures(
            pixels=fitted(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), size, channels),
            labels=rows[:, 0].astype(np.int64),
            held_out=np.arange(len(rows)) >= len(rows) - len(test),
            classes=self._classes(folder / "batches.meta.txt"),
            skipped=[],
        )

    def _rows(self, file: Path) -> UInt8[np.ndarray, "n 3073"]:
        data = contents(file)
        if not data or len(data) % self.ROW:
            raise UserError(f"{file}: {len(data)} bytes are no whole number of {self.ROW}-byte rows; download it again")
        rows = np.frombuffer(data, np.uint8).reshape(-1, self.ROW)
        check_labels(file, rows[:, 0])
        return rows

    def _classes(self, file: Path) -> list[str]:
        if not file.is_file():
            return CIFAR10_CLASSES
        names = contents(file).decode(errors="replace").split()
        if len(names) != 10:
            raise UserError(f"{file}: names {len(names)} classes, not 10; download it again, or remove it")
        return names


class Lfw:
    """Labeled Faces in the Wild: `<root>/<Name_Surname>/<Name_Surname>_0001.jpg`; the class is the name.

    Only people with at least `least` pictures belong to the set. `crop` is the share of each picture's side that is
    kept: the face is in the middle of what its detector cut out, the rest is background.
    """

    def __init__(self, root: str, least: int = 1, crop: float = 1.0):
        if least < 1:
            raise UserError(f"data.least is {least}: it must be at least 1")
        if not 0 < crop <= 1:
            raise UserError(f"data.crop is {crop}: it must lie above 0 and be at most 1")
        self.root, self.least, self.crop = Path(root), least, crop

    def pictures(self, size: int, channels: int) -> Pictures:
        """Raises UserError for a missing folder, and where nobody has enough pictures."""
        check_folder(self.root, "the folder that holds one folder for each person")
        files: list[tuple[Path, str]] = []
        skipped: Skipped = []
        for file in picture_files(self.root):
            path = file.relative_to(self.root)
            if len(path.parts) == 2 and re.fullmatch(rf"{re.escape(path.parts[0])}_\d+\.jpg", file.name):
                files.append((file, path.parts[0]))
            else:
                skipped.append((path.as_posix(), "not in the layout <Name_Surname>/<Name_Surname>_0001.jpg"))
        number = Counter(name for _, name in files)
        often = [(file, name) for file, name in files if number[name] >= self.least]
        if files and not often:
            raise UserError(
                f"{self.root}: nobody has {self.least} pictures, the most is {max(number.values())}; lower data.least"
            )
        return read_pictures(self.root, often, skipped, size, channels, self.crop)


class ImageFolder:
    """Pictures of your own, `<root>/<class>/**/*.png` and other endings; or right in `root`, then all of one class."""

    def __init__(self, root: str):
        self.root = Path(root)

    def pictures(self, size: int, channels: int) -> Pictures:
        """Raises UserError for a missing folder."""
        check_folder(self.root, "the folder that holds the pictures, or one folder of them for each class")
        files: list[tuple[Path, str]] = []
        loose: list[Path] = []
        for file in picture_files(self.root):
            path = file.relative_to(self.root)
            if len(path.parts) == 1:
                loose.append(file)
            else:
                files.append((file, path.parts[0]))
        if not files:
            name = self.root.resolve().name
            return read_pictures(self.root, [(file, name) for file in loose], [], size, channels)
        skipped = [(file.name, "not in the folder of a class, as others are") for file in loose]
        return read_pictures(self.root, files, skipped, size, channels)


class Frames:
    """Every `every`-th frame of prepared clips, a class for each "<identity> <action>" that they show.

    Frames of the clips' `test` parts are held out; pairs that they never train on are left out. What turns both ways has
    the same frames twice: they count once, for the first of the two actions.
    """

    def __init__(self, clips: Clips, every: int = 5):
        if every < 1:
            raise UserError(f"data.every is {every}: it must be at least 1")
        self.root, self.clips, self.every = clips.source.root, clips, every

    def pictures(self, size: int, channels: int) -> Pictures:
        """Raises UserError for clips without a cache."""
        parts = {(row.path, row.start): row for row in reversed(self.clips.index) if row.split != "unseen"}
        rows = list(parts.values())[::-1]
        shown = {(row.identity, row.action) for row in rows}
        pairs = [(i, a) for i in self.clips.identities for a in self.clips.actions if (i, a) in shown]
        pixels = [np.empty((0, size, size, channels), np.uint8)]
        labels: list[int] = []
        held_out: list[bool] = []
        for row in rows:
            if row.cached is None:
                raise UserError(f"{self.root}: frames are taken from the cache of its clips; set their cache to true")
            frames = open_array(self.clips.folder / row.cached)[row.start : row.stop : self.every]
            pixels.append(fitted(frames, size, channels))
            labels += [pairs.index((row.identity, row.action))] * len(frames)
            held_out += [row.split == "test"] * len(frames)
        return Pictures(
            pixels=np.concatenate(pixels),
            labels=np.array(labels, np.int64),
            held_out=np.array(held_out, bool),
            classes=[f"{identity} {action}" for identity, action in pairs],
            skipped=list(self.clips.skipped),
        )


def fitted(pixels: UInt8[np.ndarray, "n h w c"], size: int, channels: int) -> UInt8[np.ndarray, "n s s k"]:
    """Images of one size as squares of `size`, grey or in colour; those that are so already stay as they are."""
    if pixels.shape[1:] == (size, size, channels):
        return pixels
    grey = pixels.shape[3] == 1
    out = np.empty((len(pixels), size, size, channels), np.uint8)
    for i, image in enumerate(pixels):
        out[i] = squared(Image.fromarray(image[..., 0] if grey else image), size, channels)
    return out


def squared(picture: Image.Image, size: int, channels: int, crop: float = 1.0) -> UInt8[np.ndarray, "s s c"]:
    """The middle of a picture, `crop` of its shorter side, in `size` x `size` pixels, grey or in colour."""
    side = max(1, round(crop * min(picture.size)))
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side)).convert("L" if channels == 1 else "RGB")
    # Enlarging, Lanczos rings more.
    kernel = Image.Resampling.LANCZOS if side > size else Image.Resampling.BICUBIC
    return np.asarray(square.resize((size, size), kernel)).reshape(size, size, channels)


def read_pictures(
    root: Path, files: list[tuple[Path, str]], skipped: Skipped, size: int, channels: int, crop: float = 1.0
) -> Pictures:
    """The pictures of (file, class). Those that cannot be read are added to `skipped`; a class without any is no class."""
    pixels = np.empty((len(files), size, size, channels), np.uint8)
    paths: list[str] = []
    names: list[str] = []
    for file, name in tqdm(files, desc="reading pictures", unit="picture", disable=None):
        path = file.relative_to(root).as_posix()
        try:
            pixels[len(paths)] = squared(opened(file), size, channels, crop)
        except Unreadable as reason:
            skipped.append((path, str(reason)))
        else:
            paths.append(path)
            names.append(name)
    classes = selected("classes", None, set(names))
    label = {name: number for number, name in enumerate(classes)}
    return Pictures(
        pixels=pixels[: len(paths)],
        labels=np.array([label[name] for name in names], np.int64),
        held_out=kept_for_test(paths),
        classes=classes,
        skipped=skipped,
    )


def picture_files(root: Path) -> list[Path]:
    return [file for file in visible_files(root) if file.suffix.lower() in ENDINGS]


def idx(root: Path, name: str, dimensions: int) -> UInt8[np.ndarray, "..."]:
    """The array of bytes in an IDX file, gzipped or not: 0, 0, 8 (bytes), dimensions, each one's length, the values."""
    file = root / name
    if not file.is_file():
        file = root / f"{name}.gz"
        if not file.is_file():
            raise UserError(
                f"{root}: neither {name} nor {name}.gz in it; set data.root to the folder with MNIST's four files"
            )
    data = contents(file)
    if data[:2] == b"\x1f\x8b":  # not by the name: some browsers unpack what they save
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{file}: damaged or cut off ({error}); download it again") from error
    magic = bytes((0, 0, 8, dimensions))
    if data[:4] != magic:
        raise UserError(f"{file}: begins with {data[:4].hex(' ')}, not {magic.hex(' ')}: not this file; download it again")
    begin = 4 + 4 * dimensions
    if len(data) < begin:
        raise UserError(f"{file}: cut off in its header; download it again")
    lengths = struct.unpack(f">{dimensions}I", data[4:begin])
    if not 0 < math.prod(lengths) == len(data) - begin:
        promised = " x ".join(str(length) for length in lengths)
        raise UserError(f"{file}: header promises {promised} bytes, {len(data) - begin} are there; download it again")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(lengths)


def contents(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; unpack the whole set into data.root") from error


def check_labels(file: Path, labels: UInt8[np.ndarray, "n"]) -> None:
    if labels.max() > 9:
        raise UserError(
            f"{file}: label {labels.max()}, but there are only 10 classes: not this set's file; download it again"
        )


def check_folder(root: Path, what: str) -> None:
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; set data.root to {what}")
