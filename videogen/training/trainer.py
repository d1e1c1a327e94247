"""The trainer. It knows players, steps and files; it knows no model.

Every random number of a step is a function of (seed, step), or of a sample's own seed, so that training killed at any
moment continues bit for bit, and one process or many see the same noise. Batch norm is over all processes' rows.
"""

import logging
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedDataParallelKwargs, parse_flag_from_env
from torch import Tensor, nn
from tqdm import tqdm

from videogen import pixels
from videogen.errors import UserError
from videogen.files import read_tensors, write_tensors
from videogen.noise import seed_of
from videogen.training import checkpoint
from videogen.training.batch_norm import share_batch_norm
from videogen.training.ema import Ema
from videogen.training.metrics import MetricsLog
from videogen.training.player import Player, partition
from videogen.training.precision import precision
from videogen.training.schedule import value_at

log = logging.getLogger(__name__)

Batch = dict[str, Tensor]
Loader = Callable[[int, int, int], Iterable[Batch]]  # (first step, rank, processes) -> this rank's endless share
Preview = Callable[[nn.Module, Path, int], None]  # (model, run folder, step): writes a picture


@dataclass
class Settings:
    """How long and how. `steps` and `max_minutes` stop training, whichever comes first; the clock counts all sessions.

    keep_every   steps between two snapshots of the model that stay, in `<run>/snapshots`: a learning curve is drawn from
                 them, and of a model that gets worse again, the best
    """

    steps: int
    max_minutes: float | None = None
    accumulation: int = 1
    ema: float | None = 0.999
    precision: str = "no"  # no (fp32), bf16, fp16, or auto
    compile: Sequence[str] = ()
    channels_last: bool = False
    log_every: int = 50
    save_every: int = 500
    keep_every: int | None = None
    preview_every: int = 1000
    trackers: Sequence[str] = ()


class Trainer:
    """Plays the game that `players` describe, on `objective`, with the batches of `loader`.

    run       folder for checkpoint, export, metrics and previews; training there continues where it stopped
    describe  the resolved config, kept with every checkpoint: describe["model"] is what makes two runs the same model
    """

    def __init__(
        self,
        objective: nn.Module,
        players: dict[str, Player],
        loader: Loader,
        settings: Settings,
        run: Path,
        seed: int,
        describe: dict[str, Any],
        preview: Preview | None = None,
    ):
        if settings.save_every % settings.log_every:
            raise UserError(
                f"training.save_every={settings.save_every} must be a multiple of training.log_every="
                f"{settings.log_every}, so that a resumed run logs the same averages"
            )
        handler = DistributedDataParallelKwargs(find_unused_parameters=len(players) > 1)
        self.accelerator = Accelerator(
            mixed_precision=precision(
                settings.precision, PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU")).device
            ),
            log_with=list(settings.trackers) or None,
            project_dir=str(run),
            kwargs_handlers=[handler],
        )
        self.players, self.loader, self.settings = players, loader, settings
        self.run, self.seed, self.describe, self.preview = Path(run), seed, describe, preview
        self.model: nn.Module = objective.model  # type: ignore[assignment]
        self.parameters = partition(players, self.model)
        self.bare = objective
        self.step, self.seconds = 0, 0.0
        if self.accelerator.num_processes > 1:
            share_batch_norm(objective)
        objective.to(self.accelerator.device)
        if settings.channels_last:
            for layer in self.model.modules():
                if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):  # maps of four dimensions alone have it
                    layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = Ema(self.model, settings.ema) if settings.ema is not None else None
        self.optimizers = {name: players[name].optimizer(self.parameters[name].values()) for name in players}
        self.rates = {name: [g["lr"] for g in optimizer.param_groups] for name, optimizer in self.optimizers.items()}
        self.resume()
        if (
            settings.compile
            and self.accelerator.device.type == "cpu"
            and not any(map(shutil.which, ("c++", "g++", "clang++")))
        ):
            raise UserError("training.settings.compile needs a C++ compiler: install one (g++), or set it to []")
        for name in settings.compile:
            self.model.get_submodule(name).compile(dynamic=False)
        self.objective, *prepared = self.accelerator.prepare(objective, *self.optimizers.values())
        self.prepared = dict(zip(players, prepared, strict=True))

    def fit(self) -> None:
        """Trains until the settings say stop. Whatever happens, the last checkpoint on disk is whole."""
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        metrics = MetricsLog(self.run / "metrics.jsonl", self.step) if self.accelerator.is_main_process else None
        self.accelerator.init_trackers("tensorboard")
        bar = tqdm(
            total=self.settings.steps,
            initial=self.step,
            unit="step",
            dynamic_ncols=True,
            mininterval=0.1 if sys.stderr.isatty() else 10.0,  # a log file is not filled with bars
            disable=metrics is None,
        )
        sums: dict[str, Tensor] = {}
        counts: Counter[str] = Counter()
        logged, started = self.step, time.monotonic() - self.seconds
        batches = iter(self.loader(self.step, rank, processes)) if not self.finished() else iter(())
        while not self.finished():
            for name, value in self.play(to_device(next(batches), self.accelerator.device)).items():
                sums[name] = sums.get(name, 0.0) + value
                counts[name] += 1
            self.step += 1
            self.seconds = self.agreed(time.monotonic() - started)
            bar.update()
            last = self.finished()
            if last or self.step % self.settings.log_every == 0:
                averages = self.average(sums, counts, self.step - logged)
                self.accelerator.log(averages, step=self.step)
                if metrics is not None:
                    metrics.write(self.step, averages)
                    bar.set_postfix({name.split("/")[-1]: f"{value:.4g}" for name, value in averages.items()})
                sums, counts, logged = {}, Counter(), self.step
            if self.settings.keep_every and (last or self.step % self.settings.keep_every == 0):
                self.export(self.run / "snapshots" / f"step_{self.step:07d}.safetensors")
            if last or self.step % self.settings.save_every == 0:
                self.save()
            if self.preview and metrics is not None and (last or self.step % self.settings.preview_every == 0):
                self.preview(self.ema.model if self.ema else self.model, self.run, self.step)
        bar.close()
        self.freeze_all_but(*self.players)
        self.accelerator.wait_for_everyone()
        self.objective = self.bare  # around it was what holds the processes' group, whose threads end with it
        self.accelerator.free_memory()
        self.accelerator.end_training()

    def finished(self) -> bool:
        minutes = self.settings.max_minutes
        return self.step >= self.settings.steps or (minutes is not None and self.seconds >= 60 * minutes)

    def play(self, batch: Batch) -> dict[str, Tensor]:
        """One step: every player that is due takes its turn, in the config's order. Returns the loss terms' means."""
        torch.manual_seed(seed_of(self.seed, "step", self.step, self.accelerator.process_index))
        played = {}
        for name, player in self.players.items():
            if self.step % player.every == 0:
                for term, value in self.turn(name, player, batch).items():
                    played[f"train/{name}/{term}"] = value
        if self.ema:
            self.ema.update(self.model, self.step)
        return played

    def turn(self, name: str, player: Player, batch: Batch) -> dict[str, Tensor]:
        """One player's update: the others' parameters are frozen, the weighted mean of its terms goes down."""
        self.freeze_all_but(name)
        optimizer, weights = self.prepared[name], {k: value_at(self.step, w) for k, w in player.weights.items()}
        factor = 1.0 if player.rate is None else player.rate(self.step)
        for group, rate in zip(optimizer.param_groups, self.rates[name], strict=True):
            group["lr"] = rate * factor
        optimizer.zero_grad(set_to_none=True)
        means: dict[str, Tensor] = {}
        parts = split(batch, self.settings.accumulation)
        for i, part in enumerate(parts):
            waits = i + 1 < len(parts)
            with self.accelerator.no_sync(self.objective) if waits else nullcontext():
                terms = self.objective(name, part)
                check_terms(name, terms, weights, len(next(iter(part.values()))))
                loss = sum(weights[k] * term.mean() for k, term in terms.items() if weights[k])
                self.accelerator.backward(loss / len(parts))
            for k, term in terms.items():
                means[k] = means.get(k, 0.0) + term.detach().mean() / len(parts)
        if player.clip_norm is not None:
            self.accelerator.clip_grad_norm_(self.parameters[name].values(), player.clip_norm)
        optimizer.step()
        return means

    def freeze_all_but(self, *names: str) -> None:
        for name, parameters in self.parameters.items():
            for parameter in parameters.values():
                parameter.requires_grad_(name in names)

    def average(self, sums: dict[str, Tensor], counts: dict[str, int], steps: int) -> dict[str, float]:
        """Means over the turns of the last `steps` steps and over all processes.

        Raises UserError where a loss is no longer a number.
        """
        names = sorted(sums)
        means = torch.stack([sums[name].float() / counts[name] for name in names])
        stacked = self.accelerator.reduce(means, "mean")
        averages = dict(zip(names, stacked.tolist(), strict=True))
        for name, value in averages.items():
            if value != value or abs(value) == float("inf"):
                raise UserError(
                    f"{name} became {value} between steps {self.step - steps} and {self.step}. The last good "
                    f"checkpoint in {self.run} is untouched: lower the learning rate or set clip_norm, and run again"
                )
        return averages

    def agreed(self, seconds: float) -> float:
        """Rank 0's clock, so that all ranks stop at the same step."""
        if self.settings.max_minutes is None or self.accelerator.num_processes == 1:
            return seconds
        clock = torch.tensor([seconds], device=self.accelerator.device)
        torch.distributed.broadcast(clock, src=0)
        return float(clock)

    def save(self) -> None:
        """Everything that training needs, and the model for others to use. Rank 0 writes."""
        self.accelerator.wait_for_everyone()
        if not self.accelerator.is_main_process:
            return
        tensors = {f"objective/{name}": value for name, value in self.bare.state_dict().items()}
        numbers: dict[str, Any] = {}
        for player, optimizer in self.optimizers.items():
            state, plain = checkpoint.optimizer_state(optimizer, list(self.parameters[player]))
            tensors |= {f"optimizer/{player}/{name}": value for name, value in state.items()}
            numbers[player] = plain
        if self.ema:
            tensors |= {f"ema/{name}": value for name, value in self.ema.model.state_dict().items()}
        progress = {"step": self.step, "seconds": self.seconds, "numbers": numbers, "config": self.describe}
        write_tensors(self.run / checkpoint.CHECKPOINT, tensors, progress)
        self.export(self.run / checkpoint.EXPORT)

    def export(self, file: Path) -> None:
        """The model as others use it, averaged if there is an average. Rank 0 writes."""
        if self.accelerator.is_main_process:
            exported = self.ema.model if self.ema else self.model
            described = {"step": self.step, "seconds": self.seconds, "config": self.describe}
            write_tensors(file, dict(exported.state_dict()), described)

    def resume(self) -> None:
        """Continues the run in `self.run`, if there is one. Raises UserError if it is another model's."""
        path = self.run / checkpoint.CHECKPOINT
        if not path.exists():
            return
        tensors, progress = read_tensors(path)
        for difference in differences(progress["config"].get("model"), self.describe.get("model")):
            raise UserError(
                f"{path} holds another model ({difference}). Use the settings that it was trained with, "
                "or another run folder (run=...)"
            )
        checkpoint.load_weights(self.bare, checkpoint.under("objective/", tensors), path)
        then, now = sorted(progress["numbers"]), sorted(self.optimizers)
        if then != now:
            raise checkpoint.other_players(path, f"{', '.join(then)} then, {', '.join(now)} now")
        for player, optimizer in self.optimizers.items():
            state = checkpoint.under(f"optimizer/{player}/", tensors)
            names, numbers = list(self.parameters[player]), progress["numbers"][player]
            checkpoint.load_optimizer_state(optimizer, names, state, numbers, path)
        if self.ema:
            checkpoint.load_weights(self.ema.model, checkpoint.under("ema/", tensors), path)
        self.step, self.seconds = progress["step"], progress["seconds"]
        if self.accelerator.is_main_process:
            log.info("continuing %s from step %d", self.run, self.step)
            for difference in differences(progress["config"], self.describe):
                log.warning("this run was started with other settings: %s", difference)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """uint8 tensors are pixels: they travel as they are and become float in [-1, 1] on the device."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    return {name: pixels.to_float(v) if v.dtype == torch.uint8 else v for name, v in moved.items()}


def split(batch: Batch, parts: int) -> list[Batch]:
    """Micro-batches of equal size."""
    size = len(next(iter(batch.values())))
    if size % parts:
        raise UserError(f"{size} samples a process cannot be split into training.accumulation={parts} equal parts")
    pieces = {name: value.chunk(parts) for name, value in batch.items()}
    return [{name: piece[i] for name, piece in pieces.items()} for i in range(parts)]


def check_terms(player: str, terms: dict[str, Tensor], weights: dict[str, float], size: int) -> None:
    """The objective's terms and the config's weights must have the same names; each term is one number a sample."""
    if terms.keys() != weights.keys():
        raise UserError(
            f"player {player}: the objective returns the terms {sorted(terms)}, the config weighs {sorted(weights)}: "
            "give each term a weight"
        )
    for name, term in terms.items():
        if term.shape != (size,):
            raise ValueError(f"player {player}: term {name} must have shape [{size}], one a sample, not {list(term.shape)}")


def differences(before: Any, now: Any, where: str = "") -> list[str]:
    """What changed between two nested settings, as `key: before -> now`."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        return [d for key in keys for d in differences(before.get(key), now.get(key), f"{where}.{key}".lstrip("."))]
    return [] if before == now else [f"{where}: {before} then, {now} now"]
