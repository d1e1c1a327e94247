"""The lecture's figures of a trained model of images: what its latent space looks like.

Each function writes a PNG at `out` and returns lines to print. `run` is a run folder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from jaxtyping import Float, Int64
from torch import Tensor

from videogen import noise, pixels
from videogen.errors import UserError
from videogen.generation.writers import labelled_mosaic, mosaic, write_png
from videogen.runs import TrainedModel, load_model


@torch.no_grad()
def manifold(run: str, out: Path, side: int = 20) -> list[str]:
    """The data manifold of a 2-d z (Kingma & Welling 2014, figure 4): images at the quantiles of the prior."""
    trained = with_decoder(run)
    if trained.model.z != 2:
        raise UserError(
            f"{run} has {trained.model.z} latent dimensions: the manifold is drawn of 2 (experiment=digits/vae_2d)"
        )
    at = torch.special.ndtri((torch.arange(side) + 0.5) / side)
    z = torch.stack([at.repeat(side), -at.repeat_interleave(side)], dim=1)
    picture = mosaic(trained.model.decode(z, torch.zeros(len(z), dtype=torch.int64)), side, cell=32)
    return written(out, picture, f"{side} x {side} images at the quantiles of N(0, I)")


@torch.no_grad()
def nearest(run: str, out: Path, count: int = 16, seed: int = 0) -> list[str]:
    """Samples of the prior, each above the training image nearest to it: memory would show."""
    trained = load_model(run)
    labels = torch.arange(count) % len(trained.config["data"]["classes"])
    made, (real, _) = trained.images(labels, seed), data_of(trained, "train")
    held_out = data_of(trained, "test")[0]
    distance, row = torch.cdist(made.flatten(1), real.flatten(1)).min(1)
    usual = torch.cdist(held_out.flatten(1), real.flatten(1)).amin(1).mean()
    picture = labelled_mosaic([made, real[row]], ["sample", "nearest training image"])
    ratio = (distance.mean() / usual).item()
    return written(out, picture, f"mean distance to the nearest training image, held-out real images having 1: {ratio:.2f}")


@torch.no_grad()
def interpolation(run: str, out: Path, pairs: int = 4, steps: int = 10, seed: int = 0) -> list[str]:
    """From one z to another, in a straight line and on the sphere (White 2016): a line passes near the origin, where a
    Gaussian of many dimensions has no mass."""
    trained = load_model(run)
    ends = noise.normal(torch.tensor([noise.seed_of(seed, k) for k in range(2 * pairs)]), trained.generator.z)
    share, rows, labels = torch.linspace(0, 1, steps), [], []
    y = torch.zeros(steps, dtype=torch.int64)
    for k in range(pairs):
        a, b = ends[2 * k], ends[2 * k + 1]
        for name, way in (("linear", linear), ("spherical", spherical)):
            rows.append(trained.model.sample(y + k % len(trained.config["data"]["classes"]), way(a, b, share)))
            labels.append(name)
    return written(out, labelled_mosaic(rows, labels), f"{pairs} pairs, {steps} steps")


def linear(a: Float[Tensor, "z"], b: Float[Tensor, "z"], share: Float[Tensor, "n"]) -> Float[Tensor, "n z"]:
    return torch.lerp(a[None], b[None], share[:, None])


def spherical(a: Float[Tensor, "z"], b: Float[Tensor, "z"], share: Float[Tensor, "n"]) -> Float[Tensor, "n z"]:
    """sin((1 - s) omega) / sin(omega) a + sin(s omega) / sin(omega) b, with omega the angle between a and b."""
    omega = torch.arccos((a @ b / (a.norm() * b.norm())).clamp(-1, 1))
    if omega.sin() < 1e-6:
        return linear(a, b, share)
    return (((1 - share) * omega).sin()[:, None] * a + (share * omega).sin()[:, None] * b) / omega.sin()


@torch.no_grad()
def arithmetic(run: str, out: Path, terms: Sequence[str], exemplars: int = 3, jitter: float = 0.25) -> list[str]:
    """A - B + C on codes averaged over `exemplars` images of each class (Radford et al. 2016, figure 7).

    The three concepts with exemplars and averages, then the result in the middle of neighbours: uniform noise of
    +-`jitter` on its code.
    """
    trained = with_decoder(run)
    classes, (images, labels) = trained.config["data"]["classes"], data_of(trained, "train")
    if len(terms) != 3 or (unknown := [term for term in terms if term not in classes]):
        wrong = unknown[0] if len(terms) == 3 else f"{len(terms)} of them"
        raise UserError(f"terms are three classes, A - B + C, not {wrong}: choose from {', '.join(classes)}")
    rows, codes = [], []
    for term in terms:
        own = (labels == classes.index(term)).nonzero()[:, 0]
        shown = images[own[torch.linspace(0, len(own) - 1, exemplars).round().long()]]
        y = torch.full((exemplars,), classes.index(term))
        codes.append(trained.model.encode(shown, y).mu.mean(0))
        rows.append(torch.cat([shown, trained.model.decode(codes[-1][None], y[:1])]))
    result = codes[0] - codes[1] + codes[2]
    around = torch.rand((3 * (exemplars + 1), len(result)), generator=torch.Generator().manual_seed(0)) * 2 - 1
    around[len(around) // 2] = 0
    made = trained.model.decode(result + jitter * around, torch.zeros(len(around), dtype=torch.int64))
    names = [f"{sign} {term}, average last" for sign, term in zip(("", "-", "+"), terms, strict=True)]
    picture = labelled_mosaic([*rows, *made.split(exemplars + 1)], [*names, "", "= and neighbours", ""], cell=64)
    return written(out, picture, " ".join(f"{sign} {term}" for sign, term in zip("+-+", terms, strict=True))[2:])


@torch.no_grad()
def factors(run: str, out: Path, columns: int = 10, seed: int = 0) -> list[str]:
    """InfoGAN's code (Chen et al. 2016, figure 2): a row for each category, then each continuous number from -2 to 2 as the
    uniform it stands for, the noise held still along a row (of categories: along a column)."""
    trained = load_model(run)
    k, n = (getattr(trained.model, name, 0) for name in ("categories", "continuous"))
    if not k + n:
        raise UserError(f"{run} has no code with a meaning: train one with experiment=digits/info_gan")
    eps = noise.normal(torch.tensor([noise.seed_of(seed, c) for c in range(columns)]), trained.model.z)
    y, rows, labels = torch.zeros(columns, dtype=torch.int64), [], []
    for category in range(k):
        own = eps.clone()
        own[:, :k] = torch.eye(k)[category]
        rows.append(trained.model.sample(y, own))
        labels.append(f"category {category}")
    for number in range(n):
        for category in range(min(k, 3)):
            own = eps[:1].repeat(columns, 1)
            own[:, :k] = torch.eye(k)[category]
            own[:, k + number] = torch.linspace(-2, 2, columns)
            rows.append(trained.model.sample(y, own))
            labels.append(f"number {number + 1}, category {category}")
    return written(out, labelled_mosaic(rows, labels), f"{k} categories, {n} numbers")


@torch.no_grad()
def traversal(run: str, out: Path, dimensions: int = 8, steps: int = 10) -> list[str]:
    """Each latent dimension alone, from -2.5 to 2.5, from the code of a held-out image on: the diagonal prior's factors.
    Those come first that say most, by their mean KL."""
    trained = with_decoder(run)
    images, labels = data_of(trained, "test")
    posterior = trained.model.encode(images, labels)
    kl = 0.5 * (posterior.mu**2 + posterior.logvar.exp() - 1 - posterior.logvar).mean(0)
    rows, names = [], []
    for dimension in kl.argsort(descending=True)[:dimensions].tolist():
        z = posterior.mu[:1].repeat(steps, 1)
        z[:, dimension] = torch.linspace(-2.5, 2.5, steps)
        rows.append(trained.model.decode(z, labels[:1].repeat(steps)))
        names.append(f"z {dimension}, {kl[dimension]:.2f} nats")
    return written(
        out, labelled_mosaic(rows, names), f"{int((kl > 0.1).sum())} of {len(kl)} dimensions say more than 0.1 nats"
    )


def with_decoder(run: str) -> TrainedModel:
    """A run whose model encodes and decodes. Raises UserError for another."""
    trained = load_model(run)
    if not hasattr(trained.model, "decode") or not hasattr(trained.model, "encode"):
        raise UserError(f"{run} holds a {type(trained.model).__name__}, which has no encoder: name a VAE's run")
    return trained


def data_of(trained: TrainedModel, split: str) -> tuple[Float[Tensor, "n c h w"], Int64[Tensor, "n"]]:
    """The images that the run was trained on, or those held out."""
    data: Any = instantiate(trained.data(), _convert_="all")
    images, labels = data.split(split, 0).all()
    return pixels.to_float(images), labels


def written(out: Path, picture: Any, line: str) -> list[str]:
    file = out.with_suffix(".png")
    write_png(file, picture)
    return [line, f"picture: {file}"]
