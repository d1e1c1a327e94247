"""metrics.jsonl: one line of averages each `log_every` steps, whatever tracker is or is not there."""

import json
import time
from pathlib import Path

from videogen.files import written_whole


class MetricsLog:
    """Appends; lines past `step` belong to steps that a killed run is about to repeat, and are dropped first."""

    def __init__(self, path: Path, step: int):
        self.path = path
        kept = [line for line in self._lines() if line["step"] <= step]
        with written_whole(path) as part:
            part.write_text("".join(json.dumps(line) + "\n" for line in kept))
        self.step, self.clock = step, time.monotonic()

    def write(self, step: int, averages: dict[str, float]) -> None:
        now = time.monotonic()
        rate = (step - self.step) / max(now - self.clock, 1e-9)
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **averages, "steps_per_second": round(rate, 3)}) + "\n")
        self.step, self.clock = step, now

    def _lines(self) -> list[dict]:
        lines = []
        for text in self.path.read_text().splitlines() if self.path.exists() else []:
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                break  # a line cut short by a kill, and nothing after it can be older
        return lines
