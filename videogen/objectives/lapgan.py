"""LAPGAN's games (Denton et al. 2015, section 2.2): one at each level of the pyramid, on real images made coarse."""

import torch

from videogen import noise
from videogen.objectives.criteria import looks_fake, looks_real
from videogen.objectives.objective import Batch, Objective, Terms


class LapGan(Objective):
    """Players D_0, G_0, D_1, G_1, ...: `real` and `fake` for each D, `adversarial` for each G."""

    def turn(self, player: str, batch: Batch) -> Terms:
        side, _, level = player.partition("_")
        return (self.D if side == "D" else self.G)(int(level), batch)

    def D(self, level: int, batch: Batch) -> Terms:
        real, blurred = self.model.pyramid(batch["image"])[level]
        with torch.no_grad():
            made = self.model.made(level, noise.normal(batch["seed"], self.model.z), blurred)
        judge = self.model.judge
        return {"real": looks_real(judge(level, real, blurred)), "fake": looks_fake(judge(level, made, blurred))}

    def G(self, level: int, batch: Batch) -> Terms:
        blurred = self.model.pyramid(batch["image"])[level][1]
        made = self.model.made(level, noise.normal(batch["seed"] + 1, self.model.z), blurred)
        return {"adversarial": looks_real(self.model.judge(level, made, blurred))}
