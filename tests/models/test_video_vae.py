import pytest
import torch

from videogen.models.video_vae import VideoVae

B, T, Z = 3, 5, 4


def tiny(**changes) -> VideoVae:
    torch.manual_seed(0)
    sizes = {"channels": 1, "size": 16, "identities": 2, "actions": 3, "z": Z, "hidden": 16, "width": 16, "features": 16}
    return VideoVae(**(sizes | changes))


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def clip(seed: int = 7) -> torch.Tensor:
    return draw(B, T, 1, 16, 16, seed=seed).tanh()


def codes(model: VideoVae, shift: int = 0) -> torch.Tensor:
    return model.attributes((torch.arange(B) + shift) % 2, (torch.arange(B) + shift) % 3)


def differs(a: torch.Tensor, b: torch.Tensor) -> list[bool]:
    """For each frame: is it another one?"""
    return [not torch.allclose(a[:, t], b[:, t], atol=1e-6) for t in range(a.shape[1])]


def replaced(x: torch.Tensor, start: int) -> torch.Tensor:
    """`x` with everything from frame `start` on drawn anew."""
    return torch.cat([x[:, :start], draw(*x.shape, seed=99)[:, start:].tanh()], dim=1)


@pytest.mark.parametrize("channels, size, start", [(1, 16, 4), (3, 32, 4)])
def test_shapes(channels, size, start):
    model = tiny(channels=channels, size=size)
    x = draw(B, T, channels, size, size).tanh()
    rollout = model(x, codes(model), draw(B, T, Z))
    assert rollout.x_hat.shape == x.shape
    assert rollout.x_hat.abs().max() <= 1
    for g in (rollout.posterior, rollout.prior):
        assert g.mu.shape == g.logvar.shape == (B, T, Z)
    assert rollout.features.shape == (B, T, 16)
    assert model.sample(codes(model), draw(B, 9, Z)).shape == (B, 9, channels, size, size)


def test_attributes_are_two_one_hot_codes_side_by_side():
    a = tiny().attributes(torch.tensor([1, 0]), torch.tensor([2, 0]))
    assert a.tolist() == [[0, 1, 0, 0, 1], [1, 0, 1, 0, 0]]


@pytest.mark.parametrize("size", [8, 15, 48, 0])
def test_an_impossible_size_is_told(size):
    with pytest.raises(ValueError, match=f"power of two of at least 16, got {size}"):
        tiny(size=size)


@pytest.mark.parametrize("given", [False, True])
def test_a_sample_is_a_function_of_its_arguments_and_ignores_the_future(given):
    model, eps = tiny(), draw(B, T, Z)
    a, first = codes(model), clip()[:, 0] if given else None
    video = model.sample(a, eps, first)
    torch.manual_seed(5)  # another global state
    assert torch.equal(model.sample(a, eps, first), video)
    assert differs(model.sample(a, replaced(eps, 3), first), video) == [False, False, False, True, True]
    longer = model.sample(a, torch.cat([eps, draw(B, 4, Z, seed=8)], dim=1), first)
    assert differs(longer[:, :T], video) == [False] * T


def test_a_sample_does_not_depend_on_its_batch():
    model, eps = tiny(), draw(B, T, Z)
    video = model.sample(codes(model), eps)
    for i in range(B):
        torch.testing.assert_close(model.sample(codes(model)[i : i + 1], eps[i : i + 1])[0], video[i], atol=1e-5, rtol=1e-5)


def test_a_reconstruction_ignores_later_frames_and_remembers_earlier_ones():
    model, x, eps = tiny(), clip(), draw(B, T, Z)
    rollout, other = model(x, codes(model), eps), model(replaced(x, 2), codes(model), eps)
    assert differs(other.x_hat, rollout.x_hat) == [False, False, True, True, True]
    assert differs(other.posterior.mu, rollout.posterior.mu) == [False, False, True, True, True]
    assert differs(other.prior.mu, rollout.prior.mu) == [False, False, False, True, True]  # it sees z up to t - 1
    only_first = torch.cat([clip(seed=8)[:, :1], x[:, 1:]], dim=1)
    assert all(differs(model(only_first, codes(model), eps).x_hat, rollout.x_hat))


def test_no_state_is_kept_between_calls():
    model, eps = tiny(), draw(B, T, Z)
    first = model(clip(), codes(model), eps).x_hat
    model.sample(codes(model, 1), eps)
    model(clip(seed=8), codes(model, 1), eps)
    assert torch.equal(model(clip(), codes(model), eps).x_hat, first)


def test_a_first_frame_gives_z_1_its_posterior_and_the_rest_its_prior():
    model, x, eps = tiny(), clip(), draw(B, T, Z)
    open_circle, filled = model.sample(codes(model), eps), model.sample(codes(model), eps, x[:, 0])
    reconstructed = model(x, codes(model), eps).x_hat
    assert differs(filled, reconstructed) == [False, True, True, True, True]
    assert all(differs(filled, open_circle))
    with torch.no_grad():
        model.f_q[-1].weight.zero_()  # the posterior is N(0, I), whatever the frame
        model.f_q[-1].bias.zero_()
    assert differs(model.sample(codes(model), eps, x[:, 0]), model.sample(codes(model), eps, x[:, 1])) == [False] * T


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
    order = torch.tensor([3, 0, 4, 1, 2])
    rollout, shuffled = model(x, codes(model), eps), model(x[:, order], codes(model), eps[:, order])
    torch.testing.assert_close(shuffled.x_hat, rollout.x_hat[:, order], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model.sample(codes(model), eps[:, order]), model.sample(codes(model), eps)[:, order])
    assert torch.equal(rollout.prior.mu[:, :1].expand(-1, T, -1), rollout.prior.mu)


def test_gradients_reach_every_parameter():
    model = tiny()
    rollout = model(clip(), codes(model), draw(B, T, Z))
    (rollout.x_hat.square().sum() + rollout.posterior.kl(rollout.prior).sum()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_where_few_frames_are_given_the_rest_follows_as_in_a_sample():
    model, x, a, eps = tiny(), clip(), None, draw(B, T, Z, seed=3)
    a = codes(model)
    given = torch.tensor([1, 3, T])
    seen = model(x, a, eps, given)
    whole, sampled = model(x, a, eps), model.sample(a, eps, x[:, 0])
    torch.testing.assert_close(seen.x_hat[0], sampled[0])  # of one frame, that is what a sample begins with
    torch.testing.assert_close(seen.x_hat[2], whole.x_hat[2])
    kl = seen.posterior.kl(seen.prior)
    assert [int((row != 0).sum()) for row in kl] == given.tolist()
    other = model(replaced(x, 3), a, eps, given)
    torch.testing.assert_close(other.x_hat[:2], seen.x_hat[:2])  # what was not given makes no difference


def test_an_anchored_decoder_sees_z_1_beside_what_the_lstm_made_of_it():
    a, eps = codes(tiny()), draw(B, T, Z)
    other = torch.cat([draw(B, 1, Z, seed=5), eps[:, 1:]], dim=1)  # another z_1
    for anchored in (False, True):
        model = tiny(anchored=anchored, dynamics=False)  # without an LSTM, no other way leads from z_1 to later frames
        changed = differs(model.sample(a, eps), model.sample(a, other))
        assert changed == [True, *[anchored] * (T - 1)]
