import torch

from videogen.models.motion_judge import MotionJudge


def judge(channels: int = 3) -> MotionJudge:
    torch.manual_seed(0)
    return MotionJudge(channels, actions=3, width=4).eval()


def clip(channels: int = 3) -> torch.Tensor:
    return torch.randn((2, 6, channels, 32, 32), generator=torch.Generator().manual_seed(0)).tanh()


def test_an_answer_for_each_action_and_one_for_none():
    assert judge()(clip()).shape == (2, 4) and judge(1)(clip(1)).shape == (2, 4)


def test_only_what_changes_counts():
    model, x = judge(), clip()
    still = torch.randn(1, 1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model(x), model(x + still), rtol=1e-3, atol=1e-3)
    frozen = x[:, :1].expand_as(x)
    torch.testing.assert_close(model(frozen)[0], model(frozen)[1])  # all photographs are one to it
    assert not torch.allclose(model(x), model(x.flip(1)), atol=1e-4)


def test_gradients_reach_every_parameter():
    model = judge().train()
    model(clip()).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
