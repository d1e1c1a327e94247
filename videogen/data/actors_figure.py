"""A drawn person: a body, hair and clothes around a skeleton, as convex outlines of circles, and its shadow."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw

from videogen.data import actors_motion as motion

SHARP = 4  # supersampling
TILT = 0.12  # how far the camera looks down (sine)

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


class Figure:
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
        return self.tall * np.stack([x, TILT * near - up, near], -1)

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
        aside = np.stack([np.cos(self.yaw), -TILT * np.sin(self.yaw), -np.sin(self.yaw)], -1)
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
        self.shadow_at = [(x + foot[:, 0], y + TILT * foot[:, 2]) for foot in feet]
        self.shadow_at.append((x + 0.5 * (self.at["neck"][:, 0] + self.feet()), y + self.zero))

    def draw(self, room: Image.Image) -> UInt8[np.ndarray, "t h w 3"]:
        """The frames: in each, only the box around the person is drawn, enlarged, and shrunk again to smooth it."""
        ranked = np.stack([group.rank for group in self.groups])
        layers = [[self._layer(group, stage) for stage in range(3)] for group in self.groups]
        circles = np.concatenate([part.circles for group in self.groups for part in group.parts], 1)
        low = np.floor((circles[..., :2] - circles[..., 2:]).min(1) - 2).astype(int)
        high = np.ceil((circles[..., :2] + circles[..., 2:]).max(1) + 2).astype(int)
        pictures = np.empty((len(ranked.T), room.height, room.width, 3), np.uint8)
        for t, picture in enumerate(pictures):
            frame = room.copy()
            self._shadows(frame, t)
            left, top = (int(v) for v in np.maximum(low[t], 0))
            right, bottom = (int(v) for v in np.minimum(high[t], room.size))
            patch = frame.crop((left, top, right, bottom))
            patch = patch.resize((patch.width * SHARP, patch.height * SHARP), Image.Resampling.NEAREST)
            pen = ImageDraw.Draw(patch)
            shift = np.array([left, top]) * SHARP
            for index in np.argsort(ranked[:, t], kind="stable"):
                far = self.groups[index].far
                shaded = far is not None and far[t]
                for stage in layers[index]:
                    for outlines, bright, dark in stage:
                        pen.polygon((outlines[t] - shift).ravel().tolist(), fill=dark if shaded else bright)
            frame.paste(patch.reduce(SHARP), (left, top))
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
            layer.append((_outline(circles * SHARP), lit, _shade(lit, 0.76)))
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
