"""What every objective is: the owner of a model whose forward pass is some player's loss terms."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from videogen import noise

Batch = dict[str, Tensor]
Terms = dict[str, Float[Tensor, "b"]]


class Objective(nn.Module):
    """Owns `.model`. A method named after each player returns that player's named loss terms, unweighted, each `[b]`.

    One module with one forward, because that is what distributed data parallel wraps; no weight, no backward and no step
    counter, because those belong to the players and the trainer.
    """

    model: Any  # an nn.Module with the methods that the objective calls

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, player: str, batch: Batch) -> Terms:
        with noise.drawn_for(batch["seed"]):
            return self.turn(player, batch)

    def turn(self, player: str, batch: Batch) -> Terms:
        """The player's terms; for games whose players are numbered to override."""
        return getattr(self, player)(batch)
