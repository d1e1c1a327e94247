"""What the model draws while it trains: a sheet every so often, always of the same codes and noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from videogen import noise
from videogen.generation.writers import mosaic, sheet, write_png


@dataclass
class SampleSheet:
    """One row for each of up to `rows` codes, spread over all identities and actions, twice the training length."""

    identities: Sequence[str]
    actions: Sequence[str]
    frames: int
    seed: int = 0
    rows: int = 12

    @torch.no_grad()
    def __call__(self, model: Any, run: Path, step: int) -> None:
        people, actions = len(self.identities), len(self.actions)
        rows = min(self.rows, people * actions)
        action = torch.arange(rows) % actions
        identity = (torch.arange(rows) + torch.arange(rows) // actions) % people
        device = next(model.parameters()).device
        seeds = torch.tensor([noise.seed_of(self.seed, "preview", row) for row in range(rows)])
        was_training, _ = model.training, model.eval()
        a = model.attributes(identity.to(device), action.to(device))
        videos = model.sample(a, noise.normal(seeds, 2 * self.frames, model.z).to(device)).float().cpu()
        model.train(was_training)
        labels = [f"{self.identities[i]} · {self.actions[j]}" for i, j in zip(identity, action, strict=True)]
        write_png(run / "samples" / f"step_{step:06d}.png", sheet(videos, labels, columns=10, title=f"step {step}"))


@dataclass
class ImageSheet:
    """A row of `columns` images for each class, in the order of the labels."""

    classes: int
    seed: int = 0
    columns: int = 10

    @torch.no_grad()
    def __call__(self, model: Any, run: Path, step: int) -> None:
        rows = min(self.classes, 12)
        y = torch.arange(rows).repeat_interleave(self.columns)
        seeds = torch.tensor([noise.seed_of(self.seed, "preview", k) for k in range(len(y))])
        device = next(model.parameters()).device
        was_training, _ = model.training, model.eval()
        images = model.sample(y.to(device), noise.normal(seeds, model.z).to(device)).float().cpu()
        model.train(was_training)
        write_png(run / "samples" / f"step_{step:06d}.png", mosaic(images, self.columns))
