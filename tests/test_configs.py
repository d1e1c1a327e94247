"""Every experiment composes, and everything that it names is built, at toy size and without its data."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue

from videogen.evaluation.report import COLUMNS
from videogen.evaluation.reproduction import Entry
from videogen.training.player import partition

CONFIGS = Path(__file__).parents[1] / "configs"
EXPERIMENTS = sorted(
    str(file.relative_to(CONFIGS / "experiment").with_suffix("")) for file in (CONFIGS / "experiment").rglob("*.yaml")
)
COUNTS = ("++data.num_identities=2", "++data.num_actions=3", "++data.num_classes=10")  # known once data is read
TOOLS = sorted(file.stem for file in CONFIGS.glob("*.yaml"))
TABLES = sorted(file.stem for file in (CONFIGS / "table").glob("*.yaml"))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment_builds_and_takes_a_step(experiment):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose("train", [f"experiment={experiment}", *COUNTS])
    if cfg.model.get("width", 0) > 32 and "gan" in experiment:
        cfg.model.width = 8  # the published width takes long on a CPU
    if "clips" in cfg.data:
        cfg.data.update(identities=["ada", "ben"], actions=["jack", "run", "walk"], turns=[1, -1, 0])
    OmegaConf.resolve(cfg)
    assert cfg.name == experiment and cfg.run == f"runs/{experiment}/seed_0"
    model = instantiate(cfg.model, _convert_="all")
    objective = instantiate(cfg.objective, model=model, _convert_="all")
    players = {name: instantiate(player, _convert_="all") for name, player in cfg.players.items()}
    instantiate(cfg.training.settings, _convert_="all")
    parts = partition(players, model)
    shape = tuple(cfg.data[name] for name in ("channels", "size", "size"))
    batch = {
        **({"video": torch.rand(2, cfg.data.frames, *shape) * 2 - 1} if "clips" in cfg.data else {}),
        **({"image": torch.rand(2, *shape) * 2 - 1} if "images" in cfg.data else {}),
        "identity": torch.tensor([0, 1]),
        "action": torch.tensor([2, 0]),
        "label": torch.tensor([7, 3]),
        "labelled": torch.tensor([True, False]),
        "backwards": torch.tensor([False, True]),
        "seed": torch.tensor([1, 2]),
    }
    for name, player in players.items():
        terms = objective(name, batch)
        assert terms.keys() == player.weights.keys()
        assert all(term.shape == (2,) for term in terms.values())
        player.optimizer(parts[name].values())


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment_begins_with_its_command(experiment):
    lines = (CONFIGS / "experiment" / f"{experiment}.yaml").read_text().splitlines()
    assert lines[0] == "# @package _global_" and f"experiment={experiment}" in lines[1]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_can_be_asked_for_help(tool):
    """`--help` composes what there is without a word more, whatever the tool cannot do without."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(tool)
    for choice in {"figure", "table"} & cfg.keys():  # no default: what the tool says in one line, for it is missing
        with pytest.raises(MissingMandatoryValue):
            cfg[choice]


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_a_table_can_be_trained(table):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = OmegaConf.to_container(compose("reproduce", [f"table={table}"]).table, resolve=True)
        entries = [Entry(**row) for row in cfg["rows"]]
        for entry in entries:
            for run in (*entry.earlier(), entry) if entry.real is None else ():
                trained = compose("train", [*run.command(cfg["data"], None), *COUNTS])
                assert trained.run == run.run
                assert trained.training.settings.keep_every or "images" in trained.data  # those are scored at their end
    assert cfg["name"] == table and {*cfg["columns"], *cfg["curves"]} <= COLUMNS.keys()
    assert len({entry.name for entry in entries}) == len(entries)
