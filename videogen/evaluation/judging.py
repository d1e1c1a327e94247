"""Which judge a run is judged by, what it says of a set of videos, and the row of a table that this makes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from tqdm import tqdm

from videogen import pixels
from videogen.errors import UserError
from videogen.evaluation import statistics
from videogen.runs import TrainedModel, load_model

log = logging.getLogger(__name__)

# Judges that ship with the package: <data>.safetensors, <data>_apart.safetensors, and <data>_motion.safetensors.
SHIPPED = Path(__file__).parent / "judges"
POSE_FACTS = ("channels", "size", "identities", "actions")
MOTION_FACTS = ("channels", "size", "actions")


def find_judge(wanted: str | None, run: TrainedModel) -> TrainedModel:
    """The judge that `wanted` names; otherwise the one trained beside the run (`<...>/judge/seed_0`), else the shipped one
    of the run's data. A judge must know the same people and actions, at the same size, and at a stride that the run can
    generate at: its own or a multiple of it.

    Raises UserError where there is none, or none that fits.
    """
    judge = first_of(candidates(wanted, run, "judge", ""))
    if judge is None:
        raise UserError(
            f"no judge at {' or '.join(map(str, candidates(wanted, run, 'judge', '')))}: train one on the same data "
            f"({training_command(run, 'judge')}), or name one with judge=..."
        )
    check_match(judge, run, "classes", POSE_FACTS)
    theirs, ours = judge.config["data"]["stride"], run.config["data"]["stride"]
    if theirs % ours:
        raise UserError(
            f"the judge {judge.file} sees every {theirs}th frame, and this run was trained at stride {ours}, no divisor of "
            "it: train a judge on the run's data, and name it with judge=..."
        )
    return judge


def find_optional(
    wanted: str | None, run: TrainedModel, stride: int, kind: str, suffix: str, answers: str, facts: tuple[str, ...]
) -> TrainedModel | None:
    """The same for a judge of another `kind` (`<...>/<kind>/seed_0`), at the `stride` of the first. None where none fits:
    its columns stay empty.

    Raises UserError where `wanted` is missing or does not fit.
    """
    judge = first_of(candidates(wanted, run, kind, suffix))
    if judge is None:
        if wanted:
            raise UserError(f"no {kind} at {wanted}: train one with {training_command(run, kind)}")
        log.warning("no %s for this data: train one with %s", kind, training_command(run, kind))
        return None
    try:
        check_match(judge, run, answers, facts)
        theirs = judge.config["data"]["stride"]
        if theirs != stride:
            raise UserError(f"{judge.file} sees every {theirs}th frame, the first judge every {stride}th: name another one")
    except UserError as error:
        if wanted:
            raise
        log.warning("%s", error)  # nobody asked for this one
        return None
    return judge


@dataclass(frozen=True)
class Panel:
    """The judges of a run. The first knows every pair by a class of its own, and its word is what tables go by; `apart`
    judges who and what apart, wherever they stand; `motion` sees nothing but what changes."""

    judge: TrainedModel
    apart: TrainedModel | None
    motion: TrainedModel | None

    @staticmethod
    def of(run: TrainedModel, judge: str | None, apart: str | None, motion: str | None, device: str) -> "Panel":
        """The judges that are named; else those trained beside the run, else those that ship. Raises UserError."""
        first = find_judge(judge, run)
        stride = first.config["data"]["stride"]
        panel = Panel(
            first,
            find_optional(apart, run, stride, "judge_apart", "_apart", "classes", POSE_FACTS)
            if apart or len(run.identities) > 1  # of one there is nobody to tell apart
            else None,
            find_optional(motion, run, stride, "motion_judge", "_motion", "motions", MOTION_FACTS),
        )
        for member in panel.members().values():
            member.model.to(device)
        return panel

    def members(self) -> dict[str, TrainedModel]:
        found = {"judge": self.judge, "judge_apart": self.apart, "motion_judge": self.motion}
        return {name: member for name, member in found.items() if member is not None}

    @property
    def frames(self) -> int:
        """How long the clips are that it judges; `stride`: how far apart their frames."""
        return self.judge.config["data"]["frames"]

    @property
    def stride(self) -> int:
        return self.judge.config["data"]["stride"]

    def clips(self, run: TrainedModel, root: str | None) -> dict[str, Any]:
        """The config of the run's clips (at `root` if they have moved), as long and as far apart as the judges know them,
        however the run itself was trained: what is compared must be alike."""
        return run.data(root) | {"frames": self.frames, "stride": self.stride}

    def facts(self) -> dict[str, str]:
        """Who judged, by the hash of the weights."""
        return {name: f"{named(member.file)}, weights {member.digest}" for name, member in self.members().items()}


def named(file: Path) -> str:
    """A judge's file, for people: one that ships is where it ships, wherever this copy is installed."""
    return f"videogen/evaluation/judges/{file.name}" if file.parent == SHIPPED else str(file)


def candidates(wanted: str | None, run: TrainedModel, kind: str, suffix: str) -> list[Path]:
    # a file that was moved near the root has nothing beside it
    beside = [run.file.parents[2] / kind / "seed_0"] if len(run.file.parents) > 2 else []
    places = [Path(wanted)] if wanted else [*beside, SHIPPED / f"{run.config['data']['name']}{suffix}.safetensors"]
    return [place if place.suffix == ".safetensors" else place / "model.safetensors" for place in places]


def first_of(files: list[Path]) -> TrainedModel | None:
    return next((load_model(file) for file in files if file.is_file()), None)


def training_command(run: TrainedModel, kind: str) -> str:
    family = run.config["name"].split("/")[0]
    return f"tools/train.py experiment={family}/{kind} data={run.config['data']['name']} ..."


def check_match(judge: TrainedModel, run: TrainedModel, answers: str, facts: tuple[str, ...]) -> None:
    if not hasattr(judge.model, answers):
        raise UserError(f"{judge.file} is no judge of {answers} but a {type(judge.model).__name__}: name another one")
    for fact in facts:
        theirs, ours = judge.config["data"][fact], run.config["data"][fact]
        if theirs != ours:
            raise UserError(
                f"the judge {judge.file} was trained with {fact}={theirs}, this run with {fact}={ours}: "
                "train a judge on the run's data, and name it with judge=... or motion_judge=..."
            )


@dataclass(frozen=True)
class Labelled:
    """Videos with what they show, or were asked to show."""

    videos: Float[Tensor, "n t c h w"]
    identity: Int64[Tensor, "n"]
    action: Int64[Tensor, "n"]

    def where(self, which: Bool[Tensor, "n"] | Int64[Tensor, "k"]) -> "Labelled":
        """Some of them, or some of them repeated."""
        return Labelled(self.videos[which], self.identity[which], self.action[which])

    def moved(self, by: Int64[Tensor, "n 2"]) -> "Labelled":
        """The same videos, so many pixels further right and down."""
        return Labelled(pixels.moved(self.videos, by), self.identity, self.action)

    def tampered(self, tamper: Callable[[Tensor, Tensor], Tensor], seed: int) -> "Labelled":
        """The same clips, tampered with: sample k under the seed `seed + k`."""
        return Labelled(tamper(self.videos, torch.arange(len(self.videos)) + seed), self.identity, self.action)


@dataclass(frozen=True)
class Verdict:
    """p: the judge's probabilities of the joint classes; features: its embedding."""

    p: Float[Tensor, "n k"]
    features: Float[Tensor, "n d"]

    def taken_for(self, identities: int, actions: int) -> tuple[Int64[Tensor, "n"], Int64[Tensor, "n"]]:
        """The most probable identity and action of each video."""
        p_identity, p_action = statistics.marginals(self.p, identities, actions)
        return p_identity.argmax(1), p_action.argmax(1)


def real_clips(split: Any, per_clip: int, seed: int) -> Labelled:
    """`per_clip` windows of every clip of a data split, as float videos."""
    windows = tqdm(split.windows(per_clip, seed), "reading", leave=False, delay=2, disable=None)
    return together([split.window(*window) for window in windows])


def redrawn_clips(split: Any, per_clip: int, seed: int, by: Int64[Tensor, "n"] | None = None) -> Labelled | None:
    """The truth that a model is asked for: those windows, each of another performance, which is in no split; with `by`,
    each of its own performance by person `by[k]`. None where clips are filmed.
    """
    if not split.clips.drawn:
        return None
    windows = split.windows(per_clip, seed)
    people = [None] * len(windows) if by is None else by.tolist()
    asked = tqdm(list(zip(windows, people, strict=True)), "drawing", leave=False, delay=2, disable=None)
    return together([split.redrawn(*window, who) for window, who in asked])


def together(rows: Sequence[dict[str, Tensor]]) -> Labelled:
    """Samples of a split, as float videos."""
    videos = torch.stack([pixels.to_float(row["video"]) for row in rows])
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


@torch.no_grad()
def motion_judged(judge: Any, videos: Float[Tensor, "n t c h w"], batch: int = 64) -> Float[Tensor, "n k"]:
    """log p(this is how action k moves), for every video; the last k is "as none of them"."""
    device = next(judge.parameters()).device
    logits = [
        judge(part.to(device)).double().log_softmax(-1).cpu()
        for part in tqdm(videos.split(batch), "judging motion", leave=False, delay=2, disable=None)
    ]
    return torch.cat(logits)


def motion_scores(judge: Any, shown: Labelled) -> Float[Tensor, "n"]:
    """log p(the asked action moves like this), for every video."""
    return motion_judged(judge, shown.videos).gather(1, shown.action[:, None])[:, 0]


@torch.no_grad()
def identity_features(judge: Any, videos: Float[Tensor, "n t c h w"], batch: int = 32) -> Float[Tensor, "n t i"]:
    """What a judge of who and what apart makes of who is there, frame by frame: its logits of the identity. A frame is
    shown to it as a clip that stands still."""
    device, t = next(judge.parameters()).device, videos.shape[1]
    stills = repeat(videos, "n t c h w -> (n t) three c h w", three=3)
    parts = [
        judge.classes.identity(judge.features(part.to(device)).float()).cpu()
        for part in tqdm(stills.split(batch), "judging frames", leave=False, delay=2, disable=None)
    ]
    return rearrange(torch.cat(parts), "(n t) i -> n t i", t=t)


@dataclass(frozen=True)
class MotionBar:
    """The judge of motion, and the least score that it lets pass, for each action: 95 % of its held-out clips have as much.

    One bar for all actions would be as low as the slowest of them needs it, and let the others' disorder through.
    """

    judge: Any
    thresholds: Float[Tensor, "a"]

    @staticmethod
    def set_by(judge: Any, real: Labelled) -> "MotionBar":
        scores = motion_scores(judge, real)
        own = [scores[real.action == action] for action in range(judge.actions)]
        return MotionBar(judge, torch.stack([(part if len(part) else scores).quantile(0.05) for part in own]))

    def passes(self, shown: Labelled, scores: Float[Tensor, "n"] | None = None) -> Tensor:
        """Which of the videos move as their action moves; `scores`, if they are known already."""
        scores = motion_scores(self.judge, shown) if scores is None else scores
        return scores >= self.thresholds[shown.action]


def scores(
    name: str, shown: Labelled, verdict: Verdict, reference: Verdict, real: Labelled, identities: int, actions: int
) -> dict[str, str | int | float | None]:
    """One row of the table: `shown` under `verdict`, its Frechet distance to `reference`, its sharpness next to `real`."""
    pair = shown.identity * actions + shown.action
    p_identity, p_action = statistics.marginals(verdict.p, identities, actions)
    return {
        "name": name,
        "intra_entropy": statistics.intra_entropy(verdict.p),
        "inter_entropy": statistics.inter_entropy(verdict.p),
        "i_score": statistics.inception_score(verdict.p),
        "identity_accuracy": statistics.accuracy(p_identity, shown.identity),
        "action_accuracy": statistics.accuracy(p_action, shown.action),
        "joint_accuracy": statistics.accuracy(verdict.p, pair),
        "frechet": statistics.frechet_distance(verdict.features, reference.features),
        "sharpness": statistics.sharpness(shown.videos, real.videos),
        "samples": len(shown.videos),
    }
