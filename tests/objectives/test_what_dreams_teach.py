import pytest
import torch

from videogen import noise
from videogen.models.critics import Critic
from videogen.models.video_vae_factored import FactoredVideoVae
from videogen.objectives.adversarial_elbo import AdversarialElbo

B, T = 24, 4


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def batch() -> dict[str, torch.Tensor]:
    return {
        "video": draw(B, T, 3, 16, 16, seed=1).tanh(),
        "identity": torch.arange(B) % 2,
        "action": torch.arange(B) % 3,
        "labelled": torch.ones(B, dtype=torch.bool),
        "backwards": torch.zeros(B, dtype=torch.bool),
        "seed": torch.arange(B),
    }


def model(**more) -> FactoredVideoVae:
    torch.manual_seed(0)
    critic = Critic(channels=3, identities=2, actions=3, motion=16, width=8)
    sizes = {"channels": 3, "size": 16, "identities": 2, "actions": 3, "z": 4, "hidden": 16, "width": 16, "features": 16}
    return FactoredVideoVae(**sizes, colours=4, wardrobe=True, critic=critic, **more).eval()


def borrows(share: float) -> torch.Tensor:
    return torch.special.ndtr(noise.normal(torch.arange(B) + 12, 1)[:, 0]) < share


def taught(net: FactoredVideoVae, term: torch.Tensor) -> set[str]:
    net.zero_grad(set_to_none=True)
    term.sum().backward(retain_graph=True)
    return {name.split(".")[0] for name, p in net.named_parameters() if p.grad is not None and p.grad.any()} - {"critic"}


@pytest.mark.parametrize("alone", [True, False])
def test_the_critic_of_motion_teaches_the_paint_of_filmed_pairs_alone_where_it_is_asked_to(alone):
    net, borrowed = model(placed=True), borrows(0.4)
    net.filmed.pairs[0, :2] = 1.0
    objective = AdversarialElbo(net, dreams=1.0, borrowed=0.4, motion_of_filmed=alone)
    seen = objective.filmed(batch())
    a = objective.told(seen)
    h = objective.disguised(seen, a, torch.zeros(B, 1, dtype=torch.int64)).h
    dream = objective.dream(seen, a, h)
    filmed = (dream.identity == 0) & (dream.wish[:, 2:].argmax(1) < 2)
    for kind in (borrowed, ~borrowed):
        assert (kind & filmed).any() and (kind & ~filmed).any()
    net.critic.real_motion.forward = lambda x, *runs: [x.mean((1, 2, 3, 4)) for _ in runs]
    terms, against = objective("vae", batch()), objective("critic", batch())
    left_alone = borrowed & ~filmed
    for motion in (terms["dream_motion"], against["dreamt_motion"]):
        assert motion[left_alone].any() != alone and motion[~left_alone].all()
    assert "dec" in taught(net, terms["dream_motion"])
    assert "dec" in taught(net, terms["dream_patches"][left_alone])
    assert ("dec" in taught(net, terms["dream_motion"][left_alone])) != alone


def test_which_pairs_were_filmed_is_known_where_there_are_places_or_looks():
    with pytest.raises(ValueError, match="with places, or two looks"):
        AdversarialElbo(model(), motion_of_filmed=True)
    with pytest.raises(ValueError, match="only a model with places or looks"):
        model().was_filmed(torch.zeros(1, 5))
    net = model(looks=2)
    net.filmed.pairs[0, :2] = 1.0
    who, what = torch.tensor([0, 0, 1]), torch.tensor([1, 2, 1])
    assert net.was_filmed(net.attributes(who, what)).tolist() == [1, 0, 0]
    half = net.attributes(who[:1], what[:1]) / 2 + net.attributes(who[1:2], what[1:2]) / 2
    assert net.was_filmed(half).tolist() == [0.5]


def test_dreams_that_borrow_pay_for_what_their_people_do_not_wear():
    net, borrowed = model(), borrows(0.4)
    objective = AdversarialElbo(net, dreams=1.0, borrowed=0.4)
    terms = objective("vae", batch())
    strange = terms["dream_wardrobe"]
    assert (strange[borrowed] > 0).all() and not strange[~borrowed].any()
    learns = taught(net, strange)
    assert "dec" in learns and not learns & {"enc", "f_q", "f_p", "f_1", "lstm"}
    assert net.dec.palette[0].weight.grad is None
    assert taught(net, terms["wardrobe"]) >= {"dec"}
    # a sum over the figure's pixels of what one of them costs
    seen = objective.filmed(batch())
    a = objective.told(seen)
    h = objective.disguised(seen, a, torch.zeros(B, 1, dtype=torch.int64)).h
    dream = objective.dream(seen, a, h)
    layers = net.layers(h[borrowed], dream.wish[borrowed], seen["camera"][borrowed])
    expected = layers.mask.sum((1, 2, 3, 4)) * net.strange(layers.worn, dream.wish[borrowed])
    torch.testing.assert_close(strange[borrowed], expected, rtol=1e-3, atol=1e-3)
