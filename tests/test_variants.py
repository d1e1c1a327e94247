"""The switches that the README names: each composes, and every player plays."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.mark.parametrize(
    "experiment, switches",
    [
        ("weizmann/mocogan_narrow", ["model.category=motion"]),
        ("weizmann/mocogan_narrow", ["model.D_I.patches=false"]),
        ("weizmann/mocogan_narrow", ["model.D_V.categories=0"]),
        ("weizmann/mocogan_narrow", ["model.D_V.categories=0", "model.D_V.patches=true"]),
        ("weizmann/mocogan_narrow", ["model.D_I.noise=0", "model.D_V.noise=0"]),
        ("weizmann/vgan_narrow", ["model.streams=1"]),
        ("weizmann/control", ["model.room=true", "model.width=16", "model.critic.width=8"]),
        ("weizmann/control_whole", ["model.painted=0", "model.width=16", "model.critic.width=8"]),
        ("actors/control_panned", ["model.room=false", "model.width=16"]),
    ],
)
def test_a_switch_is_enough(experiment, switches):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(
            "train", [f"experiment={experiment}", "data.num_identities=2", "data.num_actions=3", "model.width=4", *switches]
        )
    OmegaConf.resolve(cfg)
    objective = instantiate(cfg.objective, model=instantiate(cfg.model, _convert_="all"), _convert_="all")
    batch = {
        "video": torch.rand(2, cfg.data.frames, 3, 64, 64) * 2 - 1,
        "identity": torch.tensor([0, 1]),
        "action": torch.tensor([2, 0]),
        "labelled": torch.tensor([True, False]),
        "backwards": torch.tensor([False, True]),
        "seed": torch.tensor([1, 2]),
    }
    for name, player in cfg.players.items():
        terms = objective(name, batch)
        assert terms.keys() == player.weights.keys()
        assert all(term.shape == (2,) and term.isfinite().all() for term in terms.values())
