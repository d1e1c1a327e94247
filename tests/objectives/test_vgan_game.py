import math

import pytest
import torch
from torch import nn

from videogen.models.vgan import VGan
from videogen.objectives.vgan import VGan as Game

B = 2


def game(**changes) -> Game:
    torch.manual_seed(0)
    return Game(VGan(channels=3, size=64, identities=2, actions=3, width=4, **changes))


def batch() -> dict[str, torch.Tensor]:
    video = torch.randn((B, 32, 3, 64, 64), generator=torch.Generator().manual_seed(0)).tanh()
    return {"video": video, "seed": torch.arange(B) * 1000}


class Two(nn.Module):
    """Says that the logit is 2."""

    def forward(self, x):
        return torch.full((len(x),), 2.0)


def test_the_terms_by_hand():
    objective = game()
    objective.model.D = Two()
    real, fake = math.log1p(math.exp(-2)), math.log1p(math.exp(2))
    terms = objective("D", batch())
    assert terms["real"].tolist() == pytest.approx([real] * B) and terms["fake"].tolist() == pytest.approx([fake] * B)
    terms = objective("G", batch())
    assert terms["adversarial"].tolist() == pytest.approx([real] * B)
    torch.testing.assert_close(terms["mask"], objective.scene(batch()).mask.mean((1, 2, 3, 4)))


def test_the_softmax_over_two_classes_is_its_difference():
    model, x = game().model.eval(), batch()["video"]
    two = model.D.out(model.D.layers(x.transpose(1, 2))).flatten(1)
    torch.testing.assert_close(
        nn.functional.softplus(-model.D(x)), nn.functional.cross_entropy(two, torch.ones(B).long(), reduction="none")
    )


def test_a_first_frame_is_to_be_kept():
    objective = game(conditional=True).eval()
    terms = objective("G", batch())
    assert set(terms) == {"adversarial", "mask", "first_frame"}
    x, made = batch()["video"], objective.scene(batch()).video
    torch.testing.assert_close(terms["first_frame"], (made[:, 0] - x[:, 0]).abs().mean((1, 2, 3)))


def test_one_stream_has_no_mask_to_weigh():
    terms = game(streams=1)("G", batch())
    assert set(terms) == {"adversarial", "mask"} and terms["mask"].tolist() == [0.0] * B


def test_both_players_see_the_same_videos_and_learn_apart():
    objective = game()
    assert torch.equal(objective.scene(batch()).video, objective.scene(batch()).video)
    for player, own in (("D", {"D"}), ("G", {"G", "D"})):
        objective.zero_grad(set_to_none=True)
        sum(term.sum() for term in objective(player, batch()).values()).backward()
        assert {name.split(".")[0] for name, p in objective.model.named_parameters() if p.grad is not None} == own
