"""What a drawn data set was drawn with: a JSON file in its folder, so that other settings are noticed."""

import json
from pathlib import Path
from typing import Any

from videogen.files import written_whole


def drawn_with(manifest: Path) -> dict[str, Any]:
    """The settings that it tells; none where it is missing or was cut off."""
    try:
        return json.loads(manifest.read_text())
    except (FileNotFoundError, ValueError):
        return {}


def tell(manifest: Path, settings: dict[str, int]) -> None:
    """Write it, whole or not at all."""
    with written_whole(manifest) as part:
        part.write_text(json.dumps(settings, indent=2) + "\n")
