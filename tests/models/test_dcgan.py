import pytest
import torch
from torch import nn

from videogen.models.dcgan import DcGan, features_of, widths_of


def convolutions(network):
    return [list(layer.weight.shape) for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]


def test_the_layers_are_the_published_ones_at_64_pixels():
    model = DcGan(channels=3, size=64, classes=1, width=64)
    assert convolutions(model.G) == [[100, 512, 4, 4], [512, 256, 4, 4], [256, 128, 4, 4], [128, 64, 4, 4], [64, 3, 4, 4]]
    assert convolutions(model.D) == [[64, 3, 4, 4], [128, 64, 4, 4], [256, 128, 4, 4], [512, 256, 4, 4]]
    assert model.D.score.in_features == features_of(64, 64) == 512 * 16


def test_at_8_pixels_there_is_a_hidden_layer_too():
    """From 4x4 on, G would be one layer between the code and the image, and D one before its verdict."""
    model = DcGan(channels=1, size=8, classes=1, z=5, width=8)
    assert convolutions(model.G) == [[5, 16, 2, 2], [16, 8, 4, 4], [8, 1, 4, 4]]
    assert convolutions(model.D) == [[8, 1, 4, 4], [16, 8, 4, 4]]
    images = model.sample(torch.zeros(3, dtype=torch.int64), torch.randn(3, 5))
    assert images.shape == (3, 1, 8, 8) and model.judge(images, torch.zeros(3, dtype=torch.int64)).score.shape == (3,)


@pytest.mark.parametrize("size", [4, 24])
def test_an_impossible_size_is_told(size):
    with pytest.raises(ValueError, match=f"power of two of at least 8, got {size}"):
        widths_of(size, 8)
