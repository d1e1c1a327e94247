"""Swaps into pairs that were never seen have rows of their own."""

import math
from types import SimpleNamespace

import pytest
import torch

from videogen.evaluation.control import Steering, drawn_anew, never_seen, swapped
from videogen.evaluation.judging import Labelled
from videogen.evaluation.table import Bench

PEOPLE, ACTIONS = ["ada", "ben", "cleo"], ["walk", "jack"]


class Split:
    """Clips of some pairs, as far as a table reads them."""

    def __init__(self, *pairs):
        self.rows = [SimpleNamespace(identity=PEOPLE[i], action=ACTIONS[a]) for i, a in pairs]
        self.identity_of = {name: k for k, name in enumerate(PEOPLE)}
        self.action_of = {name: k for k, name in enumerate(ACTIONS)}

    def __len__(self):
        return len(self.rows)

    def windows(self, per_clip, seed):
        return [(k, 0, False) for k in range(len(self))]

    def window(self, number, start, mirror):
        row = self.rows[number]
        labels = {"identity": self.identity_of[row.identity], "action": self.action_of[row.action]}
        return {"video": torch.zeros(2, 3, 4, 4, dtype=torch.uint8)} | {k: torch.tensor(v) for k, v in labels.items()}


class Noting(Bench):
    """Judges nothing, and notes which pairs a row is about."""

    def __init__(self, real, unseen):
        self.real, self.unseen, self.seed, self.per_clip = real, unseen, 0, 1
        self.clips = SimpleNamespace(identities=PEOPLE, actions=ACTIONS, frames=2, drawn=False)
        self.test = SimpleNamespace(clips=self.clips)

    def row(self, name, shown, looks_like=None):
        return {"name": name, "pairs": list(zip(shown.identity.tolist(), shown.action.tolist(), strict=True))}


def rows(*unseen, clips=24):
    return {name: row["pairs"] for name, row in table(*unseen, clips=clips).items()}


def table(*unseen, clips=24, truth=None):
    real = Labelled(torch.zeros(clips, 2, 3, 4, 4), torch.arange(clips) % 3, torch.arange(clips) % 2)
    bench = Noting(real, Split(*unseen))
    if truth:
        bench.clips.drawn, bench.test.redrawn = True, truth
        bench.test.windows = lambda per_clip, seed: [(k, 0, False) for k in range(clips)]
    steering = Steering(
        steer=lambda wishes, frames, seed: torch.zeros(len(wishes), frames, 3, 4, 4),
        infer=lambda videos: (torch.eye(3)[real.identity], torch.eye(2)[real.action]),
        swap=lambda videos, identity, action: videos,
        layers=lambda videos, identity, action: (videos, videos),
    )
    return {row["name"]: row for row in swapped(bench, steering).rows}


def test_seen_and_never_seen_together_are_all():
    unseen = [(0, 0), (1, 1), (2, 0)]
    told = rows(*unseen)
    assert len(told) == 11 and told["this motion, the same person"] == [(k % 3, k % 2) for k in range(24)]
    for name in ("this motion, another person", "this person, another action"):
        seen, new = told[f"{name}, a pair seen"], told[f"{name}, a pair never seen"]
        assert set(new) <= set(unseen) and not set(seen) & set(unseen) and new and seen
        assert sorted(seen + new) == sorted(told[name])
        for moved in ("moved to its real place", "a real clip in its place"):
            assert told[f"{name}, a pair never seen, {moved}"] == new


def test_no_such_rows_where_every_pair_was_seen():
    assert list(rows()) == ["this motion, the same person", "this motion, another person", "this person, another action"]


def test_of_one_video_alone_there_is_no_row():
    pairs = [(i, a) for i in range(3) for a in range(2)]
    told = [rows(pair, clips=6) for pair in pairs]  # six swaps: into most pairs one of them, or none
    assert all(len(row) > 1 for table in told for row in table.values())
    assert min(len(table) for table in told) < 11


def test_where_clips_are_drawn_the_truth_has_a_row():
    asked = []

    def truth(number, start, mirror, by):
        asked.append((number, by))
        video = torch.full((2, 3, 4, 4), 255 if by else 0, dtype=torch.uint8)  # the swaps below are grey
        video[1] = 0
        return {"video": video, "identity": torch.tensor(by), "action": torch.tensor(number % 2)}

    told = table((0, 0), (0, 1), truth=truth)
    names = ["this motion, another person", "this motion, another person, drawn", "the mean frame of what is drawn"]
    assert set(names) <= told.keys()
    assert told[names[0]]["pairs"] == told[names[1]]["pairs"]
    assert asked == [(k, i) for k, (i, _) in enumerate(told[names[0]]["pairs"])]
    for kind in ("", ", a pair seen", ", a pair never seen"):
        assert told[names[0] + kind]["psnr"] == pytest.approx(10 * math.log10(4), abs=1e-3)
    assert told[names[2]]["psnr"] > told[names[0]]["psnr"] and "psnr" not in told[names[1]]
    assert told["this motion, the same person"]["psnr"] == math.inf
    assert not any("psnr" in row for name, row in told.items() if name.startswith("this person"))


def anew(number, start, mirror, by):
    assert by is None  # another performance by the same person
    action = torch.tensor(number % 2)
    return {"video": torch.zeros(2, 3, 4, 4, dtype=torch.uint8), "identity": torch.tensor(number % 3), "action": action}


def test_where_clips_are_drawn_other_performances_have_rows():
    bench, nothing = Noting(None, Split((0, 0), (1, 1))), lambda *asked, **how: torch.zeros(8, 2, 3, 4, 4)
    steering = Steering(steer=nothing, infer=nothing, swap=nothing, layers=nothing)
    assert drawn_anew(bench, steering) is None
    bench.clips.drawn, bench.test.redrawn = True, anew
    bench.test.windows = lambda per_clip, seed: [(k, 0, False) for k in range(12)]
    told = {row["name"]: row["pairs"] for row in drawn_anew(bench, steering).rows}
    assert told["drawn anew"] == [(k % 3, k % 2) for k in range(12)] and len(told) == 1 + 2 + 3
    assert {a for _, a in told["jack, everybody, drawn anew"]} == {1}
    assert {i for i, _ in told["cleo, every action, drawn anew"]} == {2}
    bench.unseen.clips, bench.unseen.redrawn = SimpleNamespace(drawn=False), anew
    assert "pairs never seen, drawn anew" not in {row["name"] for row in never_seen(bench, steering).rows}
    bench.unseen.clips.drawn = True
    told = {row["name"]: row["pairs"] for row in never_seen(bench, steering).rows}
    assert told["pairs never seen, drawn anew"] == [(0, 0), (1, 1)]
