import math

import pytest
import torch

from videogen import noise
from videogen.distributions import interval_log_prob
from videogen.models.image_vae import ImageVae
from videogen.models.pixel_cnn import PixelCnn
from videogen.objectives.likelihood import ExactLikelihood, ImageElbo

B, LEVELS = 3, 17


def batch() -> dict[str, torch.Tensor]:
    levels = torch.randint(0, LEVELS, (B, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    return {"image": 2 * levels / (LEVELS - 1) - 1, "label": torch.arange(B), "seed": torch.arange(B) * 100}


def test_uniform_logits_cost_the_logarithm_of_the_levels():
    torch.manual_seed(0)
    model = PixelCnn(1, 8, 10, LEVELS, width=4)
    torch.nn.init.zeros_(model.out[-1].weight)
    torch.nn.init.zeros_(model.out[-1].bias)
    nats = ExactLikelihood(model)("network", batch())["nats"]
    assert nats.tolist() == pytest.approx([64 * math.log(LEVELS)] * B, rel=1e-5)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_bound_by_hand(likelihood):
    torch.manual_seed(0)
    model = ImageVae(1, 8, 10, z=2, width=4, hidden=8)
    objective, given = ImageElbo(model, likelihood, LEVELS), batch()
    terms = objective("vae", given)
    x, seen = given["image"], objective.model(given["image"], given["label"], drawn(given))
    if likelihood == "bernoulli":
        p, target = seen.raw.sigmoid(), (x + 1) / 2
        expected = -(target * p.log() + (1 - target) * (1 - p).log()).sum((1, 2, 3))
    else:
        mean = (seen.raw / 2).tanh()
        expected = -interval_log_prob(x, mean, model.log_sigma, LEVELS).sum((1, 2, 3))
    torch.testing.assert_close(terms["reconstruction"], expected)
    mu, variance = seen.posterior.mu, seen.posterior.logvar.exp()
    torch.testing.assert_close(terms["kl"], 0.5 * (mu**2 + variance - 1 - variance.log()).sum(1))
    with pytest.raises(ValueError, match="bernoulli or gaussian, got laplace"):
        ImageElbo(model, "laplace", LEVELS)


def drawn(given: dict[str, torch.Tensor]) -> torch.Tensor:
    return noise.normal(given["seed"], 2)
