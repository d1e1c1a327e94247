"""Training speed: `python tools/benchmark.py data=...`: the loader, and each model against the usual loop over frames."""

import os
import tempfile
from pathlib import Path
from statistics import median

import hydra
import torch
from accelerate.state import AcceleratorState
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from videogen.data.batches import Batches
from videogen.errors import one_line_errors
from videogen.evaluation.hardware import hardware
from videogen.evaluation.report import write_json
from videogen.evaluation.speed import FrameLoop, check_same_values, compared, ratio, seconds_each, table
from videogen.training.trainer import Trainer, to_device


def composed(cfg: DictConfig, case: DictConfig) -> DictConfig:
    """What tools/train.py would run, on the data of the benchmark."""
    choices = [f"experiment={case.experiment}", f"data={HydraConfig.get().runtime.choices['data']}", *cfg.overrides]
    chosen = hydra.compose("train", choices)
    with open_dict(chosen):
        chosen.data, chosen.preview = cfg.data, None
    settings = chosen.training.settings
    settings.update(trackers=[], ema=None, precision=case.get("precision", "no"))
    if case.get("loop"):
        settings.update(compile=[], channels_last=False)
    return chosen


def trainer(case: DictConfig, chosen: DictConfig, loader: Batches, run: Path) -> Trainer:
    torch.manual_seed(0)
    model = instantiate(chosen.model, _convert_="all")
    for name in case.get("frozen", ()):
        model.get_submodule(name).requires_grad_(False)
    if case.get("loop"):
        batch = to_device(next(iter(loader(0, 0, 1))), torch.device("cpu"))
        check_same_values(model, batch["video"][:2], model.attributes(batch["identity"][:2], batch["action"][:2]))
        model = FrameLoop(model)
    AcceleratorState._reset_state()  # one process holds one precision otherwise
    return Trainer(
        objective=instantiate(chosen.objective, model=model, _convert_="all"),
        players={name: instantiate(player, _convert_="all") for name, player in chosen.players.items()},
        loader=loader,
        settings=instantiate(chosen.training.settings, _convert_="all"),
        run=run,
        seed=0,
        describe={},
    )


def benchmark(cfg: DictConfig) -> None:
    if cfg.device == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"
    clips = instantiate(cfg.data.clips, _convert_="all")
    cfg.data.update(identities=clips.identities, num_identities=len(clips.identities))
    cfg.data.update(actions=clips.actions, num_actions=len(clips.actions))
    steps, frames = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cfg.cases:
            chosen = composed(cfg, case)
            loader = Batches(clips.split("train", 0), chosen.training.batch_size, chosen.training.workers)
            player = trainer(case, chosen, loader, Path(folder) / case.name)
            device = player.accelerator.device
            batch = to_device(next(iter(loader(0, 0, 1))), device)
            steps[case.name] = lambda player=player, batch=batch: player.play(batch)
            frames[case.name] = batch["video"].shape[0] * batch["video"].shape[1]
            if case.name == cfg.loader_for:
                stream = iter(loader(0, 0, 1))
                steps["loader"] = lambda stream=stream: next(stream)
        print(hardware(str(device)))
        seconds = seconds_each(steps, cfg.rounds, device)
    rows = compared(OmegaConf.to_container(cfg.cases), frames, seconds)
    share = 1 / ratio(seconds[cfg.loader_for], seconds["loader"])
    milliseconds = {name: 1000 * median(seconds[name]) for name in ("loader", cfg.loader_for)}
    print(table(rows))
    print(", ".join(f"{name}: {value:.1f} ms" for name, value in milliseconds.items()))
    verdict = "reached" if share <= cfg.loader_share else "missed"
    print(f"loading is {share:.1%} of a step, goal at most {cfg.loader_share:.0%}: {verdict}")
    if cfg.out:
        facts = {"hardware": hardware(str(device)), "milliseconds": milliseconds, "loader_share": share}
        write_json(Path(cfg.out), facts | {"overrides": OmegaConf.to_container(cfg.overrides)}, rows)


@hydra.main(config_path="../configs", config_name="benchmark", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        benchmark(cfg)


if __name__ == "__main__":
    main()
