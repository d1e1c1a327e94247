"""The embedded data set: nine drawn people do the ten Weizmann actions, so that everything runs without a download.

A clip is a pure function of the person, the action, the performance and a seed. The skeletons move in
`videogen.data.actors_motion`; here they get a body, clothes and a room, and become AVI files in Weizmann's layout.
"""

import json
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFilter
from tqdm import tqdm

from videogen.data import actors_motion as motion
from videogen.errors import UserError
from videogen.noise import seed_of

WIDTH, HEIGHT, FPS = 180, 144, 25
DRAWING = 1  # counted up whenever the same arguments would give other pictures
MANIFEST = "actors.json"

_SHARP = 4  # supersampling
_HORIZON, _GROUND, _TILT = 108, 131, 0.12  # wall meets floor; where people stand; how far the camera looks down (sine)
_SQUARE = HEIGHT / 2 - 1  # travellers stay in the middle square, so that a central crop cuts nobody
_CROSSING, _USUAL = 70.0, 60  # frames from one side to the other; the frames of a clip as a rule

Colour = tuple[int, int, int]
Circles = Float[np.ndarray, "t n 3"]  # x, y, radius in pixels


@dataclass(frozen=True)
class Person:
    """Looks: the build (`tall` in pixels, `girth` and `head` as factors), the colours, the cut of hair and clothes."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    wall: Colour
    floor: Colour
    pattern: str
    tall: float = 97.0
    girth: float = 1.0
    head: float = 1.0
    cut: str = "short"  # of the hair, one of _CAPS
    bare: tuple[str, ...] = ()  # of "arms", "shins"
    skirt: bool = False
    beard: bool = False


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
    identity: str, action: str, performance: int = 0, frames: int = _USUAL, seed: int = 0
) -> UInt8[np.ndarray, "t 144 180 3"]:
    """One clip at 25 frames a second; the same arguments give the same pixels."""
    _known("identity", identity, IDENTITIES)
    _known("action", action, ACTIONS)
    person, what = PEOPLE[identity], motion.ACTIONS[action]
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
    figure = _Figure(person, joints, yaw, person.tall * zoom, light)

    left, right = figure.extent()
    if what.travels:
        stride = 2 * (pace / _CROSSING) * (what.period / tempo)  # a cycle's share of the way, which is from -1 to 1
        way = where + facing * stride * pose["surge"]
        x = (_SQUARE - max(right, -left)) * way / max(1.0, np.abs(way).max())
    else:  # the feet stay where they are, however the hips move
        x = 4 * at - figure.feet()
    figure.move(x + WIDTH / 2, _GROUND + rng.uniform(-1.5, 1.5))
    return figure.draw(_room(identity, light))


def _known(kind: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise UserError(f"the actors have no {kind} '{name}': choose from {', '.join(names)}")


def _shade(colour: Colour, factor: float) -> Colour:
    """Darker below 1; above 1 it nears white."""
    red, green, blue = (round(c * factor if factor <= 1 else c + (255 - c) * (factor - 1)) for c in colour)
    return red, green, blue


# Balls on the head: ahead, left and up from its middle and a radius, all in radii of the head.
_Ball = tuple[float, float, float, float]
_CAPS: dict[str, list[tuple[_Ball, ...]]] = {
    "short": [((-0.16, 0, 0.18, 1.02),)],
    "long": [((-0.14, 0, 0.16, 1.06),)],
    "bob": [((-0.14, 0, 0.16, 1.08),)],
    "bun": [((-0.62, 0, 1.0, 0.48),), ((-0.16, 0, 0.16, 1.03),)],
    "curls": [(*((-0.25, 0.55 * side, up, 0.78) for side in (-1, 1) for up in (-0.1, 0.5)), (-0.2, 0, 0.72, 0.72))],
    "bald": [((-0.12, 0, -0.02, 0.96),)],
}
_MANES: dict[str, tuple[_Ball, ...]] = {
    "long": ((-0.30, 0, 0.1, 0.95), (-0.62, 0.25, -1.25, 0.5), (-0.62, -0.25, -1.25, 0.5)),
    "bob": ((-0.2, 0, 0.2, 1.05), (-0.25, 0.45, -0.62, 0.62), (-0.25, -0.45, -0.62, 0.62)),
}
_FRINGE: tuple[_Ball, ...] = ((0.50, 0.42, 0.64, 0.32), (0.50, -0.42, 0.64, 0.32), (-0.1, 0, 0.82, 0.34))
_BEARD: tuple[_Ball, ...] = ((0.42, 0.34, -0.52, 0.36), (0.42, -0.34, -0.52, 0.36), (0.5, 0, -0.72, 0.36))
_SMILE: tuple[_Ball, ...] = ((0.84, 0.2, -0.44, 0.05), (0.84, -0.2, -0.44, 0.05), (0.84, 0, -0.54, 0.07))


@dataclass
class _Part:
    """The hull of a few circles in one colour, with a rim of a darker shade if `solid`."""

    circles: Circles
    colour: Colour
    solid: bool = True


@dataclass
class _Group:
    """Parts that merge into one outline; in each frame, groups are drawn in the order of `rank`."""

    rank: motion.Track
    parts: list[_Part]
    far: Bool[np.ndarray, " t"] | None = None  # where the group lies in the body's shade


class _Figure:
    """A person's body over the frames of a clip, as groups of hulls of circles around the joints."""

    def __init__(
        self, person: Person, joints: dict[str, motion.Points], yaw: motion.Track, tall: float, light: float
    ) -> None:
        self.person, self.tall, self.light = person, tall, light
        self.yaw, self.zero = yaw, np.zeros_like(yaw)
        self.at = {name: self._project(at) for name, at in joints.items()}
        feet = [at[:, 2] for name, at in joints.items() if name.endswith(("heel", "toe"))]
        self.lift = np.min(feet, axis=0) - motion.SOLE
        limbs = [self._arm("left"), self._arm("right"), self._leg("left"), self._leg("right")]
        self.groups = [group for part in (*limbs, self._torso(), self._head()) for group in part]

    def _project(self, at: motion.Points) -> motion.Points:
        """To the picture's x and y in pixels (down is positive), and how near it is."""
        ahead, left, up = at.T
        x = left * np.cos(self.yaw) + ahead * np.sin(self.yaw)
        near = ahead * np.cos(self.yaw) - left * np.sin(self.yaw)
        return self.tall * np.stack([x, _TILT * near - up, near], -1)

    def _circle(self, at: Float[np.ndarray, "t 3"], radius: float) -> Float[np.ndarray, "t 3"]:
        return np.column_stack([at[:, :2], np.full(len(at), radius * self.tall)])

    def _blob(self, colour: Colour, *knobs: tuple[motion.Points, float], solid: bool = True) -> _Part:
        return _Part(np.stack([self._circle(at, radius) for at, radius in knobs], 1), colour, solid)

    def _arm(self, side: str) -> list[_Group]:
        who, g, arm = self.person, self.person.girth**0.8, f"{side} arm"
        root, middle, end = (self.at[f"{arm} {joint}"] for joint in ("root", "middle", "end"))
        far = root[:, 2] < -0.05 * self.tall
        bare = "arms" in who.bare
        cuff = root + (0.62 if bare else 1.0) * (middle - root)
        parts = [
            self._blob(who.skin, (end + 0.10 * (end - middle), 0.026)),
            self._blob(who.skin if bare else who.shirt, (middle, 0.027 * g), (end, 0.020 * g)),
            self._blob(who.skin if bare else who.shirt, (root, 0.030 * g), (middle, 0.027 * g)),
            self._blob(who.shirt, (root, 0.037 * g), (cuff, 0.032 * g)),
        ]
        # a rimless patch, so that the sleeve grows out of the shirt
        inward = root + 0.16 * (self.at["neck"] - root) + 0.10 * (self.at["pelvis"] - root)
        seam = self._blob(who.shirt, (root, 0.029 * g), (inward, 0.025 * g), solid=False)
        rank = np.where(far, -3.0, 3.0)
        return [_Group(rank, parts, far), _Group(rank + 0.1, [seam], far)]

    def _leg(self, side: str) -> list[_Group]:
        who, g, leg = self.person, self.person.girth**0.8, f"{side} leg"
        root, middle, end, heel, toe = (self.at[f"{leg} {joint}"] for joint in ("root", "middle", "end", "heel", "toe"))
        far = root[:, 2] < -0.02 * self.tall
        parts = [
            self._blob(who.skin if "shins" in who.bare else who.trousers, (middle, 0.036 * g), (end, 0.025 * g)),
            self._blob(who.shoes, (heel, 0.026), (toe, 0.021), (end, 0.022)),
            self._blob(who.skin if who.skirt else who.trousers, (root, 0.052 * g), (middle, 0.039 * g)),
        ]
        return [_Group(np.where(far, -2.0, -1.0) + 0.001 * np.sign(root[:, 2]), parts, far)]

    def _torso(self) -> list[_Group]:
        who, g, at = self.person, self.person.girth, self.at
        shoulders, hips = ([at[f"{side} {limb} root"] for side in ("left", "right")] for limb in ("arm", "leg"))
        up = at["neck"] - at["pelvis"]
        throat = self._blob(who.skin, (at["neck"] - 0.1 * up, 0.032), (at["neck"] + 0.12 * up, 0.030))
        seat = self._blob(who.trousers, *((hip, 0.046 * g) for hip in hips), (at["pelvis"] + 0.2 * up, 0.05 * g))
        seat.solid = False
        if who.skirt:
            knees = [0.3 * at[f"{side} leg root"] + 0.7 * at[f"{side} leg middle"] for side in ("left", "right")]
            seat = self._blob(who.trousers, *((hip, 0.05 * g) for hip in hips), *((knee, 0.058) for knee in knees))
        hem = [at["pelvis"] + 1.15 * (hip - at["pelvis"]) + 0.13 * up for hip in hips]
        belly = (at["pelvis"] + 0.4 * up, 0.076 * g)
        chest = [(shoulder, 0.040 * g**0.8) for shoulder in shoulders]
        shirt = self._blob(who.shirt, *chest, belly, *((edge, 0.04 * g) for edge in hem))
        return [_Group(self.zero + rank, [part]) for rank, part in ((0.1, throat), (0.0, seat), (0.2, shirt))]

    def _head(self) -> list[_Group]:
        """The head is a ball: hair behind, the face in front, features where they show."""
        who, r = self.person, 0.082 * self.tall * self.person.head
        aside = np.stack([np.cos(self.yaw), -_TILT * np.sin(self.yaw), -np.sin(self.yaw)], -1)
        axes = np.stack([self.at["look"] / self.tall, aside, self.at["crown"] / self.tall])
        middle = self.at["neck"] + (0.030 * self.tall + r) * axes[2]

        def part(colour: Colour, *balls: _Ball, solid: bool = False) -> _Part:
            knobs = [(middle + r * np.tensordot(ball[:3], axes, 1), r / self.tall * ball[3]) for ball in balls]
            return self._blob(colour, *knobs, solid=solid)

        def feature(colour: Colour, *balls: _Ball) -> _Part:
            drawn = part(colour, *balls)
            hidden = np.tensordot(balls[0][:3], axes, 1)[:, 2] < 0.1
            drawn.circles[hidden, :, 2] = 0.0
            return drawn

        skull = ((0.05, 0, 0.10, 0.95) if who.cut == "bald" else (0.10, 0, -0.10, 0.90), (0.24, 0, -0.36, 0.62))
        face = [part(who.skin, (0.98, 0, -0.16, 0.17))]
        face += [part(who.hair, *_BEARD)] if who.beard else []
        face += [part(who.hair, *_FRINGE)] if who.cut != "bald" else []
        for side in (1, -1):
            face.append(
                feature(_shade(who.skin, 0.9), (-0.05, 0.92 * side, -0.15, 0.17), (-0.05, 0.92 * side, -0.05, 0.17))
            )
            face.append(feature((40, 30, 34), (0.90, 0.36 * side, 0.02, 0.105), (0.90, 0.36 * side, 0.10, 0.105)))
        face.append(part(_shade(who.skin, 0.55), *_SMILE))
        ranked = {
            -0.5: [part(who.hair, *_MANES[who.cut], solid=True)] if who.cut in _MANES else [],
            1.0: [part(who.hair, *balls, solid=True) for balls in _CAPS[who.cut]],
            1.1: [part(who.skin, *skull, solid=True)],
            1.2: face,
        }
        return [_Group(self.zero + rank, parts) for rank, parts in ranked.items()]

    def extent(self) -> tuple[float, float]:
        """How far the body reaches to the left and to the right of its hips in any frame."""
        circles = np.concatenate([part.circles for group in self.groups for part in group.parts], 1)
        return float((circles[..., 0] - circles[..., 2]).min()), float((circles[..., 0] + circles[..., 2]).max())

    def feet(self) -> motion.Track:
        return 0.5 * (self.at["left leg end"][:, 0] + self.at["right leg end"][:, 0])

    def move(self, x: motion.Track, y: float) -> None:
        """Set the hips' column in each frame and the row of the ground."""
        for group in self.groups:
            for part in group.parts:
                part.circles[..., 0] += x[:, None]
                part.circles[..., 1] += y
        feet = (self.at[f"{side} leg end"] for side in ("left", "right"))
        self.shadow_at = [(x + foot[:, 0], y + _TILT * foot[:, 2]) for foot in feet]
        self.shadow_at.append((x + 0.5 * (self.at["neck"][:, 0] + self.feet()), y + self.zero))

    def draw(self, room: Image.Image) -> UInt8[np.ndarray, "t 144 180 3"]:
        """The frames: in each, only the box around the person is drawn, enlarged, and shrunk again to smooth it."""
        ranked = np.stack([group.rank for group in self.groups])
        layers = [[self._layer(group, stage) for stage in range(3)] for group in self.groups]
        circles = np.concatenate([part.circles for group in self.groups for part in group.parts], 1)
        low = np.floor((circles[..., :2] - circles[..., 2:]).min(1) - 2).astype(int)
        high = np.ceil((circles[..., :2] + circles[..., 2:]).max(1) + 2).astype(int)
        pictures = np.empty((len(ranked.T), HEIGHT, WIDTH, 3), np.uint8)
        for t, picture in enumerate(pictures):
            frame = room.copy()
            self._shadows(frame, t)
            left, top = (int(v) for v in np.maximum(low[t], 0))
            right, bottom = (int(v) for v in np.minimum(high[t], (WIDTH, HEIGHT)))
            patch = frame.crop((left, top, right, bottom))
            patch = patch.resize((patch.width * _SHARP, patch.height * _SHARP), Image.Resampling.NEAREST)
            pen = ImageDraw.Draw(patch)
            shift = np.array([left, top]) * _SHARP
            for index in np.argsort(ranked[:, t], kind="stable"):
                far = self.groups[index].far
                shaded = far is not None and far[t]
                for stage in layers[index]:
                    for outlines, bright, dark in stage:
                        pen.polygon((outlines[t] - shift).ravel().tolist(), fill=dark if shaded else bright)
            frame.paste(patch.reduce(_SHARP), (left, top))
            picture[:] = np.asarray(frame)
        return pictures

    def _layer(self, group: _Group, stage: int) -> list[tuple[Float[np.ndarray, "t k 2"], Colour, Colour]]:
        """The group's outlines with their lit and shaded colours, of one stage: 0 rims, 1 bodies, 2 highlights."""
        layer = []
        for part in group.parts:
            if not part.solid and stage != 1:
                continue
            circles = part.circles.copy()
            tone = (0.66, 1.0, 1.13)[stage]
            if part.solid and stage == 1:
                circles[..., 2] = np.maximum(circles[..., 2] - 0.75, 0)
            if stage == 2:
                circles[..., :2] -= 0.26 * circles[..., 2:]
                circles[..., 2] *= 0.42
            lit = _shade(_shade(part.colour, tone), self.light)
            layer.append((_outline(circles * _SHARP), lit, _shade(lit, 0.76)))
        return layer

    def _shadows(self, frame: Image.Image, t: int) -> None:
        """Soft dark pools on the floor, fainter and wider the higher the body is."""
        air = max(0.0, float(self.lift[t])) / 0.15  # 1 at the top of a good jump
        for (x, y), wide, dark in zip(self.shadow_at, (0.17, 0.17, 0.36), (0.42, 0.42, 0.30), strict=True):
            mask = _pool(round(self.tall * wide * (1 + 0.3 * air)), round(255 * dark * (1 - 0.45 * min(1.0, air))))
            corner = (round(float(x[t]) - mask.width / 2), round(float(y[t]) - mask.height / 2))
            frame.paste((24, 20, 28), corner, mask)


_ROUND = np.stack([(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 36, endpoint=False)])


def _outline(circles: Circles) -> Float[np.ndarray, "t k 2"]:
    """The convex hull of each frame's circles: in every direction, the point of the circle that reaches farthest."""
    reach = circles[..., :2] @ _ROUND.T + circles[..., 2:]
    farthest = np.take_along_axis(circles, reach.argmax(1)[..., None], 1)
    return farthest[..., :2] + farthest[..., 2:] * _ROUND


@lru_cache(maxsize=512)
def _pool(wide: int, dark: int) -> Image.Image:
    """A soft ellipse of a shadow as a mask."""
    x, y = np.meshgrid(np.linspace(-1, 1, 2 * wide), np.linspace(-1, 1, max(4, wide // 2)))
    return Image.fromarray((dark * np.clip(1 - x**2 - y**2, 0, 1) ** 1.3).astype(np.uint8))


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
    try:
        before = json.loads(manifest.read_text())
    except (FileNotFoundError, ValueError):
        before = {}
    if before == settings:
        return
    for number in range(max(before.get("performances", 0), settings["performances"])):
        for path in (root / _file(who, what, number) for who in IDENTITIES for what in ACTIONS):
            path.unlink(missing_ok=True)
    part = root / f"{MANIFEST}.{os.getpid()}.part"
    part.write_text(json.dumps(settings, indent=2) + "\n")
    part.replace(manifest)


def _write(task: tuple[Path, str, str, int, int, int]) -> None:
    """Draw one clip and encode it; every frame is coded from earlier ones only, so any reader's seeking is exact."""
    path, who, what, performance, frames, seed = task
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with av.open(str(part), "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"qmin": "2", "qmax": "3", "bf": "0", "g": "12"}
        stream.bit_rate = 4_000_000
        for picture in draw_clip(who, what, performance, frames, seed):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    part.replace(path)
