import math

import pytest
import torch
from torch import nn

from videogen.models.mocogan import FrameDiscriminator, MoCoGan, VideoDiscriminator
from videogen.objectives.criteria import looks_fake, looks_real
from videogen.objectives.mocogan import MoCoGan as Game

B, T = 4, 10


def game(**D_V) -> Game:
    torch.manual_seed(0)
    discriminators = {
        "D_I": FrameDiscriminator(1, 16, width=4),
        "D_V": VideoDiscriminator(1, 16, **({"width": 4, "categories": 3} | D_V)),
    }
    return Game(MoCoGan(1, 16, 2, 3, content=5, motion=4, width=4, **discriminators))


def batch() -> dict[str, torch.Tensor]:
    return {
        "video": torch.randn((B, T, 1, 16, 16), generator=torch.Generator().manual_seed(0)).tanh(),
        "identity": torch.arange(B) % 2,
        "action": torch.arange(B) % 3,
        "labelled": torch.tensor([True, True, True, False]),
        "seed": torch.arange(B) * 1000,
    }


class Says(nn.Module):
    """A discriminator of few words."""

    def __init__(self, *answer):
        super().__init__()
        self.answer, self.categories = answer, 3

    def forward(self, x):
        answers = [a.expand(len(x), -1) for a in self.answer]
        return answers[0] if len(answers) == 1 else tuple(answers)


def test_criteria_by_hand():
    logits = torch.tensor([[0.0, 2.0], [-1.0, -1.0]])
    p = torch.sigmoid(logits)
    torch.testing.assert_close(looks_real(logits), -p.log().mean(1))
    torch.testing.assert_close(looks_fake(logits), -(1 - p).log().mean(1))
    assert looks_real(torch.zeros(2)).tolist() == pytest.approx([math.log(2)] * 2)
    extreme = torch.tensor([-200.0, 200.0])
    assert looks_real(extreme).tolist() == [200.0, 0.0] and looks_fake(extreme).tolist() == [0.0, 200.0]


def test_the_terms_by_hand():
    objective = game()
    objective.model.D_I = Says(torch.tensor([[1.0, -1.0]]))
    objective.model.D_V = Says(torch.tensor([[2.0]]), torch.tensor([[math.log(2), 0.0, 0.0]]))
    plus = lambda x: math.log1p(math.exp(x))  # noqa: E731
    terms = objective("D_I", batch())
    assert terms["real"].tolist() == pytest.approx([(plus(-1) + plus(1)) / 2] * B)
    assert terms["fake"].tolist() == pytest.approx([(plus(1) + plus(-1)) / 2] * B)
    terms = objective("D_V", batch())
    assert terms["real"].tolist() == pytest.approx([plus(-2)] * B) and terms["fake"].tolist() == pytest.approx(
        [plus(2)] * B
    )
    # p = (1/2, 1/4, 1/4); the last clip's label is kept from training.
    assert terms["category"].tolist() == pytest.approx([math.log(2), math.log(4), math.log(4), 0.0])
    terms = objective("G", batch())
    assert terms["clip"].tolist() == pytest.approx([plus(-2)] * B)
    assert all(min(abs(v - math.log(2)), abs(v - math.log(4))) < 1e-5 for v in terms["category"].tolist())


@pytest.mark.parametrize("D_V", [{"categories": 0}, {"categories": 0, "patches": True}])
def test_without_categories_nothing_is_mistaken(D_V):
    objective, given = game(**D_V), batch()
    given["video"] = torch.cat([given["video"]] * 2, dim=1)  # patches see more frames
    for player in ("D_V", "G"):
        assert objective(player, given)["category"].tolist() == [0.0] * B


def test_every_player_learns_from_its_own_turn_alone():
    objective = game()
    for player, own in (("D_I", ("D_I",)), ("D_V", ("D_V",)), ("G", ("R_M", "G_I", "D_I", "D_V"))):
        objective.zero_grad(set_to_none=True)
        sum(term.sum() for term in objective(player, batch()).values()).backward()
        reached = {name.split(".")[0] for name, p in objective.model.named_parameters() if p.grad is not None}
        assert reached == set(own)


def test_turns_draw_videos_of_their_own_and_repeat_them():
    objective = game().eval()
    videos = [objective.generated(batch(), turn)[0] for turn in (1, 3, 3)]
    assert torch.equal(videos[1], videos[2]) and not torch.allclose(videos[0], videos[1])


def test_a_sample_depends_on_its_own_seed_alone():
    objective = game().eval()
    whole = objective("G", batch())
    part = objective("G", {name: value[1:3] for name, value in batch().items()})
    for name in whole:
        torch.testing.assert_close(whole[name][1:3], part[name])
