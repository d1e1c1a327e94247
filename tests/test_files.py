import errno

import pytest
import torch

from videogen.errors import UserError, one_line_errors
from videogen.files import read_tensors, write_tensors, written_whole


def test_tensors_and_metadata_come_back(tmp_path):
    file = tmp_path / "new" / "t.safetensors"
    write_tensors(file, {"a": torch.arange(3), "b": torch.eye(2).T}, {"step": 3, "nested": {"x": [1, None]}})
    tensors, metadata = read_tensors(file)
    assert torch.equal(tensors["a"], torch.arange(3)) and metadata == {"step": 3, "nested": {"x": [1, None]}}


def test_a_full_disk_keeps_the_old_file_and_says_so(tmp_path, capsys):
    file = tmp_path / "t.txt"
    file.write_text("old")
    with pytest.raises(SystemExit) as stopped, one_line_errors(), written_whole(file) as part:
        part.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device", str(part))
    assert "the disk is full" in str(stopped.value) and "\n" not in str(stopped.value)
    assert file.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["t.txt"]


def test_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="does not exist: train first"):
        read_tensors(tmp_path / "none.safetensors")


def test_defects_keep_their_traceback():
    with pytest.raises(ZeroDivisionError), one_line_errors():
        1 / 0  # noqa: B018
