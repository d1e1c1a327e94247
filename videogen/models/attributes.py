"""The holistic attributes of a video, as every model of videos is given them."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


class Attributes:
    """For models that know so many identities and actions, however much of them they read."""

    identities: int
    actions: int

    def attributes(self, identity: Int64[Tensor, "b"], action: Int64[Tensor, "b"]) -> Float[Tensor, "b k"]:
        """a = onehot(identity) (+) onehot(action)."""
        parts = functional.one_hot(identity, self.identities), functional.one_hot(action, self.actions)
        return torch.cat(parts, dim=-1).float()
