"""Is the model doing what it was told? One measurement, and the videos behind it, for each way to steer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from videogen import noise
from videogen.evaluation.alignment import exchanged
from videogen.evaluation.judging import Labelled, judged, real_clips, redrawn_clips
from videogen.evaluation.report import Row
from videogen.evaluation.statistics import accuracy, marginals, psnr
from videogen.evaluation.table import Bench, pairs_of

Steer = Callable[..., Float[Tensor, "n t c h w"]]  # (wishes, frames, seed, speed=1.0, same_noise=False)
Infer = Callable[[Tensor], tuple[Float[Tensor, "n i"], Float[Tensor, "n a"]]]
Swap = Callable[[Tensor, Int64[Tensor, "n"], Int64[Tensor, "n"]], Float[Tensor, "n t c h w"]]
Layers = Callable[[Tensor, Int64[Tensor, "n"], Int64[Tensor, "n"]], tuple[Tensor, Tensor]]


@dataclass
class Steering:
    """The ways to steer one model, as functions of requests; `generation/steering.py` has them."""

    steer: Steer
    infer: Infer
    swap: Swap
    layers: Layers


@dataclass(frozen=True)
class Shown:
    """What was measured, and videos to look at, each with its label."""

    name: str
    rows: Sequence[Row]
    videos: Float[Tensor, "n t c h w"]
    labels: list[str]


def inferred(bench: Bench, steering: Steering) -> Shown:
    """Attributes of held-out clips: accuracy of the most probable identity and action."""
    real, names = bench.real, (bench.clips.identities, bench.clips.actions)
    p_identity, p_action = steering.infer(real.videos)
    row: Row = {
        "name": "inferred from held-out clips",
        "identity_accuracy": accuracy(p_identity, real.identity),
        "action_accuracy": accuracy(p_action, real.action),
        "joint_accuracy": ((p_identity.argmax(1) == real.identity) & (p_action.argmax(1) == real.action))
        .double()
        .mean()
        .item(),
        "samples": len(real.videos),
    }
    some = spread(len(real.videos), 6)
    labels = [
        " · ".join(
            f"{own[int(p[k].argmax())]} {p[k].max():.2f}" for own, p in zip(names, (p_identity, p_action), strict=True)
        )
        for k in some.tolist()
    ]
    return Shown("inferred", [row], real.videos[some], labels)


def in_layers(bench: Bench, steering: Steering) -> Shown:
    """Held-out clips beside what the model takes for the figure in them, in front of grey, and for the background. To look
    at: no judge knows where a figure ends."""
    some = bench.real.where(spread(len(bench.real.videos), 4))
    figures, behind = steering.layers(some.videos, some.identity, some.action)
    people, actions = bench.clips.identities, bench.clips.actions
    clips = [f"{people[i]} {actions[a]}" for i, a in zip(some.identity.tolist(), some.action.tolist(), strict=True)]
    labels = [label for clip in clips for label in (clip, "the figure", "what is behind")]
    return Shown("layers", [], torch.stack([some.videos, figures, behind], dim=1).flatten(0, 1), labels)


def swapped(bench: Bench, steering: Steering) -> Shown:
    """The motion of each held-out clip by another person; and each clip's person, inferred, at another action.

    Beside it the motion by its own person: what is lost there is lost without a change of owner. Where pairs were kept from
    training, some of the other videos show one; they have rows of their own (`in_parts`). Where clips are drawn, so is the
    other person with this very motion: what the judges say of the truth.

    `psnr`: how near each video comes to the real clip, or to the truth, dB. No still comes nearer than the mean frame.
    """
    real, people, actions = bench.real, len(bench.clips.identities), len(bench.clips.actions)
    other = (real.identity + draws(len(real.videos), bench.seed, people - 1) + 1) % people
    p_identity, p_action = steering.infer(real.videos)
    again = Labelled(steering.swap(real.videos, real.identity, p_action.argmax(1)), real.identity, real.action)
    performed = Labelled(steering.swap(real.videos, other, p_action.argmax(1)), other, real.action)
    another = (real.action + draws(len(real.videos), bench.seed + 1, actions - 1) + 1) % actions
    wishes = list(zip(p_identity.argmax(1).tolist(), another.tolist(), strict=True))
    redirected = Labelled(steering.steer(wishes, bench.clips.frames, bench.seed), real.identity, another)
    truth = redrawn_clips(bench.test, bench.per_clip, bench.seed, other)
    rows: list[Row] = [
        bench.row("this motion, the same person", again) | {"psnr": psnr(again.videos, real.videos).mean().item()},
        *in_parts(bench, "this motion, another person", performed, truth),
    ]
    if truth is not None:
        still = truth.videos.mean(1, keepdim=True).expand_as(truth.videos)
        nearest = psnr(still, truth.videos).mean().item()
        rows.append(bench.row("this motion, another person, drawn", truth))
        rows.append({"name": "the mean frame of what is drawn", "psnr": nearest, "samples": len(still)})
    rows += in_parts(bench, "this person, another action", redirected)
    columns = {"{who} {does}": real, "by {who}": performed, "by {who}, drawn": truth, "but {does}": redirected}
    some, labels, videos = spread(len(real.videos), 4), [], []
    for k in some.tolist():
        for label, shown in columns.items():
            if shown is not None:
                who, does = bench.clips.identities[int(shown.identity[k])], bench.clips.actions[int(shown.action[k])]
                labels.append(label.format(who=who, does=does))
                videos.append(shown.videos[k])
    return Shown("swap", rows, torch.stack(videos), labels)


def in_parts(bench: Bench, name: str, shown: Labelled, truth: Labelled | None = None) -> list[Row]:
    """All of the videos and, where pairs were kept from training, those of pairs that were seen and of the others. The
    latter are also moved to where real clips of the pair stand, and have real clips put in their place: what is lost to
    places, and what to pictures.
    """
    near = None if truth is None else psnr(shown.videos, truth.videos)

    def row(part: str, those: Bool[Tensor, "n"]) -> Row:
        likeness = {} if near is None else {"psnr": near[those].mean().item()}
        return bench.row(name + part, shown.where(those)) | likeness

    rows = [row("", torch.ones(len(shown.videos), dtype=torch.bool))]
    if not len(bench.unseen):
        return rows
    codes = torch.stack([shown.identity, shown.action], dim=1)
    new = (codes[:, None] == pairs_of(bench.unseen)).all(2).any(1)
    if (~new).sum() > 1:  # of one video alone there is no spread
        rows.append(row(", a pair seen", ~new))
    if new.sum() > 1:
        rows.append(row(", a pair never seen", new))
        moved, there = exchanged(shown.where(new), real_clips(bench.unseen, bench.per_clip, bench.seed))
        rows.append(bench.row(f"{name}, a pair never seen, moved to its real place", moved))
        rows.append(bench.row(f"{name}, a pair never seen, a real clip in its place", there))
    return rows


def switched(bench: Bench, steering: Steering, samples: int = 2) -> Shown:
    """One action, then another, same person, half of the video each: is the last clip's worth of frames the second one?

    `switch_jump`: how far the picture moves at the switch, over how far it moves between two frames elsewhere.
    """
    people, actions, frames = len(bench.clips.identities), len(bench.clips.actions), bench.clips.frames
    pairs = [
        (i, a, (a + 1 + i % max(actions - 1, 1)) % actions)
        for i in range(people)
        for a in range(actions)
        for _ in range(samples)
    ]
    half = 2 * frames
    videos = steering.steer([(i, f"{a}/{b}") for i, a, b in pairs], 2 * half, bench.seed)
    codes = torch.tensor(pairs)
    before = bench.row("before the switch", Labelled(videos[:, half - frames : half], codes[:, 0], codes[:, 1]))
    after = bench.row("after the switch", Labelled(videos[:, -frames:], codes[:, 0], codes[:, 2]))
    change = (videos[:, 1:] - videos[:, :-1]).square().mean((2, 3, 4)).sqrt()
    elsewhere = torch.cat([change[:, : half - 1], change[:, half:]], dim=1).mean()
    after["switch_jump"] = (change[:, half - 1].mean() / elsewhere).item()
    some = spread(len(pairs), 6)
    who, does = bench.clips.identities, bench.clips.actions
    labels = [f"{who[pairs[k][0]]}: {does[pairs[k][1]]}, then {does[pairs[k][2]]}" for k in some.tolist()]
    return Shown("switch", [before, after], videos[some, half - frames : half + frames], labels)


def mixed(bench: Bench, steering: Steering) -> Shown:
    """Half one person and half another (and the same for actions): how much of the judge's belief lies on the two."""
    who, does = bench.clips.identities, bench.clips.actions
    people, actions, frames = len(who), len(does), bench.clips.frames
    identity_pairs = [(i, (i + 1) % people) for i in range(people)]
    action_pairs = [(a, (a + 1) % actions) for a in range(actions)]
    by_identity = [(f"{i}+{j}", k % actions) for k, (i, j) in enumerate(identity_pairs * 2)]
    by_action = [(k % people, f"{a}+{b}") for k, (a, b) in enumerate(action_pairs * 2)]
    rows: list[Row] = []
    for name, wishes, pairs, which in (
        ("half this, half that person", by_identity, identity_pairs * 2, 0),
        ("half this, half that action", by_action, action_pairs * 2, 1),
    ):
        p = marginals(judged(bench.judge, steering.steer(wishes, frames, bench.seed)).p, people, actions)[which]
        rows.append({"name": name, "belief": p.gather(1, torch.tensor(pairs)).sum(1).mean().item(), "samples": len(wishes)})
    shares = (1.0, 0.75, 0.5, 0.25, 0.0)
    j, b = min(1, people - 1), min(1, actions - 1)  # a set of one has nobody else to mix with
    ladder = [(f"0:{s}+{j}:{1 - s}", "0") for s in shares] + [("0", f"0:{s}+{b}:{1 - s}") for s in shares]
    labels = [f"{s:.0%} {who[0]}, {1 - s:.0%} {who[j]}" for s in shares]
    labels += [f"{s:.0%} {does[0]}, {1 - s:.0%} {does[b]}" for s in shares]
    return Shown("mix", rows, steering.steer(ladder, frames, bench.seed, same_noise=True), labels)


def sped(bench: Bench, steering: Steering) -> Shown:
    """Half, normal and double speed: the judges' word on each, and `speed`, the change between frames over that at 1."""
    people, actions, frames = len(bench.clips.identities), len(bench.clips.actions), bench.clips.frames
    wishes = [(i, a) for i in range(people) for a in range(actions)]
    codes = torch.tensor(wishes)
    rows, shown, usual = [], [], 0.0
    for speed in (1.0, 0.5, 2.0):
        videos = steering.steer(wishes, frames, bench.seed, speed=speed)
        pace = (videos[:, 1:] - videos[:, :-1]).abs().mean().item()
        usual = usual or pace
        rows.append(
            bench.row(f"{speed:g} times as fast", Labelled(videos, codes[:, 0], codes[:, 1])) | {"speed": pace / usual}
        )
        shown.append(videos[spread(len(wishes), 3)])
    labels = [
        f"{bench.clips.actions[wishes[k][1]]} x{s:g}" for s in (1.0, 0.5, 2.0) for k in spread(len(wishes), 3).tolist()
    ]
    return Shown("speed", rows, torch.cat(shown), labels)


def acted(bench: Bench, steering: Steering, samples: int = 2) -> Shown:
    """Each action by everybody who was seen at it, and each person at everything: what, and who, is still hard?"""
    codes = pairs_of(bench.train).repeat_interleave(samples, dim=0)
    videos = steering.steer([tuple(code) for code in codes.tolist()], bench.clips.frames, bench.seed)
    made = Labelled(videos, codes[:, 0], codes[:, 1])
    return Shown("actions", one_by_one(bench, made, ""), *first_of_each(bench, made))


def drawn_anew(bench: Bench, steering: Steering) -> Shown | None:
    """Where clips are drawn: what the judges say of another performance of each held-out clip, one that is in no split. So
    much a model can have from codes alone; held-out clips are the last third of those that a judge was trained on. None
    where clips are filmed.
    """
    truth = redrawn_clips(bench.test, bench.per_clip, bench.seed)
    if truth is None:
        return None
    rows = [bench.row("drawn anew", truth), *one_by_one(bench, truth, ", drawn anew")]
    return Shown("drawn_anew", rows, *first_of_each(bench, truth))


def one_by_one(bench: Bench, shown: Labelled, suffix: str) -> list[Row]:
    """Each action by everybody, and each person at everything."""
    who, does = bench.clips.identities, bench.clips.actions
    rows: list[Row] = []
    for a in shown.action.unique().tolist():
        rows.append(bench.row(f"{does[a]}, everybody{suffix}", shown.where(shown.action == a)))
    for i in shown.identity.unique().tolist():
        rows.append(bench.row(f"{who[i]}, every action{suffix}", shown.where(shown.identity == i)))
    return rows


def first_of_each(bench: Bench, shown: Labelled) -> tuple[Float[Tensor, "n t c h w"], list[str]]:
    """A video of each action, and its label."""
    first = [int((shown.action == a).nonzero()[0, 0]) for a in shown.action.unique().tolist()]
    who, does = bench.clips.identities, bench.clips.actions
    return shown.videos[first], [f"{who[int(shown.identity[k])]} {does[int(shown.action[k])]}" for k in first]


def never_seen(bench: Bench, steering: Steering, samples: int = 4) -> Shown | None:
    """Pairs that were kept out of training, all and one by one, each above a real clip of it; None where none was kept.
    Where clips are drawn, other performances of these pairs, too.
    """
    if not len(bench.unseen):
        return None
    pairs = pairs_of(bench.unseen)
    codes = pairs.repeat_interleave(samples, dim=0)
    videos = steering.steer([tuple(code) for code in codes.tolist()], bench.clips.frames, bench.seed)
    real = real_clips(bench.unseen, 1, bench.seed)
    made = Labelled(videos, codes[:, 0], codes[:, 1])
    rows = [bench.row("pairs never seen", made, looks_like=real)]
    if truth := redrawn_clips(bench.unseen, 1, bench.seed):
        rows.append(bench.row("pairs never seen, drawn anew", truth, looks_like=real))
    for i, a in pairs.tolist():
        name = f"{bench.clips.identities[i]} {bench.clips.actions[a]}, never seen"
        rows.append(bench.row(name, made.where((codes == torch.tensor([i, a])).all(1)), looks_like=real))
    some, shown, labels = spread(len(pairs), 9).tolist(), [], []
    for k in some:
        of_pair = ((real.identity == pairs[k, 0]) & (real.action == pairs[k, 1])).nonzero()[0, 0]
        shown += [videos[k * samples], real.videos[of_pair]]
        labels += [f"{bench.clips.identities[pairs[k, 0]]} {bench.clips.actions[pairs[k, 1]]}, never seen", "the real one"]
    return Shown("unseen", rows, torch.stack(shown), labels)


WAYS: tuple[Callable[[Bench, Steering], Shown | None], ...] = (
    acted,
    drawn_anew,
    never_seen,
    in_layers,
    inferred,
    swapped,
    switched,
    mixed,
    sped,
)


def draws(count: int, seed: int, below: int) -> Int64[Tensor, "n"]:
    return torch.tensor([noise.seed_of(seed, "draw", k) % max(below, 1) for k in range(count)])


def spread(count: int, wanted: int) -> Int64[Tensor, "k"]:
    """Up to `wanted` numbers below `count`, evenly apart."""
    return torch.linspace(0, count - 1, min(wanted, count)).round().long()
