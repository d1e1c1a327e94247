"""Noise as a pure function of a sample's own seed.

A draw depends neither on the batch that the sample sits in, nor on the process that holds it, nor on what was drawn
before: one process or eight, batch 1 or 64, resumed or not, the same sample sees the same noise.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass
class Samples:
    """Whose noise layers draw, and how often they have."""

    seeds: list[int]
    draws: int = 0


_at_hand: ContextVar[Samples | None] = ContextVar("samples", default=None)


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed from any number of integers and words, the same on every machine."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def normal(seeds: Int64[Tensor, "b"], *shape: int) -> Float[Tensor, "b ..."]:
    """N(0, I) of `shape` for each seed, on the seeds' device. Drawn on the CPU, so every device gets the same numbers."""
    count = math.prod(shape)
    drawn = -(-count // 16) * 16  # torch draws by sixteens: in whole ones, a longer draw begins with the shorter
    rows = [torch.randn(drawn, generator=torch.Generator().manual_seed(int(seed))) for seed in seeds.tolist()]
    return torch.stack(rows)[:, :count].reshape(len(seeds), *shape).to(seeds.device)


@contextmanager
def drawn_for(seeds: Int64[Tensor, "b"]) -> Iterator[None]:
    """Within it, layers that draw for themselves (dropout, noise on features) draw for the samples of these seeds."""
    token = _at_hand.set(Samples(seeds.tolist()))
    try:
        yield
    finally:
        _at_hand.reset(token)


def filled(x: Float[Tensor, "n *d"], fill: Callable[..., Any], **how: float) -> Float[Tensor, "n *d"]:
    """A tensor like `x` that `fill` fills, a method of tensors that takes a generator; on the device of `x`.

    Rows are samples in their order, or several of each, first those of the first. Every call draws something else. Outside
    `drawn_for` the global generator draws. Raises ValueError where the rows do not belong to the samples at hand.
    """
    made, samples = torch.empty(x.shape, dtype=x.dtype, device=x.device), _at_hand.get()
    if samples is None:
        fill(made, **how)
        return made
    if len(x) % len(samples.seeds):
        raise ValueError(
            f"{len(x)} rows are not those of {len(samples.seeds)} samples: say whose they are (noise.drawn_for)"
        )
    samples.draws += 1
    for rows, seed in zip(made.chunk(len(samples.seeds)), samples.seeds, strict=True):
        generator = torch.Generator(x.device).manual_seed(seed_of(seed, "layer", samples.draws))
        fill(rows, generator=generator, **how)
    return made
