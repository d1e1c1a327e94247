import math

import pytest
import torch

from videogen.errors import UserError
from videogen.evaluation.statistics import (
    accuracy,
    content_distance,
    frechet_distance,
    inception_score,
    inter_entropy,
    intra_entropy,
    marginals,
    psnr,
    sharpness,
)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_constant_predictions_score_1():
    p = draw(1, 7).softmax(1).expand(20, 7)
    assert inception_score(p) == pytest.approx(1, abs=1e-12)
    assert inter_entropy(p) == pytest.approx(intra_entropy(p), abs=1e-12)


def test_perfect_predictions_of_k_classes_score_k():
    p = torch.eye(90).repeat(3, 1)
    assert intra_entropy(p) == 0
    assert inter_entropy(p) == pytest.approx(math.log(90), abs=1e-12)
    assert inception_score(p) == pytest.approx(90, abs=1e-9)


def test_entropies_by_hand():
    p = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    assert intra_entropy(p) == pytest.approx(math.log(2) / 2)
    assert inter_entropy(p) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


def test_the_score_is_the_mean_divergence_from_the_mean():
    p = draw(50, 9).mul(2).softmax(1)
    divergence = (p * (p / p.mean(0)).log()).sum(1).mean()
    assert inception_score(p) == pytest.approx(divergence.exp().item(), abs=1e-12)
    assert math.log(inception_score(p)) == pytest.approx(inter_entropy(p) - intra_entropy(p), abs=1e-12)


def test_accuracy():
    p = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.4, 0.3, 0.3], [0.0, 1.0, 0.0]])
    assert accuracy(p, torch.tensor([0, 2, 1, 1])) == 0.75


def test_marginals_of_independent_factors_are_the_factors():
    p_identity, p_action = draw(6, 9).softmax(1), draw(6, 10, seed=1).softmax(1)
    joint = (p_identity[:, :, None] * p_action[:, None, :]).flatten(1)
    for marginal, expected in zip(marginals(joint, 9, 10), (p_identity, p_action), strict=True):
        torch.testing.assert_close(marginal, expected)


def test_marginals_index_is_identity_times_actions_plus_action():
    joint = torch.zeros(1, 6)
    joint[0, 1 * 3 + 2] = 1
    p_identity, p_action = marginals(joint, identities=2, actions=3)
    assert p_identity.tolist() == [[0, 1]]
    assert p_action.tolist() == [[0, 0, 1]]


def gaussian(mean: torch.Tensor, root: torch.Tensor, n: int, seed: int) -> torch.Tensor:
    """n samples whose mean is exactly `mean` and whose covariance is exactly `root @ root.T`."""
    white = draw(n, len(mean), seed=seed)
    white = torch.linalg.qr(white - white.mean(0))[0] * math.sqrt(n - 1)
    return white @ root.T + mean


def test_frechet_distance_of_gaussians_with_a_common_basis():
    # Commuting covariances: |mu_a - mu_b|^2 + sum (sigma_a - sigma_b)^2 = 9 + 16 + 1 + 4.
    basis = torch.linalg.qr(draw(2, 2, seed=7))[0]
    a = gaussian(torch.tensor([1.0, 2.0]).double(), basis @ torch.diag(torch.tensor([2.0, 5.0]).double()), 30, seed=1)
    b = gaussian(torch.tensor([4.0, -2.0]).double(), basis @ torch.diag(torch.tensor([3.0, 3.0]).double()), 40, seed=2)
    assert frechet_distance(a, b) == pytest.approx(30, abs=1e-9)


def test_frechet_distance_of_gaussians_without_a_common_basis():
    # In two dimensions tr M^1/2 = sqrt(tr M + 2 sqrt(det M)), with M = S_a S_b.
    root_a, root_b = draw(2, 2, seed=3), draw(2, 2, seed=4)
    a, b = gaussian(torch.zeros(2).double(), root_a, 20, seed=5), gaussian(torch.ones(2).double(), root_b, 20, seed=6)
    product = root_a @ root_a.T @ root_b @ root_b.T
    root_trace = (product.trace() + 2 * product.det().sqrt()).sqrt()
    expected = 2 + root_a.square().sum() + root_b.square().sum() - 2 * root_trace
    assert frechet_distance(a, b) == pytest.approx(expected.item(), abs=1e-9)


@pytest.mark.parametrize("n", [100, 5])  # 5 samples in 16 dimensions: the covariance is singular
def test_frechet_distance_is_symmetric_and_zero_for_the_same(n):
    a, b = draw(n, 16, seed=1), 2 * draw(n + 3, 16, seed=2) + 1
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)
    assert frechet_distance(a, b) > 1
    assert 0 <= frechet_distance(a, a.flip(0)) < 1e-6
    assert frechet_distance(a, a + 2) == pytest.approx(16 * 4, abs=1e-5)


def test_frechet_distance_of_one_sample_is_told():
    with pytest.raises(UserError, match="at least 2 samples"):
        frechet_distance(draw(10, 4), draw(1, 4))


@pytest.mark.parametrize("channels", [1, 3])
def test_sharpness(channels):
    x = draw(3, 4, channels, 16, 16).float().clamp(-1, 1)
    blurred = torch.nn.functional.avg_pool2d(x.flatten(0, 1), 3, stride=1, padding=1).view_as(x)
    assert sharpness(x, x) == 1
    assert sharpness(blurred, x) < 0.2
    assert sharpness(x * 0.5, x) == pytest.approx(0.25)
    assert sharpness(x + 0.3, x) == pytest.approx(1, rel=1e-5)  # brightness is no detail
    assert sharpness(torch.zeros_like(x), x) == 0


def test_sharpness_by_hand():
    # One bright pixel of height 1 in the middle of 5x5: the inner 3x3 answers 4 there and -1 at its four neighbours.
    dot, edge = torch.zeros(1, 1, 3, 5, 5), torch.zeros(1, 1, 3, 5, 5)
    dot[..., 2, 2] = 1
    edge[..., 2:] = 1  # answers +-1 in two of the three inner columns
    assert sharpness(dot, edge) == pytest.approx((16 + 4) / 6)


def test_psnr_by_hand_for_each_sample():
    a = torch.zeros(3, 2, 3, 4, 4)
    b = a + torch.tensor([0.2, 2.0, 0.0]).view(3, 1, 1, 1, 1)
    expected = torch.tensor([20.0, 0.0, math.inf], dtype=torch.float64)  # 10 log10(4 / .04), 10 log10(4 / 4)
    torch.testing.assert_close(psnr(a, b), expected, rtol=1e-6, atol=1e-6)


def test_content_distance_by_hand():
    """Frames at 0, 3 and 4: distances 3, 4 and 1."""
    features = torch.tensor([[[0.0, 0.0], [0.0, 3.0], [0.0, 4.0]], [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]])
    assert content_distance(features) == pytest.approx((8 / 3 + 0) / 2)
    assert content_distance(features[:, :1]) == 0
    assert content_distance(features[:, [2, 0, 1]]) == pytest.approx(content_distance(features))
