import pytest
import torch

from videogen.models.pixel_cnn import GatedPixelCnn, PixelCnn

LEVELS = 5


def build(kind: type, channels: int = 1, size: int = 5, **changes):
    torch.manual_seed(0)
    model = kind(channels, size, classes=3, levels=LEVELS, width=16 * channels, **changes).eval()
    return model


def image(b: int, channels: int, size: int = 5) -> torch.Tensor:
    levels = torch.randint(0, LEVELS, (b, channels, size, size), generator=torch.Generator().manual_seed(0))
    return 2 * levels.float() / (LEVELS - 1) - 1


@pytest.mark.parametrize("kind", [PixelCnn, GatedPixelCnn])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_subpixel_is_predicted_from_those_before_it_and_from_all_of_them(kind, channels):
    """By gradient: rows above, pixels to the left, and of its own pixel the channels before."""
    size = 5
    model, x = build(kind, channels), image(1, channels).requires_grad_()
    order = torch.arange(size * size * channels).view(size, size, channels)  # row, column, channel
    logits = model(x, torch.zeros(1, dtype=torch.int64))
    for i, j, c in [(0, 0, 0), (2, 3, channels - 1), (4, 1, 0), (4, 4, channels - 1)]:
        (gradient,) = torch.autograd.grad(logits[0, :, c, i, j].square().sum(), x, retain_graph=True)
        seen = gradient[0].permute(1, 2, 0) != 0
        before = order < order[i, j, c]
        assert not (seen & ~before).any()
        near = torch.zeros_like(before)
        near[max(i - 2, 0) : i + 1, max(j - 2, 0) : j + 3] = True
        assert (seen | ~(before & near)).all(), (i, j, c)


@pytest.mark.parametrize("kind", [PixelCnn, GatedPixelCnn])
def test_the_probabilities_of_all_images_sum_to_1(kind):
    """Four pixels of two levels: sixteen images."""
    torch.manual_seed(1)
    model = kind(1, 2, classes=1, levels=2, width=4).eval()
    levels = torch.cartesian_prod(*[torch.arange(2)] * 4).view(16, 1, 2, 2)
    p = model(2.0 * levels - 1, torch.zeros(16, dtype=torch.int64)).log_softmax(1)
    chosen = p.gather(1, levels[:, None]).sum((1, 2, 3, 4)).exp()
    assert chosen.sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", [PixelCnn, GatedPixelCnn])
def test_a_sample_is_a_function_of_its_noise_and_has_the_model_s_levels(kind):
    model, y = build(kind), torch.zeros(3, dtype=torch.int64)
    eps = torch.randn((3, model.z), generator=torch.Generator().manual_seed(0))
    x = model.sample(y, eps)
    assert torch.equal(x, model.sample(y, eps)) and torch.equal(x[1:2], model.sample(y[:1], eps[1:2]))
    steps = (x + 1) * (LEVELS - 1) / 2
    torch.testing.assert_close(steps, steps.round())
    assert x.min() >= -1 and x.max() <= 1 and len(x.unique()) > 2


def test_samples_follow_the_distribution():
    """The first pixel sees nothing: its frequencies are its probabilities."""
    model = build(PixelCnn, size=2)
    n = 4000
    y = torch.zeros(n, dtype=torch.int64)
    x = model.sample(y, torch.randn((n, model.z), generator=torch.Generator().manual_seed(0)))
    p = model(x[:1], y[:1])[0, :, 0, 0, 0].softmax(0)
    levels = ((x[:, 0, 0, 0] + 1) * (LEVELS - 1) / 2).round().long()
    torch.testing.assert_close(levels.bincount(minlength=LEVELS) / n, p, atol=0.03, rtol=0)


def test_a_label_counts_where_it_is_told():
    x = image(1, 1)
    labels = torch.tensor([0]), torch.tensor([2])
    told, untold = build(GatedPixelCnn, conditional=True), build(GatedPixelCnn)
    assert not torch.allclose(told(x, labels[0]), told(x, labels[1])) and told.labelled
    assert torch.equal(untold(x, labels[0]), untold(x, labels[1])) and not untold.labelled


def test_a_width_that_does_not_fit_the_channels_is_told():
    with pytest.raises(ValueError, match="multiple of the image's 3 channels, got 4"):
        PixelCnn(3, 8, 1, 4, width=4)
