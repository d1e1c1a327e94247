"""The game of a GAN on images, whatever it is played with: Algorithm 1 of Goodfellow et al. 2014 and its relatives.

The criterion is named in YAML. What terms there are depends on what the networks say: a D that names classes, or guesses
the code, is held to it.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen import noise, processes
from videogen.objectives.criteria import each, named
from videogen.objectives.objective import Batch, Objective, Terms


class Gan(Objective):
    """Players D and G; D's steps for each of G's (k of Algorithm 1) are `players.G.every`.

    D   real, fake
        penalty                 (norm of D's gradient - 1)^2 between real and made images, with `penalty` (WGAN-GP,
                                Gulrajani et al. 2017, equation 3)
        class_real, class_fake  cross-entropies, nats, where D names classes (AC-GAN, equation 3)
        category, continuous    -log Q(c|x) of what was made, nats, where D guesses the code (InfoGAN, equation 5): of its
                                category, and of its numbers, which are given a Gaussian
    G   adversarial, and likewise `class`, `category` and `continuous`

    Each player sees images that were made for its own turn.
    """

    def __init__(self, model: nn.Module, criterion: str = "non_saturating", penalty: bool = False):
        super().__init__(model)
        self.criterion, self.penalty = named(criterion), penalty

    def D(self, batch: Batch) -> Terms:
        x, y = batch["image"], batch["label"]
        with torch.no_grad():
            made, wanted, eps = self.made(batch, 0)
        real, fake = self.model.judge(x, y), self.model.judge(made, wanted)
        terms = {"real": each(self.criterion.real(real.score)), "fake": each(self.criterion.fake(fake.score))}
        if self.penalty:
            terms["penalty"] = self.gradient_penalty(x, made, y, batch)
        if real.classes is not None:
            terms["class_real"] = functional.cross_entropy(real.classes, y, reduction="none") * batch["labelled"]
            terms["class_fake"] = functional.cross_entropy(fake.classes, wanted, reduction="none")
        if fake.code is not None:
            terms |= self.surprise(fake.code, eps)
        return terms

    def G(self, batch: Batch) -> Terms:
        made, wanted, eps = self.made(batch, 1)
        fake = self.model.judge(made, wanted)
        terms = {"adversarial": each(self.criterion.generator(fake.score))}
        if fake.classes is not None:
            terms["class"] = functional.cross_entropy(fake.classes, wanted, reduction="none")
        if fake.code is not None:
            terms |= self.surprise(fake.code, eps)
        return terms

    def made(self, batch: Batch, turn: int) -> tuple[Float[Tensor, "b c h w"], Int64[Tensor, "b"], Float[Tensor, "b z"]]:
        """As many images as the batch has, with the labels that they are to have, those of the batch, and their noise."""
        eps = noise.normal(batch["seed"] + turn, self.model.z)
        return self.model.sample(batch["label"], eps), batch["label"], eps

    def surprise(self, code: Float[Tensor, "b q"], eps: Float[Tensor, "b z"]) -> Terms:
        """-log Q(c|x): cross-entropy of the category, and of a Gaussian for the continuous part, nats."""
        k, n = self.model.categories, self.model.continuous
        category, uniform = self.model.factors(eps)
        terms: Terms = {"category": functional.cross_entropy(code[:, :k], category, reduction="none")} if k else {}
        if n:
            mu, logvar = code[:, k : k + n], code[:, k + n :]
            nats = functional.gaussian_nll_loss(mu, uniform, logvar.exp(), full=True, reduction="none")
            terms["continuous"] = nats.sum(1)
        return terms

    def gradient_penalty(
        self, x: Float[Tensor, "b c h w"], made: Float[Tensor, "b c h w"], y: Int64[Tensor, "b"], batch: Batch
    ) -> Float[Tensor, "b"]:
        share = torch.special.ndtr(noise.normal(batch["seed"] + 2, 1))[:, :, None, None]
        between = torch.lerp(x, made.to(x.dtype), share).requires_grad_()
        score = self.model.judge(between, y).score.sum()
        (gradient,) = torch.autograd.grad(score, between, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1) ** 2


class BoundarySeekingGan(Gan):
    """BS-GAN (Hjelm et al. 2017, section 3.2): G brings its samples to where D cannot decide.

    adversarial   (v - log Z)^2 / 2, where log Z = log E exp(v) is 0 at the boundary

    memory   of a running estimate of log Z. None takes it for the 0 that it is at the end: an estimate follows v wherever
             G takes it, and a G whose samples are all alike has no loss left (on the digits it makes one digit)
    """

    log_z: Tensor

    def __init__(self, model: nn.Module, memory: float | None = None, **game: str | bool):
        super().__init__(model, **game)  # type: ignore[arg-type]
        self.memory = memory
        self.register_buffer("log_z", torch.zeros(()))

    def G(self, batch: Batch) -> Terms:
        made, wanted, _ = self.made(batch, 1)
        v = self.model.judge(made, wanted).score
        if self.memory is not None:
            all_v = processes.rows(v.detach())
            self.log_z.lerp_(torch.logsumexp(all_v, 0) - math.log(len(all_v)), 1 - self.memory)
        return {"adversarial": (v - self.log_z) ** 2 / 2}
