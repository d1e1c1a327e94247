"""What a batch says as a whole, where several processes share it. With one process, that process has all of it.

Gradients flow through: each process then has the gradient of the sum of all processes' losses, which distributed data
parallel averages to that of the loss of the whole batch.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, distributed

if distributed.is_available():
    # Defined once there is a group, its functions would hold it for ever, as their defaults (PyTorch 2.13; distributed data
    # parallel imports it late), and threads of gloo that outlive Python now and then abort or hang.
    import torch.distributed.nn.functional


class Total(torch.autograd.Function):
    """The sum over the processes, and of its gradients. All processes must ask in the same order."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        summed = x.contiguous().clone()
        distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return Total.apply(gradient)  # which a penalty on gradients can go through once more


def count() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def total(x: Tensor) -> Tensor:
    """The sum over the processes."""
    return Total.apply(x) if count() > 1 else x


def mean(x: Float[Tensor, "b *d"]) -> Float[Tensor, "*d"]:
    """Over the rows of all processes; each has as many."""
    return total(x.mean(0)) / count()


def rows(x: Float[Tensor, "b *d"]) -> Float[Tensor, "n *d"]:
    """The rows of all processes, in their order; each has as many."""
    if count() == 1:
        return x
    places = [torch.zeros_like(x)] * count()
    places[distributed.get_rank()] = x
    return total(torch.cat(places))
