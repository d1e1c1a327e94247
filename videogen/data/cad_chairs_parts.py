"""The solids that drawn chairs are made of, as triangles. x points right, y to the chair's back, z up; metres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

Colour = tuple[int, int, int]
Point = Sequence[float] | np.ndarray
Path = Sequence[Point] | np.ndarray


@dataclass(frozen=True)
class Solid:
    """A closed skin of triangles."""

    points: Float[np.ndarray, "n 3"]
    triangles: Int[np.ndarray, "m 3"]

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Solid":
        return Solid(self.points + np.array([x, y, z]), self.triangles)

    def turned(self, axis: str, degrees: float) -> "Solid":
        """About an axis through the origin, counterclockwise when it points at the eye."""
        a, b = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        points = self.points.copy()
        points[:, a] = cos * self.points[:, a] - sin * self.points[:, b]
        points[:, b] = sin * self.points[:, a] + cos * self.points[:, b]
        return Solid(points, self.triangles)


def _rings(rings: Float[np.ndarray, "k n 3"], closed: bool) -> Solid:
    """The skin over a row of rings; its two ends are closed with fans unless the row itself is a loop."""
    k, n, _ = rings.shape
    number = np.arange(k * n).reshape(k, n)
    here, there = (number, np.roll(number, -1, 0)) if closed else (number[:-1], number[1:])
    a, b, c, d = here, np.roll(here, -1, 1), np.roll(there, -1, 1), there
    triangles = [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    points = rings.reshape(-1, 3)
    if not closed:
        points = np.concatenate([points, rings[[0, -1]].mean(1)])
        for ring, middle, order in ((number[0], k * n, -1), (number[-1], k * n + 1, 1)):
            fan = np.stack([ring, np.roll(ring, -1), np.full(n, middle)], -1)
            triangles.append(fan[:, ::order])
    return Solid(points, np.concatenate(triangles))


def outline(width: float, depth: float, corner: float, front: float = 1.0, count: int = 40) -> Float[np.ndarray, "n 2"]:
    """A superellipse: `corner` 1 is an ellipse, towards 0 a rectangle. `front`: how much wider it is at its front."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + np.pi / count
    x, y = np.cos(angle), np.sin(angle)
    x, y = np.sign(x) * np.abs(x) ** corner, np.sign(y) * np.abs(y) ** corner
    return np.stack([x * width / 2 * (1 + (front - 1) * (0.5 - y / 2)), y * depth / 2], -1)


def stack(shape: Float[np.ndarray, "n 2"], profile: Sequence[tuple[float, float]]) -> Solid:
    """Copies of an outline above one another: (how far it is drawn in, in metres; height) from bottom to top."""
    reach = np.linalg.norm(shape, axis=1, keepdims=True)
    rings = [
        np.concatenate([shape * np.maximum(1 - inset / reach, 0.02), np.full((len(shape), 1), height)], 1)
        for inset, height in profile
    ]
    return _rings(np.stack(rings), closed=False)


def plate(shape: Float[np.ndarray, "n 2"], thick: float, round_: float = 0.15) -> Solid:
    """An outline with thickness, from z = 0 upwards; `round_` 1 makes a cushion of it, 0 a board."""
    r = round_ * thick / 2
    edge = [(r * (1 - np.sin(a)), r * (1 - np.cos(a))) for a in np.linspace(0, np.pi / 2, 2 + round(3 * round_))]
    dome = [(0.06 + 2 * r, thick + 0.18 * r)] if round_ > 0.5 else []
    return stack(shape, [*edge, *((inset, thick - height) for inset, height in reversed(edge)), *dome])


def box(width: float, depth: float, height: float) -> Solid:
    """Centred in x and y, from z = 0 upwards."""
    x, y = width / 2, depth / 2
    return stack(np.array([[x, y], [-x, y], [-x, -y], [x, -y]]), [(0.0, 0.0), (0.0, height)])


def padded(width: float, depth: float, height: float, round_: float = 0.4) -> Solid:
    """An upholstered block, centred in x and y, from z = 0 upwards."""
    return plate(outline(width, depth, 0.22), height, round_)


def pipe(path: Path, radius: float | Sequence[float] | np.ndarray, sides: int = 10, closed: bool = False) -> Solid:
    """A tube along a path; one radius, or one for each point. Four sides make a square bar."""
    at = np.asarray(path, float)
    radii = np.broadcast_to(np.asarray(radius, float), len(at))
    ahead = np.gradient(at, axis=0) if not closed else np.roll(at, -1, 0) - np.roll(at, 1, 0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.array([0.0, 1.0, 0.0]) if abs(ahead[0, 1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    around = np.linspace(0, 2 * np.pi, sides, endpoint=False) + np.pi / sides
    rings = []
    for point, way, r in zip(at, ahead, radii, strict=True):
        side = side - way * (side @ way)  # carried along, so that the tube does not twist
        side /= np.linalg.norm(side)
        up = np.cross(way, side)
        rings.append(point + r * (np.cos(around)[:, None] * side + np.sin(around)[:, None] * up))
    return _rings(np.stack(rings), closed)


def bent(corners: Sequence[Point], radius: float, steps: int = 5) -> Float[np.ndarray, "n 3"]:
    """A path through `corners` whose inner corners are rounded off."""
    at = [np.asarray(corner, float) for corner in corners]
    path = [at[0]]
    for before, here, after in zip(at, at[1:], at[2:], strict=False):
        back, on = before - here, after - here
        near = min(radius, np.linalg.norm(back) / 2, np.linalg.norm(on) / 2)
        a, b = here + near * back / np.linalg.norm(back), here + near * on / np.linalg.norm(on)
        path += [(1 - t) ** 2 * a + 2 * t * (1 - t) * here + t**2 * b for t in np.linspace(0, 1, steps)]
    return np.stack([*path, at[-1]])


def sheet(grid: Float[np.ndarray, "u v 3"], thick: float) -> Solid:
    """A curved board: the surface through a grid of points, with thickness on both of its sides."""
    du, dv = np.gradient(grid, axis=0), np.gradient(grid, axis=1)
    normal = np.cross(du, dv)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    upper, lower = grid - normal * thick / 2, grid + normal * thick / 2
    rings = np.concatenate([upper, lower[:, ::-1]], axis=1)  # one closed ring for each row of the grid
    return _rings(rings, closed=False)
