"""The drawn data set: the same every time, varied where it should be, whole in the picture and readable as video."""

import json
import os

import numpy as np
import pytest
import torch  # noqa: F401  (before decord)
from decord import VideoReader

from videogen.data.actors import ACTIONS, IDENTITIES, MANIFEST, draw_clip, write_actors
from videogen.errors import UserError


def _movers(clip: np.ndarray) -> np.ndarray:
    """Where each frame's person may be: whatever differs from the clip's median picture or changes in time."""
    return np.abs(clip.astype(int) - np.median(clip, axis=0)).max(-1) > 40


def test_names():
    assert len(set(IDENTITIES)) == 9
    assert ACTIONS == ("bend", "jack", "jump", "pjump", "run", "side", "skip", "walk", "wave1", "wave2")


def test_a_clip_is_a_function_of_its_arguments():
    clip = draw_clip("ada", "skip", 1, frames=6, seed=3)
    assert clip.shape == (6, 144, 180, 3) and clip.dtype == np.uint8
    np.testing.assert_array_equal(clip, draw_clip("ada", "skip", 1, frames=6, seed=3))
    for other in (
        ("ada", "skip", 2, 6, 3),
        ("ada", "skip", 1, 6, 4),
        ("ben", "skip", 1, 6, 3),
        ("ada", "run", 1, 6, 3),
    ):
        assert np.abs(clip.astype(int) - draw_clip(*other)).mean() > 0.5


def test_people_differ_more_than_performances():
    means = {who: [draw_clip(who, "walk", n, frames=2)[0].mean((0, 1)) for n in range(2)] for who in IDENTITIES}
    within = max(np.abs(a - b).max() for a, b in means.values())
    between = min(np.abs(means[a][0] - means[b][0]).max() for a in IDENTITIES for b in IDENTITIES if a < b)
    assert between > 3 and within < 20


@pytest.mark.parametrize("action", ACTIONS)
def test_the_person_moves_and_stays_in_the_picture(action: str):
    for who in ("ben", "hugo"):
        clip = draw_clip(who, action)
        assert np.abs(np.diff(clip[:19].astype(int), axis=0)).max(-1).sum((1, 2)).max() > 20_000
        moving = _movers(clip).any(0)
        assert moving.sum() > 300
        assert not moving[:2].any() and not moving[-2:].any()
        assert not moving[:, :17].any() and not moving[:, -17:].any()  # a central square crop loses nothing


def test_a_long_clip_turns_round_within_the_picture():
    moving = _movers(draw_clip("iris", "walk", frames=160))
    assert moving.any((1, 2)).all() and not moving[..., :17].any() and not moving[..., -17:].any()
    middle = (moving.sum(1) * np.arange(180)).sum(1) / moving.sum((1, 2))
    steps = np.diff(middle[::10])
    assert (steps > 0).any() and (steps < 0).any()


def test_the_files_are_the_drawings(tmp_path):
    settings = dict(performances=2, frames=12, workers=1, identities=("cleo",), actions=("jack", "walk"))
    paths = write_actors(tmp_path, **settings)
    assert [path.name for path in paths] == [f"cleo_{name}.avi" for name in ("jack", "jack2", "walk", "walk2")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([MANIFEST, *(path.name for path in paths)])
    reader = VideoReader(str(paths[1]))
    decoded = reader.get_batch(range(len(reader))).asnumpy()
    drawn = draw_clip("cleo", "jack", 1, frames=12)
    assert decoded.shape == drawn.shape and round(reader.get_avg_fps()) == 25
    assert np.abs(decoded.astype(int) - drawn).mean() < 2.5

    before = {path: path.stat().st_mtime_ns for path in paths}
    assert write_actors(tmp_path, **settings) == paths
    assert {path: path.stat().st_mtime_ns for path in paths} == before
    paths[0].unlink()
    write_actors(tmp_path, **settings)
    assert paths[0].exists() and paths[1].stat().st_mtime_ns == before[paths[1]]

    fewer = write_actors(tmp_path, **settings | {"performances": 1, "seed": 7})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([MANIFEST, *(path.name for path in fewer)])
    assert json.loads((tmp_path / MANIFEST).read_text())["seed"] == 7


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be taken away here")
def test_the_files_are_the_same_on_any_number_of_cores(tmp_path):
    cores, drawn = os.sched_getaffinity(0), []
    try:
        for name, some in (("all", cores), ("one", {min(cores)})):
            os.sched_setaffinity(0, some)
            (path,) = write_actors(
                tmp_path / name, performances=1, frames=6, workers=1, identities=("ada",), actions=("jack",)
            )
            drawn.append(path.read_bytes())
    finally:
        os.sched_setaffinity(0, cores)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("who, what, told", [("zoe", "walk", "identity 'zoe'"), ("ada", "swim", "action 'swim'")])
def test_an_unknown_name_is_told_with_the_valid_ones(tmp_path, who: str, what: str, told: str):
    with pytest.raises(UserError, match=f"{told}.*(ada, ben|bend, jack)"):
        draw_clip(who, what)
    with pytest.raises(UserError, match=told):
        write_actors(tmp_path / "none", identities=(who,), actions=(what,))
    assert not (tmp_path / "none").exists()
