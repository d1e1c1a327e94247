from types import SimpleNamespace

import pytest
import torch
from torch.distributions import Laplace, Normal, kl_divergence
from torch.nn.functional import cross_entropy

from videogen import noise
from videogen.distributions import Gaussian
from videogen.models.video_vae import VideoVae
from videogen.models.video_vae_paper import VideoVaePaper
from videogen.objectives.video_elbo import AttributeElbo, VideoElbo, some, some_frames

B, T, Z = 4, 3, 5


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def batch(size: int = 16, channels: int = 1) -> dict[str, torch.Tensor]:
    return {
        "video": draw(B, T, channels, size, size, seed=1).tanh(),
        "identity": torch.tensor([0, 1, 1, 0]),
        "action": torch.tensor([2, 0, 1, 1]),
        "seed": torch.tensor([11, 12, 13, 14]),
    }


def video_vae(likelihood: str = "gaussian", sigma: float = 0.2) -> VideoElbo:
    torch.manual_seed(0)
    model = VideoVae(channels=1, size=16, identities=2, actions=3, z=Z, hidden=16, width=16, features=16)
    return VideoElbo(model, likelihood, sigma)


def gaussian(seed: int) -> Gaussian:
    return Gaussian(draw(B, T, Z, seed=seed), draw(B, T, Z, seed=seed + 1))


def normal(g: Gaussian) -> Normal:
    return Normal(g.mu, (0.5 * g.logvar).exp())


@pytest.mark.parametrize("likelihood, density", [("gaussian", Normal), ("laplace", Laplace)])
@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_terms_by_torchs_distributions(likelihood, density, sigma):
    x, x_hat, posterior, prior = batch()["video"], draw(B, T, 1, 16, 16, seed=2).tanh(), gaussian(3), gaussian(5)
    rollout = SimpleNamespace(x_hat=x_hat, posterior=posterior, prior=prior)
    terms = video_vae(likelihood, sigma).bound(x, rollout)
    expected = -density(x_hat, sigma).log_prob(x).sum((1, 2, 3, 4))
    torch.testing.assert_close(terms["reconstruction"], expected, rtol=1e-5, atol=1e-2)
    torch.testing.assert_close(terms["kl"], kl_divergence(normal(posterior), normal(prior)).sum((1, 2)))


def test_a_perfect_reconstruction_costs_the_normaliser():
    x = batch()["video"]
    rollout = SimpleNamespace(x_hat=x, posterior=gaussian(3), prior=gaussian(3))
    terms = video_vae(sigma=1.0).bound(x, rollout)
    torch.testing.assert_close(terms["reconstruction"], torch.full((B,), 0.9189385 * T * 16 * 16), rtol=1e-5, atol=0)
    assert terms["kl"].abs().max() == 0


def test_terms_are_one_a_sample_and_do_not_depend_on_the_batch():
    objective, together = video_vae(), batch()
    terms = objective("vae", together)
    assert {name: term.shape for name, term in terms.items()} == {"reconstruction": (B,), "kl": (B,)}
    for i in range(B):
        alone = objective("vae", {name: value[i : i + 1] for name, value in together.items()})
        for name in terms:
            torch.testing.assert_close(alone[name][0], terms[name][i], rtol=1e-4, atol=1e-4)


def test_the_noise_is_the_samples_own():
    objective, one = video_vae(), batch()
    terms = objective("vae", one)
    torch.manual_seed(7)  # another global state
    assert torch.equal(objective("vae", one)["kl"], terms["kl"])
    other = objective("vae", one | {"seed": torch.tensor([11, 12, 13, 99])})
    assert torch.equal(other["reconstruction"][:3], terms["reconstruction"][:3])
    assert other["reconstruction"][3] != terms["reconstruction"][3]


def test_attributes_are_the_mean_over_frames_of_two_cross_entropies():
    torch.manual_seed(0)
    model = VideoVaePaper(channels=1, size=64, identities=2, actions=3, z=Z, hidden=8).eval()
    objective, one = AttributeElbo(model, "laplace"), batch(size=64)
    terms = objective("vae", one)
    assert {name: term.shape for name, term in terms.items()} == dict.fromkeys(("reconstruction", "kl", "attributes"), (B,))
    features = objective.rollout(one).features
    expected = torch.zeros(B)
    for t in range(T):
        identity, action = model.infer_attributes(features[:, t])
        expected += cross_entropy(identity, one["identity"], reduction="none") / T
        expected += cross_entropy(action, one["action"], reduction="none") / T
    torch.testing.assert_close(terms["attributes"], expected)


def test_a_blind_clip_s_posterior_sees_its_first_frame_alone():
    model, given = video_vae().model, batch()
    a, eps = model.attributes(given["identity"], given["action"]), noise.normal(given["seed"], T, Z)
    held = VideoElbo(model, blind=1.0)
    by_hand = held.bound(given["video"], model(given["video"], a, eps, torch.ones(B, dtype=torch.int64)))
    torch.testing.assert_close(held("vae", given), by_hand)
    some, none = VideoElbo(model, blind=0.5)("vae", given), VideoElbo(model)("vae", given)
    for name in ("reconstruction", "kl"):
        alike = [
            torch.isclose(some[name][k], by_hand[name][k]) or torch.isclose(some[name][k], none[name][k]) for k in range(B)
        ]
        assert all(alike)
    with pytest.raises(ValueError, match="share"):
        VideoElbo(model, blind=-0.1)


def test_fewer_frames_decoded_are_the_same_bound_on_average():
    model, given = video_vae().model, batch()
    whole, all_shown = VideoElbo(model)("vae", given), VideoElbo(model, shown=T)("vae", given)
    torch.testing.assert_close(all_shown, whole)  # in another order
    one = VideoElbo(model, shown=1)("vae", given)
    assert torch.equal(one["kl"], whole["kl"]) and not torch.allclose(one["reconstruction"], whole["reconstruction"])
    shown = some_frames(given, 1)
    a, eps = model.attributes(given["identity"], given["action"]), noise.normal(given["seed"], T, Z)
    x_hat = model(given["video"], a, eps).x_hat
    by_hand = VideoElbo(model).energy(some(given["video"], shown), some(x_hat, shown)) * T
    torch.testing.assert_close(one["reconstruction"], by_hand)


def test_an_unknown_likelihood_is_told():
    with pytest.raises(ValueError, match="gaussian or laplace, got 'poisson'"):
        video_vae("poisson")


@pytest.mark.parametrize("option", [{"blind": 0.5}, {"shown": 2}])
def test_a_model_without_the_option_is_told(option):
    model = VideoVaePaper(channels=3, size=64, identities=2, actions=2)
    with pytest.raises(ValueError, match=f"VideoVaePaper cannot be trained with {next(iter(option))}"):
        VideoElbo(model, **option)
