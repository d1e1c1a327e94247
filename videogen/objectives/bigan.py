"""The game of BiGAN and ALI (Donahue et al. 2017, equation 3; Dumoulin et al. 2017, equation 2), non-saturating."""

import torch
from jaxtyping import Float
from torch import Tensor

from videogen import noise
from videogen.objectives.criteria import looks_fake, looks_real
from videogen.objectives.objective import Batch, Objective, Terms


class BiGan(Objective):
    """D tells (x, E(x)), `real`, from (G(z), z), `fake`. The player GE moves G and E, and wants each taken for the other:
    `generated` and `inferred`."""

    def D(self, batch: Batch) -> Terms:
        with torch.no_grad():
            x, inferred, made, z = self.pairs(batch, 0)
        return {"real": looks_real(self.model.pair(x, inferred)), "fake": looks_fake(self.model.pair(made, z))}

    def GE(self, batch: Batch) -> Terms:
        x, inferred, made, z = self.pairs(batch, 2)
        return {"generated": looks_real(self.model.pair(made, z)), "inferred": looks_fake(self.model.pair(x, inferred))}

    def pairs(
        self, batch: Batch, turn: int
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b z"], Float[Tensor, "b c h w"], Float[Tensor, "b z"]]:
        x, seed = batch["image"], batch["seed"] + turn
        z, eps = noise.normal(seed, self.model.z), noise.normal(seed + 1, self.model.z)
        return x, self.model.encode(x, eps), self.model.sample(batch["label"], z), z
