import pytest
import torch
from torch import nn
from torch.nn import functional

from videogen.models.deep_rotator import DECREASE, INCREASE, SAME, DeepRotator, head
from videogen.models.dropout import Dropout

TURNS = [1, -1, 0]


def rotator(**changes) -> DeepRotator:
    torch.manual_seed(0)
    facts = {"channels": 3, "size": 16, "identities": 1, "actions": 3, "turns": TURNS, "width": 4}
    return DeepRotator(**(facts | changes)).eval()


def frames(b: int = 2, size: int = 16) -> torch.Tensor:
    return torch.rand(b, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def codes(model: DeepRotator, *action: int) -> torch.Tensor:
    return model.attributes(torch.zeros(len(action), dtype=torch.int64), torch.tensor(action))


def test_the_published_layers():
    model = rotator(size=64, width=64)
    convolutions = [m.weight.shape for m in model.encoder.convolutions if isinstance(m, nn.Conv2d)]
    assert convolutions == [(64, 3, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5)]
    linear = {name: tuple(m.weight.shape) for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    assert list(linear.values()) == [
        *[(1024, 16384), (1024, 1024), (512, 1024), (512, 1024)],  # encoder, identity, pose
        *[(1024, 1024), (1024, 1024), (16384, 1024), (8192, 1024)],  # decoder, heads
    ]
    assert model.turn.weight.shape == (3, 512, 512) and model.turn.bias.shape == (3, 512)
    up = {
        kind: [m.weight.shape[:2] for m in part if isinstance(m, nn.ConvTranspose2d)]
        for kind, part in (("image", model.decoder.image), ("mask", model.decoder.mask))
    }
    assert up == {"image": [(256, 128), (128, 64), (64, 3)], "mask": [(128, 64), (64, 32), (32, 1)]}
    assert {m.p for m in model.modules() if isinstance(m, Dropout)} == {0.5}
    assert not isinstance(model.decoder.image[-1], nn.ReLU), "the output is linear"


def test_zero_insertion_and_a_convolution_are_what_doubles():
    part = head(4, [2, 3], 16, 0.5)
    up, y = part[-1], torch.randn(1, 2, 2, 2)
    zeros = torch.zeros(1, 2, 4, 4)
    zeros[:, :, ::2, ::2] = y
    kernel = up.weight.transpose(0, 1).flip(2, 3)
    torch.testing.assert_close(up(y), functional.conv2d(zeros, kernel, up.bias, padding=2))


def test_the_action_picks_one_of_three_maps_of_the_pose():
    model = rotator()
    assert model.turn_of(torch.tensor([0, 1, 2])).argmax(1).tolist() == [INCREASE, DECREASE, SAME]
    assert model.turn_of(torch.tensor([0, 1]), torch.tensor([False, True])).argmax(1).tolist() == [INCREASE, SAME]
    pose = torch.randn(2, 32)
    turned = model.turn(pose, model.turn_of(torch.tensor([0, 1])))
    for row, which in enumerate((INCREASE, DECREASE)):
        by_hand = torch.relu(model.turn.weight[which] @ pose[row] + model.turn.bias[which])
        torch.testing.assert_close(turned[row], by_hand)


def test_a_longer_turn_begins_with_the_shorter_and_the_given_frame():
    model, x = rotator(), frames()
    a = codes(model, 0, 1)
    long, short = (model.sample(a, torch.empty(2, t, 0), x) for t in (6, 3))
    assert long.shape == (2, 6, 3, 16, 16)
    torch.testing.assert_close(long[:, :3], short)
    assert torch.equal(long[:, 0], x) and torch.equal(model.sample(a, torch.empty(2, 1, 0), x)[:, 0], x)
    views = model(x, model.turn_of(torch.tensor([0, 1])), 5)
    torch.testing.assert_close(long[:, 1:], views.image.clamp(-1, 1))
    assert views.mask.shape == (2, 5, 1, 16, 16)


def test_the_identity_units_stay_while_the_pose_turns():
    model, x = rotator(), frames()
    identity, pose = model.encoder(x)
    assert torch.equal(model.appearance(x), identity) and identity.shape == (2, 32)
    turn, seen = model.turn_of(torch.tensor([0, 1])), []
    model.decoder.register_forward_hook(lambda module, given, made: seen.append(given))
    model(x, turn, 2)
    stays, turned = (units.unflatten(0, (2, 2)) for units in seen[0])  # b t u
    torch.testing.assert_close(stays, identity[:, None].expand_as(stays))
    once = model.turn(pose, turn)
    torch.testing.assert_close(turned, torch.stack([once, model.turn(once, turn)], dim=1))


def test_what_it_cannot_do_is_said():
    with pytest.raises(ValueError, match="multiple of 8"):
        rotator(size=20)
    with pytest.raises(ValueError, match="each of the 3 actions"):
        rotator(turns=[1, -1])
    with pytest.raises(ValueError, match="none of these actions turns"):
        rotator(turns=[0, 0, 0])
    model = rotator()
    with pytest.raises(ValueError, match="given none"):
        model.sample(codes(model, 0), torch.empty(1, 2, 0))
