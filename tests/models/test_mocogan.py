import pytest
import torch
from torch import nn

from videogen.models.mocogan import FrameDiscriminator, MoCoGan, Noisy, VideoDiscriminator

B, T = 3, 5


def tiny(**changes) -> MoCoGan:
    torch.manual_seed(0)
    sizes = {"channels": 1, "size": 16, "identities": 2, "actions": 3, "content": 5, "motion": 4, "width": 4}
    return MoCoGan(**(sizes | changes)).eval()


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def codes(model: MoCoGan) -> torch.Tensor:
    return model.attributes(torch.arange(B) % 2, torch.arange(B) % 3)


def shapes(module: nn.Module) -> list[list[int]]:
    """The weights of its convolutions, in order."""
    kinds = nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d
    return [list(layer.weight.shape) for layer in module.modules() if isinstance(layer, kinds)]


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_published_layers():
    """z = 50 + 10 + 6 categories, 64x64; convolutions without bias, batch norm where it says."""
    model = MoCoGan(3, 64, 1, 6)
    up = [[66, 512, 4, 4], [512, 256, 4, 4], [256, 128, 4, 4], [128, 64, 4, 4], [64, 3, 4, 4]]
    assert shapes(model.G_I) == up
    assert count(model.G_I) == 16 * (66 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (512 + 256 + 128 + 64)
    assert count(model.R_M) == 2 * (3 * 10 * 10 + 3 * 10)
    patches, whole = FrameDiscriminator(3, 64), FrameDiscriminator(3, 64, patches=False)
    assert shapes(patches) == [[64, 3, 4, 4], [128, 64, 4, 4], [256, 128, 4, 4], [1, 256, 4, 4]]
    assert shapes(whole) == [[64, 3, 4, 4], [128, 64, 4, 4], [256, 128, 4, 4], [512, 256, 4, 4], [1, 512, 4, 4]]
    assert count(patches) == 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256) + 2 * (128 + 256)
    categorical, patch_video = VideoDiscriminator(3, 64, categories=6), VideoDiscriminator(3, 64, patches=True)
    assert shapes(categorical)[-1] == [7, 512, 4, 4, 4] and shapes(patch_video)[-1] == [1, 256, 4, 4, 4]
    assert count(categorical) == 64 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 7) + 2 * (128 + 256 + 512)
    assert not [m for m in model.modules() if getattr(m, "bias", None) is not None and isinstance(m, nn.ConvTranspose2d)]


def test_the_discriminators_outputs():
    frame, clip = draw(2, 3, 64, 64), draw(2, 16, 3, 64, 64)
    assert FrameDiscriminator(3, 64, width=2)(frame).shape == (2, 16)
    assert FrameDiscriminator(3, 64, width=2, patches=False)(frame).shape == (2, 1)
    real, categories = VideoDiscriminator(3, 64, width=2, categories=6)(clip)
    assert real.shape == (2, 1) and categories.shape == (2, 6)
    real, categories = VideoDiscriminator(3, 64, width=2, patches=True)(clip)
    assert real.shape == (2, 64) and categories.shape == (2, 0)
    with pytest.raises(ValueError, match="16 frames at once, not 15"):
        VideoDiscriminator(3, 64, width=2)(clip[:, :15])
    with pytest.raises(ValueError, match="patches or categories"):
        VideoDiscriminator(3, 64, patches=True, categories=2)


def test_the_noise_layer_adds_noise_in_evaluation_too():
    layer = Noisy(nn.Identity(), 0.1).eval()
    x = torch.zeros(1, 50_000)
    assert layer(x).std().item() == pytest.approx(0.1, rel=0.03)
    assert torch.equal(Noisy(nn.Identity(), 0.0)(x), x)


@pytest.mark.parametrize("category, told_to_rnn, told_to_generator", [("motion", 3, 0), ("generator", 0, 3)])
def test_both_placements_of_the_category(category, told_to_rnn, told_to_generator):
    model, eps = tiny(category=category), draw(B, T, 13)
    assert model.R_M.input_size == 4 + told_to_rnn
    assert shapes(model.G_I)[0][0] == 5 + 4 + told_to_generator
    a, other = codes(model), model.attributes(torch.arange(B) % 2, (torch.arange(B) + 1) % 3)
    assert not torch.allclose(model.sample(a, eps), model.sample(other, eps))
    motions = [model.codes(which, eps)[..., -4:] for which in (a, other)]
    assert torch.equal(*motions) == (category == "generator")
    someone_else = model.attributes((torch.arange(B) + 1) % 2, torch.arange(B) % 3)
    assert torch.equal(model.sample(someone_else, eps), model.sample(a, eps))


def test_an_unknown_placement_is_told():
    with pytest.raises(ValueError, match="motion or generator, got both"):
        tiny(category="both")


def test_content_stays_and_motion_is_a_gru():
    model, eps = tiny(category="generator"), draw(B, T, 13)
    z = model.codes(codes(model), eps)
    assert z.shape == (B, T, 5 + 3 + 4)
    assert torch.equal(z[:, :, :8], z[:, :1, :8].expand(-1, T, -1)) and torch.equal(z[:, 0, :5], eps[:, 0, :5])
    h = eps[:, 0, 5:9]
    for t in range(T):
        h = model.R_M(eps[:, t, 9:], h)
        torch.testing.assert_close(z[:, t, 8:], h)


def test_a_video_of_any_length_begins_like_a_shorter_one():
    model, eps = tiny(), draw(B, 40, 13)
    long = model.sample(codes(model), eps)
    assert long.shape == (B, 40, 1, 16, 16) and long.abs().max() <= 1
    torch.testing.assert_close(model.sample(codes(model), eps[:, :7]), long[:, :7])
    for i in range(B):
        torch.testing.assert_close(model.sample(codes(model)[i : i + 1], eps[i : i + 1])[0], long[i], atol=1e-5, rtol=1e-5)


def test_one_frame_of_a_video_is_that_frame():
    model, eps = tiny(), draw(B, T, 13)
    number = torch.tensor([4, 0, 2])
    video = model.sample(codes(model), eps)
    torch.testing.assert_close(model.frame(codes(model), eps, number), video[torch.arange(B), number])


def test_a_first_frame_is_refused():
    model = tiny()
    with pytest.raises(ValueError, match="no way to begin with a given frame"):
        model.sample(codes(model), draw(B, T, 13), draw(B, 1, 16, 16))
    assert model.begins_with == ("codes",) and model.told == ("action",)


@pytest.mark.parametrize("size", [8, 48])
def test_an_impossible_size_is_told(size):
    with pytest.raises(ValueError, match=f"power of two of at least 16, got {size}"):
        tiny(size=size)
