import math
import re
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from PIL import Image

from videogen.data.points import Points, ring
from videogen.errors import UserError
from videogen.evaluation import games
from videogen.files import write_tensors
from videogen.models.mlp_gan import MlpGan, PointGan

CONFIGS = Path(__file__).parents[2] / "configs"
RING = {"_target_": "videogen.data.points.ring", "modes": 8, "radius": 2.0, "sigma": 0.05}
LINE = {"_target_": "videogen.data.points.Points", "centres": [[-1.0], [1.0]], "sigma": 0.4, "shares": None}


def write_run(run: Path, model: torch.nn.Module, described: dict, images: dict) -> Path:
    """What tools/train.py leaves of a model, with two snapshots."""
    config = {"name": f"points/{run.name}", "model": described, "data": {"images": images, "num_classes": 2}}
    for step, file in ((1, "snapshots/step_0000001"), (20, "snapshots/step_0000020"), (20, "model")):
        write_tensors(
            run / f"{file}.safetensors", dict(model.state_dict()), {"step": step, "seconds": 1.0, "config": config}
        )
    return run


def point_run(run: Path, channels: int, images: dict) -> Path:
    torch.manual_seed(0)
    described = {"_target_": "videogen.models.mlp_gan.PointGan", "channels": channels, "z": 2, "width": 8}
    return write_run(run, PointGan(channels, 2, 8), described, images)


def drawn(figure: str, out: Path, *changes: str) -> list[str]:
    """As tools/figure.py does it."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose("figure", [f"figure={figure}", *changes])
        return instantiate(cfg.figure, _convert_="all")(out=out)


@pytest.mark.parametrize("figure", ["equilibrium", "ring", "gradients"])
def test_a_figure_begins_with_its_command(figure):
    assert f"figure={figure}" in (CONFIGS / "figure" / f"{figure}.yaml").read_text().splitlines()[0]


def test_the_divergence_of_two_histograms():
    p, q = torch.tensor([0.5, 0.5, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.25, 0.75])
    assert games.jensen_shannon(p, p) == pytest.approx(0, abs=1e-12)
    assert games.jensen_shannon(p, q) == pytest.approx(math.log(2))
    assert games.best_off(p, p) == 0 and games.best_off(p, q) == pytest.approx(0.5)
    half = torch.tensor([0.5, 0.0, 0.5, 0.0])
    assert games.best_off(p, half) == pytest.approx(0.25)
    assert games.jensen_shannon(p, half) == pytest.approx(math.log(2) / 2) == games.jensen_shannon(half, p)


def test_the_outer_bins_have_what_lies_beyond():
    x = torch.tensor([[-9.0], [-0.5], [0.5], [9.0]])
    assert games.histogram(x, torch.tensor([-1.0, 0.0, 1.0])).tolist() == [0.5, 0.5]


def test_stages_lie_ever_further_apart():
    assert games.spread(5, 6) == [0, 1, 2, 3, 4]
    places = games.spread(100, 6)
    assert places[0] == 0 and places[-1] == 99 and len(places) <= 6
    assert all(b - a < c - b for a, b, c in zip(places, places[1:], places[2:], strict=False))


def test_coverage_by_hand():
    points = Points([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]], 0.1)
    at = {(0.0, 0.29): 90, (2.0, 0.31): 4, (1.9, 1.9): 6}  # within 3 sigma; just outside; within, but too few to count
    x = torch.tensor([place for place, count in at.items() for _ in range(count)])
    assert games.coverage(x, points) == (1, pytest.approx(0.96))
    x = torch.cat([x[:40], points.centres[3].expand(60, 2)])
    assert games.coverage(x, points) == (2, 1.0)


def test_the_data_cover_their_own_modes():
    points = ring(8, 2.0, 0.05)
    modes, good = games.coverage(games.real_points(points, 1000, 0), points)
    assert modes == 8 and good == pytest.approx(1 - math.exp(-4.5), abs=0.01)  # of a Gaussian in the plane


def test_equilibrium_is_drawn(tmp_path):
    run = point_run(tmp_path / "line", 1, LINE)
    lines = drawn("equilibrium", tmp_path / "f" / "e", f"figure.run={run}", "figure.samples=400")
    assert [line.split(":")[0] for line in lines] == ["step 1", "step 20", "real for made"]
    assert Image.open(tmp_path / "f" / "e.png").size[0] > 1000 and Image.open(tmp_path / "f" / "e.gif").n_frames == 2
    off, best, apart = map(float, re.findall(r"\d\.\d+", lines[0]))
    assert 0 <= off <= 0.5 and 0.02 < best <= 0.5 and 0.02 < apart <= math.log(2)  # an untrained G


def test_the_ring_is_drawn(tmp_path):
    run = point_run(tmp_path / "born", 2, RING)
    lines = drawn("ring", tmp_path / "r", f"figure.runs=[{run},{run}]")
    assert lines[0] == lines[1] and lines[0].startswith("points/born, step 20: 0 of 8 modes, ")
    assert lines[2].startswith("real points: 8 of 8 modes, 9")
    assert Image.open(tmp_path / "r.png").size[0] > 600


@pytest.mark.parametrize("kind", ["points", "images"])
def test_the_gradients_are_measured(tmp_path, kind):
    """Of a single sample the two gradients differ by the factor sigmoid(-v) / sigmoid(v) alone."""
    if kind == "points":
        run = point_run(tmp_path / "run", 2, RING)
    else:
        described = {"channels": 1, "size": 8, "z": 3, "width": 8, "units": 4, "pieces": 2}
        target = {"_target_": "videogen.models.mlp_gan.MlpGan", **described}
        model = MlpGan(**described)
        with torch.no_grad():
            model.D[-1].bias.fill_(-3.0)
        run = write_run(tmp_path / "run", model, target, {"_target_": "videogen.data.images.Images"})
    line = drawn("gradients", tmp_path / "g", f"figure.run={run}", "+figure.samples=1")[0]
    believed, flat, steep = (float(number) for number in re.findall(r"\d\.\d+e[+-]\d+", line))
    assert steep / flat == pytest.approx((1 - believed) / believed, rel=0.03) and flat > 0
    assert Image.open(tmp_path / "g.png").size[0] > 1000
    if kind == "images":
        assert believed == pytest.approx(1 / (1 + math.exp(3)), rel=0.02)


def test_what_cannot_be_drawn_is_said_in_a_line(tmp_path):
    line = point_run(tmp_path / "line", 1, LINE)
    with pytest.raises(UserError, match="trained on points in 1-d, not in 2-d"):
        games.ring(tmp_path / "r", [line])
    stranger = point_run(tmp_path / "stranger", 2, {"_target_": "os.makedirs", "name": str(tmp_path / "made")})
    with pytest.raises(UserError, match="was not trained on points"):
        games.ring(tmp_path / "r", [stranger])
    nested = {**LINE, "shares": {"_target_": "os.makedirs", "name": str(tmp_path / "made")}}
    with pytest.raises(Exception, match="shares"):
        games.equilibrium(tmp_path / "e", point_run(tmp_path / "nested", 1, nested))
    assert not (tmp_path / "made").exists()  # nothing of a stranger's is executed
    (line / "snapshots" / "step_0000001.safetensors").unlink()
    with pytest.raises(UserError, match="has no course to draw: train it with"):
        games.gradients(tmp_path / "g", line)
    with pytest.raises(UserError, match=r"nothing/model.safetensors does not exist: train first"):
        games.gradients(tmp_path / "g", tmp_path / "nothing")
