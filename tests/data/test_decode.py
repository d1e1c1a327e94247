"""Real files that misbehave: each is read rightly or gets a reason in plain words; none takes the program down."""

import shutil

import numpy as np
import pytest
from data.films import SHARED, film, frames_of

from videogen.data.clips import Clips
from videogen.data.decode import Reference, StripFile, VideoFile
from videogen.data.sources import Folder
from videogen.errors import UserError
from videogen.pictures import Unreadable

ODD = SHARED / "odd"
REASONS = {
    "avi_truncated_half.avi": "cut off: header promises 250 frames, 119 can be decoded",
    "decord_corrupted.mp4": "cut off: header promises 50 frames, 28 can be decoded",
    "mp4_truncated_no_moov.mp4": "cut off: the index at the end of this MP4 file is missing",
    "text_named.avi": "not a video (no container that decord reads:",
    "torchcodec_av1_video.mkv": "AV1, which decord cannot decode; re-encode with ffmpeg -i in -c:v libx264 out.mp4",
    "torchcodec_sine_mono_s16.wav": "no video stream (sound only)",
    "zero_bytes.avi": "empty file",
}
READABLE = {"decord_unordered.mov", "decord_video_90.mov", "torchcodec_h265_10bits.mp4"}
needs_odd = pytest.mark.skipif(not ODD.is_dir(), reason="../shared/data/odd is not here")


@needs_odd
def test_odd_files_among_good_ones_are_named_and_skipped(tmp_path):
    shutil.copytree(ODD, tmp_path / "in" / "odd" / "any")
    film(tmp_path / "in" / "ada" / "run" / "good.avi", 24)
    clips = Clips(
        Folder(str(tmp_path / "in")), size=16, frames=3, stride=1, mirror=False, crop="centre", cache=True,
        cache_dir=str(tmp_path / "cache"),
    )  # fmt: skip
    skipped = {path.removeprefix("odd/any/"): reason for path, reason in clips.skipped}
    assert skipped.keys() == REASONS.keys()
    for name, reason in REASONS.items():
        assert skipped[name].startswith(reason)
    assert {row.path.split("/")[-1] for row in clips.index} == READABLE | {"good.avi"}
    turned = next(row for row in clips.index if row.path.endswith("video_90.mov"))
    assert (turned.height, turned.width) == (568, 320), "turned as its metadata say"
    assert sorted(path for path, _ in clips.notes) == ["odd/any/decord_unordered.mov", "odd/any/decord_video_90.mov"]


@needs_odd
@pytest.mark.parametrize("name", sorted(REASONS))
def test_each_odd_file_alone_is_one_clear_line(tmp_path, name):
    place = tmp_path / "in" / "ada" / "run" / name
    place.parent.mkdir(parents=True)
    if name in ("zero_bytes.avi", "text_named.avi"):  # the way through the worker process; the others directly: seconds
        shutil.copy(ODD / name, place)
        with pytest.raises(UserError) as told:
            Clips(
                Folder(str(tmp_path / "in")), size=16, frames=3, stride=1, mirror=False, crop="centre", cache=True,
                cache_dir=str(tmp_path / "cache"),
            )  # fmt: skip
        assert REASONS[name] in str(told.value) and "\n" not in str(told.value)
    else:
        with pytest.raises(Unreadable) as reason:
            VideoFile().whole(ODD / name)
        assert str(reason.value).startswith(REASONS[name])


@pytest.mark.parametrize(
    ("name", "codec", "b_frames"),
    [
        ("a.avi", "mpeg4", 0),
        ("b.avi", "mpeg4", 2),
        ("c.mp4", "libx264", 3),
        ("d.mkv", "ffv1", 0),
    ],
)
def test_whole_and_span_give_the_frames_that_were_written(tmp_path, name, codec, b_frames):
    file = film(tmp_path / name, 40, codec, b_frames)
    footage = VideoFile().whole(file)
    written = frames_of(40)[: len(footage.frames)]
    assert len(written) >= 39 and abs(footage.fps - 25) < 0.01
    apart = np.abs(footage.frames[:, None].astype(np.int16) - written[None]).mean((2, 3, 4))
    assert apart.argmin(1).tolist() == list(range(len(written))), "every frame is the one written there"
    for start in (0, 7, len(written) - 5):
        span = VideoFile().span(file, start, start + 5, footage.seekable)
        assert np.array_equal(span, footage.frames[start : start + 5])


@pytest.mark.parametrize(("width", "height"), [(61, 45), (160, 30), (50, 120)])
def test_odd_sizes(tmp_path, width, height):
    footage = VideoFile().whole(film(tmp_path / "a.avi", 12, width=width, height=height))
    assert footage.frames.shape == (12, height, width, 3)


def test_wrong_frames_are_seen(tmp_path):
    file = film(tmp_path / "a.avi", 20, speed=2)
    reference, frames = Reference.of(file), VideoFile().whole(file).frames
    assert reference.disagreements(frames) == []
    repeated = frames.copy()
    repeated[-1] = repeated[-2]
    assert reference.disagreements(repeated) == [19]
    assert reference.disagreements(np.roll(frames, 1, 0))[-18:] == list(range(2, 20))
    assert reference.disagreements(255 - frames) == list(range(20))


def test_decord_that_repeats_the_last_frame_loses_only_that_frame(tmp_path, monkeypatch):
    """What decord does to some AVI files with B-frames, done to it here on purpose."""
    file = film(tmp_path / "a.avi", 20, speed=2)
    honest = Reference.disagreements
    monkeypatch.setattr(Reference, "disagreements", lambda self, frames: [*honest(self, frames), len(frames) - 1])
    footage = VideoFile().whole(file)
    assert len(footage.frames) == 19 and "last frame" in footage.note
    monkeypatch.setattr(Reference, "disagreements", lambda self, frames: [3, 4, 5])
    with pytest.raises(Unreadable, match="decodes 3 of 20 frames wrongly"):
        VideoFile().whole(file)


def test_damaged_pictures(tmp_path):
    file = tmp_path / "1.png"
    for content, reason in ((b"", "empty file"), (b"hello", "not a readable picture")):
        file.write_bytes(content)
        with pytest.raises(Unreadable, match=reason):
            StripFile().whole(file)


def test_transport_stream_is_refused_rather_than_read_wrongly(tmp_path):
    with pytest.raises(Unreadable, match="re-encode with ffmpeg"):
        VideoFile().whole(film(tmp_path / "a.ts", 40, "libx264", 3))
