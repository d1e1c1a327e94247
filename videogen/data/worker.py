"""A process that reads videos for the parent: decord may hang or abort it, and nothing else is lost.

`Worker` is the parent's end. The child runs this file as a program: jobs come in on stdin, answers go out on stdout.
"""

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from videogen.data.crop import boxes, resize
from videogen.data.decode import Reader
from videogen.pictures import Unreadable

OUT_OF_MEMORY = "its frames do not fit the memory; cut or shrink it with ffmpeg"


@dataclass(frozen=True)
class Job:
    """Read `file`, crop it, and write the array [t s s c] if there is a place for it."""

    reader: Reader
    file: Path
    crop: str
    size: int
    array: Path | None
    seconds: int


class Worker:
    """The parent's end: one child at a time, started at the first job and again after one that died."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None

    def do(self, job: Job) -> dict[str, Any]:
        """The video's record (see `cache.py`), or {"reason": ...}. Raises OSError where the array cannot be written."""
        if self.child is None:
            # A session of its own: Ctrl-C reaches the parent alone, which then closes the child.
            self.child = subprocess.Popen(
                [sys.executable, "-m", "videogen.data.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # decord and ffmpeg chatter about every damaged file
                start_new_session=True,
            )
        assert self.child.stdin and self.child.stdout
        try:
            pickle.dump(job, self.child.stdin)
            self.child.stdin.flush()
            answer = pickle.load(self.child.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            code = self.child.wait()
            self.close()
            if code == -signal.SIGALRM:
                return {"reason": f"decoding took longer than {job.seconds} s"}
            if code > 0:  # Python ended by itself, which is no fault of the video
                raise RuntimeError(f"the decoding process ended with code {code}: python -m videogen.data.worker") from None
            if code == -signal.SIGKILL:
                return {"reason": OUT_OF_MEMORY}
            return {"reason": f"the decoder crashed ({signal.Signals(-code).name})"}
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.communicate()
            self.child = None


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """The child's end: answer jobs until the parent closes the pipe."""
    while True:
        try:
            job = pickle.load(jobs)
        except EOFError:
            return
        signal.alarm(job.seconds)  # unhandled on purpose: ends this process even inside the decoder's C++
        try:
            answer: Any = perform(job)
        except Exception as error:
            answer = error if isinstance(error, OSError) else RuntimeError(f"{job.file}: {error!r}")
        signal.alarm(0)
        pickle.dump(answer, answers)
        answers.flush()


def perform(job: Job) -> dict[str, Any]:
    """One job: the record of a good video, or the reason against it."""
    try:
        footage = job.reader.whole(job.file)
        squares = boxes(footage.frames, job.crop)
    except Unreadable as reason:
        return {"reason": str(reason)}
    except MemoryError:
        return {"reason": OUT_OF_MEMORY}
    frames, height, width, _ = footage.frames.shape
    if job.array:
        part = job.array.with_suffix(f".{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                np.save(file, resize(footage.frames, squares, job.size, job.crop))
            part.replace(job.array)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return {
        "frames": frames,
        "height": height,
        "width": width,
        "fps": footage.fps,
        "seekable": footage.seekable,
        "boxes": squares.tolist(),
        "note": footage.note,
    }


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the decoder prints must not reach the answers
    serve(sys.stdin.buffer, answers)
