"""The table of one run: the bound on real clips, tampered clips that a judge should mark down, and the model's own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from videogen import tamper
from videogen.errors import UserError
from videogen.evaluation import statistics
from videogen.evaluation.alignment import aligned, expected
from videogen.evaluation.judging import (
    Labelled,
    MotionBar,
    Panel,
    Verdict,
    identity_features,
    judged,
    motion_judged,
    real_clips,
    scores,
)
from videogen.evaluation.report import Row

Sample = Callable[[Int64[Tensor, "n 2"], Float[Tensor, "n c h w"] | None], Float[Tensor, "n t c h w"]]

MOVED = 2  # pixels
CONSISTENCY = 256  # videos, at most, whose content is compared frame by frame
ALL = ("identity", "action")
BEGINNINGS = ("codes", "first_frame")

# Columns that say whether the model did as it was told, and what it must have been told for that.
OBEYED = {
    **{f"{what}_{judge}": (what,) for what in ALL for judge in ("accuracy", "apart")},
    **{f"joint_{judge}": ALL for judge in ("accuracy", "apart")},
    "mcs": ("action",),
}


@dataclass
class Bench:
    """Real clips, what the judges say of them, and rows measured against both."""

    panel: Panel
    clips: Any
    per_clip: int
    seed: int

    def __post_init__(self) -> None:
        self.train, self.test, self.unseen = (self.clips.split(name, self.seed) for name in ("train", "test", "unseen"))
        if not len(self.test):
            raise UserError("no clip is long enough to hold out a part of it: lower data.frames or data.stride")
        self.real = real_clips(self.test, self.per_clip, self.seed)
        self.known = real_clips(self.train, self.per_clip, self.seed)
        self.bar = MotionBar.set_by(self.panel.motion.model, self.real) if self.panel.motion else None
        self.bound = judged(self.judge, self.real.videos)
        self.real_variety = statistics.variety(self.real.videos, self.pair(self.real))
        self.real_novelty = statistics.nearest(self.real.videos, self.known.videos)

    @property
    def judge(self) -> Any:
        """Whose word tables go by."""
        return self.panel.judge.model

    def pair(self, shown: Labelled) -> Int64[Tensor, "n"]:
        return shown.identity * len(self.clips.actions) + shown.action

    def row(
        self,
        name: str,
        shown: Labelled,
        reference: Verdict | None = None,
        looks_like: Labelled | None = None,
        told: Sequence[str] = ALL,
    ) -> dict[str, str | int | float | None]:
        """The scores of `shown`; beside a judge's, all are relative to real clips.

        variety   distance between two videos of the same pair; 1 as between two real ones
        novelty   distance to the nearest training clip; 1 as that of real clips that were held out, 0 for copies

        Of what the model was not `told`, it cannot be wrong: there is no accuracy. Where it is needed all the same (does it
        move as its action moves?), a video counts as what the first judge takes it for.
        """
        looks_like, people, actions = looks_like or self.real, len(self.clips.identities), len(self.clips.actions)
        verdict = judged(self.judge, shown.videos)
        taken = dict(zip(ALL, verdict.taken_for(people, actions), strict=True))
        asked = {"identity": shown.identity, "action": shown.action}
        shown = Labelled(shown.videos, *(asked[name] if name in told else taken[name] for name in ALL))
        row = scores(name, shown, verdict, reference or self.bound, looks_like, people, actions)
        row |= self.judged_apart(shown) | self.judged_motion(shown) | self.consistency(shown)
        pair = self.pair(shown)
        alone = len(pair.unique()) == len(pair)  # one video of each: no two to compare
        variety = None if alone else statistics.variety(shown.videos, pair) / max(self.real_variety, 1e-9)
        novelty = statistics.nearest(shown.videos, self.known.videos) / max(self.real_novelty, 1e-9)
        row |= {"variety": variety, "novelty": novelty}
        return row | {key: None for key in row if not set(OBEYED.get(key, ())) <= set(told)}

    def bound_row(self) -> dict[str, str | int | float | None]:
        """The held-out clips. Their Frechet distance is that of training clips to them: how far apart real clips are."""
        gap = judged(self.judge, self.known.videos)
        distance = statistics.frechet_distance(self.bound.features, gap.features)
        return self.row("bound", self.real) | {"frechet": distance}

    def judged_motion(self, shown: Labelled) -> dict[str, str | int | float | None]:
        """Does it move as its action moves: by the bar, and (MCS) more than as any other action does?"""
        if self.bar is None:
            return {"motion_pass_rate": None}
        said = motion_judged(self.bar.judge, shown.videos)
        own = said.gather(1, shown.action[:, None])[:, 0]
        return {
            "motion_pass_rate": self.bar.passes(shown, own).double().mean().item(),
            "mcs": statistics.accuracy(said[:, : len(self.clips.actions)], shown.action),
        }

    def consistency(self, shown: Labelled) -> dict[str, str | int | float | None]:
        """ACD, of at most `CONSISTENCY` videos, evenly chosen."""
        if self.panel.apart is None:
            return {}
        some = torch.linspace(0, len(shown.videos) - 1, min(CONSISTENCY, len(shown.videos))).round().long()
        return {"acd": statistics.content_distance(identity_features(self.panel.apart.model, shown.videos[some]))}

    def judged_apart(self, shown: Labelled) -> dict[str, str | int | float | None]:
        """Accuracies by the judge of who and what apart, if there is one."""
        if self.panel.apart is None:
            return {}
        p = judged(self.panel.apart.model, shown.videos).p
        p_identity, p_action = statistics.marginals(p, len(self.clips.identities), len(self.clips.actions))
        return {
            "identity_apart": statistics.accuracy(p_identity, shown.identity),
            "action_apart": statistics.accuracy(p_action, shown.action),
            "joint_apart": statistics.accuracy(p, self.pair(shown)),
        }


def evaluate(
    bench: Bench, sample: Sample, samples: int, told: Sequence[str] = ALL, begins_with: Sequence[str] = BEGINNINGS
) -> tuple[list[Row], float | None]:
    """The rows of the table, and the mean PSNR (dB) of the given first frame in the row `codes_first_frame`; None where it
    is handed on as it is.

    told          what of the codes reaches the model
    begins_with   whether it can begin with codes alone, with a first frame, or both: it gets a row for each way it can

    bound               real clips of the held-out third; its Frechet distance is that of training clips to them, which
                        is how far apart two sets of real clips are; all others are to the held-out clips
    frozen, shuffled, jittered    the same clips, tampered with
    codes               `samples` videos of each pair of codes that was trained on (open circle)
    codes_first_frame   the codes and the first frame of each clip of `bound` (filled circle)
    unseen_pairs        `samples` videos of each pair that was kept out of training, if any was; its Frechet distance is
                        to the real clips of those pairs
    unseen_real         these real clips: the bound for pairs never seen
    unseen_real_moved   the same, `MOVED` pixels to the right: what a judge asks of a model that can know who and what, but
                        not where a camera stood that it never saw
    unseen_real_expected    the same, where the training clips would have one expect each pair (`alignment.py`): what is
                        left of the bound where all is known but what these do not tell of places
    unseen_pairs_aligned    the generated ones, each pair moved to where its real clips stand (`alignment.py`): what
                        is lost to who and what, not to where
    unseen_others_aligned   the same done to the same people's videos of `codes`: of their other actions, so that as many as
                        are right here are right for the move alone
    unseen_real_aligned     the real ones, moved to where the model put that pair: what is lost to its places alone
    """
    real = bench.real
    rows: list[Row] = [bench.bound_row()]
    for name in ("frozen", "shuffled", "jittered"):
        rows.append(bench.row(name, real.tampered(tamper.KNOWN[name], bench.seed)))
    kept = None
    if "codes" in begins_with:
        seen = asked_for(sample, pairs_of(bench.train), samples)
        rows.append(bench.row("codes", seen, told=told))
    if "first_frame" in begins_with:
        continued = goes_on(sample, real)
        rows.append(bench.row("codes_first_frame", continued))
        exactness = statistics.psnr(continued.videos[:, 0], real.videos[:, 0]).mean().item()
        kept = exactness if math.isfinite(exactness) else None  # some hand the given frame on as it is
    if len(bench.unseen) and "codes" in begins_with:
        never_seen = real_clips(bench.unseen, bench.per_clip, bench.seed)
        shown = asked_for(sample, pairs_of(bench.unseen), samples)
        reference = judged(bench.judge, never_seen.videos)
        rows.append(bench.row("unseen_pairs", shown, reference, never_seen, told))
        by = torch.tensor([MOVED, 0]).expand(len(never_seen.videos), 2)
        rows.append(bench.row("unseen_real", never_seen, reference, never_seen))
        rows.append(bench.row("unseen_real_moved", never_seen.moved(by), reference, never_seen))
        rows.append(bench.row("unseen_real_expected", expected(never_seen, bench.known), reference, never_seen))
        rows.append(bench.row("unseen_pairs_aligned", aligned(shown, never_seen), reference, never_seen, told))
        if len((others := passed_off(seen, pairs_of(bench.unseen))).videos):
            rows.append(bench.row("unseen_others_aligned", aligned(others, never_seen), reference, never_seen, told))
        rows.append(bench.row("unseen_real_aligned", aligned(never_seen, shown), reference, never_seen))
    return rows, kept


def pairs_of(split: Any) -> Int64[Tensor, "n 2"]:
    """The (identity, action) pairs that a split shows, once each, in order."""
    pairs = {(split.identity_of[row.identity], split.action_of[row.action]) for row in split.rows}
    return torch.tensor(sorted(pairs))


def asked_for(sample: Sample, pairs: Int64[Tensor, "n 2"], samples: int) -> Labelled:
    codes = pairs.repeat_interleave(samples, dim=0)
    return Labelled(sample(codes, None), codes[:, 0], codes[:, 1])


def passed_off(shown: Labelled, pairs: Int64[Tensor, "n 2"]) -> Labelled:
    """Everything that each person of the `pairs` does, as if it were their action of the pair."""
    rows, actions = [], []
    for identity, action in pairs.tolist():
        own = (shown.identity == identity).nonzero()[:, 0]
        rows.append(own)
        actions.append(torch.full_like(own, action))
    return replace(shown.where(torch.cat(rows)), action=torch.cat(actions))


def goes_on(sample: Sample, real: Labelled) -> Labelled:
    """A video from the first frame of each real clip on. The frame shows who it is, whatever the model is told."""
    codes = torch.stack([real.identity, real.action], dim=1)
    return Labelled(sample(codes, real.videos[:, 0]), real.identity, real.action)
