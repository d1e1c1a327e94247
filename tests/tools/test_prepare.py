"""tools/prepare.py as a user runs it."""

import shutil

import pytest
from conftest import ROOT, run_tool
from data.films import SHARED, film
from PIL import Image

PREPARE = str(ROOT / "tools" / "prepare.py")


def test_strips(strips, tmp_path):
    done = run_tool(PREPARE, "data=weizmann_strips", f"data.root={strips}", "data.size=16", "data.frames=5",
                    "data.unseen_pairs=latin", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4 videos, 192 frames of 16x16 -> 16x16" in done.stdout and "* never trained on" in done.stdout
    assert "person_1        1     1*" in done.stdout
    sheet = tmp_path / "cache" / "weizmann_strips" / "none_16" / "contact_sheet.png"
    assert str(sheet.relative_to(tmp_path)) in done.stdout
    assert Image.open(sheet).size == (5 * 16, 4 * 16)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"], "nothing of Hydra's is left about"


def test_folder_with_bad_files(tmp_path):
    film(tmp_path / "in/ada/run/good.avi", 40)
    (tmp_path / "in/ada/run/bad.avi").write_text("no video")
    if (SHARED / "odd").is_dir():
        shutil.copy(SHARED / "odd" / "decord_corrupted.mp4", tmp_path / "in/ada/run")
    done = run_tool(PREPARE, "data=folder", f"data.root={tmp_path / 'in'}", "data.size=16", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ada/run/bad.avi: not a video" in done.stdout and "1 videos, 40 frames of 60x48" in done.stdout


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["data=weizmann", "data.root=nowhere"], "nowhere: no such folder; set data.root"),
        (["data=folder", "data.root=in"], "in: none of 1 videos can be used: ada/run/bad.avi: not a video"),
        (["data=folder"], "set data.root=<folder> or data.csv=<file.csv>"),
        (["data=folder", "data.root=in", "data.crop=left"], "choose one of person, centre, union, none"),
    ],
)
def test_mistakes_are_one_line(tmp_path, overrides, told):
    (tmp_path / "in/ada/run").mkdir(parents=True)
    (tmp_path / "in/ada/run/bad.avi").write_text("no video")
    done = run_tool(PREPARE, *overrides, cwd=tmp_path)
    assert done.returncode != 0 and done.stderr.startswith("error: ") and told in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
