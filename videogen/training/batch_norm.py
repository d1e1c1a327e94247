"""Batch norm over the whole batch, where several processes share it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from videogen import processes

KINDS = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm whose statistics are those of all processes' rows, on any device; PyTorch's own knows GPUs alone.

    Mean first, then the variance around it: sums of squares would lose what is left of a small variance in fp32.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Float[Tensor, "n d *m"]) -> Float[Tensor, "n d *m"]:
        if not self.training:
            return super().forward(x)
        over = [0, *range(2, x.ndim)]
        shape = (1, -1, *[1] * (x.ndim - 2))
        y = x.float()
        sums = processes.total(torch.cat([y.sum(over), y.new_tensor([y.numel() // y.shape[1]])]))
        n, mean = sums[-1], sums[:-1] / sums[-1]
        centred = y - mean.view(shape)
        variance = processes.total(centred.square().sum(over)) / n
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        scale = torch.rsqrt(variance + self.eps) * self.weight
        return (centred * scale.view(shape) + self.bias.view(shape)).to(x.dtype)

    def _check_input_dim(self, x: Tensor) -> None:
        if x.ndim < 2:
            raise ValueError(f"batch norm takes rows of features, not {list(x.shape)}")


def share_batch_norm(module: nn.Module) -> None:
    """Replaces every batch norm in `module`; parameters and buffers stay the same objects under the same names."""
    for name, child in module.named_children():
        if isinstance(child, KINDS):
            shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
            shared.weight, shared.bias = child.weight, child.bias
            for buffer, value in child.named_buffers(recurse=False):
                shared.register_buffer(buffer, value)
            setattr(module, name, shared.train(child.training))
        else:
            share_batch_norm(child)
