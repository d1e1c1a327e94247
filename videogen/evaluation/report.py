"""Results to read: rows of measurements as a terminal table, a Markdown table or a JSON file.

A row is a dict: its measurements under the names in `COLUMNS`, and whatever names the row ("name", "data", ...) under
other keys, which become the first columns. A measurement may be missing; one that every row lacks has no column.
"""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from videogen.files import written_whole

Row: TypeAlias = Mapping[str, str | int | float | None]

# Measurement -> digits after the point, in the order of printing.
COLUMNS = {
    "intra_entropy": 3,
    "inter_entropy": 3,
    "i_score": 2,
    "identity_accuracy": 3,
    "action_accuracy": 3,
    "joint_accuracy": 3,
    "identity_apart": 3,
    "action_apart": 3,
    "joint_apart": 3,
    "motion_pass_rate": 3,
    "mcs": 3,
    "acd": 2,
    "frechet": 3,
    "sharpness": 3,
    "variety": 2,
    "novelty": 2,
    "psnr": 2,
    "switch_jump": 2,
    "speed": 2,
    "belief": 3,
    "inception_score": 2,
    "fid": 2,
    "kid": 4,
    "label_accuracy": 3,
    "bits_per_dim": 3,
    "bits_per_dim_weighted": 3,
    "samples": 0,
}


def terminal_table(rows: Sequence[Row]) -> str:
    """Aligned columns, names to the left and numbers to the right; the header breaks at underscores to stay narrow."""
    header, cells, names = _cells(rows)
    lines = list(zip_longest(*(title.split("_") for title in header), fillvalue=""))
    widths = [max(len(text) for text in column) for column in zip(*lines, *cells, strict=True)]

    def aligned(texts: Sequence[str]) -> str:
        pairs = enumerate(zip(texts, widths, strict=True))
        return "  ".join(text.ljust(width) if k < names else text.rjust(width) for k, (text, width) in pairs).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([*map(aligned, lines), rule, *map(aligned, cells)])


def markdown_table(rows: Sequence[Row]) -> str:
    """A Markdown table with the columns' full names."""
    header, cells, names = _cells(rows)
    rule = [":--" if k < names else "--:" for k in range(len(header))]
    escaped = [[text.replace("|", r"\|") for text in line] for line in (header, *cells)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (escaped[0], rule, *escaped[1:]))


def write_json(path: Path, facts: Mapping[str, object], rows: Sequence[Row]) -> None:
    """Write `facts` and, under "rows", the rows, unrounded. NaN and infinity, which JSON lacks, become null."""
    finite = [{key: None if _missing(value) else value for key, value in row.items()} for row in rows]
    with written_whole(path) as part:
        text = json.dumps({**facts, "rows": finite}, indent=2, ensure_ascii=False, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8")


def publish(path: Path, facts: Mapping[str, object], rows: Sequence[Row]) -> None:
    """Write the JSON file, and print the table with the facts below it."""
    write_json(path, facts, rows)
    print(terminal_table(rows))
    for name, fact in facts.items():
        print(f"{name}: {fact}")


def _cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]], int]:
    """The header, the text of every cell, and how many of the first columns name the row."""
    names = list(dict.fromkeys(key for row in rows for key in row if key not in COLUMNS))
    header = [*names, *(column for column in COLUMNS if not rows or any(column in row for row in rows))]
    return header, [[_text(key, row.get(key)) for key in header] for row in rows], len(names)


def _text(key: str, value: str | int | float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.{COLUMNS[key]}f}" if key in COLUMNS and not isinstance(value, str) else str(value)


def _missing(value: str | int | float | None) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))
