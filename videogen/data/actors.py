"""The embedded data set: nine drawn people do the ten Weizmann actions, so that everything runs without a download.

A clip is a pure function of the person, the action, the performance and a seed. The skeletons move in
`actors_motion.py`, get body and clothes in `actors_figure.py`, and here a name and a room. They become AVI files in
Weizmann's layout.
"""

import multiprocessing
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageFilter
from tqdm import tqdm

from videogen.data import actors_motion as motion
from videogen.data.actors_figure import Figure, Person
from videogen.data.manifest import drawn_with, tell
from videogen.errors import UserError
from videogen.noise import seed_of

WIDTH, HEIGHT, FPS = 180, 144, 25
DRAWING = 1  # counted up whenever the same arguments would give other pictures
MANIFEST = "actors.json"

_HORIZON, _GROUND = 108, 131  # wall meets floor; where people stand
_SQUARE = HEIGHT / 2 - 1  # travellers stay in the middle square, so that a central crop cuts nobody
_CROSSING, _USUAL = 70.0, 60  # frames from one side to the other; the frames of a clip as a rule

# fmt: off
PEOPLE = {
    "ada": Person((240, 200, 170), (92, 52, 30), (214, 62, 58), (44, 58, 104), (240, 240, 238), (196, 214, 198),
                  (168, 144, 116), "stripes", 95, 0.92, 1.0, "bun", ("arms",)),
    "ben": Person((120, 78, 54), (28, 22, 22), (246, 196, 60), (70, 74, 82), (236, 92, 52), (150, 186, 212),
                  (120, 124, 132), "bricks", 104, 1.12, 0.96, "short", ("arms", "shins")),
    "cleo": Person((206, 152, 112), (30, 24, 30), (40, 150, 140), (236, 226, 206), (120, 60, 50), (240, 208, 178),
                   (150, 108, 84), "dots", 92, 0.90, 1.06, "long"),
    "dan": Person((246, 212, 188), (226, 178, 92), (60, 108, 200), (150, 112, 72), (56, 46, 44), (222, 224, 226),
                  (132, 152, 118), "panels", 103, 0.90, 0.98, "short"),
    "eve": Person((250, 216, 196), (200, 84, 40), (110, 62, 150), (110, 62, 150), (44, 38, 48), (238, 226, 168),
                  (176, 150, 120), "diamonds", 97, 0.88, 1.0, "long", ("arms", "shins"), skirt=True),
    "finn": Person((232, 186, 152), (150, 92, 50), (240, 240, 236), (34, 120, 76), (30, 30, 36), (222, 168, 160),
                   (110, 92, 100), "planks", 90, 1.22, 1.08, "short", ("shins",)),
    "gia": Person((140, 92, 64), (40, 26, 22), (242, 120, 160), (52, 48, 60), (250, 210, 80), (168, 160, 206),
                  (206, 190, 172), "waves", 96, 1.0, 1.0, "curls", ("arms",)),
    "hugo": Person((236, 190, 160), (120, 116, 114), (58, 64, 62), (196, 70, 40), (230, 226, 220), (176, 204, 140),
                   (140, 120, 96), "tiles", 101, 1.30, 1.0, "bald", ("arms",), beard=True),
    "iris": Person((226, 180, 130), (22, 24, 40), (246, 138, 40), (110, 170, 216), (250, 250, 250), (104, 120, 140),
                   (176, 176, 168), "plain", 94, 0.96, 1.05, "bob"),
}
# fmt: on
IDENTITIES: tuple[str, ...] = tuple(PEOPLE)
ACTIONS: tuple[str, ...] = tuple(motion.ACTIONS)


def draw_clip(
    identity: str, action: str, performance: int = 0, frames: int = _USUAL, seed: int = 0, by: str | None = None
) -> UInt8[np.ndarray, "t 144 180 3"]:
    """One clip at 25 frames a second; the same arguments give the same pixels.

    With `by`, this performance of `identity` by somebody else: as fast, on the same way and in the same light, with a body,
    clothes and a room that are `by`'s.
    """
    by = by or identity
    for name in (identity, by):
        _known("identity", name, IDENTITIES)
    _known("action", action, ACTIONS)
    person, what = PEOPLE[by], motion.ACTIONS[action]
    rng = np.random.default_rng(seed_of("actors", seed, identity, action, performance))
    tempo, gain, zoom = rng.uniform(0.9, 1.1), rng.uniform(0.94, 1.05), rng.uniform(0.98, 1.02)
    light, pace, begun, turn, at = rng.uniform((0.96, 0.85, 0, -8, -1), (1.04, 1.0, 1, 8, 1))
    rightward = (performance + seed_of("way", seed, identity, action)) % 2 == 0  # a person's performances take turns
    phase = rng.uniform() + np.arange(frames) * tempo / what.period

    pose = motion.perform(what, phase, gain, 1.2, rng)
    joints = motion.skeleton(pose, 0.088 * person.girth**0.6, 0.045 * person.girth**0.6)
    where, facing = np.full(frames, 0.0), np.ones(frames)
    if what.travels:
        spare = 1 - _USUAL * pace / _CROSSING  # what is left of the way, shared out between its two ends
        where, facing = motion.path(frames, _CROSSING / pace, (0.15 + 0.7 * begun) * spare)
        if not rightward:
            where, facing = -where, -facing
            joints = joints if what.profile else motion.mirrored(joints)
    yaw = np.radians(78 * facing if what.profile else np.full(frames, turn))
    figure = Figure(person, joints, yaw, person.tall * zoom, light)

    left, right = figure.extent()
    if what.travels:
        stride = 2 * (pace / _CROSSING) * (what.period / tempo)  # a cycle's share of the way, which is from -1 to 1
        way = where + facing * stride * pose["surge"]
        x = (_SQUARE - max(right, -left)) * way / max(1.0, np.abs(way).max())
    else:  # the feet stay where they are, however the hips move
        x = 4 * at - figure.feet()
    figure.move(x + WIDTH / 2, _GROUND + rng.uniform(-1.5, 1.5))
    return figure.draw(_room(by, light))


def _known(kind: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise UserError(f"the actors have no {kind} '{name}': choose from {', '.join(names)}")


@lru_cache(maxsize=16)
def _wall_and_floor(identity: str) -> Float[np.ndarray, "144 180 3"]:
    """A person's own room under even light."""
    who = PEOPLE[identity]
    rng = np.random.default_rng(seed_of("room", identity))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    edge = {
        "plain": 0 * x,
        "stripes": np.sin(2 * np.pi * x / 22),
        "bricks": -2.0 * ((y % 14 < 1.5) | ((x + 14 * (y // 14 % 2)) % 28 < 1.5)),
        "dots": 2.0 * ((((x + 9 * (y // 18 % 2)) % 18 - 9) ** 2 + (y % 18 - 9) ** 2) < 9),
        "panels": -2.0 * ((x % 36 < 2) | (np.abs(y - 64) < 1.2)),
        "diamonds": np.sin(2 * np.pi * (x + y) / 26) * np.sin(2 * np.pi * (x - y) / 26),
        "planks": -1.8 * (y % 18 < 1.5) + 0.5 * np.sin(y // 18 * 2.4),
        "waves": np.sin(2 * np.pi * (y + 3 * np.sin(2 * np.pi * x / 36)) / 18),
        "tiles": 1.3 * np.where((x // 20 + y // 20) % 2 == 0, 1, -1) * 0.5 - 1.5 * ((x % 20 < 1) | (y % 20 < 1)),
    }[who.pattern]
    blots = Image.fromarray(rng.normal(128, 60, (9, 12)).clip(0, 255).astype(np.uint8))
    clouds = np.asarray(blots.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    wall = 1.04 + 0.026 * edge + 0.012 * (clouds / 128.0 - 1) - 0.10 * (x / WIDTH) + 0.05 * (1 - y / _HORIZON)
    depth = (y - _HORIZON + 14) / (HEIGHT - _HORIZON)
    lines = np.abs(((x - WIDTH / 2) / np.maximum(depth, 0.1) / 34) % 1 - 0.5) > 0.475
    floor = 0.88 + 0.16 * depth - 0.05 * lines + 0.015 * (clouds / 128.0 - 1)
    picture = np.where((y < _HORIZON)[..., None], wall[..., None] * who.wall, floor[..., None] * who.floor)
    skirting = ((y >= _HORIZON - 5) & (y < _HORIZON))[..., None]
    picture = np.where(skirting, 0.5 * picture + 0.5 * 236, picture)
    picture[_HORIZON] *= 0.72
    return picture


def _room(identity: str, light: float) -> Image.Image:
    """The background of a clip under its light."""
    picture = (light * _wall_and_floor(identity)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(picture).filter(ImageFilter.GaussianBlur(0.6))


def write_actors(
    root: Path,
    performances: int = 3,
    frames: int = _USUAL,
    seed: int = 0,
    workers: int = 2,
    identities: Sequence[str] = IDENTITIES,
    actions: Sequence[str] = ACTIONS,
) -> list[Path]:
    """Draw the data set into `root` as `<person>_<action>.avi`, `<person>_<action>2.avi` and so on.

    A file is there in full or not at all, and one that is there already is kept, so an interrupted call resumes. With
    other settings than the folder's `actors.json` tells, its clips are thrown away and drawn again.
    """
    for name in identities:
        _known("identity", name, IDENTITIES)
    for name in actions:
        _known("action", name, ACTIONS)
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    _settle(root, {"drawing": DRAWING, "performances": performances, "frames": frames, "seed": seed})
    clips = [(who, what, number) for who in identities for what in actions for number in range(performances)]
    paths = [root / _file(*clip) for clip in clips]
    todo = [(path, *clip, frames, seed) for path, clip in zip(paths, clips, strict=True) if not path.exists()]
    bar = {"total": len(todo), "desc": "drawing the actors", "unit": "clip", "delay": 2.0}
    if workers > 1 and len(todo) > 1:
        with multiprocessing.get_context("spawn").Pool(min(workers, len(todo))) as pool:
            for _ in tqdm(pool.imap_unordered(_write, todo), **bar):
                pass
    else:
        for task in tqdm(todo, **bar):
            _write(task)
    return paths


def _file(identity: str, action: str, performance: int) -> str:
    return f"{identity}_{action}{performance + 1 if performance else ''}.avi"


def _settle(root: Path, settings: dict[str, int]) -> None:
    """Make the folder's manifest tell `settings`, and throw away the clips that were drawn with others."""
    manifest = root / MANIFEST
    before = drawn_with(manifest)
    if before == settings:
        return
    for number in range(max(before.get("performances", 0), settings["performances"])):
        for path in (root / _file(who, what, number) for who in IDENTITIES for what in ACTIONS):
            path.unlink(missing_ok=True)
    tell(manifest, settings)


def _write(task: tuple[Path, str, str, int, int, int]) -> None:
    """Draw one clip into its file."""
    path, who, what, performance, frames, seed = task
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    encode(part, draw_clip(who, what, performance, frames, seed))
    part.replace(path)


def encode(path: Path, pictures: UInt8[np.ndarray, "t h w 3"]) -> None:
    """Write them as an AVI file; every frame is coded from earlier ones only, so any reader's seeking is exact."""
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:3], "yuv420p"
        stream.options = {"qmin": "2", "qmax": "3", "bf": "0", "g": "12"}
        stream.bit_rate = 4_000_000
        stream.thread_count = 3  # by itself it takes one more than there are cores, and codes as many slices: other pixels
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
