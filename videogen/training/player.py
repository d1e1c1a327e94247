"""One side of the game: what it moves, with which optimizer, and how it weighs its loss terms."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer

from videogen.errors import UserError
from videogen.training.schedule import Schedule


@dataclass
class Player:
    """A VAE has one, a GAN two, MoCoGAN three.

    params      submodules of the model that it moves; "" is the whole model
    optimizer   parameters -> Optimizer
    weights     loss term -> weight; the keys must equal the terms that the objective returns
    rate        factor on the learning rate, by step
    every       takes its turn on every n-th step
    clip_norm   largest norm of its gradient; None leaves it alone
    """

    params: list[str]
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    weights: dict[str, float | Schedule]
    rate: Schedule | None = None
    every: int = 1
    clip_norm: float | None = None

    def parameters(self, model: nn.Module) -> dict[str, nn.Parameter]:
        """The trainable parameters below its submodules, under their names in the model."""
        found = {}
        for prefix in self.params:
            try:
                submodule = model.get_submodule(prefix)
            except AttributeError:
                known = ", ".join(name for name, _ in model.named_children())
                raise UserError(f"the model has no submodule {prefix!r}; its submodules are {known}") from None
            for name, parameter in submodule.named_parameters():
                if parameter.requires_grad:
                    found[f"{prefix}.{name}".lstrip(".")] = parameter
        return found


def partition(players: dict[str, Player], model: nn.Module) -> dict[str, dict[str, nn.Parameter]]:
    """Each player's parameters by name. Every trainable parameter must belong to exactly one player."""
    parts = {name: player.parameters(model) for name, player in players.items()}
    owners: dict[str, list[str]] = {name: [] for name, p in model.named_parameters() if p.requires_grad}
    for player, parameters in parts.items():
        for name in parameters:
            owners[name].append(player)
    orphans = [name for name, owner in owners.items() if not owner]
    shared = [name for name, owner in owners.items() if len(owner) > 1]
    if orphans:
        raise UserError(f"no player moves {orphans[0]} ({len(orphans)} such parameters): name its module in some `params`")
    if shared:
        raise UserError(f"{' and '.join(owners[shared[0]])} both move {shared[0]}: a parameter belongs to one player")
    return parts
