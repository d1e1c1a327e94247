"""Cross-entropies: how judges are trained."""

from torch import nn
from torch.nn import functional

from videogen import noise
from videogen.objectives.disguise import false_places
from videogen.objectives.objective import Batch, Objective, Terms


class Classification(Objective):
    """-log p(y | v) for y = identity * actions + action, nats; `error` is 1 where the most probable class is wrong.

    moved   clips are moved and resized by up to this share of the frame, so that the judge names nobody by where they stand
    """

    def __init__(self, model: nn.Module, moved: float = 0.0):
        super().__init__(model)
        self.moved = moved

    def judge(self, batch: Batch) -> Terms:
        label = batch["identity"] * self.model.actions + batch["action"]
        x = batch["video"]
        if self.moved:
            x = false_places(x, noise.normal(batch["seed"] + 1, 3), self.moved)
        logits = self.model(x).float()
        return {
            "cross_entropy": functional.cross_entropy(logits, label, reduction="none"),
            "error": (logits.argmax(-1) != label).float(),
        }


class ImageClassification(Objective):
    """-log p(label | image), nats, and `error` as above."""

    def judge(self, batch: Batch) -> Terms:
        logits = self.model(batch["image"]).float()
        return {
            "cross_entropy": functional.cross_entropy(logits, batch["label"], reduction="none"),
            "error": (logits.argmax(-1) != batch["label"]).float(),
        }
