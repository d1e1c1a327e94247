import numpy as np
import pytest

from videogen.data.crop import boxes, cutting, resize
from videogen.pictures import Unreadable

HEIGHT, WIDTH = 144, 180


def scene(paths, noise=2.0):
    """Frames [t h w c] of a noisy, patterned wall with upright rectangles (top, left, height, width) per frame."""
    rng = np.random.default_rng(0)
    wall = np.kron(rng.integers(90, 150, (HEIGHT // 6, WIDTH // 6, 3)), np.ones((6, 6, 1)))
    frames = np.repeat(wall[None], len(paths), 0) + rng.normal(0, noise, (len(paths), HEIGHT, WIDTH, 3))
    for frame, parts in zip(frames, paths, strict=True):
        for top, left, height, width in parts:
            frame[top : top + height, max(0, left) : max(0, left + width)] = (230, 30, 40)
    return frames.clip(0, 255).astype(np.uint8)


def holds(box, part):
    (top, left, side), (t, x, h, w) = box, part
    return top <= t and t + h <= top + side and left <= max(0, x) and min(WIDTH, x + w) <= left + side


def inside(squares):
    assert (squares[:, :2] >= 0).all() and (squares[:, 2] > 0).all()
    assert (squares[:, 0] + squares[:, 2] <= HEIGHT).all() and (squares[:, 1] + squares[:, 2] <= WIDTH).all()


def test_a_walker_is_followed_smoothly_with_one_side():
    paths = [[(50, 2 * t - 10, 70, 22)] for t in range(100)]
    squares = boxes(scene(paths), "person")
    inside(squares)
    assert len(set(squares[:, 2])) == 1 and 70 <= squares[0, 2] <= 110
    assert sum(holds(box, parts[0]) for box, parts in zip(squares, paths, strict=True)) >= 97
    assert np.ptp(squares[:, 1]) > 80 and np.abs(np.diff(squares[:, 1])).max() <= 4
    assert np.ptp(squares[:, 0]) == 0, "nothing moves up or down"


def test_somebody_who_stands_and_waves_keeps_a_still_square_around_the_body():
    paths = [[(45, 80, 75, 20), (45 + round(20 * np.sin(t / 4)), 100, 8, 22)] for t in range(60)]
    squares = boxes(scene(paths), "person")
    inside(squares)
    assert (squares == squares[0]).all()
    assert all(holds(squares[0], part) for parts in paths[::5] for part in parts[1:])
    assert holds(squares[0], (45, 85, 50, 12)), "the body, though only the arm moves"


def test_a_jump_on_the_spot_stays_a_jump():
    paths = [[(30 + round(15 * abs(np.sin(t / 5))), 70, 70, 24)] for t in range(60)]
    squares = boxes(scene(paths), "person")
    assert (squares == squares[0]).all() and all(holds(squares[0], parts[0]) for parts in paths)


def test_nothing_moves_or_everything_does():
    centre = [0, 18, 144]
    assert boxes(scene([[] for _ in range(10)]), "person").tolist() == [centre] * 10
    shaken = np.random.default_rng(0).integers(0, 256, (10, HEIGHT, WIDTH, 3), dtype=np.uint8)
    inside(boxes(shaken, "person"))
    inside(boxes(scene([[(50, 80, 40, 20)]]), "person"))


def test_large_frames_are_measured_small():
    frames = scene([[(50, 2 * t, 70, 22)] for t in range(60)]).repeat(3, 1).repeat(3, 2)
    small = boxes(frames[:, ::3, ::3], "person")
    assert np.abs(boxes(frames, "person") - 3 * small).max() <= 16


def test_centre_and_none():
    wide = np.zeros((2, 4, 10, 3), np.uint8)
    assert boxes(wide, "centre").tolist() == [[0, 3, 4]] * 2
    with pytest.raises(Unreadable, match=r"10x4 are not square; set data\.crop"):
        boxes(wide, "none")
    assert boxes(wide[:, :, :4], "none").tolist() == [[0, 0, 4]] * 2


def test_resize_is_exact_at_its_own_size_and_antialiased_below():
    frames = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    assert np.array_equal(resize(frames, boxes(frames, "none"), 16, "none"), frames)
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    grey = resize(stripes, boxes(stripes, "none"), 16, "none")
    assert np.abs(grey[:, 2:-2, 2:-2].astype(int) - 127).max() < 12


@pytest.mark.parametrize("plain", [0, 255])
def test_a_union_holds_all_that_any_frame_shows(plain):
    frames = np.full((3, 60, 80, 3), plain, np.uint8)
    frames[0, 20:30, 40:44] = 100
    frames[1, 22:40, 38:43] = (255 - plain, 100, plain)
    frames[2, 24:28, 30:41, 1] = 128  # in one channel
    # rows 20 to 39, columns 30 to 43: 20 high, so a square of 20 and a border of 60 / 30 = 2 on each side
    assert boxes(frames, "union").tolist() == [[18, 25, 24]] * 3
    small = resize(frames, boxes(frames, "union"), 24, "union")
    assert (small[:, :2] == plain).all() and (small[:, :, :2] == plain).all()
    assert boxes(np.full_like(frames, plain), "union").tolist() == [[0, 10, 60]] * 3, "nothing is shown"


def test_a_union_may_reach_beyond_the_frame_where_its_rim_goes_on():
    frames = np.full((1, 30, 30, 3), 255, np.uint8)
    frames[0, 0:30, 10:20] = 7
    assert boxes(frames, "union").tolist() == [[-1, -1, 32]]
    square = resize(frames, boxes(frames, "union"), 32, "union")[0]
    assert (square[:, 11:21] == 7).all() and (square[:, :11] == 255).all() and (square[:, 21:] == 255).all()


def test_reducing_a_union_does_not_ring():
    frames = np.zeros((1, 128, 128, 3), np.uint8)
    frames[:, 32:96, 32:96] = 255
    whole = np.array([[0, 0, 128]])
    assert (resize(frames, whole, 48, "union")[0].any(-1).sum(1) > 0).sum() == 26, "24 rows, and one on each side"
    assert (resize(frames, whole, 48, "none")[0].any(-1).sum(1) > 0).sum() > 26


def test_a_lone_picture_is_cut_out_as_its_set_is():
    assert cutting("centre", 16, False) is None
    picture = np.full((1, 60, 90, 3), 255, np.uint8)
    picture[:, 20:40, 50:70] = 200
    frame = cutting("union", 16, True)(picture)
    assert frame.shape == (1, 16, 16, 3)
    assert frame[0, 8, 8].tolist() == [55, 55, 55] and not frame[0, 0].any(), "in the middle, on black"
    assert not cutting("centre", 16, True)(np.full((1, 60, 90, 3), 255, np.uint8)).any(), "inverted, however it is cut"
