"""Steer a run in every way there is, judge each, and draw it: `python tools/control.py run=runs/weizmann/control/seed_0`.

Writes <run>/control/: a sheet and a GIF of each way, and control.json with the table that is printed.
"""

from functools import partial
from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from videogen.errors import one_line_errors
from videogen.evaluation.control import WAYS, Steering
from videogen.evaluation.hardware import hardware
from videogen.evaluation.judging import Panel
from videogen.evaluation.report import publish
from videogen.evaluation.table import Bench
from videogen.generation import steering
from videogen.generation.writers import grid, sheet, write_gif, write_png
from videogen.runs import load_model


def control(cfg: DictConfig) -> None:
    device = cfg.device or ("cuda" if torch.cuda.is_available() else "cpu")
    trained = load_model(cfg.run, cfg.model)
    steering.steerable(trained).to(device)
    panel = Panel.of(trained, cfg.judge, cfg.judge_apart, cfg.motion_judge, device)
    clips = instantiate(panel.clips(trained, cfg.data_root), _convert_="all")
    bench = Bench(panel, clips, cfg.per_clip, cfg.seed)
    ways = Steering(*(partial(way, trained) for way in (steering.steer, steering.infer, steering.swap, steering.layers)))
    out, rows = Path(cfg.run) / "control", []
    for way in tqdm(WAYS, "steering", disable=None):
        shown = way(bench, ways)
        if shown is None:
            continue
        rows += shown.rows
        write_png(out / f"{shown.name}.png", sheet(shown.videos, shown.labels))
        write_gif(out / f"{shown.name}.gif", grid(shown.videos, shown.labels, [""]), trained.fps)
    facts = {
        "run": str(cfg.run),
        **({"model": OmegaConf.to_container(cfg.model)} if cfg.model else {}),
        **panel.facts(),
        "seed": cfg.seed,
        "hardware": hardware(device),
    }
    publish(out / "control.json", facts, rows)
    print(f"pictures: {out}")


@hydra.main(config_path="../configs", config_name="control", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        control(cfg)


if __name__ == "__main__":
    main()
