"""Videos are moved to where others show the same."""

import pytest
import torch

from videogen import pixels
from videogen.evaluation.alignment import REACH, aligned, displacement, exchanged, expected
from videogen.evaluation.judging import Labelled
from videogen.evaluation.table import passed_off


def walls(n: int, t: int = 3, size: int = 32, seed: int = 0) -> torch.Tensor:
    """Clips that show one picture under noise of their own."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.rand(1, 1, 3, size // 4, size // 4, generator=torch.Generator().manual_seed(5))
    picture = picture.repeat_interleave(4, -1).repeat_interleave(4, -2)
    return picture + 0.1 * torch.rand(n, t, 3, size, size, generator=generator)


def by(x: int, y: int, n: int) -> torch.Tensor:
    return torch.tensor([[x, y]]).expand(n, 2)


def test_a_displacement_is_found():
    for x, y in ((0, 0), (3, -2), (-REACH, 1), (0, REACH)):
        videos = pixels.moved(walls(2), by(x, y, 2))
        assert displacement(walls(4, seed=1), videos).tolist() == [x, y]
        assert displacement(videos, walls(4, seed=1)).tolist() == [-x, -y]


def test_what_moves_shows_the_place_too():
    """One that waves on the spot: on average it is as grey as the wall."""
    videos = torch.full((1, 2, 1, 32, 32), 0.5)
    videos[:, 0, :, 10:14, 12:16], videos[:, 1, :, 10:14, 12:16] = 0.0, 1.0
    assert displacement(videos, pixels.moved(videos, by(-4, 2, 1))).tolist() == [-4, 2]


def test_of_equals_the_nearest_and_no_further_than_a_quarter_of_the_frame():
    blank = torch.zeros(1, 2, 1, 16, 16)
    assert displacement(blank, blank).tolist() == [0, 0]
    dot = blank.clone()
    dot[..., 8, 2] = 1
    assert displacement(dot, pixels.moved(dot, by(6, 0, 1))).abs().max() <= 4


def test_what_people_do_is_passed_off_as_their_actions_of_some_pairs():
    shown = Labelled(torch.rand(4, 1, 1, 8, 8), torch.tensor([0, 0, 1, 2]), torch.tensor([0, 2, 0, 1]))
    passed = passed_off(shown, torch.tensor([[0, 1], [2, 0], [2, 3], [3, 0]]))
    assert passed.identity.tolist() == [0, 0, 2, 2] and passed.action.tolist() == [1, 1, 0, 3]
    assert torch.equal(passed.videos, shown.videos[[0, 1, 3, 3]])


def test_each_pair_moves_by_itself_and_pairs_unknown_stay():
    shown = Labelled(walls(4), torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 0]))
    there = Labelled(walls(4), torch.tensor([0, 1, 1, 2]), torch.tensor([0, 0, 0, 1]))
    there = there.moved(torch.tensor([[2, 1], [-3, 0], [-3, 0], [5, 5]]))
    moved = aligned(shown, there)
    assert torch.equal(moved.identity, shown.identity) and torch.equal(moved.action, shown.action)
    expected = pixels.moved(shown.videos, torch.tensor([[2, 1], [0, 0], [-3, 0], [-3, 0]]))
    torch.testing.assert_close(moved.videos, expected)


def test_each_video_by_itself_and_real_clips_in_its_place():
    places = torch.tensor([[2, 1], [-3, 0], [0, 4]])
    shown = Labelled(walls(3), torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1])).moved(places)
    real = Labelled(walls(3, seed=1), torch.tensor([0, 1, 0]), torch.tensor([0, 1, 0]))
    moved, there = exchanged(shown, real)
    torch.testing.assert_close(moved.videos, shown.moved(-places).videos)
    torch.testing.assert_close(there.videos, real.where(torch.tensor([0, 2, 1])).moved(places).videos)
    assert [of.identity.tolist() for of in (moved, there)] == [[0, 0, 1]] * 2
    with pytest.raises(ValueError, match="identity 1 at action 1"):
        exchanged(shown, real.where(torch.tensor([0, 2])))


def test_a_pair_is_expected_as_far_from_others_as_its_person_is_in_other_actions():
    """Persons 0 to 2 at actions 0 to 2, of which (0, 0) is not seen: 0 stands 2 to the right and 1 above the others."""
    pairs = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    places = torch.where(pairs[:, :1] == 0, torch.tensor([[2, -1]]), torch.tensor([[0, 0]]))
    seen = Labelled(walls(9), *pairs.T).moved(places).where(torch.arange(1, 9))
    unseen = Labelled(walls(2, seed=1), *torch.zeros(2, 2, dtype=torch.int64))
    torch.testing.assert_close(expected(unseen, seen).videos, unseen.moved(by(2, -1, 2)).videos)
    elsewhere = unseen.moved(by(-3, 2, 2))
    torch.testing.assert_close(expected(elsewhere, seen).videos, elsewhere.moved(by(5, -3, 2)).videos)


def test_what_foretells_nothing_does_not_count():
    """Each person stands elsewhere in each action, and no action foretells another: with the others, then."""
    pairs = torch.cartesian_prod(torch.arange(4), torch.arange(2))
    places = torch.tensor([[2, 0], [0, 2], [-2, 0], [0, -2], [2, 0], [0, -2], [-2, 0], [0, 2]])
    seen = Labelled(walls(8), *pairs.T).moved(places)
    unseen = Labelled(walls(1, seed=1), torch.tensor([4]), torch.tensor([0])).moved(by(3, 3, 1))
    torch.testing.assert_close(expected(unseen, seen).videos, unseen.moved(by(-3, -3, 1)).videos)


def test_where_nothing_tells_of_places_videos_stay():
    alone = Labelled(walls(2), torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert torch.equal(expected(alone, alone.where(torch.tensor([1]))).videos, alone.videos)
