"""A paper's table, ours beside it: `python tools/reproduce.py table=weizmann data_root=<folder>`.

Trains the runs that are missing, scores every row under every seed, and writes to `out`: table.md, table.json, the learning
curves and one picture of all models. What is done is kept: the same command goes on where it was stopped.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from videogen import pixels
from videogen.errors import UserError, one_line_errors
from videogen.evaluation.curves import draw_players, draw_scores
from videogen.evaluation.hardware import hardware
from videogen.evaluation.image_scores import ImageScores
from videogen.evaluation.judging import Panel
from videogen.evaluation.report import terminal_table, write_json
from videogen.evaluation.reproduction import Entry, Scores, best, curve, over_seeds, page, printed, training, within
from videogen.generation.comparison import compare, over_time, plain
from videogen.generation.writers import grid, labelled_mosaic, sheet, write_gif, write_png
from videogen.runs import TrainedModel, listed, load_model

TRAIN = Path(__file__).parent / "train.py"


@dataclass
class Kind:
    """What a table of videos and one of images do in ways of their own."""

    scores: Any  # of_real, of_run: the reported cells
    few: Any  # the same from few samples, for every snapshot
    facts: dict[str, Any]
    draw: Callable[[dict[str, Path], dict[str, list[Path]], list[Entry], Path], None]


def reproduce(cfg: DictConfig) -> None:
    device = cfg.device or ("cuda" if torch.cuda.is_available() else "cpu")
    table = OmegaConf.to_container(cfg.table, resolve=True)
    seeds = listed(cfg.seeds)
    if not seeds or not all(seed.isdecimal() for seed in seeds):
        raise UserError(f"seeds={cfg.seeds}: name at least one whole number, as in seeds=[0,1,2]")
    cfg.seeds = [int(seed) for seed in seeds]
    entries = [Entry(**row) for row in table["rows"]]
    runs = [entry for entry in entries if entry.real is None]
    judges = [Entry(name, experiment=name, run=f"runs/{name}/seed_0") for name in table.get("judges", ())]
    for entry in (*judges, *runs):
        train(entry, cfg)
    first = load_model(runs[0].folder)
    kind = (images if "images" in first.config["data"] else videos)(cfg, table, first, device)

    bar = tqdm(runs, "snapshots", disable=None)
    points = {entry.name: list(tqdm(curve(entry, kind.few), entry.name, leave=False, disable=None)) for entry in bar}
    chosen = {
        "best": {entry.name: best(points[entry.name], table["best_by"]) for entry in runs},
        "equal": {entry.name: within(points[entry.name], cfg.budget) for entry in runs},
    }
    lines: dict[str, list] = {"best": [], "equal": []}
    cells: dict[str, dict] = {"best": {}, "equal": {}}
    bound = over_seeds([kind.scores.of_real("bound", seed) for seed in cfg.seeds])
    for entry in tqdm(entries, "rows", disable=None):
        for which, files in chosen.items():
            if entry.real is not None:
                rows = [kind.scores.of_real(entry.real, seed) for seed in cfg.seeds]
            elif (file := files[entry.name]) is not None:
                rows = [kind.scores.of_run(file, entry.begins_with, seed) for seed in cfg.seeds]
            else:
                continue  # not a snapshot within the budget
            share = {"of bound": f"{over_seeds(rows)[table['best_by']][0] / bound[table['best_by']][0]:.0%}"}
            lines[which].append(printed(entry, rows, table["columns"]) | share | training(entry, rows))
            cells[which][entry.name] = rows

    out = Path(cfg.out or f"results/{table['name']}")
    words = HydraConfig.get().overrides.task
    facts = {
        "command": f"python tools/reproduce.py {' '.join(w for w in words if not w.startswith(('data_root=', 'out=')))}",
        **kind.facts,
        "seeds": list(cfg.seeds),
        "budget": f"{cfg.budget} minutes",
        "hardware": hardware(device),
    }
    root = "<folder>" if cfg.data_root else None
    trained = [run for entry in (*judges, *runs) for run in (*entry.earlier(), entry)]
    commands = [f"python tools/train.py {' '.join(run.command(table['data'], root))}" for run in trained]
    page(out / "table.md", table["title"], lines, facts, list(dict.fromkeys(commands)))
    write_json(out / "table.json", facts | {"cells": cells}, lines["best"] + lines["equal"])
    curves = {name: [row for _, row in found] for name, found in points.items()}
    bounds = {column: bound[column][0] for column in table["curves"] if bound.get(column)}
    draw_scores(out / "curves.png", curves, table["curves"], bounds)
    games = {entry.folder: plain(entry.name).split(" (")[0] for entry in runs}  # two rows may be of one run
    draw_players(out / "players.png", {f"{name}, {folder.parent.name}": folder for folder, name in games.items()})
    kind.draw(chosen["best"], {name: [file for file, _ in found] for name, found in points.items()}, runs, out)
    for which, title in (("best", "each at its best"), ("equal", f"within {cfg.budget} minutes")):
        print(f"\n{title}\n{terminal_table(lines[which])}")
    print(f"\ntable, curves and pictures: {out}")


def videos(cfg: DictConfig, table: dict[str, Any], first: TrainedModel, device: str) -> Kind:
    panel = Panel.of(first, cfg.judge, cfg.judge_apart, cfg.motion_judge, device)
    clips = instantiate(panel.clips(first, cfg.data_root), _convert_="all")
    kept = Path("runs") / f"table_{table['name']}" / "cells"
    scores = Scores(panel, clips, cfg.samples, cfg.per_clip, device, kept)
    few = Scores(panel, clips, cfg.curve_samples, cfg.curve_per_clip, device, kept)

    def draw(chosen: dict[str, Path], snapshots: dict[str, list[Path]], runs: list[Entry], out: Path) -> None:
        trained = {entry.name: (load_model(chosen[entry.name]), entry.begins_with) for entry in runs}
        bench = scores.bench(cfg.seeds[0])
        shown = compare(trained, bench.judge, bench.real, panel.stride, table["compared"])
        write_png(out / "comparison.png", sheet(shown.videos, shown.labels, cell=64))
        write_gif(out / "comparison.gif", grid(shown.videos, shown.blocks, shown.pairs), first.fps)
        for entry in runs:
            models = [load_model(file) for file in snapshots[entry.name]]
            made, labels = over_time(models, entry.begins_with, bench.real, panel.stride)
            name = f"over_time_{entry.run.removeprefix('runs/').replace('/', '_')}_{entry.begins_with}.png"
            write_png(out / name, sheet(made, labels, title=plain(entry.name), cell=64))

    samples = f"{cfg.samples} of each pair from codes, {cfg.per_clip} windows of each real clip"
    return Kind(scores, few, panel.facts() | {"samples": samples}, draw)


def images(cfg: DictConfig, table: dict[str, Any], first: TrainedModel, device: str) -> Kind:
    judge = load_model(cfg.judge or table["judge"])
    found = instantiate(first.data(), _convert_="all")
    kept = Path("runs") / f"table_{table['name']}" / "cells"
    scores = ImageScores(judge, found, cfg.samples, table["draws"], device, kept)

    def draw(chosen: dict[str, Path], snapshots: dict[str, list[Path]], runs: list[Entry], out: Path) -> None:
        labels = torch.arange(min(len(found.classes), 10))
        rows = [pixels.to_float(found.split("test", 0).all()[0][: len(labels)])]
        rows += [load_model(chosen[entry.name]).images(labels, 0) for entry in runs]
        write_png(out / "comparison.png", labelled_mosaic(rows, ["real", *(entry.name for entry in runs)]))

    facts = {"judge": f"{judge.file}, weights {judge.digest}", "samples": f"{cfg.samples} of each class"}
    return Kind(scores, scores, facts, draw)


def train(entry: Entry, cfg: DictConfig) -> None:
    """As a user would, in a process of its own, its stages first. Raises UserError where it fails."""
    for stage in entry.earlier():
        train(stage, cfg)
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
