import math

import pytest
import torch
from torch.utils.data import DataLoader

from videogen.data.clips import PositionSampler
from videogen.data.points import Points, ring
from videogen.errors import UserError


def line() -> Points:
    return Points([[-1.0], [2.0]], [0.5, 0.25], [3, 1])


def test_a_position_holds_the_same_point_whenever_it_is_asked_for():
    points = ring(8, 2.0, 0.05)
    split = points.split("train", 0)
    item = split[12_345_678]
    assert {name: tuple(value.shape) for name, value in item.items()} == {
        "image": (2, 1, 1),
        "label": (),
        "labelled": (),
        "seed": (),
    }
    assert item["image"].dtype == torch.float32 and item["labelled"]
    again = ring(8, 2.0, 0.05).split("train", 0)[12_345_678]
    assert all(torch.equal(item[name], again[name]) for name in item)
    for other in (points.split("train", 1), points.split("test", 0)):
        assert not torch.equal(other[12_345_678]["image"], item["image"])
    drawn = torch.stack([split[k]["image"].flatten() for k in range(500)])
    assert len(drawn.unique(dim=0)) == 500 and len({int(split[k]["seed"]) for k in range(500)}) == 500


def test_two_processes_share_the_batches_of_one():
    split = line().split("train", 3)

    def fifth(rank: int, processes: int) -> dict[str, torch.Tensor]:
        return next(iter(DataLoader(split, batch_sampler=PositionSampler(6, rank, processes, first_step=5))))

    whole, parts = fifth(0, 1), [fifth(rank, 2) for rank in range(2)]
    assert torch.equal(whole["image"], torch.cat([part["image"] for part in parts]))
    assert whole["image"].shape == (6, 1, 1, 1)


def test_the_points_are_drawn_from_the_mixture():
    points = line()
    split = points.split("train", 0)
    items = [split[k] for k in range(4000)]
    x, mode = torch.stack([item["image"] for item in items]).flatten(), torch.stack([item["label"] for item in items])
    assert mode.double().mean().item() == pytest.approx(0.25, abs=0.02)
    for k, (centre, sigma) in enumerate(((-1.0, 0.5), (2.0, 0.25))):
        assert x[mode == k].mean().item() == pytest.approx(centre, abs=0.03)
        assert x[mode == k].std().item() == pytest.approx(sigma, rel=0.05)
    edges = torch.linspace(-3, 3, 25)
    measured = torch.histogram(x, edges).hist / len(x)
    expected = points.density(((edges[:-1] + edges[1:]) / 2)[:, None]) * 0.25
    assert (measured - expected).abs().sum() / 2 < 0.05


def test_the_density_by_hand_and_its_integral():
    expected = 0.75 / (0.5 * math.sqrt(2 * math.pi)) * math.exp(-2) + 0.25 / (0.25 * math.sqrt(2 * math.pi)) * math.exp(-32)
    assert line().density(torch.tensor([[0.0]])).item() == pytest.approx(expected, rel=1e-5)
    axis = torch.linspace(-4, 4, 401)
    assert line().density(axis[:, None]).sum().item() * 0.02 == pytest.approx(1, abs=1e-4)
    assert ring(8, 2.0, 0.2).density(torch.cartesian_prod(axis, axis)).sum().item() * 0.02**2 == pytest.approx(1, abs=1e-4)


def test_a_ring_is_round_and_even():
    points = ring(8, 2.0, 0.05)
    assert points.centres.shape == (8, 2) and points.centres.norm(dim=1).tolist() == pytest.approx([2.0] * 8)
    sides = (points.centres - points.centres.roll(1, 0)).norm(dim=1).tolist()
    assert sides == pytest.approx([4 * math.sin(math.pi / 8)] * 8, rel=1e-5)
    assert points.names() == {"classes": [f"mode {k}" for k in range(8)], "num_classes": 8}
    assert not points.skipped and points.shares.tolist() == pytest.approx([1 / 8] * 8)
    x = torch.stack([points.split("train", 0)[k]["image"].flatten() for k in range(300)])
    assert x.abs().max() < 3


def test_what_is_no_mixture_is_refused():
    for arguments, message in (
        (([], 1.0), "centres must be rows of equally many numbers"),
        (([[0.0], [0.0, 1.0]], 1.0), "centres must be rows of equally many numbers"),
        (([[0.0]], 0.0), "sigma must be positive, one for each of 1 modes"),
        (([[0.0], [1.0]], [1.0]), "sigma must be positive, one for each of 2 modes"),
        (([[0.0]], 1.0, [-1.0]), "shares must be positive"),
    ):
        with pytest.raises(UserError, match=message):
            Points(*arguments)
    with pytest.raises(UserError, match="no split 'unseen'"):
        line().split("unseen", 0)
