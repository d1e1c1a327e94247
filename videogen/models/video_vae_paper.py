"""VideoVAE with the paper's networks and merges (He et al., ECCV 2018, figure 2 and section 4.2, as far as they are known).

    phi_q  = f_q(enc(x_t))                               what frame t says
    phi_a  = f_a([mu_q, logvar_q, a])                    + holistic attributes
    phi_dy = f_dy([mu_a, logvar_a, phi(h_{t-1})])        + dynamics: the posterior, z_t ~ N(phi_dy)
    prior    z_t ~ N(f_p([phi(h_{t-1}), a]))
    h_t      = LSTM([z_t, mu_q, logvar_q], h_{t-1}),     h_0 = c_0 = 0
    x_hat_t  = dec(z_t)

No official code is known. Where the best-known independent one and the equations differ, this file follows the equations:
generated frames are encoded in the range that the encoder was trained on, generation starts from h_0 = 0 as training did,
and layers keep their default initialisation. Its two training stages (encoder and attribute net first) are one here: the
attribute net's cross-entropy is a term beside the bound.
"""

from typing import Any

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from videogen.distributions import Gaussian, stack
from videogen.models.attributes import Attributes
from videogen.models.dropout import Dropout
from videogen.models.video_vae import Rollout


def f(inputs: int, outputs: int, hidden: int = 128) -> nn.Sequential:
    """FC -> 128 -> ReLU -> FC to mu and logvar of `outputs` dimensions."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, 2 * outputs))


def encoder_convolutions(channels: int) -> nn.Sequential:
    """64x64 -> 80x4x4, no padding."""
    layers: list[nn.Module] = []
    for before, after, kernel, stride in ((channels, 10, 9, 1), (10, 20, 7, 3), (20, 40, 5, 1), (40, 80, 3, 3)):
        layers += [nn.Conv2d(before, after, kernel, stride), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


class StridedTranspose(nn.ConvTranspose2d):
    """Always in fp32: on a CPU a strided transposed convolution takes three times longer in bf16."""

    def forward(self, x: Float[Tensor, "n c h w"], output_size: list[int] | None = None) -> Float[Tensor, "n d h2 w2"]:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float(), output_size)


class FewChannels(torch.autograd.Function):
    """conv_transpose2d of stride 1 as an ordinary convolution that makes 2x2 pixels at once.

    Three output channels leave most lanes of a CPU's vectors idle, twelve do not: twice as fast. The gradients are
    conv_transpose2d's own.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        kernel = weight.flip(2, 3).transpose(0, 1)
        shifted = [functional.pad(kernel, (j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1)]
        four = rearrange(torch.stack(shifted), "n d c h w -> (d n) c h w")
        y = functional.conv2d(x, four, repeat(bias, "d -> (d n)", n=4), stride=2, padding=kernel.shape[-1] - 1)
        return functional.pixel_shuffle(y, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        return torch.ops.aten.convolution_backward(
            gradient, x, weight, [weight.shape[1]], (1, 1), (0, 0), (1, 1), True, (0, 0), 1, (True, True, True)
        )


class LastTranspose(nn.ConvTranspose2d):
    """The layer that makes pixels: stride 1, no padding, few channels, an even number of rows out."""

    def forward(self, x: Float[Tensor, "n c h w"], output_size: list[int] | None = None) -> Float[Tensor, "n d h2 w2"]:
        assert self.bias is not None
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        return FewChannels.apply(x.to(dtype), self.weight.to(dtype), self.bias.to(dtype))


def decoder_convolutions(channels: int) -> nn.Sequential:
    """80x4x4 -> 64x64: the encoder mirrored. The paper's output activation is not known; data in [-1, 1] asks for tanh."""
    layers: list[nn.Module] = []
    for before, after, kernel, stride in ((80, 40, 3, 3), (40, 20, 5, 1), (20, 10, 7, 3)):
        transpose = StridedTranspose if stride > 1 else nn.ConvTranspose2d
        layers += [transpose(before, after, kernel, stride, output_padding=stride // 3), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, LastTranspose(10, channels, 9), nn.Tanh())


class VideoVaePaper(Attributes, nn.Module):
    """The model above, 64x64 only, with the ablation switches of `VideoVae` (S, C, Static) and its interface.

    chunk   frames per pass through the convolutions, None for all at once. On a CPU 80 keep activations in the cache;
            batch-norm statistics are then those of a chunk.
    """

    begins_with = ("codes", "first_frame")

    def __init__(
        self,
        channels: int,
        size: int,
        identities: int,
        actions: int,
        z: int = 512,
        hidden: int = 512,
        dropout: float = 0.5,
        chunk: int | None = 80,
        structured: bool = True,
        conditional: bool = True,
        dynamics: bool = True,
    ):
        super().__init__()
        if size != 64:
            raise ValueError(f"the paper's networks take frames of 64x64, not {size}x{size}: set data.size=64")
        self.z, self.hidden, self.chunk = z, hidden, chunk
        self.identities, self.actions = identities, actions
        self.told = ("identity", "action") if structured else ()
        self.structured, self.conditional, self.dynamics = structured, conditional, dynamics
        attributes = identities + actions
        self.enc_conv = encoder_convolutions(channels)
        self.enc_fc = nn.Sequential(nn.Linear(1280, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU())
        self.dropout = Dropout(dropout, whole=True)
        self.attribute_net = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, attributes))
        self.f_q = f(512, z)
        self.f_a = f(2 * z + attributes, z)
        self.f_dy = f(2 * z + hidden, z)
        self.f_p = f(hidden + attributes, z)
        if dynamics:  # what never gets a gradient would stop training on several processes
            self.phi = nn.Sequential(nn.Linear(hidden, 128), nn.ReLU(), nn.Linear(128, hidden))
            self.lstm = nn.LSTMCell(3 * z, hidden)
        self.dec_fc = nn.Sequential(nn.Linear(z, 1024), nn.ReLU(), nn.Linear(1024, 1280), nn.ReLU())
        self.dec_conv = decoder_convolutions(channels)

    def enc(self, frame: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """What the attribute net and f_q see of a frame, 512-d."""
        return self.enc_fc(self.dropout(self._in_chunks(self.enc_conv, frame)).flatten(1))

    def dec(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n c h w"]:
        return self._in_chunks(self.dec_conv, rearrange(self.dec_fc(z), "n (d h w) -> n d h w", h=4, w=4))

    def infer_attributes(self, features: Float[Tensor, "*n d"]) -> tuple[Float[Tensor, "*n i"], Float[Tensor, "*n k"]]:
        """Logits of identity and of action, from the features of single frames."""
        identity, action = self.attribute_net(features).split([self.identities, self.actions], dim=-1)
        return identity, action

    def forward(self, x: Float[Tensor, "b t c h w"], a: Float[Tensor, "b k"], eps: Float[Tensor, "b t z"]) -> Rollout:
        """Posterior, prior and reconstruction of every frame; the convolutions run once, over all frames."""
        features = rearrange(self.enc(rearrange(x, "b t c h w -> (b t) c h w")), "(b t) d -> b t d", b=len(x))
        phi_q = self._gaussian(self.f_q, features)
        a, state = self._seen(a), self._start(a)
        latents, posteriors, priors = [], [], []
        for t in range(x.shape[1]):
            frame = Gaussian(phi_q.mu[:, t], phi_q.logvar[:, t])
            past = self.phi(state[0]) if self.dynamics else torch.zeros_like(state[0])
            posterior = self._posterior(frame, a, past)
            z = posterior.sample(eps[:, t])
            state = self._step(z, frame, state)
            latents.append(z)
            posteriors.append(posterior)
            priors.append(self._prior(past, a))
        x_hat = self.dec(rearrange(torch.stack(latents, dim=1), "b t z -> (b t) z"))
        x_hat = rearrange(x_hat, "(b t) c h w -> b t c h w", b=len(x))
        return Rollout(x_hat, stack(posteriors, dim=1), stack(priors, dim=1), features)

    def sample(
        self,
        a: Float[Tensor, "b k"],
        eps: Float[Tensor, "b t z"],
        first_frame: Float[Tensor, "b c h w"] | None = None,
    ) -> Float[Tensor, "b t c h w"]:
        """A video as long as `eps`, deterministic in its arguments; `first_frame` gives z_1 its posterior.

        Each frame is decoded before the next: phi_q of a generated frame comes from the frame itself.
        """
        a, state = self._seen(a), self._start(a)
        video = []
        for t in range(eps.shape[1]):
            past = self.phi(state[0]) if self.dynamics else torch.zeros_like(state[0])
            if t == 0 and first_frame is not None:
                frame = self._gaussian(self.f_q, self.enc(first_frame))
                z = self._posterior(frame, a, past).sample(eps[:, t])
                video.append(self.dec(z))
            else:
                z = self._prior(past, a).sample(eps[:, t])
                video.append(self.dec(z))
                frame = self._gaussian(self.f_q, self.enc(video[-1]))
            state = self._step(z, frame, state)
        return torch.stack(video, dim=1)

    def _posterior(self, frame: Gaussian, a: Tensor, past: Tensor) -> Gaussian:
        phi_a = self._gaussian(self.f_a, frame.mu, frame.logvar, a)
        return self._gaussian(self.f_dy, phi_a.mu, phi_a.logvar, past)

    def _prior(self, past: Tensor, a: Tensor) -> Gaussian:
        return self._gaussian(self.f_p, past if self.conditional else torch.zeros_like(past), a)

    def _start(self, a: Tensor) -> tuple[Tensor, Tensor]:
        zero = a.new_zeros(len(a), self.hidden)
        return zero, zero

    def _step(self, z: Tensor, frame: Gaussian, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        if not self.dynamics:
            return state
        return self.lstm(torch.cat([z, frame.mu, frame.logvar], dim=-1), state)

    def _seen(self, a: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
        return a if self.structured else torch.zeros_like(a)

    def _in_chunks(self, network: nn.Module, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        return torch.cat([network(part) for part in x.split(self.chunk)]) if self.chunk else network(x)

    @staticmethod
    def _gaussian(network: nn.Module, *inputs: Tensor) -> Gaussian:
        return Gaussian.from_parameters(network(torch.cat(inputs, dim=-1)).float())
