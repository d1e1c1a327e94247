"""VGAN's game (Vondrick et al. 2016, sections 3.1, 3.2 and 3.4)."""

import torch
from torch import Tensor

from videogen import noise
from videogen.objectives.criteria import looks_fake, looks_real
from videogen.objectives.objective import Batch, Objective, Terms


class VGan(Objective):
    """Cross-entropies of "real" and "made", non-saturating for the generator, both players on the same videos.

    mask          mean of the mask, [0, 1]: a sparse one leaves to the background what does not move; 0 with one stream
    first_frame   mean absolute error of the first frame, [0, 2] (where it is given)
    """

    def D(self, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self.scene(batch).video
        return {"real": looks_real(self.model.D(batch["video"])), "fake": looks_fake(self.model.D(made))}

    def G(self, batch: Batch) -> Terms:
        scene = self.scene(batch)
        terms: dict[str, Tensor] = {"adversarial": looks_real(self.model.D(scene.video))}
        terms["mask"] = torch.zeros_like(terms["adversarial"]) if scene.mask is None else scene.mask.flatten(1).mean(1)
        if self.model.conditional:
            terms["first_frame"] = (scene.video[:, 0] - batch["video"][:, 0]).abs().flatten(1).mean(1)
        return terms

    def scene(self, batch: Batch):
        eps = noise.normal(batch["seed"], 1, self.model.z)
        return self.model(eps, batch["video"][:, 0] if self.model.conditional else None)
