"""Shapes in signatures are checked while the tests run; small data sets that many tests want."""

import os

# Two test processes share two cores: one thread each, said before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
from pathlib import Path

import numpy as np
import pytest
import tool_server
from jaxtyping import install_import_hook
from PIL import Image

# Before anything imports videogen: every annotated call is checked from here on.
install_import_hook("videogen", "typecheck.check")

ROOT = Path(__file__).parents[1]


def draw_strips(root: Path, people: int = 2, actions: int = 2, frames: int = 48, size: int = 16) -> Path:
    """Real files in MoCoGAN's layout: a square of the person's colour that moves across (action 0) or down (action 1)."""
    for action in range(actions):
        for person in range(people):
            strip = np.full((size, frames * size, 3), 40, np.uint8)
            colour = [(230, 60, 60), (60, 90, 230), (60, 200, 90)][person % 3]
            for t in range(frames):
                along = (t + 3 * person) % (size - 4)
                row, column = (size // 2 - 2, along) if action == 0 else (along, size // 2 - 2)
                strip[row : row + 4, t * size + column : t * size + column + 4] = colour
            folder = root / str(action)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(strip).save(folder / f"{person * 8 + action:08d}.png")
    return root


@pytest.fixture(scope="session")
def strips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, two actions, 48 frames of 16x16."""
    return draw_strips(tmp_path_factory.mktemp("strips"))


def run_tool(*command: str, cwd: Path, timeout: float = 240, **env: str) -> subprocess.CompletedProcess:
    """A tool as a user runs it, in a folder of its own, one thread (what xdist leaves to each test)."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", **env}
    if command[0].endswith(".py"):
        return tool_server.run(command, cwd, environment, timeout)
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)
