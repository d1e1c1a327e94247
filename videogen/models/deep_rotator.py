"""Deep Rotator (Yang, Reed, Yang, Lee; NIPS 2015): an object seen once, turned step by step.

An encoder takes one frame apart into what stays (the identity units) and how it stands (the pose units). Each step turns
the pose units by a linear map that the action picks, the identity units stay, and a decoder draws image and silhouette
from both. Layers as in the released code; frames come and go in [-1, 1] here, [0, 1] inside, the background is black.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen.models.attributes import Attributes
from videogen.models.dropout import Dropout

INCREASE, SAME, DECREASE = range(3)  # the three actions: which way the azimuth goes


@dataclass(frozen=True)
class Views:
    """What is drawn after each step: `image` in [-1, 1] and `mask`, the silhouette in [0, 1]; both linear, not clamped."""

    image: Float[Tensor, "b t c h w"]
    mask: Float[Tensor, "b t 1 h w"]


class RotatorEncoder(nn.Module):
    """Frame -> identity units and pose units, `8 width` each."""

    def __init__(self, channels: int, size: int, width: int, dropout: float):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        hidden, units = 16 * width, 8 * width
        self.hidden = nn.Sequential(
            *fully_connected(4 * width * (size // 8) ** 2, hidden, dropout), *fully_connected(hidden, hidden, dropout)
        )
        self.identity = nn.Sequential(*fully_connected(hidden, units, dropout))
        self.pose = nn.Sequential(*fully_connected(hidden, units, dropout))

    def forward(self, frame: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b u"], Float[Tensor, "b u"]]:
        y = self.hidden(self.convolutions((frame + 1) / 2))
        return self.identity(y), self.pose(y)


class Turn(nn.Module):
    """Pose units -> pose units one step on: the bilinear form of action and pose, a matrix and a bias for each action."""

    def __init__(self, units: int, dropout: float):
        super().__init__()
        each = [nn.Linear(units, units) for _ in range(3)]
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in each]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in each]))
        self.dropout = Dropout(dropout)

    def forward(self, pose: Float[Tensor, "b u"], turn: Float[Tensor, "b 3"]) -> Float[Tensor, "b u"]:
        turned = einsum(turn, self.weight, pose, "b k, k o i, b i -> b o") + turn @ self.bias
        return self.dropout(functional.relu(turned))


class RotatorDecoder(nn.Module):
    """Identity and pose units -> image and silhouette."""

    def __init__(self, channels: int, size: int, width: int, dropout: float):
        super().__init__()
        hidden = 16 * width
        self.hidden = nn.Sequential(
            *fully_connected(16 * width, hidden, dropout), *fully_connected(hidden, hidden, dropout)
        )
        self.image = head(hidden, [4 * width, 2 * width, width, channels], size, dropout)
        self.mask = head(hidden, [2 * width, width, width // 2, 1], size, dropout)

    def forward(self, identity: Float[Tensor, "n u"], pose: Float[Tensor, "n u"]) -> tuple[Tensor, Tensor]:
        y = self.hidden(torch.cat([identity, pose], dim=-1))
        return self.image(y), self.mask(y)


class DeepRotator(Attributes, nn.Module):
    """The recurrent network, RNN-T for any T: the clip's length says how often it turns.

    turns    of each action, +1, 0 or -1: how the azimuth goes from one frame to the next
    width    of the first convolution; 64 is the published network, and all layers go with it
    dropout  in the fully connected layers, as published
    """

    told = ("action",)
    begins_with = ("first_frame",)
    z = 0  # there is no noise: one frame has one turn
    which: Tensor

    def __init__(
        self,
        channels: int,
        size: int,
        identities: int,
        actions: int,
        turns: Sequence[int],
        width: int = 64,
        dropout: float = 0.5,
    ):
        super().__init__()
        if size % 8:
            raise ValueError(f"Deep Rotator halves frames three times: size must be a multiple of 8, got {size}")
        if not any(turns):
            raise ValueError("none of these actions turns: Deep Rotator needs data such as cad_chairs or turntable")
        if len(turns) != actions:
            raise ValueError(f"turns must say of each of the {actions} actions how it turns, got {list(turns)}")
        self.identities, self.actions = identities, actions
        which = torch.tensor([INCREASE if turn > 0 else DECREASE if turn < 0 else SAME for turn in turns])
        self.register_buffer("which", functional.one_hot(which, 3).float(), persistent=False)
        self.encoder = RotatorEncoder(channels, size, width, dropout)
        self.turn = Turn(8 * width, dropout)
        self.decoder = RotatorDecoder(channels, size, width, dropout)

    def forward(self, frame: Float[Tensor, "b c h w"], turn: Float[Tensor, "b 3"], steps: int) -> Views:
        """The views after 1, 2, ..., `steps` turns."""
        identity, pose = self.encoder(frame)
        poses = []
        for _ in range(steps):
            pose = self.turn(pose, turn)
            poses.append(pose)
        stays = repeat(identity, "b u -> (b t) u", t=steps)
        image, mask = self.decoder(stays, rearrange(torch.stack(poses, dim=1), "b t u -> (b t) u"))
        return Views(
            *(rearrange(y, "(b t) c h w -> b t c h w", t=steps).float() for y in (2 * image - 1, mask)),
        )

    def turn_of(self, action: Int64[Tensor, "b"], stays: Bool[Tensor, "b"] | None = None) -> Float[Tensor, "b 3"]:
        """Which way each action turns, one of three; where it `stays`, "same"."""
        turn = self.which[action]
        if stays is None:
            return turn
        same = functional.one_hot(torch.full_like(action, SAME), 3).to(turn)
        return torch.where(stays[:, None], same, turn)

    def sample(
        self, a: Float[Tensor, "b k"], eps: Float[Tensor, "b t z"], first_frame: Float[Tensor, "b c h w"] | None = None
    ) -> Float[Tensor, "b t c h w"]:
        """The given frame, turned on until the video is as long as `eps`. Deterministic: `eps` is empty.

        Raises ValueError without a first frame.
        """
        if first_frame is None:
            raise ValueError("Deep Rotator turns a given frame, and was given none")
        rest = eps.shape[1] - 1
        if not rest:
            return first_frame[:, None]
        views = self(first_frame, a[:, self.identities :] @ self.which, rest)
        return torch.cat([first_frame[:, None], views.image.clamp(-1, 1)], dim=1)

    def appearance(self, frame: Float[Tensor, "b c h w"]) -> Float[Tensor, "b u"]:
        """The identity units: what should be alike for two views of one object."""
        return self.encoder(frame)[0]


def fully_connected(inputs: int, outputs: int, dropout: float) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.ReLU(), Dropout(dropout)]


def head(hidden: int, widths: Sequence[int], size: int, dropout: float) -> nn.Sequential:
    """Fully connected to size / 8, then three times twice the size; the output is linear.

    Inserting zeros and a 5x5 convolution with padding 2 is the transposed convolution with stride 2.
    """
    layers = fully_connected(hidden, widths[0] * (size // 8) ** 2, dropout)
    layers += [nn.Unflatten(1, (widths[0], size // 8, size // 8))]
    for before, after in itertools.pairwise(widths):
        layers += [nn.ConvTranspose2d(before, after, 5, 2, 2, output_padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
