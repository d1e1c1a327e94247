"""Objects that turn: the layout of the rendered chairs, one's own turntable, and clips that go round and round."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from data.pictures import save
from scipy.io import savemat

from videogen.data.chair_layout import AZIMUTHS, view_names
from videogen.data.clips import Clips
from videogen.data.image_sources import Frames
from videogen.data.report import contact_sheet, summary
from videogen.data.sources import Turn
from videogen.data.turntables import Chairs, Turntable
from videogen.errors import UserError
from videogen.pictures import Unreadable

IDS = ["b" * 32, "a" * 32, "c" * 31, "d" * 32]  # not in the order of their names, and one of 31 characters


def view(number, size=12):
    """White, with a mark whose place tells the number and whose colour is no grey."""
    pixels = np.full((size, size, 3), 255, np.uint8)
    pixels[3 + number // 8 % 4, 2 + number % 8] = (number, 0, 255)
    pixels[2, 2] = pixels[size - 3, size - 3] = 0  # so that all objects have one union
    return pixels


def draw_chair(root, name, **options):
    for number, file in enumerate(view_names()):
        save(root / name / "renders" / file, view(number, **options))


def cells(*words):
    array = np.empty((1, len(words)), object)
    array[0] = words
    return array


@pytest.fixture(scope="module")
def chairs(tmp_path_factory):
    root = tmp_path_factory.mktemp("rendered_chairs")
    for name in IDS:
        draw_chair(root, name)
    savemat(root / "all_chair_names.mat", {"folder_names": cells(*IDS), "instance_names": cells(*view_names())})
    return root


@pytest.fixture
def linked(chairs, tmp_path):
    """The same files in a folder of its own, to be changed."""
    subprocess.run(["cp", "-r", str(chairs), str(tmp_path / "in")], check=True)
    return tmp_path / "in"


def prepared(source, cache_dir, **options):
    settings = {"size": 8, "frames": 5, "stride": 1, "mirror": False, "crop": "none", "cache": True} | options
    return Clips(source, cache_dir=str(cache_dir), **settings)


def splits(videos):
    return {video.path: video.split for video in videos}


def test_the_archives_layout():
    names = view_names()
    assert len(set(names)) == 62 and len(AZIMUTHS) == 31
    assert [names[k] for k in (0, 1, 20, 30)] == [
        "image_000_p020_t000_r096.png",
        "image_001_p020_t011_r096.png",
        "image_020_p020_t232_r096.png",
        "image_030_p020_t348_r096.png",
    ]
    assert (names[31], names[51]) == ("image_032_p030_t000_r096.png", "image_052_p030_t232_r096.png")


def test_a_chair_is_a_video_with_four_turns(chairs):
    source = Chairs(str(chairs), train=3)
    videos, skipped = source.videos(Path())
    assert skipped == [] and [path for path, _ in source.notes] == ["reduced_set1.mat"]
    assert splits(videos) == {IDS[0]: "train", IDS[1]: "train", IDS[2]: "train", IDS[3]: "test"}
    assert videos[0].turns == (
        Turn("plus_020", 0, 31, 1),
        Turn("minus_020", 0, 31, -1),
        Turn("plus_030", 31, 62, 1),
        Turn("minus_030", 31, 62, -1),
    )
    frames = source.reader.whole(videos[0].file).frames
    assert np.array_equal(frames, 255 - np.stack([view(number) for number in range(62)])), "inverted, in order"
    assert np.array_equal(source.reader.span(videos[0].file, 30, 33, True), frames[30:33])


@pytest.mark.parametrize(
    ("selected", "in_use"),
    [
        (np.array([[4, 1]]), [3, 0]),
        (np.array([[1.0, 3.0]]), [0, 2]),
        (np.array([[False, True, True, False]]), [1, 2]),
        (cells(IDS[3], IDS[1]), [1, 3]),  # by name: in the order of folder_names
    ],
)
def test_a_subset_by_number_by_mask_or_by_name(linked, selected, in_use):
    savemat(linked / "reduced_set1.mat", {"a_date": "2015", "selected": selected})
    source = Chairs(str(linked), train=1)
    videos, skipped = source.videos(Path())
    assert source.notes == [] and skipped == []
    assert splits(videos) == {IDS[in_use[0]]: "train", IDS[in_use[1]]: "test"}
    assert len(Chairs(str(linked), subset="all_chair_names.mat").videos(Path())[0]) == 4


def test_without_mat_files_the_folders_in_order(linked):
    (linked / "all_chair_names.mat").unlink()
    source = Chairs(str(linked), train=1)
    assert splits(source.videos(Path())[0]) == {IDS[1]: "train", IDS[0]: "test", IDS[2]: "test", IDS[3]: "test"}
    assert [path for path, _ in source.notes] == ["all_chair_names.mat", "reduced_set1.mat"]


def test_what_cannot_be_used_is_told_by_name(linked, tmp_path):
    for number in (3, 40):
        (linked / IDS[0] / "renders" / view_names()[number]).unlink()
    (linked / IDS[1] / "renders" / view_names()[7]).write_bytes(b"no picture")
    draw_chair(linked, "e" * 32)
    (linked / ("f" * 32)).mkdir()
    names = cells(*IDS, "0" * 32)
    savemat(linked / "all_chair_names.mat", {"folder_names": names, "instance_names": cells(*view_names())})
    clips = prepared(Chairs(str(linked), train=3), tmp_path / "cache", crop="centre")
    told = dict(clips.skipped)
    assert told.pop(IDS[1]).startswith("image_007_p020_t081_r096.png: not a readable picture")
    assert told == {
        IDS[0]: "2 of its 62 views missing: p020 t034, p030 t104",
        "0" * 32: "named in all_chair_names.mat, but there is no such folder",
        "e" * 32: "not named in all_chair_names.mat",
        "f" * 32: "no folder renders in it",
    }
    assert {row.path: row.split for row in clips.index} == {IDS[2]: "train", IDS[3]: "test"}, "the split has not moved"


def test_views_of_several_sizes_are_told(linked):
    save(linked / IDS[0] / "renders" / view_names()[9], view(9, size=13))
    with pytest.raises(Unreadable, match=r"t104_r096\.png has 13x13 pixels, image_000_p020_t000_r096\.png 12x12"):
        Chairs(str(linked)).reader.whole(linked / IDS[0] / "renders")


@pytest.mark.parametrize("content", [b"", b"no MATLAB file", b"MATLAB 5.0 MAT-file" + b" " * 200])
def test_damaged_mat_files(linked, content):
    (linked / "all_chair_names.mat").write_bytes(content)
    with pytest.raises(UserError, match=r"all_chair_names\.mat: (not a readable MATLAB file|has no folder_names).*again"):
        Chairs(str(linked)).videos(Path())


def test_mistakes_are_named(linked, tmp_path):
    for source in (Chairs(str(tmp_path / "nowhere")), Turntable(str(tmp_path / "nowhere"))):
        with pytest.raises(UserError, match=r"^\S+nowhere: no such folder; set data\.root to [^\n]+$"):
            source.videos(Path())
    with pytest.raises(UserError, match=r"mine\.mat: no such file; set data\.subset"):
        Chairs(str(linked), subset="mine.mat").videos(Path())
    savemat(linked / "reduced_set1.mat", {"selected": np.array([0, 5])})
    with pytest.raises(UserError, match="neither ids, numbers from 1 to 4 nor a mask"):
        Chairs(str(linked)).videos(Path())
    with pytest.raises(UserError, match=r"data\.train is 0"):
        Chairs(str(linked), train=0)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(("frames", "stride"), [(5, 1), (16, 3), (70, 2)])
def test_clips_go_round_in_both_directions(chairs, tmp_path, cache, frames, stride):
    clips = prepared(Chairs(str(chairs), train=3), tmp_path, size=12, frames=frames, stride=stride, cache=cache)
    split = clips.split("test", 0)
    assert [(row.action, row.turn) for row in split.rows] == [
        ("plus_020", 1),
        ("minus_020", -1),
        ("plus_030", 1),
        ("minus_030", -1),
    ]
    for number, (low, way) in enumerate([(0, 1), (0, -1), (31, 1), (31, -1)]):
        for start in (low, low + 1, low + 30):
            expected, now = [], start
            for _ in range(frames):
                expected.append(255 - view(now))
                for _ in range(stride):  # one view on, over the seam
                    now += way
                    now = low if now == low + 31 else low + 30 if now == low - 1 else now
            shown = split.window(number, start)["video"].numpy().transpose(0, 2, 3, 1)
            assert np.array_equal(shown, np.stack(expected))
        for start in (low - 1, low + 31):
            with pytest.raises(IndexError):
                split.window(number, start)


def test_every_start_and_both_ways_are_drawn(chairs, tmp_path):
    clips = prepared(Chairs(str(chairs), train=3), tmp_path)
    train, test = clips.split("train", 0), clips.split("test", 0)
    assert {row.path for row in train.rows}.isdisjoint(row.path for row in test.rows)
    assert len(train) == 12 and len(test) == 4 and train.counts() == Counter({("chair", a): 3 for a in clips.actions})
    windows = test.windows(31, seed=0)
    assert {window[:2] for window in windows} == {(n, s + 31 * (n > 1)) for n in range(4) for s in range(31)}
    assert [start for number, start, _ in test.windows(3, 0) if number == 3] == [31, 41, 51], "a third of a circle apart"
    assert max(start for number, start, _ in test.windows(200, 0) if number == 3) == 61, (
        "of many, none beyond the last view"
    )
    seen = {train[p]["video"].numpy().tobytes() for p in range(600)}
    assert len(seen) > 100, "124 there are"
    assert clips.names() == {
        "identities": ["chair"],
        "actions": ["minus_020", "minus_030", "plus_020", "plus_030"],
        "num_identities": 1,
        "num_actions": 4,
        "turns": [-1, -1, 1, 1],
    }


def test_some_actions_unseen_pairs_and_labels(chairs, tmp_path):
    clips = prepared(Chairs(str(chairs), train=3), tmp_path, actions=["plus_030", "minus_020"])
    assert clips.names()["turns"] == [1, -1] and {row.action for row in clips.index} == {"plus_030", "minus_020"}
    clips = prepared(Chairs(str(chairs), train=3), tmp_path, unseen_pairs=[["chair", "minus_030"]], labelled_share=0.5)
    assert [len(clips.split(name, 0)) for name in ("train", "test", "unseen")] == [9, 3, 4]
    assert set(clips.split("unseen", 0).counts()) == {("chair", "minus_030")}
    assert len(clips.split("train", 0).labelled) == 5


def test_report_and_single_frames(chairs, tmp_path):
    clips = prepared(Chairs(str(chairs), train=3), tmp_path)
    told = summary(clips)
    assert "4 videos, 248 frames of 12x12" in told and "noted (1):" in told and "skipped" not in told
    assert told.count("4", told.index("chair ")) >= 4
    assert contact_sheet(clips).stat().st_size > 200
    pictures = Frames(clips, every=31).pictures(8, 3)
    assert pictures.classes == ["chair plus_020", "chair plus_030"], "a still shows no direction"
    assert len(pictures.pixels) == 4 * 2, "each frame once"
    assert pictures.held_out.tolist() == [False] * 6 + [True] * 2


def test_a_changed_view_is_read_again_and_nothing_else(linked, tmp_path):
    before = {row.path: row.cached for row in prepared(Chairs(str(linked)), tmp_path).index}
    save(linked / IDS[2] / "renders" / view_names()[50], view(1))
    after = {row.path: row.cached for row in prepared(Chairs(str(linked)), tmp_path).index}
    assert {path for path in before if before[path] != after[path]} == {IDS[2]}
    other = {row.path: row.cached for row in prepared(Chairs(str(linked), invert=False), tmp_path).index}
    assert set(other.values()).isdisjoint(after.values())


def test_what_is_prepared(linked, tmp_path):
    """One square for all views of a chair; where nothing is, 0."""
    for number, file in enumerate(view_names()):
        pixels = np.full((120, 120, 3), 255, np.uint8)
        pixels[10:50, 10 + number % 10 : 30] = (200, 100, 40)
        save(linked / IDS[0] / "renders" / file, pixels)
    clips = prepared(Chairs(str(linked), train=1), tmp_path, size=24, crop="union")
    assert clips.records[IDS[0]]["boxes"] == [[6, -4, 48]] * 62  # 40 high, a border of 120 / 30 on each side
    row = next(row for row in clips.index if row.path == IDS[0])
    array = np.load(clips.folder / row.cached)
    assert array.shape == (62, 24, 24, 3) and array[:, [0, -1]].max() == 0 and array[:, :, [0, -1]].max() == 0
    assert np.abs(array[:, 8:16, 15].astype(int) - (55, 155, 215)).max() <= 1


def turntable(root, **objects):
    for name, angles in objects.items():
        for number, angle in enumerate(angles):
            save(root / name / f"{angle}.png", view(number))
    return root


def test_a_turntable_of_ones_own(tmp_path):
    root = turntable(
        tmp_path / "in", cup=(0, 90, 180, 270), jug=("100", "20", "200.5"), pot=(0, 180), vase=range(0, 360, 90)
    )
    (root / "cup" / "top.jpg").write_bytes(b"x")
    (root / "cup" / "notes.txt").write_text("not a picture")
    save(root / "stray.png", view(0))
    source = Turntable(str(root))
    videos, skipped = source.videos(Path())
    assert skipped == [
        ("stray.png", "not in the folder of an object"),
        ("cup/top.jpg", "its name is not of data.pattern"),
        ("pot", "2 views, but a turn needs 3"),
    ]
    assert [(video.path, video.turns) for video in videos] == [
        ("cup", (Turn("plus", 0, 4, 1), Turn("minus", 0, 4, -1))),
        ("jug", (Turn("plus", 0, 3, 1), Turn("minus", 0, 3, -1))),
        ("vase", (Turn("plus", 0, 4, 1), Turn("minus", 0, 4, -1))),
    ]
    assert source.notes == [("jug", "3 pictures to a circle where most have 4")]
    frames = source.reader.whole(root / "jug").frames
    assert np.array_equal(frames, 255 - np.stack([view(1), view(0), view(2)])), "20 before 100"
    assert Counter(splits(videos).values()) == {"train": 2, "test": 1}
    clips = prepared(source, tmp_path / "cache", frames=9)
    assert clips.identities == ["object"] and clips.names()["turns"] == [-1, 1]
    assert clips.split("train", 0)[0]["video"].shape == (9, 3, 8, 8)


def test_a_turntable_with_names_of_ones_own(tmp_path):
    for elevation in ("10", "-5"):
        for angle in (0, 120, 240):
            save(tmp_path / "cup" / f"e{elevation}_{angle:03d}.webp", view(angle // 120))
    pattern = r"e(?P<elevation>-?\d+)_(?P<angle>\d+)\.webp"
    ((cup,), skipped) = Turntable(str(tmp_path), pattern).videos(Path())
    assert [(turn.action, turn.start) for turn in cup.turns] == [
        ("plus_-5", 0),
        ("minus_-5", 0),
        ("plus_10", 3),
        ("minus_10", 3),
    ] and skipped == []
    (tmp_path / "cup" / "e10_240.webp").unlink()
    assert Turntable(str(tmp_path), pattern).videos(Path()) == (
        [],
        [("cup", "2 views at elevation 10, but a turn needs 3")],
    )


def test_mistakes_with_a_turntable(tmp_path):
    root = turntable(tmp_path / "in", cup=(0, 120, 240, 360), jug=(0, 120, 240))
    videos, skipped = Turntable(str(root)).videos(Path())
    assert [video.path for video in videos] == ["jug"] and skipped == [("cup", "two pictures of angle 0")]
    (root / "jug" / "120.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"none of 1 videos can be used: cup: two pictures of angle 0 \(and 1 more\)"):
        prepared(Turntable(str(root)), tmp_path / "cache")
    for pattern, told in (("(", "not a regular expression"), (r"(\d+)\.png", "needs a group")):
        with pytest.raises(UserError, match=told):
            Turntable(str(root), pattern)
    turntable(root, mug=("a", 1))
    with pytest.raises(UserError, match="finds no number"):
        Turntable(str(root), r"(?P<angle>.*)\.png").videos(Path())
    with pytest.raises(UserError, match=r"data\.train_share is 0"):
        Turntable(str(root), train_share=0)


@pytest.mark.parametrize(("share", "count"), [(0.8, 1), (0.1, 1), (1.0, 2)])
def test_some_of_two_objects_train_and_some_test(tmp_path, share, count):
    turntable(tmp_path, cup=(0, 120, 240), jug=(0, 120, 240))
    videos, _ = Turntable(str(tmp_path), train_share=share).videos(Path())
    assert [video.split for video in videos].count("train") == count


def test_an_unreadable_view_leaves_its_object_out(tmp_path):
    root = turntable(tmp_path / "in", cup=(0, 120, 240), jug=(0, 120, 240))
    (root / "jug" / "120.png").write_bytes(b"")
    assert prepared(Turntable(str(root)), tmp_path / "cache").skipped == [("jug", "120.png: empty file")]


def test_the_tool_prepares_a_turntable_and_tells_a_missing_folder(tmp_path):
    turntable(tmp_path / "in", cup=(0, 90, 180, 270), jug=(0, 90, 180, 270))
    for root, code, told in (
        ("in", 0, "2 videos, 8 frames"),
        ("out", 1, "error: out: no such folder; set data.root to the"),
    ):
        command = [sys.executable, str(ROOT / "tools" / "prepare.py"), "data=turntable", f"data.root={root}", "data.size=8"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == code and told in done.stdout + done.stderr and "Traceback" not in done.stderr
