"""A paper's table, ours beside it: `python tools/reproduce.py table=weizmann data_root=<folder>`.

Trains the runs that are missing, scores every row under every seed, and writes to `out`: table.md, table.json, the learning
curves and one picture of all models. What is done is kept: the same command goes on where it was stopped.
"""

import os
import subprocess
import sys
from pathlib import Path

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from videogen.errors import UserError, one_line_errors
from videogen.evaluation.curves import draw_players, draw_scores
from videogen.evaluation.hardware import hardware
from videogen.evaluation.judging import Panel
from videogen.evaluation.report import terminal_table, write_json
from videogen.evaluation.reproduction import Entry, Scores, best, curve, over_seeds, page, printed, training, within
from videogen.generation.comparison import compare, over_time
from videogen.generation.writers import grid, sheet, write_gif, write_png
from videogen.runs import load_model

TRAIN = Path(__file__).parent / "train.py"


def reproduce(cfg: DictConfig) -> None:
    device = cfg.device or ("cuda" if torch.cuda.is_available() else "cpu")
    table = OmegaConf.to_container(cfg.table, resolve=True)
    entries = [Entry(**row) for row in table["rows"]]
    runs = [entry for entry in entries if entry.real is None]
    for entry in runs:
        train(entry, cfg)
    first = load_model(runs[0].folder)
    panel = Panel.of(first, cfg.judge, cfg.judge_apart, cfg.motion_judge, device)
    clips = instantiate(panel.clips(first, cfg.data_root), _convert_="all")
    kept = Path("runs") / f"table_{table['name']}" / "cells"
    scores = Scores(panel, clips, cfg.samples, cfg.per_clip, device, kept)
    few = Scores(panel, clips, cfg.curve_samples, cfg.curve_samples, device, kept)

    bar = tqdm(runs, "snapshots", disable=None)
    points = {entry.name: list(tqdm(curve(entry, few), entry.name, leave=False, disable=None)) for entry in bar}
    chosen = {
        "best": {entry.name: best(points[entry.name]) for entry in runs},
        "equal": {entry.name: within(points[entry.name], cfg.budget) for entry in runs},
    }
    lines: dict[str, list] = {"best": [], "equal": []}
    cells: dict[str, dict] = {"best": {}, "equal": {}}
    bound = [scores.of_real("bound", seed) for seed in cfg.seeds]
    for entry in tqdm(entries, "rows", disable=None):
        for which, files in chosen.items():
            if entry.real is not None:
                rows = [scores.of_real(entry.real, seed) for seed in cfg.seeds]
            elif (file := files[entry.name]) is not None:
                rows = [scores.of_run(file, entry.begins_with, seed) for seed in cfg.seeds]
            else:
                continue  # not a snapshot within the budget
            lines[which].append(printed(entry, rows, table["columns"], over_seeds(bound)["i_score"][0]))
            lines[which][-1] |= training(entry, rows)
            cells[which][entry.name] = rows

    out = Path(cfg.out or f"results/{table['name']}")
    words = HydraConfig.get().overrides.task
    facts = {
        "command": f"python tools/reproduce.py {' '.join(w for w in words if not w.startswith(('data_root=', 'out=')))}",
        **panel.facts(),
        "seeds": list(cfg.seeds),
        "samples": f"{cfg.samples} of each pair from codes, {cfg.per_clip} windows of each real clip",
        "budget": f"{cfg.budget} minutes",
        "hardware": hardware(device),
    }
    commands = [f"python tools/train.py {' '.join(entry.command(table['data'], '<folder>'))}" for entry in runs]
    page(out / "table.md", table["title"], lines, facts, commands)
    write_json(out / "table.json", facts | {"cells": cells}, lines["best"] + lines["equal"])

    curves = {name: [row for _, row in found] for name, found in points.items()}
    bounds = {column: over_seeds(bound)[column][0] for column in table["curves"] if over_seeds(bound).get(column)}
    draw_scores(out / "curves.png", curves, table["curves"], bounds)
    draw_players(out / "players.png", {entry.name: entry.folder for entry in runs})
    trained = {e.name: (load_model(chosen["best"][e.name]), e.begins_with) for e in runs}
    bench = scores.bench(cfg.seeds[0])
    shown = compare(trained, bench.judge, bench.real, panel.stride, table["compared"])
    write_png(out / "comparison.png", sheet(shown.videos, shown.labels))
    write_gif(out / "comparison.gif", grid(shown.videos, shown.blocks, shown.pairs), first.fps)
    for entry in runs:
        files = [file for file, _ in points[entry.name]]
        videos, labels = over_time([load_model(f) for f in files], entry.begins_with, bench.real, panel.stride)
        name = "".join(c if c.isalnum() else "_" for c in entry.run.removeprefix("runs/"))
        write_png(out / f"over_time_{name}_{entry.begins_with}.png", sheet(videos, labels, title=entry.name.split()[0]))

    for which, title in (("best", "each at its best"), ("equal", f"within {cfg.budget} minutes")):
        print(f"\n{title}\n{terminal_table(lines[which])}")
    print(f"\ntable, curves and pictures: {out}")


def train(entry: Entry, cfg: DictConfig) -> None:
    """As a user would, in a process of its own. Raises UserError where it fails."""
    if entry.is_trained():
        return
    if not cfg.train and (entry.folder / "model.safetensors").is_file():
        return
    done = subprocess.run([sys.executable, str(TRAIN), *entry.command(cfg.table.data, cfg.data_root)], env=os.environ)
    if done.returncode:
        raise UserError(f"training of {entry.name} ended early; its last checkpoint is kept: run the same command again")


@hydra.main(config_path="../configs", config_name="reproduce", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        reproduce(cfg)


if __name__ == "__main__":
    main()
