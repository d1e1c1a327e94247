from functools import partial

import pytest
import torch
from torch import nn

from videogen.errors import UserError
from videogen.training.player import Player, partition


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.G, self.D = nn.Linear(2, 3), nn.Linear(3, 1)


def player(*params: str) -> Player:
    return Player(list(params), partial(torch.optim.SGD, lr=0.1), {"loss": 1.0})


def test_each_parameter_belongs_to_one_player():
    parts = partition({"d": player("D"), "g": player("G")}, Two())
    assert {name: list(p) for name, p in parts.items()} == {"d": ["D.weight", "D.bias"], "g": ["G.weight", "G.bias"]}
    assert list(partition({"all": player("")}, Two())["all"]) == ["G.weight", "G.bias", "D.weight", "D.bias"]


@pytest.mark.parametrize(
    ("players", "message"),
    [
        ({"d": player("D")}, "no player moves G.weight"),
        ({"d": player("D", "G"), "g": player("G")}, "d and g both move G.weight"),
        ({"d": player("E")}, "no submodule 'E'; its submodules are G, D"),
    ],
)
def test_a_wrong_partition_is_named(players, message):
    with pytest.raises(UserError, match=message):
        partition(players, Two())


def test_frozen_parameters_need_no_player():
    model = Two()
    model.G.requires_grad_(False)
    assert list(partition({"d": player("D")}, model)) == ["d"]
