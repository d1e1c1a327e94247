"""How much of what does not move right gets past the judges: a table of every kind of tampering, and its figure."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import torch
from matplotlib import pyplot
from torch import Tensor

from videogen import tamper
from videogen.evaluation.judging import Labelled, MotionBar, judged, motion_scores
from videogen.evaluation.report import Row
from videogen.evaluation.statistics import accuracy, marginals
from videogen.files import written_whole

Kinds = dict[str, tuple[str, Labelled]]


def kinds(real: Labelled, seed: int) -> Kinds:
    """Held-out clips as they are, and in every kind of tampering: name -> (is the kind trained against?, clips)."""
    made: Kinds = {"real": ("", real)}
    for known, group in (("yes", tamper.KNOWN), ("no", tamper.UNKNOWN)):
        made |= {name: (known, real.tampered(change, seed)) for name, change in group.items()}
    return made | {"reversed": ("directional", real.tampered(tamper.reversed_in_time, seed))}


def rows(
    made: Kinds, bar: MotionBar, judge: Any, identities: int, actions: list[str]
) -> tuple[list[Row], dict[str, Tensor]]:
    """A row for each kind: the share that passes, in all and by action; beside it, what the judge of poses makes of it."""
    table: list[Row] = []
    scored: dict[str, Tensor] = {}
    for name, (known, shown) in made.items():
        scored[name] = motion_scores(bar.judge, shown)
        passed = bar.passes(shown, scored[name]).double()
        _, p_action = marginals(judged(judge, shown.videos).p, identities, len(actions))
        row: dict[str, str | int | float | None] = {"name": name, "trained_against": known}
        row |= {f"of_{action}": f"{passed[shown.action == k].mean():.2f}" for k, action in enumerate(actions)}
        row |= {"motion_pass_rate": passed.mean().item(), "action_accuracy": accuracy(p_action, shown.action)}
        table.append(row | {"samples": len(passed)})
    return table, scored


def figure(path: Path, made: Kinds, scored: dict[str, Tensor], bar: MotionBar, table: list[Row]) -> None:
    """One clip of every kind beside the share of its kind that passes the judge of motion, and that of poses."""
    frames = made["real"][1].videos.shape[1]
    shown = torch.linspace(0, frames - 1, min(8, frames)).round().long()
    plot, axes = pyplot.subplots(len(made), 2, figsize=(11, 0.82 * len(made)), width_ratios=[2, 1], layout="constrained")
    pick = int(scored["real"].argsort()[len(scored["real"]) // 2])  # an average real clip
    for (name, (known, clips)), row, (left, right) in zip(made.items(), table, axes, strict=True):
        strip = torch.cat(list(clips.videos[pick][shown]), dim=-1).permute(1, 2, 0)
        left.imshow(((strip + 1) / 2).clamp(0, 1).numpy(), aspect="equal")
        left.set_ylabel(name, rotation=0, ha="right", va="center")
        left.set_xticks([])
        left.set_yticks([])
        rates = (float(row["motion_pass_rate"] or 0), float(row["action_accuracy"] or 0))
        right.barh(
            ["motion judge", "pose judge"],
            rates,
            color=["tab:green" if known in ("", "directional") else "tab:red", "lightgrey"],
        )
        right.set_xlim(0, 1)
        right.axvline(0.05, color="black", linewidth=0.5, linestyle=":")
        right.text(
            1.02, 0.5, {"yes": "trained against", "no": "never trained against"}.get(known, ""), fontsize=7, va="center"
        )
        right.tick_params(labelsize=7)
    plot.suptitle("share of held-out clips that pass: as the action moves, or as it looks (dotted: 5 %)")
    with written_whole(path) as part:
        plot.savefig(part, format="png", dpi=110)
    pyplot.close(plot)
