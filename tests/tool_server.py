"""Runs tools in processes of their own, forked from one that has imported the slow libraries once."""

import multiprocessing
import os
import runpy
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

SLOW = ["torch", "accelerate", "hydra", "matplotlib.pyplot", "videogen.training.trainer"]
# Another process than the tests', in which threads have been started that a fork would lose, and signatures are checked.
server = multiprocessing.get_context("forkserver")
server.set_forkserver_preload(SLOW)


def run(command: tuple[str, ...], cwd: Path, env: dict[str, str], timeout: float) -> subprocess.CompletedProcess:
    """As `subprocess.run` does `python *command`, its output captured as text. Raises TimeoutExpired, the tool killed."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        out.touch(), err.touch()
        process = server.Process(target=tool, args=(command, cwd, env, out, err))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, timeout, out.read_text(), err.read_text())
        return subprocess.CompletedProcess(command, process.exitcode, out.read_text(), err.read_text())


def tool(command: tuple[str, ...], cwd: Path, env: dict[str, str], out: Path, err: Path) -> None:
    for stream, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY), stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = list(command)
    sys.path.insert(0, str(Path(command[0]).parent))
    runpy.run_path(command[0], run_name="__main__")
