"""The trainer on a toy game: no model of ours, so nothing in it can lean on one."""

import json
from functools import partial

import pytest
import torch
from safetensors import safe_open
from torch import nn

from videogen import noise
from videogen.errors import UserError
from videogen.training.player import Player
from videogen.training.trainer import Settings, Trainer


class Game(nn.Module):
    """D and G each pull their own parameter to their own target."""

    def __init__(self):
        super().__init__()
        self.model = nn.ModuleDict({"G": nn.Linear(3, 1), "D": nn.Linear(3, 1)})

    def forward(self, player, batch):
        x = batch["x"] + 0.1 * noise.normal(batch["seed"], 3)
        y = self.model["D"](x) if player == "d" else self.model["D"](x * self.model["G"](x))
        return {"fit": (y[:, 0] - (1.0 if player == "d" else 2.0)) ** 2, "size": y[:, 0].abs()}


def loader(batch_size=8):
    def batches(first_step, rank, processes):
        step = first_step
        while True:
            share = batch_size // processes
            seeds = torch.arange(share) + step * batch_size + rank * share
            yield {"x": noise.normal(seeds, 3), "seed": seeds}
            step += 1

    return batches


def trainer(run, steps, seed=0, game=None, **changes):
    torch.manual_seed(seed)
    adam = partial(torch.optim.Adam, lr=changes.pop("lr", 0.05))
    players = {
        "d": Player(["D"], adam, {"fit": 1.0, "size": 0.1}),
        "g": Player(["G"], adam, {"fit": 1.0, "size": changes.pop("g_size", 0.0)}, every=changes.pop("every", 2)),
    }
    describe = {"model": {"width": changes.pop("width", 3)}}
    settings = Settings(steps=steps, **{"log_every": 5, "save_every": 5, **changes})
    return Trainer(game or Game(), players, loader(), settings, run, seed, describe)


def tensors(file):
    with safe_open(file, "pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path):
    trainer(tmp_path / "whole", 30).fit()
    trainer(tmp_path / "parts", 10).fit()
    trainer(tmp_path / "parts", 15, seed=0).fit()
    trainer(tmp_path / "parts", 30).fit()
    for file in ("checkpoint.safetensors", "model.safetensors"):
        assert same(tensors(tmp_path / "whole" / file), tensors(tmp_path / "parts" / file))
    lines = [[json.loads(line) for line in (tmp_path / r / "metrics.jsonl").open()] for r in ("whole", "parts")]
    for line in (*lines[0], *lines[1]):
        line.pop("steps_per_second")
    assert lines[0] == lines[1] and len(lines[0]) == 6


def test_everything_learns_and_only_when_due(tmp_path):
    game = Game()
    before = {name: p.clone() for name, p in game.model.named_parameters()}
    trainer(tmp_path, 1, game=game, every=1000, ema=None).fit()
    # Step 0 is everyone's turn; G's optimizer has moved once.
    assert all(not torch.equal(before[n], p) for n, p in game.model.named_parameters())
    g = game.model["G"].weight.clone()
    trainer(tmp_path, 4, game=game, every=1000, ema=None).fit()
    assert torch.equal(g, game.model["G"].weight) and not torch.equal(before["D.weight"], game.model["D"].weight)


def test_a_player_leaves_the_others_gradients_alone(tmp_path):
    game = Game()
    t = trainer(tmp_path, 1, game=game)
    t.turn("g", t.players["g"], next(loader()(0, 0, 1)))
    assert game.model["D"].weight.grad is None and game.model["G"].weight.grad is not None


def test_accumulation_is_the_whole_batch(tmp_path):
    trainer(tmp_path / "one", 6).fit()
    trainer(tmp_path / "four", 6, accumulation=4).fit()
    one, four = tensors(tmp_path / "one/model.safetensors"), tensors(tmp_path / "four/model.safetensors")
    assert all(torch.allclose(one[name], four[name], atol=1e-5) for name in one)
    with pytest.raises(UserError, match="accumulation=3"):
        trainer(tmp_path / "three", 1, accumulation=3).fit()


def test_weights_and_terms_must_agree(tmp_path):
    t = trainer(tmp_path, 1)
    t.players["d"].weights = {"fit": 1.0}
    with pytest.raises(UserError, match=r"returns the terms \['fit', 'size'\], the config weighs \['fit'\]"):
        t.fit()


def test_nan_stops_in_one_line_and_keeps_the_last_good_checkpoint(tmp_path):
    trainer(tmp_path, 10).fit()
    good = tensors(tmp_path / "checkpoint.safetensors")
    with pytest.raises(UserError, match="train/d/fit became nan between steps 10 and 15"):
        trainer(tmp_path, 20, lr=1e38).fit()
    assert same(good, tensors(tmp_path / "checkpoint.safetensors"))


def test_another_models_checkpoint_is_refused(tmp_path):
    trainer(tmp_path, 5).fit()
    with pytest.raises(UserError, match=r"holds another model \(width: 3 then, 4 now\)"):
        trainer(tmp_path, 10, width=4)


def test_a_checkpoint_of_other_players_is_refused(tmp_path):
    trainer(tmp_path, 5).fit()
    torch.manual_seed(0)
    adam, settings = partial(torch.optim.Adam, lr=0.05), Settings(steps=10, log_every=5, save_every=5)
    d, g = Player(["D"], adam, {"fit": 1.0, "size": 0.1}), Player(["G"], adam, {"fit": 1.0, "size": 0.0})
    for players, told in (
        ({"d": d, "critic": g}, "d, g then, critic, d now"),
        ({"d": g, "g": d}, r"D\.(bias|weight) is moved by another one now"),
    ):
        with pytest.raises(UserError, match=told):
            Trainer(Game(), players, loader(), settings, tmp_path, 0, {"model": {"width": 3}})


def test_a_damaged_checkpoint_is_named(tmp_path):
    trainer(tmp_path, 5).fit()
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match=r"checkpoint\.safetensors"):
        trainer(tmp_path, 10)


def test_max_minutes_stops_and_counts_all_sessions(tmp_path):
    trainer(tmp_path, 5).fit()
    t = trainer(tmp_path, 1000, max_minutes=1e-9)
    t.fit()
    assert t.step == 5


def test_only_known_tensors_are_loaded_and_nothing_is_pickled(tmp_path):
    trainer(tmp_path, 5).fit()
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.is_file()) == [".jsonl", ".safetensors", ".safetensors"]


def test_snapshots_stay_and_are_those_of_an_uninterrupted_run(tmp_path):
    trainer(tmp_path / "whole", 15, keep_every=5).fit()
    names = [f"step_{step:07d}.safetensors" for step in (5, 10, 15)]
    assert sorted(p.name for p in (tmp_path / "whole/snapshots").iterdir()) == names
    trainer(tmp_path / "parts", 10, keep_every=5).fit()
    trainer(tmp_path / "parts", 15, keep_every=5).fit()
    for name in names:
        assert same(tensors(tmp_path / "whole/snapshots" / name), tensors(tmp_path / "parts/snapshots" / name))
    assert same(tensors(tmp_path / "whole/snapshots" / names[-1]), tensors(tmp_path / "whole/model.safetensors"))
