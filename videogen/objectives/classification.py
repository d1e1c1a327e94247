"""Cross-entropy of the joint class (identity, action): how the judge is trained."""

from torch.nn import functional

from videogen.objectives.objective import Batch, Objective, Terms


class Classification(Objective):
    """-log p(y | v) for y = identity * actions + action, nats; `error` is 1 where the most probable class is wrong."""

    def judge(self, batch: Batch) -> Terms:
        label = batch["identity"] * self.model.actions + batch["action"]
        logits = self.model(batch["video"]).float()
        return {
            "cross_entropy": functional.cross_entropy(logits, label, reduction="none"),
            "error": (logits.argmax(-1) != label).float(),
        }
