import pytest
import torch

from videogen.errors import UserError
from videogen.evaluation.tamper import frozen, shuffled


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
