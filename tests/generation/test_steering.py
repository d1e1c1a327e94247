from functools import partial
from pathlib import Path

import pytest
import torch

from videogen.errors import UserError
from videogen.generation.steering import attributes, between, infer, layers, mixture, read, steer, swap
from videogen.models.video_vae import VideoVae
from videogen.models.video_vae_factored import FactoredVideoVae
from videogen.runs import TrainedModel

PEOPLE, ACTIONS = ["ada", "ben"], ["jack", "run", "walk"]
SIZES = {"channels": 1, "size": 16, "identities": 2, "actions": 3, "z": 4, "hidden": 16, "width": 16, "features": 16}


def trained(kind=FactoredVideoVae) -> TrainedModel:
    torch.manual_seed(0)
    data = {"identities": PEOPLE, "actions": ACTIONS, "channels": 1, "size": 16, "fps": 25, "stride": 2}
    return TrainedModel(kind(**SIZES).eval(), {"data": data}, Path("model.safetensors"), 1, 1.0)


@pytest.mark.parametrize(
    ("words", "weights"),
    [
        ("ada", [1, 0]),
        ("1", [0, 1]),
        (0, [1, 0]),
        ("ada+ben", [0.5, 0.5]),
        ("ada:3+ben", [0.75, 0.25]),
        ("ben:0.2", [0, 1]),
    ],
)
def test_mixtures_in_words(words, weights):
    assert mixture(words, PEOPLE, "identity").tolist() == pytest.approx(weights)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("cleo", "unknown identity 'cleo'"),
        ("ada:x", "'x' is no weight"),
        ("ada:-1+ben", "not be negative"),
        ("ada:0", "not all"),
    ],
)
def test_a_mistake_is_told(words, reason):
    with pytest.raises(UserError, match=reason):
        mixture(words, PEOPLE, "identity")


def test_one_action_after_another():
    a = attributes(trained(), "ben", "jack/walk+run", 5)
    assert a[:, :2].tolist() == [[0, 1]] * 5
    assert a[:, 2:].tolist() == [[1, 0, 0]] * 3 + [[0, 0.5, 0.5]] * 2
    with pytest.raises(UserError, match="3 actions in 2 frames"):
        attributes(trained(), "ben", "jack/walk/run", 2)


def test_speed_of_those_who_stand_elsewhere_in_another_action():
    run = trained(partial(FactoredVideoVae, colours=4, room=True, placed=True, looks=2))
    run.model.filmed.pairs.fill_(1)
    torch.nn.init.normal_(run.model.dec.spots.offsets.weight)
    normal, fast = (steer(run, [("ada", "jack/run")], frames, speed=s) for frames, s in ((9, 1.0), (5, 2.0)))
    assert torch.allclose(fast, normal[:, ::2], atol=1e-5)


def test_between_steps_the_motion_is_mixed():
    h = torch.arange(4.0)[None, :, None]
    assert between(h, torch.tensor([0.0, 0.5, 1.0, 2.75, 3.0]))[0, :, 0].tolist() == [0, 0.5, 1, 2.75, 3]


def test_speed():
    """Double speed shows every other frame of the same performance, half speed all of them and what lies between."""
    run = trained()
    normal = steer(run, [("ada", "jack"), ("ben", "run")], 9, seed=1)
    fast, slow = (steer(run, [("ada", "jack"), ("ben", "run")], 5, seed=1, speed=s) for s in (2.0, 0.5))
    assert normal.shape == (2, 9, 1, 16, 16)
    assert torch.allclose(fast, normal[:, ::2], atol=1e-5)
    assert torch.allclose(slow[:, ::2], normal[:, :3], atol=1e-5) and not torch.allclose(slow[:, 1], slow[:, 0], atol=1e-6)
    with pytest.raises(UserError, match="speed=0"):
        steer(run, [("ada", "jack")], 5, speed=0)


def test_a_switch_leaves_what_came_before_alone():
    run = trained()
    plain, switched = steer(run, [("ada", "jack"), ("ada", "jack/run")], 8, same_noise=True)
    assert torch.allclose(plain[:4], switched[:4], atol=1e-6) and not torch.allclose(plain[4:], switched[4:], atol=1e-5)
    among, alone = steer(run, [("ada", "jack"), ("ada", "jack/run")], 8)[1], steer(run, [("ada", "jack/run")], 8)[0]
    assert torch.allclose(among, alone, atol=1e-6)  # its noise is its own, whatever else is asked for


def test_a_first_frame_is_kept_by_whom_it_is_asked_of():
    run = trained()
    given = torch.rand(1, 1, 16, 16) * 2 - 1
    a, b = (steer(run, [("ada", "jack")], 4, seed=s, first_frame=given) for s in (0, 0))
    assert torch.equal(a, b) and not torch.allclose(a, steer(run, [("ada", "jack")], 4), atol=1e-5)


def test_infer_and_swap():
    run, x = trained(), torch.rand(3, 5, 1, 16, 16) * 2 - 1
    p_identity, p_action = infer(run, x)
    assert p_identity.shape == (3, 2) and p_action.shape == (3, 3)
    codes = torch.tensor([0, 1, 0]), torch.tensor([0, 0, 2])
    swapped = swap(run, x, *codes)
    assert swapped.shape == x.shape and torch.equal(swapped, swap(run, x, *codes))
    assert torch.allclose(swapped[1:2], swap(run, x[1:2], codes[0][1:2], codes[1][1:2]), atol=1e-5)


def test_a_clip_in_layers():
    run, x, who, what = trained(), torch.rand(3, 5, 1, 16, 16), torch.tensor([0, 1, 0]), torch.tensor([2, 0, 1])
    a = run.model.attributes(who, what)
    whole = run.model.paint(read(run.model, x, a), a)
    figures, behind = layers(run, x, who, what)
    assert figures.shape == behind.shape == whole.shape
    assert torch.equal(behind[:, 0], behind[:, -1])  # it stands still,
    assert torch.equal(behind[0], behind[2])  # and is the person's
    assert not torch.allclose(behind[0], behind[1], atol=1e-4)
    figure, mask, _ = run.model.layers(read(run.model, x, a), a)
    torch.testing.assert_close(figures, mask * figure)
    torch.testing.assert_close(figures + (1 - mask) * behind, whole)


class Bars(torch.nn.Module):
    """Its motion is where a bar stands, and it knows none to the right of column 8."""

    z = 1

    def __init__(self):
        super().__init__()
        self.somewhere = torch.nn.Parameter(torch.zeros(1))

    def infer(self, x):
        return torch.eye(2)[:1].expand(len(x), -1), torch.eye(3)[:1].expand(len(x), -1)

    def attributes(self, identity, action):
        return torch.cat([torch.eye(2)[identity], torch.eye(3)[action]], dim=1)

    def motion(self, a, eps, x):
        return x[:, :, 0, 0].argmax(-1, keepdim=True).clamp(max=8).float()

    def paint(self, h, a, camera=None):
        return torch.nn.functional.one_hot(h[..., 0].long(), 16).float()[:, :, None, None].expand(-1, -1, 1, 16, 16)


def test_a_motion_is_read_where_the_model_knows_people():
    bars, a = Bars(), torch.zeros(2, 5)
    at = torch.tensor([[4.0, 5.0, 6.0], [10.0, 11.0, 12.0]])[..., None]
    read_off = read(bars, 1.1 * bars.paint(at, a, None), a)  # painted not quite right anywhere
    assert read_off[0, :, 0].tolist() == [4, 5, 6]  # known as it is
    assert read_off[1, :, 0].tolist() == [6, 7, 8]  # known four columns to the left
    run, one = trained(lambda **sizes: bars), torch.tensor([1, 1])
    performed = swap(run, 1.1 * bars.paint(at, a), one, torch.zeros_like(one))
    assert torch.equal(performed, bars.paint(read_off, a))  # by somebody else, where it was read


def test_a_model_of_one_piece_is_named():
    with pytest.raises(UserError, match="VideoVae, whose motion and identity are one"):
        steer(trained(VideoVae), [("ada", "jack")], 4)


def test_the_same_noise_for_other_wishes():
    run, words = trained(), ("ada", "ada:1.0+ben:0.0")  # one wish in two words
    own = steer(run, [(w, "jack") for w in words], 4)
    same = steer(run, [(w, "jack") for w in words], 4, same_noise=True)
    assert torch.allclose(same[0], same[1], atol=1e-6) and not torch.allclose(own[0], own[1], atol=1e-5)
