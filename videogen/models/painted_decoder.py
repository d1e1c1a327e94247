"""What paints the factored VideoVAE's frames (`models/video_vae_factored.py`): a figure in front of a background."""

import itertools

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen import pixels
from videogen.models.filmed import Spots

TEXTURE = 0.2  # how far a room's texture may lie from its light: bricks and tiles do, clothes mostly do not
COVERED = 0.2  # of a mask: somebody is there
PLAIN = 0.1  # how much a pixel that somebody covers counts for a plain wall, beside one that shows it


class Up(nn.Module):
    """Twice the size, normalised; then each channel scaled and shifted: as learned, or as the identity says (AdaIN)."""

    def __init__(self, before: int, after: int, e: int | None):
        super().__init__()
        self.up = nn.ConvTranspose2d(before, after, 4, 2, 1)
        self.norm = nn.GroupNorm(8, after, affine=e is None)
        self.paint = nn.Linear(e, 2 * after) if e is not None else None

    def forward(self, y: Float[Tensor, "n c h w"], e: Float[Tensor, "b e"]) -> Float[Tensor, "n d h2 w2"]:
        y = self.norm(self.up(y))
        if self.paint is not None:
            scale, shift = repeat(self.paint(e), "b c -> (b t) c 1 1", t=len(y) // len(e)).chunk(2, dim=1)
            y = y * (1 + scale) + shift
        return functional.silu(y)


class WeighedUp(nn.Module):
    """Twice the size, by weights that the identity scales (StyleGAN2, Karras et al. 2020, section 2.2).

    What comes out is scaled back by the power that these weights have, not by what the frame at hand shows as a
    normalisation would. So what a weight does is the same in every pose, and holds in one that the person was never in.
    """

    def __init__(self, before: int, after: int, e: int):
        super().__init__()
        self.up = nn.ConvTranspose2d(before, after, 4, 2, 1)
        self.weigh = nn.Linear(e, before)

    def forward(self, y: Float[Tensor, "n c h w"], e: Float[Tensor, "b e"]) -> Float[Tensor, "n d h2 w2"]:
        kernel, bias = self.up.parameters()
        weigh = 1 + self.weigh(e).float()
        power = kernel.float().square().sum((2, 3)) / 4  # of its sixteen weights four meet in each pixel
        scale = (weigh.square() @ power + 1e-6).rsqrt()
        weigh, scale = (repeat(factor, "b c -> (b t) c 1 1", t=len(y) // len(e)).to(y.dtype) for factor in (weigh, scale))
        # Unit variance in, and out; twice that, for SiLU halves what comes near 0.
        y = 2 * scale * functional.conv_transpose2d(weigh * y, kernel, stride=2, padding=1)
        return functional.silu(y + rearrange(bias, "c -> c 1 1"))


class Place(nn.Module):
    """Moves and resizes a figure as a whole (an affine spatial transformer, Jaderberg et al. 2015, without a rotation).

    How far is the person's own, up to .3 of half a frame and by a factor of up to 1.5, and the pair's (`Spots`). Resized,
    a figure stays where the bottom and the middle of the frame are.
    """

    def __init__(self, e: int):
        super().__init__()
        self.own = nn.Linear(e, 4)
        nn.init.zeros_(self.own.weight)
        nn.init.zeros_(self.own.bias)

    def forward(
        self, figure: Float[Tensor, "n k h w"], e: Float[Tensor, "b e"], spot: Float[Tensor, "b #t 4"] | None
    ) -> Float[Tensor, "n k h w"]:
        """In fp32, whatever the rest runs in: 8 bits do not tell one pixel of 64 from the next."""
        with torch.autocast(figure.device.type, enabled=False):
            where, zoom = self.own(e.float()).tanh()[:, None].split(2, dim=-1)
            where, zoom = 0.3 * where, 0.4 * zoom
            if spot is not None:
                where, zoom = where + spot[..., :2], zoom + spot[..., 2:]
            t = len(figure) // len(e)
            where, zoom = (rearrange(x.expand(-1, t, -1), "b t k -> (b t) k") for x in (where, zoom))
            zoom = zoom.exp()
            none = torch.zeros_like(zoom[:, 0])
            across = torch.stack([zoom[:, 0], none, where[:, 0]], dim=-1)
            down = torch.stack([none, zoom[:, 1], 1 - zoom[:, 1] + where[:, 1]], dim=-1)
            grid = functional.affine_grid(torch.stack([across, down], dim=1), list(figure.shape), align_corners=False)
            return functional.grid_sample(figure.float(), grid, padding_mode="border", align_corners=False)


class Room(nn.Module):
    """A background that nobody is part of: light, and texture that is too faint for clothes.

    In each row of pixels the light is one colour that shades from left to right: a wall, a floor, a lamp at one side. It is
    learnt from clips as what is there most of the time (`misfit`), never from what it is good for behind a figure.
    """

    def __init__(self, channels: int, size: int, e: int, widths: list[int]):
        super().__init__()
        self.ends = nn.Sequential(nn.Linear(e, channels * size * 2), nn.Unflatten(1, (channels, size, 2)))
        self.texture = drawn_by_itself(channels, e, widths)
        self.size = size

    def forward(self, e: Float[Tensor, "b e"]) -> Float[Tensor, "b c h w"]:
        """The room as it is painted. No gradient: what it is good for teaches it nothing."""
        return (self.light(e) + TEXTURE * self.texture(e)).detach()

    def light(self, e: Float[Tensor, "b e"]) -> Float[Tensor, "b c h w"]:
        return functional.interpolate(self.ends(e), (self.size, self.size), mode="bilinear").tanh()

    def misfit(
        self,
        x: Float[Tensor, "b t c h w"],
        e: Float[Tensor, "b e"],
        camera: Int64[Tensor, "b"],
        seen: Float[Tensor, "b s c h w"] | None = None,
        mask: Float[Tensor, "b s 1 h w"] | None = None,
    ) -> Float[Tensor, "b"]:
        """Absolute errors, as nats of a Laplace density of scale .3: of the light in all pixels, so that it tends to each
        row's median; and of the texture in pixels near the light. Others show somebody, who would leave a ghost there.

        Pale clothes are near it, too. So where figures have masks to go by, in the frames `seen`, the texture learns from
        what no mask covers; behind who always stands there it tends to none. A mask of more than half of a frame is not yet
        a figure's: who paints the wall would be left to paint it for good.
        """
        light, texture = (pixels.panned(part(e)[:, None], camera) for part in (self.light, self.texture))
        off = (x if seen is None else seen) - light.detach()
        counts = near(off).float()
        if mask is not None:
            covered = (mask > COVERED) & (mask.mean((1, 2, 3, 4), keepdim=True) < 0.5)
            off, counts = off.masked_fill(covered, 0.0), counts.masked_fill(covered, PLAIN)
        rough = (counts * (off - TEXTURE * texture).abs()).sum((1, 2, 3, 4)) * (x.shape[1] / off.shape[1])
        return ((x - light).abs().sum((1, 2, 3, 4)) + rough) / 0.3

    def needless(
        self,
        seen: Float[Tensor, "b s c h w"],
        e: Float[Tensor, "b e"],
        camera: Int64[Tensor, "b"],
        mask: Float[Tensor, "b s 1 h w"],
    ) -> Float[Tensor, "b"]:
        """How many pixels masks cover where the frames are near the light, all in all."""
        light = pixels.panned(self.light(e).detach()[:, None], camera)
        return (mask * near(seen - light)).sum((1, 2, 3, 4))


def near(off: Float[Tensor, "b s c h w"]) -> Bool[Tensor, "b s 1 h w"]:
    """Which pixels are no further off from a room's light than its texture may be."""
    return off.abs().amax(2, keepdim=True) < TEXTURE + 0.05


def drawn_by_itself(channels: int, e: int, widths: list[int]) -> nn.Module:
    """A picture in [-1, 1] from an embedding alone."""
    layers: list[nn.Module] = [nn.Linear(e, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4)), nn.SiLU()]
    for before, after in itertools.pairwise(widths):
        layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1), nn.Tanh())


def over(
    figure: Float[Tensor, "b t c h w"], mask: Float[Tensor, "b t 1 h w"], behind: Float[Tensor, "b #t c h w"]
) -> Float[Tensor, "b t c h w"]:
    """The figure in front of what is behind it."""
    return mask * figure + (1 - mask) * behind


class PaintedDecoder(nn.Module):
    """dec: (motion h_t, identity e) -> frame in [-1, 1]. The background is drawn once a clip.

    painted   how many of the last layers know the identity. 1: it colours from near what the motion drew. More, up to the
              first one of all: it has a say in shapes, too, and so in how an action looks that it was never seen in. 0:
              it has its colours alone, and a place where there is one
    colours   of each person's palette. The last layer of all then knows no one, and says which of the colours goes where:
              what is everybody's sleeve stays a sleeve on those who were never seen to move so. It takes the place of the
              last painted layer. 0: no palette, pixels are drawn freely
    weighed   the identity scales weights (`WeighedUp`) instead of normalised channels (`Up`)
    room      the background is a `Room`. Left free, it keeps the torso, which is there most of the time; a figure is then
              what is left when the wall has been drawn around it, and in a pose never seen neither is whole
    placed    (identities, actions): each person's figure is moved and resized as a whole (`Place`, `Spots`), so that
              whoever stands elsewhere or is taller need not be drawn anew. Its outline, the mask, is drawn by layers of its
              own that know no one, and so is the first layer of all: a pose is everybody's, also of those who were never
              seen in it. None: a figure stands where it is drawn, and its outline is its person's
    crisp     factor on the logits of the colours' shares outside of training. Where the decoder doubts whether a pixel is
              arm or wall, the mean of both is the best bet and looks like neither: above 1, the likelier one prevails
    """

    def __init__(
        self,
        channels: int,
        size: int,
        width: int,
        motion: int,
        e: int,
        painted: int,
        colours: int,
        weighed: bool,
        room: bool,
        placed: tuple[int, int] | None,
        crisp: float,
    ):
        super().__init__()
        self.crisp = crisp
        widths = [width * min(2**i, 8) for i in range(size.bit_length() - 3)][::-1]
        start, levels = nn.Unflatten(1, (widths[0], 4, 4)), len(widths) - 1
        self.drawn_by_both = painted > levels and not placed
        inputs = motion + e if self.drawn_by_both else motion
        self.stem = nn.Sequential(nn.Linear(inputs, widths[0] * 16), start, nn.GroupNorm(8, widths[0]), nn.SiLU())
        blind = 1 if colours else 0
        self.ups = nn.ModuleList()
        for level, (before, after) in enumerate(itertools.pairwise(widths)):
            knows = blind < levels - level <= painted
            self.ups.append(WeighedUp(before, after, e) if knows and weighed else Up(before, after, e if knows else None))
        self.common = max(levels - painted, 0) if placed else levels  # layers of figure and outline, before they part
        self.out = nn.ConvTranspose2d(widths[-1], (colours or channels) + (0 if placed else 1), 4, 2, 1)
        if placed:
            self.shape = nn.ModuleList(
                Up(before, after, None) for before, after in itertools.pairwise(widths[self.common :])
            )
            self.mask = nn.ConvTranspose2d(widths[-1], 1, 4, 2, 1)
        self.palette = nn.Sequential(nn.Linear(e, colours * channels), nn.Tanh()) if colours else None
        self.place = Place(e) if placed else None
        self.behind = Room(channels, size, e, widths) if room else drawn_by_itself(channels, e, widths)
        if room:  # learnt first, from an empty mask: or it may take the figures' colour, and the wall be painted over it
            _, bias = (self.mask if placed else self.out).parameters()
            nn.init.constant_(bias[-1:], -2.0)
        self.spots = Spots(*placed) if placed else None

    def forward(
        self,
        h: Float[Tensor, "b t d"],
        e: Float[Tensor, "b e"],
        camera: Int64[Tensor, "b"] | None = None,
        spot: Float[Tensor, "b #t 4"] | None = None,
    ) -> Float[Tensor, "b t c h w"]:
        return over(*self.layers(h, e, camera, spot))

    def layers(
        self,
        h: Float[Tensor, "b t d"],
        e: Float[Tensor, "b e"],
        camera: Int64[Tensor, "b"] | None = None,
        spot: Float[Tensor, "b #t 4"] | None = None,
    ) -> tuple[Float[Tensor, "b t c h w"], Float[Tensor, "b t 1 h w"], Float[Tensor, "b 1 c h w"]]:
        """The figure, where it hides what is behind it, and the background. `spot`: `Spots`, 0 if None."""
        y = self._drawn(h, e)
        y = y if self.place is None else self.place(y, e, spot)
        y = rearrange(y, "(b t) c h w -> b t c h w", b=len(h))
        drawn, mask = y[:, :, :-1], y[:, :, -1:].sigmoid()
        behind = self.behind(e)[:, None]
        if camera is not None:
            behind = pixels.panned(behind, camera)
        return self._coloured(drawn, e), mask, behind

    def _drawn(self, h: Float[Tensor, "b t d"], e: Float[Tensor, "b e"]) -> Float[Tensor, "n k h w"]:
        """Logits of what a figure is made of and, last, of its mask."""
        code = torch.cat([h, repeat(e, "b e -> b t e", t=h.shape[1])], dim=-1) if self.drawn_by_both else h
        y = self.stem(rearrange(code, "b t d -> (b t) d"))
        for up in self.ups[: self.common]:
            y = up(y, e)
        shape = y
        for up in self.ups[self.common :]:
            y = up(y, e)
        if self.place is None:
            return self.out(y)
        for up in self.shape:
            shape = up(shape, e)
        return torch.cat([self.out(y), self.mask(shape)], dim=1)

    def _coloured(self, drawn: Float[Tensor, "b t k h w"], e: Float[Tensor, "b e"]) -> Float[Tensor, "b t c h w"]:
        if self.palette is None:
            return drawn.tanh()
        palette = rearrange(self.palette(e), "b (k c) -> b k c", k=drawn.shape[2])
        shares = (drawn if self.training else self.crisp * drawn).softmax(2)
        return einsum(shares, palette, "b t k h w, b k c -> b t c h w")
