"""Where videos come from: which files there are, who is seen in them and doing what, and how such a file is read."""

import csv
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from videogen.data.actors import draw_clip, encode, write_actors
from videogen.data.decode import Reader, StripFile, VideoFile
from videogen.errors import UserError
from videogen.files import written_whole

WEIZMANN_ACTIONS = ("bend", "jack", "jump", "pjump", "run", "side", "skip", "walk", "wave1", "wave2")
_WEIZMANN_NAME = rf"([^_]+)_({'|'.join(WEIZMANN_ACTIONS)})(\d*)"

Skipped = list[tuple[str, str]]  # (path, reason)


@dataclass(frozen=True)
class Turn:
    """An action that goes round and round: frames start..stop-1 are a full circle, shown in `direction` +1 or -1."""

    action: str
    start: int
    stop: int
    direction: int


@dataclass(frozen=True)
class Video:
    """One file with its labels. `path` is how it is called everywhere; `file` is where its bytes are.

    A video plays forward and ends, unless it has `turns`: then those are what it shows, `action` is empty, and `split`
    must be given. `split` is train or test where a whole video belongs to one; otherwise it is split in time.
    """

    path: str
    file: Path
    identity: str
    action: str
    turns: tuple[Turn, ...] = ()
    split: str | None = None

    @property
    def actions(self) -> list[str]:
        return [turn.action for turn in self.turns] or [self.action]


@runtime_checkable
class Source(Protocol):
    """What `Clips` asks of a data set."""

    root: Path
    reader: Reader
    notes: Sequence[tuple[str, str]]  # after `videos`: (path, what is not quite as one would expect)

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        """All videos, sorted by path, and what was passed over. May unpack archives into `unpack_to`, never into root."""


@runtime_checkable
class Drawn(Protocol):
    """A source whose clips were never filmed: it can draw what a model is asked for, too."""

    def redrawn(self, path: str, by: str | None = None) -> UInt8[np.ndarray, "t h w 3"]:
        """What the file `path` would show if `by` did the same; without `by`, another performance by the same person, which
        is not among the files. As long as the file, and through the same codec."""


class Weizmann:
    """`<root>/<person>_<action>[n].avi`, or the original site's zip files (`bend.zip`, ...) that hold them."""

    reader: Reader = VideoFile()
    notes: Sequence[tuple[str, str]] = ()

    def __init__(self, root: str):
        self.root = Path(root)

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        files = visible_files(self.root)
        found = {file.name: file for file in files if file.suffix.lower() == ".avi"}
        skipped: Skipped = []
        for archive in (file for file in files if file.suffix.lower() == ".zip"):
            try:
                unpacked = unpack_avis(archive, unpack_to)
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: a password
                skipped.append((archive.name, f"not a readable zip file ({error}); download it again"))
            else:
                found = {file.name: file for file in unpacked} | found
        videos = []
        for name, file in sorted(found.items()):
            if labels := weizmann_labels(file.stem):
                videos.append(Video(name, file, *labels))
            else:
                skipped.append((name, "not named <person>_<action>.avi with one of the ten actions"))
        return videos, skipped


class Actors(Weizmann):
    """Drawn stick people in Weizmann's layout; the files are drawn at the first use."""

    def __init__(self, root: str, performances: int = 3, frames: int = 60, seed: int = 0):
        super().__init__(root)
        self.performances, self.frames, self.seed = performances, frames, seed

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        write_actors(self.root, performances=self.performances, frames=self.frames, seed=self.seed)
        return super().videos(unpack_to)

    def redrawn(self, path: str, by: str | None = None) -> UInt8[np.ndarray, "t h w 3"]:
        match = re.fullmatch(_WEIZMANN_NAME, Path(path).stem.lower())
        assert match, path
        number = int(match[3] or 1) - 1 + (0 if by else self.performances)
        pictures = draw_clip(match[1], match[2], number, self.frames, self.seed, by)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "redrawn.avi"
            encode(file, pictures)
            return self.reader.span(file, 0, len(pictures), seekable=True)


class Strips:
    """MoCoGAN's layout, `<root>/<class>/<number>.(png|jpg)`: one wide or tall picture per clip, square frames in a row.

    `actions` names the class folders (others keep their own name); the person is the clip's number // `per_person`.
    """

    reader: Reader = StripFile()
    notes: Sequence[tuple[str, str]] = ()

    def __init__(self, root: str, actions: Mapping[str | int, str] | None = None, per_person: int = 8):
        self.root = Path(root)
        self.actions = {str(folder): action for folder, action in (actions or {}).items()}
        self.per_person = per_person

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        videos, skipped = [], []
        for file in visible_files(self.root):
            path = file.relative_to(self.root).as_posix()
            if file.suffix.lower() not in (".png", ".jpg", ".jpeg"):
                continue
            if len(Path(path).parts) != 2 or not file.stem.isdecimal():
                skipped.append((path, "not in the layout <class>/<number>.png"))
                continue
            folder = file.parent.name
            identity = f"person_{int(file.stem) // self.per_person}"
            videos.append(Video(path, file, identity, self.actions.get(folder, folder)))
        return videos, skipped


class Folder:
    """`<root>/<identity>/<action>/*` with any container that decord reads, or a CSV with columns path, identity, action.

    Paths in the CSV are relative to it; `root` is then the CSV's folder.
    """

    reader: Reader = VideoFile()
    notes: Sequence[tuple[str, str]] = ()

    def __init__(self, root: str | None = None, csv: str | None = None):
        if root is None and csv is None:
            raise UserError("a folder of videos needs a place: set data.root=<folder> or data.csv=<file.csv>")
        self.csv = Path(csv) if csv else None
        self.root = self.csv.parent if self.csv else Path(str(root))

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        return self._listed(self.csv) if self.csv else self._found()

    def _found(self) -> tuple[list[Video], Skipped]:
        videos, skipped = [], []
        for file in visible_files(self.root):
            path = file.relative_to(self.root)
            if len(path.parts) == 3:
                videos.append(Video(path.as_posix(), file, path.parts[0], path.parts[1]))
            else:
                skipped.append((path.as_posix(), "not in the layout <identity>/<action>/<video>"))
        return videos, skipped

    def _listed(self, table: Path) -> tuple[list[Video], Skipped]:
        try:
            with table.open(newline="", encoding="utf-8-sig") as opened:
                rows = list(csv.DictReader(opened))
        except OSError as error:
            raise UserError(f"{table}: {error.strerror}; set data.csv to a table of your videos") from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(f"{table}: not a CSV file in UTF-8 ({error})") from error
        videos, skipped = {}, []
        for row in rows:
            path, identity, action = (row.get(column) for column in ("path", "identity", "action"))
            if not (path and identity and action):
                raise UserError(f"{table}: every row needs path, identity and action, but one is {row}")
            file = table.parent / path
            if path in videos:
                skipped.append((path, "named twice in the CSV; its first row counts"))
            elif file.is_file():
                videos[path] = Video(path, file, identity, action)
            else:
                skipped.append((path, "no such file"))
        return sorted(videos.values(), key=lambda video: video.path), skipped


def weizmann_labels(stem: str) -> tuple[str, str] | None:
    """(person, action) of `lena_run2`. A trailing digit is the performance, but wave1 and wave2 are actions."""
    match = re.fullmatch(_WEIZMANN_NAME, stem.lower())
    return (match[1], match[2]) if match else None


def unpack_avis(archive: Path, unpack_to: Path) -> list[Path]:
    """Every AVI of a zip file, unpacked once under its bare name: no entry can leave the folder."""
    files = []
    with zipfile.ZipFile(archive) as bundle:
        for entry in bundle.infolist():
            name = Path(entry.filename.replace("\\", "/")).name
            if entry.is_dir() or name.startswith(".") or not name.lower().endswith(".avi"):
                continue
            target = unpack_to / name
            if not target.is_file() or target.stat().st_size != entry.file_size:
                with written_whole(target) as part:
                    part.write_bytes(bundle.read(entry))  # checks the CRC
            files.append(target)
    return files


def visible_files(root: Path) -> list[Path]:
    """All files below `root` whose path has no hidden part, sorted."""
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; set data.root to the folder that holds the videos")
    paths = (path for path in sorted(root.rglob("*")) if path.is_file())
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(root).parts)]
