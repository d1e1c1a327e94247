import math

import pytest
import torch

from videogen.models.critics import Critic
from videogen.models.video_vae_factored import FactoredVideoVae
from videogen.objectives.factored_elbo import AdversarialElbo, FactoredElbo, RecognisedElbo

B, T = 4, 6


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def batch(**changes) -> dict[str, torch.Tensor]:
    return {
        "video": draw(B, T, 3, 16, 16, seed=1).tanh(),
        "identity": torch.tensor([0, 1, 1, 0]),
        "action": torch.tensor([2, 0, 1, 1]),
        "labelled": torch.ones(B, dtype=torch.bool),
        "seed": torch.tensor([11, 12, 13, 14]),
    } | changes


def model() -> FactoredVideoVae:
    torch.manual_seed(0)
    critic = Critic(channels=3, identities=2, actions=3, motion=16, width=8)
    sizes = {"channels": 3, "size": 16, "identities": 2, "actions": 3, "z": 4, "hidden": 16, "width": 16, "features": 16}
    return FactoredVideoVae(**sizes, critic=critic).eval()


def test_terms_are_one_number_a_clip():
    objective = AdversarialElbo(model(), shown=3, reach=0.1)
    terms = objective("vae", batch())
    assert set(terms) == {"reconstruction", "kl", "identity", "action", "adversarial", "betrayal"}
    recognised = RecognisedElbo(model(), shown=3, reach=0.1)("vae", batch())
    assert set(recognised) == set(terms) | {"swapped_identity", "swapped_action"}
    assert set(FactoredElbo(model())("vae", batch())) == {"reconstruction", "kl", "identity", "action"}
    assert set(objective("critic", batch())) == {"real", "fake", "owner"}
    assert all(term.shape == (B,) for term in {**terms, **objective("critic", batch())}.values())
    assert (terms["betrayal"] >= 0).all()


def test_a_clip_does_not_see_its_batch():
    objective, whole = RecognisedElbo(model(), shown=3, reach=0.1), batch()
    for player in ("vae", "critic"):
        terms = objective(player, whole)
        alone = objective(player, {name: value[2:3] for name, value in whole.items()})
        for name, term in terms.items():
            torch.testing.assert_close(alone[name][0], term[2], rtol=1e-3, atol=1e-3)


def test_fewer_frames_decoded_are_the_same_bound_on_average():
    net = model()
    whole = FactoredElbo(net, shown=T)("vae", batch())["reconstruction"]
    some = [FactoredElbo(net, shown=2)("vae", batch(seed=torch.arange(B) + 100 * s)) for s in range(60)]
    mean = torch.stack([terms["reconstruction"] for terms in some]).mean(0)
    torch.testing.assert_close(mean, whole, rtol=0.05, atol=0)


def test_labels_kept_from_training_change_nothing():
    net, hidden = model(), torch.tensor([True, True, False, True])
    known, other = batch(labelled=hidden), batch(labelled=hidden, identity=torch.tensor([0, 1, 0, 0]))
    other["action"] = torch.tensor([2, 0, 0, 1])
    objective = FactoredElbo(net)
    first, second = objective("vae", known), objective("vae", other)
    for name, term in first.items():
        torch.testing.assert_close(term, second[name])
    assert first["identity"][2] == first["action"][2] == 0 and (first["identity"][[0, 1, 3]] > 0).all()
    a, _ = objective.told(known)
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
    """A critic whose scores are all 0.25: hinge losses .75 and 1.25, and the model's term is - T * 0.25."""
    net = model()
    net.critic.patches = lambda x, identity: torch.full((len(x), 4), 0.25)
    objective = AdversarialElbo(net)
    terms = objective("critic", batch())
    assert terms["real"].tolist() == [0.75] * B and terms["fake"].tolist() == [1.25] * B
    assert objective("vae", batch())["adversarial"].tolist() == [-T * 0.25] * B


def test_swaps_are_judged_by_the_models_own_attribute_net_which_does_not_learn_from_them():
    net = model()
    objective, seen = RecognisedElbo(net), batch()
    assert not RecognisedElbo(net)("vae", batch(seed=torch.tensor([11, 13, 15, 17])))[
        "swapped_identity"
    ].any()  # none chosen
    terms = objective("vae", seen)
    assert terms["swapped_identity"][[0, 2]].tolist() == [0, 0]  # odd seeds: every other clip
    who, h = objective.others(seen), torch.zeros(B, T, 16)
    terms = objective.on_swaps(seen, h)
    painted = net.paint(h, net.attributes(who, seen["action"]))
    for (name, label), p in zip({"identity": who, "action": seen["action"]}.items(), net.infer(painted), strict=True):
        expected = -2 * p.log()[torch.arange(B), label]
        torch.testing.assert_close(terms[f"swapped_{name}"][[1, 3]], expected[[1, 3]], rtol=1e-4, atol=1e-4)
    sum(term.sum() for term in terms.values()).backward()
    assert all(p.grad is None for p in net.attribute_net.parameters()) and net.e.weight.grad.abs().sum() > 0


def test_critics_and_model_move_apart():
    """Each player's turn reaches its own side; the trainer freezes the other."""
    net = model().train()
    objective = AdversarialElbo(net)
    for name, p in net.named_parameters():
        p.requires_grad_(name.startswith("critic."))
    sum(term.mean() for term in objective("critic", batch()).values()).backward()
    assert all((p.grad is not None) == name.startswith("critic.") for name, p in net.named_parameters())
