"""What judges images: a small convolutional classifier, and its features for Frechet and kernel distances."""

from jaxtyping import Float
from torch import Tensor, nn

from videogen.models.dropout import Dropout


class ImageJudge(nn.Module):
    """p(label | image). `features` are few, so that a few hundred images pin down a covariance."""

    def __init__(self, channels: int, size: int, classes: int, width: int = 32, features: int = 64, dropout: float = 0.3):
        super().__init__()
        if size < 8 or size % 4:
            raise ValueError(f"size must be a multiple of 4 from 8 on, got {size}")
        self.num_features = features
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.SiLU(),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(4 * width), nn.SiLU(),
        )  # fmt: skip
        self.embedding = nn.Sequential(nn.Flatten(), nn.Linear(4 * width * (size // 4) ** 2, features), nn.SiLU())
        self.dropout = Dropout(dropout)
        self.classes = nn.Linear(features, classes)

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        return self.embedding(self.convolutions(x))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Logits of the labels."""
        return self.classes(self.dropout(self.features(x)))
