"""Exponential moving average of the weights: what is generated with, and exported."""

import copy

import torch
from torch import Tensor, nn


class Ema:
    """A second copy of the model that follows the first one slowly.

    Early on the average forgets faster, min(decay, (1 + step) / (10 + step)), so that it is of use from the first sheet.
    Buffers (batch-norm statistics) are copied: they are averages already.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        mine: list[Tensor] = list(self.model.parameters())
        theirs: list[Tensor] = list(model.parameters())
        torch._foreach_lerp_(mine, theirs, 1.0 - decay)
        for average, buffer in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(buffer)
