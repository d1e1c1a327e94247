"""Two processes that share a batch see what one process sees: the same terms, the same gradients, the same statistics."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import distributed
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

from videogen.training.batch_norm import share_batch_norm

CONFIGS = Path(__file__).parents[2] / "configs"
GAMES = {
    "weizmann/mocogan_narrow": ["model.width=2", "data.size=32"],  # batch norm in two and three dimensions, noise layers
    # dropout, of dreams too; the pairs that anybody has seen
    "weizmann/control_whole": ["model.width=16", "model.hidden=32", "data.size=16", "data.frames=4"],
    "weizmann/motion_judge": ["model.width=4", "data.size=16"],
    "weizmann/video_vae_paper": ["+model.chunk=null", "data.frames=2", "model.hidden=32", "model.z=16"],  # whole channels
    "chairs/deep_rotator_2": ["model.width=4", "data.size=16"],
    "digits/lapgan": ["model.width=8"],
    "digits/gan": ["model.width=16", "model.units=8"],
    "digits/ebgan": ["model.width=8", "players.G.weights.pull_away=1"],  # its samples push one another away
    "digits/began": ["model.width=8"],  # a balance of the whole batch
    "digits/bs_gan": ["model.width=8", "+objective.memory=0.9"],  # a normalising constant of it
}
B = 8


def played(experiment: str, changes: list[str], rank: int, processes: int) -> dict[str, torch.Tensor]:
    """A process's share of every player's turn: its terms, the averaged gradients, the buffers afterwards."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        counts = ["++data.num_identities=2", "++data.num_actions=3", "++data.num_classes=10"]
        cfg = compose("train", [f"experiment={experiment}", *counts, *changes])
    if "clips" in cfg.data:
        cfg.data.update(identities=["ada", "ben"], actions=["jack", "run", "walk"], turns=[1, -1, 0])
    OmegaConf.resolve(cfg)
    torch.manual_seed(0)
    objective = instantiate(cfg.objective, model=instantiate(cfg.model, _convert_="all"), _convert_="all")
    game = objective
    if processes > 1:
        share_batch_norm(objective)
        game = DistributedDataParallel(objective, find_unused_parameters=True)
    drawn, size = torch.Generator().manual_seed(1), cfg.data.size
    batch = {
        "video": torch.rand(B, cfg.data.get("frames") or 1, cfg.data.channels, size, size, generator=drawn) * 2 - 1,
        "image": torch.rand(B, cfg.data.channels, size, size, generator=drawn) * 2 - 1,
        "identity": torch.arange(B) % 2,
        "action": torch.arange(B) % 3,
        "label": torch.arange(B),
        "labelled": torch.arange(B) % 4 > 0,
        "backwards": torch.arange(B) % 3 == 1,
        "seed": 1000 * torch.arange(B) + 5,
    }
    batch = {name: value.chunk(processes)[rank] for name, value in batch.items()}
    seen = {}
    for name, player in cfg.players.items():
        objective.zero_grad(set_to_none=True)
        torch.manual_seed(rank)  # what the global generator says must not matter
        terms = game(name, batch)
        sum(player.weights[term] * value.mean() for term, value in terms.items() if value.requires_grad).backward()
        seen |= {f"{name}/terms/{term}": value.detach() for term, value in terms.items()}
        seen |= {f"{name}/{of}": p.grad for of, p in objective.named_parameters() if p.grad is not None and p.grad.any()}
    return seen | {f"buffer/{name}": value for name, value in objective.named_buffers()}


def process(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    torch.save({name: played(name, changes, rank, 2) for name, changes in GAMES.items()}, folder / f"{rank}.pt")
    distributed.destroy_process_group()
    threads = [comm.read_text().strip() for comm in Path("/proc/self/task").glob("*/comm")]  # none to read but on Linux
    (folder / f"{rank}.txt").write_text("\n".join(threads))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    spawn(process, (folder,), nprocs=2)
    return folder


@pytest.fixture(scope="module")
def shared(folder) -> list[dict]:
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("experiment", GAMES)
def test_two_processes_play_as_one(shared, experiment):
    alone, (first, second) = played(experiment, GAMES[experiment], 0, 1), (both[experiment] for both in shared)
    assert alone.keys() == first.keys() == second.keys()
    largest = max(float(value.abs().max()) for name, value in alone.items() if "/model." in name)
    for name, whole in alone.items():
        if "/terms/" in name:
            torch.testing.assert_close(torch.cat([first[name], second[name]]), whole, rtol=1e-3, atol=1e-4, msg=name)
        else:
            torch.testing.assert_close(first[name], second[name], msg=name)
            close = 2e-3 * float(whole.abs().max()) + 1e-6 * largest  # some are 0 but for what rounding leaves
            torch.testing.assert_close(first[name], whole, rtol=0, atol=close, msg=name)


def test_the_threads_of_a_group_end_with_it(folder):
    """One of gloo's that is left when Python ends may abort the process, or hang."""
    for rank in range(2):
        assert "gloo" not in (folder / f"{rank}.txt").read_text()
