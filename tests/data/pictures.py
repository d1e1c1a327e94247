"""Tiny sets of images in the bytes of the real ones."""

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def save(file: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(file)
    return file


def idx(array: np.ndarray) -> bytes:
    """Yann LeCun's format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


TRAIN, TEST = noise(6, 28, 28), noise(4, 28, 28)
TRAIN_LABELS, TEST_LABELS = np.array([5, 0, 4, 1, 9, 2], np.uint8), np.array([7, 2, 1, 0], np.uint8)


def mnist(root: Path, packed: bool = False, **replaced: bytes) -> Path:
    files = {
        "train-images-idx3-ubyte": idx(TRAIN),
        "train-labels-idx1-ubyte": idx(TRAIN_LABELS),
        "t10k-images-idx3-ubyte": idx(TEST),
        "t10k-labels-idx1-ubyte": idx(TEST_LABELS),
    }
    root.mkdir(exist_ok=True)
    for name, data in (files | {name.replace("_", "-"): data for name, data in replaced.items()}).items():
        (root / (name + ".gz" * packed)).write_bytes(gzip.compress(data) if packed else data)
    return root


def cifar10(root: Path, names: str | None = None) -> tuple[np.ndarray, list[int]]:
    """Two rows a file, of random pixels [n h w c] and labels."""
    pixels, labels = noise(12, 32, 32, 3), [6, 9, 9, 4, 1, 1, 2, 7, 8, 3, 0, 5]
    root.mkdir(parents=True)
    for k, name in enumerate([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]):
        rows = [bytes([labels[n]]) + pixels[n].transpose(2, 0, 1).tobytes() for n in (2 * k, 2 * k + 1)]
        assert all(len(row) == 3073 for row in rows)
        (root / f"{name}.bin").write_bytes(b"".join(rows))
    if names is not None:
        (root / "batches.meta.txt").write_text(names)
    return pixels, labels


def lfw(root: Path) -> Path:
    """JPEGs with a red border, which the centre crop leaves out: Ada three times, Ben once, Cy de Wit twice."""
    for name, count in (("Ada_Lovelace", 3), ("Ben_Ali", 1), ("Cy_de_Wit", 2)):
        for number in range(1, count + 1):
            pixels = np.full((80, 80, 3), (255, 0, 0), np.uint8)
            pixels[16:64, 16:64] = 40 * number  # JPEG's blocks have 16 pixels
            save(root / name / f"{name}_{number:04d}.jpg", pixels)
    return root
