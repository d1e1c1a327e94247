import copy

import pytest
import torch
from torch import nn

from videogen.evaluation.speed import FrameLoop, check_same_values
from videogen.models.video_vae_paper import VideoVaePaper

B, T, Z = 2, 4, 6


def tiny(**changes) -> VideoVaePaper:
    """Small latents, at rest: batch norm and dropout of training depend on the batch."""
    torch.manual_seed(0)
    sizes = {"channels": 3, "size": 64, "identities": 2, "actions": 3, "z": Z, "hidden": 8}
    return VideoVaePaper(**(sizes | changes)).eval()


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def clip(seed: int = 7) -> torch.Tensor:
    return draw(B, T, 3, 64, 64, seed=seed).tanh()


def codes(model: VideoVaePaper, shift: int = 0) -> torch.Tensor:
    return model.attributes((torch.arange(B) + shift) % 2, (torch.arange(B) + shift) % 3)


def differs(a: torch.Tensor, b: torch.Tensor) -> list[bool]:
    """For each frame: is it another one? The untrained encoder says little of a frame, so that differences are small."""
    return [not torch.allclose(a[:, t], b[:, t], atol=1e-7, rtol=1e-6) for t in range(a.shape[1])]


def replaced(x: torch.Tensor, start: int) -> torch.Tensor:
    """`x` with everything from frame `start` on drawn anew."""
    return torch.cat([x[:, :start], draw(*x.shape, seed=99)[:, start:].tanh()], dim=1)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_layers_are_the_papers():
    model = VideoVaePaper(channels=3, size=64, identities=9, actions=10)
    convolutions = [m for m in model.enc_conv if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size[0], m.stride[0]) for m in convolutions] == [
        (10, 9, 1),
        (20, 7, 3),
        (40, 5, 1),
        (80, 3, 3),
    ]
    x, shapes = draw(1, 3, 64, 64), []
    for layer in model.eval().enc_conv:
        x = layer(x)
        shapes += [tuple(x.shape[1:])] if isinstance(layer, nn.Conv2d) else []
    assert shapes == [(10, 56, 56), (20, 17, 17), (40, 13, 13), (80, 4, 4)]
    shapes = []
    for layer in model.dec_conv:
        x = layer(x)
        shapes += [tuple(x.shape[1:])] if isinstance(layer, nn.ConvTranspose2d) else []
    assert shapes == [(40, 13, 13), (20, 17, 17), (10, 56, 56), (3, 64, 64)]


def test_parameter_counts():
    model = VideoVaePaper(channels=3, size=64, identities=9, actions=10)
    kernels = 3 * 10 * 81 + 10 * 20 * 49 + 20 * 40 * 25 + 40 * 80 * 9
    assert parameters(model.enc_conv) == kernels + 3 * (10 + 20 + 40 + 80)  # bias, and batch norm's two
    assert parameters(model.dec_conv) == kernels + 3 * (40 + 20 + 10) + 3
    assert parameters(model.enc_fc) == 1280 * 1024 + 1024 + 1024 * 512 + 512
    assert parameters(model.dec_fc) == 512 * 1024 + 1024 + 1024 * 1280 + 1280
    assert parameters(model.attribute_net) == 512 * 128 + 128 + 128 * 19 + 19
    assert parameters(model.lstm) == 4 * 512 * (3 * 512 + 512 + 2)
    for f, inputs in ((model.f_q, 512), (model.f_a, 1024 + 19), (model.f_dy, 1024 + 512), (model.f_p, 512 + 19)):
        assert parameters(f) == (inputs + 1) * 128 + 129 * 1024
    assert parameters(model.phi) == 513 * 128 + 129 * 512


def test_another_size_is_told():
    with pytest.raises(ValueError, match=r"64x64, not 32x32: set data.size=64"):
        tiny(size=32)


def test_shapes():
    model, x = tiny(channels=1), clip()[:, :, :1]
    rollout = model(x, codes(model), draw(B, T, Z))
    assert rollout.x_hat.shape == x.shape
    assert rollout.x_hat.abs().max() <= 1
    for g in (rollout.posterior, rollout.prior):
        assert g.mu.shape == g.logvar.shape == (B, T, Z)
    assert rollout.features.shape == (B, T, 512)
    identity, action = model.infer_attributes(rollout.features.flatten(0, 1))
    assert (identity.shape, action.shape) == ((B * T, 2), (B * T, 3))
    assert model.sample(codes(model), draw(B, 6, Z)).shape == (B, 6, 1, 64, 64)


def test_the_loop_over_frames_computes_the_same():
    """What tools/benchmark.py compares with: the same values and, in whole, the same gradients."""
    model = tiny()
    check_same_values(model, clip(), codes(model))
    loop = FrameLoop(copy.deepcopy(model))
    assert type(loop.model.dec_conv[-2]) is nn.ConvTranspose2d is not type(model.dec_conv[-2])
    for one in (model, loop):
        rollout = one(clip(), codes(model), draw(B, T, Z))
        (rollout.x_hat.square().mean() + rollout.posterior.kl(rollout.prior).mean()).backward()
    for (name, ours), theirs in zip(model.named_parameters(), loop.model.parameters(), strict=True):
        if not name.startswith("attribute_net"):
            torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-3, atol=1e-5)


def test_chunks_make_no_difference_at_rest():
    model, eps = tiny(), draw(B, T, Z)
    whole = model(clip(), codes(model), eps).x_hat
    model.chunk = 3
    torch.testing.assert_close(model(clip(), codes(model), eps).x_hat, whole)


def test_bf16_is_close_to_fp32():
    model, eps = tiny(), draw(B, T, Z)
    exact = model(clip(), codes(model), eps)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(clip(), codes(model), eps)
    torch.testing.assert_close(rough.x_hat.float(), exact.x_hat, atol=0.03, rtol=0)
    torch.testing.assert_close(rough.posterior.mu, exact.posterior.mu, atol=0.03, rtol=0)


@pytest.mark.parametrize("given", [False, True])
def test_a_sample_is_a_function_of_its_arguments_and_ignores_the_future(given):
    model, eps = tiny(), draw(B, T, Z)
    a, first = codes(model), clip()[:, 0] if given else None
    video = model.sample(a, eps, first)
    torch.manual_seed(5)  # another global state
    assert torch.equal(model.sample(a, eps, first), video)
    assert differs(model.sample(a, replaced(eps, 2), first), video) == [False, False, True, True]
    longer = model.sample(a, torch.cat([eps, draw(B, 2, Z, seed=8)], dim=1), first)
    assert differs(longer[:, :T], video) == [False] * T


def test_a_reconstruction_ignores_later_frames():
    model, x, eps = tiny(), clip(), draw(B, T, Z)
    rollout, other = model(x, codes(model), eps), model(replaced(x, 2), codes(model), eps)
    assert differs(other.features, rollout.features) == [False, False, True, True]
    assert differs(other.x_hat, rollout.x_hat) == [False, False, True, True]
    assert differs(other.prior.mu, rollout.prior.mu) == [False, False, False, True]


def test_no_state_is_kept_between_calls():
    model, eps = tiny(), draw(B, T, Z)
    first = model(clip(), codes(model), eps).x_hat
    model.sample(codes(model, 1), eps)
    assert torch.equal(model(clip(), codes(model), eps).x_hat, first)


def test_a_first_frame_gives_z_1_its_posterior_and_the_rest_its_prior():
    model, x, eps = tiny(), clip(), draw(B, T, Z)
    open_circle, filled = model.sample(codes(model), eps), model.sample(codes(model), eps, x[:, 0])
    assert differs(filled, model(x, codes(model), eps).x_hat) == [False, True, True, True]
    assert all(differs(filled, open_circle))


@pytest.mark.parametrize("structured", [True, False])
def test_s_the_codes_make_a_difference_only_if_structured(structured):
    model, x, eps = tiny(structured=structured), clip(), draw(B, T, Z)
    assert differs(model.sample(codes(model), eps), model.sample(codes(model, 1), eps)) == [structured] * T
    assert differs(model(x, codes(model), eps).x_hat, model(x, codes(model, 1), eps).x_hat) == [structured] * T


@pytest.mark.parametrize("conditional", [True, False])
def test_c_the_prior_sees_the_past_only_if_conditional(conditional):
    model, eps = tiny(conditional=conditional), draw(B, T, Z)
    prior, other = (model(x, codes(model), eps).prior.mu for x in (clip(), clip(seed=8)))
    assert differs(prior, other) == [False] + [conditional] * (T - 1)


def test_static_frames_are_independent_given_the_attributes():
    model, x, eps = tiny(dynamics=False), clip(), draw(B, T, Z)
    order = torch.tensor([3, 0, 2, 1])
    rollout, shuffled = model(x, codes(model), eps), model(x[:, order], codes(model), eps[:, order])
    torch.testing.assert_close(shuffled.x_hat, rollout.x_hat[:, order])
    torch.testing.assert_close(model.sample(codes(model), eps[:, order]), model.sample(codes(model), eps)[:, order])
    assert torch.equal(rollout.prior.mu[:, :1].expand(-1, T, -1), rollout.prior.mu)


def test_gradients_reach_every_parameter():
    model = tiny().train()
    rollout = model(clip(), codes(model), draw(B, T, Z))
    guesses = sum(guess.square().sum() for guess in model.infer_attributes(rollout.features.flatten(0, 1)))
    (rollout.x_hat.square().sum() + rollout.posterior.kl(rollout.prior).sum() + guesses).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
