import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from videogen.distributions import Gaussian, interval_log_prob, stack


def gaussian(seed: int, *shape: int) -> Gaussian:
    generator = torch.Generator().manual_seed(seed)
    return Gaussian(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))


def normal(g: Gaussian) -> Normal:
    return Normal(g.mu, (0.5 * g.logvar).exp())


def test_kl_and_log_probability_are_torchs_own():
    p, q, x = gaussian(0, 4, 3, 5), gaussian(1, 4, 3, 5), gaussian(2, 4, 3, 5).mu
    torch.testing.assert_close(p.kl(q), kl_divergence(normal(p), normal(q)).sum(-1))
    torch.testing.assert_close(p.log_prob(x), normal(p).log_prob(x).sum(-1))
    assert p.kl(p).abs().max() == 0


def test_a_sample_is_mu_plus_sigma_eps():
    g, eps = Gaussian(torch.tensor([1.0, -2.0]), torch.tensor([0.0, 2.0])), torch.tensor([3.0, -1.0])
    torch.testing.assert_close(g.sample(eps), torch.tensor([4.0, -2.0 - torch.e]))
    assert torch.equal(g.sample(torch.zeros(2)), g.mu)


def test_parameters_split_in_halves_and_logvar_is_bounded():
    g = Gaussian.from_parameters(torch.tensor([[100.0, 2.0, 50.0, -50.0]]))
    assert g.mu.tolist() == [[100.0, 2.0]]
    assert g.logvar.tolist() == [[8.0, -8.0]]


@pytest.mark.parametrize("dim", [0, 1])
def test_stacked_frames_keep_their_order(dim):
    frames = [gaussian(seed, 2, 3) for seed in range(4)]
    clip = stack(frames, dim)
    for t, frame in enumerate(frames):
        assert torch.equal(clip.mu.select(dim, t), frame.mu)
        assert torch.equal(clip.logvar.select(dim, t), frame.logvar)


@pytest.mark.parametrize("mean, sigma", [(0.0, 0.3), (-0.9, 0.05), (1.0, 1e-3), (3.0, 0.1)])
def test_the_probabilities_of_all_levels_sum_to_1(mean, sigma):
    x = torch.linspace(-1, 1, 17, dtype=torch.float64)
    p = interval_log_prob(x, torch.full_like(x, mean), torch.tensor(math.log(sigma), dtype=torch.float64), 17)
    assert p.exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert p.isfinite().all() or sigma < 0.2  # far away it may be 0


def test_a_wide_interval_by_hand():
    """Three levels: half of N(0, 1/4) within .5 on either side of 0."""
    x = torch.tensor([-1.0, 0.0, 1.0])
    p = interval_log_prob(x, torch.zeros(3), torch.tensor(math.log(0.5)), 3).exp()
    inside = math.erf(1 / math.sqrt(2))
    assert p.tolist() == pytest.approx([(1 - inside) / 2, inside, (1 - inside) / 2], rel=1e-5)
