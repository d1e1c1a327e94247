"""How well is an object turned that was seen once? `python tools/novel_views.py runs=[<run>,<run>]`

Against the true views of held-out objects: PSNR and SSIM by angular distance, 1-NN recognition across azimuth, and how well
a full turn closes. Writes tables, a figure, and an animation of full turns beside the truth.
"""

from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from videogen.errors import one_line_errors
from videogen.evaluation import novel_views
from videogen.evaluation.curves import draw_angles
from videogen.evaluation.hardware import hardware
from videogen.evaluation.report import terminal_table, write_json
from videogen.generation.writers import grid, sheet, write_gif, write_mp4, write_png
from videogen.runs import load_model


def measure(cfg: DictConfig) -> None:
    models = {str(run): load_model(run) for run in cfg.runs}
    first = next(iter(models.values()))
    one_way = novel_views.Circles.of(instantiate(first.data(cfg.data_root), _convert_="all").split("test", cfg.seed))
    views = one_way.views.shape[1]  # of a circle
    clips = instantiate(first.data(cfg.data_root) | {"frames": views + 1, "stride": 1}, _convert_="all")
    real = novel_views.true_turns(clips.split("test", cfg.seed), cfg.starts, cfg.seed)

    predictions = {"given view, unturned": novel_views.unturned, "nearest training object": None}
    predictions["nearest training object"] = novel_views.retrieved(clips.split("train", cfg.seed))
    for name, model in models.items():
        kinds = {f"{name} (mean)": 0.0, f"{name} (sampled)": 1.0} if model.generator.z else {name: 0.0}
        predictions |= {kind: novel_views.predicted(model, temperature) for kind, temperature in kinds.items()}
    degrees = [f"{360 * k / views:.0f}" for k in range(1, views // 2 + 1)]
    made = {name: predict(real.codes, real.given, views + 1) for name, predict in predictions.items()}
    found = {
        name: novel_views.errors(videos[:, : len(degrees) + 1], real.videos[:, : len(degrees) + 1])
        for name, videos in made.items()
    }
    told_apart = {"pixels": novel_views.recognised(one_way.views.flatten(2), len(degrees))}
    for name, model in models.items():
        if hasattr(model.model, "appearance"):
            told_apart[f"{name}, its units"] = novel_views.recognised(novel_views.units(model, one_way), len(degrees))
        turned = novel_views.imagined(novel_views.predicted(model, 0.0), one_way)
        told_apart[f"{name}, imagined turn"] = novel_views.recognised(turned, len(degrees))

    tables = {
        "PSNR (dB)": {name: errors["psnr"] for name, errors in found.items()},
        "SSIM": {name: errors["ssim"] for name, errors in found.items()},
        "recognised (1-NN)": told_apart,
    }
    baselines = list(predictions)[:2]  # those two close by themselves
    closed = {name: novel_views.closing(videos, views) for name, videos in made.items() if name not in baselines}
    facts = {
        "objects": len(set(real.objects.tolist())),
        "given views": len(real.videos),
        "seed": cfg.seed,
        "weights": {name: model.digest for name, model in models.items()},
        "a full turn closes, PSNR (dB)": closed,
        "hardware": hardware("cpu"),
    }
    for title, rows in tables.items():
        digits = 2 if title.startswith("PSNR") else 3
        lines = [
            {"by angle (degrees)": name} | {d: f"{value:.{digits}f}" for d, value in zip(degrees, values, strict=True)}
            for name, values in rows.items()
        ]
        print(f"\n{title}\n{terminal_table(lines)}")
    print("\na full turn closes on itself: PSNR of the last view against the first, dB")
    for name, value in closed.items():
        print(f"  {name}: {value:.2f}")

    out = Path(cfg.out)
    write_json(out / "novel_views.json", facts | {"degrees": degrees, "tables": tables}, [])
    draw_angles(out / "novel_views.png", [float(d) for d in degrees], tables)
    chosen = torch.linspace(0, len(real.videos) - 1, cfg.shown).round().long()
    shown = {"truth": real.videos, **{k: v for k, v in made.items() if not k.endswith("(sampled)")}}
    videos = torch.cat([rows[chosen, :views] for rows in shown.values()])
    actions = [first.actions[int(real.codes[k, 1])] for k in chosen]
    animation = grid(videos, list(shown), actions)
    write_gif(out / "turns.gif", animation, 8)
    write_mp4(out / "turns.mp4", animation, 8)
    strips = torch.stack([rows[k, :views] for k in chosen for rows in shown.values()])
    write_png(out / "turns.png", sheet(strips, [f"{name}" for _ in chosen for name in shown], columns=16, cell=64))
    name = next(iter(models))
    mean = f"{name} (mean)" if first.generator.z else name
    objects = real.objects.unique()[:: max(1, len(real.objects.unique()) // 3)][:3]
    rows = torch.cat([(real.objects == k).nonzero().flatten() for k in objects])
    labels = [f"{int(real.objects[k])} · {first.actions[int(real.codes[k, 1])]}" for k in rows]
    full = torch.cat([real.given[rows, None], made[mean][rows, 1:16]], dim=1)
    write_png(out / "full_control.png", sheet(full, labels, 16, "first frame (given) and codes", cell=64))
    if "codes" in first.generator.begins_with:
        codes = torch.tensor([[0, k] for k in range(len(first.actions)) for _ in range(3)])
        partial = first.sample(codes, 16, cfg.seed, stride=1)
        write_png(
            out / "partial_control.png",
            sheet(partial, [first.actions[int(k)] for k in codes[:, 1]], 16, "codes alone", cell=64),
        )
    print(f"\ntables, figures and turns: {out}")


@hydra.main(config_path="../configs", config_name="novel_views", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors(), torch.no_grad():
        measure(cfg)


if __name__ == "__main__":
    main()
