"""Every video is decoded once: what was learnt of it goes into `records.jsonl`, its small frames into one `.npy` each.

    <cache_dir>/<crop>_<size>/records.jsonl, <key>.npy, index.json

A key changes with the file (path, bytes, time of change; of each picture where a folder of them is the video), with how
it is read, the crop, the size and `VERSION`: what changed is read again and nothing else. A kill at any moment leaves
whole arrays and whole records; the next run takes up from there.
"""

import errno
import fcntl
import functools
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm

from videogen.data.decode import Reader
from videogen.data.sources import Video
from videogen.data.worker import Job, Worker
from videogen.errors import UserError
from videogen.files import written_whole

VERSION = 1  # of what a cached array holds: raise it when decoding, cropping or resizing changes
SECONDS = 60  # a video that takes longer than this is given up
WORKERS = min(4, os.cpu_count() or 1)

Record = dict[str, Any]  # frames, height, width, fps, seekable, boxes; or reason, where the video cannot be used


class Cache:
    """The cached arrays and records of one crop and size, below `cache_dir`."""

    def __init__(self, cache_dir: Path, crop: str, size: int):
        self.crop, self.size = crop, size
        self.folder = cache_dir / f"{crop}_{size}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".lock").touch()
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            raise UserError(f"{self.folder}: {error.strerror}; set data.cache_dir to a folder of your own") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process prepares at a time; the others wait, then find everything done. Killed holders let go."""
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def key(self, video: Video, reader: Reader) -> str:
        facts = (video.path, *reader.facts(video.file), self.crop, self.size, VERSION)
        return hashlib.blake2b(repr(facts).encode(), digest_size=10).hexdigest()

    def array(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def build(self, videos: list[Video], keys: dict[str, str], reader: Reader, arrays: bool) -> dict[str, Record]:
        """The record of every video, by path; those not yet read are read now. Call it under `locked`.

        `keys` has the key of each, by path, and may have others': arrays and records of no key in it are removed.
        """
        loaded = self._load()
        keep = set(keys.values())
        for stale in self.folder.iterdir():
            if stale.suffix == ".part" or (stale.suffix == ".npy" and stale.stem not in keep):
                stale.unlink()
        records = {key: record for key, record in loaded.items() if key in keep}
        due = [video for video in videos if not self._done(keys[video.path], records.get(keys[video.path]), arrays)]
        jobs = {
            keys[video.path]: Job(
                reader, video.file, self.crop, self.size, self.array(keys[video.path]) if arrays else None, SECONDS
            )
            for video in due
        }
        if not due and records == loaded:
            return {video.path: records[keys[video.path]] for video in videos}
        self._write(records)
        with (self.folder / "records.jsonl").open("a") as log:
            for key, record in read_all(jobs):
                records[key] = record
                log.write(json.dumps([key, record]) + "\n")
                log.flush()
        return {video.path: records[keys[video.path]] for video in videos}

    def _done(self, key: str, record: Record | None, arrays: bool) -> bool:
        if record is None:
            return False
        if "reason" in record or not arrays:
            return True
        array = self.array(key)
        pixels = record["frames"] * self.size * self.size * 3
        return array.is_file() and array.stat().st_size > pixels  # the header comes on top

    def _load(self) -> dict[str, Record]:
        """The lines that are whole: a kill may have cut the last one. What is lost here is read again."""
        file = self.folder / "records.jsonl"
        records = {}
        for line in file.read_text().splitlines() if file.is_file() else ():
            with suppress(json.JSONDecodeError):
                key, record = json.loads(line)
                records[key] = record
        return records

    def _write(self, records: dict[str, Record]) -> None:
        text = "".join(json.dumps([key, record]) + "\n" for key, record in records.items())
        with written_whole(self.folder / "records.jsonl") as part:
            part.write_text(text)


def read_all(jobs: dict[str, Job]) -> Iterator[tuple[str, Record]]:
    """Records as they come, from several worker processes at once, with a progress bar."""
    workers: SimpleQueue[Worker] = SimpleQueue()
    everyone = [Worker() for _ in range(min(WORKERS, 1 + len(jobs) // 4))]
    for worker in everyone:
        workers.put(worker)

    def read(item: tuple[str, Job]) -> tuple[str, Record]:
        worker = workers.get()
        try:
            return item[0], worker.do(item[1])
        finally:
            workers.put(worker)

    pool = ThreadPoolExecutor(max(1, len(everyone)))
    try:
        reading = [pool.submit(read, item) for item in jobs.items()]
        bar = tqdm(as_completed(reading), total=len(jobs), desc="reading videos", unit="video", disable=not jobs or None)
        yield from (future.result() for future in bar)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in everyone:
            worker.close()


@functools.lru_cache(maxsize=256)  # each open map holds a file descriptor
def open_array(file: Path) -> UInt8[np.ndarray, "t s s c"]:
    """A cached video, memory-mapped. Once per process: maps must not be pickled into data loader workers.

    Raises UserError where it is gone: whoever prepares another folder in the same place removes what they have no use for.
    """
    try:
        return np.load(file, mmap_mode="r")
    except FileNotFoundError:
        raise UserError(
            f"{file}: this cached video is gone, for another command has prepared other videos in its place; "
            "run this one again, and train each with a data.cache_dir of its own"
        ) from None
