"""How well is an object turned that was seen once? `python tools/novel_views.py runs=[<run>,<run>]`

Against the true views of held-out objects: PSNR and SSIM by angular distance, 1-NN recognition across azimuth, and how well
a full turn closes. Writes tables, a figure, the lecture's two panels, and an animation of full turns beside the truth.
"""

from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from videogen.errors import UserError, one_line_errors
from videogen.evaluation import novel_views
from videogen.evaluation.curves import draw_angles
from videogen.evaluation.hardware import hardware
from videogen.evaluation.novel_views import Circles, Predict, Turning
from videogen.evaluation.report import terminal_table, write_json
from videogen.generation.writers import grid, sheet, write_gif, write_mp4, write_png
from videogen.runs import TrainedModel, listed, load_model

BASELINES = ("given view, unturned", "nearest training view, turned")
STRIP = 16  # frames of the panels


def measure(cfg: DictConfig) -> None:
    models = loaded(cfg)
    first = next(iter(models.values()))
    circles = Circles.of(instantiate(first.data(cfg.data_root), _convert_="all").split("test", cfg.seed))
    views = circles.views.shape[1]
    clips = instantiate(first.data(cfg.data_root) | {"frames": views + 1, "stride": 1}, _convert_="all")
    real = novel_views.true_turns(clips.split("test", cfg.seed), cfg.starts, cfg.seed)

    predictions: dict[str, Predict] = {
        BASELINES[0]: novel_views.unturned,
        BASELINES[1]: novel_views.retrieved(clips.split("train", cfg.seed)),
    }
    for name, model in models.items():
        kinds = {f"{name} (mean)": 0.0, f"{name} (sampled)": 1.0} if model.generator.z else {name: 0.0}
        predictions |= {kind: novel_views.predicted(model, temperature) for kind, temperature in kinds.items()}
    made = {name: predict(real.codes, real.given, views + 1) for name, predict in predictions.items()}

    steps = range(1, views // 2 + 1)  # half a turn is as far as one can get
    degrees = [f"{360 * k / views:.0f}" for k in steps]
    errors = {
        name: novel_views.errors(videos[:, : len(steps) + 1], real.videos[:, : len(steps) + 1])
        for name, videos in made.items()
    }
    tables = {
        "PSNR (dB)": {name: found["psnr"] for name, found in errors.items()},
        "SSIM": {name: found["ssim"] for name, found in errors.items()},
        "recognised (1-NN)": recognition(models, circles, len(steps)),
    }
    closed = {
        name: novel_views.closing(videos, real.given, views) for name, videos in made.items() if name not in BASELINES
    }  # those two close by themselves
    facts = {
        "objects": len(set(real.objects.tolist())),
        "given views": len(real.videos),
        "seed": cfg.seed,
        "weights": {name: model.digest for name, model in models.items()},
        "a full turn closes, PSNR (dB)": closed,
        "hardware": hardware(str(first.device)),
    }
    for title, rows in tables.items():
        digits = 2 if title.startswith("PSNR") else 3
        lines = [
            {"by angle (degrees)": name} | {d: f"{value:.{digits}f}" for d, value in zip(degrees, values, strict=True)}
            for name, values in rows.items()
        ]
        print(f"\n{title}\n{terminal_table(lines)}")
    print("\na full turn closes: PSNR of the view after it against the given one, dB")
    for name, value in closed.items():
        print(f"  {name}: {value:.2f}")

    out = Path(cfg.out)
    write_json(out / "novel_views.json", facts | {"degrees": degrees, "tables": tables}, [])
    draw_angles(out / "novel_views.png", [float(d) for d in degrees], tables)
    draw(out, cfg, first, real, {name: videos[:, :views] for name, videos in made.items()})
    print(f"\ntables, figures and turns: {out}")


def loaded(cfg: DictConfig) -> dict[str, TrainedModel]:
    """The runs, by name. Raises UserError where they cannot be compared."""
    models = {run: load_model(run) for run in listed(cfg.runs)}
    if not models or cfg.starts < 1 or cfg.shown < 1:
        raise UserError("name at least one run in runs=[...], and at least one of starts and shown")
    one, first = next(iter(models.items()))
    device = cfg.device or ("cuda" if torch.cuda.is_available() else "cpu")
    for name, model in models.items():
        model.model.to(device)
        if "first_frame" not in getattr(model.generator, "begins_with", ()):
            raise UserError(f"{name} holds a {type(model.model).__name__}, which turns no given frame: name another run")
        for fact in ("identities", "actions", "channels", "size"):
            if model.config["data"][fact] != first.config["data"][fact]:
                raise UserError(f"{name} was trained with another data.{fact} than {one}: compare runs on one data set")
        if model.data()["source"] != first.data()["source"]:
            raise UserError(f"{name} was trained on other clips, or another split, than {one}: compare it alone")
    return models


def recognition(models: dict[str, TrainedModel], circles: Circles, distances: int) -> dict[str, list[float]]:
    """By pixels, by what a model calls the appearance, and by the turn that it imagines."""
    found = {"pixels": novel_views.recognised(circles.views.flatten(2), distances)}
    for name, model in models.items():
        if hasattr(model.model, "appearance"):
            found[f"{name}, its units"] = novel_views.recognised(novel_views.units(model, circles), distances)
        turned = novel_views.imagined(novel_views.predicted(model, 0.0), circles)
        found[f"{name}, imagined turn"] = novel_views.recognised(turned, distances)
    return found


def draw(out: Path, cfg: DictConfig, first: TrainedModel, real: Turning, made: dict[str, Tensor]) -> None:
    """Full turns of some objects; and of the first model what codes alone, and codes with a first frame, control."""
    chosen = torch.linspace(0, len(real.videos) - 1, cfg.shown).round().long()
    shown = {"truth": real.videos[:, :-1]} | {name: v for name, v in made.items() if not name.endswith("(sampled)")}
    animation = grid(
        torch.cat([videos[chosen] for videos in shown.values()]),
        list(shown),
        [first.actions[int(real.codes[k, 1])] for k in chosen],
    )
    write_gif(out / "turns.gif", animation, 8)
    write_mp4(out / "turns.mp4", animation, 8)
    strips = torch.stack([videos[k] for k in chosen for videos in shown.values()])
    write_png(out / "turns.png", sheet(strips, list(shown) * len(chosen), STRIP, cell=64))

    own = next(videos for name, videos in made.items() if name not in BASELINES)
    objects = real.objects.unique()
    rows = torch.cat([(real.objects == k).nonzero().flatten() for k in objects[:: -(-len(objects) // 3)]])
    labels = [f"{int(real.objects[k])} · {first.actions[int(real.codes[k, 1])]}" for k in rows]
    full = torch.cat([real.given[rows, None], own[rows, 1:STRIP]], dim=1)
    write_png(out / "full_control.png", sheet(full, labels, STRIP, "a first frame (given), and codes", cell=64))
    if "codes" in first.generator.begins_with:
        codes = torch.tensor([[0, k] for k in range(len(first.actions)) for _ in range(3)])
        partial = first.sample(codes, STRIP, cfg.seed, stride=1)
        labels = [first.actions[int(k)] for k in codes[:, 1]]
        write_png(out / "partial_control.png", sheet(partial, labels, STRIP, "codes alone", cell=64))


@hydra.main(config_path="../configs", config_name="novel_views", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors(), torch.no_grad():
        measure(cfg)


if __name__ == "__main__":
    main()
