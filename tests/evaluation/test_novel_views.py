from dataclasses import dataclass

import pytest
import torch

from videogen.errors import UserError
from videogen.evaluation import novel_views

VIEWS = 6


@dataclass
class Row:
    path: str
    action: str
    turn: int
    start: int = 0
    stop: int = VIEWS


class Split:
    """Two objects that go round, forwards and backwards; view k of object n is grey of its own."""

    def __init__(self, frames: int, objects: str = "ab", seed: int = 0):
        self.rows = [Row(name, action, turn) for name in objects for action, turn in (("left", 1), ("right", -1))]
        for row in self.rows:
            row.identity = "chair"
        self.identity_of, self.action_of = {"chair": 0}, {"left": 0, "right": 1}
        self.frames = frames
        self.views = torch.randint(0, 255, (len(objects), VIEWS, 3, 16, 16), generator=torch.Generator().manual_seed(seed))

    def window(self, number: int, start: int) -> dict[str, torch.Tensor]:
        row = self.rows[number]
        which = [(start + row.turn * k) % VIEWS for k in range(self.frames)]
        video = self.views[number // 2, which].byte()
        return {"video": video, "identity": torch.tensor(0), "action": torch.tensor(number % 2)}


def test_true_turns_begin_where_the_seed_says_and_go_their_way():
    split = Split(VIEWS + 1)
    real = novel_views.true_turns(split, starts=2, seed=3)
    assert real.videos.shape == (8, VIEWS + 1, 3, 16, 16) and real.objects.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    torch.testing.assert_close(real.videos[:, 0], real.videos[:, VIEWS])
    assert torch.equal(real.videos, novel_views.true_turns(split, 2, 3).videos)
    assert not torch.equal(real.videos, novel_views.true_turns(split, 2, 4).videos)
    assert novel_views.closing(real.videos, real.given, VIEWS) == novel_views.EXACT
    every = novel_views.true_turns(split, VIEWS, 0).videos[:VIEWS, 0]
    assert len({tuple(view.flatten().tolist()) for view in every}) == VIEWS, "as many starts as views are all of them"


def test_errors_by_hand():
    true = torch.zeros(2, 3, 1, 16, 16)
    made = true.clone()
    made[:, 2] = 0.2
    found = novel_views.errors(made, true)
    assert found["psnr"] == [novel_views.EXACT, pytest.approx(20.0)]  # 10 log10(4 / 0.04)
    assert found["ssim"][0] == pytest.approx(1.0) and found["ssim"][1] < 1


def test_what_remembers_finds_an_object_it_has_seen_and_what_knows_nothing_stands_still():
    split = Split(VIEWS + 1)
    real = novel_views.true_turns(split, 2, 0)
    torch.testing.assert_close(novel_views.retrieved(split)(real.codes, real.given, VIEWS + 1), real.videos)
    still = novel_views.unturned(real.codes, real.given, 4)
    assert still.shape[1] == 4 and torch.equal(still[:, 3], real.given)


def test_recognition_is_right_where_features_are_the_objects_and_chance_where_they_are_the_pose():
    objects = torch.eye(4)[:, None].expand(4, VIEWS, 4)
    assert novel_views.recognised(objects, 3) == [1.0, 1.0, 1.0]
    both = torch.cat([torch.eye(4)[:, None].expand(4, VIEWS, 4), 3 * torch.eye(VIEWS).expand(4, VIEWS, VIEWS)], -1)
    far = both.clone()
    far[0, 2:4, :4] = torch.eye(4)[1]  # from two views on, the first object looks like the second
    assert novel_views.recognised(both, 2) == [1.0, 1.0] and novel_views.recognised(far, 1)[0] < 1
    turned = torch.eye(4)[(torch.arange(4)[:, None] + torch.arange(VIEWS)) % 4]  # object k looks as k + 1 did a view before
    assert novel_views.recognised(turned, 1) == [0.0]
    poses = torch.eye(VIEWS)[None].expand(4, VIEWS, VIEWS)  # all alike: the first of them is found, whoever was asked for
    assert novel_views.recognised(poses, 3) == pytest.approx([0.25, 0.25, 0.25])


def test_an_imagined_turn_forgets_where_it_began():
    circles = novel_views.Circles.of(Split(1))
    assert circles.views.shape == (2, VIEWS, 3, 16, 16) and circles.codes.tolist() == [[0, 0], [0, 0]]
    known = novel_views.retrieved(Split(VIEWS))
    features = novel_views.imagined(known, circles, batch=5)
    torch.testing.assert_close(features[:, :1].expand_as(features), features)
    assert novel_views.recognised(features, 2) == [1.0, 1.0]


def test_clips_that_do_not_go_round_are_refused():
    split = Split(2)
    for row in split.rows:
        row.turn = 0
    with pytest.raises(UserError, match="goes round"):
        novel_views.turning_rows(split)
    uneven = Split(2)
    uneven.rows[2].stop = VIEWS - 1
    with pytest.raises(UserError, match="5 to 6 views"):
        novel_views.true_turns(uneven, 1, 0)
