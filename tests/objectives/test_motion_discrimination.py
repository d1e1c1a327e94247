import torch
from torch import nn

from videogen.objectives.motion_discrimination import MotionDiscrimination, worn


class Blind(nn.Module):
    """Knows nothing: every answer is as likely."""

    actions = 3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(x), 4)


def clips(b: int = 400) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x = torch.randn(b, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return x, torch.arange(b) % 3, torch.arange(b) + 5


def test_half_is_tampered_with_and_says_so():
    x, action, seeds = clips()
    shown, wrong = MotionDiscrimination(Blind(), ["jack", "run", "wave"]).tampered(x, action, seeds)
    assert 0.42 < wrong.float().mean() < 0.58
    changed = torch.tensor([not (torch.equal(a, b) or torch.equal(a, b.flip(0))) for a, b in zip(x, shown, strict=True)])
    assert not changed[~wrong].any() and changed[wrong].float().mean() > 0.97


def test_backwards_is_wrong_only_where_it_matters():
    x, action, seeds = clips()
    shown, wrong = MotionDiscrimination(Blind(), ["jack", "run", "wave"], ["run", "swim"]).tampered(x, action, seeds)
    backwards = torch.tensor([torch.equal(a, b.flip(0)) for a, b in zip(x, shown, strict=True)])
    assert 0.1 < backwards.float().mean() < 0.25
    assert wrong[backwards & (action == 1)].all() and not wrong[backwards & (action != 1)].any()


def test_nothing_is_played_backwards_where_that_is_another_action():
    x, action, seeds = clips()
    objective = MotionDiscrimination(Blind(), ["jack", "run", "wave"], ["run"], backwards=False)
    shown, wrong = objective.tampered(x, action, seeds)
    same = torch.tensor([torch.equal(a, b) for a, b in zip(x, shown, strict=True)])
    assert not any(torch.equal(a, b.flip(0)) for a, b in zip(x, shown, strict=True))
    assert not wrong[same].any() and same.float().mean() > 0.4


def test_a_clip_does_not_see_its_batch_but_for_what_is_mixed_into_it():
    x, action, seeds = clips(60)
    objective = MotionDiscrimination(Blind(), ["jack", "run", "wave"])
    shown, _ = objective.tampered(x, action, seeds)
    again, _ = objective.tampered(x.clone(), action, seeds)
    assert torch.equal(shown, again)
    alone = [
        torch.equal(objective.tampered(x[k : k + 1], action[k : k + 1], seeds[k : k + 1])[0][0], shown[k])
        for k in range(60)
    ]
    assert sum(alone) >= 50


def test_terms():
    x, action, seeds = clips(8)
    objective = MotionDiscrimination(Blind(), ["jack", "run", "wave"])
    terms = objective("motion_judge", {"video": x, "action": action, "seed": seeds})
    assert set(terms) == {"cross_entropy", "error"}
    torch.testing.assert_close(terms["cross_entropy"], torch.full((8,), 4.0).log())


def test_wear_keeps_a_still_still():
    x, _, seeds = clips(3)
    still = worn(x[:, :1].expand(-1, 6, -1, -1, -1), seeds)
    assert still.shape == x.shape
    assert (still[:, 1:] - still[:, :-1]).abs().max() < 0.4  # no more than the noise
