from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from videogen.errors import UserError
from videogen.generation import writers
from videogen.generation.writers import grid, sheet, write_gif, write_mp4, write_png
from videogen.pixels import to_uint8


def moving_square(t: int = 8, h: int = 32, w: int = 32, colour: tuple[float, ...] = (0.9, -0.2, -0.8)) -> torch.Tensor:
    """A square that moves 2 px a frame to the right on grey: [t c h w]."""
    video = torch.full((t, len(colour), h, w), 0.4)
    for k in range(t):
        video[k, :, 8:16, 2 * k : 2 * k + 8] = torch.tensor(colour)[:, None, None]
    return video


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def pixels(video: torch.Tensor) -> np.ndarray:
    return to_uint8(video).movedim(1, -1).numpy()


def error(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return np.abs(a.astype(float) - b.astype(float)).mean()


def test_mp4_decodes_to_the_same_video(tmp_path):
    path = tmp_path / "new" / "folder" / "a.mp4"
    write_mp4(path, moving_square(), fps=12.5)
    assert error(decoded(path), pixels(moving_square())) < 4
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(25, 2)
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


def test_mp4_pads_odd_sides_with_the_edge(tmp_path):
    video = moving_square(h=31, w=33)
    write_mp4(tmp_path / "a.mp4", video, fps=10)
    expected = np.pad(pixels(video), ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")
    assert expected.shape == (8, 32, 34, 3)
    assert error(decoded(tmp_path / "a.mp4"), expected) < 4


@pytest.mark.parametrize("write, name", [(write_mp4, "a.mp4"), (write_gif, "a.gif")])
def test_scale_enlarges_and_grey_is_shown_and_a_batch_is_side_by_side(tmp_path, write, name):
    video = moving_square(colour=(-0.9,))
    write(tmp_path / name, torch.stack([video, -video]), fps=10, scale=2)
    shown = decoded(tmp_path / name)
    assert shown.shape == (8, 64, 128, 3)
    assert error(shown[:, ::2, ::2], pixels(torch.cat([video, -video], dim=3)).repeat(3, axis=-1)) < 12


def test_finished_pixels_are_written_as_they_are(tmp_path):
    frames = torch.from_numpy(pixels(moving_square()))
    write_gif(tmp_path / "a.gif", frames, fps=10)
    assert error(decoded(tmp_path / "a.gif"), frames.numpy()) < 2


def test_gif_decodes_to_the_same_video_and_loops_for_ever(tmp_path):
    path = tmp_path / "folder" / "a.gif"
    write_gif(path, moving_square(), fps=10)
    assert error(decoded(path), pixels(moving_square())) < 2
    with Image.open(path) as image:
        assert image.n_frames == 8
        assert image.info["loop"] == 0
    assert [p.name for p in path.parent.iterdir()] == ["a.gif"]


@pytest.mark.parametrize("fps, delays", [(10, [100] * 6), (12, [80, 90, 80, 80, 90, 80]), (50, [20] * 6)])
def test_gif_delays_keep_the_mean_rate(tmp_path, fps, delays):
    write_gif(tmp_path / "a.gif", moving_square(t=6), fps=fps)
    with Image.open(tmp_path / "a.gif") as image:
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)] == delays


def test_a_gif_keeps_frames_that_do_not_move_and_a_single_frame(tmp_path):
    write_gif(tmp_path / "still.gif", moving_square(t=1).repeat(5, 1, 1, 1), fps=10)
    write_gif(tmp_path / "one.gif", moving_square(t=1), fps=10)
    assert len(decoded(tmp_path / "still.gif")) == 5
    assert len(decoded(tmp_path / "one.gif")) == 1


def test_what_stands_still_in_a_gif_does_not_flicker(tmp_path):
    texture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    video = torch.cat([moving_square(), texture.expand(8, 3, 32, 32)], dim=3)
    write_gif(tmp_path / "a.gif", video, fps=10)
    assert not np.diff(decoded(tmp_path / "a.gif")[:, :, 32:].astype(int), axis=0).any()


def test_impossible_rates_are_told_in_one_line(tmp_path):
    with pytest.raises(UserError, match="at most 50 frames a second"):
        write_gif(tmp_path / "a.gif", moving_square(), fps=60)
    for write in (write_gif, write_mp4):
        with pytest.raises(UserError, match="above 0"):
            write(tmp_path / "a", moving_square(), fps=0)
    assert not list(tmp_path.iterdir())


def test_png_of_a_frame_is_exact_and_of_a_picture_too(tmp_path):
    frame = moving_square()[0]
    write_png(tmp_path / "folder" / "frame.png", frame)
    write_png(tmp_path / "picture.png", Image.new("RGB", (5, 4), (1, 2, 3)))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "folder" / "frame.png")), pixels(frame[None])[0])
    assert Image.open(tmp_path / "picture.png").getpixel((4, 3)) == (1, 2, 3)
    assert not list(tmp_path.rglob("*.part"))


def test_a_sheet_shows_the_frames_evenly_chosen():
    # Frame k of video i is one flat colour, so that each cell tells which frame it is.
    level = torch.arange(12).view(1, 12) * 16 + torch.arange(2).view(2, 1) * 8
    videos = (level / 127.5 - 1)[:, :, None, None, None].expand(2, 12, 3, 64, 64)
    picture = np.asarray(sheet(videos, ["one", "two"], columns=4, cell=64))
    # The cells end 8 px before the border, 66 px apart; 0, 11/3, 22/3, 11 round to 0, 4, 7, 11.
    right, bottom = (np.flatnonzero((picture < 250).any(axis=(1 - axis, 2)))[-1] for axis in (1, 0))
    centres = [[picture[bottom - 32 - 66 * (1 - i), right - 32 - 66 * (3 - k)] for k in range(4)] for i in range(2)]
    expected = level[:, [0, 4, 7, 11]].numpy()[:, :, None].repeat(3, axis=-1)
    assert np.array_equal(np.array(centres), expected)


def test_a_sheet_grows_with_rows_columns_labels_and_title():
    videos = torch.zeros(4, 6, 3, 16, 24)
    size = sheet(videos[:2], ["a", "b"], cell=64).size
    assert sheet(videos, ["a", "b", "a", "b"], cell=64).size == (size[0], size[1] + 2 * 66)
    assert sheet(videos[:2], ["a", "b"], columns=5, cell=64).size == (size[0] - 98, size[1])  # 64 * 24 / 16 + 2
    assert sheet(videos[:2], ["a", "a long name"], cell=64).width > size[0]
    assert sheet(videos[:2], ["a", "b"], cell=64, title="title").height > size[1]
    assert sheet(videos[:2], ["a", "b"], cell=64, title="a very long title " * 10).width > 1000
    with pytest.raises(ValueError, match="4 videos but 1 labels"):
        sheet(videos, ["a"])


def test_a_grid_places_each_video_in_its_row_and_column(tmp_path):
    rows, columns = ["ada", "bo"], ["bend", "wave1", "wave2"]
    level = torch.arange(6).view(6, 1) * 30 + torch.arange(5).view(1, 5)
    videos = (level / 127.5 - 1)[:, :, None, None, None].expand(6, 5, 1, 32, 32)
    frames = grid(videos, rows, columns, cell=32)
    assert frames.dtype == torch.uint8
    t, h, w, c = frames.shape
    assert (t, h % 2, w % 2, c) == (5, 0, 0, 3)
    left = w - 3 * 34
    left -= left % 2  # the page may be a pixel wider, to be even
    for k in range(6):
        i, j = divmod(k, 3)
        y, x = h - 8 - 16 - 34 * (1 - i), w - 8 - 16 - 34 * (2 - j)
        assert torch.equal(frames[:, y, x], level[k].to(torch.uint8)[:, None].expand(5, 3))
    assert torch.equal(frames[0, :24], frames[4, :24])  # the header stands still
    write_gif(tmp_path / "grid.gif", frames, fps=10)
    shown = decoded(tmp_path / "grid.gif")
    assert shown.shape == frames.shape
    assert (shown[:, :, :8] >= 253).all()  # dithering leaves the paper white to the eye
    with pytest.raises(ValueError, match="do not fill"):
        grid(videos, rows, columns[:2])


def test_long_column_names_shrink_to_fit():
    sizes = [writers._fitting([name], 64).getlength(name) for name in ("bend", "jumping in place", "w" * 12)]
    assert sizes[0] < 64
    assert sizes[1] < 64
