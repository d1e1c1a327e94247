"""Figures of the game that a GAN is: its equilibrium, the modes that it loses, the gradient that vanishes.

Each function draws from runs that tools/train.py made, below the name `out`, and returns its numbers as lines of text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import matplotlib

matplotlib.use("Agg")
import numpy as np
import torch
from hydra.utils import instantiate
from jaxtyping import Float
from matplotlib import pyplot
from PIL import Image
from torch import Tensor
from torch.nn import functional

from videogen import noise
from videogen.errors import UserError
from videogen.evaluation.curves import save
from videogen.files import written_whole
from videogen.runs import TrainedModel, load_model, snapshots

MODE = 3.0  # a sample belongs to a mode within so many standard deviations of its centre ...
FAIR = 0.25  # ... and a mode is covered if it has at least so much of its share in the data


@runtime_checkable
class Mixture(Protocol):
    """Data whose density is known (`data/points.py`)."""

    centres: Float[Tensor, "k d"]
    sigma: Float[Tensor, "k"]
    shares: Float[Tensor, "k"]

    def split(self, name: str, seed: int) -> Any: ...

    def density(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]: ...


def points_of(trained: TrainedModel, dimensions: int) -> Mixture:
    """The mixture that a run was trained on. Raises UserError if it was trained on anything else."""
    described = trained.config["data"].get("images", {})
    if not str(described.get("_target_", "")).startswith("videogen.data.points."):
        raise UserError(f"{trained.file} was not trained on points: name a run of experiment=points/...")
    points = instantiate(described, _recursive_=False, _convert_="all")
    if points.centres.shape[1] != dimensions:
        raise UserError(f"{trained.file} was trained on points in {points.centres.shape[1]}-d, not in {dimensions}-d")
    return points


def course_of(run: str | Path) -> list[Path]:
    """The snapshots of a run. Raises UserError if there is none, or if it kept fewer than two."""
    files = snapshots(run)
    if len(files) < 2:
        load_model(run)  # which says so where nothing was trained at all
        raise UserError(f"{run} has no course to draw: train it with training.settings.keep_every=<steps>")
    return files


def noise_of(trained: TrainedModel, n: int, seed: int) -> Float[Tensor, "n z"]:
    return noise.normal(torch.tensor([noise.seed_of(seed, k) for k in range(n)]), trained.generator.z)


def real_points(points: Mixture, n: int, seed: int) -> Float[Tensor, "n d"]:
    """Points that no training saw."""
    split = points.split("test", seed)
    return torch.stack([split[k]["image"].flatten() for k in range(n)])


def made_points(trained: TrainedModel, eps: Float[Tensor, "n z"]) -> Float[Tensor, "n d"]:
    return trained.model.sample(torch.zeros(len(eps), dtype=torch.int64), eps).flatten(1)


def scores(trained: TrainedModel, x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """v = D(x), before any sigmoid."""
    return trained.model.judge(x[:, :, None, None], torch.zeros(len(x), dtype=torch.int64)).score


# ---- the equilibrium ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """The game on a line at one step: p_gen and D, over the bins of one histogram."""

    step: int
    made: Float[Tensor, "m"]  # p_gen in each bin
    D: Float[Tensor, "m"]  # sigmoid(v) in the middle of each bin
    off: float  # mean |D - 1/2| over real points
    best: float  # the same of the best D for this G
    apart: float  # Jensen-Shannon divergence of p_gen from p_data, nats


def histogram(x: Float[Tensor, "n 1"], edges: Float[Tensor, "e"]) -> Float[Tensor, "m"]:
    """The share of points in each bin; the outer bins have whatever lies beyond them."""
    inside = x[:, 0].clamp(edges[0], edges[-1])
    return torch.histogram(inside, edges).hist / len(x)


def best_off(p: Float[Tensor, "m"], q: Float[Tensor, "m"]) -> float:
    """E_p |D - 1/2| of D = p / (p + q), the best one (Goodfellow et al. 2014, proposition 1)."""
    return float((p * (p / (p + q).clamp(min=1e-12) - 0.5).abs()).sum())


def jensen_shannon(p: Float[Tensor, "m"], q: Float[Tensor, "m"]) -> float:
    """KL(p || (p + q) / 2) / 2 + KL(q || (p + q) / 2) / 2, nats: 0 if they are the same, ln 2 if they are disjoint.

    With the best D for a G, the game's value is 2 JSD - ln 4 (Goodfellow et al. 2014, theorem 1).
    """
    p, q = p.double(), q.double()
    entropy = torch.special.entr
    return float(entropy((p + q) / 2).sum() - entropy(p).sum() / 2 - entropy(q).sum() / 2)


@torch.no_grad()
def equilibrium(
    out: Path, run: str | Path, seed: int = 0, samples: int = 20_000, reach: float = 3.5, bins: int = 100, frames: int = 48
) -> list[str]:
    """How p_gen comes to p_data and D to 1/2, on a line: `<out>.png` and, animated, `<out>.gif`.

    A density is a histogram of `samples` points in `bins` bins from -reach to reach; what as many real points show is
    chance. The snapshots are of the averaged model, if training kept an average. D near 1/2 says little where the best D
    for the same G is not: it may just have learned too little.
    """
    files = course_of(run)
    first = load_model(files[0])
    points = points_of(first, 1)
    edges = torch.linspace(-reach, reach, bins + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    fine = torch.linspace(-reach, reach, bins * 16 + 1)
    data = points.density(((fine[:-1] + fine[1:]) / 2)[:, None]).reshape(bins, 16).sum(1)
    data = data / data.sum()
    real, eps = real_points(points, samples, seed), noise_of(first, samples, seed)

    def stage(file: Path) -> Stage:
        trained = load_model(file)
        made = histogram(made_points(trained, eps), edges)
        D, at_real = scores(trained, middles[:, None]).sigmoid(), scores(trained, real).sigmoid()
        off = float((at_real - 0.5).abs().mean())
        return Stage(trained.step, made, D, off, best_off(data, made), jensen_shannon(made, data))

    def draw(place: Any, now: Stage) -> None:
        width = 2 * reach / bins
        place.fill_between(middles, now.made / width, step="mid", color="tab:green", alpha=0.5, linewidth=0, label="p_gen")
        place.plot(middles, data / width, color="black", linewidth=1.2, label="p_data")
        place.plot(middles, now.D, color="tab:blue", linewidth=1.2, label="D")
        place.axhline(0.5, color="tab:blue", linestyle=":", linewidth=0.8)
        place.set(xlim=(-reach, reach), ylim=(0, 1.2), title=f"step {now.step}")

    course = [stage(file) for file in files]
    chance = histogram(real, edges)
    shown = [course[k] for k in spread(len(course), 6)]
    figure, axes = pyplot.subplots(2, 4, figsize=(15, 6), layout="constrained")
    for place, now in zip(axes[:, :3].flat, shown, strict=False):
        draw(place, now)
    axes[0, 0].legend(fontsize=8, loc="upper center", ncols=3)
    steps, (apart, off) = [now.step for now in course], axes[:, 3]
    apart.plot(steps, [max(now.apart, 1e-6) for now in course], color="tab:green", label="p_gen")
    apart.axhline(jensen_shannon(chance, data), color="grey", linestyle="--", linewidth=1, label="real points")
    apart.set(title="JSD from p_data, nats", xscale="log", yscale="log")
    off.plot(steps, [now.off for now in course], color="tab:blue", label="D")
    off.plot(steps, [now.best for now in course], color="tab:blue", linestyle=":", label="the best D for this G")
    off.axhline(best_off(data, chance), color="grey", linestyle="--", linewidth=1, label="the best D for real points")
    off.set(title="mean |D - 1/2| over real points", xlabel="step", xscale="log", yscale="log")
    for place in (apart, off):
        place.legend(fontsize=8)
    save(figure, out.with_suffix(".png"))

    pictures = []
    for k in spread(len(course), frames):
        figure, place = pyplot.subplots(figsize=(5.6, 3.4), layout="constrained", dpi=90)
        draw(place, course[k])
        place.legend(fontsize=8, loc="upper center", ncols=3)
        pictures.append(pixels_of(figure))
    write_animation(out.with_suffix(".gif"), pictures, milliseconds=150)
    return [
        *(f"step {n.step}: |D - 1/2| {n.off:.4f}, of the best D {n.best:.4f}; JSD {n.apart:.5f} nats" for n in shown),
        f"real for made: of the best D {best_off(data, chance):.4f}; JSD {jensen_shannon(chance, data):.5f} nats",
    ]


def spread(n: int, most: int) -> list[int]:
    """At most `most` of the places 0 .. n - 1, the first and the last among them, ever wider apart."""
    places = np.geomspace(1, n, most).round().astype(int) - 1 if n > most else range(n)
    return sorted({int(k) for k in places})


def pixels_of(figure: pyplot.Figure) -> Image.Image:
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")  # type: ignore[attr-defined]
    pyplot.close(figure)
    return picture


def write_animation(path: Path, pictures: Sequence[Image.Image], milliseconds: int) -> None:
    """A GIF that begins again after two seconds on its last picture."""
    first, *others = [picture.quantize(64, dither=Image.Dither.NONE) for picture in pictures]
    lasting = [milliseconds] * len(others) + [2000]
    with written_whole(path) as part:
        first.save(part, format="GIF", save_all=True, append_images=others, duration=lasting, loop=0)


# ---- modes --------------------------------------------------------------------------------------------------------


def coverage(x: Float[Tensor, "n d"], points: Mixture) -> tuple[int, float]:
    """How many modes have samples, and which share of the samples belongs to a mode."""
    distances = torch.cdist(x, points.centres) / points.sigma
    good = distances <= MODE
    covered = good.float().mean(0) >= FAIR * points.shares
    return int(covered.sum()), float(good.any(1).float().mean())


@torch.no_grad()
def ring(out: Path, runs: Sequence[str | Path], seed: int = 0, samples: int = 4000, reach: float = 3.0) -> list[str]:
    """What each of `runs` makes in the plane, over the modes and D's field: `<out>.png`.

    Modes are circles of 3 standard deviations; the field is lighter where D takes a point for real.
    """
    axis = torch.linspace(-reach, reach, 121)
    plane = torch.cartesian_prod(axis, axis)
    figure, axes = pyplot.subplots(1, len(runs), figsize=(3.4 * len(runs), 4.05), layout="constrained", squeeze=False)
    lines = []
    for run, place in zip(runs, axes[0], strict=True):
        trained = load_model(run)
        points = points_of(trained, 2)
        x = made_points(trained, noise_of(trained, samples, seed))
        modes, good = coverage(x, points)
        name, known = trained.config["name"], len(points.centres)
        field = scores(trained, plane).reshape(len(axis), len(axis)).T
        place.imshow(field.numpy(), origin="lower", extent=(-reach, reach, -reach, reach), cmap="Blues_r", alpha=0.7)
        place.scatter(*x[:2000].T.numpy(), s=3, color="tab:orange", linewidths=0)
        for centre, sigma in zip(points.centres.tolist(), points.sigma.tolist(), strict=True):
            place.add_patch(pyplot.Circle(centre, MODE * sigma, fill=False, linewidth=0.8))  # type: ignore[attr-defined]
        place.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
        place.set_title(f"{name.split('/')[-1]}\n{modes} of {known} modes, {good:.0%} good", fontsize=10)
        lines.append(f"{name}, step {trained.step}: {modes} of {known} modes, {good:.1%} of samples within one")
    real = coverage(real_points(points, samples, seed), points)
    save(figure, out.with_suffix(".png"))
    return [*lines, f"real points: {real[0]} of {known} modes, {real[1]:.1%} within one"]


# ---- gradients ----------------------------------------------------------------------------------------------------


def gradients(out: Path, run: str | Path, seed: int = 0, samples: int = 512) -> list[str]:
    """The minimax generator's gradient, of E log(1 - D(G(z))), beside the non-saturating one's, of -E log D(G(z)).

    `<out>.png` has both as functions of v, D = sigmoid(v), and their norms over G's parameters at each snapshot of `run`,
    measured on the same noise (Arjovsky & Bottou 2017, figures 2 and 3, draw this of a G that stays as it is).
    """
    course = []
    for file in course_of(run):
        trained = load_model(file)
        model, y = trained.generator, torch.arange(samples) % trained.config["data"]["num_classes"]
        parameters = list(model.G.requires_grad_(True).parameters())
        v = model.judge(model.sample(y, noise_of(trained, samples, seed)), y).score
        losses = (-functional.softplus(v).mean(), functional.softplus(-v).mean())
        norms = [
            float(torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters, retain_graph=True)]).norm())
            for loss in losses
        ]
        course.append((trained.step, v.detach().mean().item(), v.detach().sigmoid().mean().item(), *norms))
    steps, means, believed, flat, steep = map(list, zip(*course, strict=True))

    figure, axes = pyplot.subplots(1, 3, figsize=(14, 4), layout="constrained")
    v = torch.linspace(min(-8.0, *means), 4, 200)
    for name, colour, slope, norm in (
        ("log(1 - D), minimax", "tab:red", v.sigmoid(), flat),
        ("-log D, non-saturating", "tab:green", (-v).sigmoid(), steep),
    ):
        axes[0].plot(v, slope, color=colour, label=name)
        axes[1].plot(steps, norm, color=colour, marker="o", markersize=3, label=name)
    axes[0].axvspan(min(means), max(means), color="grey", alpha=0.2, linewidth=0, label="mean v of this run's samples")
    axes[0].set(title="|dL/dv|, D = sigmoid(v)", xlabel="v: from surely made to undecided (0) to real")
    axes[1].set(title="norm of G's gradient", xlabel="step", yscale="log")
    axes[2].plot(steps, believed, color="tab:blue", marker="o", markersize=3)
    axes[2].set(title="mean D(G(z))", xlabel="step", yscale="log")
    axes[0].legend(fontsize=8)
    axes[1].legend(fontsize=8)
    save(figure, out.with_suffix(".png"))
    return [
        f"step {steps[k]}: mean D(G(z)) {believed[k]:.2e}, gradient {flat[k]:.2e} minimax, {steep[k]:.2e} non-saturating, "
        f"{steep[k] / flat[k]:.1f} to 1"
        for k in spread(len(course), 6)
    ]
