import torch

from videogen.objectives.disguise import false_colours, false_places, glimpsed


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_colours_change_once_a_clip_and_shapes_stay():
    x = torch.zeros(2, 3, 3, 8, 8)
    x[:, :, 0, 2:4] = 1.0  # a red bar
    seen = false_colours(x, draw(2, 6))
    assert seen.shape == x.shape
    for clip in seen:
        assert torch.allclose(clip, clip[:1].expand_as(clip))  # the same at every time
        bar, rest = clip[0, :, 2:4].flatten(1), clip[0, :, 4:].flatten(1)
        assert bar.std(1).max() < 1e-6 and rest.std(1).max() < 1e-6 and (bar[:, 0] - rest[:, 0]).abs().max() > 0.05
    assert not torch.allclose(seen[0], seen[1], atol=0.05)


def test_grey_stays_grey_before_the_tint():
    """The hue turns about the grey axis: a grey picture gets the tint and the contrast, and no colour of its own."""
    x, eps = torch.full((1, 1, 3, 2, 2), 0.5), draw(1, 6)
    black = false_colours(torch.zeros_like(x), eps)
    contrast = 0.6 + 0.8 * torch.special.ndtr(eps[0, 2])
    torch.testing.assert_close(false_colours(x, eps) - black, torch.full_like(x, 0.5) * contrast)
    assert false_colours(x[:, :, :1], eps).shape == (1, 1, 1, 2, 2)


def test_places():
    x = torch.zeros(2, 2, 1, 32, 32)
    x[..., 12:20, 12:20] = 1.0
    assert torch.allclose(false_places(x, draw(2, 3), 0.0), x, atol=1e-5)
    moved = false_places(x, draw(2, 3), 0.2)
    assert torch.equal(moved[:, 0], moved[:, 1]) and not torch.allclose(moved[0], moved[1], atol=0.1)
    centre = torch.arange(32.0)
    for clip in moved[:, 0, 0]:
        for axis in (0, 1):
            place = (clip.sum(axis) * centre).sum() / clip.sum()
            assert abs(place - 15.5) <= 0.2 * 32 * 1.3


def test_a_glimpse_mirrors_moves_and_lights_a_clip_and_softens_nothing():
    x, still = draw(2, 2, 3, 16, 24).requires_grad_(), [9.0, 0.0, 0.0, 0.0, 0.0]  # ndtr(0): in the middle of each range
    assert torch.equal(glimpsed(x, torch.tensor([still, still])), x)
    seen = glimpsed(x, torch.tensor([[-9.0, 9.0, -9.0, 9.0, -9.0], still]))
    down, left = 3, 3  # an eighth of the width
    for row in (0, 7, 15):
        for column in (3, 20, 23):
            pixel = x[0, :, :, min(row + down, 15), 23 - (column - left)]
            torch.testing.assert_close(seen[0, :, :, row, column], 0.75 * pixel + 0.25)
    assert torch.equal(seen[1], x[1])
    seen.sum().backward()
    assert x.grad.abs().max() > 0
