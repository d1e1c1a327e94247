import torch
from torch import nn

from videogen.objectives.classification import Classification


class Fixed(nn.Module):
    """A judge of 2 identities x 3 actions whose logits are the video."""

    actions = 3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def terms(logits: torch.Tensor, identity: list[int], action: list[int]) -> dict[str, torch.Tensor]:
    batch = {
        "video": logits[:, :, None, None, None],
        "identity": torch.tensor(identity),
        "action": torch.tensor(action),
        "seed": torch.arange(len(action)),
    }
    return Classification(Fixed())("judge", batch)


def test_cross_entropy_of_the_joint_class_by_hand():
    p = torch.tensor([[0.1, 0.1, 0.1, 0.1, 0.1, 0.5], [0.05, 0.7, 0.05, 0.1, 0.05, 0.05]])
    found = terms(p.log(), identity=[1, 1], action=[2, 0])  # classes 5 and 3
    torch.testing.assert_close(found["cross_entropy"], -torch.tensor([0.5, 0.1]).log())
    assert found["error"].tolist() == [0, 1]


def test_logits_of_half_precision_are_judged_in_full():
    found = terms(torch.randn(4, 6).bfloat16(), identity=[0, 1, 0, 1], action=[0, 1, 2, 0])
    assert {name: (term.shape, term.dtype) for name, term in found.items()} == dict.fromkeys(
        ("cross_entropy", "error"), ((4,), torch.float32)
    )


def test_a_judge_that_must_not_go_by_places_is_shown_others():
    class Columns(Fixed):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((1, 2, 3))  # the brightness of each of six columns

    x = torch.zeros(2, 3, 1, 6, 6)
    x[..., 3] = 5.0
    batch = {"video": x, "identity": torch.ones(2).long(), "action": torch.zeros(2).long(), "seed": torch.tensor([1, 2])}
    still, moved = (Classification(Columns(), moved=m)("judge", batch)["cross_entropy"] for m in (0.0, 0.3))
    assert still[0] == still[1] and moved[0] != moved[1] and not torch.isclose(still, moved).any()
    torch.testing.assert_close(moved, Classification(Columns(), moved=0.3)("judge", batch)["cross_entropy"])
