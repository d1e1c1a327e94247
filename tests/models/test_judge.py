import pytest
import torch

from videogen.models.judge import Judge


def judge(apart: bool = False) -> Judge:
    torch.manual_seed(0)
    return Judge(channels=1, identities=2, actions=3, width=4, features=5, apart=apart).eval()


def clip(b: int, t: int, size: int = 32) -> torch.Tensor:
    return torch.randn((b, t, 1, size, size), generator=torch.Generator().manual_seed(t)).tanh()


@pytest.mark.parametrize("t", [1, 2, 10, 17])
def test_a_clip_of_any_length_has_probabilities_of_the_joint_classes(t):
    p = judge()(clip(2, t)).softmax(-1)
    assert p.shape == (2, 6)
    torch.testing.assert_close(p.sum(-1), torch.ones(2))
    assert (p > 0).all()


def test_a_verdict_does_not_depend_on_the_batch():
    model, x = judge(), clip(4, 6)
    together = model(x)
    for i in range(4):
        torch.testing.assert_close(model(x[i : i + 1])[0], together[i])


def test_the_classes_are_read_off_the_features():
    model, x = judge(), clip(3, 5)
    features = model.features(x)
    assert features.shape == (3, 5)
    torch.testing.assert_close(model(x), model.classes(features))


def test_the_order_of_frames_matters():
    model, x = judge(), clip(2, 8)
    assert not torch.allclose(model(x), model(x[:, [0, 4, 1, 6, 2, 7, 3, 5]]), atol=1e-6)


def test_gradients_reach_every_parameter():
    model = judge().train()
    model(clip(3, 4)).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_who_and_what_apart_are_independent():
    model, x = judge(apart=True), clip(3, 4)
    p = model(x).softmax(-1).view(3, 2, 3)
    torch.testing.assert_close(p, p.sum(2, keepdim=True) * p.sum(1, keepdim=True))
    torch.testing.assert_close(p.sum(1), model.classes.action(model.features(x)).softmax(-1))
    assert not torch.allclose(p[0], p[1], atol=1e-5)
