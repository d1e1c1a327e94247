"""How the drawn actors move: an action is a pure function from the phase of its cycle to joint angles.

A pose maps a joint's name to its angle in degrees over the frames. The angles of a limb's upper half are absolute:
`swing` turns it forward from hanging straight down, `spread` turns it out to its own side. `bend` and `fold` add to
those two for the lower half (knee or elbow). Besides these there are the torso's `lean` (forward), `sway` (to the left)
and `twist`, the head's `nod`, and two lengths: `lift` (height of the lowest foot above the ground, in body heights)
and `surge` (how far the body runs ahead of even travel, in distances per cycle).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Track = Float[np.ndarray, " t"]  # one number a frame
Points = Float[np.ndarray, "t 3"]  # forward, left and up in the body's frame, in body heights
Pose = dict[str, Track]

LIMBS = {"left arm": 1, "right arm": -1, "left leg": 1, "right leg": -1}  # and the side that each is on
JOINTS = (
    *("lean", "sway", "twist", "nod", "lift", "surge"),
    *(f"{limb} {joint}" for limb in LIMBS for joint in ("swing", "spread", "bend", "fold")),
)
LENGTHS = {"arm": (0.165, 0.150), "leg": (0.245, 0.235)}  # upper and lower half
SPINE, HEEL, TOE, SOLE = 0.30, 0.020, 0.085, 0.028


def _sin(phase: Track, shift: float = 0.0) -> Track:
    return np.sin(2 * np.pi * (phase + shift))


def _pulse(phase: Track, peak: float, sharpness: float = 1.0) -> Track:
    """A smooth bump between 0 and 1, once a cycle, highest at phase `peak`; the sharper the narrower."""
    return (0.5 + 0.5 * np.cos(2 * np.pi * (phase - peak))) ** sharpness


def _flight(phase: Track, start: float, end: float) -> Track:
    """A thrown body's parabola, 0 on the ground and 1 at its top, in the air from phase `start` to `end`."""
    along = ((phase - start) % 1.0) / (end - start)
    return np.maximum(0.0, 4 * along * (1 - along))


def _both(kind: str, **angles: Track | float) -> dict[str, Track | float]:
    """The same angles for the left and the right limb."""
    return {f"{side} {kind} {joint}": angle for side in ("left", "right") for joint, angle in angles.items()}


def _one(limb: str, **angles: Track | float) -> dict[str, Track | float]:
    return {f"{limb} {joint}": angle for joint, angle in angles.items()}


STAND = {"lift": 0.0} | _both("arm", swing=2, spread=9, bend=12) | _both("leg", swing=1, spread=3, bend=-3)


def _bend(phase: Track) -> dict[str, Track | float]:
    down = _pulse(phase, 0.5, 0.85)
    arms = _both("arm", swing=2 - 24 * down + 75 * down * (1 - down), spread=5, bend=12 - 6 * down)
    return arms | _both("leg", swing=14 * down, bend=-4 - 6 * down) | {"lean": 118 * down, "nod": 12 * down}


def _jack(phase: Track) -> dict[str, Track | float]:
    out = _pulse(phase, 0.5, 0.85)
    arms = _both("arm", spread=12 + 138 * out, fold=22 * out)
    legs = _both("leg", swing=10 * _pulse(2 * phase, 0.0, 3), spread=2 + 27 * out, bend=-22 * _pulse(2 * phase, 0.0, 3))
    return arms | legs | {"lift": 0.06 * _flight(2 * phase, 0.22, 0.80)}


def _jump(phase: Track) -> dict[str, Track | float]:
    crouch, air = _pulse(phase, 0.08, 2.5), _flight(phase, 0.30, 0.86)
    reach = _pulse(phase, 0.52, 1.2)
    arms = _both("arm", swing=-52 * crouch + 118 * reach, spread=6, bend=15 + 15 * reach)
    legs = _both("leg", swing=44 * crouch + 46 * air * _pulse(phase, 0.72), bend=-(84 * crouch + 62 * air))
    return arms | legs | {"lean": 8 + 34 * crouch, "nod": -18 * crouch, "lift": 0.13 * air, "surge": _surge(phase, 0.58)}


def _pjump(phase: Track) -> dict[str, Track | float]:
    crouch, air = _pulse(phase, 0.05, 2.5), _flight(phase, 0.27, 0.83)
    arms = _both("arm", swing=-20 * crouch + 10 * air, spread=10 + 24 * air, bend=25 + 20 * crouch, fold=-12 * air)
    legs = _both("leg", swing=48 * crouch, spread=1, bend=-(88 * crouch + 20 * air))
    return arms | legs | {"lean": 20 * crouch, "lift": 0.15 * air}


def _run(phase: Track) -> dict[str, Track | float]:
    pose: dict[str, Track | float] = {"lean": 14.0, "twist": 12 * _sin(phase), "nod": -6.0}
    for side, own in (("left", phase), ("right", phase + 0.5)):
        pose |= _one(f"{side} leg", swing=16 + 42 * _sin(own), bend=-(18 + 88 * _pulse(own, -0.10, 1.6)), spread=1)
        pose |= _one(f"{side} arm", swing=-8 - 48 * _sin(own), spread=8, bend=84 - 14 * _sin(own))
    return pose | {"lift": 0.05 * _flight(2 * phase, 0.25, 0.85)}


def _side(phase: Track) -> dict[str, Track | float]:
    """Leads with the left leg and closes up with the right one in a low hop."""
    lead, trail = _pulse(phase, 0.34, 1.3), _pulse(phase, 0.50, 1.3)
    soft = _pulse(phase, 0.62, 3) + _pulse(phase, 0.2, 3)
    arms = _both("arm", swing=8, spread=16 + 16 * lead, bend=28)
    legs = _one("left leg", swing=14 * soft, spread=1 + 33 * lead, bend=-26 * soft)
    legs |= _one("right leg", swing=14 * soft, spread=1 + 33 * trail, bend=-26 * soft)
    body = {"sway": 7 * _sin(phase, -0.1), "lift": 0.055 * _flight(phase, 0.68, 1.10), "surge": _surge(phase, 0.8) / 2}
    return arms | legs | body


def _skip(phase: Track) -> dict[str, Track | float]:
    """A step and a hop on one leg with the other knee high, then the same on the other leg."""
    pose: dict[str, Track | float] = {"lean": 3.0, "twist": 9 * _sin(phase, 0.25)}
    for side, own in (("left", phase), ("right", phase + 0.5)):
        knee, push = _pulse(own, 0.0, 2.2), _pulse(own, 0.5, 2.0)
        pose |= _one(f"{side} leg", swing=-4 + 88 * knee - 14 * push, bend=-(8 + 92 * _pulse(own, -0.03, 2.0)), spread=1)
        pose |= _one(f"{side} arm", swing=-34 * knee + 92 * push, spread=8, bend=22 + 12 * push)
    return pose | {"lift": 0.12 * _flight(2 * phase, -0.28, 0.30)}


def _walk(phase: Track) -> dict[str, Track | float]:
    pose: dict[str, Track | float] = {"lean": 3.0, "twist": 7 * _sin(phase)}
    for side, own in (("left", phase), ("right", phase + 0.5)):
        pose |= _one(f"{side} leg", swing=3 + 23 * _sin(own), bend=-(5 + 44 * _pulse(own, -0.08, 2.4)), spread=1)
        pose |= _one(f"{side} arm", swing=-26 * _sin(own), spread=5, bend=14 - 8 * _sin(own))
    return pose


def _wave1(phase: Track) -> dict[str, Track | float]:
    wave = _sin(phase)
    arm = _one("right arm", swing=0, spread=122 + 14 * wave, bend=0, fold=48 + 46 * _sin(phase, -0.06))
    return arm | {"sway": 2.5 * wave}


def _wave2(phase: Track) -> dict[str, Track | float]:
    return _both("arm", swing=0, spread=116 + 17 * _sin(phase), bend=0, fold=40 + 46 * _sin(phase, -0.06)) | {"nod": -4}


def _surge(phase: Track, peak: float) -> Track:
    """Travel that comes in bursts: twice the even speed at phase `peak`, none half a cycle away from it."""
    return _sin(phase, -peak) / (2 * np.pi)


@dataclass(frozen=True)
class Action:
    """One action: its pose, the frames of one cycle at 25 frames a second, the side it shows and whether it travels."""

    pose: Callable[[Track], dict[str, Track | float]]
    period: float
    profile: bool = False
    travels: bool = False


ACTIONS = {
    "bend": Action(_bend, 40, profile=True),
    "jack": Action(_jack, 24),
    "jump": Action(_jump, 22, profile=True, travels=True),
    "pjump": Action(_pjump, 20),
    "run": Action(_run, 17, profile=True, travels=True),
    "side": Action(_side, 20, travels=True),
    "skip": Action(_skip, 28, profile=True, travels=True),
    "walk": Action(_walk, 26, profile=True, travels=True),
    "wave1": Action(_wave1, 20),
    "wave2": Action(_wave2, 22),
}


def perform(action: Action, phase: Track, gain: float, unrest: float, rng: np.random.Generator) -> Pose:
    """The action's pose, with all its departures from standing scaled by `gain` and every angle astray by `unrest`.

    The astray part is two slow sines of the phase for each angle, so neighbouring frames stay together.
    """
    moved = STAND | action.pose(phase)
    pose = {}
    for joint in JOINTS:
        rest = STAND.get(joint, 0.0)
        track = rest + gain * (moved.get(joint, 0.0) - rest) + np.zeros_like(phase)
        drift = rng.normal(0.0, unrest, 2) @ np.sin(np.outer((1.9, 3.1), phase) + rng.uniform(0, 2 * np.pi, (2, 1)))
        pose[joint] = track if joint in ("lift", "surge") else track + drift
    return pose


def path(frames: int, crossing: float, start: float) -> tuple[Track, Track]:
    """Where a traveller is, from -1 to 1 and back, and the way it faces: 1 to the right, -1 to the left, 0 to us.

    One crossing takes `crossing` frames, the first one begun at its fraction `start`. The way is a triangle wave with
    rounded corners, where the person turns round by way of facing us.
    """
    round_off = 0.998
    angle = np.pi * (start + np.arange(frames) / crossing - 0.5)
    where = np.arcsin(round_off * np.sin(angle)) / np.arcsin(round_off)
    return where, round_off * np.cos(angle) / np.sqrt(1 - (round_off * np.sin(angle)) ** 2)


def mirrored(joints: dict[str, Points]) -> dict[str, Points]:
    """The same movement with left and right exchanged."""
    swap = {"left": "right", "right": "left"}
    flip = np.array([1.0, -1.0, 1.0])
    return {" ".join(swap.get(word, word) for word in name.split()): at * flip for name, at in joints.items()}


def _toward(swing: Track, spread: Track, side: int) -> Points:
    """The unit vector of a limb's half."""
    swing, spread = np.radians(swing), np.radians(spread)
    return np.stack([np.sin(swing) * np.cos(spread), side * np.sin(spread), -np.cos(swing) * np.cos(spread)], -1)


def skeleton(pose: Pose, shoulders: float, hips: float) -> dict[str, Points]:
    """Where the joints are (forward kinematics), the lowest foot set down on the ground; `shoulders` and `hips` are the
    half widths. The head has three: its base (`neck`) and, as unit vectors, where it looks and where its crown is.
    """
    lean, sway, twist = (np.radians(pose[name]) for name in ("lean", "sway", "twist"))
    nod = 0.85 * lean + np.radians(pose["nod"])
    zero = np.zeros_like(lean)
    spine = np.stack([np.sin(lean) * np.cos(sway), np.sin(sway), np.cos(lean) * np.cos(sway)], -1)
    across = np.stack([-np.sin(twist), np.cos(twist) * np.cos(sway), -np.sin(sway)], -1)
    joints = {"pelvis": np.stack([zero, zero, zero], -1), "neck": SPINE * spine}
    for limb, side in LIMBS.items():
        kind = limb.split()[1]
        swing, spread, bend, fold = (pose[f"{limb} {joint}"] for joint in ("swing", "spread", "bend", "fold"))
        root = joints["neck"] - 0.03 * spine + side * shoulders * across if kind == "arm" else side * hips * np.eye(3)[1]
        upper, lower = LENGTHS[kind]
        joints[f"{limb} root"] = root + joints["pelvis"]
        joints[f"{limb} middle"] = joints[f"{limb} root"] + upper * _toward(swing, spread, side)
        joints[f"{limb} end"] = joints[f"{limb} middle"] + lower * _toward(swing + bend, spread + fold, side)
        if kind == "leg":  # the foot turns with the shin
            ahead = _toward(90 + 0.75 * (swing + bend), zero + 12, side)
            down = _toward(0.75 * (swing + bend), zero, side)
            joints[f"{limb} heel"] = joints[f"{limb} end"] - HEEL * ahead + 0.012 * down
            joints[f"{limb} toe"] = joints[f"{limb} end"] + TOE * ahead + 0.018 * down
    lowest = np.min([at[:, 2] for name, at in joints.items() if name.endswith(("heel", "toe"))], axis=0)
    for at in joints.values():
        at[:, 2] += pose["lift"] + SOLE - lowest
    joints["look"] = np.stack([np.cos(nod), zero, -np.sin(nod)], -1)
    joints["crown"] = np.stack([np.sin(nod), 0.8 * np.sin(sway), np.cos(nod)], -1)
    return joints
