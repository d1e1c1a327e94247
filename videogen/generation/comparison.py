"""Pictures that set models side by side, and one model beside its own past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from videogen.errors import UserError
from videogen.runs import TrainedModel

CANDIDATES = 24  # videos to choose from, for a model that cannot be asked for somebody


@dataclass(frozen=True)
class Comparison:
    """Videos block by block, the same pairs in each."""

    videos: Float[Tensor, "n t c h w"]
    blocks: list[str]
    pairs: list[str]

    @property
    def labels(self) -> list[str]:
        return [f"{block} · {pair}" for block in self.blocks for pair in self.pairs]


def compare(
    trained: Mapping[str, tuple[TrainedModel, str]], judge: Any, real: Any, stride: int, pairs: Sequence[tuple[int, int]]
) -> Comparison:
    """A block of real clips, then one for each model: the same people and actions, under the same seed.

    A model that is not told who or what is to be shown makes `CANDIDATES` videos, and the judge picks the one that it takes
    for this pair before all others: what is shown flatters it.

    trained   name -> (model, "codes" or "first_frame")
    real      the real clips, with `videos`, `identity` and `action`
    """
    videos = [torch.stack([clips_of(real, *pair)[0] for pair in pairs])]
    for model, begins_with in trained.values():
        videos.append(torch.stack([shown(model, begins_with, judge, real, stride, *pair) for pair in pairs]))
    any_model = next(iter(trained.values()))[0]
    names = [f"{any_model.identities[i]} · {any_model.actions[a]}" for i, a in pairs]
    return Comparison(torch.cat(videos), [plain(name) for name in ("real", *trained)], names)


def clips_of(real: Any, identity: int, action: int) -> Float[Tensor, "n t c h w"]:
    """The real clips of a pair. Raises UserError if there is none."""
    videos = real.videos[(real.identity == identity) & (real.action == action)]
    if not len(videos):
        raise UserError(f"there is no held-out clip of identity {identity} at action {action}: compare other pairs")
    return videos


@torch.no_grad()
def shown(
    model: TrainedModel, begins_with: str, judge: Any, real: Any, stride: int, identity: int, action: int
) -> Float[Tensor, "t c h w"]:
    """One video of the pair, as long as the real clips."""
    told = {"identity", "action"} <= set(model.told) or begins_with == "first_frame"
    codes = model.codes([identity] * (1 if told else CANDIDATES), [action] * (1 if told else CANDIDATES))
    first = None
    if begins_with == "first_frame":
        first = clips_of(real, identity, action)[:1, 0]
    videos = model.sample(codes, real.videos.shape[1], 0, first, stride=stride)
    if told:
        return videos[0]
    device = next(judge.parameters()).device
    p = judge(videos.to(device)).softmax(-1)
    return videos[int(p[:, identity * len(model.actions) + action].argmax())]


def over_time(
    snapshots: Sequence[TrainedModel], begins_with: str, real: Any, stride: int, stages: int = 5, each: int = 2
) -> tuple[Float[Tensor, "n t c h w"], list[str]]:
    """The same codes and noise at up to `stages` stages of training, each after about twice as much as the one before."""
    last = len(snapshots)
    numbers = sorted({max(0, last // 2**k - 1) for k in range(stages)})
    rows = torch.linspace(0, len(real.videos) - 1, each).round().long()
    codes = torch.stack([real.identity[rows], real.action[rows]], dim=1)
    first = real.videos[rows, 0] if begins_with == "first_frame" else None
    videos, labels = [], []
    for model in (snapshots[number] for number in numbers):
        videos.append(model.sample(codes, real.videos.shape[1], 0, first, stride=stride))
        labels += [f"{model.seconds / 60:.0f} min, step {model.step}"] * each
    return torch.cat(videos), labels


def plain(name: str) -> str:
    """Pillow's own font has no circles."""
    return name.replace("○", "(codes)").replace("●", "(first frame)")
