import math

import pytest
import torch

from videogen import noise
from videogen.models.critics import Critic, DynamicsCritic
from videogen.models.video_vae_factored import FactoredVideoVae
from videogen.objectives.adversarial_elbo import AdversarialElbo, Dream, another
from videogen.objectives.factored_elbo import FactoredElbo, unexplained
from videogen.objectives.video_elbo import some_frames
from videogen.pixels import panned

B, T = 4, 6


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def batch(**changes) -> dict[str, torch.Tensor]:
    return {
        "video": draw(B, T, 3, 16, 16, seed=1).tanh(),
        "identity": torch.tensor([0, 1, 1, 0]),
        "action": torch.tensor([2, 0, 1, 1]),
        "labelled": torch.ones(B, dtype=torch.bool),
        "backwards": torch.arange(B) % 3 == 1,
        "seed": torch.tensor([11, 12, 13, 14]),
    } | changes


def model(identities: int = 2, **changes) -> FactoredVideoVae:
    torch.manual_seed(0)
    both_ways = changes.get("both_ways", False)
    critic = Critic(channels=3, identities=identities, actions=3, motion=16, width=8, both_ways=both_ways)
    sizes = {"channels": 3, "size": 16, "actions": 3, "z": 4, "hidden": 16, "width": 16, "features": 16}
    sizes["identities"] = identities
    return FactoredVideoVae(**(sizes | changes), critic=critic).eval()


def test_terms_are_one_number_a_clip():
    objective = AdversarialElbo(model(), shown=3, reach=0.1, panned=0.2, borrowed=0.3, switched=0.2)
    terms, bound = objective("vae", batch()), {"reconstruction", "unexplained", "kl", "room", "needless"}
    dreams = {"dream_patches", "dream_motion", "dream_dynamics", "dream_identity", "dream_action"}
    assert set(terms) == bound | dreams | {"adversarial", "betrayal"}
    assert set(FactoredElbo(model())("vae", batch())) == bound
    inferred = objective("attribute_net", batch())
    assert set(inferred) == {"identity", "action"}
    against = objective("critic", batch())
    motions = {"real_motion", "wrong_motion", "dreamt_motion", "real_dynamics", "dreamt_dynamics"}
    assert set(against) == motions | {"real", "wrong", "fake", "dreamt", "owner"}
    assert all(term.shape == (B,) for term in {**terms, **inferred, **against}.values())
    assert (terms["betrayal"] >= 0).all()


@pytest.mark.parametrize("clip", range(B))
def test_a_clip_does_not_see_its_batch(clip):
    objective = AdversarialElbo(model(), shown=3, reach=0.1, panned=0.2, borrowed=0.3, switched=0.2, glimpses=True)
    whole = batch()
    for player in ("vae", "attribute_net", "critic"):
        terms = objective(player, whole)
        alone = objective(player, {name: value[clip : clip + 1] for name, value in whole.items()})
        for name, term in terms.items():
            torch.testing.assert_close(alone[name][0], term[clip], rtol=1e-3, atol=1e-3)


def test_the_camera_moves_the_clip_and_is_told():
    objective, seen = FactoredElbo(model(), panned=0.25), batch()
    filmed = objective.filmed(seen)
    assert filmed["camera"].abs().max() <= 4 and filmed["camera"].unique().numel() > 1
    torch.testing.assert_close(filmed["video"], panned(seen["video"], filmed["camera"]))
    still = FactoredElbo(model()).filmed(seen)
    assert torch.equal(still["video"], seen["video"]) and not still["camera"].any()


@pytest.mark.parametrize("kind", [FactoredElbo, AdversarialElbo])
def test_a_room_is_shown_the_frames_that_its_masks_are_of(kind, monkeypatch):
    net, given, covered = model(), [], []
    monkeypatch.setattr(net, "room", lambda *arguments: given.append(arguments) or torch.zeros(B))
    monkeypatch.setattr(net, "needless", lambda *arguments: covered.append(arguments) or torch.ones(B))
    objective = kind(net, shown=2, panned=0.25)
    assert objective("vae", batch())["needless"].tolist() == [T / 2] * B
    ((x, a, camera, seen, mask),) = given
    for mine, its in zip(covered[0], (seen, a, camera, mask), strict=True):
        assert torch.equal(mine, its)
    filmed = objective.filmed(batch())
    shown = some_frames(filmed, 2)
    assert torch.equal(x, filmed["video"]) and torch.equal(camera, filmed["camera"])
    assert torch.equal(seen, torch.stack([clip[frames] for clip, frames in zip(x, shown, strict=True)]))
    torch.testing.assert_close(mask, objective.disguised(filmed, a, shown).mask)
    assert mask.std() > 0


def test_the_critic_of_motion_sees_what_was_filmed():
    objective, seen = AdversarialElbo(model(), panned=0.25), batch()
    moved = AdversarialElbo(objective.model).critic(objective.filmed(seen))  # the same clips, by a camera that stands there
    with_camera = objective.critic(seen)
    torch.testing.assert_close(with_camera["real_motion"], moved["real_motion"])
    assert not torch.allclose(with_camera["real_motion"], AdversarialElbo(objective.model).critic(seen)["real_motion"])


def test_the_critic_of_patches_sees_glimpses_of_all_alike(monkeypatch):
    net, given = model(), []
    patches = net.critic.patches
    monkeypatch.setattr(net.critic, "patches", lambda x, *who: given.append(x) or patches(x, *who))
    for player, count in (("vae", 2), ("critic", 3)):  # reconstructions and dreams; and what is real
        for glimpses in (False, True):
            AdversarialElbo(net, dreams=1.0, glimpses=glimpses)(player, batch())
        plain, glimpsed = given[:count], given[count:]
        assert all(a.shape == b.shape and not torch.allclose(a, b, atol=0.05) for a, b in zip(plain, glimpsed, strict=True))
        given.clear()


def test_the_critic_of_motion_may_see_how_much_changes():
    x = batch()["video"]
    grey = x.mean(2) - x.mean((1, 2, 3, 4))[:, None, None, None]

    def scales(contrast: float) -> torch.Tensor:
        seen = AdversarialElbo(model(), worn=0.0, contrast=contrast).as_worn(x, torch.arange(B)).mean(2)
        return (seen * grey).sum((1, 2, 3)) / grey.square().sum((1, 2, 3))

    torch.testing.assert_close(scales(0.0), torch.ones(B), rtol=1e-3, atol=1e-3)
    assert scales(0.4).max() - scales(0.4).min() > 0.05
    with pytest.raises(ValueError, match="contrast is a share"):
        AdversarialElbo(model(), contrast=-0.1)


def test_fewer_frames_decoded_are_the_same_bound_on_average():
    net = model()
    whole = FactoredElbo(net, shown=T)("vae", batch())["reconstruction"]
    some = [FactoredElbo(net, shown=2)("vae", batch(seed=torch.arange(B) + 100 * s)) for s in range(60)]
    mean = torch.stack([terms["reconstruction"] for terms in some]).mean(0)
    torch.testing.assert_close(mean, whole, rtol=0.05, atol=0)


def test_a_thin_pale_arm_is_as_much_to_explain_as_a_body():
    x = torch.zeros(3, T, 3, 8, 8)
    x[0, :, :, 2, 3] = 0.4 * draw(T, 3)  # a thin pale arm; the second clip travels, the third hardly moves
    x[1, :, :, :4] = draw(T, 3, 4, 8)
    x[2] = 1e-3 * draw(T, 3, 8, 8)
    still = x.mean(1, keepdim=True).expand_as(x)
    missed = unexplained(x, x, still)
    torch.testing.assert_close(missed[:2], torch.ones(2))
    torch.testing.assert_close(unexplained(x, x, still + 0.3 * (x - still))[:2], torch.full((2,), 0.49))
    assert not unexplained(x, x, x).any() and missed[2] < 1e-5

    pale = x[:1] + 0.2  # an error where nothing moves is none of it
    pale[:, :, :, 2, 3] = x[:1, :, :, 2, 3]
    assert not unexplained(x[:1], x[:1], pale).any()


def test_what_is_unexplained_is_of_the_frames_shown():
    objective = FactoredElbo(model(), shown=2)
    seen = batch()
    shown = torch.tensor([[0, 3], [1, 2], [5, 4], [2, 0]])
    x_hat = draw(B, 2, 3, 16, 16, seed=2).tanh()
    terms = objective.fit(seen, shown, x_hat)
    some = torch.stack([seen["video"][i, shown[i]] for i in range(B)])
    torch.testing.assert_close(terms["unexplained"], unexplained(seen["video"], some, x_hat))
    assert not torch.allclose(terms["unexplained"], unexplained(seen["video"], some.flip(1), x_hat))


def test_labels_kept_from_training_change_nothing():
    net, hidden = model(), torch.tensor([True, True, False, True])
    known, other = batch(labelled=hidden), batch(labelled=hidden, identity=torch.tensor([0, 1, 0, 0]))
    other["action"] = torch.tensor([2, 0, 0, 1])
    objective = FactoredElbo(net)
    first, second = ({**objective("vae", seen), **objective("attribute_net", seen)} for seen in (known, other))
    for name, term in first.items():
        torch.testing.assert_close(term, second[name])
    assert first["identity"][2] == first["action"][2] == 0 and (first["identity"][[0, 1, 3]] > 0).all()
    a = objective.told(known)
    torch.testing.assert_close(a[2], torch.cat(net.infer(known["video"]), dim=1)[2])
    assert a[0].tolist() == [1, 0, 0, 0, 1]


def test_betrayal_is_nothing_where_the_owner_is_anybodys_guess():
    net = model()
    with torch.no_grad():
        net.critic.whose_motion[-1].weight.zero_()
        net.critic.whose_motion[-1].bias.zero_()
        assert AdversarialElbo(net)("vae", batch())["betrayal"].abs().max() < 1e-4
        assert AdversarialElbo(net)("critic", batch())["owner"][0].item() == pytest.approx(math.log(2))
        net.critic.whose_motion[-1].bias.copy_(torch.tensor([1.0, -1.0]))  # says the first, whatever it sees
        p = torch.tensor([1.0, -1.0]).log_softmax(0)
        expected = T * (-p.mean() - math.log(2))
        assert AdversarialElbo(net)("vae", batch())["betrayal"][1].item() == pytest.approx(expected.item(), rel=1e-4)


def test_hinge_and_score_by_hand():
    """Critics whose scores are all 0.25: hinge losses .75 and 1.25, and the model's terms are minus the score."""
    net = model()
    net.critic.patches = lambda x, *identities: [torch.full((len(x), 4), 0.25) for _ in identities]
    net.critic.real_motion.forward = lambda x, *actions: [torch.full((len(x),), 0.25) for _ in actions]
    net.critic.real_dynamics.forward = lambda h, action: torch.full((len(h),), 0.25)
    objective = AdversarialElbo(net, dreams=1.0)
    terms = objective("critic", batch())
    for name in ("real", "real_motion", "real_dynamics"):
        assert terms[name].tolist() == [0.75] * B
    for name in ("wrong", "fake", "dreamt", "wrong_motion", "dreamt_motion", "dreamt_dynamics"):
        assert terms[name].tolist() == [1.25] * B
    terms = objective("vae", batch())
    assert terms["adversarial"].tolist() == terms["dream_patches"].tolist() == [-T * 0.25] * B
    assert terms["dream_motion"].tolist() == terms["dream_dynamics"].tolist() == [-0.25] * B


def test_the_critic_of_dynamics_sees_what_a_clip_leads_and_what_the_prior_does_alone():
    net, seen = model(), batch(seed=torch.arange(B) + 40)
    objective, x = AdversarialElbo(net), seen["video"]
    a, other = objective.told(seen), seen | {"video": torch.cat([x[:, :1], -x[:, 1:]], dim=1)}
    led, unled = objective.led(seen, a), objective.unled(seen, a)
    assert not torch.allclose(led[:, -1], objective.led(other, a)[:, -1], atol=1e-4)  # each frame leads
    torch.testing.assert_close(unled, objective.unled(other, a))  # the first one at most
    begun = (objective.unled(seen | {"video": -x}, a) - unled).abs().amax((1, 2)) > 1e-4
    assert begun.any() and not begun.all()
    net.temperature = 0.0  # then neither hears its noise
    assert torch.equal(objective.led(seen, a), net.motion(a, torch.zeros(B, T, net.z), objective.disguise(seen)))


def test_dreams_of_a_clips_own_action_run_its_way_and_critics_are_told(monkeypatch):
    """Any other action runs as it was filmed: of some there may be no way back."""
    net = model(both_ways=True)
    objective, told = AdversarialElbo(net, dreams=1.0, borrowed=0.3, switched=0.2), []
    moves, goes_on = net.critic.real_motion.forward, net.critic.real_dynamics.forward
    monkeypatch.setattr(net.critic.real_motion, "forward", lambda x, *run: told.append(run) or moves(x, *run))
    monkeypatch.setattr(net.critic.real_dynamics, "forward", lambda h, run: told.append([run]) or goes_on(h, run))
    ways = torch.zeros(2, 2, dtype=torch.int64)
    for seed in range(8):
        seen = objective.filmed(batch(seed=torch.arange(B) + 10 * seed))
        a, forwards = objective.told(seen), seen | {"backwards": torch.zeros(B, dtype=torch.bool)}
        apart = (objective.unled(seen, a) - objective.unled(forwards, a)).abs().amax((1, 2)) > 1e-4
        assert torch.equal(apart, seen["backwards"])
        h = objective.disguised(seen, a, torch.zeros(B, 1, dtype=torch.int64)).h
        dream, as_filmed = (objective.dream(those, a, h) for those in (seen, forwards))
        share = torch.special.ndtr(noise.normal(seen["seed"] + 12, 1)[:, 0])
        borrowed, own = share < 0.3, (share < 0.3) | (share >= 0.65)
        assert torch.equal(dream.backwards, seen["backwards"] & own)
        differ = (dream.video - as_filmed.video).abs().amax((1, 2, 3, 4)) > 1e-5
        assert torch.equal(differ, dream.backwards & ~borrowed)  # motion that is borrowed needs no way
        ways[own.long(), dream.backwards.long()] += 1
        told.clear()
        objective("critic", batch(seed=seen["seed"]))
        assert all(((run[:, 3:].sum(1) > 0.99) == seen["backwards"]).all() for run in [*told[0], *told[2], *told[3]])
        assert torch.equal(told[1][0][:, 3:].sum(1) > 0.99, dream.backwards)
    assert ways[1].all() and ways[0, 0]


def test_the_critic_of_dynamics_learns_who_stands_still():
    """Waves that go on, and waves that come to rest after a few steps; small ones, among much that is alike."""
    torch.manual_seed(0)
    critic = DynamicsCritic(motion=8, actions=2, width=16)
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3)

    def states(seed: int, n: int = 64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        start, t = draw(n, 1, seed=seed), torch.arange(10.0)
        waves, rests = (0.05 * torch.sin(start + time)[..., None] for time in (t, t.clamp(max=3)))
        here = 0.3 * draw(n, 1, 8, seed=seed + 1)
        return here + waves, here + rests, torch.eye(2)[torch.arange(n) % 2]

    for step in range(100):
        real, still, action = states(2 * step)
        loss = (1 - critic(real, action)).relu().mean() + (1 + critic(still, action)).relu().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    real, still, action = states(10_000)
    assert (critic(real, action) > critic(still, action)).float().mean() > 0.9


def test_the_critic_is_shown_people_under_wrong_names():
    """A critic that says 1 where it is told who is there, and -1 where it is told another."""
    net, seen = model(), batch()
    net.critic.patches = lambda x, *told: [(2.0 * t[range(len(t)), seen["identity"]] - 1)[:, None] for t in told]
    objective = AdversarialElbo(net)
    objective.dream_scores = lambda batch, dream: (torch.zeros(len(dream.chosen), 1), torch.zeros(len(dream.chosen)))
    terms = objective("critic", seen)
    assert terms["real"].tolist() == terms["wrong"].tolist() == [0] * B and terms["fake"].tolist() == [2] * B


def test_another_is_never_the_same():
    seeds, shown = torch.arange(60), torch.eye(3).repeat(20, 1)
    other = another(shown, seeds)
    assert (other.sum(1) == 1).all() and not (other * shown).any()
    assert torch.bincount((other.argmax(1) - shown.argmax(1)) % 3, minlength=3)[1:].min() > 15  # either of the other two
    assert torch.equal(other[7:8], another(shown[7:8], seeds[7:8]))
    alone = torch.ones(2, 1)
    assert torch.equal(another(alone, seeds[:2]), alone)  # of one there is no other,
    terms = AdversarialElbo(model(identities=1))("critic", batch(identity=torch.zeros(B, dtype=torch.int64)))
    assert not terms["wrong"].any() and terms["wrong_motion"].all()  # and nobody is wrong


def test_no_dreams_are_another_objective():
    with pytest.raises(ValueError, match="dreams is a share above 0"):
        AdversarialElbo(model(), dreams=0.0)


def test_what_stands_beside_few_clips_weighs_more():
    objective, seen = AdversarialElbo(model(), dreams=0.25), batch()
    label, counts = torch.zeros(2, dtype=torch.int64), torch.tensor([True, False])
    video, wish = torch.zeros(2, T, 3, 16, 16), torch.zeros(2, 5)
    dream = Dream(torch.tensor([2, 3]), counts, video, wish, label, label, counts, backwards=~counts)
    assert objective.beside(torch.tensor([1.0, 1.0]), dream, seen).tolist() == [0, 0, 4, 0]  # the last one does not count


def dreams(net: FactoredVideoVae, borrowed: float, **changes) -> tuple[AdversarialElbo, dict[str, torch.Tensor], Dream]:
    objective = AdversarialElbo(net, dreams=1.0, borrowed=borrowed)
    seen = objective.filmed(batch(**changes))
    return objective, seen, objective.dream(seen, objective.told(seen), draw(B, T, 16, seed=5))


def test_a_dream_borrows_the_clips_motion_and_teaches_the_paint():
    net = model()
    _, seen, dream = dreams(net, borrowed=1.0, labelled=torch.tensor([True, True, True, False]))
    assert dream.action.tolist() == seen["action"].tolist() and dream.known.tolist() == [True, True, True, False]
    torch.testing.assert_close(dream.video, net.paint(draw(B, T, 16, seed=5), dream.wish))
    dream.video.sum().backward()
    assert moved(net) == {"dec", "e"}


def test_a_dream_from_the_prior_teaches_the_dynamics():
    net = model()
    seeds = torch.arange(120)
    many = {name: value.repeat(30, *[1] * (value.ndim - 1)) for name, value in batch().items()} | {"seed": seeds}
    objective = AdversarialElbo(net, dreams=0.5, borrowed=0.0)
    seen = objective.filmed(many)
    dream = objective.dream(seen, objective.told(seen), torch.zeros(120, T, 16))
    assert 40 < len(dream.chosen) < 80 and dream.known.all()
    fresh = torch.special.ndtr(noise.normal(seeds[dream.chosen] + 12, 1)[:, 0]) < 0.5
    pairs = set(zip(dream.identity[fresh].tolist(), dream.action[fresh].tolist(), strict=True))
    assert len(pairs) == 6  # every pair, filmed or not
    eps = noise.normal(seeds[dream.chosen] + 4, T, net.z)
    begun = net.sample(dream.wish, eps)
    torch.testing.assert_close(dream.video[fresh], begun[fresh], rtol=1e-4, atol=1e-5)
    going_on = net.sample(dream.wish, eps, objective.disguise(seen)[dream.chosen, 0])
    torch.testing.assert_close(dream.video[~fresh], going_on[~fresh], rtol=1e-4, atol=1e-5)
    assert torch.equal(dream.action[~fresh], seen["action"][dream.chosen][~fresh])
    dream.video.sum().backward()
    assert moved(net) == {"enc", "f_q", "f_1", "f_p", "h_0", "lstm"}  # all that moves, nothing that paints


def test_a_dream_comes_out_of_another_action():
    net, seeds = model(), torch.arange(120)
    many = {name: value.repeat(30, *[1] * (value.ndim - 1)) for name, value in batch().items()} | {"seed": seeds}
    objective = AdversarialElbo(net, dreams=1.0, borrowed=0.2, switched=0.4)  # all that begin anew
    seen = objective.filmed(many)
    dream = objective.dream(seen, objective.told(seen), torch.zeros(120, T, 16))
    share = torch.special.ndtr(noise.normal(seeds + 12, 1)[:, 0])
    those = ((share >= 0.2) & (share < 0.6)).nonzero()[:, 0]
    told = objective.out_of_another(dream.wish[those], seeds[those], T)
    assert told.shape == (len(those), 2 * T, 5)
    as_wished = (told == dream.wish[those, None]).all(2)
    turn = as_wished.int().argmax(1)
    assert set(turn.tolist()) == set(range(1, T + 1))  # another action for a frame at least, and never when it is judged
    assert torch.equal(as_wished, torch.arange(2 * T) >= turn[:, None])
    assert torch.equal(told[:, :, :2], dream.wish[those, None, :2].expand(-1, 2 * T, -1))  # by the same person
    expected = net.sample(told, noise.normal(seeds[those] + 4, 2 * T, net.z))[:, T:]
    torch.testing.assert_close(dream.video[those], expected, rtol=1e-4, atol=1e-5)
    assert dream.known[those].all() and len(set(dream.action[those].tolist())) == 3
    with pytest.raises(ValueError, match="switched is a share of at most"):
        AdversarialElbo(net, borrowed=0.2, switched=0.5)


def moved(net: FactoredVideoVae) -> set[str]:
    return {name.split(".")[0] for name, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


def test_dreams_are_recognised_by_a_net_that_does_not_learn_from_them():
    net = model()
    objective, seen, _ = dreams(net, borrowed=1.0)
    terms = objective("vae", batch())
    dream = objective.dream(
        seen, objective.told(seen), objective.disguised(seen, objective.told(seen), torch.zeros(B, 1).long()).h
    )
    logits = net.attribute_net(*objective.about(dream.video, seen["seed"]))
    for name, logit, label in zip(("identity", "action"), logits, (dream.identity, dream.action), strict=True):
        expected = -logit.log_softmax(-1)[torch.arange(B), label]
        torch.testing.assert_close(terms[f"dream_{name}"], expected, rtol=1e-4, atol=1e-4)
    (terms["dream_identity"] + terms["dream_action"]).sum().backward()
    assert "attribute_net" not in moved(net) and "dec" in moved(net)


def test_the_attribute_net_has_a_player_of_its_own():
    net = model()
    sum(term.mean() for term in FactoredElbo(net)("attribute_net", batch()).values()).backward()
    assert moved(net) == {"attribute_net"}
    net = model()
    sum(term.mean() for term in AdversarialElbo(net)("vae", batch()).values()).backward()
    assert "attribute_net" not in moved(net)


def test_critics_and_model_move_apart():
    """Each player's turn reaches its own side; the trainer freezes the other."""
    net = model().train()
    objective = AdversarialElbo(net)
    for name, p in net.named_parameters():
        p.requires_grad_(name.startswith("critic."))
    sum(term.mean() for term in objective("critic", batch()).values()).backward()
    assert all((p.grad is not None) == name.startswith("critic.") for name, p in net.named_parameters())
