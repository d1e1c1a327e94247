"""Learning curves: how a model's scores, and its players' losses, went while it trained."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from videogen.evaluation.report import Row
from videogen.files import written_whole

# The scores of a model's snapshots, each with `step` and `seconds`.
Curve = Sequence[Row]


def draw_scores(path: Path, curves: Mapping[str, Curve], columns: Sequence[str], bounds: Mapping[str, float]) -> None:
    """Scores against wall-clock minutes and against updates, axes for each of `columns`. The bound is dashed."""
    figure, axes = pyplot.subplots(2, len(columns), figsize=(4.6 * len(columns), 6.4), layout="constrained", squeeze=False)
    for row, (unit, scale) in enumerate((("minutes of training", 60.0), ("updates", 1.0))):
        for place, column in zip(axes[row], columns, strict=True):
            for number, (name, curve) in enumerate(curves.items()):
                points = [(point["seconds"] if scale > 1 else point["step"], point.get(column)) for point in curve]
                points = [(float(x) / scale, y) for x, y in points if x is not None and y is not None]
                if points:
                    place.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name, color=f"C{number}")
            if column in bounds:
                place.axhline(bounds[column], color="grey", linestyle="--", linewidth=1)
            place.set(xlabel=unit, title=column.replace("_", " ") if row == 0 else None, ylim=(0, None))
    axes[0][0].legend(fontsize=8)
    save(figure, path)


def draw_players(path: Path, runs: Mapping[str, Path]) -> None:
    """Every player's loss terms over the updates, one row of axes for each run. A game in which one player's losses stay
    at 0 is over."""
    logs = {name: [json.loads(line) for line in (run / "metrics.jsonl").open()] for name, run in runs.items()}
    players = {
        name: sorted({key.split("/")[1] for line in log for key in line if "/" in key}) for name, log in logs.items()
    }
    widest = max(map(len, players.values()))
    figure, axes = pyplot.subplots(
        len(runs), widest, figsize=(4.6 * widest, 2.8 * len(runs)), layout="constrained", squeeze=False
    )
    for (name, log), row in zip(logs.items(), axes, strict=True):
        for place in row[len(players[name]) :]:
            place.set_axis_off()
        for player, place in zip(players[name], row, strict=False):
            prefix = f"train/{player}/"
            for key in sorted({key for line in log for key in line if key.startswith(prefix)}):
                points = [(line["step"], line[key]) for line in log if key in line]
                place.plot(*zip(*points, strict=True), linewidth=0.8, label=key.removeprefix(prefix))
            place.set(title=f"{name}: {player}", xlabel="updates")
            place.legend(fontsize=8)
    save(figure, path)


def draw_angles(path: Path, degrees: Sequence[float], tables: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Axes for each table: title -> (name -> a value at each of `degrees`)."""
    figure, axes = pyplot.subplots(1, len(tables), figsize=(5 * len(tables), 4), layout="constrained", squeeze=False)
    for place, (title, rows) in zip(axes[0], tables.items(), strict=True):
        for name, values in rows.items():
            place.plot(degrees, values, marker="o", markersize=3, label=name)
        place.set(xlabel="degrees from the given view", title=title)
        place.legend(fontsize=7)
    save(figure, path)


def save(figure: pyplot.Figure, path: Path) -> None:
    with written_whole(path) as part:
        figure.savefig(part, format="png", dpi=100)
    pyplot.close(figure)
