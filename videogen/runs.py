"""A trained run as a thing to ask for videos: names in, pixels out."""

import copy
import hashlib
import inspect
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from jaxtyping import Float, Int64
from torch import Tensor

from videogen import noise
from videogen.errors import UserError
from videogen.files import read_tensors

Name = str | int


@dataclass(frozen=True)
class TrainedModel:
    """A model with the names that it was trained on; `config` is its run's resolved config."""

    model: Any  # an nn.Module with `attributes`, `sample`, `z`, `told` and `begins_with`; or a judge
    config: dict[str, Any]
    file: Path
    step: int
    seconds: float  # of training

    @property
    def identities(self) -> list[str]:
        return self.config["data"]["identities"]

    @property
    def actions(self) -> list[str]:
        return self.config["data"]["actions"]

    @property
    def digest(self) -> str:
        """The first 12 digits of the SHA-256 of the weights: what a score says it was judged by."""
        hashed = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            hashed.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return hashed.hexdigest()[:12]

    @property
    def fps(self) -> float:
        """What a generated video is played at: the training clips' rate over their stride."""
        return self.config["data"]["fps"] / self.config["data"]["stride"]

    def data(self, root: str | None = None) -> dict[str, Any]:
        """The config of the clips or images that it was trained on, at `root` if they have moved.

        Raises UserError where it would build something else than data: the file may be a stranger's.
        """
        data = copy.deepcopy(self.config["data"].get("clips") or self.config["data"]["images"])
        check_targets(data, self.file, "data")
        if root is not None:
            data["source"]["root"] = root
        return data

    def codes(self, identity: Sequence[Name], action: Sequence[Name]) -> Int64[Tensor, "n 2"]:
        """(identity, action) numbers, row by row; names and numbers both serve. Raises UserError for an unknown one."""
        if len(identity) != len(action):
            raise UserError(f"{len(identity)} identities do not pair with {len(action)} actions")
        first = [number(name, self.identities, "identity") for name in identity]
        second = [number(name, self.actions, "action") for name in action]
        return torch.tensor([first, second], dtype=torch.int64).T

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @torch.no_grad()
    def sample(
        self,
        codes: Int64[Tensor, "n 2"],
        frames: int,
        seed: int = 0,
        first_frame: Float[Tensor, "n c h w"] | None = None,
        batch: int = 32,
        stride: int | None = None,
        temperature: float = 1.0,
    ) -> Float[Tensor, "n t c h w"]:
        """One video per code, in [-1, 1]. From codes alone, or with each one's first frame.

        `stride`, a multiple of the one that the model was trained with, says how far apart two frames are in time: what
        lies between is generated and left out. `temperature` scales the noise; at 0, every latent is its mean.

        A sample's noise depends on `seed`, on its code and on how many times that code came before it in `codes`: not on
        the batch it is drawn in, nor on what else is asked for.
        """
        seen: dict[tuple[int, ...], int] = {}
        seeds = []
        for code in map(tuple, codes.tolist()):
            seen[code] = seen.get(code, -1) + 1
            seeds.append(noise.seed_of(seed, *code, seen[code]))
        if frames < 1:
            raise UserError(f"frames={frames}: ask for at least one")
        given = "codes" if first_frame is None else "first_frame"
        if given not in self.generator.begins_with:
            ways = " or ".join(self.generator.begins_with)
            raise UserError(f"{self.file} holds a {type(self.model).__name__}, which begins with {ways}, not with {given}")
        data = self.config["data"]
        every, odd = divmod(stride or data["stride"], data["stride"])
        if odd:
            raise UserError(f"{self.file} was trained at stride {data['stride']}: stride {stride} is no multiple of it")
        drawn = (frames - 1) * every + 1
        longest = getattr(self.generator, "longest", drawn)
        if drawn > longest:
            raise UserError(f"{self.file} holds a {type(self.model).__name__}, which makes {longest} frames, not {drawn}")
        shape = (len(codes), data["channels"], data["size"], data["size"])
        if first_frame is not None and first_frame.shape != shape:
            raise UserError(f"first_frame must be {list(shape)}, one frame a code, not {list(first_frame.shape)}")
        videos = []
        for rows in torch.arange(len(codes)).split(batch):
            eps = temperature * noise.normal(torch.tensor(seeds)[rows], drawn, self.generator.z).to(self.device)
            a = self.model.attributes(*codes[rows].to(self.device).unbind(1))
            begin = None if first_frame is None else first_frame[rows].to(self.device)
            videos.append(self.model.sample(a, eps, begin)[:, ::every].float().cpu())
        return torch.cat(videos)

    @torch.no_grad()
    def images(self, labels: Int64[Tensor, "n"], seed: int = 0, batch: int = 250) -> Float[Tensor, "n c h w"]:
        """One image for each label, in [-1, 1], of a model of images. A model that is told no label ignores it.

        The k-th image of a label has noise of its own: it depends on neither the batch nor the other labels.
        """
        seen: dict[int, int] = {}
        seeds = []
        for label in labels.tolist():
            seen[label] = seen.get(label, -1) + 1
            seeds.append(noise.seed_of(seed, label, seen[label]))
        made = []
        for rows in torch.arange(len(labels)).split(batch):
            eps = noise.normal(torch.tensor(seeds)[rows], self.generator.z).to(self.device)
            made.append(self.model.sample(labels[rows].to(self.device), eps).float().cpu())
        return torch.cat(made)

    @property
    def told(self) -> Sequence[str]:
        """What of (identity, action) reaches its videos. Raises UserError for a model that makes none."""
        if not hasattr(self.generator, "told"):
            raise UserError(
                f"{self.file} holds a {type(self.model).__name__}, which makes images, not videos: draw it with "
                "tools/figure.py, score it with tools/reproduce.py table=images"
            )
        return self.model.told

    @property
    def generator(self) -> Any:
        """The model, if it makes videos or images. Raises UserError if it does not."""
        if not hasattr(self.model, "sample"):
            raise UserError(f"{self.file} holds a {type(self.model).__name__}, which generates nothing: name another run")
        return self.model


def load_model(run: str | Path, settings: Mapping[str, Any] | None = None) -> TrainedModel:
    """The model of a run folder (or of a `.safetensors` file), in evaluation mode, with its names.

    The file describes itself: its metadata holds the resolved config. Only classes of `videogen.models` are built from
    it, so loading a stranger's file executes nothing of theirs. `settings` of the model take the place of those that it
    was trained with, where they leave its weights alone (`{"temperature": 0.5}`). Raises UserError for anything that is
    not such a file, and for settings that the model does not have or that its weights do not fit.
    """
    file = Path(run)
    file = file if file.suffix == ".safetensors" else file / "model.safetensors"
    tensors, described = read_tensors(file)
    if "config" not in described:
        raise UserError(f"{file} does not describe its model: name a run folder that tools/train.py made")
    config = described["config"]
    check_targets(config["model"], file, "models")
    settings = dict(settings or {})
    remedy = f"leave out {settings}" if settings else "train the run again"
    try:
        known = inspect.signature(pkgutil.resolve_name(config["model"]["_target_"])).parameters
        for name in settings.keys() - known:
            raise UserError(f"{file}: its model has no setting {name!r}; there are {', '.join(known)}")
        config["model"] |= settings
        model = instantiate(config["model"], _convert_="all")
    except (ImportError, AttributeError, InstantiationException) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise UserError(f"{file}: its model cannot be built by this version of videogen ({reason}): {remedy}") from None
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise UserError(f"{file} does not fit the model that it describes ({reason}): {remedy}") from None
    return TrainedModel(model.eval().requires_grad_(False), config, file, described["step"], described["seconds"])


def snapshots(run: str | Path) -> list[Path]:
    """The snapshots that a run has kept (training.settings.keep_every), in the order of the steps."""
    return sorted((Path(run) / "snapshots").glob("step_*.safetensors"))


def check_targets(node: Any, file: Path, package: str) -> None:
    """Raises UserError if a config from a file asks for anything but classes of one of our packages."""
    if isinstance(node, dict):
        target = node.get("_target_", f"videogen.{package}.")
        if not str(target).startswith(f"videogen.{package}."):
            raise UserError(f"{file} asks to build {target}, which is not in videogen.{package}: not loaded")
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        check_targets(child, file, package)


def listed(words: Name | Sequence[Name]) -> list[str]:
    """One word, or a list of them, as a command line gives it: `identity=ada` is `identity=[ada]`."""
    return [str(words)] if isinstance(words, Name) else [str(word) for word in words]


def number(name: Name, names: list[str], kind: str) -> int:
    """A name's number; a number stands for itself."""
    if name in names:
        return names.index(str(name))
    if str(name).isdecimal() and int(name) < len(names):
        return int(name)
    raise UserError(f"unknown {kind} {name!r}: choose from {', '.join(names)}, or a number from 0 to {len(names) - 1}")
