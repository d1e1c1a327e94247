import pytest
import torch

from videogen.models.painted_decoder import WeighedUp
from videogen.models.video_vae_factored import FactoredVideoVae, picked
from videogen.pixels import panned

B, T, Z = 3, 5, 4


def tiny(**changes) -> FactoredVideoVae:
    torch.manual_seed(0)
    sizes = {"channels": 1, "size": 16, "identities": 2, "actions": 3, "z": Z, "components": 3, "e": 6}
    return FactoredVideoVae(**(sizes | {"hidden": 16, "width": 16, "features": 16} | changes)).eval()


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def clip(seed: int = 7, channels: int = 1, size: int = 16) -> torch.Tensor:
    return draw(B, T, channels, size, size, seed=seed).tanh()


def codes(model: FactoredVideoVae, identity: int = 0, action: int = 0) -> torch.Tensor:
    return model.attributes((torch.arange(B) + identity) % 2, (torch.arange(B) + action) % 3)


@pytest.mark.parametrize("channels, size", [(1, 16), (3, 32)])
def test_shapes(channels, size):
    model = tiny(channels=channels, size=size)
    assert model.z == Z + 1
    x, shown = clip(channels=channels, size=size), torch.tensor([[4, 0], [1, 2], [3, 1]])
    rollout = model(x, codes(model), draw(B, T, Z + 1), shown)
    assert rollout.x_hat.shape == (B, 2, channels, size, size) and rollout.x_hat.abs().max() <= 1
    assert rollout.mask.shape == (B, 2, 1, size, size)
    assert rollout.kl.shape == (B,) and rollout.h.shape == (B, T, 16)
    assert model.sample(codes(model), draw(B, 9, Z + 1)).shape == (B, 9, channels, size, size)
    for p, k in zip(model.infer(x), (2, 3), strict=True):
        assert p.shape == (B, k)
        torch.testing.assert_close(p.sum(1), torch.ones(B))


def test_the_motion_knows_no_identity_and_the_paint_no_action():
    model, eps = tiny(), draw(B, T, Z + 1)
    h = model.motion(codes(model), eps, clip())
    assert torch.equal(h, model.motion(codes(model, identity=1), eps, clip()))
    assert not torch.allclose(h, model.motion(codes(model, action=1), eps, clip()), atol=1e-4)
    painted = model.paint(h, codes(model))
    assert torch.equal(painted, model.paint(h, codes(model, action=1)))
    assert not torch.allclose(painted, model.paint(h, codes(model, identity=1)), atol=1e-4)


@pytest.mark.parametrize("painted", [1, 2, 3])
def test_the_identity_paints_as_late_as_it_is_told(painted):
    model = tiny(size=32, painted=painted)
    h, e = draw(B, 16), (draw(B, 6, seed=1), draw(B, 6, seed=2))
    assert model.dec.stem[0].in_features == (16 + 6 if painted == 3 else 16)
    h = torch.cat([h, e[0]], dim=1) if painted == 3 else h
    y = model.dec.stem(h)
    first, other = (model.dec.ups[0](y, code) for code in e)
    assert torch.equal(first, other) == (painted < 2)
    assert not torch.allclose(*(model.dec.ups[1](first, code) for code in e), atol=1e-4)


@pytest.mark.parametrize("weighed", [False, True])
def test_the_identity_scales_weights_where_it_is_asked_to(weighed):
    model = tiny(size=64, painted=3, colours=2, channels=3, weighed=weighed)
    assert [isinstance(up, WeighedUp) for up in model.dec.ups] == [weighed, weighed, False]
    h, a = draw(B, T, 16), codes(model)
    assert not torch.allclose(model.paint(h, a), model.paint(h, codes(model, identity=1)), atol=1e-4)
    assert torch.equal(model.paint(h, a), model.paint(h, codes(model, action=1)))


@pytest.mark.parametrize("placed", [False, True])
def test_a_room_goes_by_masks_that_are_everybodys(placed):
    model, x, still = (
        tiny(size=32, channels=3, colours=4, room=True, placed=placed),
        clip(channels=3, size=32),
        torch.zeros(B),
    )
    few, nobody = 0.1 * x[:, [0, 3]], torch.zeros(B, 2, 1, 32, 32)
    somebody = nobody.clone()
    somebody[..., 8:24, 8:24] = 0.9
    nats = [model.room(x, codes(model), still.long(), few, mask) for mask in (nobody, somebody)]
    assert torch.equal(*nats) != placed  # one that is a person's own may leave to the room what the person wears


def test_behind_a_mask_that_begins_empty_a_room_is_learnt_first():
    hidden = [tiny(size=32, room=room).layers(draw(B, T, 16), codes(tiny()))[1].mean() for room in (True, False)]
    assert hidden[0] < 0.2 and 0.4 < hidden[1] < 0.6


def test_clips_alone_say_where_they_were_filmed():
    model, shown, eps = tiny(colours=4, painted=0, placed=True).train(), torch.tensor([[0, 1]] * B), draw(B, T, Z + 1)
    offsets = model.dec.spots.offsets.weight
    torch.nn.init.normal_(offsets, std=0.1)
    model(clip(), codes(model), eps, shown)
    assert model.filmed.pairs.sum() == B  # pairs of the batch
    rollout = model(clip(), codes(model, identity=1), eps, shown)
    model.paint(rollout.h, codes(model)).square().sum().backward(retain_graph=True)
    assert offsets.grad is None and model.dec.place.own.bias.grad.any()
    rollout.x_hat.square().sum().backward()
    assert offsets.grad.any()


def test_another_look_is_painted_where_clips_show_it_and_a_switch_of_action_changes_no_clothes():
    model, h = tiny(looks=2), draw(B, T, 16)
    with torch.no_grad():
        torch.nn.init.normal_(model.e.looks.weight)
        model.e.worn.weight.copy_(torch.eye(2)[[0, 1, 0, 0, 0, 0]])  # the first person's second action, on another day
    model.filmed.pairs.fill_(1)
    one, other = (model.attributes(torch.zeros(B, dtype=torch.int64), torch.full((B,), action)) for action in (0, 1))
    assert not torch.allclose(model.paint(h, one), model.paint(h, other), atol=1e-3)
    switched = torch.stack([one, *[other] * (T - 1)], dim=1)
    assert torch.equal(model.paint(h, one), model.paint(h, switched))


@pytest.mark.parametrize("painted", [0, 1, 2])
def test_an_outline_is_everybodys_but_for_its_place(painted):
    model, h = tiny(size=32, colours=4, painted=painted, placed=True, room=True), draw(B, T, 16)
    frames, masks = zip(*((x, m) for x, m, _ in (model.layers(h, codes(model, who)) for who in (0, 1))), strict=True)
    torch.testing.assert_close(*masks)
    assert masks[0].std() > 0 and not torch.allclose(*frames, atol=1e-3)
    torch.nn.init.normal_(model.dec.place.own.weight)
    assert not torch.allclose(*(model.layers(h, codes(model, who))[1] for who in (0, 1)), atol=1e-3)


def test_a_room_learns_from_its_own_term_alone():
    model, x = tiny(size=32, channels=3, colours=4, room=True), clip(channels=3, size=32)
    camera = torch.tensor([0, 2, -3])
    model(x, codes(model), draw(B, T, Z + 1), torch.tensor([[0]] * B), camera).x_hat.sum().backward()
    own = [p for n, p in model.named_parameters() if n.startswith("dec.behind.")]
    assert own and all(p.grad is None for p in own)
    mask = torch.zeros_like(x[:, :1, :1])
    nats = model.room(x, codes(model), camera, x[:, :1], mask)
    unmoved = model.room(x, codes(model), 0 * camera, x[:, :1], mask)
    assert nats.shape == (B,) and (nats > 0).all() and not torch.allclose(nats, unmoved)
    nats.sum().backward()
    assert all(p.grad is not None for p in own)
    assert not tiny().room(clip(), codes(tiny()), camera, clip()[:, :1], mask[..., :16, :16]).any()


def test_a_figure_is_told_what_it_hides_needlessly_and_the_room_is_not():
    model, camera = tiny(size=32, channels=3, colours=4, room=True), torch.tensor([0, 8, 0])
    with torch.no_grad():  # light at the right half alone
        model.dec.behind.ends[0].weight.zero_()
        model.dec.behind.ends[0].bias.view(3, 32, 2)[..., :] = torch.tensor([-9.0, 9.0])
    x = model.dec.behind.light(draw(B, 6)).detach()[:, None].repeat(1, 2, 1, 1, 1)
    x[2, :, 1, 8:16] += 0.5  # somebody in another colour
    mask = torch.full((B, 2, 1, 32, 32), 0.5, requires_grad=True)
    hidden = model.needless(x, codes(model), camera, mask)
    assert hidden[0] == 2 * 32 * 32 / 2 and hidden[2] == 2 * 24 * 32 / 2
    assert hidden[1] < hidden[0]  # the camera that moved shows another part of the light
    hidden.sum().backward()
    assert mask.grad[0].eq(1).all() and not mask.grad[2, :, :, 8:16].any()
    assert all(p.grad is None for p in model.parameters())
    assert not tiny().needless(x[:, :, :1, :16, :16], codes(tiny()), camera, mask[..., :16, :16]).any()


@pytest.mark.parametrize("painted", [1, 3])
def test_with_a_palette_the_identity_says_which_colours_and_the_motion_where(painted):
    model = tiny(channels=3, size=32, painted=painted, colours=2)
    a, h = model.attributes(torch.tensor([0, 1]), torch.tensor([1, 1])), draw(1, T, 16).expand(2, T, 16)
    with torch.no_grad():  # the figure alone
        model.dec.out.weight[:, -1] = 0
        model.dec.out.bias[-1] = 50
        model.dec.palette[0].weight.zero_()
        bias = model.dec.palette[0].bias.view(2, 3)
        bias[0], bias[1] = 1.0, torch.tensor([-1.0, 0.0, 1.0])
    figures = model.paint(h, a)
    one, two = bias.detach().tanh().view(2, 3, 1, 1)
    share = (figures - two)[:, :, :2] / (one - two)[:2]
    torch.testing.assert_close(share[:, :, 0], share[:, :, 1])  # of the first colour in each pixel, by either channel
    assert 0 <= share.min() < share.max() <= 1
    torch.testing.assert_close(figures[:, :, 2], one[2].expand(2, T, 32, 32))
    # two people of the same colours: one picture, unless coarser layers know them
    assert torch.allclose(figures[0], figures[1], atol=1e-4) == (painted == 1)
    model.dec.palette[0].weight.data.normal_()
    assert not torch.allclose(*model.paint(h, a), atol=1e-3)


def test_crispness_makes_a_pixel_more_decidedly_one_colour_outside_of_training():
    model, soft = (tiny(channels=3, colours=2, crisp=crisp) for crisp in (3.0, 1.0))
    a, h = codes(model), draw(B, T, 16)
    with torch.no_grad():
        for each in (model, soft):  # the figure alone, in black and white
            each.dec.out.weight[:, -1] = 0
            each.dec.out.bias[-1] = 50
            each.dec.palette[0].weight.zero_()
            each.dec.palette[0].bias.copy_(torch.tensor([9.0] * 3 + [-9.0] * 3))
        white = (1 + soft.paint(h, a)) / 2
        torch.testing.assert_close((1 + model.paint(h, a)) / 2, (3 * white.logit()).sigmoid(), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(model.train().paint(h, a), soft.train().paint(h, a))


def test_temperature_cools_what_the_prior_draws_and_nothing_else():
    eps, other = draw(B, T, Z + 1), draw(B, T, Z + 1, seed=1)
    noisy = torch.cat([other[..., :-1], eps[..., -1:]], dim=2)
    model, a = tiny(temperature=0.0), codes(tiny())
    assert torch.equal(model.motion(a, eps), model.motion(a, noisy))
    assert not torch.allclose(model.motion(a, eps, clip()), model.motion(a, noisy, clip()), atol=1e-4)
    picks = torch.linspace(-2, 2, B)[:, None, None].expand(B, T, 1)  # still begins with any component
    begun = model.motion(a[:1].expand(B, -1), torch.cat([eps[:1, :, :-1].expand(B, -1, -1), picks], dim=2))
    assert not torch.allclose(begun[0], begun[-1], atol=1e-4)
    assert torch.equal(model.train().motion(a, noisy), model.eval().motion(a, eps))  # a dream in training, too


def test_the_dynamics_run_in_fp32_whatever_the_rest_does():
    model, eps = tiny(), draw(B, T, Z + 1)
    exact = model.motion(codes(model), eps)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(model.motion(codes(model), eps), exact)
        assert model.motion(codes(model), eps, clip()).dtype == torch.float32


def test_frames_given_come_from_the_posterior_and_the_future_does_not_change_the_past():
    model, eps, x = tiny(), draw(B, T, Z + 1), clip()
    whole = model.motion(codes(model), eps, x)
    later = torch.cat([x[:, :3], clip(seed=8)[:, 3:]], dim=1)
    changed = model.motion(codes(model), eps, later)
    assert torch.allclose(whole[:, :3], changed[:, :3], atol=1e-6) and not torch.allclose(
        whole[:, 3:], changed[:, 3:], atol=1e-5
    )
    assert torch.allclose(model.motion(codes(model), eps, x[:, :1])[:, 0], whole[:, 0], atol=1e-6)
    assert not torch.allclose(model.motion(codes(model), eps)[:, 0], whole[:, 0], atol=1e-4)


def test_the_prior_alone_is_told_which_way_a_clip_runs():
    """What is read from a rise that a fall was turned into is to hold for one that was filmed."""
    model, eps, x, way = tiny(both_ways=True), draw(B, T, Z + 1), clip(), torch.tensor([False, True, False])
    a, shown = codes(model), torch.zeros(B, 1, dtype=torch.int64)
    forwards, told = (model(x, a, eps, shown, None, backwards) for backwards in (None, way))
    assert torch.equal(forwards.h, told.h) and ((forwards.kl != told.kl) == way).all()
    for given in (None, x[:, :1]):
        apart = (model.motion(a, eps, given) - model.motion(a, eps, given, way)).abs().amax(-1) > 1e-5
        assert not apart[~way].any() and apart[way, 1:].all() and apart[way, 0].all() == (given is None)
    net = tiny()
    assert torch.equal(net.motion(a, eps, None, way), net.motion(a, eps))


def test_attributes_may_change_on_the_way():
    model, eps = tiny(), draw(B, T, Z + 1)
    constant = codes(model)[:, None].expand(-1, T, -1)
    assert torch.allclose(model.sample(constant, eps), model.sample(codes(model), eps), atol=1e-6)
    switch = torch.cat([constant[:, :3], codes(model, action=1)[:, None].expand(-1, 2, -1)], dim=1)
    a, b = model.sample(constant, eps), model.sample(switch, eps)
    assert torch.allclose(a[:, :3], b[:, :3], atol=1e-6) and not torch.allclose(a[:, 3:], b[:, 3:], atol=1e-5)


def test_kl_against_monte_carlo_and_the_mixture_by_hand():
    """With one frame, kl = log q(z) - log sum_k w_k N(z); its mean over noise is a KL, so positive."""
    model, x = tiny(), clip()
    a, shown = codes(model), torch.zeros(B, 1, dtype=torch.int64)
    eps = draw(B, 1, Z + 1)
    kl = model(x[:, :1], a, eps, shown).kl
    log_w, mixture = model._first(a[:, 2:])
    h = model.h_0(a[:, 2:]).tanh().chunk(2, -1)[0]
    mu, logvar = model.f_q(torch.cat([model.enc(x[:, 0]), h, a[:, 2:]], -1)).chunk(2, -1)
    normal = torch.distributions.Normal
    z = mu + (logvar / 2).exp() * eps[:, 0, :-1]
    log_q = normal(mu, (logvar / 2).exp()).log_prob(z).sum(-1)
    log_p = normal(mixture.mu, (mixture.logvar / 2).exp()).log_prob(z[:, None]).sum(-1)
    torch.testing.assert_close(kl, log_q - (log_p + log_w).logsumexp(-1), rtol=1e-4, atol=1e-4)
    many = torch.stack([model(x[:, :1], a, draw(B, 1, Z + 1, seed=s), shown).kl for s in range(200)])
    assert (many.mean(0) > 0).all()


def test_components_are_picked_as_often_as_they_weigh():
    model = tiny()
    with torch.no_grad():
        model.f_1.weight.zero_()
        model.f_1.bias.zero_()
        bias = model.f_1.bias.view(3, 2 * Z + 1)
        bias[:, 0] = torch.tensor([0.2, 0.5, 0.3]).log()
        bias[:, 1] = torch.tensor([-50.0, 0.0, 50.0])  # the first number of z tells the components apart
    a = torch.zeros(4000, 5)
    a[:, 0] = a[:, 2] = 1
    log_w, mixture = model._first(a[:, 2:])
    chosen = picked(mixture, log_w, draw(4000)).mu[:, 0]
    for centre, share in ((-50, 0.2), (0, 0.5), (50, 0.3)):
        assert (chosen == centre).float().mean().item() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"colours": 4},
        {"colours": 4, "room": True},
        {"placed": True},
        {"colours": 4, "room": True, "placed": True, "painted": 0},
        {"colours": 4, "room": True, "placed": True, "painted": 1, "weighed": True, "looks": 2},
        {"looks": 2},
    ],
)
def test_gradients_reach_every_parameter(changes):
    model = tiny(**changes).train()
    if model.filmed is not None:
        model.filmed.pairs.fill_(1)
    rollout = model(clip(), codes(model), draw(B, T, Z + 1), torch.tensor([[0, 3]] * B))
    logits = model.attribute_net(clip())
    loss = rollout.x_hat.square().sum() + rollout.kl.sum() + sum(part.square().sum() for part in logits)
    few, mask = 0.3 * clip()[:, [0, 3]], rollout.mask
    loss = loss + model.room(0.3 * clip(), codes(model), torch.zeros(B, dtype=torch.int64), few, mask).sum()
    loss.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_an_identity_that_paints_nothing_is_told():
    with pytest.raises(ValueError, match="painted must be at least 1, or 0 with a palette, got 0 with 0"):
        tiny(painted=0)


@pytest.mark.parametrize("colours", [-1, 1])
def test_a_palette_of_one_colour_is_told(colours):
    with pytest.raises(ValueError, match=f"colours must be 0 or at least 2, got {colours}"):
        tiny(colours=colours)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"looks": 0}, "looks must be at least 1, got 0"),
        ({"crisp": 0.0, "colours": 2}, "crisp must be above 0"),
        ({"crisp": 1.5}, "1 where there is no palette: got 1.5 with 0 colours"),
        ({"temperature": -1.0}, "temperature must not be negative, got -1.0"),
    ],
)
def test_a_way_of_generating_that_there_is_not_is_told(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


@pytest.mark.parametrize("size", [8, 48])
def test_an_impossible_size_is_told(size):
    with pytest.raises(ValueError, match=f"power of two of at least 16, got {size}"):
        tiny(size=size)


def test_the_background_moves_with_the_camera_and_the_start_is_told():
    model, camera = tiny(), torch.tensor([3, 0, -2])
    h, a = model.motion(codes(model), draw(B, T, Z + 1)), codes(model)
    with torch.no_grad():  # nobody to be seen: the background alone
        model.dec.out.weight[:, -1] = 0
        model.dec.out.bias[-1] = -50
    still = model.paint(h, a)
    torch.testing.assert_close(model.paint(h, a, camera), panned(still, camera))
    torch.testing.assert_close(model.paint(h, a, torch.zeros_like(camera)), still)
    told, untold = model._first(a[:, 2:], camera)[1].mu, model._first(a[:, 2:])[1].mu
    assert torch.equal(told[1], untold[1]) and not torch.allclose(told[0], untold[0], atol=1e-4)


def test_the_action_is_inferred_from_other_colours_where_there_are_such():
    net, x, other = tiny(channels=3).attribute_net, clip(channels=3), clip(channels=3, seed=8)
    both, apart = net(x), net(x, other)
    assert torch.equal(both[0], apart[0]) and not torch.allclose(both[1], apart[1], atol=1e-4)
    assert torch.equal(apart[1], net(other)[1])
