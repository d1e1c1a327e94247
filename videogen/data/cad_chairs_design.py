"""One drawn chair of many: its kind, shape, proportions and colours, drawn by lot, as coloured solids."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from videogen.data.cad_chairs_frame import (
    CLOTHS,
    METALS,
    WOODS,
    Chair,
    Plan,
    arms,
    back,
    four_legs,
    one_of,
    pedestal,
    sled,
    tint,
)
from videogen.data.cad_chairs_parts import bent, box, outline, padded, pipe, plate, sheet, stack


def dining(chair: Chair, rng: Generator) -> None:
    """Four legs, a seat of wood or cloth, a back of boards, slats, rungs or a frame; perhaps arms and stretchers."""
    plan = Plan(
        rng.uniform(0.38, 0.54), rng.uniform(0.38, 0.52), rng.uniform(0.4, 0.5), rng.uniform(0.34, 0.72), rng.uniform(3, 14)
    )
    wood = tint(rng, WOODS if rng.uniform() < 0.75 else METALS)
    thick = rng.uniform(0.025, 0.06)
    shape = outline(plan.wide, plan.deep, one_of(rng, 0.12, 0.12, 0.25, 0.45, 0.8), rng.uniform(1.0, 1.18))
    chair.add(wood, plate(shape, thick).moved(z=plan.high - thick))
    if rng.uniform() < 0.45:
        chair.add(tint(rng, CLOTHS), plate(0.94 * shape, rng.uniform(0.03, 0.09), 0.9).moved(z=plan.high))
    four_legs(chair, rng, plan, wood, thick)
    back(chair, rng, plan, wood)
    if rng.uniform() < 0.35:
        arms(chair, rng, plan, wood)


def office(chair: Chair, rng: Generator) -> None:
    """A swivel chair: padded seat and back, a column, a star of arms on wheels (or a disc); often arms."""
    plan = Plan(
        rng.uniform(0.44, 0.56),
        rng.uniform(0.42, 0.52),
        rng.uniform(0.42, 0.54),
        rng.uniform(0.34, 0.74),
        rng.uniform(4, 16),
    )
    cloth, metal = tint(rng, CLOTHS[:5] if rng.uniform() < 0.6 else CLOTHS), tint(rng, METALS[:5])
    chair.add(cloth, plate(outline(plan.wide, plan.deep, 0.3, 1.06), rng.uniform(0.06, 0.1), 0.9).moved(z=plan.high - 0.06))
    pedestal(chair, rng, plan.high - 0.05, metal)
    low = rng.uniform(0.02, 0.16)
    tall, wide = plan.back - low + 0.1, plan.wide * rng.uniform(0.75, 1.0)
    shape = outline(wide, tall, one_of(rng, 0.2, 0.35, 0.7), rng.uniform(0.85, 1.1))
    chair.add(cloth, plan.upright(plate(shape, rng.uniform(0.04, 0.09), 0.8), up=low + tall / 2))
    stem = bent(
        [(0, 0, plan.high - 0.06), (0, plan.deep / 2 + 0.05, plan.high - 0.06), plan.on_back(0, low + 0.25, -0.03)], 0.08
    )
    chair.add(metal, pipe(stem, 0.022, 8))
    if rng.uniform() < 0.55:
        for s in (-1, 1):
            x, z, y = s * plan.wide * 0.56, plan.high + rng.uniform(0.19, 0.24), -0.05
            loop = one_of(rng, True, False)
            path = [(s * 0.1, y, plan.high - 0.05), (x, y, plan.high - 0.05), (x, y, z)]
            if loop:
                path += [(x, plan.deep / 2, z), plan.on_back(s * wide / 2, 0.2)]
            chair.add(metal, pipe(bent(path, 0.06), 0.014, 8))
            chair.add(tint(rng, ((26, 26, 28),)), plate(outline(0.06, 0.26, 0.4), 0.03, 0.6).moved(x, y + 0.04, z))


def club(chair: Chair, rng: Generator) -> None:
    """An upholstered armchair: blocks and cushions on short feet, or on a frame; perhaps with wings."""
    wide, deep, high = rng.uniform(0.5, 0.64), rng.uniform(0.5, 0.62), rng.uniform(0.32, 0.42)
    plan = Plan(wide, deep, high, rng.uniform(0.34, 0.62), rng.uniform(4, 16))
    cloth = tint(rng, CLOTHS)
    seat = tint(rng, CLOTHS) if rng.uniform() < 0.3 else cloth
    foot, side, arm = rng.uniform(0.04, 0.14), rng.uniform(0.07, 0.16), rng.uniform(0.14, 0.24)
    wood = tint(rng, WOODS)
    chair.add(cloth, box(wide + 0.02, deep, high - 0.12 - foot).moved(z=foot))
    chair.add(seat, padded(wide, deep * 0.98, 0.15, 0.7).moved(y=-0.02, z=high - 0.13))
    round_ = one_of(rng, 0.1, 0.5, 1.0)
    for s in (-1, 1):
        x = s * (wide + side) / 2
        chair.add(cloth, padded(side, deep * 1.02, high + arm - foot, 0.08 + 0.3 * round_).moved(x=x, z=foot))
        if round_ == 1.0:
            roll = stack(outline(side * 1.25, side * 1.25, 1.0), [(0.01, 0), (0, 0.01), (0, deep + 0.03)])
            chair.add(cloth, roll.turned("x", 90).moved(x, deep / 2 + 0.01, high + arm - 0.02))
    thick = rng.uniform(0.1, 0.17)
    tall = plan.back + high - foot
    shape = outline(wide + 1.2 * side, tall, one_of(rng, 0.1, 0.16, 0.3), rng.uniform(0.9, 1.0))
    chair.add(cloth, plan.upright(plate(shape, thick, 0.4), up=tall / 2 + foot - high).moved(y=thick * 0.6))
    if rng.uniform() < 0.5:
        chair.add(seat, plan.upright(padded(wide * 0.96, plan.back * 0.9, 0.1, 0.9), up=plan.back * 0.5).moved(y=-0.05))
    if rng.uniform() < 0.3:
        for s in (-1, 1):
            wing = padded(0.2, plan.back * 0.62, 0.06, 0.5).turned("y", 90)
            chair.add(cloth, plan.upright(wing, up=plan.back * 0.66).moved(x=s * (wide / 2 + side * 0.5), y=-0.06))
    radius = rng.uniform(0.014, 0.03)
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (wide + side) * 0.46, sy * deep * 0.42
            chair.add(wood, pipe([(x, y, 0), (x, y, foot + 0.02)], (0.6 * radius, radius), one_of(rng, 4, 10)))


def shell(chair: Chair, rng: Generator) -> None:
    """A moulded shell, seat and back in one, on rods, wooden legs, a pedestal or a sled."""
    plan = Plan(
        rng.uniform(0.42, 0.54),
        rng.uniform(0.4, 0.48),
        rng.uniform(0.36, 0.46),
        rng.uniform(0.32, 0.52),
        rng.uniform(8, 22),
    )
    colour = tint(rng, CLOTHS if rng.uniform() < 0.65 else WOODS)
    tub, waist = rng.uniform(0.03, 0.16), rng.uniform(0, 0.3)
    lip = plan.on_back(0, plan.back)
    spine = bent(
        [(0, -plan.deep / 2 - 0.02, plan.high - 0.03), (0, -plan.deep / 2 + 0.05, plan.high),
         (0, plan.deep / 2, plan.high - 0.01), lip], 0.17, 7)  # fmt: skip
    along = np.linspace(0, 1, len(spine))
    half = plan.wide / 2 * (1 - waist * np.exp(-(((along - 0.62) / 0.14) ** 2)))
    half *= np.sqrt(np.clip(1 - ((np.abs(along - 0.5) - 0.36) / 0.15).clip(0) ** 2, 0.25, 1))
    ahead = np.gradient(spine, axis=0)
    normal = np.stack([0 * along, -ahead[:, 2], ahead[:, 1]], -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    t = np.linspace(-1, 1, 13)
    grid = spine[:, None] + half[:, None, None] * t[None, :, None] * np.array([1.0, 0, 0])
    grid = grid + normal[:, None] * (tub * (np.sin(np.pi * along) ** 0.5)[:, None, None] * (t**4)[None, :, None])
    chair.add(colour, sheet(grid[::-1], rng.uniform(0.012, 0.022)))
    if rng.uniform() < 0.3:
        chair.add(
            tint(rng, CLOTHS), plate(outline(plan.wide * 0.72, plan.deep * 0.7, 0.5), 0.05, 0.9).moved(z=plan.high - 0.01)
        )
    kind = one_of(rng, "legs", "rods", "pedestal", "sled")
    if kind == "legs":
        wood = tint(rng, WOODS + METALS)
        for sx in (-1, 1):
            for sy in (-1, 1):
                path = [(sx * 0.12, sy * 0.12, plan.high - 0.02), (sx * plan.wide * 0.45, sy * plan.deep * 0.48, 0)]
                chair.add(wood, pipe(path, (0.02, 0.011), 10))
    elif kind == "rods":
        metal = tint(rng, METALS)
        feet = [(sx * plan.wide * 0.42, sy * plan.deep * 0.45, 0.0) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        tops = [(0.55 * x, 0.4 * y, plan.high - 0.02) for x, y, _ in feet]
        for k in range(4):
            chair.add(metal, pipe([tops[k], feet[k]], 0.009, 8), pipe([tops[k], feet[(k + 1) % 4]], 0.006, 6))
    elif kind == "pedestal":
        pedestal(chair, rng, plan.high - 0.01, tint(rng, METALS))
    else:
        sled(chair, plan, tint(rng, METALS), rng.uniform(0.009, 0.014))


def tubular(chair: Chair, rng: Generator) -> None:
    """A frame of bent tube, cantilevered or with four legs, that carries a seat and a back; perhaps arms."""
    plan = Plan(
        rng.uniform(0.42, 0.56), rng.uniform(0.42, 0.54), rng.uniform(0.4, 0.48), rng.uniform(0.34, 0.5), rng.uniform(5, 16)
    )
    metal, cloth = tint(rng, METALS), tint(rng, CLOTHS if rng.uniform() < 0.75 else WOODS)
    radius, x, y = rng.uniform(0.01, 0.017), plan.wide / 2, plan.deep / 2
    kind = one_of(rng, "cantilever", "cantilever", "sled", "loop")
    sides = one_of(rng, 4, 10, 10)
    for s in (-1, 1):
        up = plan.on_back(s * x, plan.back)
        seat = [(s * x, -y, plan.high), (s * x, y, plan.high)]
        if kind == "cantilever":
            path = [(s * x, y, radius), (s * x, -y, radius), *seat, up]
        elif kind == "sled":
            path = [(s * x, y, plan.high), (s * x, y, radius), (s * x, -y, radius), *seat, up]
        else:
            path = [(s * x, y * 1.1, 0), *seat[::-1], (s * x, -y * 1.1, 0)]
            chair.add(metal, pipe([seat[1], up], radius, sides))
        chair.add(metal, pipe(bent(path, 0.08), radius, sides))
    if kind == "cantilever":
        chair.add(metal, pipe([(-x, y, radius), (x, y, radius)], radius, sides))
    thick, round_ = one_of(rng, (0.02, 0.3), (0.07, 0.9))
    chair.add(cloth, plate(outline(plan.wide * 0.96, plan.deep * 0.96, 0.15), thick, round_).moved(z=plan.high))
    tall = plan.back * rng.uniform(0.4, 0.85)
    shape = outline(plan.wide * 0.96, tall, one_of(rng, 0.12, 0.3))
    chair.add(cloth, plan.upright(plate(shape, thick, round_), up=plan.back - tall / 2))
    if rng.uniform() < 0.5:
        dark = tint(rng, ((26, 26, 28), WOODS[0]))
        for s in (-1, 1):
            z = plan.high + 0.22
            path = [(s * x, -y, plan.high), (s * x, -y * 0.95, z), plan.on_back(s * x, 0.22)]
            chair.add(metal, pipe(bent(path, 0.06), radius, sides))
            chair.add(dark, plate(outline(0.045, plan.deep * 0.7, 0.3), 0.022, 0.5).moved(s * x, 0, z + radius / 2))


def bistro(chair: Chair, rng: Generator) -> None:
    """A round seat on slender legs with a ring, and a hoop of bent wood for a back."""
    plan = Plan(
        rng.uniform(0.38, 0.46), rng.uniform(0.38, 0.44), rng.uniform(0.43, 0.5), rng.uniform(0.36, 0.5), rng.uniform(5, 14)
    )
    wood = tint(rng, WOODS if rng.uniform() < 0.6 else METALS + CLOTHS[:8])
    shape = outline(plan.wide, plan.deep, 0.95)
    chair.add(wood, plate(shape, 0.035, 0.4).moved(z=plan.high - 0.035))
    if rng.uniform() < 0.6:
        chair.add(tint(rng, CLOTHS), plate(0.9 * shape, 0.04, 0.9).moved(z=plan.high))
    radius = rng.uniform(0.011, 0.016)
    for sx in (-1, 1):
        for sy in (-1, 1):
            path = [(sx * 0.11, sy * 0.12, plan.high - 0.03), (sx * plan.wide * 0.42, sy * plan.deep * 0.45, 0)]
            chair.add(wood, pipe(bent([path[0], (sx * 0.14, sy * 0.15, plan.high * 0.6), path[1]], 0.1), (radius), 8))
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([0.15 * np.cos(turn), 0.16 * np.sin(turn), np.full(24, plan.high * 0.5)], -1)
    chair.add(wood, pipe(ring, 0.6 * radius, 6, closed=True))
    for share in (1.0, rng.uniform(0.5, 0.75))[: int(rng.integers(1, 3))]:
        half, top = plan.wide * 0.43 * share, plan.back * (0.55 + 0.45 * share)
        bow = [plan.on_back(half * np.cos(a), top * np.sin(a) ** 0.8, 0.05) for a in np.linspace(0, np.pi, 19)]
        chair.add(wood, pipe(bow, radius, 8))
    if rng.uniform() < 0.4:
        for s in (-1, 1):
            _, y, z = plan.on_back(0, 0.2, 0.05)
            path = [
                (s * plan.wide * 0.42, y, z),
                (s * plan.wide * 0.55, -0.06, z),
                (s * plan.wide * 0.44, -0.1, plan.high - 0.02),
            ]
            chair.add(wood, pipe(bent(path, 0.14), radius, 8))


def tub(chair: Chair, rng: Generator) -> None:
    """A round seat in a wall that is high at the back and comes down to arms."""
    wide, high, foot = rng.uniform(0.5, 0.66), rng.uniform(0.36, 0.45), rng.uniform(0.08, 0.24)
    cloth, wood = tint(rng, CLOTHS), tint(rng, WOODS + METALS)
    chair.add(cloth, plate(outline(wide, wide, 0.8), high - foot - 0.05, 0.1).moved(z=foot))
    seat = tint(rng, CLOTHS) if rng.uniform() < 0.3 else cloth
    chair.add(seat, plate(outline(wide * 0.96, wide * 0.96, 0.8), 0.1, 0.9).moved(z=high - 0.07))
    opening, rise, arm = rng.uniform(35, 70), rng.uniform(0.16, 0.42), rng.uniform(0.12, 0.22)
    angle = np.radians(np.linspace(-90 + opening, 270 - opening, 31))
    top = high + arm + rise * np.clip(0.5 + 0.6 * np.sin(angle), 0, 1) ** rng.uniform(0.8, 2.0)
    rows = []
    for share in np.linspace(0, 1, 5):
        radius = wide / 2 + 0.02 + 0.05 * share
        height = foot + 0.02 + share * (top - foot - 0.02)
        rows.append(np.stack([radius * np.cos(angle), radius * np.sin(angle) + 0.04 * share, height], -1))
    chair.add(cloth, sheet(np.array(rows).swapaxes(0, 1), rng.uniform(0.035, 0.09)))
    if rng.uniform() < 0.3:
        pedestal(chair, rng, foot + 0.1, wood)
    else:
        for sx in (-1, 1):
            for sy in (-1, 1):
                path = [(sx * wide * 0.36, sy * wide * 0.36, 0), (sx * wide * 0.33, sy * wide * 0.33, foot + 0.05)]
                chair.add(wood, pipe(path, (0.012, 0.022), 10))


KINDS: dict[Callable[[Chair, Generator], None], float] = {
    dining: 0.40, office: 0.13, club: 0.12, shell: 0.12, tubular: 0.11, bistro: 0.06, tub: 0.06,
}  # fmt: skip


def design(rng: Generator) -> Chair:
    """A chair drawn by lot: its kind, by these shares, and everything about it."""
    chair = Chair([])
    list(KINDS)[rng.choice(len(KINDS), p=list(KINDS.values()))](chair, rng)
    return chair
