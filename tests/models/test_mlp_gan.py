import pytest
import torch
from torch import nn

from videogen.models.dropout import Dropout
from videogen.models.mlp_gan import Maxout, MlpGan, PointGan

B = 3
Y = torch.zeros(B, dtype=torch.int64)


def mlp_gan(**changes) -> MlpGan:
    torch.manual_seed(0)
    return MlpGan(**({"channels": 1, "size": 8, "z": 6, "width": 16, "units": 5, "pieces": 3} | changes)).eval()


def point_gan(**changes) -> PointGan:
    torch.manual_seed(0)
    return PointGan(**({"channels": 2, "z": 3, "width": 8} | changes)).eval()


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def shapes(module: nn.Module) -> list[list[int]]:
    return [list(layer.weight.shape) for layer in module.modules() if isinstance(layer, nn.Linear)]


def test_the_published_layers():
    torch.manual_seed(0)
    model = MlpGan(channels=1, size=28)
    assert model.z == 100 and not model.labelled
    assert shapes(model.G) == [[1200, 100], [1200, 1200], [784, 1200]]
    assert shapes(model.D) == [[1200, 784], [1200, 240], [1, 240]]  # 240 units of 5 pieces
    assert [layer.p for layer in model.D if isinstance(layer, Dropout)] == [0.2, 0.5, 0.5]
    for network, reach in ((model.G, 0.05), (model.D, 0.005)):
        weights = torch.cat([p.flatten() for n, p in network.named_parameters() if n.endswith("weight")])
        assert weights.abs().max() <= reach and weights.std().item() == pytest.approx(reach / 3**0.5, rel=0.01)
        assert not any(p.any() for n, p in network.named_parameters() if n.endswith("bias"))


def test_a_maxout_unit_is_the_largest_of_its_pieces():
    layer = Maxout(1, 2, 3)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.tensor([[1.0], [-1.0], [0.0], [2.0], [3.0], [-4.0]]))
        layer.linear.bias.copy_(torch.tensor([0.0, 0.0, 0.5, 0.0, -1.0, 0.0]))
    x = torch.tensor([[2.0], [-2.0], [0.1]])
    assert layer(x).tolist() == [[2.0, 5.0], [2.0, 8.0], [0.5, pytest.approx(0.2)]]


def test_g_sees_uniform_noise_and_makes_pixels():
    model, seen = mlp_gan(channels=3), []
    model.G.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    eps = draw(4000, 6)
    x = model.sample(torch.zeros(4000, dtype=torch.int64), eps)
    assert x.shape == (4000, 3, 8, 8) and x.abs().max() <= 1
    assert seen[0].abs().max() < 1 and seen[0].mean().abs() < 0.02
    assert seen[0].var().item() == pytest.approx(1 / 3, rel=0.03)  # of U(-1, 1)
    torch.testing.assert_close(x.flatten(1), 2 * model.G(seen[0]) - 1)


@pytest.mark.parametrize(("model", "shape"), [(mlp_gan(), (1, 8, 8)), (point_gan(), (2, 1, 1))])
def test_sample_and_judge(model, shape):
    x = model.sample(Y, draw(B, model.z))
    assert x.shape == (B, *shape)
    assert torch.equal(x, model.sample(Y + 1, draw(B, model.z)))  # the label is not looked at
    verdict = model.judge(x, Y)
    assert verdict.score.shape == (B,) and verdict.classes is None and verdict.code is None
    torch.testing.assert_close(model.judge(x[1:2], Y[:1]).score, verdict.score[1:2])
    assert {name.split(".")[0] for name, _ in model.named_parameters()} == {"G", "D"}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model.judge(x, Y).score.dtype == torch.float32


def test_d_leaves_units_out_while_it_trains():
    model, x = mlp_gan(), draw(1, 1, 8, 8).tanh()
    assert torch.equal(model.judge(x, Y[:1]).score, model.judge(x, Y[:1]).score)
    model.train()
    assert not torch.equal(model.judge(x, Y[:1]).score, model.judge(x, Y[:1]).score)


def test_a_point_may_lie_anywhere():
    model = point_gan(channels=1)
    assert shapes(model.G) == [[8, 3], [8, 8], [1, 8]] and shapes(model.D) == [[8, 1], [8, 8], [1, 8]]
    with torch.no_grad():
        model.G[-1].bias.fill_(40.0)
    assert (model.sample(Y, draw(B, 3)) > 30).all()
