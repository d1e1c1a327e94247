import pytest

from videogen.data.index import rows_of, selected, split_in_time, unseen
from videogen.data.sources import Turn, Video
from videogen.errors import UserError


@pytest.mark.parametrize(
    ("frames", "span", "parts"),
    [
        (60, 19, [("train", 0, 40), ("test", 40, 60)]),
        (51, 19, [("train", 0, 32), ("test", 32, 51)]),  # 34 would leave 17 frames to test
        (38, 19, [("train", 0, 19), ("test", 19, 38)]),
        (37, 19, [("train", 0, 37)]),
        (19, 19, [("train", 0, 19)]),
        (3, 1, [("train", 0, 2), ("test", 2, 3)]),
    ],
)
def test_split_in_time(frames, span, parts):
    assert split_in_time(frames, span, 2 / 3) == parts


def test_neither_part_is_ever_too_short():
    for span in range(1, 12):
        for frames in range(span, 60):
            for fraction in (0.05, 0.5, 2 / 3, 0.95):
                parts = split_in_time(frames, span, fraction)
                assert parts[0][1] == 0 and parts[-1][2] == frames
                assert all(stop - start >= span for _, start, stop in parts)
                assert len(parts) == 2 or frames < 2 * span


def test_names_in_natural_order_or_as_asked():
    found = {"person_10", "person_2", "ada", "person_1"}
    assert selected("identities", None, found) == ["ada", "person_1", "person_2", "person_10"]
    assert selected("identities", ["person_10", "ada"], found) == ["person_10", "ada"]


@pytest.mark.parametrize("wanted", [["eva"], ["ada", "ada"], []])
def test_wrong_names_are_told_with_the_right_ones(wanted):
    with pytest.raises(UserError, match=r"data\.identities .*ada, ben"):
        selected("identities", wanted, {"ada", "ben"})


def test_latin_square():
    people, actions = [f"person_{i}" for i in range(5)], ["bend", "jack", "wave1"]
    assert unseen("latin", people, actions) == {(f"person_{i}", actions[i % 3]) for i in range(5)}


def test_unseen_pairs_are_checked():
    assert unseen([["ben", "run"]], ["ada", "ben"], ["run"]) == {("ben", "run")}
    with pytest.raises(UserError, match=r"data\.unseen_pairs names 'walk'.*run"):
        unseen([["ben", "walk"]], ["ada", "ben"], ["run"])
    for wrong in ("greek", ["ben", "run"], [["ben"]]):
        with pytest.raises(UserError, match="give a list of"):
            unseen(wrong, ["ada", "ben"], ["run"])


def test_an_unseen_pair_keeps_its_whole_video_out(tmp_path):
    video = Video("a.avi", tmp_path / "a.avi", "ada", "run")
    record = {"frames": 30, "height": 4, "width": 5, "fps": 25.0}
    (row,) = rows_of(video, record, {("ada", "run")}, 5, 2 / 3, "x.npy")
    assert (row.split, row.start, row.stop, row.cached) == ("unseen", 0, 30, "x.npy")


def test_a_given_split_keeps_a_video_whole(tmp_path):
    record = {"frames": 30, "height": 4, "width": 5, "fps": 25.0}
    (row,) = rows_of(Video("a", tmp_path, "ada", "run", split="test"), record, set(), 5, 2 / 3, None)
    assert (row.split, row.start, row.stop, row.turn) == ("test", 0, 30, 0)


def test_every_turn_is_a_row_and_may_be_hidden(tmp_path):
    turns = (Turn("plus", 0, 4, 1), Turn("minus", 0, 4, -1), Turn("plus_high", 4, 10, 1))
    video = Video("a", tmp_path, "cup", "", turns, "train")
    assert video.actions == ["plus", "minus", "plus_high"]
    rows = rows_of(video, {"frames": 10, "height": 4, "width": 5, "fps": 10.0}, {("cup", "minus")}, 50, 2 / 3, None)
    told = [(row.action, row.split, row.start, row.stop, row.turn) for row in rows]
    assert told == [("plus", "train", 0, 4, 1), ("minus", "unseen", 0, 4, -1), ("plus_high", "train", 4, 10, 1)]
