"""VideoVAE (He, Lehrmann, Marino, Mori, Sigal; ECCV 2018), in the form that works best here.

The paper's graphical model with networks of our own: a latent z_t per frame, an LSTM whose state h_t carries the past, a
posterior and a prior that both know the holistic attributes a. `video_vae_paper.py` holds the paper's own networks and
merges under the same interface.

What differs from the paper, and why. The recurrence runs over the small latent alone, so that all frames of a batch are
encoded in one pass and decoded in one pass. The LSTM starts from a learned h_0(a) rather than from zero, and the decoder
sees h_t rather than z_t: what the past already says about a frame need not be paid for again in z_t, so z can be small,
and a small z leaves nothing in it that the prior cannot predict.
"""

import itertools
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen.distributions import Gaussian, stack
from videogen.models.attributes import Attributes


@dataclass(frozen=True)
class Rollout:
    """One pass over a clip: what training compares."""

    x_hat: Float[Tensor, "b s c h w"]  # of all t frames, or of those that were asked for
    posterior: Gaussian  # of z, [b t z]
    prior: Gaussian  # of z, [b t z]
    features: Float[Tensor, "b t d"]  # what the encoder says of each frame; 0 where it was not given


class FrameEncoder(nn.Module):
    """enc: frame -> features. Strided convolutions down to 4x4."""

    def __init__(self, channels: int, size: int, width: int, features: int):
        super().__init__()
        widths = [width * min(2**i, 8) for i in range(size.bit_length() - 3)]
        layers: list[nn.Module] = []
        for before, after in zip([channels, *widths], widths, strict=False):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
        self.convolutions = nn.Sequential(*layers)
        self.out = nn.Linear(widths[-1] * 16, features)

    def forward(self, frame: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        return functional.silu(self.out(self.convolutions(frame).flatten(1)))


class FrameDecoder(nn.Module):
    """dec: code -> frame in [-1, 1]. Mirror of the encoder."""

    def __init__(self, channels: int, size: int, width: int, code: int):
        super().__init__()
        widths = [width * min(2**i, 8) for i in range(size.bit_length() - 3)][::-1]
        self.stem = nn.Linear(code, widths[0] * 16)
        layers: list[nn.Module] = [nn.Unflatten(1, (widths[0], 4, 4)), nn.GroupNorm(8, widths[0]), nn.SiLU()]
        for before, after in itertools.pairwise(widths):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1), nn.Tanh()]
        self.convolutions = nn.Sequential(*layers)

    def forward(self, code: Float[Tensor, "n d"]) -> Float[Tensor, "n c h w"]:
        return self.convolutions(self.stem(code))


def mlp(inputs: int, outputs: int, hidden: int) -> nn.Sequential:
    """FC -> SiLU -> FC: every f of the paper has this shape."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))


class VideoVae(Attributes, nn.Module):
    """z_t ~ N(f_p(h_{t-1}, a)); h_t = LSTM([z_t, a], h_{t-1}); x_t ~ p(x | h_t, a); q(z_t | enc(x_t), h_{t-1}, a).

    The lecture's ablation is three switches:

    structured   S: attributes in posterior, prior, dynamics and decoder. Off, a person can ask for nothing.
    conditional  C: the prior sees the past through h_{t-1}. Off, it sees the attributes alone.
    dynamics     off = "Static": no recurrence at all, frames are independent given the attributes (unless `anchored`).

    anchored     the decoder sees z_1 beside h_t: what stays of the first frame need not be carried through the LSTM
    enc_width    the encoder's width, where it is not the decoder's
    """

    begins_with = ("codes", "first_frame")

    def __init__(
        self,
        channels: int,
        size: int,
        identities: int,
        actions: int,
        z: int = 16,
        hidden: int = 256,
        width: int = 32,
        features: int = 256,
        structured: bool = True,
        conditional: bool = True,
        dynamics: bool = True,
        anchored: bool = False,
        enc_width: int | None = None,
    ):
        super().__init__()
        if size < 16 or size & (size - 1):
            raise ValueError(f"size must be a power of two of at least 16, got {size}")
        self.z, self.hidden = z, hidden
        self.identities, self.actions = identities, actions
        self.told = ("identity", "action") if structured else ()
        self.structured, self.conditional, self.dynamics, self.anchored = structured, conditional, dynamics, anchored
        attributes = identities + actions
        self.enc = FrameEncoder(channels, size, enc_width or width, features)
        self.f_q = mlp(features + hidden + attributes, 2 * z, hidden)
        self.f_p = mlp(hidden + attributes, 2 * z, hidden)
        if dynamics:
            self.h_0 = nn.Linear(attributes, 2 * hidden)
            self.lstm = nn.LSTMCell(z + attributes, hidden)
        self.dec = FrameDecoder(channels, size, width, (hidden if dynamics else z) + z * anchored + attributes)

    def forward(
        self,
        x: Float[Tensor, "b t c h w"],
        a: Float[Tensor, "b k"],
        eps: Float[Tensor, "b t z"],
        given: Int64[Tensor, "b"] | None = None,
        shown: Int64[Tensor, "b s"] | None = None,
    ) -> Rollout:
        """Posterior, prior and reconstruction of every frame; `eps` is the N(0, I) noise behind z.

        Of each clip the posterior sees the first `given` frames; past them it is the prior, and its KL is 0. Where `shown`
        numbers frames, these alone are decoded: neighbours look alike, and some teach nearly as much as all.
        """
        a = self._seen(a)
        if given is None:
            features = rearrange(self.enc(rearrange(x, "b t c h w -> (b t) c h w")), "(b t) d -> b t d", b=len(x))
            h, posterior, prior = self._infer(features, a, eps)
        else:
            seen = torch.arange(x.shape[1], device=x.device) < given[:, None]
            encoded = self.enc(x[seen])
            features = encoded.new_zeros(*seen.shape, encoded.shape[-1])
            features[seen] = encoded
            h, posterior, prior = self._infer(features, a, eps, seen)
        if shown is not None:
            h = h.gather(1, repeat(shown, "b s -> b s d", d=h.shape[-1]))
        return Rollout(self._decode(h, a), posterior, prior, features)

    def sample(
        self,
        a: Float[Tensor, "b k"],
        eps: Float[Tensor, "b t z"],
        first_frame: Float[Tensor, "b c h w"] | None = None,
    ) -> Float[Tensor, "b t c h w"]:
        """A video as long as `eps`. Deterministic in its arguments.

        From attributes alone (open circle) every z_t comes from the prior. With `first_frame` (filled circle) z_1 comes
        from the posterior of that frame, the rest from the prior.
        """
        a = self._seen(a)
        features = self.enc(first_frame)[:, None] if first_frame is not None else None
        h, _, _ = self._infer(features, a, eps)
        return self._decode(h, a)

    def _infer(
        self,
        features: Float[Tensor, "b s d"] | None,
        a: Float[Tensor, "b k"],
        eps: Float[Tensor, "b t z"],
        seen: Bool[Tensor, "b s"] | None = None,
    ) -> tuple[Float[Tensor, "b t code"], Gaussian, Gaussian]:
        """Runs the latent dynamics: z_t from the posterior while there are features (that are `seen`), else from the prior.

        Returns what the decoder sees of every frame, the Gaussians that z was drawn from, and the priors.
        """
        given = 0 if features is None else features.shape[1]
        h = c = a.new_zeros(len(a), self.hidden)
        if self.dynamics:
            h, c = self.h_0(a).tanh().chunk(2, dim=-1)
        states, drawn_from, priors = [], [], []
        first = a.new_zeros(len(a), self.z)
        for t in range(eps.shape[1]):
            prior = self._gaussian(self.f_p, h if self.conditional else torch.zeros_like(h), a)
            q = self._gaussian(self.f_q, features[:, t], h, a) if features is not None and t < given else prior
            if seen is not None:
                q = chosen(seen[:, t], q, prior)
            z = q.sample(eps[:, t])
            if self.dynamics:
                h, c = self.lstm(torch.cat([z, a], dim=-1), (h, c))
            first = z if t == 0 else first
            state = h if self.dynamics else z
            states.append(torch.cat([state, first], dim=-1) if self.anchored else state)
            drawn_from.append(q)
            priors.append(prior)
        return torch.stack(states, dim=1), stack(drawn_from, dim=1), stack(priors, dim=1)

    def _decode(self, h: Float[Tensor, "b t d"], a: Float[Tensor, "b k"]) -> Float[Tensor, "b t c h w"]:
        code = torch.cat([h, repeat(a, "b k -> b t k", t=h.shape[1])], dim=-1)
        return rearrange(self.dec(rearrange(code, "b t d -> (b t) d")), "(b t) c h w -> b t c h w", b=len(h))

    def _seen(self, a: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
        return a if self.structured else torch.zeros_like(a)

    @staticmethod
    def _gaussian(f: nn.Module, *inputs: Tensor) -> Gaussian:
        return Gaussian.from_parameters(f(torch.cat(inputs, dim=-1)).float())


def chosen(rows: Bool[Tensor, "b"], a: Gaussian, b: Gaussian) -> Gaussian:
    """`a` where `rows`, else `b`."""
    return Gaussian(torch.where(rows[:, None], a.mu, b.mu), torch.where(rows[:, None], a.logvar, b.logvar))
