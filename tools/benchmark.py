"""Training speed: `python tools/benchmark.py data=...`: the loader, each model against the usual loop over frames, and of a
game whose turn takes how long."""

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
from videogen.evaluation.speed import FrameLoop, check_same_values, compared, ratio, seconds_each, shares, table
from videogen.training.trainer import Trainer, to_device


def composed(cfg: DictConfig, case: DictConfig) -> DictConfig:
    """What tools/train.py would run, on the data of the benchmark."""
    choices = [f"experiment={case.experiment}", f"data={HydraConfig.get().runtime.choices['data']}"]
    chosen = hydra.compose("train", [*choices, *case.get("overrides", ()), *cfg.overrides])
    with open_dict(chosen):
        length = {name: chosen.data[name] for name in ("frames", "stride")}  # the experiment's own
        chosen.data, chosen.preview = OmegaConf.merge(cfg.data, length), None
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
    cfg.data.update(clips.names())
    steps, frames, turns = {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cfg.cases:
            chosen = composed(cfg, case)
            clips = instantiate(chosen.data.clips, _convert_="all")
            loader = Batches(clips.split("train", 0), chosen.training.batch_size, chosen.training.workers)
            player = trainer(case, chosen, loader, Path(folder) / case.name)
            device = player.accelerator.device
            batch = to_device(next(iter(loader(0, 0, 1))), device)
            steps[case.name] = lambda player=player, batch=batch: player.play(batch)
            frames[case.name] = batch["video"].shape[0] * batch["video"].shape[1]
            if len(player.players) > 1:
                turns[case.name] = {
                    name: lambda player=player, name=name, batch=batch: player.turn(name, player.players[name], batch)
                    for name in player.players
                }
            if case.name == cfg.loader_for:
                stream = iter(loader(0, 0, 1))
                steps["loader"] = lambda stream=stream: next(stream)
        print(hardware(str(device)))
        seconds = seconds_each(steps, cfg.rounds, device)
        games = {name: seconds_each(of_game, cfg.rounds, device) for name, of_game in turns.items()}
    rows = compared(OmegaConf.to_container(cfg.cases), frames, seconds)
    share = 1 / ratio(seconds[cfg.loader_for], seconds["loader"])
    milliseconds = {name: 1000 * median(seconds[name]) for name in ("loader", cfg.loader_for)}
    print(table(rows))
    for name, taken in games.items():
        print(f"{name}: {shares({player: median(times) for player, times in taken.items()})}")
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
