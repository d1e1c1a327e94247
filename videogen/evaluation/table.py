"""The table of one run: the bound on real clips, tampered clips that a judge should mark down, and the model's own."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from videogen.errors import UserError
from videogen.evaluation import tamper
from videogen.evaluation.judging import Labelled, judged, real_clips, scores
from videogen.evaluation.statistics import psnr

Sample = Callable[[Int64[Tensor, "n 2"], Float[Tensor, "n c h w"] | None], Float[Tensor, "n t c h w"]]


def evaluate(judge: Any, sample: Sample, clips: Any, samples: int, per_clip: int, seed: int) -> tuple[list, float]:
    """The rows of the table, and the mean PSNR (dB) of the given first frame in the row `codes_first_frame`.

    bound               real clips of the held-out third; its Frechet distance is that of training clips to them, which
                        is how far apart two sets of real clips are; all others are to the held-out clips
    frozen, shuffled    the same clips, tampered with
    codes               `samples` videos of each pair of codes that was trained on (open circle)
    codes_first_frame   the codes and the first frame of each clip of `bound` (filled circle)
    unseen_pairs        `samples` videos of each pair that was kept out of training, if any was; its Frechet distance is
                        to the real clips of those pairs
    """
    train, test, unseen = (clips.split(name, seed) for name in ("train", "test", "unseen"))
    if not len(test):
        raise UserError("no clip is long enough to hold out a part of it: lower data.frames or data.stride")
    people, actions = len(clips.identities), len(clips.actions)

    real = real_clips(test, per_clip, seed)
    bound = judged(judge, real.videos)
    reality_gap = judged(judge, real_clips(train, per_clip, seed).videos)
    rows = [
        scores("bound", real, bound, bound, real, people, actions)
        | {"frechet": scores("", real, bound, reality_gap, real, people, actions)["frechet"]}
    ]

    def add(name: str, shown: Labelled, reference=bound, looks_like=real) -> None:
        verdict = judged(judge, shown.videos)
        rows.append(scores(name, shown, verdict, reference, looks_like, people, actions))

    add("frozen", real.tampered(tamper.frozen, seed))
    add("shuffled", real.tampered(tamper.shuffled, seed))
    add("codes", asked_for(sample, pairs_of(train), samples))
    codes = torch.stack([real.identity, real.action], dim=1)
    continued = sample(codes, real.videos[:, 0])
    add("codes_first_frame", Labelled(continued, real.identity, real.action))
    if len(unseen):
        never_seen = real_clips(unseen, per_clip, seed)
        add(
            "unseen_pairs",
            asked_for(sample, pairs_of(unseen), samples),
            judged(judge, never_seen.videos),
            never_seen,
        )
    return rows, psnr(continued[:, 0], real.videos[:, 0]).mean().item()


def pairs_of(split: Any) -> Int64[Tensor, "n 2"]:
    """The (identity, action) pairs that a split shows, once each, in order."""
    pairs = {(split.identity_of[row.identity], split.action_of[row.action]) for row in split.rows}
    return torch.tensor(sorted(pairs))


def asked_for(sample: Sample, pairs: Int64[Tensor, "n 2"], samples: int) -> Labelled:
    codes = pairs.repeat_interleave(samples, dim=0)
    return Labelled(sample(codes, None), codes[:, 0], codes[:, 1])
