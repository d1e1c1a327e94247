"""Scores against a setting, over judged runs: `python tools/curve.py runs=[runs/a,runs/b] setting=data.labelled_share`

Reads the metrics.json that tools/evaluate.py left in each run; writes a PNG.
"""

import json
from functools import reduce
from pathlib import Path

import hydra
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from omegaconf import DictConfig

from videogen.errors import UserError, one_line_errors
from videogen.files import written_whole
from videogen.runs import listed, load_model


def draw(cfg: DictConfig) -> None:
    points = []
    for run in listed(cfg.runs):
        file = Path(run) / "metrics.json"
        if not file.is_file():
            raise UserError(f"{file} does not exist: judge the run first (tools/evaluate.py run={run})")
        config = load_model(run).config
        try:
            x = reduce(lambda node, key: node[key], cfg.setting.split("."), config)
        except (KeyError, TypeError):
            raise UserError(f"{run} has no setting {cfg.setting}") from None
        rows = {row["name"]: row for row in json.loads(file.read_text())["rows"]}
        if cfg.row not in rows:
            raise UserError(f"{file} has no row {cfg.row}: choose from {', '.join(rows)}")
        points.append((x, rows[cfg.row]))
    columns = listed(cfg.columns)
    points.sort(key=lambda point: point[0])
    figure, axes = pyplot.subplots(figsize=(5, 3.2), layout="constrained")
    for column in columns:
        axes.plot([x for x, _ in points], [row[column] for _, row in points], marker="o", label=column.replace("_", " "))
    axes.set(xlabel=cfg.setting, ylabel=cfg.row, ylim=(0, 1.02))
    axes.legend(loc="lower right")  # accuracies leave it free
    with written_whole(Path(cfg.out)) as part:
        figure.savefig(part, format="png", dpi=110)
    for x, row in points:
        print(f"{cfg.setting}={x}: " + ", ".join(f"{column} {row[column]:.3f}" for column in columns))
    print(f"curve: {cfg.out}")


@hydra.main(config_path="../configs", config_name="curve", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        draw(cfg)


if __name__ == "__main__":
    main()
