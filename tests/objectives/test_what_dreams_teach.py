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


def model() -> FactoredVideoVae:
    torch.manual_seed(0)
    critic = Critic(channels=3, identities=2, actions=3, motion=16, width=8)
    sizes = {"channels": 3, "size": 16, "identities": 2, "actions": 3, "z": 4, "hidden": 16, "width": 16, "features": 16}
    return FactoredVideoVae(**sizes, colours=4, wardrobe=True, critic=critic).eval()


def borrows(share: float) -> torch.Tensor:
    return torch.special.ndtr(noise.normal(torch.arange(B) + 12, 1)[:, 0]) < share


def taught(net: FactoredVideoVae, term: torch.Tensor) -> set[str]:
    net.zero_grad(set_to_none=True)
    term.sum().backward(retain_graph=True)
    return {name.split(".")[0] for name, p in net.named_parameters() if p.grad is not None and p.grad.any()} - {"critic"}


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
