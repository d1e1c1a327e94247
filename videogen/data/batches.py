"""From a stream of positions to a rank's batches."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from videogen.data.clips import PositionSampler


@dataclass
class Batches:
    """Global batches of `batch_size` from an endless split; every rank gets its own share of each.

    workers     processes that load ahead. From the cache a batch takes a millisecond and 0 is fastest on a CPU; use some
                for `data.cache=false`, or to feed a GPU.
    """

    split: Dataset[dict[str, Any]]
    batch_size: int
    workers: int = 0

    def __call__(self, first_step: int, rank: int, processes: int) -> Iterable[dict[str, Tensor]]:
        self.split[0]  # an empty split or a broken cache is told here, in one line, rather than by a worker
        return DataLoader(
            self.split,
            batch_sampler=PositionSampler(self.batch_size, rank, processes, first_step),
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # its own: the default would draw from the global one
        )
