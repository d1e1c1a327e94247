"""Real clips that do not move right though every frame of them is real: what a judge of motion must not be fooled by.

Each clip is tampered with as its own seed says, whatever batch it sits in. `KNOWN` kinds are what the motion judge is
trained against, `UNKNOWN` kinds are kept from it, to see whether it learnt motion or the tampering.
"""

from collections.abc import Callable

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from videogen.errors import UserError

Videos = Float[Tensor, "b t c h w"]
Seeds = Int64[Tensor, "b"]
Tamper = Callable[[Videos, Seeds], Videos]

REACH = 6  # pixels, at 64: how far a shaken or sliding still strays


def frozen(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """One frame of each clip, drawn at random, repeated throughout: all of the appearance, none of the motion."""
    t = x.shape[1]
    return _pick(x, [torch.randint(t, (1,), generator=_generator(seed)).expand(t) for seed in seeds.tolist()])


def shuffled(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Each clip's frames in a random order, never the right one nor its reversal, which is smooth motion, too.

    Raises:
        UserError: fewer than three frames, which have no other order.
    """
    t = x.shape[1]
    if t < 3:
        raise UserError(f"a clip of {t} frames cannot be shuffled into a new order: use clips of at least 3 frames")
    return _pick(x, [_disorder(t, _generator(seed)) for seed in seeds.tolist()])


def jittered(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Time trembles: every frame is one from up to three earlier or later, half of them at least two away."""
    t = x.shape[1]
    picks = []
    for seed in seeds.tolist():
        steps = torch.tensor([-3, -2, -1, 1, 2, 3])[torch.randint(6, (t,), generator=_generator(seed))]
        picks.append(_reflected(torch.arange(t) + steps, t))
    return _pick(x, picks)


def mixed(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Frames of two clips in turn, in random turns: the other clip is the next one in the batch."""
    other = x.roll(1, 0)
    turns = [torch.rand(x.shape[1], generator=_generator(seed)) < 0.5 for seed in seeds.tolist()]
    take = rearrange(torch.stack(turns), "b t -> b t 1 1 1").to(x.device)
    return torch.where(take, other, x)


def shaken(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """A photograph in a trembling hand: one frame, shifted anew at every time step."""
    still = frozen(x, seeds)
    return _shifted(
        still, [_offsets(x, torch.rand(x.shape[1], 2, generator=_generator(s + 1)) * 2 - 1) for s in seeds.tolist()]
    )


def zoomed(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """A photograph that the camera nears or leaves, at an even pace, by up to a quarter."""
    still, clips = frozen(x, seeds), []
    for clip, seed in zip(still, seeds.tolist(), strict=True):
        amount, centre = torch.rand(1, generator=_generator(seed + 1)), torch.rand(2, generator=_generator(seed + 2)) - 0.5
        scale = 1 - (0.05 + 0.2 * amount) * torch.linspace(0, 1, len(clip))
        scale = scale.flip(0) if seed % 2 else scale
        theta = torch.zeros(len(clip), 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = scale
        theta[:, :, 2] = (1 - scale)[:, None] * 2 * centre
        grid = functional.affine_grid(theta, list(clip.shape), align_corners=False).to(x)
        clips.append(functional.grid_sample(clip, grid, padding_mode="border", align_corners=False))
    return torch.stack(clips)


def blended(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Two frames of the clip shine through one another, in a share that is drawn anew at every time step."""
    t, rows = x.shape[1], torch.arange(len(x))
    pairs = torch.stack([torch.randperm(t, generator=_generator(seed))[:2] for seed in seeds.tolist()])
    shares = torch.stack([torch.rand(t, generator=_generator(seed + 1)) for seed in seeds.tolist()]).to(x)
    shares = rearrange(shares, "b t -> b t 1 1 1")
    return (1 - shares) * x[rows, pairs[:, 0]][:, None] + shares * x[rows, pairs[:, 1]][:, None]


def reversed_in_time(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Played backwards. Wrong for a walk, as good as new for a wave: whoever trains or judges with it must know which."""
    return x.flip(1)


def sliding(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """A photograph that glides: one frame, moved along a straight line at an even pace."""
    still, moves = frozen(x, seeds), []
    for seed in seeds.tolist():
        angle = 2 * torch.pi * torch.rand((), generator=_generator(seed + 1))
        line = torch.linspace(-1, 1, x.shape[1])[:, None] * torch.stack([angle.sin(), angle.cos()])
        moves.append(_offsets(x, line))
    return _shifted(still, moves)


def stuttering(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """A slide show of two frames: one for the first half, a later one for the second."""
    t = x.shape[1]
    picks = []
    for seed in seeds.tolist():
        first, second = torch.randperm(t, generator=_generator(seed))[:2].tolist()
        picks.append(torch.tensor([first] * (t // 2) + [second] * (t - t // 2)))
    return _pick(x, picks)


def alternating(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Two frames in turn, as a flip book of two leaves."""
    t = x.shape[1]
    pairs = [torch.randperm(t, generator=_generator(seed))[:2] for seed in seeds.tolist()]
    return _pick(x, [pair[torch.arange(t) % 2] for pair in pairs])


def cross_faded(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """One frame melts into another: every frame is a mixture of the two."""
    t = x.shape[1]
    pairs = torch.stack([torch.randperm(t, generator=_generator(seed))[:2] for seed in seeds.tolist()])
    rows = torch.arange(len(x))
    share = torch.linspace(0, 1, t, device=x.device)[None, :, None, None, None]
    return (1 - share) * x[rows, pairs[:, 0]][:, None] + share * x[rows, pairs[:, 1]][:, None]


def dealt(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Cut like cards: blocks of two frames, each in order, in a random order of blocks."""
    t = x.shape[1]
    picks = []
    for seed in seeds.tolist():
        blocks = list(torch.arange(t).split(2))
        picks.append(torch.cat([blocks[k] for k in _disorder(len(blocks), _generator(seed)).tolist()]))
    return _pick(x, picks)


KNOWN: dict[str, Tamper] = {
    "frozen": frozen,
    "shuffled": shuffled,
    "jittered": jittered,
    "mixed": mixed,
    "shaken": shaken,
    "zoomed": zoomed,
    "blended": blended,
}
UNKNOWN: dict[str, Tamper] = {
    "sliding": sliding,
    "stuttering": stuttering,
    "alternating": alternating,
    "cross_faded": cross_faded,
    "dealt": dealt,
}


def _disorder(t: int, generator: torch.Generator) -> Int64[Tensor, "t"]:
    """A uniform draw from the permutations of t frames without identity and reversal."""
    forward = torch.arange(t)
    while True:
        order = torch.randperm(t, generator=generator)
        if not (order.equal(forward) or order.equal(forward.flip(0))):
            return order


def _reflected(index: Int64[Tensor, "t"], t: int) -> Int64[Tensor, "t"]:
    """Times beyond either end, mirrored back into 0 .. t-1."""
    index = index.abs()
    return torch.where(index >= t, 2 * (t - 1) - index, index).clamp(0, t - 1)


def _offsets(x: Tensor, directions: Float[Tensor, "t 2"]) -> Int64[Tensor, "t 2"]:
    """Directions in [-1, 1] as whole pixels."""
    return (directions * REACH * x.shape[-1] / 64).round().long()


def _shifted(x: Tensor, offsets: list[Int64[Tensor, "t 2"]]) -> Tensor:
    """Every frame moved by its own (down, right) pixels; what leaves on one side is replaced by the edge's pixels."""
    height, width = x.shape[-2:]
    moved = torch.empty_like(x)
    for k, clip in enumerate(offsets):
        for t, (down, right) in enumerate(clip.tolist()):
            rows = (torch.arange(height) - down).clamp(0, height - 1)
            columns = (torch.arange(width) - right).clamp(0, width - 1)
            moved[k, t] = x[k, t][:, rows.to(x.device)][:, :, columns.to(x.device)]
    return moved


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)  # on the CPU, so that every device gets the same draw


def _pick(x: Float[Tensor, "b t c h w"], frames: list[Int64[Tensor, "t"]]) -> Float[Tensor, "b t c h w"]:
    return torch.stack([clip[index.to(x.device)] for clip, index in zip(x, frames, strict=True)])
