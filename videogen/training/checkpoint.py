"""State on disk: one safetensors file for everything that training needs, one for the model that it made.

`accelerator.save_state` would pickle the optimizers, name models by the order in which they were prepared, and write in
place. Here every tensor is filed under its name, loading executes nothing, and a file is written beside and renamed, so
that a kill at any moment leaves the last good one whole. No random state is kept: every draw of a step is a function of
the seed and the step.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from videogen.errors import UserError

CHECKPOINT, EXPORT = "checkpoint.safetensors", "model.safetensors"
CONTINUE = "Use the settings that it was trained with, or another run folder (run=...)"
BEGIN = "Begin with another run (start_from=...), or name the submodules that are not to begin with it (start_fresh=[...])"


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors filed under `prefix`, without it."""
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def optimizer_state(optimizer: Optimizer, names: list[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state, tensors apart from plain numbers, each under `<parameter>/<key>`."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            filed = f"{names[index]}/{key}"
            if isinstance(value, Tensor):
                tensors[filed] = value
            else:
                numbers[filed] = value
    return tensors, numbers


def load_optimizer_state(
    optimizer: Optimizer, names: list[str], tensors: dict[str, Tensor], numbers: dict[str, Any], path: Path
) -> None:
    """The inverse of `optimizer_state`. Learning rate and the like stay as the config says. Raises UserError for the state
    of a parameter that is not among `names`."""
    index = {name: i for i, name in enumerate(names)}
    state: dict[int, dict[str, Any]] = {}
    for filed, value in [*tensors.items(), *numbers.items()]:
        name, _, key = filed.rpartition("/")
        if name not in index:
            raise other_players(path, f"{name} is moved by another one now")
        state.setdefault(index[name], {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def other_players(path: Path, difference: str) -> UserError:
    return UserError(
        f"{path} was trained by other players ({difference}). Use the settings that it was trained with, or another run "
        "folder (run=...), which can begin with its weights (start_from=...)"
    )


def load_weights(module: nn.Module, tensors: dict[str, Tensor], path: Path, remedy: str = CONTINUE) -> None:
    """Strictly: the same names and shapes, or a UserError that names the first difference, and the `remedy`."""
    expected = module.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors or name not in expected or tensors[name].shape != expected[name].shape:
            there = list(tensors[name].shape) if name in tensors else "nothing"
            here = list(expected[name].shape) if name in expected else "nothing"
            raise UserError(f"{path} holds another model: {name} is {there} there and {here} here. {remedy}")
    with torch.no_grad():
        module.load_state_dict(tensors)


def begin_with(model: nn.Module, tensors: dict[str, Tensor], path: Path, fresh: Sequence[str]) -> None:
    """Weights of another run; but the submodules in `fresh` keep those they have, whatever is there. Raises UserError."""
    known = [name for name, _ in model.named_children()]
    for name in fresh:
        if name not in known:
            raise UserError(f"start_fresh: the model has no submodule {name!r}; its submodules are {', '.join(known)}")
    begin = tuple(f"{name}." for name in fresh)
    theirs = {name: tensor for name, tensor in tensors.items() if not name.startswith(begin)}
    own = {name: tensor for name, tensor in model.state_dict().items() if name.startswith(begin)}
    load_weights(model, theirs | own, path, BEGIN)
