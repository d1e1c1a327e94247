import math
from types import SimpleNamespace

import pytest
import torch

from videogen.distributions import Gaussian
from videogen.evaluation.image_scores import Shown, bits_per_dim, bounded_nats, exact_nats, judged_images, likelihood
from videogen.models.image_judge import ImageJudge
from videogen.models.image_vae import ImageVae
from videogen.models.pixel_cnn import PixelCnn

LEVELS = 17


def digits(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(0, LEVELS, (n, 1, 8, 8), generator=generator)
    return 2 * levels / (LEVELS - 1) - 1, torch.arange(n) % 10


def test_a_bit_is_a_bit():
    assert bits_per_dim(torch.full((3,), 64 * math.log(2)), 64) == pytest.approx(1)


def test_an_untrained_pixel_cnn_pays_the_logarithm_of_the_levels():
    model = PixelCnn(1, 8, 10, LEVELS, width=4)
    for parameter in model.out[-1].parameters():
        torch.nn.init.zeros_(parameter)
    x, y = digits(5)
    assert bits_per_dim(exact_nats(model, x, y, batch=2), 64) == pytest.approx(math.log2(LEVELS), rel=1e-5)


def test_the_weighted_bound_is_tighter_and_both_are_exact_where_the_posterior_is_the_prior():
    torch.manual_seed(0)
    model = ImageVae(1, 8, 10, z=2, width=4, hidden=8).eval()
    x, y = digits(6)
    elbo, weighted = bounded_nats(model, x, y, LEVELS, samples=32, batch=4)
    assert elbo.shape == weighted.shape == (6,) and (weighted < elbo).all()
    model.encode = lambda x, y: Gaussian(torch.zeros(len(x), 2), torch.zeros(len(x), 2))  # type: ignore[method-assign]
    model.raw = lambda z, y: torch.zeros(len(z), 1, 8, 8)  # type: ignore[method-assign]
    elbo, weighted = bounded_nats(model, x, y, LEVELS, samples=8)
    torch.testing.assert_close(elbo, weighted)
    assert torch.equal(elbo[:2], bounded_nats(model, x[:2], y[:2], LEVELS, samples=8)[0])


def test_a_judge_s_word_on_images():
    torch.manual_seed(0)
    judge = ImageJudge(1, 8, 10, width=4, features=6).eval()
    a, b = Shown(*digits(120)), Shown(*digits(120, seed=1))
    same, other = judged_images(judge, a, a, told=True), judged_images(judge, b, a, told=False)
    assert same["fid"] == pytest.approx(0, abs=1e-6) and other["fid"] > same["fid"]
    assert same["inception_score"] >= 1 and same["samples"] == 120
    assert other["label_accuracy"] is None and 0 <= same["label_accuracy"] <= 1
    assert judged_images(judge, b, a, told=False) == other  # the metrics' own draws included


def test_kid_does_not_depend_on_the_scale_of_the_features():
    torch.manual_seed(0)
    judge = ImageJudge(1, 8, 10, width=4, features=6).eval()
    a, b = Shown(*digits(120)), Shown(*digits(120, seed=1))
    plain, features = judged_images(judge, b, a, told=False)["kid"], judge.features
    judge.features = lambda x: 50 * features(x)
    judge.forward = lambda x: judge.classes(features(x))
    assert judged_images(judge, b, a, told=False)["kid"] == pytest.approx(plain, abs=1e-6)


def test_only_a_likelihood_has_bits():
    held, real = PixelCnn(1, 8, 10, LEVELS, width=4), Shown(*digits(3))
    for objective, columns in (("likelihood.ExactLikelihood", {"bits_per_dim"}), ("lapgan.LapGan", set())):
        config = {"objective": {"_target_": f"videogen.objectives.{objective}"}, "data": {"levels": LEVELS}}
        assert likelihood(SimpleNamespace(model=held, config=config), real, 2).keys() == columns
