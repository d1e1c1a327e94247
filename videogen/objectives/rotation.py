"""Deep Rotator's loss (Yang et al. 2015, section 3.2): image and silhouette after every turn."""

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from videogen import noise
from videogen.objectives.objective import Batch, Objective, Terms

OUTLINE = 0.02  # how far from the black background a pixel of the object is, at least; frames in [0, 1]


class Rotation(Objective):
    """Squared errors against the true views, halved, summed over pixels and steps: `image` (frames in [0, 1]) and `mask`.

    still   the share of clips whose action is "same" and whose true views are the given one; the first stage of the
            published curriculum pairs a view with its neighbours and with itself
    """

    def __init__(self, model: nn.Module, still: float = 0.0):
        super().__init__(model)
        if not 0 <= still <= 1:
            raise ValueError(f"still is a share between 0 and 1, got {still}")
        self.still = still

    def rotator(self, batch: Batch) -> Terms:
        x = batch["video"]
        steps = x.shape[1] - 1
        if not steps:
            raise ValueError("clips of one frame do not turn: set data.frames to 2 or more")
        stays = torch.special.ndtr(noise.normal(batch["seed"], 1)[:, 0]) < self.still
        given = repeat(x[:, 0], "b c h w -> b t c h w", t=steps)
        true = torch.where(stays[:, None, None, None, None], given, x[:, 1:])
        views = self.model(x[:, 0], self.model.turn_of(batch["action"], stays), steps)
        return {"image": half_square((views.image - true) / 2), "mask": half_square(views.mask - silhouette(true))}


def silhouette(x: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b t 1 h w"]:
    """1 where anything but the black background is, else 0."""
    return ((x + 1) / 2 > OUTLINE).any(2, keepdim=True).float()


def half_square(error: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b"]:
    return 0.5 * error.square().flatten(1).sum(1)
