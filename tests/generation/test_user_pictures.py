import numpy as np
import pytest
from PIL import Image

from videogen.errors import UserError
from videogen.generation.pictures import read_clip, read_first_frame


def test_a_picture_is_cut_to_its_centre_on_white(tmp_path):
    picture = np.zeros((20, 40, 4), np.uint8)
    picture[:, 10:30] = (255, 0, 0, 255)
    picture[:, 10:20, 3] = 0  # transparent
    Image.fromarray(picture).save(tmp_path / "a.png")
    frame = read_first_frame(tmp_path / "a.png", 16)
    assert frame.shape == (1, 3, 16, 16)
    assert (frame[0, :, 8, 2] == 1).all() and frame[0, :, 8, 13].tolist() == [1, -1, -1]


def test_a_picture_that_cannot_be_used_is_told(tmp_path):
    Image.fromarray(np.zeros((16, 16), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(UserError, match=r"deep.png cannot be used: more than 8 bits a pixel"):
        read_first_frame(tmp_path / "deep.png", 16)
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:2000])
    for read in (lambda path: read_first_frame(path, 16), lambda path: read_clip(path, 16, 4, 1)):
        with pytest.raises(UserError, match=r"cut.png cannot be used: not a readable picture"):
            read(tmp_path / "cut.png")
        (tmp_path / "text.png").write_text("no picture")
        with pytest.raises(UserError, match="neither a picture nor a video"):
            read(tmp_path / "text.png")


def test_a_strip_s_alpha_means_nothing(tmp_path):
    strip = np.random.default_rng(0).integers(0, 255, (8, 24, 4), np.uint8)
    Image.fromarray(strip).save(tmp_path / "strip.png")
    clip = read_clip(tmp_path / "strip.png", 8, frames=3, stride=1)
    seen = ((clip[0, 1].permute(1, 2, 0) + 1) * 127.5).round().numpy()
    np.testing.assert_allclose(seen, strip[:, 8:16, :3], atol=1)
