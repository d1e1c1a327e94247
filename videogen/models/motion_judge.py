"""The motion judge: does this clip move as the asked action moves?

The usual judge (`judge.py`) reads poses: a photograph pleases it. This one is shown only what changes from one frame to
the next, in grey, at half the size, and is trained against real frames in wrong order (`videogen/tamper.py`).
"""

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from videogen.models.dropout import Dropout


class MotionJudge(nn.Module):
    """p(m | v) over the actions and, as the last class, "no motion of any of them"."""

    grey: Tensor

    def __init__(self, channels: int, actions: int, width: int = 24, dropout: float = 0.2):
        super().__init__()
        self.actions = actions
        grey = torch.tensor([0.299, 0.587, 0.114]) if channels == 3 else torch.full((channels,), 1.0 / channels)
        self.register_buffer("grey", grey, persistent=False)
        widths = [width, 2 * width, 4 * width]
        layers: list[nn.Module] = []
        for before, after in zip([1, *widths], widths, strict=False):
            layers += [
                nn.Conv3d(before, after, (3, 4, 4), (1, 2, 2), (1, 1, 1), bias=False),
                nn.BatchNorm3d(after),
                nn.LeakyReLU(0.2),
            ]
        self.convolutions = nn.Sequential(*layers)
        self.dropout = Dropout(dropout)
        self.motions = nn.Linear(2 * widths[-1], actions + 1)

    def forward(self, x: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b k"]:
        """Logits, the actions first."""
        grey = functional.avg_pool3d(einsum(x.float(), self.grey, "b t c h w, c -> b t h w"), (1, 2, 2))
        change = rearrange(grey[:, 1:] - grey[:, :-1], "b t h w -> b 1 t h w") / 0.1
        y = rearrange(self.convolutions(change), "b d t h w -> b d (t h w)")
        return self.motions(self.dropout(torch.cat([y.mean(-1), y.amax(-1)], dim=-1)))
