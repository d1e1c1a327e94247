"""PixelCNN (van den Oord, Kalchbrenner, Kavukcuoglu; ICML 2016) and its gated form (van den Oord et al.; NIPS 2016).

    p(x) = prod_i p(x_i | x_1, ..., x_{i-1})

over the sub-pixels of an image, row by row, from left to right, and within a pixel channel by channel: a softmax over all
values that a sub-pixel can take. Exact likelihood; sampling draws one sub-pixel after another.
"""

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees what comes before a pixel: of its own pixel, the earlier channels alone ("A"), or them and
    its own ("B"). Feature maps come in `channels` groups, one for each channel of the image."""

    mask: Tensor

    def __init__(self, kind: str, channels: int, inputs: int, outputs: int, kernel: int):
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        mask, centre = torch.ones_like(self.weight), kernel // 2
        mask[:, :, centre, centre + 1 :] = 0
        mask[:, :, centre + 1 :] = 0
        group_in = torch.arange(inputs) * channels // inputs
        group_out = torch.arange(outputs) * channels // outputs
        earlier = group_in[None] < group_out[:, None] if kind == "A" else group_in[None] <= group_out[:, None]
        mask[:, :, centre, centre] = earlier.float()
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b e h w"]:
        return self._conv_forward(x, self.weight * self.mask, self.bias)


class ResidualBlock(nn.Module):
    """1x1, masked 3x3, 1x1, added to its input (figure 5 of the first paper)."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            MaskedConv2d("B", channels, 2 * width, width, 1),
            nn.ReLU(),
            MaskedConv2d("B", channels, width, width, 3),
            nn.ReLU(),
            MaskedConv2d("B", channels, width, 2 * width, 1),
        )

    def forward(self, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        return x + self.layers(x)


class PixelCnn(nn.Module):
    """The first paper's network. One channel group for each colour: masks of 1x1 layers keep R before G before B."""

    labelled = False

    def __init__(self, channels: int, size: int, classes: int, levels: int, width: int = 48, blocks: int = 5):
        super().__init__()
        check_groups(width, channels)
        self.channels, self.size, self.levels = channels, size, levels
        self.z = channels * size * size  # noise: a number for each sub-pixel
        self.first = MaskedConv2d("A", channels, channels, 2 * width, 7)
        self.blocks = nn.ModuleList(ResidualBlock(channels, width) for _ in range(blocks))
        self.out = nn.Sequential(
            nn.ReLU(),
            MaskedConv2d("B", channels, 2 * width, 2 * width, 1),
            nn.ReLU(),
            MaskedConv2d("B", channels, 2 * width, channels * levels, 1),
        )

    def forward(self, x: Float[Tensor, "b c h w"], y: Int64[Tensor, "b"]) -> Float[Tensor, "b v c h w"]:
        """Logits of the `v` values that each sub-pixel of x, in [-1, 1], can take, given the sub-pixels before it."""
        h = self.first(x)
        for block in self.blocks:
            h = block(h)
        return rearrange(self.out(h).float(), "b (c v) h w -> b v c h w", c=self.channels)

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """Sub-pixel by sub-pixel, each the value that its noise picks from p(x_i | what came before)."""
        return drawn(self, y, eps)


class GatedLayer(nn.Module):
    """Two stacks (figure 2 of the second paper): the vertical one sees all rows above, the horizontal one what stands to
    the left in this row, and the vertical one. Each is tanh(W_f x + V_f y) * sigmoid(W_g x + V_g y) (equation 2)."""

    def __init__(self, channels: int, width: int, told: int, kind: str, inputs: int, kernel: int):
        super().__init__()
        self.channels, self.residual = channels, kind == "B"
        # Of the image itself, the rows above; of a vertical stack, which has seen no more than that, its own row too.
        rows, side = (kernel // 2, kernel // 2) if kind == "A" else (kernel // 2 + 1, kernel // 2)
        self.padding = (side, side, kernel // 2, -1 if kind == "A" else 0)
        self.vertical = nn.Conv2d(inputs, 2 * width, (rows, kernel))
        self.across = nn.Conv2d(2 * width, 2 * width, 1)
        self.row = MaskedRow(kind, channels, inputs, 2 * width, kernel)
        self.mix = MaskedConv2d("B", channels, width, width, 1)
        self.label = nn.Linear(told, 4 * width, bias=False) if told else None

    def forward(
        self, v: Float[Tensor, "b d h w"], h: Float[Tensor, "b d h w"], told: Float[Tensor, "b k"] | None
    ) -> tuple[Float[Tensor, "b e h w"], Float[Tensor, "b e h w"]]:
        above = self.vertical(functional.pad(v, self.padding))
        row = self.row(h) + self.across(above)
        if self.label is not None:
            for_v, for_h = self.label(told)[:, :, None, None].chunk(2, dim=1)
            above, row = above + for_v, row + for_h
        mixed = self.mix(self.gate(row))
        return self.gate(above), h + mixed if self.residual else mixed

    def gate(self, x: Float[Tensor, "b d2 h w"]) -> Float[Tensor, "b d h w"]:
        """Half of each channel group says what, half how much."""
        halves = rearrange(x, "b (c two d) h w -> two b (c d) h w", c=self.channels, two=2)
        return halves[0].tanh() * halves[1].sigmoid()


class MaskedRow(nn.Module):
    """A 1 x n convolution that sees what stands before a pixel in its row."""

    mask: Tensor

    def __init__(self, kind: str, channels: int, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.side = kernel // 2
        self.left = nn.Conv2d(inputs, outputs, (1, self.side))
        self.centre = MaskedConv2d(kind, channels, inputs, outputs, 1)

    def forward(self, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b e h w"]:
        return self.left(functional.pad(x, (self.side, -1, 0, 0))) + self.centre(x)


class GatedPixelCnn(nn.Module):
    """The second paper's network, with the label (`conditional`, section 2.4) or without."""

    def __init__(
        self,
        channels: int,
        size: int,
        classes: int,
        levels: int,
        width: int = 48,
        layers: int = 6,
        conditional: bool = False,
    ):
        super().__init__()
        check_groups(width, channels)
        self.channels, self.size, self.levels, self.classes = channels, size, levels, classes
        self.labelled, told = conditional, classes if conditional else 0
        self.z = channels * size * size
        first = GatedLayer(channels, width, told, "A", channels, 7)
        rest = [GatedLayer(channels, width, told, "B", width, 3) for _ in range(layers - 1)]
        self.layers = nn.ModuleList([first, *rest])
        self.out = nn.Sequential(
            nn.ReLU(),
            MaskedConv2d("B", channels, width, 2 * width, 1),
            nn.ReLU(),
            MaskedConv2d("B", channels, 2 * width, channels * levels, 1),
        )

    def forward(self, x: Float[Tensor, "b c h w"], y: Int64[Tensor, "b"]) -> Float[Tensor, "b v c h w"]:
        """As in `PixelCnn`."""
        told = functional.one_hot(y, self.classes).to(x.dtype) if self.labelled else None
        v = h = x
        for layer in self.layers:
            v, h = layer(v, h, told)
        return rearrange(self.out(h).float(), "b (c v) h w -> b v c h w", c=self.channels)

    def sample(self, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
        """As in `PixelCnn`."""
        return drawn(self, y, eps)


def check_groups(width: int, channels: int) -> None:
    if width % channels:
        raise ValueError(f"width must be a multiple of the image's {channels} channels, got {width}")


def drawn(model: PixelCnn | GatedPixelCnn, y: Int64[Tensor, "b"], eps: Float[Tensor, "b z"]) -> Float[Tensor, "b c h w"]:
    """The inverse of each sub-pixel's cumulative distribution at Phi(eps)."""
    share = torch.special.ndtr(eps.double()).view(-1, model.size, model.size, model.channels)
    x = eps.new_zeros(len(eps), model.channels, model.size, model.size)
    for i in range(model.size):
        for j in range(model.size):
            for c in range(model.channels):
                p = model(x, y)[:, :, c, i, j].double().softmax(1).cumsum(1)
                value = (share[:, i, j, c, None] > p).sum(1).clamp(max=model.levels - 1)
                x[:, c, i, j] = 2 * value.to(x.dtype) / (model.levels - 1) - 1
    return x
