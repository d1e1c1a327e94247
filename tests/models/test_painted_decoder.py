import torch
from torch.nn import functional

from videogen.models.painted_decoder import Room, Up, WeighedUp

B, T = 3, 5


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_weights_that_an_identity_scales_have_unit_power_whoever_it_is():
    torch.manual_seed(0)
    layer, y, e = WeighedUp(3, 8, 6), draw(B * T, 3, 5, 5), 3 * draw(B, 6, seed=1)
    out = layer(y, e)
    for n in (0, B * T - 1):
        scaled = layer.up.weight * (1 + layer.weigh(e[n // T]))[:, None, None, None]
        unit = 2 * scaled / scaled.square().sum((0, 2, 3), keepdim=True).div(4).sqrt()
        drawn = functional.conv_transpose2d(y[n : n + 1], unit, layer.up.bias, 2, 1)
        torch.testing.assert_close(out[n], functional.silu(drawn)[0], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(layer(y[:1], e[:1]), layer(y[:1], e[1:2]), atol=1e-4)


def test_weights_that_an_identity_scales_do_the_same_whatever_else_a_frame_shows():
    y, e = draw(1, 16, 8, 8), draw(1, 6, seed=1)
    elsewhere = y.clone()
    elsewhere[:, :, :, 4:] += 3
    for layer, alike in ((WeighedUp(16, 16, 6), True), (Up(16, 16, 6), False)):
        assert torch.allclose(layer(y, e)[..., :6], layer(elsewhere, e)[..., :6], atol=1e-5) == alike


def test_a_room_is_learnt_from_behind_those_who_are_always_in_front_of_it():
    torch.manual_seed(0)
    room, e = Room(3, 16, 6, [16, 16]), torch.zeros(1, 6)
    wall = torch.linspace(0.1, 0.5, 16)[:, None] * torch.ones(3, 1, 16)
    wall[:, 12:] = -0.4  # the floor
    bricks = wall + 0.1 * torch.tensor([1.0, -1.0]).repeat(8)
    clip = bricks.repeat(1, 4, 1, 1, 1)
    clip[..., 4:14, 6:11] = -0.9
    camera = torch.zeros(1, dtype=torch.int64)
    optimizer = torch.optim.Adam(room.parameters(), lr=3e-2)
    for _ in range(200):
        optimizer.zero_grad()
        room.misfit(clip, e, camera).sum().backward()
        optimizer.step()
    learnt, nobody = room(e)[0], torch.ones(16, 16, dtype=torch.bool)
    assert not learnt.requires_grad
    nobody[4:14, 6:11] = False
    assert (learnt - bricks)[:, nobody].abs().mean() < 0.04 < (learnt - wall)[:, nobody].abs().mean()
    assert (learnt - wall)[:, ~nobody].abs().max() < 0.25  # of the figure there is no ghost


def test_pale_clothes_leave_no_ghost_where_a_mask_says_who_wears_them():
    torch.manual_seed(0)
    room, e, camera = Room(3, 16, 6, [16, 16]), torch.zeros(1, 6), torch.zeros(1, dtype=torch.int64)
    wall = torch.full((3, 16, 16), 0.3)
    bricks = wall - 0.1 * torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(4)
    clip, mask = bricks.repeat(1, 4, 1, 1, 1), torch.zeros(1, 4, 1, 16, 16)
    clip[..., 4:14, 6:11] = 0.45  # paler than the wall, by less than bricks may be
    mask[..., 4:14, 6:11] = 0.9
    ghosts, optimizer = [], torch.optim.Adam(room.parameters(), lr=3e-2)
    for seen in ((), (clip[:, 1:3], torch.ones_like(mask)[:, 1:3]), (clip[:, 1:3], mask[:, 1:3])):
        for _ in range(200):
            optimizer.zero_grad()
            room.misfit(clip, e, camera, *seen).sum().backward()
            optimizer.step()
        learnt = room(e)[0]
        assert (learnt - bricks)[:, :, :5].abs().mean() < 0.04  # what shows of the wall
        ghosts.append((learnt - wall)[:, 5:13, 7:10].abs().mean())
    assert min(ghosts[:2]) > 0.1 and ghosts[2] < 0.04  # a mask of the whole frame says nothing; by a figure's, a ghost goes
