"""A paper's table as a list of entries: runs, or real clips, scored once for each seed; every score is kept in a file."""

import copy
import hashlib
import json
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from torch import Tensor

from videogen import tamper
from videogen.errors import UserError
from videogen.evaluation.judging import Labelled, Panel
from videogen.evaluation.report import COLUMNS, Row, markdown_table
from videogen.evaluation.table import ALL, Bench, asked_for, goes_on, pairs_of
from videogen.files import written_whole
from videogen.runs import TrainedModel, load_model, snapshots

REAL = ("bound", *tamper.KNOWN)
CHOOSING = 100  # the seed of the samples by which the best snapshot is chosen: none that is reported


@dataclass(frozen=True)
class Entry:
    """One row. Real clips (`real`: bound, or a way to tamper with them), or a run.

    experiment    what trains it, with `overrides`, into the folder `run`, for `minutes` at most
    start_from    the run whose weights it begins with
    stages        a curriculum: what trains first (experiment, run, minutes, overrides of each); every one of them, and the
                  row's own run, begins with the weights of the one before
    begins_with   codes (open circle) or first_frame (filled circle)
    published     column -> the paper's number
    """

    name: str
    real: str | None = None
    experiment: str | None = None
    run: str | None = None
    minutes: float | None = None
    overrides: Sequence[str] = ()
    start_from: str | None = None
    stages: Sequence[Mapping[str, Any]] = ()
    begins_with: str = "codes"
    published: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.real is not None and self.real not in REAL:
            raise UserError(f"row {self.name}: real={self.real} is none of {', '.join(REAL)}")
        if (self.real is None) == (self.experiment is None) or (self.experiment is None) != (self.run is None):
            raise UserError(f"row {self.name}: give it either `real`, or an `experiment` and its `run` folder")

    @property
    def folder(self) -> Path:
        assert self.run is not None
        return Path(self.run)

    def command(self, data: str, root: str | None) -> list[str]:
        """What tools/train.py is called with."""
        words = [f"experiment={self.experiment}", f"run={self.run}", f"data={data}"]
        words += [] if root is None else [f"data.root={root}"]
        words += [] if self.minutes is None else [f"training.settings.max_minutes={self.minutes}"]
        begun = self.stages[-1]["run"] if self.stages else self.start_from
        words += [] if begun is None else [f"start_from={begun}"]
        return [*words, *self.overrides]

    def earlier(self) -> list["Entry"]:
        """The stages, in the order in which they are trained."""
        runs = [None, *(stage["run"] for stage in self.stages)]
        stages = zip(self.stages, runs, strict=False)
        return [Entry(**stage, name=f"{self.name}, {stage['experiment']}", start_from=run) for stage, run in stages]

    def had_before(self) -> tuple[int, float, float]:
        """(updates, seconds, frames) of all its stages."""
        runs = [load_model(stage.folder) for stage in self.earlier()]
        frames = sum(frames_seen(run.step, run.config) for run in runs)
        return sum(run.step for run in runs), sum(run.seconds for run in runs), frames

    def is_trained(self) -> bool:
        """As many steps, or as many minutes, as it is to have.

        Raises UserError for a run that was trained by other settings than the row asks for: its numbers are another row's.
        """
        if not (self.folder / "model.safetensors").is_file():
            return False
        run = load_model(self.folder)
        words = OverridesParser.create().parse_overrides(list(self.overrides))
        wanted = {word.key_or_group: word.value() for word in words}  # of two for one key, the last counts
        for key, asked in wanted.items():
            had = OmegaConf.select(OmegaConf.create(run.config), key)
            if had != asked:
                raise UserError(
                    f"{self.folder} was trained with {key}={had}, the row {self.name} asks for {asked}: move the folder "
                    "away, and it is trained anew"
                )
        return run.step >= run.config["training"]["settings"]["steps"] or run.seconds >= 60 * (self.minutes or math.inf)

    def snapshots(self) -> list[Path]:
        """What was kept of the training, in order; at least its end."""
        return snapshots(self.folder) or [self.folder / "model.safetensors"]


@dataclass
class Scores:
    """Fills the cells of a table. A cell is one entry (one snapshot of it) under one seed; it is computed once.

    Its file is named after everything that it depends on: the weights of the model and of the judges, the numbers of
    samples and clips, the seed. A crash loses none; another judge or another training makes others.
    """

    panel: Panel
    clips: Any
    samples: int
    per_clip: int
    device: str
    real_cells: Path  # where the cells of real clips are kept; those of a run are kept beside it

    def __post_init__(self) -> None:
        self.bench = cache(self._bench)
        self.same: Bench | None = None  # for every seed
        self.judges = {name: judge.digest for name, judge in self.panel.members().items()}

    def _bench(self, seed: int) -> Bench:
        """Unless clips are mirrored at random, their windows are the same under every seed, and read once."""
        if self.same is None or self.clips.mirror:
            self.same = Bench(self.panel, self.clips, self.per_clip, seed)
        bench = copy.copy(self.same)
        bench.seed = seed
        return bench

    def of_real(self, kind: str, seed: int) -> Row:
        def score() -> Row:
            bench = self.bench(seed)
            if kind == "bound":
                return bench.bound_row()
            return bench.row(kind, bench.real.tampered(tamper.KNOWN[kind], seed))

        return cell(self.real_cells, {"real": kind, **self.settings(seed)}, score)

    def of_run(self, file: Path, begins_with: str, seed: int) -> Row:
        """The scores of a snapshot, with `step` and `seconds` of its training."""
        trained = load_model(file)

        def score() -> Row:
            bench, told = self.bench(seed), trained.told if begins_with == "codes" else ALL
            shown = self.shown(trained, bench, begins_with)
            return bench.row(type(trained.model).__name__, shown, told=told)

        known = {"weights": trained.digest, "begins_with": begins_with, **self.settings(seed)}
        return {**cell(cells_of(file), known, score), "step": trained.step, "seconds": trained.seconds}

    def shown(self, trained: TrainedModel, bench: Bench, begins_with: str) -> Labelled:
        trained.generator.to(self.device)

        def sample(codes: Tensor, first_frame: Tensor | None) -> Tensor:
            return trained.sample(codes, self.panel.frames, bench.seed, first_frame, stride=self.panel.stride)

        if begins_with == "codes":
            return asked_for(sample, pairs_of(bench.train), self.samples)
        return goes_on(sample, bench.real)

    def settings(self, seed: int) -> dict[str, Any]:
        return {"judges": self.judges, "samples": self.samples, "per_clip": self.per_clip, "seed": seed}


def cells_of(file: Path) -> Path:
    """Where the cells of a run are, from its export or one of its snapshots."""
    return (file.parent.parent if file.parent.name == "snapshots" else file.parent) / "cells"


def cell(folder: Path, known: Mapping[str, Any], score: Callable[[], Row]) -> Row:
    """The row kept for what is `known`, or `score()`, kept from now on."""
    name = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
    file = folder / f"{name}.json"
    if file.is_file():
        return json.loads(file.read_text(encoding="utf-8"))["row"]
    row = score()
    with written_whole(file) as part:
        part.write_text(json.dumps({"known": known, "row": row}, indent=2) + "\n", encoding="utf-8")
    return row


def curve(entry: Entry, scores: Scores) -> Iterator[tuple[Path, Row]]:
    """The scores of each snapshot, from few samples; `step` and `seconds` count from the first stage on."""
    updates, seconds, _ = entry.had_before()
    for file in entry.snapshots():
        row = scores.of_run(file, entry.begins_with, CHOOSING)
        yield file, {**row, "step": int(row["step"] or 0) + updates, "seconds": float(row["seconds"] or 0) + seconds}


def best(points: Sequence[tuple[Path, Row]], by: str) -> Path:
    """The snapshot with the highest value in the column `by`."""
    return max(points, key=lambda point: float(point[1][by] or 0))[0]


def within(points: Sequence[tuple[Path, Row]], minutes: float) -> Path | None:
    """The last snapshot of the first `minutes` of training, give or take a fiftieth; None if there is none."""
    early = [file for file, row in points if float(row["seconds"] or 0) <= 1.02 * 60 * minutes]
    return early[-1] if early else None


def over_seeds(rows: Sequence[Row]) -> dict[str, tuple[float, float] | None]:
    """Column -> mean and standard deviation over the seeds; None where there is no number."""
    found: dict[str, tuple[float, float] | None] = {}
    for column in COLUMNS:
        if not any(column in row for row in rows):
            continue
        values = [row.get(column) for row in rows]
        numbers = [float(value) for value in values if value is not None]
        complete = len(numbers) == len(values)
        spread = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
        found[column] = (statistics.mean(numbers), spread) if complete else None
    return found


def printed(entry: Entry, rows: Sequence[Row], columns: Sequence[str]) -> dict[str, Any]:
    """A line of the table: the published numbers, and ours with their spread."""
    ours = over_seeds(rows)
    line: dict[str, Any] = {"name": entry.name}
    for column, number in entry.published.items():
        line[f"published {column.replace('_', ' ')}"] = f"{number:.0%}" if column == "of bound" else f"{number:g}"
    for column in columns:
        if (value := ours.get(column)) is not None:
            line[column] = f"{value[0]:.{COLUMNS[column]}f} ± {value[1]:.{COLUMNS[column]}f}"
        else:
            line[column] = None
    return line


def training(entry: Entry, rows: Sequence[Row]) -> dict[str, Any]:
    """What a row's model had seen when it was scored."""
    if entry.real is not None:
        return {}
    step, (updates, seconds, frames) = int(rows[0]["step"] or 0), entry.had_before()
    return {
        "minutes": f"{(float(rows[0]['seconds'] or 0) + seconds) / 60:.0f}",
        "updates": step + updates,
        "frames seen": f"{(frames_seen(step, load_model(entry.folder).config) + frames) / 1e6:.2f} M",
    }


def frames_seen(updates: int, config: Mapping[str, Any]) -> float:
    """How many frames so many updates were made on; an image is one."""
    return updates * config["training"]["batch_size"] * config["data"].get("frames", 1)


def page(
    path: Path, title: str, lines: Mapping[str, Sequence[Row]], facts: Mapping[str, Any], commands: Sequence[str]
) -> None:
    """The tables as a Markdown page, with what they were measured by."""
    parts = [
        f"# {title}",
        "Each model at its best snapshot (chosen by its score on other samples):",
        markdown_table(lines["best"]),
    ]
    if lines["equal"] == lines["best"]:
        parts += [f"All of them took less than {facts['budget']} of training: at equal budget, the table is the same."]
    else:
        parts += [f"At equal budget ({facts['budget']} of training at most):", markdown_table(lines["equal"])]
    parts += ['Mean ± standard deviation over sampling seeds. The columns: README, "How it is scored".']
    parts += ["\n".join(f"- {name}: {fact}" for name, fact in facts.items() if name != "command")]
    parts += ["    " + "\n    ".join([*commands, str(facts["command"])])]
    with written_whole(path) as part:
        part.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
