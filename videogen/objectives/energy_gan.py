"""Games with an autoencoder for a discriminator (`models/autoencoder_gan.py`): EBGAN and BEGAN."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from videogen import noise, processes
from videogen.objectives.objective import Batch, Objective, Terms


class AutoencoderGame(Objective):
    def made(self, batch: Batch, turn: int) -> Float[Tensor, "b c h w"]:
        """Images for one player's turn."""
        return self.model.sample(batch["label"], noise.normal(batch["seed"] + turn, self.model.z))

    @staticmethod
    def pull_away(code: Float[Tensor, "b q"]) -> Float[Tensor, "b"]:
        """Mean squared cosine between a sample's code and those of the others (EBGAN, equation 4): 1 if all are alike."""
        direction = functional.normalize(code.float(), dim=1)
        alike = (direction @ processes.rows(direction).T) ** 2
        itself = direction.square().sum(1) ** 2
        return (alike.sum(1) - itself) / max(alike.shape[1] - 1, 1)


class EnergyGan(AutoencoderGame):
    """EBGAN (Zhao et al. 2017, equations 1 and 2); the energy E is the mean squared error of D's reconstruction.

    D   real        E(x)
        fake        max(0, margin - E(G(z)))
    G   energy      E(G(z))
        pull_away   of its samples' codes
    """

    def __init__(self, model: nn.Module, margin: float):
        super().__init__(model)
        self.margin = margin

    def D(self, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self.made(batch, 0)
        return {"real": self.energy(batch["image"])[0], "fake": functional.relu(self.margin - self.energy(made)[0])}

    def G(self, batch: Batch) -> Terms:
        energy, code = self.energy(self.made(batch, 1))
        return {"energy": energy, "pull_away": self.pull_away(code)}

    def energy(self, x: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b"], Float[Tensor, "b q"]]:
        x_hat, code = self.model.D(x)
        return (x_hat - x).square().flatten(1).mean(1), code


class BalancedGan(AutoencoderGame):
    """BEGAN (Berthelot et al. 2017, section 3.3); L is the mean absolute error of D's reconstruction.

    D   real          L(x)
        fake          -k L(G(z)), with the k of this step; after it k <- clip(k + lambda (gamma L(x) - L(G(z))), 0, 1)
        convergence   M = L(x) + |gamma L(x) - L(G(z))|, only watched: it falls while the game gets better
    G   error         L(G(z))
        pull_away     of its samples' codes, EBGAN's term: a variant, weighed 0 in the paper's game

    gamma   how varied samples are to be, against how good
    step    lambda
    """

    k: Tensor

    def __init__(self, model: nn.Module, gamma: float = 0.5, step: float = 0.001):
        super().__init__(model)
        self.gamma, self.step = gamma, step
        self.register_buffer("k", torch.zeros(()))

    def D(self, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self.made(batch, 0)
        real, fake = self.error(batch["image"])[0], self.error(made)[0]
        terms = {"real": real, "fake": -self.k.clone() * fake}
        balance = processes.mean(self.gamma * real.detach() - fake.detach())
        self.k.add_(self.step * balance).clamp_(0, 1)
        return {**terms, "convergence": real.detach() + balance.abs()}

    def G(self, batch: Batch) -> Terms:
        error, code = self.error(self.made(batch, 1))
        return {"error": error, "pull_away": self.pull_away(code)}

    def error(self, x: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b"], Float[Tensor, "b q"]]:
        x_hat, code = self.model.D(x)
        return (x_hat - x).abs().flatten(1).mean(1), code
