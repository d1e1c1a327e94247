"""Every way to steer a model that keeps motion and identity apart (`models/video_vae_factored.py`).

In words: `ada` is a name (or number), `ada:0.7+ben:0.3` a mixture, and `walk/jack` one action after another, in equal
parts of the video.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from tqdm import tqdm

from videogen import noise, pixels
from videogen.errors import UserError
from videogen.runs import TrainedModel, number

REACH, PLACES, GAIN = 0.25, 4, 0.25  # how far to either side motions are looked for, in how many steps, for how much


def mixture(words: str | int, names: list[str], kind: str) -> Float[Tensor, "k"]:
    """`ada`, `ada+ben` or `ada:0.7+ben:0.3` as weights over the names, with sum 1. Raises UserError for anything else."""
    weights = torch.zeros(len(names))
    for part in str(words).split("+"):
        name, colon, share = part.partition(":")
        try:
            weight = float(share) if colon else 1.0
        except ValueError:
            raise UserError(f"{kind} {words!r}: {share!r} is no weight; write for example {names[0]}:0.7") from None
        weights[number(name, names, kind)] += weight
    if not torch.isfinite(weights).all() or weights.min() < 0 or weights.sum() <= 0:
        raise UserError(f"{kind} {words!r}: weights must not be negative, and not all be 0")
    return weights / weights.sum()


def attributes(trained: TrainedModel, identity: str | int, action: str | int, frames: int) -> Float[Tensor, "t k"]:
    """The attributes of each of `frames` frames: a (mixed) identity throughout, one (mixed) action after another."""
    who = mixture(identity, trained.identities, "identity")
    acts = [mixture(words, trained.actions, "action") for words in str(action).split("/")]
    if len(acts) > frames:
        raise UserError(f"action {action!r} asks for {len(acts)} actions in {frames} frames: ask for more frames")
    turn = torch.arange(frames) * len(acts) // frames
    return torch.cat([who.expand(frames, -1), torch.stack(acts)[turn]], dim=1)


@torch.no_grad()
def steer(
    trained: TrainedModel,
    wishes: Sequence[tuple[str | int, str | int]],
    frames: int,
    seed: int = 0,
    speed: float = 1.0,
    first_frame: Float[Tensor, "n c h w"] | None = None,
    same_noise: bool = False,
) -> Float[Tensor, "n t c h w"]:
    """One video for each (identity, action) in words, played `speed` times as fast as the people move.

    Speed is no matter of the player: the motion is generated as long as it takes, and what lies between two of its steps
    is drawn, not repeated. A video's noise depends on `seed`, on its words and on how often these came before it; with
    `same_noise` on `seed` alone, so that two videos differ by what was asked for and by nothing else.
    """
    model = steerable(trained)
    if not 0.1 <= speed <= 10:
        raise UserError(f"speed={speed}: choose one from 0.1 to 10")
    if frames < 1:
        raise UserError(f"frames={frames}: ask for at least one")
    times = torch.arange(frames) * speed
    steps = int(times[-1].ceil()) + 1
    seen: dict[str, int] = {}
    seeds = []
    for identity, action in wishes:
        words = "" if same_noise else f"{identity} {action}"
        seen[words] = 0 if same_noise else seen.get(words, -1) + 1
        seeds.append(noise.seed_of(seed, words, seen[words]))
    a = torch.stack([attributes(trained, identity, action, steps) for identity, action in wishes]).to(trained.device)
    videos = []
    for rows in torch.arange(len(wishes)).split(32):
        eps = noise.normal(torch.tensor(seeds)[rows], steps, model.z).to(trained.device)
        given = None if first_frame is None else first_frame[rows, None].to(trained.device)
        h = model.motion(a[rows], eps, given)
        videos.append(model.paint(between(h, times), between(a[rows], times)).float().cpu())
    return torch.cat(videos)


def between(h: Float[Tensor, "b t d"], times: Float[Tensor, "s"]) -> Float[Tensor, "b s d"]:
    """What there is at each step, at any times between them: neighbours, mixed."""
    before = times.long().clamp(max=h.shape[1] - 1)
    after = (before + 1).clamp(max=h.shape[1] - 1)
    return torch.lerp(h[:, before], h[:, after], (times - before).to(h)[None, :, None])


@torch.no_grad()
def infer(trained: TrainedModel, x: Float[Tensor, "n t c h w"]) -> tuple[Float[Tensor, "n i"], Float[Tensor, "n a"]]:
    """Probabilities of identity and action for each clip."""
    parts = [steerable(trained).infer(part.to(trained.device)) for part in x.split(32)]
    identity, action = zip(*parts, strict=True)
    return torch.cat(identity).cpu(), torch.cat(action).cpu()


@torch.no_grad()
def swap(
    trained: TrainedModel, x: Float[Tensor, "n t c h w"], identity: Int64[Tensor, "n"], action: Int64[Tensor, "n"]
) -> Float[Tensor, "n t c h w"]:
    """The motion of each clip, performed by another identity. `action` is what the clip shows: given, or inferred."""
    model, videos = steerable(trained), []
    own = infer(trained, x)[0].argmax(1)
    batches = torch.arange(len(x)).split(32)
    for rows in tqdm(batches, "reading motions", leave=False, delay=2, disable=None):
        shown, performed = (
            model.attributes(who[rows].to(trained.device), action[rows].to(trained.device)) for who in (own, identity)
        )
        videos.append(model.paint(read(model, x[rows].to(trained.device), shown), performed).float().cpu())
    return torch.cat(videos)


@torch.no_grad()
def layers(
    trained: TrainedModel, x: Float[Tensor, "n t c h w"], identity: Int64[Tensor, "n"], action: Int64[Tensor, "n"]
) -> tuple[Float[Tensor, "n t c h w"], Float[Tensor, "n t c h w"]]:
    """Each clip as the model has it, in layers: the figure in front of grey, and what is behind it."""
    model, parts = steerable(trained), []
    for rows in torch.arange(len(x)).split(32):
        a = model.attributes(identity[rows].to(trained.device), action[rows].to(trained.device))
        figure, mask, behind = model.layers(read(model, x[rows].to(trained.device), a), a)
        parts.append(torch.stack([mask * figure, behind.expand_as(figure)]).float().cpu())
    figures, behind = torch.cat(parts, dim=1)
    return figures, behind


@torch.no_grad()
def read(model: Any, x: Float[Tensor, "b t c h w"], a: Float[Tensor, "b k"]) -> Float[Tensor, "b t d"]:
    """The motion of clips of which `a` says who does what; the likeliest one, not a sample.

    Where its camera stood is one more thing that a clip does not tell. People who travel are known where they were filmed,
    and a jump that goes on from there is read as something else. So each clip is read as it is and moved sideways, by up to
    `REACH` of the width, and what counts is the reading that paints it best; painted by somebody else, it stays where the
    model knows it. Who moves on the spot is known there: a clip is read as it is unless that takes `GAIN` of the squared
    error away.
    """
    steps = [round(REACH * x.shape[-1] * k / PLACES) for k in range(-PLACES, PLACES + 1)]
    motions, errors = [], []
    for camera in (torch.full((len(x),), step, device=x.device) for step in steps):
        h = model.motion(a, x.new_zeros(*x.shape[:2], model.z), pixels.panned(x, camera))
        painted = pixels.panned(model.paint(h, a, camera), -camera)
        motions.append(h)
        errors.append((painted - x).square().mean((1, 2, 3, 4)))
    error = torch.stack(errors)
    least, best = error.min(0)
    best = torch.where(least < (1 - GAIN) * error[PLACES], best, PLACES)
    return torch.stack(motions)[best, torch.arange(len(x), device=x.device)]


def steerable(trained: TrainedModel) -> Any:
    """The model, if its motion and its paint can be had apart. Raises UserError if not."""
    if not hasattr(trained.model, "paint"):
        raise UserError(
            f"{trained.file} holds a {type(trained.model).__name__}, whose motion and identity are one: "
            "train one that can be steered (experiment=weizmann/control)"
        )
    return trained.model
