"""What does a judge of motion let through? `python tools/motion_judge.py run=runs/weizmann/motion_judge/seed_0`

Every kind of tampering, those it was trained against and those it was not, as a table and as a figure in the run's folder.
"""

from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from videogen.errors import UserError, one_line_errors
from videogen.evaluation import tampering
from videogen.evaluation.hardware import hardware
from videogen.evaluation.judging import MotionBar, find_judge, real_clips
from videogen.evaluation.report import publish
from videogen.runs import load_model


def examine(cfg: DictConfig) -> None:
    device = cfg.device or ("cuda" if torch.cuda.is_available() else "cpu")
    trained = load_model(cfg.run)
    if not hasattr(trained.model, "motions"):
        raise UserError(f"{trained.file} is no judge of motion but a {type(trained.model).__name__}: name another run")
    judge = find_judge(cfg.judge, trained)
    clips = instantiate(trained.data(cfg.data_root), _convert_="all")
    real = real_clips(clips.split("test", cfg.seed), cfg.per_clip, cfg.seed)
    bar = MotionBar.set_by(trained.model.to(device), real)
    made = tampering.kinds(real, cfg.seed)
    rows, scored = tampering.rows(made, bar, judge.model.to(device), len(clips.identities), clips.actions)
    out = Path(cfg.out) if cfg.out else trained.file.parent
    tampering.figure(out / "tampering.png", made, scored, bar, rows)
    facts = {
        "run": str(cfg.run),
        "motion_judge": f"{trained.file}, weights {trained.digest}",
        "judge": f"{judge.file}, weights {judge.digest}",
        "thresholds": ", ".join(f"{t:.2f}" for t in bar.thresholds.tolist()),
        "seed": cfg.seed,
        "hardware": hardware(device),
    }
    publish(out / "tampering.json", facts, rows)
    print(f"figure: {out / 'tampering.png'}")


@hydra.main(config_path="../configs", config_name="motion_judge", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        examine(cfg)


if __name__ == "__main__":
    main()
