"""Every source is read from tiny files in the set's own bytes."""

import gzip
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from data.films import SHARED
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from PIL import Image

from videogen.data.clips import Clips
from videogen.data.image_sources import Cifar10, Digits, Frames, ImageFolder, Lfw, Mnist, fitted, squared
from videogen.data.images import Images, Pictures, kept_for_test
from videogen.data.sources import Strips
from videogen.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"
CHAIRS = SHARED / "chair_stills"


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def save(file: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(file)
    return file


class Counted:
    """Image number k is k everywhere, but for its left column; its class is k mod 3; every fifth is held out."""

    root = Path("counted")

    def __init__(self, count: int = 20):
        self.count = count

    def pictures(self, size: int, channels: int) -> Pictures:
        numbers = np.arange(self.count)
        pixels = np.tile(numbers.astype(np.uint8)[:, None, None, None], (1, size, size, channels))
        pixels[:, :, 0] = 255
        return Pictures(pixels, numbers % 3, numbers % 5 == 4, ["a", "b", "c"], [])


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


# Images and its splits


def test_what_an_item_is():
    images = Images(Counted(), size=4, channels=3)
    item = images.split("train", 0)[0]
    assert item["image"].shape == (3, 4, 4) and item["image"].dtype == torch.uint8 and item["image"].is_contiguous()
    assert all(item[key].dtype == torch.int64 and item[key].shape == () for key in ("label", "seed"))
    assert item["labelled"].dtype == torch.bool and bool(item["labelled"])
    assert len(images.split("train", 0)) == 16 and len(images.split("test", 0)) == 4
    assert images.names() == {"classes": ["a", "b", "c"], "num_classes": 3}


def test_a_position_is_a_pure_function_of_seed_and_position():
    positions = [0, 7, 3, 10**9, 2, 7]
    images = Images(Counted(), size=4, channels=1, mirror=True)
    first = [images.split("train", 5)[p] for p in positions]
    torch.manual_seed(1)
    other = Images(Counted(), size=4, channels=1, mirror=True).split("train", 5)
    assert all(equal(other[p], item) for p, item in reversed(list(zip(positions, first, strict=True))))
    assert not all(equal(images.split("train", 6)[p], item) for p, item in zip(positions, first, strict=True))


def test_every_epoch_shows_every_row_once_and_draws_anew():
    split = Images(Counted(), size=4, channels=1).split("train", 0)
    epochs = [[split[p] for p in range(16 * e, 16 * e + 16)] for e in range(3)]
    orders = [[int(item["image"][0, 0, 1]) for item in epoch] for epoch in epochs]
    assert all(sorted(order) == [k for k in range(20) if k % 5 != 4] for order in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert all(int(item["label"]) == int(item["image"][0, 0, 1]) % 3 for epoch in epochs for item in epoch)
    assert len({int(item["seed"]) for epoch in epochs for item in epoch}) == 48


def test_half_are_mirrored_where_that_is_wanted():
    mirrored, straight = (Images(Counted(), size=4, channels=1, mirror=m).split("train", 0) for m in (True, False))
    sides = Counter(int(mirrored[p]["image"][0, 0, -1]) == 255 for p in range(200))
    assert 70 < sides[True] < 130
    assert all(int(straight[p]["image"][0, 0, 0]) == 255 for p in range(200))
    for p in range(20):
        pair = mirrored[p]["image"], straight[p]["image"]
        assert torch.equal(*pair) or torch.equal(pair[0], pair[1].flip(-1))


def test_all_and_counts():
    images = Images(Counted(), size=2, channels=1)
    pixels, labels = images.split("test", 0).all()
    assert pixels[:, 0, 0].tolist() == [[255, 4], [255, 9], [255, 14], [255, 19]] and labels.tolist() == [1, 0, 2, 1]
    assert images.split("test", 0).counts() == {"a": 1, "b": 2, "c": 1}


def test_labels_are_kept_from_training_for_a_share_of_the_images():
    splits = [Images(Counted(), size=2, channels=1, labelled_share=share).split("train", 0) for share in (0.25, 0.5, 1.0)]
    known = [{int(split[p]["image"][0, 0, 1]) for p in range(16) if split[p]["labelled"]} for split in splits]
    assert [len(numbers) for numbers in known] == [4, 8, 16] and known[0] < known[1] < known[2]
    other = Images(Counted(), size=2, channels=1, labelled_share=0.25).split("train", 9)
    assert {int(other[p]["image"][0, 0, 1]) for p in range(16) if other[p]["labelled"]} == known[0], "whatever the seed"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size": 0}, r"data\.size is 0"),
        ({"channels": 2}, r"data\.channels is 2: 1 for grey, 3 for colour"),
        ({"labelled_share": 0}, r"data\.labelled_share is 0"),
        ({"labelled_share": 1.5}, r"data\.labelled_share is 1\.5"),
    ],
)
def test_mistakes_are_named(options, told):
    settings = {"size": 4, "channels": 1} | options
    with pytest.raises(UserError, match=told):
        Images(Counted(), **settings)


def test_splits_that_are_not_there():
    images = Images(Counted(4), size=4, channels=1)
    with pytest.raises(UserError, match="no split 'unseen': choose one of train, test"):
        images.split("unseen", 0)
    assert len(images.split("test", 0)) == 0 and images.split("test", 0).all()[0].shape == (0, 1, 4, 4)
    with pytest.raises(UserError, match="the test split has no images"):
        images.split("test", 0)[0]
    with pytest.raises(UserError, match=r"counted: no images in it; set data\.root"):
        Images(Counted(0), size=4, channels=1)


def test_what_is_kept_for_testing_does_not_change_when_files_are_added():
    names = [f"{k}.png" for k in range(1000)]
    kept = kept_for_test(names)
    assert 150 < kept.sum() < 250
    assert np.array_equal(kept_for_test(names[500:]), kept[500:]) and len(kept_for_test([])) == 0


# Fitting


def test_fitted_leaves_alone_what_fits():
    pixels = noise(5, 8, 8, 3)
    assert fitted(pixels, 8, 3) is pixels


def test_fitted_between_grey_and_colour():
    grey = noise(2, 8, 8, 1)
    assert np.array_equal(fitted(grey, 8, 3), grey.repeat(3, 3))
    assert np.array_equal(fitted(grey.repeat(3, 3), 8, 1), grey)
    colours = np.array([[[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]]], np.uint8)
    assert fitted(colours, 2, 1)[0, ..., 0].tolist() == [[76, 150], [29, 255]]


def test_fitted_takes_the_middle_square_and_resamples():
    wide = noise(3, 4, 10, 1)
    assert np.array_equal(fitted(wide, 4, 1), wide[:, :, 3:7])
    assert np.array_equal(fitted(wide.swapaxes(1, 2), 4, 1), wide[:, :, 3:7].swapaxes(1, 2))
    square = noise(1, 12, 12, 3)
    for size, kernel in ((5, Image.Resampling.LANCZOS), (20, Image.Resampling.BICUBIC)):
        wanted = np.asarray(Image.fromarray(square[0]).resize((size, size), kernel))
        assert np.array_equal(fitted(square, size, 3)[0], wanted)
    assert np.array_equal(fitted(np.full((1, 9, 7, 1), 77, np.uint8), 3, 3), np.full((1, 3, 3, 3), 77))


def test_the_middle_of_a_picture():
    pixels = noise(10, 12, 3)
    assert np.array_equal(squared(Image.fromarray(pixels), 6, 3, crop=0.6), pixels[2:8, 3:9])


# Digits


def test_digits_are_all_there_in_seventeen_levels():
    found = Digits().pictures(8, 1)
    assert found.pixels.shape == (1797, 8, 8, 1) and found.classes == [str(k) for k in range(10)]
    assert np.unique(found.pixels).tolist() == [round(k * 255 / 16) for k in range(17)]
    assert found.pixels[0, :, :, 0].tolist()[0] == [0, 0, 80, 207, 143, 16, 0, 0]  # 0 0 5 13 9 1 0 0 sixteenths
    assert found.labels[:12].tolist() == [*range(10), 0, 1] and np.bincount(found.labels).min() == 174
    assert 0.17 < found.held_out.mean() < 0.23
    assert np.array_equal(found.held_out, Digits().pictures(16, 3).held_out)
    assert Digits().pictures(16, 3).pixels.shape == (1797, 16, 16, 3)


# MNIST


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


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path, packed):
    found = Mnist(str(mnist(tmp_path, packed))).pictures(28, 1)
    assert np.array_equal(found.pixels[..., 0], np.concatenate([TRAIN, TEST]))
    assert found.labels.tolist() == [5, 0, 4, 1, 9, 2, 7, 2, 1, 0] and found.labels.dtype == np.int64
    assert found.held_out.tolist() == [False] * 6 + [True] * 4 and found.skipped == []
    assert Mnist(str(tmp_path)).pictures(32, 3).pixels.shape == (10, 32, 32, 3)


def test_mnist_unpacked_under_its_packed_name(tmp_path):
    mnist(tmp_path)
    file = tmp_path / "train-images-idx3-ubyte"
    file.rename(file.with_name(file.name + ".gz"))
    assert np.array_equal(Mnist(str(tmp_path)).pictures(28, 1).pixels[:6, ..., 0], TRAIN)


@pytest.mark.parametrize(
    ("replaced", "told"),
    [
        (
            {"train_images_idx3_ubyte": idx(TRAIN)[:-1]},
            "train-images-idx3-ubyte: header promises 6 x 28 x 28 bytes, 4703 are there; download it again",
        ),
        ({"train_images_idx3_ubyte": idx(TRAIN) + b"0"}, "4705 are there"),
        ({"train_images_idx3_ubyte": idx(TRAIN)[:9]}, "train-images-idx3-ubyte: cut off in its header"),
        ({"train_images_idx3_ubyte": idx(TRAIN[:0])}, "header promises 0 x 28 x 28 bytes"),
        ({"t10k_labels_idx1_ubyte": b""}, "t10k-labels-idx1-ubyte: begins with , not 00 00 08 01"),
        (
            {"t10k_labels_idx1_ubyte": idx(TEST)},
            "t10k-labels-idx1-ubyte: begins with 00 00 08 03, not 00 00 08 01: not this file",
        ),
        ({"t10k_images_idx3_ubyte": b"<html>404"}, "begins with 3c 68 74 6d, not 00 00 08 03"),
        (
            {"train_labels_idx1_ubyte": idx(TRAIN_LABELS[:5])},
            "6 images in train-images-idx3-ubyte, but 5 labels in train-labels-idx1-ubyte; take both files from one set",
        ),
        ({"train_labels_idx1_ubyte": idx(TRAIN_LABELS + 5)}, "train-labels-idx1-ubyte: label 14, but there are only 10"),
        ({"t10k_images_idx3_ubyte": gzip.compress(idx(TEST))[:-9]}, "t10k-images-idx3-ubyte: damaged or cut off"),
        ({"t10k_images_idx3_ubyte": b"\x1f\x8bnothing"}, "t10k-images-idx3-ubyte: damaged or cut off"),
    ],
)
def test_mnist_damaged(tmp_path, replaced, told):
    with pytest.raises(UserError, match=told):
        Mnist(str(mnist(tmp_path, **replaced))).pictures(28, 1)


def test_mnist_not_there(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such folder; set data\.root to the folder with MNIST's four files"):
        Mnist(str(tmp_path / "nowhere")).pictures(28, 1)
    (mnist(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        UserError, match=r"neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte\.gz in it; set data\.root"
    ):
        Mnist(str(tmp_path)).pictures(28, 1)


# CIFAR-10


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


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-bin"])
def test_cifar10(tmp_path, inside):
    pixels, labels = cifar10(tmp_path / "set" / inside)
    found = Cifar10(str(tmp_path / "set")).pictures(32, 3)
    assert np.array_equal(found.pixels, pixels) and found.labels.tolist() == labels
    assert found.held_out.tolist() == [False] * 10 + [True] * 2
    assert found.classes[0] == "airplane" and found.classes[9] == "truck" and len(found.classes) == 10
    assert Cifar10(str(tmp_path / "set")).pictures(8, 1).pixels.shape == (12, 8, 8, 1)


def test_cifar10_names_of_its_own(tmp_path):
    cifar10(tmp_path / "set", "\n".join("abcdefghij") + "\n\n")
    assert Cifar10(str(tmp_path / "set")).pictures(32, 3).classes == list("abcdefghij")
    (tmp_path / "set" / "batches.meta.txt").write_text("a\nb\n")
    with pytest.raises(UserError, match=r"batches\.meta\.txt: names 2 classes, not 10; download it again, or remove it"):
        Cifar10(str(tmp_path / "set")).pictures(32, 3)


def test_cifar10_damaged(tmp_path):
    cifar10(tmp_path / "set")
    file = tmp_path / "set" / "data_batch_3.bin"
    whole = file.read_bytes()
    for data in (whole[:-1], b""):
        file.write_bytes(data)
        with pytest.raises(UserError, match=rf"data_batch_3\.bin: {len(data)} bytes are no whole number of 3073-byte rows"):
            Cifar10(str(tmp_path / "set")).pictures(32, 3)
    file.write_bytes(b"\x0a" + whole[1:])
    with pytest.raises(UserError, match=r"data_batch_3\.bin: label 10, but there are only 10 classes: not this set's file"):
        Cifar10(str(tmp_path / "set")).pictures(32, 3)
    file.unlink()
    with pytest.raises(UserError, match=r"data_batch_3\.bin: No such file or directory; unpack the whole set"):
        Cifar10(str(tmp_path / "set")).pictures(32, 3)


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-py"])
def test_cifar10_pickled(tmp_path, inside):
    file = tmp_path / inside / "data_batch_1"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"\x80\x02}q")
    with pytest.raises(UserError, match=r"Python version, which is pickled.*; fetch the binary version, cifar-10-binary"):
        Cifar10(str(tmp_path)).pictures(32, 3)


def test_cifar10_not_there(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such folder; set data\.root to the folder with CIFAR-10's binary"):
        Cifar10(str(tmp_path / "nowhere")).pictures(32, 3)
    with pytest.raises(UserError, match=r"no data_batch_1\.bin in it; set data\.root"):
        Cifar10(str(tmp_path)).pictures(32, 3)


# Labeled Faces in the Wild


def lfw(root: Path) -> Path:
    """JPEGs with a red border, which the centre crop leaves out: Ada three times, Ben once, Cy de Wit twice."""
    for name, count in (("Ada_Lovelace", 3), ("Ben_Ali", 1), ("Cy_de_Wit", 2)):
        for number in range(1, count + 1):
            pixels = np.full((80, 80, 3), (255, 0, 0), np.uint8)
            pixels[16:64, 16:64] = 40 * number  # JPEG's blocks have 16 pixels
            save(root / name / f"{name}_{number:04d}.jpg", pixels)
    return root


def test_lfw(tmp_path):
    found = Lfw(str(lfw(tmp_path)), crop=0.5).pictures(10, 3)
    assert found.classes == ["Ada_Lovelace", "Ben_Ali", "Cy_de_Wit"] and found.labels.tolist() == [0, 0, 0, 1, 2, 2]
    assert found.pixels.shape == (6, 10, 10, 3) and found.skipped == []
    level = np.array([40, 80, 120, 40, 40, 80])[:, None, None, None]
    assert np.abs(found.pixels.astype(int) - level).max() <= 2, "nothing red"
    paths = [file.relative_to(tmp_path).as_posix() for file in sorted(tmp_path.rglob("*.jpg"))]
    assert np.array_equal(found.held_out, kept_for_test(paths))
    assert Lfw(str(tmp_path)).pictures(10, 3).pixels[0, 0, 0].tolist() == [254, 0, 0], "JPEG's red"


def test_lfw_people_seen_often_enough(tmp_path):
    found = Lfw(str(lfw(tmp_path)), least=2).pictures(10, 1)
    assert found.classes == ["Ada_Lovelace", "Cy_de_Wit"] and found.labels.tolist() == [0, 0, 0, 1, 1]
    assert found.skipped == []
    with pytest.raises(UserError, match=r"nobody has 4 pictures, the most is 3; lower data\.least"):
        Lfw(str(tmp_path), least=4).pictures(10, 1)


def test_lfw_mistakes(tmp_path):
    for options, told in (({"least": 0}, "least is 0"), ({"crop": 0}, "crop is 0"), ({"crop": 1.2}, r"crop is 1\.2")):
        with pytest.raises(UserError, match=told):
            Lfw(str(tmp_path), **options)
    with pytest.raises(UserError, match=r"nowhere: no such folder; set data\.root to the folder that holds one folder"):
        Lfw(str(tmp_path / "nowhere")).pictures(10, 3)
    lfw(tmp_path / "lfw")
    with pytest.raises(
        UserError, match=r"no images in it: lfw/Ada.*1\.jpg: not in the layout <Name_Surname>.*\(and 5 more\)"
    ):
        Images(Lfw(str(tmp_path)), size=8, channels=3)
    (tmp_path / "lfw" / "Ben_Ali" / "Ben_Ali_0001.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "lfw" / "pairs.txt").write_text("not looked at")
    save(tmp_path / "lfw" / "Ada_Lovelace" / "Ben_Ali_0002.jpg", noise(8, 8, 3))
    found = Lfw(str(tmp_path / "lfw")).pictures(10, 3)
    assert found.classes == ["Ada_Lovelace", "Cy_de_Wit"], "a class without a readable picture is none"
    assert [path for path, _ in found.skipped] == ["Ada_Lovelace/Ben_Ali_0002.jpg", "Ben_Ali/Ben_Ali_0001.jpg"]


# A folder


def test_folder_of_classes(tmp_path):
    cat, dog = noise(8, 8, 3), noise(8, 8)
    save(tmp_path / "class_10" / "a.png", cat)
    save(tmp_path / "class_10" / "more" / "deep" / "b.BMP", cat[::-1])
    save(tmp_path / "class_2" / "grey.webp", noise(20, 30, 3))
    save(tmp_path / "class_2" / "z.png", dog)
    save(tmp_path / "loose.png", cat)
    save(tmp_path / ".cache" / "hidden.png", cat)
    (tmp_path / "class_2" / "notes.txt").write_text("not looked at")
    (tmp_path / "class_2" / "broken.png").write_bytes((tmp_path / "class_10" / "a.png").read_bytes()[:100])
    (tmp_path / "class_2" / "empty.jpg").touch()
    (tmp_path / "class_3" / "text.png").parent.mkdir()
    (tmp_path / "class_3" / "text.png").write_text("%!PS-Adobe-3.0 EPSF-3.0")
    found = ImageFolder(str(tmp_path)).pictures(8, 3)
    assert found.classes == ["class_2", "class_10"] and found.labels.tolist() == [1, 1, 0, 0]
    assert np.array_equal(found.pixels[[0, 1, 3]], np.stack([cat, cat[::-1], dog[..., None].repeat(3, 2)]))
    paths = ["class_10/a.png", "class_10/more/deep/b.BMP", "class_2/grey.webp", "class_2/z.png"]
    assert np.array_equal(found.held_out, kept_for_test(paths))
    reasons = dict(found.skipped)
    assert reasons.keys() == {"loose.png", "class_2/broken.png", "class_2/empty.jpg", "class_3/text.png"}
    assert reasons["loose.png"] == "not in the folder of a class, as others are"
    assert reasons["class_2/empty.jpg"] == "empty file"
    assert reasons["class_2/broken.png"].startswith("not a readable picture (")
    assert reasons["class_3/text.png"] == "not a readable picture (cannot identify image file 'text.png')"


def test_folder_of_one_class(tmp_path):
    pixels = noise(8, 8, 3)
    save(tmp_path / "flowers" / "b.png", pixels)
    save(tmp_path / "flowers" / "a.tif", pixels[:, ::-1])
    found = ImageFolder(str(tmp_path / "flowers")).pictures(8, 3)
    assert found.classes == ["flowers"] and found.labels.tolist() == [0, 0]
    assert np.array_equal(found.pixels, np.stack([pixels[:, ::-1], pixels]))


def test_kinds_of_pictures(tmp_path):
    pixels = noise(4, 4, 3)
    seen = np.dstack([pixels, np.full((4, 4), 255, np.uint8)])
    seen[0, :, 3] = 0
    save(tmp_path / "1.png", seen)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees to the right
    Image.fromarray(pixels).save(tmp_path / "2.png", exif=exif)
    save(tmp_path / "3.png", pixels[..., 0] > 127)
    save(tmp_path / "4.png", pixels[..., 0], "P")
    save(tmp_path / "5.tif", pixels, "CMYK")
    save(tmp_path / "6.png", pixels[..., 0].astype(np.uint16) * 257)
    found = ImageFolder(str(tmp_path)).pictures(4, 3)
    white = pixels.copy()
    white[0] = 255
    black = ((pixels[..., :1] > 127) * np.uint8(255)).repeat(3, 2)
    wanted = [white, np.rot90(pixels, -1), black, pixels[..., :1].repeat(3, 2), pixels]
    assert np.array_equal(found.pixels, np.stack(wanted))
    assert found.skipped == [("6.png", "more than 8 bits a pixel (mode I;16); save it with 8")]


def test_folder_with_nothing(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such folder; set data\.root to the folder that holds the pictures"):
        Images(ImageFolder(str(tmp_path / "nowhere")), size=8, channels=3)
    (tmp_path / "readme.txt").write_text("no picture")
    with pytest.raises(UserError, match=r"no images in it; set data\.root"):
        Images(ImageFolder(str(tmp_path)), size=8, channels=3)
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(UserError, match=r"no images in it: a\.png: not a readable picture .*; set data\.root"):
        Images(ImageFolder(str(tmp_path)), size=8, channels=3)


def test_a_picture_too_large(tmp_path, monkeypatch):
    save(tmp_path / "a.png", noise(8, 8, 3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert ImageFolder(str(tmp_path)).pictures(8, 3).skipped[0][1].startswith("picture too large (")


@pytest.mark.skipif(not CHAIRS.is_dir(), reason="../shared/data/chair_stills is not here")
def test_real_chairs():
    images = Images(ImageFolder(str(CHAIRS)), size=64, channels=3, mirror=True)
    assert images.classes == ["chair_stills"] and images.skipped == []
    assert len(images.split("train", 0)) + len(images.split("test", 0)) == 64 and len(images.split("test", 0)) > 4
    corners = images.found.pixels[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.min() > 240, "a chair on white"


# Frames of clips


def of_strips(root: Path, cache_dir: Path, **options) -> Clips:
    settings = {"size": 16, "frames": 1, "stride": 1, "mirror": False, "crop": "none", "cache": True} | options
    return Clips(Strips(str(root), {"0": "wave1", "1": "wave2"}), cache_dir=str(cache_dir), **settings)


def strip_frames(root: Path, action: int, person: int) -> np.ndarray:
    strip = np.asarray(Image.open(root / str(action) / f"{8 * person + action:08d}.png"))
    return strip.reshape(16, 48, 16, 3).swapaxes(0, 1)


def test_frames(strips, tmp_path):
    source = Frames(of_strips(strips, tmp_path), every=5)
    found = source.pictures(16, 3)
    assert source.root == strips
    assert found.classes == ["person_0 wave1", "person_0 wave2", "person_1 wave1", "person_1 wave2"]
    for label, (person, action) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        film = strip_frames(strips, action, person)
        own = found.labels == label
        assert np.array_equal(found.pixels[own & ~found.held_out], film[0:32:5])
        assert np.array_equal(found.pixels[own & found.held_out], film[32:48:5])
    assert len(found.pixels) == 4 * (7 + 4)
    assert Frames(source.clips, every=7).pictures(8, 1).pixels.shape == (4 * (5 + 3), 8, 8, 1)


def test_frames_do_not_depend_on_the_length_of_the_clips(strips, tmp_path):
    short, long = (Frames(of_strips(strips, tmp_path / str(k), frames=k)).pictures(16, 3) for k in (1, 8))
    assert np.array_equal(short.pixels, long.pixels) and np.array_equal(short.held_out, long.held_out)


def test_pairs_never_trained_on_are_left_out(strips, tmp_path):
    found = Frames(of_strips(strips, tmp_path, unseen_pairs=[["person_0", "wave2"]])).pictures(16, 3)
    assert found.classes == ["person_0 wave1", "person_1 wave1", "person_1 wave2"]
    assert np.bincount(found.labels).tolist() == [11, 11, 11]
    everything = [[person, action] for person in ("person_0", "person_1") for action in ("wave1", "wave2")]
    with pytest.raises(UserError, match=r"no images in it; set data\.root"):
        Images(Frames(of_strips(strips, tmp_path, unseen_pairs=everything)), size=16, channels=3)


def test_frames_tell_what_the_clips_skipped(strips, tmp_path):
    for file in strips.rglob("*.png"):
        save(tmp_path / "in" / file.relative_to(strips), np.asarray(Image.open(file)))
    (tmp_path / "in" / "0" / "cover.png").write_text("no clip")
    found = Frames(of_strips(tmp_path / "in", tmp_path / "cache")).pictures(16, 3)
    assert [path for path, _ in found.skipped] == ["0/cover.png"]


def test_frames_mistakes(strips, tmp_path):
    with pytest.raises(UserError, match=r"data\.every is 0"):
        Frames(of_strips(strips, tmp_path), every=0)
    with pytest.raises(UserError, match="frames are taken from the cache of its clips; set their cache to true"):
        Frames(of_strips(strips, tmp_path, cache=False)).pictures(16, 3)


# Configs


def built(*overrides: str) -> Images:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(overrides=[f"+{overrides[0]}", *overrides[1:]]).data
    images = instantiate(cfg.images, _convert_="all")
    assert images.found.pixels.shape[1:] == (cfg.size, cfg.size, cfg.channels) and images.mirror == cfg.mirror
    assert cfg.classes is None and cfg.labelled_share == images.labelled_share == 1.0
    return images


def test_configs(tmp_path, strips):
    digits = built("data=digits")
    assert len(digits.found.pixels) == 1797 and len(np.unique(digits.found.pixels)) == 17
    assert len(built("data=mnist", f"data.root={mnist(tmp_path / 'mnist')}").classes) == 10
    cifar10(tmp_path / "cifar10")
    assert built("data=cifar10", f"data.root={tmp_path / 'cifar10'}").mirror
    assert built("data=lfw", f"data.root={lfw(tmp_path / 'lfw')}", "data.least=2").names()["num_classes"] == 2
    save(tmp_path / "own" / "cats" / "a.png", noise(90, 100, 3))
    assert built("data=images", f"data.root={tmp_path / 'own'}").classes == ["cats"]


def test_config_of_frames_of_the_strips(tmp_path, strips):
    images = built(
        "data=frames",
        f"data.root={strips}",
        f"data.cache_dir={tmp_path}",
        "data.crop=none",
        "data.size=16",
        "data.videos._target_=videogen.data.sources.Strips",
        "+data.videos.actions={0: wave1, 1: wave2, 3: jack, 4: bend}",
    )
    assert images.classes == ["person_0 wave1", "person_0 wave2", "person_1 wave1", "person_1 wave2"]
    assert len(images.split("train", 0)) == 28 and len(images.split("test", 0)) == 16
