"""A set of images and its splits, and the configs that name one."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from data.pictures import cifar10, lfw, mnist, noise, save
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from videogen.data.images import Images, Pictures, kept_for_test
from videogen.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"


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
