import pytest
import torch

from videogen.models.painted_decoder import Wardrobe
from videogen.models.video_vae_factored import FactoredVideoVae

B, T, Z = 2, 4, 4


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def tiny(**changes) -> FactoredVideoVae:
    torch.manual_seed(0)
    sizes = {"channels": 3, "size": 16, "identities": 2, "actions": 3, "z": Z, "components": 3, "e": 6, "colours": 4}
    return FactoredVideoVae(**(sizes | {"hidden": 16, "width": 16, "features": 16, "wardrobe": True} | changes)).train()


def test_it_is_learnt_what_each_person_wears_and_other_colours_tend_to_it():
    torch.manual_seed(0)
    wardrobe, e = Wardrobe(6, 3), draw(2, 6)
    worn = torch.tensor([[0.8, 0.2, 0.0], [0.0, 0.1, 0.9]])
    palette = torch.zeros(2, 3, 3, requires_grad=True)
    with torch.no_grad():
        palette[0] = torch.tensor([[-0.9], [0.1], [0.8]])  # black, grey, and chalk that nobody saw on the first person
    optimizer = torch.optim.Adam([*wardrobe.parameters(), palette], lr=1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        wardrobe.misfit(worn, e, palette).sum().backward()
        palette.grad[:, :2] = 0  # these are held by what clips show
        optimizer.step()
    torch.testing.assert_close(wardrobe.strange(worn, e), torch.zeros(2), atol=0.02, rtol=0)
    torch.testing.assert_close(palette[0, 2], torch.full((3,), 0.8 * -0.9 + 0.2 * 0.1), atol=0.05, rtol=0)
    strange = wardrobe.strange(worn.flip(0), e)
    assert (strange > 1).all()


def test_what_is_strange_teaches_what_is_worn_and_not_what_is_usual():
    wardrobe, e = Wardrobe(6, 3), draw(2, 6)
    worn = torch.tensor([[0.8, 0.2, 0.0], [0.0, 0.1, 0.9]], requires_grad=True)
    wardrobe.strange(worn, e).sum().backward()
    assert worn.grad.isfinite().all() and worn.grad.any()
    assert all(p.grad is None for p in wardrobe.parameters())


def test_what_is_worn_is_what_the_figure_is_painted_with():
    model, h, a = tiny(), draw(B, T, 16), torch.eye(5)[:B]
    layers = model.layers(h, a)
    assert layers.worn.shape == (B, 4) and (layers.worn > 0).all()
    torch.testing.assert_close(layers.worn.sum(1), torch.ones(B))
    palette = model.dec.palette(model.embedded(a))
    mean = (layers.mask * layers.figure).sum((1, 3, 4)) / layers.mask.sum((1, 3, 4))
    torch.testing.assert_close(torch.einsum("bk,bkc->bc", layers.worn, palette), mean)


@pytest.mark.parametrize("wardrobe", [True, False])
def test_with_a_wardrobe_dreams_teach_no_colours(wardrobe):
    model, a = tiny(wardrobe=wardrobe), torch.cat([torch.eye(2), torch.eye(3)[:2]], dim=1)
    model.paint(draw(B, T, 16), a).square().sum().backward()
    colours = model.dec.palette[0].weight
    assert (colours.grad is None) == wardrobe and model.dec.out.weight.grad.any()
    x, shown = draw(B, T, 3, 16, 16).tanh(), torch.tensor([[0, 2]] * B)
    rollout = model(x, a, draw(B, T, Z + 1), shown)
    rollout.x_hat.square().sum().backward(retain_graph=True)
    assert colours.grad.any()
    nats, strange = model.wardrobe(rollout.worn, a), model.strange(rollout.worn, a)
    assert nats.shape == strange.shape == (B,) and bool(nats.any()) == bool(strange.any()) == wardrobe


def test_a_wardrobe_needs_colours():
    with pytest.raises(ValueError, match="wardrobe needs a palette"):
        tiny(colours=0)
