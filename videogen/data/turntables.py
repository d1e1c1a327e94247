"""Objects that turn: pictures from all around, in the layout of the rendered chairs or in a folder of one's own.

Each object is one video, its pictures by elevation and rising angle. Each elevation is a circle and gives two actions:
`plus_020` shows the pictures by rising angle, `minus_020` by falling angle. What turns at test time has never trained,
so all objects are one identity, and a model learns from the given frame which one to turn.
"""

import itertools
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from videogen.data.cad_chairs import write_chairs
from videogen.data.chair_layout import AZIMUTHS, ELEVATIONS, NAMES_FILE, SUBSET_FILE, VIEW_NAME
from videogen.data.pictures import ENDINGS, View, Views
from videogen.data.sources import Skipped, Turn, Video
from videogen.errors import UserError
from videogen.noise import seed_of


def turns_of(views: Sequence[View]) -> tuple[Turn, ...]:
    """Both directions of every circle among views that are in order."""
    turns: list[Turn] = []
    start = 0
    for elevation, circle in itertools.groupby(views, key=lambda view: view.elevation):
        stop = start + len(list(circle))
        for way, direction in (("plus", 1), ("minus", -1)):
            turns.append(Turn(f"{way}_{elevation}" if elevation else way, start, stop, direction))
        start = stop
    return tuple(turns)


class Chairs:
    """The rendered chairs of Aubry et al., "Seeing 3D chairs" (CVPR 2014), as their archive unpacks.

    `<root>/<id>/renders/image_###_p###_t###_r096.png` with 31 azimuths (t) at elevations (p) 020 and 030, and
    `all_chair_names.mat` with the ids in order. The first `train` ids of `subset` train, the others test, as in the Deep
    Rotator (Yang et al. 2015), whose `reduced_set1.mat` chooses 809 of 1,393 and trains on 500. `subset` null takes this
    file if it lies in `root`, and all chairs otherwise. `plus` is by rising azimuth.
    """

    def __init__(self, root: str, subset: str | None = None, train: int = 500, invert: bool = True):
        if train < 1:
            raise UserError(f"data.train is {train}: at least one chair has to train")
        self.root, self.subset, self.train = Path(root), subset, train
        self.reader = Views(VIEW_NAME, invert)
        self.notes: list[tuple[str, str]] = []

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        """Raises UserError for a missing folder and for .mat files that cannot be used."""
        folders = object_folders(self.root, "rendered_chairs")
        with_renders = {name for name in folders if (self.root / name / "renders").is_dir()}
        skipped: Skipped = [(name, "no folder renders in it") for name in folders if name not in with_renders]
        named = self._named() or sorted(with_renders)
        chosen = self._chosen(named)
        skipped += [(name, f"not named in {NAMES_FILE}") for name in sorted(with_renders.difference(named))]
        videos = []
        for number, name in enumerate(chosen):
            if name not in with_renders:
                if name not in folders:
                    skipped.append((name, f"named in {self.subset or NAMES_FILE}, but there is no such folder"))
                continue
            folder = self.root / name / "renders"
            views = self.reader.views(folder)
            if reason := incomplete(views):
                skipped.append((name, reason))
            else:
                split = "train" if number < self.train else "test"
                videos.append(Video(name, folder, "chair", "", turns_of(views), split))
        if len(chosen) <= self.train:
            self.notes.append(("data.train", f"{self.train} chairs are to train and there are {len(chosen)}: none tests"))
        return sorted(videos, key=lambda video: video.path), skipped

    def _named(self) -> list[str]:
        """The ids in order; none where the archive's list is not there."""
        file = self.root / NAMES_FILE
        if not file.is_file():
            self.notes = [(NAMES_FILE, "not there: the chairs are taken in the order of their names")]
            return []
        self.notes = []
        names = words(read_mat(file).get("folder_names"))
        if not names:
            raise UserError(f"{file}: has no folder_names; take it from the archive again, or remove it")
        return list(dict.fromkeys(names))

    def _chosen(self, named: list[str]) -> list[str]:
        file = self.root / (self.subset or SUBSET_FILE)
        if not file.is_file():
            if self.subset:
                raise UserError(f"{file}: no such file; set data.subset to a .mat file in data.root, or to null")
            self.notes.append(
                (SUBSET_FILE, f"not there: all {len(named)} chairs are in use, {self.train} of them to train")
            )
            return named
        variables = read_mat(file)
        for value in [variables.pop("selected", None), *variables.values()]:  # the Deep Rotator's file calls it selected
            if (ids := chosen_ids(value, named)) is not None:
                return ids
        raise UserError(f"{file}: neither ids, numbers from 1 to {len(named)} nor a mask of this length in it")


class CadChairs(Chairs):
    """Chairs that a program designs and draws, in the layout of the rendered ones; drawn at the first use."""

    def __init__(self, root: str, chairs: int = 400, train: int = 320, size: int = 128, seed: int = 0, invert: bool = True):
        super().__init__(root, train=train, invert=invert)
        self.chairs, self.size, self.seed = chairs, size, seed

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        write_chairs(self.root, self.chairs, self.size, self.seed)
        return super().videos(unpack_to)


class Turntable:
    """Pictures of your own: `<root>/<object>/<angle>.png` (or .jpg, ...), at any steps around a full circle.

    `pattern` is a regular expression for other file names, with the groups `angle` and perhaps `elevation`. Every object
    is a circle of its own; where their numbers of pictures differ, they turn at different speeds, and that is noted.
    `train_share` of the objects train, chosen by a hash of their names; below 1, one at least tests.
    """

    def __init__(
        self,
        root: str | None,
        pattern: str = r"(?P<angle>-?\d+(\.\d+)?)\.\w+",
        train_share: float = 0.8,
        invert: bool = True,
    ):
        if root is None:
            raise UserError("a turntable needs a place: set data.root to the folder that holds a folder for each object")
        if not 0 < train_share <= 1:
            raise UserError(f"data.train_share is {train_share}: it must lie above 0 and be at most 1")
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise UserError(f"data.pattern is {pattern!r}: not a regular expression ({error})") from error
        if "angle" not in groups:
            raise UserError(f"data.pattern is {pattern!r}: it needs a group (?P<angle>...)")
        self.root, self.train_share = Path(root), train_share
        self.reader = Views(pattern, invert)
        self.notes: list[tuple[str, str]] = []

    def videos(self, unpack_to: Path) -> tuple[list[Video], Skipped]:
        """Raises UserError for a missing folder, and for a pattern whose groups are no numbers."""
        names = object_folders(self.root, "the folder that holds a folder of pictures for each object")
        loose = [path.name for path in sorted(self.root.iterdir()) if path.suffix.lower() in ENDINGS]
        skipped: Skipped = [(name, "not in the folder of an object") for name in loose]
        found: dict[str, list[View]] = {}
        for name in names:
            views = self._views(name)
            taken = {view.name for view in views}
            for other in sorted(path.name for path in (self.root / name).iterdir()):
                if Path(other).suffix.lower() in ENDINGS and other not in taken and not other.startswith("."):
                    skipped.append((f"{name}/{other}", "its name is not of data.pattern"))
            if reason := too_few(views):
                skipped.append((name, reason))
            else:
                found[name] = views
        by_hash = sorted(found, key=lambda name: seed_of("test", name))
        most = len(found) - (self.train_share < 1)
        train = set(by_hash[: max(1, min(most, round(self.train_share * len(found))))])
        turns = {name: turns_of(views) for name, views in found.items()}
        self._compare(turns)
        return [
            Video(name, self.root / name, "object", "", turns[name], "train" if name in train else "test") for name in found
        ], skipped

    def _views(self, name: str) -> list[View]:
        try:
            return self.reader.views(self.root / name)
        except ValueError as error:
            raise UserError(
                f"data.pattern finds no number in a name in {self.root / name} ({error}); correct it"
            ) from error

    def _compare(self, turns: dict[str, tuple[Turn, ...]]) -> None:
        """Note the objects that turn faster or slower than most."""
        steps = {name: {turn.stop - turn.start for turn in circles} for name, circles in turns.items()}
        counts = Counter(count for found in steps.values() for count in found)
        usual = counts.most_common(1)[0][0] if counts else 0
        self.notes = [
            (name, f"{', '.join(map(str, sorted(found)))} pictures to a circle where most have {usual}")
            for name, found in steps.items()
            if found != {usual}
        ]


def object_folders(root: Path, what: str) -> list[str]:
    """The names of the folders in `root`, sorted."""
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; set data.root to {what}")
    return sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def incomplete(views: Sequence[View]) -> str:
    """What is missing or too much among the 62 views of a chair; empty where nothing is."""
    counts = Counter((view.elevation, view.angle) for view in views)
    wanted = [(elevation, azimuth) for elevation in ELEVATIONS for azimuth in AZIMUTHS]
    for which, count in (("missing", 0), ("there twice", 2)):
        wrong = [f"p{elevation} t{azimuth}" for elevation, azimuth in wanted if counts[elevation, azimuth] == count]
        if wrong:
            more = ", ..." if len(wrong) > 6 else ""
            return f"{len(wrong)} of its {len(wanted)} views {which}: {', '.join(wrong[:6])}{more}"
    return f"{len(views)} views, not {len(wanted)}" if len(views) != len(wanted) else ""


def too_few(views: Sequence[View]) -> str:
    """Why these views are no turn; empty where they are one."""
    counts = Counter((view.elevation, float(view.angle) % 360) for view in views)
    if doubled := [angle for (_, angle), count in counts.items() if count > 1]:
        return f"two pictures of angle {doubled[0]:g}"
    for elevation, circle in itertools.groupby(views, key=lambda view: view.elevation):
        if (count := len(list(circle))) < 3:
            return f"{count} views{' at elevation ' * bool(elevation)}{elevation}, but a turn needs 3"
    return "" if views else "no pictures whose names are of data.pattern"


def read_mat(file: Path) -> dict[str, Any]:
    """The variables of a MATLAB file. Nothing in it is executed."""
    try:
        return {name: value for name, value in loadmat(str(file)).items() if not name.startswith("__")}
    except NotImplementedError as error:
        raise UserError(f"{file}: in MATLAB's format 7.3, which is not read; save it with -v7") from error
    except (MatReadError, OSError, ValueError, TypeError, LookupError, MemoryError, zlib.error) as error:
        raise UserError(f"{file}: not a readable MATLAB file ({error}); take it from the archive again") from error


def words(value: Any) -> list[str]:
    """The strings of a cell array, or of a matrix of characters; none where it holds anything else."""
    cells = [cell.ravel() if isinstance(cell, np.ndarray) else [cell] for cell in np.ravel(value)]
    if any(len(cell) != 1 or not isinstance(cell[0], str) for cell in cells):
        return []
    return [str(cell[0]).strip() for cell in cells]


def chosen_ids(value: Any, named: list[str]) -> list[str] | None:
    """The ids that a variable of a subset's file chooses: by name, by number from 1, or as a mask. None: no choice."""
    if names := words(value):
        ids = [name for name in named if name in set(names)]
        return [*ids, *(name for name in dict.fromkeys(names) if name not in set(named))] if ids else None
    array = np.ravel(value)
    if not len(array) or array.dtype.kind not in "biuf" or not np.array_equal(array, np.round(array)):
        return None
    if len(array) == len(named) and set(array.tolist()) <= {0, 1}:
        return [name for name, chosen in zip(named, array, strict=True) if chosen]
    if array.min() < 1 or array.max() > len(named) or len(np.unique(array)) < len(array):
        return None
    return [named[int(number) - 1] for number in array]
