"""Images from folders: faces, classes of one's own, frames of clips."""

from pathlib import Path

import numpy as np
import pytest
from data.films import SHARED
from data.pictures import lfw, noise, save
from PIL import Image

from videogen.data.clips import Clips
from videogen.data.image_sources import Frames, ImageFolder, Lfw
from videogen.data.images import Images, kept_for_test
from videogen.data.sources import Strips
from videogen.errors import UserError

CHAIRS = SHARED / "chair_stills"


# Labeled Faces in the Wild


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
