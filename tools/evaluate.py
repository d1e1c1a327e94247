"""Judge a run: `python tools/evaluate.py run=runs/weizmann/video_vae/seed_0` writes <run>/metrics.json and prints it."""

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from videogen.errors import one_line_errors
from videogen.evaluation.hardware import hardware
from videogen.evaluation.judging import Panel
from videogen.evaluation.report import publish
from videogen.evaluation.table import Bench, evaluate
from videogen.runs import load_model


def judge_run(cfg: DictConfig) -> None:
    device = cfg.device or ("cuda" if torch.cuda.is_available() else "cpu")
    trained = load_model(cfg.run, cfg.model)
    told = trained.told
    trained.model.to(device)
    panel = Panel.of(trained, cfg.judge, cfg.judge_apart, cfg.motion_judge, device)
    clips = instantiate(panel.clips(trained, cfg.data_root), _convert_="all")
    bench = Bench(panel, clips, cfg.per_clip, cfg.seed)

    def sample(codes, first_frame):
        return trained.sample(codes, panel.frames, cfg.seed, first_frame, stride=panel.stride)

    rows, kept = evaluate(bench, sample, cfg.samples, told, trained.generator.begins_with)
    facts = {
        "run": str(cfg.run),
        **({"model": OmegaConf.to_container(cfg.model)} if cfg.model else {}),
        **panel.facts(),
        "seed": cfg.seed,
        "steps": trained.step,
        "training_minutes": round(trained.seconds / 60, 1),
        "first_frame_psnr_db": None if kept is None else round(kept, 2),
        "hardware": hardware(device),
    }
    of_file = trained.file.name != "model.safetensors"  # a snapshot: its table lies beside it
    publish(trained.file.with_suffix(".json") if of_file else trained.file.with_name("metrics.json"), facts, rows)


@hydra.main(config_path="../configs", config_name="evaluate", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        judge_run(cfg)


if __name__ == "__main__":
    main()
