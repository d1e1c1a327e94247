import pytest
import torch

from videogen.models.image_vae import ImageVae

B, Z = 4, 3


def vae(**changes) -> ImageVae:
    torch.manual_seed(0)
    sizes = {"channels": 1, "size": 8, "classes": 5, "z": Z, "width": 4, "hidden": 8}
    return ImageVae(**(sizes | changes))


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("channels, size", [(1, 8), (3, 28), (3, 32)])
def test_shapes(channels, size):
    model, y = vae(channels=channels, size=size), torch.arange(B)
    x = draw(B, channels, size, size).tanh()
    seen = model(x, y, draw(B, Z))
    assert seen.raw.shape == x.shape and seen.posterior.mu.shape == (B, Z)
    made = model.sample(y, draw(B, Z))
    assert made.shape == x.shape and made.abs().max() <= 1
    with pytest.raises(ValueError, match="multiple of 4 from 8 on, got 10"):
        vae(size=10)


def test_the_picture_is_the_mean_of_a_bernoulli():
    model, y, z = vae(), torch.arange(B), draw(B, Z)
    torch.testing.assert_close((model.decode(z, y) + 1) / 2, model.raw(z, y).sigmoid())


def test_a_label_counts_where_it_is_told():
    x, y = draw(B, 1, 8, 8).tanh(), torch.zeros(B, dtype=torch.int64)
    for conditional in (False, True):
        model = vae(conditional=conditional)
        assert model.labelled is conditional
        same = torch.equal(model.sample(y, draw(B, Z)), model.sample(y + 1, draw(B, Z)))
        assert same is not conditional
        assert torch.equal(model.encode(x, y).mu, model.encode(x, y + 1).mu) is not conditional
