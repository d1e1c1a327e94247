"""What was prepared, for a person to look at: a summary in words and a sheet of pictures."""

from pathlib import Path

import numpy as np
from PIL import Image

from videogen.data.clips import Clips
from videogen.data.index import SPLITS
from videogen.files import written_whole

SHEET_CLIPS, SHEET_FRAMES = 12, 10


def summary(clips: Clips) -> str:
    """Splits, videos of each identity and action, what was left out or noted."""
    videos = {row.path: row for row in clips.index}
    sizes = sorted({f"{row.width}x{row.height}" for row in videos.values()})
    places = [row.cached for row in videos.values() if row.cached]
    megabytes = sum((clips.folder / name).stat().st_size for name in places) / 1e6
    shown = ", ".join(sizes[:3]) + (", ..." if len(sizes) > 3 else "")
    lines = [
        f"{len(videos)} videos, {sum(row.frames for row in videos.values())} frames of {shown}"
        f" -> {clips.size}x{clips.size}, {megabytes:.0f} MB in {clips.folder}",
        f"clips of {clips.frames} frames at stride {clips.stride}, {clips.span} frames of a video",
        "",
    ]
    for name in SPLITS:
        rows = clips.split(name, 0).rows
        lines.append(f"{name:8}{len(rows):6} parts of videos, {sum(row.stop - row.start for row in rows)} frames")
    lines += ["", *table(clips)]
    for title, named in (("noted", clips.notes), ("skipped", clips.skipped)):
        if named:
            lines += ["", f"{title} ({len(named)}):", *(f"  {path}: {reason}" for path, reason in named)]
    if clips.skipped:
        lines.append("  (a file is tried again once it has changed: repair it, or touch it)")
    return "\n".join(lines)


def table(clips: Clips) -> list[str]:
    """Videos of every identity and action; * marks pairs that are never trained on."""
    videos = {(row.path, row.action): row for row in clips.index}.values()
    counts: dict[tuple[str, str], int] = {}
    for row in videos:
        counts[row.identity, row.action] = counts.get((row.identity, row.action), 0) + 1
    never = {(row.identity, row.action) for row in videos if row.split == "unseen"}
    first = max(8, *(len(name) + 2 for name in clips.identities))
    widths = [max(4, len(action) + 2) for action in clips.actions]
    heads = "".join(f"{action:>{width}}" for action, width in zip(clips.actions, widths, strict=True))
    lines = [f"{'videos':{first}}{heads}"]
    for identity in clips.identities:
        cells = [f"{counts.get((identity, a), 0)}{'*' * ((identity, a) in never)}" for a in clips.actions]
        lines.append(f"{identity:{first}}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))
    return lines + ["* never trained on"] * bool(never)


def contact_sheet(clips: Clips) -> Path:
    """Up to a dozen clips, as different as the set has them, one a row, time to the right. Returns the PNG's place."""
    parts = {(row.path, row.action): row for row in reversed(clips.index)}  # of each the first
    rows = list(parts.values())[::-1]
    rows.sort(key=lambda row: (clips.actions.index(row.action), clips.identities.index(row.identity)))
    picked = [rows[i] for i in np.linspace(0, len(rows) - 1, min(SHEET_CLIPS, len(rows))).round().astype(int)]
    strips = []
    for row in picked:
        pixels = clips.pixels(row, row.start)
        pixels = pixels[np.linspace(0, clips.frames - 1, min(SHEET_FRAMES, clips.frames)).round().astype(int)]
        strips.append(np.concatenate(list(pixels), axis=1))
    place = clips.folder / "contact_sheet.png"
    with written_whole(place) as part:
        Image.fromarray(np.concatenate(strips)).save(part, format="PNG")
    return place
