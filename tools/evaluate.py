"""Judge a run: `python tools/evaluate.py run=runs/weizmann/video_vae/seed_0` writes <run>/metrics.json and prints it."""

from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from videogen.errors import one_line_errors
from videogen.evaluation.hardware import hardware
from videogen.evaluation.judging import find_judge, find_motion_judge
from videogen.evaluation.report import publish
from videogen.evaluation.table import Bench, evaluate
from videogen.runs import load_model


def judge_run(cfg: DictConfig) -> None:
    device = cfg.device or ("cuda" if torch.cuda.is_available() else "cpu")
    trained = load_model(cfg.run)
    judge, motion_judge = find_judge(cfg.judge, trained), find_motion_judge(cfg.motion_judge, trained)
    clips = instantiate(trained.data(cfg.data_root), _convert_="all")
    trained.model.to(device)
    moves = motion_judge.model.to(device) if motion_judge else None
    bench = Bench(judge.model.to(device), moves, clips, cfg.per_clip, cfg.seed)

    def sample(codes, first_frame):
        return trained.sample(codes, clips.frames, cfg.seed, first_frame)

    rows, kept = evaluate(bench, sample, cfg.samples)
    facts = {
        "run": str(cfg.run),
        "judge": f"{judge.file}, weights {judge.digest}",
        "motion_judge": f"{motion_judge.file}, weights {motion_judge.digest}" if motion_judge else None,
        "seed": cfg.seed,
        "steps": trained.step,
        "training_minutes": round(trained.seconds / 60, 1),
        "first_frame_psnr_db": round(kept, 2),
        "hardware": hardware(device),
    }
    publish(Path(cfg.run) / "metrics.json", facts, rows)


@hydra.main(config_path="../configs", config_name="evaluate", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        judge_run(cfg)


if __name__ == "__main__":
    main()
