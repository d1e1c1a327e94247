"""Decoded once, rebuilt when and only when something changed, never half-written."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from data.films import film
from data.pictures import save
from torch.utils.data import DataLoader

from videogen.data import cache, worker
from videogen.data.clips import Clips
from videogen.data.decode import Footage, VideoFile
from videogen.data.pictures import Views
from videogen.data.sources import Folder, Video
from videogen.errors import UserError, told
from videogen.pictures import Unreadable

MISBEHAVING = """
import os, time
from pathlib import Path
from videogen.data.decode import VideoFile

class Reader(VideoFile):
    def whole(self, file: Path):
        if "hang" in file.name:
            time.sleep(100)
        if "abort" in file.name:
            os.abort()
        if "slow" in file.name:
            time.sleep(0.5)
        print("chatter on stdout")
        return super().whole(file)
"""


def prepared(root, cache_dir, size=16, **options):
    settings = {"frames": 4, "stride": 1, "mirror": False, "crop": "centre", "cache": True} | options
    return Clips(Folder(str(root)), size=size, cache_dir=str(cache_dir), **settings)


@pytest.fixture
def films(tmp_path):
    root = tmp_path / "in"
    for i, name in enumerate(("ada/run/a.avi", "ada/jump/b.avi", "ben/run/c.avi")):
        film(root / name, 12, speed=i + 1)
    return root


def stamps(clips):
    return {row.path: (clips.folder / row.cached).stat().st_mtime_ns for row in clips.index}


def test_arrays_are_reused_and_only_what_changed_is_rebuilt(films, tmp_path):
    first = prepared(films, tmp_path / "cache")
    before = stamps(first)
    assert stamps(prepared(films, tmp_path / "cache")) == before
    film(films / "ada/run/a.avi", 14)
    second = prepared(films, tmp_path / "cache")
    after = stamps(second)
    assert {path for path in before if before[path] != after[path]} == {"ada/run/a.avi"}
    assert len(list(second.folder.glob("*.npy"))) == 3, "the old array of the changed file is gone"
    assert not list(tmp_path.rglob("*.part"))
    table = json.loads((second.folder / "index.json").read_text())
    assert {clip["frames"] for clip in table["clips"] if clip["path"] == "ada/run/a.avi"} == {14}
    assert table["identities"] == ["ada", "ben"] and table["actions"] == ["jump", "run"]


def test_another_size_lies_beside_and_a_selection_removes_nothing(films, tmp_path):
    small, large = prepared(films, tmp_path / "cache"), prepared(films, tmp_path / "cache", size=20)
    assert len(stamps(small)) == len(stamps(large)) == 3 and small.folder != large.folder
    assert small.split("train", 0)[0]["video"].shape == (4, 3, 16, 16)
    assert large.split("train", 0)[0]["video"].shape == (4, 3, 20, 20)
    one = prepared(films, tmp_path / "cache", identities=["ben"])
    assert one.identities == ["ben"] and len(list(one.folder.glob("*.npy"))) == 3


def test_who_lost_their_arrays_to_another_folder_is_told(films, tmp_path):
    first = prepared(films, tmp_path / "cache")
    film(tmp_path / "others/cleo/run/d.avi", 12)
    prepared(tmp_path / "others", tmp_path / "cache")
    with pytest.raises(UserError, match=r"another command .* data\.cache_dir of its own"):
        first.split("train", 0)[0]
    loader = DataLoader(first.split("train", 0), batch_sampler=[[0]], num_workers=1)
    with pytest.raises(UserError) as lost:
        next(iter(loader))
    assert "Traceback" in str(lost.value), "what a worker says has its traceback before it"
    assert re.fullmatch(r"\S+\.npy: this cached video is gone.* of its own", told(lost.value))


def test_a_damaged_cache_heals(films, tmp_path):
    clips = prepared(films, tmp_path / "cache")
    before = stamps(clips)
    arrays = sorted(clips.folder.glob("*.npy"))
    whole = arrays[0].read_bytes()
    arrays[0].write_bytes(whole[: len(whole) // 2])
    arrays[1].unlink()
    (clips.folder / "left.123.part").write_text("half")
    lines = (clips.folder / "records.jsonl").read_text()
    (clips.folder / "records.jsonl").write_text("\0\n" + lines + '["cut in the mi')
    clips = prepared(films, tmp_path / "cache")
    assert arrays[0].read_bytes() == whole and arrays[1].is_file() and not list(clips.folder.glob("*.part"))
    assert sum(before[path] == stamp for path, stamp in stamps(clips).items()) == 1


def test_a_read_only_set_is_only_read(films, tmp_path):
    before = sorted(films.rglob("*"))
    for folder in [films, *films.rglob("*")]:
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    try:
        prepared(films, tmp_path / "cache")
        assert sorted(films.rglob("*")) == before
    finally:
        for folder in [films, *films.rglob("*")]:
            folder.chmod(0o755)


def test_a_cache_that_cannot_be_made_is_told(films, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Not a directory; set data\.cache_dir"):
        prepared(films, tmp_path / "file" / "cache")


def test_a_full_disk_leaves_nothing_half_written(films, tmp_path, monkeypatch):
    """The disk is full at the second array: its half is removed, the first stays, the next run goes on."""
    (films / "ben/run/c.avi").unlink()  # a third might be on its way when the second fails
    folder = tmp_path / "cache" / "centre_16"
    started = []

    def save(file, array, real=np.save):
        started.append(file)
        if len(started) == 1:
            return real(file, array)
        while not (folder / "records.jsonl").stat().st_size:  # until the first is on record
            time.sleep(0.01)
        file.write(b"half")
        raise OSError(28, "No space left on device")

    class Here:
        do = staticmethod(worker.perform)
        close = staticmethod(lambda: None)

    monkeypatch.setattr(cache, "Worker", Here)
    monkeypatch.setattr(cache, "WORKERS", 1)
    with monkeypatch.context() as full:
        full.setattr(worker.np, "save", save)
        with pytest.raises(OSError, match="No space left"):
            prepared(films, tmp_path / "cache")
    (kept,) = folder.glob("*.npy")
    assert not list(folder.glob("*.part"))
    stamp = kept.stat().st_mtime_ns
    clips = prepared(films, tmp_path / "cache")
    assert len(stamps(clips)) == 2 and kept.stat().st_mtime_ns == stamp


@pytest.fixture
def misbehaving(tmp_path, monkeypatch):
    """A reader that hangs, aborts or dawdles by a file's name, importable in the worker process too."""
    (tmp_path / "mis").mkdir()
    (tmp_path / "mis" / "misbehaving.py").write_text(MISBEHAVING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "mis"))
    monkeypatch.syspath_prepend(tmp_path / "mis")
    import misbehaving

    return misbehaving.Reader()


def test_a_decoder_that_hangs_or_aborts_loses_only_its_file(tmp_path, misbehaving, monkeypatch):
    monkeypatch.setattr(cache, "SECONDS", 1)
    monkeypatch.setattr(Folder, "reader", misbehaving)
    for name in ("abort", "good", "hang", "fine"):
        film(tmp_path / "in/ada/run" / f"{name}.avi", 12)
    clips = prepared(tmp_path / "in", tmp_path / "cache")
    assert sorted(clips.skipped) == [
        ("ada/run/abort.avi", "the decoder crashed (SIGABRT)"),
        ("ada/run/hang.avi", "decoding took longer than 1 s"),
    ]
    assert {row.path for row in clips.index} == {"ada/run/fine.avi", "ada/run/good.avi"}
    began = time.monotonic()
    assert prepared(tmp_path / "in", tmp_path / "cache").skipped == clips.skipped
    assert time.monotonic() - began < 0.9, "a verdict stands until the file changes"


def test_killed_half_way_it_goes_on_where_it_stopped(tmp_path, misbehaving):
    for i in range(8):
        film(tmp_path / "in/ada/run" / f"slow_{i}.avi", 12)
    program = (
        "import sys\nfrom misbehaving import Reader\nfrom videogen.data import cache\n"
        "from videogen.data.clips import Clips\nfrom videogen.data.sources import Folder\n"
        "Folder.reader, cache.WORKERS = Reader(), 1\n"
        f"Clips(Folder({str(tmp_path / 'in')!r}), size=16, frames=4, stride=1, mirror=False, crop='centre', cache=True,"
        f" cache_dir={str(tmp_path / 'cache')!r})"
    )
    folder = tmp_path / "cache" / "centre_16"
    process = subprocess.Popen([sys.executable, "-c", program], env=dict(os.environ))
    deadline = time.monotonic() + 30
    while len(list(folder.glob("*.npy"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)  # its worker ends the job in hand, then itself
    done = {file: file.stat().st_mtime_ns for file in folder.glob("*.npy")}
    assert 2 <= len(done) < 8 and not list(folder.glob("*.part"))
    assert all(np.load(file).shape == (12, 16, 16, 3) for file in done)
    recorded = {json.loads(line)[0] for line in (folder / "records.jsonl").read_text().splitlines()}
    clips = prepared(tmp_path / "in", tmp_path / "cache")
    assert {row.path for row in clips.index} == {f"ada/run/slow_{i}.avi" for i in range(8)}
    assert all(file.stat().st_mtime_ns == stamp for file, stamp in done.items() if file.stem in recorded)


def test_two_processes_prepare_at_once(films, tmp_path):
    program = (
        "from videogen.data.clips import Clips\nfrom videogen.data.sources import Folder\n"
        f"c = Clips(Folder({str(films)!r}), size=16, frames=4, stride=1, mirror=False, crop='centre', cache=True,"
        f" cache_dir={str(tmp_path / 'cache')!r})\nprint(c.split('train', 0)[5]['video'].sum().item())"
    )
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=60)[0] for process in both]
    assert told[0] == told[1] != "" and all(process.returncode == 0 for process in both)


def test_what_one_job_answers(tmp_path):
    class Bad(VideoFile):
        @staticmethod
        def whole(file: Path) -> Footage:
            raise MemoryError if "large" in file.name else Unreadable("no good")

    for name, reason in (("large", worker.OUT_OF_MEMORY), ("x", "no good")):
        job = worker.Job(Bad(), tmp_path / name, "centre", 8, None, 1)
        assert worker.perform(job) == {"reason": reason}


def test_keys_follow_the_file(tmp_path):
    file = film(tmp_path / "a.avi", 4)
    video, store = Video("a.avi", file, "ada", "run"), cache.Cache(tmp_path / "cache", "centre", 8)
    key = store.key(video, VideoFile())
    os.utime(file, ns=(1, 1))
    assert store.key(video, VideoFile()) != key
    assert cache.Cache(tmp_path / "cache", "person", 8).key(video, VideoFile()) != store.key(video, VideoFile())


def test_keys_follow_every_picture_of_a_folder_and_how_it_is_read(tmp_path):
    for angle in (0, 120, 240):
        save(tmp_path / "cup" / f"{angle}.png", np.full((8, 8, 3), angle, np.uint8))
    video, store = Video("cup", tmp_path / "cup", "object", ""), cache.Cache(tmp_path / "cache", "union", 8)
    pattern = r"(?P<angle>\d+)\.png"
    keys = [store.key(video, Views(pattern)), store.key(video, Views(pattern, invert=True))]
    folder = (tmp_path / "cup").stat().st_mtime_ns
    (tmp_path / "cup" / "note.txt").write_text("not read, so it changes nothing")
    assert store.key(video, Views(pattern)) == keys[0] != keys[1]
    os.utime(tmp_path / "cup", ns=(folder, folder))
    (tmp_path / "cup" / "120.png").write_bytes(b"overwritten")
    assert (tmp_path / "cup").stat().st_mtime_ns == folder, "the folder alone would not tell"
    assert store.key(video, Views(pattern)) != keys[0]
