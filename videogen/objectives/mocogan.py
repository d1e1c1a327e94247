"""MoCoGAN's game (paper, section 3.3): D_I on frames, D_V on clips, and the generator against both."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from videogen import noise
from videogen.objectives.criteria import looks_fake, looks_real
from videogen.objectives.objective import Batch, Objective, Terms

# Every turn draws videos of its own: what is added to a sample's seed.
FRAMES, CLIPS, GENERATOR_FRAMES, GENERATOR_CLIPS = range(4)


class MoCoGan(Objective):
    """Binary cross-entropies of logits, non-saturating for the generator; cross-entropies of the category, nats.

    Players, in the published order, each on videos drawn afresh:

    D_I     real, fake              one random frame of each clip
    D_V     real, fake, category    of the clips; the category of the real ones, where it is known
    G       frame, clip, category   of what it makes: frames for D_I, other videos for D_V

    `category` is 0 where D_V names none. What a video is to show is drawn from all categories alike.
    """

    def D_I(self, batch: Batch) -> Terms:
        x = batch["video"]
        real = x[torch.arange(len(x), device=x.device), self.some_frame(batch, FRAMES)]
        with torch.no_grad():
            fake = self.generated_frame(batch, FRAMES)
        return {"real": looks_real(self.model.D_I(real)), "fake": looks_fake(self.model.D_I(fake))}

    def D_V(self, batch: Batch) -> Terms:
        with torch.no_grad():
            fake, _ = self.generated(batch, CLIPS)
        logits, categories = self.model.D_V(batch["video"])
        return {
            "real": looks_real(logits),
            "fake": looks_fake(self.model.D_V(fake)[0]),
            "category": self.mistaken(categories, batch["action"]) * batch["labelled"],
        }

    def G(self, batch: Batch) -> Terms:
        frame = self.generated_frame(batch, GENERATOR_FRAMES)
        video, action = self.generated(batch, GENERATOR_CLIPS)
        logits, categories = self.model.D_V(video)
        return {
            "frame": looks_real(self.model.D_I(frame)),
            "clip": looks_real(logits),
            "category": self.mistaken(categories, action),
        }

    @staticmethod
    def mistaken(categories: Float[Tensor, "b k"], action: Int64[Tensor, "b"]) -> Float[Tensor, "b"]:
        """-log p(action), nats; 0 where nothing is named."""
        if not categories.shape[1]:
            return torch.zeros(len(action), device=action.device)
        return functional.cross_entropy(categories, action, reduction="none")

    def generated(self, batch: Batch, turn: int) -> tuple[Float[Tensor, "b t c h w"], Int64[Tensor, "b"]]:
        """As many videos as there are clips, as long, with the actions that they are to show."""
        a, action, eps = self.drawn(batch, turn)
        return self.model(a, eps), action

    def generated_frame(self, batch: Batch, turn: int) -> Float[Tensor, "b c h w"]:
        """A random frame of as many videos."""
        a, _, eps = self.drawn(batch, turn)
        return self.model.frame(a, eps, self.some_frame(batch, turn + 100))

    def drawn(self, batch: Batch, turn: int) -> tuple[Float[Tensor, "b k"], Int64[Tensor, "b"], Float[Tensor, "b t z"]]:
        """Attributes, their action, and noise."""
        seed, t = batch["seed"] + turn, batch["video"].shape[1]
        action = noise.normal(seed + 200, self.model.actions).argmax(1)
        return self.model.attributes(batch["identity"], action), action, noise.normal(seed, t, self.model.z)

    @staticmethod
    def some_frame(batch: Batch, turn: int) -> Int64[Tensor, "b"]:
        return noise.normal(batch["seed"] + turn + 300, batch["video"].shape[1]).argmax(1)
