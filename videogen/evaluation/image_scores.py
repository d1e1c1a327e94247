"""What models of images are measured by: likelihood in bits per dimension, and the word of a judge (IS, FID, KID).

The last three come from torchmetrics, on the features of a judge that the project trains or the user names: no weights are
downloaded, and a distance is a distance on this judge's features, whatever it is called elsewhere.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance
from tqdm import tqdm

from videogen import noise, pixels
from videogen.distributions import interval_log_prob, standard
from videogen.errors import UserError
from videogen.evaluation.report import Row
from videogen.evaluation.reproduction import cell, cells_of
from videogen.evaluation.statistics import accuracy
from videogen.runs import TrainedModel, load_model

SPLITS = 10  # of the Inception Score


def bits_per_dim(nats: Float[Tensor, "n"], dims: int) -> float:
    """-log2 p(x) for each sub-pixel, from -log p(x) in nats for each image; the mean."""
    return (nats.double().mean() / (dims * math.log(2))).item()


@torch.no_grad()
def exact_nats(model: Any, x: Float[Tensor, "n c h w"], y: Int64[Tensor, "n"], batch: int = 100) -> Float[Tensor, "n"]:
    """-log p(x) of a model that gives logits for every level of every sub-pixel (PixelCNN)."""
    parts = []
    for rows in tqdm(torch.arange(len(x)).split(batch), "likelihood", leave=False, delay=2, disable=None):
        logits = model(x[rows], y[rows])
        target = pixels.to_levels(x[rows], model.levels)
        parts.append(nn.functional.cross_entropy(logits, target, reduction="none").flatten(1).sum(1))
    return torch.cat(parts)


@torch.no_grad()
def bounded_nats(
    model: Any,
    x: Float[Tensor, "n c h w"],
    y: Int64[Tensor, "n"],
    levels: int,
    samples: int,
    seed: int = 0,
    batch: int = 20,
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
    """Two upper bounds of -log p(x) of a VAE: the negative ELBO, and the importance-weighted one of `samples` draws

        -log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x)      (Burda, Grosse, Salakhutdinov; ICLR 2016, equation 8)

    which is the tighter the more draws there are. Both from the same draws.
    """
    elbo, weighted = [], []
    for rows in tqdm(torch.arange(len(x)).split(batch), "bounds", leave=False, delay=2, disable=None):
        n = len(rows)
        posterior = model.encode(x[rows], y[rows])
        eps = noise.normal(rows + noise.seed_of(seed, "bound") % 2**40, samples, model.z).to(x.device)
        z = posterior.mu[:, None] + (0.5 * posterior.logvar).exp()[:, None] * eps
        mean = model.decode(z.flatten(0, 1), y[rows].repeat_interleave(samples))
        each = interval_log_prob(x[rows].repeat_interleave(samples, 0), mean, model.log_sigma, levels)
        log_p = each.flatten(1).sum(1).view(n, samples) + standard(z).log_prob(z)
        log_q = -0.5 * (eps**2 + posterior.logvar[:, None] + math.log(2 * math.pi)).sum(-1)
        log_w = log_p - log_q
        elbo.append(-log_w.mean(1))
        weighted.append(math.log(samples) - log_w.logsumexp(1))
    return torch.cat(elbo), torch.cat(weighted)


class Features(nn.Module):
    """The judge as torchmetrics calls it: images in, features (or logits) out."""

    def __init__(self, of: Callable[[Tensor], Tensor], num_features: int):
        super().__init__()
        self.of, self.num_features = of, num_features

    def forward(self, x: Tensor) -> Tensor:
        return self.of(x)


@dataclass(frozen=True)
class Shown:
    """Images, and the labels that they have, or were asked to have."""

    images: Float[Tensor, "n c h w"]
    labels: Int64[Tensor, "n"]


@torch.no_grad()
def judged_images(judge: Any, shown: Shown, real: Shown, told: bool, batch: int = 250) -> Row:
    """IS, FID and KID to `real`, and the share of images that the judge takes for what they were asked to show.

    KID's kernel (x.y / d + 1)^3 has a scale of its own: for it, features are measured in the root mean square of the real
    ones, as otherwise another judge's KID would be a thousand times as large for no reason.
    """
    of_features = Features(judge.features, judge.num_features)
    unit = torch.cat([judge.features(part) for part in real.images.split(batch)]).square().mean().sqrt()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they keep all features: they are few here
        score = InceptionScore(Features(judge.forward, judge.num_features), splits=SPLITS)
        fid = FrechetInceptionDistance(of_features)
        scaled = Features(lambda x: judge.features(x) / unit, judge.num_features)
        kid = KernelInceptionDistance(scaled, subset_size=min(len(shown.images), len(real.images)) // 2)
    for is_real, images in ((True, real.images), (False, shown.images)):
        for part in images.split(batch):
            fid.update(part, real=is_real)
            kid.update(part, real=is_real)
            if not is_real:
                score.update(part)
    p = torch.cat([judge(part) for part in shown.images.split(batch)])
    with torch.random.fork_rng():
        torch.manual_seed(0)  # these two shuffle and draw subsets
        inception, kernel = score.compute()[0].item(), kid.compute()[0].item()
    return {
        "inception_score": inception,
        "fid": fid.compute().item(),
        "kid": kernel,
        "label_accuracy": accuracy(p, shown.labels) if told else None,
        "samples": len(shown.images),
    }


def likelihood(trained: Any, real: Shown, samples: int) -> Row:
    """Bits per dimension of held-out images, for models that have a likelihood of levels: exact, or bounded from above."""
    model, config, dims = trained.model, trained.config, real.images[0].numel()
    if config["objective"]["_target_"].endswith(".ExactLikelihood"):
        return {"bits_per_dim": bits_per_dim(exact_nats(model, real.images, real.labels), dims)}
    if config["objective"].get("likelihood") == "gaussian":
        both = bounded_nats(model, real.images, real.labels, config["data"]["levels"], samples)
        return dict(
            zip(("bits_per_dim", "bits_per_dim_weighted"), (bits_per_dim(nats, dims) for nats in both), strict=True)
        )
    return {}


@dataclass
class ImageScores:
    """Fills the cells of a table of image models; each is computed once, as in `reproduction.Scores`.

    samples   images of each class
    draws     of the importance-weighted bound
    """

    judge: TrainedModel
    images: Any
    samples: int
    draws: int
    device: str
    real_cells: Path

    def __post_init__(self) -> None:
        self.judge.model.to(self.device)
        self.classes = len(self.images.classes)
        self.train, self.test = (self.real(name) for name in ("train", "test"))

    def real(self, split: str) -> Shown:
        found, labels = self.images.split(split, 0).all()
        return Shown(pixels.to_float(found).to(self.device), labels.to(self.device))

    def of_real(self, kind: str, seed: int) -> Row:
        """`bound`: as many training images as are made of each model, drawn under the seed, against the held-out ones."""

        def score() -> Row:
            order = noise.normal(torch.tensor([seed]), len(self.train.labels))[0].argsort()
            rows = order[: self.samples * self.classes].to(self.device)
            return judged_images(self.judge.model, Shown(self.train.images[rows], self.train.labels[rows]), self.test, True)

        if kind != "bound":
            raise UserError(f"real={kind}: images are not tampered with; there is only bound")
        return cell(self.real_cells, {"real": kind, **self.settings(seed)}, score)

    def of_run(self, file: Path, begins_with: str, seed: int) -> Row:
        trained = load_model(file)

        def score() -> Row:
            trained.generator.to(self.device)
            labels = torch.arange(self.classes).repeat_interleave(self.samples)
            shown = Shown(trained.images(labels, seed).to(self.device), labels.to(self.device))
            row = judged_images(self.judge.model, shown, self.test, trained.generator.labelled)
            return {**row, **likelihood(trained, self.test, self.draws)}

        known = {"weights": trained.digest, **self.settings(seed)}
        return {**cell(cells_of(file), known, score), "step": trained.step, "seconds": trained.seconds}

    def settings(self, seed: int) -> dict[str, Any]:
        return {"judge": self.judge.digest, "samples": self.samples, "draws": self.draws, "seed": seed}
