"""Objectives of models with a likelihood, or a bound of it, on images; in nats an image."""

from torch import nn
from torch.nn import functional

from videogen import noise, pixels
from videogen.distributions import interval_log_prob, standard
from videogen.objectives.objective import Batch, Objective, Terms


class ExactLikelihood(Objective):
    """-log p(x), in nats, of a model that gives logits for every value of every sub-pixel."""

    def network(self, batch: Batch) -> Terms:
        logits = self.model(batch["image"], batch["label"])
        target = pixels.to_levels(batch["image"], self.model.levels)
        return {"nats": functional.cross_entropy(logits, target, reduction="none").flatten(1).sum(1)}


class ImageElbo(Objective):
    """The negative evidence lower bound (Kingma & Welling 2014, equation 3) in two terms; beta is the weight of `kl`.

    likelihood   bernoulli: of pixels in [0, 1], as if each were a probability (cross-entropy)
                 gaussian: of the interval that a pixel's level stands for, under N(x_hat, sigma^2): a probability, so that
                 the bound can be set beside an exact likelihood
    levels       how many values a pixel can take
    """

    def __init__(self, model: nn.Module, likelihood: str, levels: int):
        super().__init__(model)
        if likelihood not in ("bernoulli", "gaussian"):
            raise ValueError(f"likelihood must be bernoulli or gaussian, got {likelihood}")
        self.likelihood, self.levels = likelihood, levels

    def vae(self, batch: Batch) -> Terms:
        x, y = batch["image"], batch["label"]
        seen = self.model(x, y, noise.normal(batch["seed"], self.model.z))
        if self.likelihood == "bernoulli":
            nats = functional.binary_cross_entropy_with_logits(seen.raw, (x + 1) / 2, reduction="none")
        else:
            nats = -interval_log_prob(x, (seen.raw / 2).tanh(), self.model.log_sigma, self.levels)
        return {"reconstruction": nats.flatten(1).sum(1), "kl": seen.posterior.kl(standard(seen.posterior.mu))}
