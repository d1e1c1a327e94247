"""Digits, MNIST and CIFAR-10, each from tiny files in its own bytes, and how pictures are fitted."""

import gzip

import numpy as np
import pytest
from data.pictures import TEST, TRAIN, TRAIN_LABELS, cifar10, idx, mnist, noise
from PIL import Image

from videogen.data.image_sources import Cifar10, Digits, Mnist, fitted, squared
from videogen.errors import UserError

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
