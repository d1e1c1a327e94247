import numpy as np
import pytest
from PIL import Image

from videogen.pictures import NoPicture, Unreadable, opened


def test_no_format_that_starts_a_program_is_opened(tmp_path):
    file = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(file, format="EPS")
    assert Image.open(file).format == "EPS", "Pillow would hand it to Ghostscript"
    with pytest.raises(NoPicture, match=r"not a readable picture \(cannot identify image file"):
        opened(file)


def test_what_is_transparent_is_white_or_what_lies_there(tmp_path):
    Image.fromarray(np.full((4, 4, 4), (10, 20, 30, 0), np.uint8)).save(tmp_path / "a.png")
    assert np.array_equal(opened(tmp_path / "a.png"), np.full((4, 4, 3), 255))
    assert np.array_equal(opened(tmp_path / "a.png", on_white=False), np.full((4, 4, 3), (10, 20, 30)))


def test_an_empty_file_is_told(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(Unreadable, match="empty file"):
        opened(tmp_path / "a.png")
