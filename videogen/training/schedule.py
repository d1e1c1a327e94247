"""Numbers that change with the step: KL annealing, warm-up, decay. Each is a pure function of the step."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class Ramp:
    """Straight line from `start` to `stop` over `steps` steps, constant after them (KL annealing)."""

    start: float
    stop: float
    steps: int

    def __call__(self, step: int) -> float:
        return self.start + (self.stop - self.start) * min(1.0, step / self.steps)


@dataclass(frozen=True)
class WarmupCosine:
    """0 -> 1 over `warmup` steps, then a cosine from 1 down to `floor` at `steps` (a learning rate's factor)."""

    steps: int
    warmup: int = 0
    floor: float = 0.0

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        progress = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * progress))


def value_at(step: int, value: float | Schedule) -> float:
    """A number is a schedule that does not change."""
    return value(step) if callable(value) else float(value)
