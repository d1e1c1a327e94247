"""MoCoGAN (Tulyakov, Liu, Yang, Kautz; CVPR 2018): a content code that stays, a motion code that a GRU makes anew for
every frame, and two discriminators, one of frames and one of clips.

    z_C ~ N(0, I)                       content, one for the clip
    z_A                                 category: the action, one-hot
    z_M^t = R_M(eps_t, z_M^{t-1})       motion, z_M^0 and eps_t ~ N(0, I)
    x_t   = G_I(z_C, z_M^t)             each frame by itself

The paper hands the category to R_M, the released code to G_I; `category` says which. Nobody is asked for by name: who
appears is in z_C.

Convolutions have no bias; default initialisation. `width` is 64 in the paper.
"""

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int64
from torch import Tensor, nn

from videogen import noise
from videogen.models.attributes import Attributes
from videogen.models.dcgan import upwards, widths_of


def check_size(size: int) -> None:
    if size < 16 or size & (size - 1):
        raise ValueError(f"size must be a power of two of at least 16, got {size}")


def frame_generator(code: int, channels: int, size: int, width: int) -> nn.Sequential:
    """G_I: code -> frame in [-1, 1]. Up to 4x4, then doubled; 512, 256, 128, 64 channels at width 64 and 64 pixels."""
    check_size(size)
    widths = widths_of(size, width)[::-1]
    return nn.Sequential(*upwards(code, widths), nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=False), nn.Tanh())


class Noisy(nn.Module):
    """A layer that sees x + sigma N(0, I), in evaluation too."""

    def __init__(self, layer: nn.Module, sigma: float):
        super().__init__()
        self.layer, self.sigma = layer, sigma

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(torch.add(x, noise.filled(x, torch.Tensor.normal_), alpha=self.sigma) if self.sigma else x)


class Logits(nn.Conv3d):
    """The last layer, in fp32: oneDNN's bf16 convolutions fail where a few channels meet a map of one point."""

    def forward(self, x: Float[Tensor, "n d t h w"]) -> Float[Tensor, "n k t2 h2 w2"]:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class FrameDiscriminator(nn.Module):
    """D_I: is this frame real?

    patches     one logit for each patch ("PatchImage", the released default: 4x4 of them at 64 pixels), or one for the
                whole frame ("Image")
    noise       sigma of the noise before each convolution; .1 in the published runs
    """

    def __init__(self, channels: int, size: int, width: int = 64, patches: bool = True, noise: float = 0.0):
        super().__init__()
        check_size(size)
        depth = 3 if patches else size.bit_length() - 3
        widths = [width * 2**i for i in range(depth)]
        layers: list[nn.Module] = []
        for k, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
            layers += [Noisy(nn.Conv2d(before, after, 4, 2, 1, bias=False), noise)]
            layers += [nn.BatchNorm2d(after)] if k else []
            layers += [nn.LeakyReLU(0.2)]
        stride, padding = (2, 1) if patches else (1, 0)
        self.layers = nn.Sequential(*layers, Noisy(nn.Conv2d(widths[-1], 1, 4, stride, padding, bias=False), noise))

    def forward(self, frame: Float[Tensor, "n c h w"]) -> Float[Tensor, "n p"]:
        return self.layers(frame).float().flatten(1)


class VideoDiscriminator(nn.Module):
    """D_V: is this clip real, and, with `categories`, what is done in it?

    patches     one logit for each patch ("PatchVideo": 4x4x4 of them for 16 frames of 64 pixels), or one for the clip
                ("Video"; with `categories` "CategoricalVideo", the released default)
    noise       as in D_I
    """

    def __init__(
        self, channels: int, size: int, width: int = 64, patches: bool = False, categories: int = 0, noise: float = 0.0
    ):
        super().__init__()
        check_size(size)
        if patches and categories:
            raise ValueError("patches of a clip do not name its category: choose patches or categories")
        self.categories = categories
        depth = 3 if patches else size.bit_length() - 3
        widths = [width * 2**i for i in range(depth)]
        layers: list[nn.Module] = []
        for k, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
            layers += [Noisy(nn.Conv3d(before, after, 4, (1, 2, 2), (0, 1, 1), bias=False), noise)]
            layers += [nn.BatchNorm3d(after)] if k else []
            layers += [nn.LeakyReLU(0.2)]
        stride, padding = ((1, 2, 2), (0, 1, 1)) if patches else (1, 0)
        self.layers = nn.Sequential(*layers)
        self.out = Noisy(Logits(widths[-1], 1 + categories, 4, stride, padding, bias=False), noise)
        self.shortest = 3 * (depth + 1) + 1  # frames: each convolution takes three of them

    def forward(self, x: Float[Tensor, "b t c h w"]) -> tuple[Float[Tensor, "b p"], Float[Tensor, "b k"]]:
        """Logits of "real", one or one for each patch; and logits of the categories, if there are any.

        Raises ValueError where the clip is shorter than what one output sees.
        """
        if x.shape[1] < self.shortest:
            raise ValueError(f"this discriminator sees {self.shortest} frames at once, not {x.shape[1]}: set data.frames")
        y = self.out(self.layers(rearrange(x, "b t c h w -> b c t h w"))).float()
        y = rearrange(y, "b k t h w -> b k (t h w)")
        return y[:, 0], y[:, 1:].mean(-1)


class MoCoGan(Attributes, nn.Module):
    """The generator (R_M, G_I) with the discriminators that train it, which may be left away (None).

    category    where the action goes: "motion", into R_M (paper, section 3.3: its best setting), or "generator", beside
                the other codes into G_I (released code)
    """

    begins_with = ("codes",)
    told = ("action",)

    def __init__(
        self,
        channels: int,
        size: int,
        identities: int,
        actions: int,
        content: int = 50,
        motion: int = 10,
        width: int = 64,
        category: str = "generator",
        D_I: FrameDiscriminator | None = None,
        D_V: VideoDiscriminator | None = None,
    ):
        super().__init__()
        if category not in ("motion", "generator"):
            raise ValueError(f"category must be motion or generator, got {category}")
        self.identities, self.actions = identities, actions
        self.content, self.motion, self.category = content, motion, category
        self.z = content + 2 * motion  # noise for a frame: z_C and z_M^0, of which a clip uses the first one's, and eps_t
        into_motion = category == "motion"
        self.R_M = nn.GRUCell(motion + (actions if into_motion else 0), motion)
        self.G_I = frame_generator(content + motion + (0 if into_motion else actions), channels, size, width)
        self.D_I, self.D_V = D_I, D_V

    def forward(self, a: Float[Tensor, "b k"], eps: Float[Tensor, "b t z"]) -> Float[Tensor, "b t c h w"]:
        """A video as long as `eps`, which may be of any length."""
        codes = self.codes(a, eps)
        return rearrange(self.G_I(rearrange(codes, "b t d -> (b t) d")), "(b t) c h w -> b t c h w", b=len(a))

    def sample(
        self,
        a: Float[Tensor, "b k"],
        eps: Float[Tensor, "b t z"],
        first_frame: Float[Tensor, "b c h w"] | None = None,
    ) -> Float[Tensor, "b t c h w"]:
        """Deterministic in its arguments. Raises ValueError for a first frame: there is no encoder that could take it."""
        if first_frame is not None:
            raise ValueError("MoCoGAN has no way to begin with a given frame")
        return self(a, eps)

    def frame(
        self, a: Float[Tensor, "b k"], eps: Float[Tensor, "b t z"], number: Int64[Tensor, "b"]
    ) -> Float[Tensor, "b c h w"]:
        """Frame `number` of each video, the only one that is drawn: what D_I is shown."""
        codes = self.codes(a, eps)
        return self.G_I(codes[torch.arange(len(a), device=a.device), number])

    def codes(self, a: Float[Tensor, "b k"], eps: Float[Tensor, "b t z"]) -> Float[Tensor, "b t d"]:
        """What G_I sees of each frame: [content, category, motion], or [content, motion] where R_M was told."""
        t = eps.shape[1]
        action = a[:, self.identities :]
        z_content = eps[:, 0, : self.content]
        z_motion = eps[:, 0, self.content : self.content + self.motion]
        told = action if self.category == "motion" else action[:, :0]
        motions = []
        for eps_t in eps[:, :, self.content + self.motion :].unbind(1):
            z_motion = self.R_M(torch.cat([eps_t, told], dim=-1), z_motion)
            motions.append(z_motion)
        beside = action if self.category == "generator" else action[:, :0]
        constant = repeat(torch.cat([z_content, beside], dim=-1), "b d -> b t d", t=t)
        return torch.cat([constant, torch.stack(motions, dim=1)], dim=-1)
