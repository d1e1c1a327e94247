"""The table of clips: what is selected, how every video is split in time, which pairs are never trained on."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from videogen.data.cache import Record
from videogen.data.sources import Video
from videogen.errors import UserError
from videogen.files import written_whole
from videogen.noise import seed_of

SPLITS = ("train", "test", "unseen")


@dataclass(frozen=True)
class Clip:
    """One row: frames start..stop-1 of a video. `cached` names its array beside the index, if it has one.

    With `turn` 0 they play forward and end. With +1 or -1 they are a full circle, which goes on and on in this direction.
    """

    path: str
    frames: int
    height: int
    width: int
    fps: float
    identity: str
    action: str
    split: str
    start: int
    stop: int
    cached: str | None
    turn: int = 0


def selected(kind: str, wanted: str | Sequence[str] | None, found: set[str]) -> list[str]:
    """The names in use, in order: the one or those wanted, or all that are found (person_2 before person_10)."""
    in_order = sorted(found, key=lambda name: [int(part) if part.isdecimal() else part for part in pieces(name)])
    if wanted is None:
        return in_order
    wanted = [wanted] if isinstance(wanted, str) else wanted
    check_names(kind, wanted, in_order, f"data.{kind}")
    if len(set(wanted)) < len(wanted) or not wanted:
        raise UserError(f"data.{kind} is {list(wanted)}: name each once, and at least one of {', '.join(in_order)}")
    return list(wanted)


def unseen(pairs: str | Sequence[Sequence[str]], identities: Sequence[str], actions: Sequence[str]) -> set[tuple[str, str]]:
    """(identity, action) pairs kept out of training. `latin`: identity number i lacks action number i mod their number."""
    if pairs == "latin":
        return {(identity, actions[i % len(actions)]) for i, identity in enumerate(identities)}
    if isinstance(pairs, str) or any(isinstance(pair, str) or len(pair) != 2 for pair in pairs):
        raise UserError(f"data.unseen_pairs is {pairs}: give a list of [identity, action], or latin")
    check_names("identities", [pair[0] for pair in pairs], identities, "data.unseen_pairs")
    check_names("actions", [pair[1] for pair in pairs], actions, "data.unseen_pairs")
    return {(pair[0], pair[1]) for pair in pairs}


def split_in_time(frames: int, span: int, train_fraction: float) -> list[tuple[str, int, int]]:
    """(split, start, stop): the first part trains, the rest tests. Either keeps room for one clip of `span` frames.

    A video too short for two goes to training whole.
    """
    if frames < 2 * span:
        return [("train", 0, frames)]
    cut = max(span, min(round(frames * train_fraction), frames - span))
    return [("train", 0, cut), ("test", cut, frames)]


def rows_of(
    video: Video, record: Record, hidden: set[tuple[str, str]], span: int, train_fraction: float, cached: str | None
) -> list[Clip]:
    """The rows that one readable video gives: the parts of its time, or one for each of its turns."""
    parts: list[tuple[str, str, int, int, int]]
    if video.turns:
        assert video.split
        parts = [(turn.action, video.split, turn.start, turn.stop, turn.direction) for turn in video.turns]
    elif video.split:
        parts = [(video.action, video.split, 0, record["frames"], 0)]
    elif (video.identity, video.action) in hidden:
        parts = [(video.action, "unseen", 0, record["frames"], 0)]
    else:
        parts = [(video.action, *part, 0) for part in split_in_time(record["frames"], span, train_fraction)]
    facts = {name: record[name] for name in ("frames", "height", "width", "fps")}
    return [
        Clip(
            path=video.path,
            identity=video.identity,
            action=action,
            cached=cached,
            split="unseen" if (video.identity, action) in hidden else split,
            start=start,
            stop=stop,
            turn=turn,
            **facts,
        )
        for action, split, start, stop, turn in parts
    ]


def labelled(rows: Sequence[Clip], share: float) -> set[int]:
    """The numbers of the rows whose labels training may know: a `share` of them, the same ones whatever the seed.

    A smaller share is part of a larger one. The first few are such that every identity and every action has one, where
    the share allows it.
    """
    order = sorted(range(len(rows)), key=lambda number: seed_of(rows[number].path, "labelled"))
    met: set[str] = set()
    first: list[int] = []
    for news in (2, 1):  # rows with a new identity and a new action go before rows with one of the two
        for number in order:
            names = {"identity " + rows[number].identity, "action " + rows[number].action}
            if len(names - met) >= news:
                first.append(number)
                met |= names
    chosen = [*first, *(number for number in order if number not in set(first))]
    return set(chosen[: math.ceil(share * len(rows))])


def save_index(file: Path, identities: list[str], actions: list[str], rows: list[Clip]) -> None:
    table = {"identities": identities, "actions": actions, "clips": [asdict(row) for row in rows]}
    text = json.dumps(table, indent=1) + "\n"
    if not file.is_file() or file.read_text() != text:  # a full disk stops no run that has nothing new to write
        with written_whole(file) as part:
            part.write_text(text)


def pieces(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


def check_names(kind: str, names: Sequence[str], valid: Sequence[str], key: str) -> None:
    for name in names:
        if name not in valid:
            raise UserError(f"{key} names {name!r}, which is none of the {kind}: {', '.join(valid)}")
