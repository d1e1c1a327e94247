"""Files that are there whole or not at all, and tensors in them that describe themselves."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from videogen.errors import UserError


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yields `<path>.part` to write to; it takes the place of `path` once it is complete and on the disk.

    An exception, a full disk or a kill leaves what stood at `path` before. Folders are made as needed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """One safetensors file; `metadata` is anything that JSON holds."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    described = {key: json.dumps(value) for key, value in metadata.items()}
    with written_whole(path) as part:
        part.write_bytes(save(contiguous, described))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata; nothing in the file is executed. Raises UserError for a missing or damaged file."""
    if not path.is_file():
        raise UserError(f"{path} does not exist: train first (tools/train.py), or name another run")
    try:
        with safe_open(path, "pt") as file:
            metadata = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is no file that tools/train.py wrote ({error}): delete it and train again") from None
