"""Noise as a pure function of a sample's own seed.

A draw depends neither on the batch that the sample sits in, nor on the process that holds it, nor on what was drawn
before: one process or eight, batch 1 or 64, resumed or not, the same sample sees the same noise.
"""

import hashlib
import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor


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
