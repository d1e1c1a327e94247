"""Views that a model was never given: an object seen once, turned, and set against how it truly looks from there.

Yang et al. (2015) report both measures for Deep Rotator: the error of a view by how far it lies from the given one, and
whether two views are known as the same object by their nearest neighbour.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure
from tqdm import tqdm

from videogen import pixels
from videogen.errors import UserError
from videogen.evaluation import statistics
from videogen.noise import seed_of
from videogen.runs import TrainedModel

EXACT = 100.0  # dB: a view without any error counts as this

Predict = Callable[[Int64[Tensor, "n 2"], Float[Tensor, "n c h w"], int], Float[Tensor, "n t c h w"]]


@dataclass(frozen=True)
class Turning:
    """True turns. `objects` numbers what is seen, `codes` are (identity, action)."""

    videos: Float[Tensor, "n t c h w"]
    codes: Int64[Tensor, "n 2"]
    objects: Int64[Tensor, "n"]

    @property
    def given(self) -> Float[Tensor, "n c h w"]:
        return self.videos[:, 0]


def turning_rows(split: Any) -> list[int]:
    """The rows that go round. Raises UserError where none does."""
    rows = [number for number, row in enumerate(split.rows) if row.turn]
    if not rows:
        raise UserError("none of these clips goes round in a circle: novel views need data such as chairs or turntable")
    return rows


def circle(split: Any, number: int) -> int:
    """How many views the circle of a row has."""
    return split.rows[number].stop - split.rows[number].start


def one_length(views: Iterable[int]) -> int:
    """How many views all circles have. Raises UserError if they differ."""
    found = set(views)
    if len(found) > 1:
        raise UserError(f"circles have {min(found)} to {max(found)} views: what is compared by angle needs equally many")
    return found.pop()


def true_turns(split: Any, starts: int, seed: int) -> Turning:
    """Every turn of a split, from `starts` views each, evenly spaced from one that `seed` draws; as long as the split's
    clips. Raises UserError where circles have not equally many views: a step would not be an angle."""
    rows = turning_rows(split)
    one_length(circle(split, number) for number in rows)
    names = {path: k for k, path in enumerate(sorted({row.path for row in split.rows}))}
    found, objects = [], []
    for number in tqdm(rows, "reading", delay=2, leave=False, disable=None):
        row = split.rows[number]
        for k in range(starts):
            views = circle(split, number)
            start = (seed_of(seed, row.path, row.action) + k * views // starts) % views
            found.append(split.window(number, row.start + start))
            objects.append(names[row.path])
    return Turning(
        torch.stack([pixels.to_float(window["video"]) for window in found]),
        torch.stack([torch.stack([window["identity"], window["action"]]) for window in found]),
        torch.tensor(objects),
    )


def predicted(trained: TrainedModel, temperature: float, seed: int = 0) -> Predict:
    """What a model makes of the given views; at temperature 0, what it takes for the most likely at each step."""

    def predict(codes: Tensor, given: Tensor, frames: int) -> Tensor:
        return trained.sample(codes, frames, seed, given, stride=1, temperature=temperature)

    return predict


def unturned(codes: Tensor, given: Tensor, frames: int) -> Float[Tensor, "n t c h w"]:
    """The given view, for every view: what knows nothing of turning."""
    return given[:, None].expand(-1, frames, -1, -1, -1)


def retrieved(split: Any) -> Predict:
    """The training view that is most like the given one, turned as its object truly turns: what only remembers."""

    def predict(codes: Tensor, given: Tensor, frames: int) -> Tensor:
        rows, made = turning_rows(split), torch.empty(len(given), frames, *given.shape[1:])
        for action in codes[:, 1].unique():
            own = [number for number in rows if split.action_of[split.rows[number].action] == action]
            windows = [(number, split.rows[number].start + k) for number in own for k in range(circle(split, number))]
            firsts = torch.stack([split.window(*window)["video"][0] for window in windows])
            known = statistics.thumbnails(pixels.to_float(firsts)[:, None])
            asked = (codes[:, 1] == action).nonzero().flatten()
            nearest = torch.cdist(statistics.thumbnails(given[asked][:, None]), known).argmin(1)
            for place, window in zip(asked.tolist(), nearest.tolist(), strict=True):
                made[place] = pixels.to_float(split.window(*windows[window])["video"][:frames])
        return made

    return predict


def errors(made: Float[Tensor, "n t c h w"], true: Float[Tensor, "n t c h w"]) -> dict[str, list[float]]:
    """PSNR (dB, at most `EXACT`) and SSIM of the k-th view against the true one, k = 1, 2, ...; means over the videos."""
    psnr, ssim = [], []
    for k in range(1, true.shape[1]):
        psnr.append(statistics.psnr(made[:, k], true[:, k]).clamp(max=EXACT).mean().item())
        found = structural_similarity_index_measure(made[:, k], true[:, k], data_range=2.0)
        assert isinstance(found, Tensor)
        ssim.append(found.item())
    return {"psnr": psnr, "ssim": ssim}


@dataclass(frozen=True)
class Circles:
    """Every view of every object at its first elevation, in order: `views` [object azimuth c h w]; `codes` of the turn that
    goes through them."""

    views: Float[Tensor, "n t c h w"]
    codes: Int64[Tensor, "n 2"]

    @staticmethod
    def of(split: Any) -> "Circles":
        """The first circle of each object. Raises UserError if they have not equally many views."""
        first: dict[str, int] = {}
        for number in turning_rows(split):
            first.setdefault(split.rows[number].path, number)
        numbers = list(first.values())
        count = one_length(circle(split, number) for number in numbers)
        views = [
            torch.stack([split.window(number, split.rows[number].start + k)["video"][0] for k in range(count)])
            for number in tqdm(numbers, "reading", delay=2, leave=False, disable=None)
        ]
        rows = [split.rows[number] for number in numbers]
        codes = [[split.identity_of[row.identity], split.action_of[row.action]] for row in rows]
        return Circles(pixels.to_float(torch.stack(views)), torch.tensor(codes))

    def each(self) -> tuple[Int64[Tensor, "m 2"], Float[Tensor, "m c h w"]]:
        """Codes and view of every (object, azimuth)."""
        n, t = self.views.shape[:2]
        return self.codes.repeat_interleave(t, 0), rearrange(self.views, "n t c h w -> (n t) c h w", n=n)


def recognised(features: Float[Tensor, "n t d"], distances: int) -> list[float]:
    """How often the nearest of all objects, seen 1, 2, ..., `distances` views further on, is the same object (1-NN).

    Every object is asked for from every azimuth and in both directions; features are compared at length 1.
    """
    unit = torch.nn.functional.normalize(features.float(), dim=-1)
    n, found = len(unit), []
    for step in range(1, distances + 1):
        hits = []
        for direction in (step, -step):
            alike = torch.einsum("qtd, gtd -> tqg", unit, unit.roll(-direction, 1))
            hits.append((alike.argmax(-1) == torch.arange(n)).double().mean())
        found.append(torch.stack(hits).mean().item())
    return found


def imagined(predict: Predict, circles: Circles, batch: int = 62) -> Float[Tensor, "n t d"]:
    """Features of a view: the mean, over the turn that is predicted from it, of small pictures. A full turn forgets where
    it began, so that what is left of it is the object."""
    n, t = circles.views.shape[:2]
    codes, views = circles.each()
    parts = [
        statistics.thumbnails(predict(codes[rows], views[rows], t).mean(1, keepdim=True))
        for rows in tqdm(torch.arange(len(codes)).split(batch), "imagining turns", delay=2, leave=False, disable=None)
    ]
    return rearrange(torch.cat(parts), "(n t) d -> n t d", n=n)


@torch.no_grad()
def units(trained: TrainedModel, circles: Circles, batch: int = 248) -> Float[Tensor, "n t d"]:
    """What a model calls the appearance of each view."""
    _, views = circles.each()
    parts = [trained.model.appearance(part.to(trained.device)).float().cpu() for part in views.split(batch)]
    return rearrange(torch.cat(parts), "(n t) d -> n t d", n=len(circles.views))


def closing(made: Float[Tensor, "n t c h w"], given: Float[Tensor, "n c h w"], views: int) -> float:
    """PSNR (dB, at most `EXACT`) of the view after a full turn of `views` steps against the given one."""
    return statistics.psnr(made[:, views], given).clamp(max=EXACT).mean().item()
