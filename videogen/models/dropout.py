"""Dropout that belongs to the samples."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from videogen import noise


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014); a mask is a function of the sample's seed, however many processes share the batch.

    whole   whole channels of maps `[n d h w]` fall out (Tompson et al. 2015)

    In training the rows are samples, or several of each (`noise.filled`, which raises ValueError for others).
    """

    def __init__(self, p: float, whole: bool = False):
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout is a share of at least 0 and below 1, got {p}")
        self.p, self.whole = p, whole

    def forward(self, x: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
        if not self.training or not self.p:
            return x
        kept = noise.filled(x[:, :, 0, 0] if self.whole else x, torch.Tensor.bernoulli_, p=1 - self.p)
        return x * (kept[:, :, None, None] if self.whole else kept) / (1 - self.p)
