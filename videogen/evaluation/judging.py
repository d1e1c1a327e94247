"""Which judge a run is judged by, what it says of a set of videos, and the row of a table that this makes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from tqdm import tqdm

from videogen import pixels
from videogen.errors import UserError
from videogen.evaluation import statistics
from videogen.runs import TrainedModel, load_model

# Judges that ship with the package, one per data set: the file's stem is the data's name.
SHIPPED = Path(__file__).parent / "judges"
SHARED_FACTS = ("channels", "size", "stride", "identities", "actions")


def find_judge(wanted: str | None, run: TrainedModel) -> TrainedModel:
    """The judge that `wanted` names; otherwise the one trained beside the run (`<...>/judge/seed_0`), else the shipped one
    of the run's data. A judge must know the same people and actions, at the same size and stride.

    Raises UserError where there is none, or none that fits.
    """
    data = run.config["data"]["name"]
    beside = run.file.parents[2] / "judge" / "seed_0" / "model.safetensors" if len(run.file.parents) > 2 else run.file
    candidates = [Path(wanted)] if wanted else [beside, SHIPPED / f"{data}.safetensors"]
    for candidate in candidates:
        file = candidate if candidate.suffix == ".safetensors" else candidate / "model.safetensors"
        if file.is_file():
            judge = load_model(file)
            check_match(judge, run)
            return judge
    raise UserError(
        f"no judge at {' or '.join(map(str, candidates))}: train one on the same data "
        f"(tools/train.py experiment={data.split('_')[0]}/judge data={data} ...), or name one with judge=..."
    )


def check_match(judge: TrainedModel, run: TrainedModel) -> None:
    if not hasattr(judge.model, "classes"):
        raise UserError(f"{judge.file} is no judge but a {type(judge.model).__name__}: name a judge with judge=...")
    for fact in SHARED_FACTS:
        theirs, ours = judge.config["data"][fact], run.config["data"][fact]
        if theirs != ours:
            raise UserError(
                f"the judge {judge.file} was trained with {fact}={theirs}, this run with {fact}={ours}: "
                "train a judge on the run's data, and name it with judge=..."
            )


@dataclass(frozen=True)
class Labelled:
    """Videos with what they show, or were asked to show."""

    videos: Float[Tensor, "n t c h w"]
    identity: Int64[Tensor, "n"]
    action: Int64[Tensor, "n"]

    def tampered(self, tamper: Callable[[Tensor, Tensor], Tensor], seed: int) -> "Labelled":
        """The same clips, tampered with: sample k under the seed `seed + k`."""
        return Labelled(tamper(self.videos, torch.arange(len(self.videos)) + seed), self.identity, self.action)


@dataclass(frozen=True)
class Verdict:
    """p: the judge's probabilities of the joint classes; features: its embedding."""

    p: Float[Tensor, "n k"]
    features: Float[Tensor, "n d"]


def real_clips(split: Any, per_clip: int, seed: int) -> Labelled:
    """`per_clip` windows of every clip of a data split, as float videos."""
    windows = tqdm(split.windows(per_clip, seed), "reading", leave=False, delay=2, disable=None)
    rows = [split.window(*window) for window in windows]
    videos = torch.stack(
        [pixels.to_float(row["video"]) for row in tqdm(rows, "reading", leave=False, delay=2, disable=None)]
    )
    return Labelled(videos, torch.stack([r["identity"] for r in rows]), torch.stack([r["action"] for r in rows]))


@torch.no_grad()
def judged(judge: Any, videos: Float[Tensor, "n t c h w"], batch: int = 32) -> Verdict:
    """The judge's word on every video. Its features give both answers, so that each clip passes through it once."""
    device = next(judge.parameters()).device
    parts = [
        judge.features(part.to(device)).float()
        for part in tqdm(videos.split(batch), "judging", leave=False, delay=2, disable=None)
    ]
    features = torch.cat(parts)
    return Verdict(judge.classes(features).double().softmax(-1).cpu(), features.cpu())


def scores(
    name: str, shown: Labelled, verdict: Verdict, reference: Verdict, real: Labelled, identities: int, actions: int
) -> dict[str, str | int | float | None]:
    """One row of the table: `shown` under `verdict`, its Frechet distance to `reference`, its sharpness next to `real`."""
    p_identity, p_action = statistics.marginals(verdict.p, identities, actions)
    return {
        "name": name,
        "intra_entropy": statistics.intra_entropy(verdict.p),
        "inter_entropy": statistics.inter_entropy(verdict.p),
        "i_score": statistics.inception_score(verdict.p),
        "identity_accuracy": statistics.accuracy(p_identity, shown.identity),
        "action_accuracy": statistics.accuracy(p_action, shown.action),
        "joint_accuracy": statistics.accuracy(verdict.p, shown.identity * actions + shown.action),
        "frechet": statistics.frechet_distance(verdict.features, reference.features),
        "sharpness": statistics.sharpness(shown.videos, real.videos),
        "samples": len(shown.videos),
    }
