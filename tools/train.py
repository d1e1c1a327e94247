"""Train any model on any data: `python tools/train.py experiment=...`, or the same behind `accelerate launch`.

The run's folder is runs/<experiment>/seed_<seed>; the same command continues what was interrupted.
"""

import logging
import os
from pathlib import Path

import hydra
import torch
from accelerate import PartialState
from accelerate.utils import parse_flag_from_env
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from videogen.data.batches import Batches
from videogen.errors import UserError, one_line_errors
from videogen.runs import load_model
from videogen.training.checkpoint import CHECKPOINT, begin_with
from videogen.training.trainer import Trainer


def train(cfg: DictConfig) -> None:
    state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))
    if int(os.environ.get("WORLD_SIZE", 1)) != state.num_processes:
        raise UserError("the processes do not see one another: set ACCELERATE_USE_CPU=true, or use `accelerate launch`")
    logging.basicConfig(level=logging.INFO if state.is_main_process else logging.ERROR, format="%(message)s")
    # Before the data is prepared, which may take minutes: what it begins with may be missing.
    begun = load_model(cfg.start_from) if cfg.start_from and not (Path(cfg.run) / CHECKPOINT).is_file() else None
    data = instantiate(cfg.data.get("clips") or cfg.data.images, _convert_="all")
    for path, reason in data.skipped:
        logging.warning("skipped %s: %s", path, reason)
    cfg.data.update(data.names())
    torch.manual_seed(cfg.seed)
    settings = instantiate(cfg.training.settings, _convert_="all")
    model = instantiate(cfg.model, _convert_="all")
    if begun:
        begin_with(model, begun.model.state_dict(), begun.file, cfg.start_fresh)
    trainer = Trainer(
        objective=instantiate(cfg.objective, model=model, _convert_="all"),
        players={name: instantiate(player, _convert_="all") for name, player in cfg.players.items()},
        loader=Batches(data.split("train", cfg.seed), cfg.training.batch_size, cfg.training.workers),
        settings=settings,
        run=Path(cfg.run),
        seed=cfg.seed,
        describe=OmegaConf.to_container(cfg, resolve=True),
        preview=instantiate(cfg.preview, _convert_="all") if cfg.preview else None,
    )
    logging.info(
        "%s: %d to train on, %d processes on %s, %d threads each, precision %s",
        cfg.run,
        len(data.split("train", 0)),
        state.num_processes,
        state.device,
        torch.get_num_threads(),
        trainer.accelerator.mixed_precision,
    )
    trainer.fit()
    logging.info("done: %s", Path(cfg.run) / "model.safetensors")


@hydra.main(config_path="../configs", config_name="train", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        train(cfg)


if __name__ == "__main__":
    main()
