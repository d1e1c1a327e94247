"""Real clips that do not move right though every frame of them is real: what a judge of motion must not be fooled by.

Each clip is tampered with as its own seed says, whatever batch it sits in.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from videogen.errors import UserError


def frozen(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """One frame of each clip, drawn at random, repeated throughout: all of the appearance, none of the motion."""
    t = x.shape[1]
    return _pick(x, [torch.randint(t, (1,), generator=_generator(seed)).expand(t) for seed in seeds.tolist()])


def shuffled(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Each clip's frames in a random order, never the right one nor its reversal, which is smooth motion, too.

    Raises:
        UserError: fewer than three frames, which have no other order.
    """
    t = x.shape[1]
    if t < 3:
        raise UserError(f"a clip of {t} frames cannot be shuffled into a new order: use clips of at least 3 frames")
    return _pick(x, [_disorder(t, _generator(seed)) for seed in seeds.tolist()])


def _disorder(t: int, generator: torch.Generator) -> Int64[Tensor, "t"]:
    """A uniform draw from the permutations of t frames without identity and reversal."""
    forward = torch.arange(t)
    while True:
        order = torch.randperm(t, generator=generator)
        if not (order.equal(forward) or order.equal(forward.flip(0))):
            return order


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)  # on the CPU, so that every device gets the same draw


def _pick(x: Float[Tensor, "b t c h w"], frames: list[Int64[Tensor, "t"]]) -> Float[Tensor, "b t c h w"]:
    return torch.stack([clip[index.to(x.device)] for clip, index in zip(x, frames, strict=True)])
