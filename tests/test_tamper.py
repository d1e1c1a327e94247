import pytest
import torch

from videogen import tamper
from videogen.errors import UserError
from videogen.tamper import frozen, shuffled


def numbered(b: int, t: int) -> torch.Tensor:
    """Clips [b t 1 2 2] whose pixels say which frame of which clip they are: 100 b + t."""
    return (100 * torch.arange(b)[:, None] + torch.arange(t)).float()[:, :, None, None, None].expand(b, t, 1, 2, 2)


def orders(x: torch.Tensor) -> list[tuple[int, ...]]:
    """Which frames a tampered `numbered` clip consists of, after a check that they are its own and whole."""
    b = len(x)
    assert torch.equal(x, x[..., :1, :1].expand_as(x))
    return [tuple((clip[:, 0, 0, 0] - 100 * i).int().tolist()) for i, clip in zip(range(b), x, strict=True)]


def test_frozen_repeats_one_frame_and_every_frame_has_its_turn():
    found = orders(frozen(numbered(200, 5), torch.arange(200)))
    assert all(len(set(order)) == 1 for order in found)
    assert {order[0] for order in found} == set(range(5))


@pytest.mark.parametrize("t, expected", [(3, 4), (4, 22)])
def test_shuffled_draws_every_permutation_but_the_identity_and_the_reversal(t, expected):
    found = set(orders(shuffled(numbered(400, t), torch.arange(400))))
    assert all(sorted(order) == list(range(t)) for order in found)
    assert len(found) == expected
    assert tuple(range(t)) not in found
    assert tuple(reversed(range(t))) not in found


@pytest.mark.parametrize("tamper", [frozen, shuffled])
def test_the_seed_alone_decides(tamper):
    x, seeds = numbered(8, 10), torch.arange(8) * 10**12
    torch.manual_seed(1)
    whole = tamper(x, seeds)
    torch.manual_seed(2)
    alone = torch.cat([tamper(x[i : i + 1], seeds[i : i + 1]) for i in range(8)])
    assert torch.equal(whole, alone)
    assert torch.equal(whole.flip(0), tamper(x.flip(0), seeds.flip(0)))
    assert len(set(orders(whole))) > 1
    assert len(set(orders(tamper(x, torch.full((8,), 3))))) == 1
    assert torch.equal(x, numbered(8, 10))  # the input is left as it was


def test_two_frames_have_no_third_order():
    with pytest.raises(UserError, match="at least 3 frames"):
        shuffled(numbered(1, 2), torch.tensor([0]))


def test_every_kind_keeps_shape_and_range_and_is_a_function_of_its_seed():
    x = torch.rand(6, 8, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    seeds = torch.arange(6) + 3
    for name, change in (tamper.KNOWN | tamper.UNKNOWN).items():
        made = change(x, seeds)
        assert made.shape == x.shape and made.abs().max() <= 1 + 1e-5, name
        assert torch.equal(made, change(x.clone(), seeds)) and not torch.equal(made, x), name
        if name != "mixed":  # takes frames of its neighbour in the batch
            assert torch.allclose(made[2:3], change(x[2:3], seeds[2:3]), atol=1e-6), name
    assert not set(tamper.KNOWN) & set(tamper.UNKNOWN)


def test_kinds_that_only_reorder():
    known = {"jittered", "stuttering", "alternating", "dealt"}
    for name in known:
        change = (tamper.KNOWN | tamper.UNKNOWN)[name]
        for order in orders(change(numbered(50, 8), torch.arange(50))):
            assert order not in (tuple(range(8)), tuple(reversed(range(8)))), name
            assert set(order) <= set(range(8))
    assert all(
        order[0] == order[3] != order[4] == order[7]
        for order in orders(tamper.stuttering(numbered(20, 8), torch.arange(20)))
    )
    assert all(order[::2] == (order[0],) * 4 for order in orders(tamper.alternating(numbered(20, 8), torch.arange(20))))
    pairs = [
        set(zip(order[::2], order[1::2], strict=True)) for order in orders(tamper.dealt(numbered(20, 8), torch.arange(20)))
    ]
    assert all(found == {(0, 1), (2, 3), (4, 5), (6, 7)} for found in pairs)
    assert orders(tamper.reversed_in_time(numbered(2, 4), torch.arange(2))) == [(3, 2, 1, 0)] * 2


def test_mixed_takes_frames_of_two_clips_in_their_own_time():
    x = numbered(5, 8)
    made = tamper.mixed(x, torch.arange(5))[..., 0, 0, 0]
    for k in range(5):
        own, other = x[k, :, 0, 0, 0], x[k - 1, :, 0, 0, 0]
        assert ((made[k] == own) | (made[k] == other)).all()


def test_stills_that_move_are_one_still():
    x = torch.rand(4, 6, 1, 64, 64)
    for change in (tamper.shaken, tamper.sliding):
        made = change(x, torch.arange(4))
        middle = made[:, :, :, 16:48, 16:48]
        for clip, source in zip(middle, x, strict=True):
            stills = [k for k in range(6) if any(torch.isin(clip[t], source[k]).all() for t in range(6))]
            assert len(stills) == 1


def test_a_cross_fade_ends_on_two_frames_of_the_clip():
    x = numbered(10, 6)
    made = tamper.cross_faded(x, torch.arange(10))[:, :, 0, 0, 0]
    assert torch.allclose(made[:, 0], made[:, 0].round(), atol=1e-3) and torch.allclose(
        made[:, -1], made[:, -1].round(), atol=1e-3
    )
    steps = made[:, 1:] - made[:, :-1]
    assert torch.allclose(steps, steps[:, :1].expand_as(steps), atol=1e-3)
