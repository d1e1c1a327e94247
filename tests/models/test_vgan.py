import pytest
import torch
from torch import nn

from videogen.models.vgan import VGan

B = 2


def vgan(**changes) -> VGan:
    torch.manual_seed(0)
    return VGan(**({"channels": 3, "size": 64, "identities": 2, "actions": 3, "width": 4} | changes)).eval()


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def codes(model: VGan) -> torch.Tensor:
    return model.attributes(torch.arange(B) % 2, torch.arange(B) % 3)


def shapes(module: nn.Module) -> list[list[int]]:
    kinds = nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d
    return [list(layer.weight.shape) for layer in module.modules() if isinstance(layer, kinds)]


def test_the_published_layers():
    model = vgan(width=64)
    assert shapes(model.G.background) == [
        [100, 512, 4, 4],
        *([a, b, 4, 4] for a, b in ((512, 256), (256, 128), (128, 64), (64, 3))),
    ]
    trunk = [[100, 512, 2, 4, 4], *([a, b, 4, 4, 4] for a, b in ((512, 256), (256, 128), (128, 64)))]
    assert shapes(model.G.trunk) == trunk
    assert shapes(model.G.foreground) == [[64, 3, 4, 4, 4]] and shapes(model.G.mask) == [[64, 1, 4, 4, 4]]
    d = [[b, a, 4, 4, 4] for a, b in ((3, 64), (64, 128), (128, 256), (256, 512))]
    assert shapes(model.D) == [*d, [2, 512, 2, 4, 4]]
    weights = sum(a * b * torch.tensor(rest).prod().item() for a, b, *rest in shapes(model))
    biases = (512 + 256 + 128 + 64 + 3) + (512 + 256 + 128 + 64) + 3 + 1 + (64 + 128 + 256 + 512 + 2)
    norms = 2 * 2 * (512 + 256 + 128 + 64) + 2 * (128 + 256 + 512)
    assert sum(p.numel() for p in model.parameters()) == weights + biases + norms
    assert {m.eps for m in model.D.modules() if isinstance(m, nn.BatchNorm3d)} == {1e-3}
    assert model.G.trunk[0].weight.std().item() == pytest.approx(0.01, rel=0.02) and not model.G.trunk[0].bias.any()


def test_the_published_layers_with_a_first_frame():
    model = vgan(width=128, conditional=True)
    assert shapes(model.E) == [[b, a, 4, 4] for a, b in ((3, 128), (128, 256), (256, 512), (512, 1024))]
    assert shapes(model.G.trunk) == [
        [1024, 1024, 2, 1, 1],
        *([a, b, 4, 4, 4] for a, b in ((1024, 512), (512, 256), (256, 128))),
    ]
    assert shapes(model.D)[0] == [128, 3, 4, 4, 4] and shapes(model.D)[-1] == [2, 1024, 2, 4, 4]


def test_a_scene_is_foreground_and_background_under_a_mask():
    model, eps = vgan(), draw(B, 32, 100)
    scene = model(eps)
    assert scene.video.shape == (B, 32, 3, 64, 64) and scene.mask.shape == (B, 32, 1, 64, 64)
    assert scene.mask.min() >= 0 and scene.mask.max() <= 1
    z = eps[:, 0, :, None, None]
    f, b = model.G.foreground(model.G.trunk(z[:, :, None])).transpose(1, 2), model.G.background(z)[:, None]
    torch.testing.assert_close(scene.video, scene.mask * f + (1 - scene.mask) * b)


def test_one_stream_has_no_mask():
    model, eps = vgan(streams=1), draw(B, 32, 100)
    assert model(eps).mask is None and model.G.background is None
    with pytest.raises(ValueError, match="streams must be 1 or 2"):
        vgan(streams=3)


def test_a_sample_is_the_beginning_of_32_frames_whatever_is_asked_for():
    model, eps = vgan(), draw(B, 32, 100)
    video = model.sample(codes(model), eps)
    torch.testing.assert_close(model.sample(codes(model).flip(0), eps[:, :9]), video[:, :9])
    with pytest.raises(ValueError, match="makes 32 frames, not 33"):
        model.sample(codes(model), draw(B, 33, 100))
    with pytest.raises(ValueError, match="no way to begin"):
        model.sample(codes(model), eps, draw(B, 3, 64, 64))
    assert model.told == () and model.begins_with == ("codes",)


def test_a_first_frame_has_one_future():
    model = vgan(conditional=True).train()  # with untrained statistics of batch norm everything is nearly grey
    assert model.z == 0 and model.begins_with == ("first_frame",)
    first, nothing = draw(B, 3, 64, 64).tanh(), torch.zeros(B, 19, 0)
    video = model.sample(codes(model), nothing, first)
    assert video.shape == (B, 19, 3, 64, 64)
    assert not torch.allclose(model.sample(codes(model), nothing, first.flip(0)), video)
    with pytest.raises(ValueError, match="was given none"):
        model.sample(codes(model), nothing)


def test_the_discriminator_knows_one_size():
    model = vgan()
    assert model.D(draw(B, 32, 3, 64, 64)).shape == (B,)
    with pytest.raises(ValueError, match="32 frames of 64x64, not 16 of 64x64"):
        model.D(draw(B, 16, 3, 64, 64))
    with pytest.raises(ValueError, match="not 32x32"):
        vgan(size=32)
