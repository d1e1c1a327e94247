"""The evidence lower bound of a video model with a latent per frame (VideoVAE; equations in the model files)."""

import inspect
import math
from typing import Any

import torch
from einops import rearrange, reduce, repeat
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen import noise
from videogen.objectives.objective import Batch, Objective, Terms


class VideoElbo(Objective):
    """reconstruction = -sum_t log p(x_t | z_<=t), kl = sum_t KL(q(z_t) || p(z_t | past)); both in nats per clip.

    Their sum with weights 1 is the negative bound. Frames are compared in [-1, 1]:

    likelihood  "gaussian" (squared error) or "laplace" (absolute error)
    sigma       the likelihood's scale, fixed. A learned one goes to ~0.03 and pays for wall texture with bits that no
                prior can predict: they flicker when generated.
    blind       the share of clips of which the posterior sees the first frame alone and goes on as the prior does: still a
                bound, and the one that counts where a video has to follow from one frame
    shown       how many frames of each clip are decoded; the reconstruction is scaled up, so that the bound stays unbiased.
                None decodes all
    """

    def __init__(
        self,
        model: nn.Module,
        likelihood: str = "gaussian",
        sigma: float = 0.2,
        blind: float = 0.0,
        shown: int | None = None,
    ):
        super().__init__(model)
        if likelihood not in ("gaussian", "laplace"):
            raise ValueError(f"likelihood must be gaussian or laplace, got {likelihood!r}")
        if not 0 <= blind <= 1:
            raise ValueError(f"blind is a share between 0 and 1, got {blind}")
        if shown is not None and shown < 1:
            raise ValueError(f"shown must be at least 1, got {shown}")
        taken = inspect.signature(model.forward).parameters
        for name, option, parameter in (("blind", blind, "given"), ("shown", shown, "shown")):
            if option and parameter not in taken:
                raise ValueError(f"{type(model).__name__} cannot be trained with {name}: forward takes no `{parameter}`")
        self.likelihood, self.sigma, self.blind, self.shown = likelihood, sigma, blind, shown

    def vae(self, batch: Batch) -> Terms:
        if self.shown is None:
            return self.bound(batch["video"], self.rollout(batch))
        shown = some_frames(batch, self.shown)
        rollout = self.rollout(batch, shown=shown)
        energy = self.energy_of_some(batch["video"], shown, rollout.x_hat)
        return {"reconstruction": energy, "kl": rollout.posterior.kl(rollout.prior).sum(-1)}

    def rollout(self, batch: Batch, **asked: Tensor) -> Any:
        """The model's pass over the batch, with each sample's own noise."""
        a, frames = self.model.attributes(batch["identity"], batch["action"]), batch["video"].shape[1]
        if self.blind:
            blind = torch.special.ndtr(noise.normal(batch["seed"] + 1, 1)[:, 0]) < self.blind
            asked["given"] = torch.where(blind, 1, frames)
        return self.model(batch["video"], a, noise.normal(batch["seed"], frames, self.model.z), **asked)

    def bound(self, x: Float[Tensor, "b t c h w"], rollout: Any) -> Terms:
        return {"reconstruction": self.energy(x, rollout.x_hat), "kl": rollout.posterior.kl(rollout.prior).sum(-1)}

    def energy(self, x: Float[Tensor, "b t c h w"], x_hat: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b"]:
        """-log p(x | x_hat), nats per clip."""
        scaled = (x_hat.float() - x) / self.sigma
        if self.likelihood == "gaussian":
            energy, normaliser = 0.5 * scaled**2, math.log(self.sigma * math.sqrt(2 * math.pi))
        else:
            energy, normaliser = scaled.abs(), math.log(2 * self.sigma)
        return reduce(energy, "b t c h w -> b", "sum") + normaliser * x[0].numel()

    def energy_of_some(
        self, x: Float[Tensor, "b t c h w"], shown: Int64[Tensor, "b s"], x_hat: Float[Tensor, "b s c h w"]
    ) -> Float[Tensor, "b"]:
        """An unbiased estimate of the energy of all frames, from those that are shown."""
        return self.energy(some(x, shown), x_hat) * (x.shape[1] / shown.shape[1])


class AttributeElbo(VideoElbo):
    """The bound, and `attributes`: the cross-entropy of identity and action inferred from each frame, nats per frame.

    The paper trains its encoder on the attributes; for models with an attribute net, of which all frames are decoded.
    """

    def __init__(self, model: nn.Module, likelihood: str = "gaussian", sigma: float = 0.2):
        super().__init__(model, likelihood, sigma)

    def vae(self, batch: Batch) -> Terms:
        rollout = self.rollout(batch)
        logits = self.model.infer_attributes(rollout.features)
        entropies = [
            functional.cross_entropy(
                rearrange(guess.float(), "b t k -> b k t"), repeat(label, "b -> b t", t=guess.shape[1]), reduction="none"
            )
            for guess, label in zip(logits, (batch["identity"], batch["action"]), strict=True)
        ]
        return {**self.bound(batch["video"], rollout), "attributes": torch.stack(entropies).sum(0).mean(-1)}


def some_frames(batch: Batch, count: int | None) -> Int64[Tensor, "b s"]:
    """`count` different frames of each clip, or all, in random order."""
    return noise.normal(batch["seed"] + 2, batch["video"].shape[1]).argsort(1)[:, :count]


def some(sequence: Float[Tensor, "b t *d"], frames: Int64[Tensor, "b s"]) -> Float[Tensor, "b s *d"]:
    """Of each sequence, the `frames`."""
    return sequence[torch.arange(len(sequence), device=sequence.device)[:, None], frames]
