import pytest
import torch
from torch.nn import functional

from videogen.models.critics import Critic, PatchCritic, grey_and_change

B, T = 3, 5


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def clip(size: int = 16) -> torch.Tensor:
    return draw(B, T, 1, size, size, seed=7).tanh()


def critic(spectral: bool = True) -> Critic:
    torch.manual_seed(0)
    return Critic(channels=1, identities=2, actions=3, motion=8, width=8, spectral=spectral).eval()


def weighed(net: torch.nn.Module) -> list[torch.nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)]


def test_critics():
    x, identity = clip(size=32), torch.eye(2)[[0, 1, 0]]
    scores, others = critic().patches(x, identity, identity.flip(1))
    assert scores.shape == (B, T * 32)  # 32 pixels: 4 x 4 small patches, and 2 x 2 large ones, each four times
    assert not torch.allclose(scores, others, atol=1e-4)
    assert torch.equal(others, critic().patches(x, identity.flip(1))[0])
    for part in ("real_patch", "real_motion"):  # spectral, unless told not to
        norms, free = (
            torch.stack([torch.linalg.matrix_norm(layer.weight.flatten(1), 2) for layer in weighed(getattr(own, part))])
            for own in (critic(), critic(spectral=False))
        )
        torch.testing.assert_close(norms, torch.ones(len(norms)), rtol=0, atol=0.2)
        assert (free - 1).abs().max() > 0.3
    owners = critic().owners(draw(B, T, 8), torch.eye(3))
    assert owners.shape == (B, T, 2)
    torch.testing.assert_close(owners.exp().sum(-1), torch.ones(B, T))


def test_a_critic_without_spectral_normalisation_sees_what_is_soft():
    """Bars on a wall of somebody's colour, sharp and smoothed; under wrong names, too, which are much easier to tell."""
    torch.manual_seed(0)
    patches = PatchCritic(channels=1, identities=2, width=8, spectral=False)
    optimizer = torch.optim.Adam(patches.parameters(), 2e-3, betas=(0.0, 0.9))

    def frames(seed: int, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        drawn = torch.Generator().manual_seed(seed)
        who, place = torch.randint(2, (n,), generator=drawn), torch.randint(4, 26, (n, 2), generator=drawn)
        sharp = (0.8 * who - 0.4)[:, None, None, None].repeat(1, 1, 32, 32)
        for frame, (y, x) in zip(sharp, place.tolist(), strict=True):
            frame[:, y : y + 2, x - 4 : x + 5] *= -1
        soft = functional.avg_pool2d(functional.pad(sharp, (2, 2, 2, 2), mode="replicate"), 5, 1)
        return sharp, soft, functional.one_hot(who, 2).float()

    for step in range(200):
        sharp, soft, who = frames(step, 16)
        (real, wrong), (fake,) = patches(sharp, who, who.flip(1)), patches(soft, who)
        loss = sum((1 - score).relu().mean() for score in real) + 0.7 * sum((1 + score).relu().mean() for score in fake)
        loss = loss + 0.3 * sum((1 + score).relu().mean() for score in wrong)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    sharp, soft, who = frames(1000, 64)
    (real,), (fake,) = patches(sharp, who), patches(soft, who)
    apart = sum(a.mean() - b.mean() for a, b in zip(real, fake, strict=True))
    assert apart > 1, f"the hinge asks for 2 a scale; with spectral normalisation it is .01 after as long: {apart:.2f}"


@pytest.mark.parametrize(("score", "least", "most"), [(27, 12, 22), (64 + 4 * 5, 30, 46)])
def test_how_much_a_patch_sees(score, least, most):
    """22 pixels on a side, too little of a body to know the action; and 46, as tall and broad as somebody is."""
    x = torch.zeros(1, 1, 1, 64, 64, requires_grad=True)
    critic().patches(x, torch.eye(2)[:1])[0][0, score].backward()
    assert x.grad is not None
    touched = x.grad[0, 0, 0].abs().sum(0).nonzero()
    assert least <= touched.max() - touched.min() < most


def test_the_critic_of_motion_knows_actions_and_what_changes_but_no_identity():
    x, actions = clip(), torch.eye(3)
    one, other = critic().real_motion(x, actions, actions.roll(1, 0))
    assert one.shape == (B,) and not torch.allclose(one, other, atol=1e-4)
    assert not torch.allclose(one, critic().real_motion(x.flip(1), actions)[0], atol=1e-4)
    seen = grey_and_change(torch.cat([x, x + 1], dim=2))
    torch.testing.assert_close(seen[:, 0], functional.avg_pool2d(x[:, :, 0] + 0.5, 2))
    assert seen[:, 1, 0].abs().max() == 0  # nothing was before the first frame
    torch.testing.assert_close(seen[:, 1, 2], 8 * (seen[:, 0, 2] - seen[:, 0, 1]))
