import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from data.films import film
from PIL import Image

from videogen.data.decode import StripFile
from videogen.data.sources import Folder, Strips, Weizmann, weizmann_labels
from videogen.errors import UserError


@pytest.mark.parametrize(
    ("stem", "labels"),
    [
        ("daria_bend", ("daria", "bend")),
        ("lena_run1", ("lena", "run")),
        ("lena_run2", ("lena", "run")),
        ("ada_wave1", ("ada", "wave1")),
        ("ada_wave2", ("ada", "wave2")),
        ("ada_wave12", ("ada", "wave1")),
        ("ada_wave21", ("ada", "wave2")),
        ("Ido_Pjump", ("ido", "pjump")),
        ("ada_wave", None),
        ("ada_jumping", None),
        ("ada", None),
    ],
)
def test_weizmann_names(stem, labels):
    assert weizmann_labels(stem) == labels


def labels_of(videos):
    return [(video.path, video.identity, video.action) for video in videos]


def test_weizmann_files_and_zips_together(tmp_path):
    root, made = tmp_path / "root", tmp_path / "made"
    film(root / "ada_run1.avi", 8)
    for name in ("ada_bend.avi", "ben_bend.avi"):
        film(made / name, 8)
    with zipfile.ZipFile(root / "bend.zip", "w") as bundle:
        bundle.write(made / "ada_bend.avi", "../../../ada_bend.avi")
        bundle.write(made / "ben_bend.avi", "films/ben_bend.avi")
        bundle.writestr("readme.txt", "no video")
    (root / "jack.zip").write_bytes((root / "bend.zip").read_bytes()[:300])
    (root / "notes.txt").write_text("not looked at")
    film(root / "holiday.avi", 8)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    videos, skipped = Weizmann(str(root)).videos(tmp_path / "unpacked")
    assert labels_of(videos) == [
        ("ada_bend.avi", "ada", "bend"),
        ("ada_run1.avi", "ada", "run"),
        ("ben_bend.avi", "ben", "bend"),
    ]
    assert {path: reason.split(" (")[0] for path, reason in skipped} == {
        "jack.zip": "not a readable zip file",
        "holiday.avi": "not named <person>_<action>.avi with one of the ten actions",
    }
    new = sorted(p.name for p in (tmp_path / "unpacked").iterdir())
    assert new == ["ada_bend.avi", "ben_bend.avi"]
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted([*before, "unpacked", *new]), "nothing left the folder"
    stamps = [video.file.stat().st_mtime_ns for video in videos]
    again, _ = Weizmann(str(root)).videos(tmp_path / "unpacked")
    assert [video.file.stat().st_mtime_ns for video in again] == stamps, "unpacked once"


@pytest.mark.parametrize("tall", [False, True])
def test_strips_with_png_bytes_and_alpha_under_jpg(tmp_path, tall):
    frames = np.random.default_rng(0).integers(0, 256, (7, 12, 12, 4), dtype=np.uint8)
    file = tmp_path / "3" / "00000017.jpg"
    file.parent.mkdir()
    Image.fromarray(np.concatenate(list(frames), 0 if tall else 1)).save(file, format="PNG")
    videos, skipped = Strips(str(tmp_path), {"3": "jack"}).videos(tmp_path)
    assert labels_of(videos) == [("3/00000017.jpg", "person_2", "jack")] and skipped == []
    footage = StripFile().whole(file)
    assert np.array_equal(footage.frames, frames[..., :3])
    assert np.array_equal(StripFile().span(file, 2, 5, True), frames[2:5, ..., :3])


def test_strips_layout(tmp_path):
    for path in ("7/00000008.png", "7/cover.png", "00000001.png", "7/.hidden.png", "7/readme.txt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    videos, skipped = Strips(str(tmp_path), {0: "wave1"}, per_person=4).videos(tmp_path)
    assert labels_of(videos) == [("7/00000008.png", "person_2", "7")]
    assert sorted(path for path, _ in skipped) == ["00000001.png", "7/cover.png"]


def test_folder(tmp_path):
    for path in ("ada/run/b.mp4", "ada/run/a.webm", "ben/jump/x", ".git/a/b", "ada/run/.DS_Store", "stray.avi"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    videos, skipped = Folder(str(tmp_path)).videos(tmp_path)
    assert labels_of(videos) == [
        ("ada/run/a.webm", "ada", "run"),
        ("ada/run/b.mp4", "ada", "run"),
        ("ben/jump/x", "ben", "jump"),
    ]
    assert skipped == [("stray.avi", "not in the layout <identity>/<action>/<video>")]


def test_csv_is_relative_to_itself(tmp_path):
    for name in ("one.avi", "two.avi"):
        (tmp_path / "v" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "v" / name).write_bytes(b"x")
    table = tmp_path / "clips.csv"
    rows = "v/two.avi,ben,run\nv/one.avi,ada,jump\nv/none.avi,ada,run\nv/one.avi,ben,run\n"
    table.write_text("\ufeffpath,identity,action\n" + rows)
    videos, skipped = Folder(csv=str(table)).videos(tmp_path)
    assert labels_of(videos) == [("v/one.avi", "ada", "jump"), ("v/two.avi", "ben", "run")]
    assert [reason for _, reason in skipped] == ["no such file", "named twice in the CSV; its first row counts"]
    assert all(video.file.is_file() for video in videos)
    table.write_text("path,who\nv/one.avi,ada\n")
    with pytest.raises(UserError, match="every row needs path, identity and action"):
        Folder(csv=str(table)).videos(tmp_path)
    shutil.move(table, tmp_path / "away.csv")
    with pytest.raises(UserError, match="No such file"):
        Folder(csv=str(table)).videos(tmp_path)


def test_missing_places_are_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such folder; set data\.root"):
        Weizmann(str(tmp_path / "nowhere")).videos(Path())
    with pytest.raises(UserError, match=r"data\.root=<folder> or data\.csv"):
        Folder()
