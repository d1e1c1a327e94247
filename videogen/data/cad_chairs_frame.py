"""What the kinds of chair share: colours, the plan of one, and what carries and holds it: legs, feet, backs and arms."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from videogen.data.cad_chairs_parts import Colour, Solid, bent, outline, pipe, plate, sheet, stack

WOODS: tuple[Colour, ...] = (
    (120, 62, 30), (92, 46, 22), (150, 88, 44), (186, 128, 72), (208, 164, 108), (64, 34, 20), (134, 40, 20), (36, 26, 22),
)  # fmt: skip
METALS: tuple[Colour, ...] = ((168, 170, 174), (96, 98, 102), (30, 30, 32), (26, 26, 28), (200, 202, 205), (110, 26, 22))
CLOTHS: tuple[Colour, ...] = (
    (44, 44, 47), (56, 53, 55), (120, 120, 122), (160, 158, 154), (196, 188, 172), (150, 26, 24), (190, 30, 30),
    (32, 44, 130), (40, 96, 50), (96, 120, 44), (110, 70, 46), (84, 40, 30), (62, 86, 110), (176, 136, 40), (196, 90, 30),
    (110, 40, 90),
)  # fmt: skip


@dataclass
class Chair:
    """Coloured solids; a chair stands on z = 0 and looks along -y."""

    parts: list[tuple[Solid, Colour]]

    def add(self, colour: Colour, *solids: Solid) -> None:
        self.parts += [(solid, colour) for solid in solids]


@dataclass(frozen=True)
class Plan:
    """What most kinds share: the seat's width, depth and height, the back's height and how far it leans (degrees)."""

    wide: float
    deep: float
    high: float
    back: float
    lean: float

    def upright(self, solid: Solid, up: float = 0.0) -> Solid:
        """From the plane of a drawing (x, height from the seat, thickness to the front) to the leaning back."""
        return solid.turned("x", 90).moved(z=up).turned("x", -self.lean).moved(y=self.deep / 2, z=self.high)

    def on_back(self, x: float, up: float, ahead: float = 0.0) -> tuple[float, float, float]:
        """A point of the leaning back, `up` from the seat, `ahead` to the front."""
        sin, cos = np.sin(np.radians(self.lean)), np.cos(np.radians(self.lean))
        return x, self.deep / 2 + up * sin - ahead * cos, self.high + up * cos + ahead * sin


def one_of(rng: Generator, *things):  # type: ignore[no-untyped-def]
    return things[rng.integers(len(things))]


def tint(rng: Generator, colours: tuple[Colour, ...]) -> Colour:
    """One of the colours, a little lighter or darker."""
    red, green, blue = np.clip(np.array(one_of(rng, *colours)) * rng.uniform(0.8, 1.2) + rng.uniform(-6, 6, 3), 4, 235)
    return int(red), int(green), int(blue)


def four_legs(chair: Chair, rng: Generator, plan: Plan, colour: Colour, thick: float) -> None:
    """Straight, tapered, splayed, turned on a lathe, or bent backwards; square or round."""
    kind = one_of(rng, "straight", "tapered", "splayed", "turned", "sabre")
    radius, sides = rng.uniform(0.014, 0.03), one_of(rng, 4, 4, 12)
    splay = {"splayed": rng.uniform(0.05, 0.1), "sabre": 0.02}.get(kind, 0.0)
    x0, y0, top = 0.43 * plan.wide, 0.43 * plan.deep, plan.high - thick / 2
    feet = {}
    for sx in (-1, 1):
        for sy in (-1, 1):
            t = np.linspace(0, 1, 15 if kind in ("turned", "sabre") else 2)
            bow = splay * (t**2 if kind == "sabre" else t) * (2.5 if kind == "sabre" else 1)
            path = np.stack([sx * (x0 + bow * (kind != "sabre")), sy * (y0 + bow), top * (1 - t)], -1)
            swell = {
                "tapered": 1.25 - 0.65 * t,
                "turned": 1 + 0.35 * np.sin(9 * np.pi * t) * (np.abs(t - 0.5) < 0.4) - 0.2 * t,
            }.get(kind, np.ones_like(t))
            chair.add(colour, pipe(path, radius * swell, 12 if kind == "turned" else sides))
            feet[sx, sy] = path
    if rng.uniform() < 0.4:
        share = rng.uniform(0.35, 0.75)
        knots = {key: path[0] + share * (path[-1] - path[0]) for key, path in feet.items()}
        pairs = [((-1, -1), (-1, 1)), ((1, -1), (1, 1))]
        pairs += [((-1, 1), (1, 1)), ((-1, -1), (1, -1))] if rng.uniform() < 0.5 else []
        for one, other in pairs:
            chair.add(colour, pipe([knots[one], knots[other]], 0.6 * radius, sides))
        if len(pairs) == 2:
            middles = [(knots[s, -1] + knots[s, 1]) / 2 for s in (-1, 1)]
            chair.add(colour, pipe(middles, 0.6 * radius, sides))


def pedestal(chair: Chair, rng: Generator, top: float, metal: Colour) -> None:
    """A column on a star of four or five feet with wheels or without, or on a disc."""
    if rng.uniform() < 0.2:
        chair.add(metal, stack(outline(0.42, 0.42, 1.0), [(0.02, 0), (0, 0.01), (0.1, 0.03), (0.18, 0.05), (0.18, top)]))
        return
    wheels = rng.uniform() < 0.75
    lift = 0.06 if wheels else 0.02
    chair.add(metal, pipe([(0, 0, lift), (0, 0, top * 0.55)], 0.03, 12), pipe([(0, 0, top * 0.5), (0, 0, top)], 0.018, 10))
    count, reach = int(rng.integers(4, 6)), rng.uniform(0.26, 0.33)
    for k in range(count):
        angle = 2 * np.pi * k / count + np.pi / 10
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        chair.add(metal, pipe([(0, 0, lift + 0.05), (x, y, lift)], (0.026, 0.014), 8))
        if wheels:
            wheel = stack(outline(0.055, 0.055, 1.0, count=14), [(0.004, -0.018), (0, -0.01), (0, 0.01), (0.004, 0.018)])
            chair.add((28, 28, 30), wheel.turned("x", 90).turned("z", np.degrees(angle)).moved(x, y, 0.028))


def sled(chair: Chair, plan: Plan, metal: Colour, radius: float) -> None:
    """Two bent tubes that lie on the floor, joined below the seat."""
    x, y, top = plan.wide * 0.46, plan.deep * 0.44, plan.high - 0.03
    for s in (-1, 1):
        path = [(s * x, -y * 0.7, top), (s * x, -y * 1.1, radius), (s * x, y * 1.1, radius), (s * x, y * 0.7, top)]
        chair.add(metal, pipe(bent(path, 0.07), radius, 8))
    chair.add(metal, *(pipe([(-x, y * k, top), (x, y * k, top)], radius, 8) for k in (-0.7, 0.7)))


def back(chair: Chair, rng: Generator, plan: Plan, colour: Colour) -> None:
    """A board, padding in a frame, upright slats or spindles, a ladder's rungs, one rail, or a splat."""
    kind = one_of(rng, "board", "padded", "slats", "ladder", "rail", "splat", "spindles")
    w, h = plan.wide * rng.uniform(0.84, 0.98), plan.back
    if kind == "board":
        flat = outline(w, h, one_of(rng, 0.12, 0.2, 0.5, 0.9), rng.uniform(0.8, 1.05))
        low = rng.uniform(0, 0.12)
        chair.add(colour, plan.upright(plate(flat, rng.uniform(0.018, 0.04)), up=h / 2 + low))
        if low > 0.02:
            for s in (-0.36 * w, 0.36 * w):
                chair.add(colour, pipe([plan.on_back(s, -0.02), plan.on_back(s, low + 0.1)], 0.014, 4))
        return
    if kind == "padded":
        flat = outline(w, h, one_of(rng, 0.15, 0.3, 0.6), rng.uniform(0.85, 1.05))
        cloth = tint(rng, CLOTHS)
        chair.add(colour, plan.upright(plate(flat, 0.02), up=h / 2))
        chair.add(cloth, plan.upright(plate(0.92 * flat, 0.06, 0.9), up=h / 2).moved(y=-0.02))
        return
    thick, sides = rng.uniform(0.012, 0.022), one_of(rng, 4, 4, 12)
    for s in (-1, 1):
        chair.add(colour, pipe([plan.on_back(s * w / 2, -0.03), plan.on_back(s * w / 2, h)], thick, sides))

    def rail(up: float, tall: float, bow: float) -> Solid:
        across = np.linspace(-1, 1, 9)
        rows = [[plan.on_back(w / 2 * t, up + v, -bow * (1 - t * t)) for t in across] for v in (0, tall)]
        return sheet(np.array(rows), rng.uniform(0.016, 0.026))

    bow, crest = rng.uniform(0, 0.05), rng.uniform(0.05, 0.16)
    chair.add(colour, rail(h - crest, crest * rng.uniform(1.0, 1.3), bow))
    if kind == "ladder":
        count = int(rng.integers(2, 5))
        for k in range(count):
            chair.add(colour, rail(h * (k + 0.6) / (count + 0.7), h * 0.38 / (count + 0.7), bow))
    if kind in ("slats", "spindles"):
        count = int(rng.integers(3, 7))
        low = rng.uniform(0.02, 0.14)
        chair.add(colour, rail(low - 0.02, 0.04, bow))
        for t in np.linspace(-1, 1, count + 2)[1:-1]:
            ends = [plan.on_back(w / 2 * t, up, -bow * (1 - t * t)) for up in (low, h - crest / 2)]
            if kind == "slats":
                half = w / count * rng.uniform(0.16, 0.17)
                grid = np.array([[(x + d, y, z) for d in (-half, half)] for x, y, z in ends])
                chair.add(colour, sheet(grid, 0.012))
            else:
                chair.add(colour, pipe(ends, 0.009, 8))
    if kind == "splat":
        half = w * rng.uniform(0.12, 0.24)
        ups = np.linspace(0, h - crest / 2, 9)
        waist = half * (1 + 0.35 * np.cos(2 * np.pi * ups / ups[-1]) * one_of(rng, 0, 1, 1))
        grid = np.array([[plan.on_back(d, up, -bow * 0.9) for d in (-r, r)] for up, r in zip(ups, waist, strict=True)])
        chair.add(tint(rng, CLOTHS) if rng.uniform() < 0.25 else colour, sheet(grid, 0.014))


def arms(chair: Chair, rng: Generator, plan: Plan, colour: Colour) -> None:
    """Two rests on posts, from the back to above the front legs; flat or round."""
    up, long = rng.uniform(0.18, 0.26), plan.deep * rng.uniform(0.62, 0.95)
    flat, radius = rng.uniform() < 0.6, rng.uniform(0.012, 0.018)
    top = tint(rng, CLOTHS) if rng.uniform() < 0.25 else colour
    for s in (-1, 1):
        x = s * plan.wide * 0.5
        _, y, z = plan.on_back(x, up)
        front = plan.deep / 2 - long
        chair.add(colour, pipe(bent([(x, front, plan.high - 0.04), (x, front, z), (x, y, z)], 0.05), radius, 8))
        if flat:
            chair.add(top, plate(outline(0.055, y - front + 0.05, 0.3), 0.024, 0.4).moved(x, (y + front) / 2, z))
