"""Models of images as a user trains them: to digits, to a table, to a figure, and on when they were killed."""

import json

import pytest
from conftest import ROOT, run_tool
from PIL import Image
from test_train import TRAIN, same, state

FIGURE, REPRODUCE, GENERATE, EVALUATE = (
    str(ROOT / "tools" / f"{name}.py") for name in ("figure", "reproduce", "generate", "evaluate")
)
SHORT = ["training.batch_size=16", "training.settings.trackers=[]", "training.settings.log_every=2"]


def train(root, experiment: str, run: str, steps: int, *more: str):
    settings = [f"training.settings.steps={steps}", "training.settings.save_every=4", "training.settings.preview_every=4"]
    return run_tool(TRAIN, f"experiment={experiment}", f"run={run}", *SHORT, *settings, *more, cwd=root)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A judge, and two models of digits."""
    root = tmp_path_factory.mktemp("images")
    for experiment in ("digits/judge", "digits/vae_2d", "digits/wgan_gp"):
        done = train(root, experiment, f"runs/{experiment}/seed_0", 8, "model.width=8")
        assert done.returncode == 0, done.stderr
    return root


def test_a_game_killed_and_continued_is_the_same_game(root):
    """D plays five times for each time of G; both have gone on where they stopped."""
    for steps in (4, 8):
        assert train(root, "digits/wgan_gp", "runs/again", steps, "model.width=8").returncode == 0
    assert same(state(root / "runs/again"), state(root / "runs/digits/wgan_gp/seed_0"))
    assert Image.open(root / "runs/again/samples/step_000008.png").size[0] > 400


def test_the_table_of_images(root):
    rows = "[{name: Real, real: bound}, {name: VAE, experiment: digits/vae_2d, run: runs/digits/vae_2d/seed_0, minutes: 1}]"
    words = ["table=images", "table.samples=12", "table.draws=4", "seeds=[0,1]", "train=false", f"table.rows={rows}"]
    done = run_tool(REPRODUCE, *words, cwd=root)
    assert done.returncode == 0, done.stderr
    cells = json.loads((root / "results/images/table.json").read_text())["cells"]["best"]
    real, vae = cells["Real"][0], cells["VAE"][0]
    assert real["samples"] == vae["samples"] == 120 and real["fid"] > 0 and real["label_accuracy"] is not None
    assert vae["bits_per_dim_weighted"] < vae["bits_per_dim"] and vae["label_accuracy"] is None
    page = (root / "results/images/table.md").read_text()
    assert "bits_per_dim" in page and "experiment=digits/vae_2d" in page
    assert (root / "results/images/comparison.png").exists()


def test_a_figure_is_one_command(root):
    done = run_tool(FIGURE, "figure=manifold", "run=runs/digits/vae_2d/seed_0", "out=manifold", cwd=root)
    assert done.returncode == 0 and "picture: manifold.png" in done.stdout, done.stderr
    done = run_tool(FIGURE, "figure=manifold", "run=runs/digits/wgan_gp/seed_0", cwd=root)
    assert done.returncode != 0 and "DcGan, which has no encoder" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("tool", [GENERATE, EVALUATE])
def test_a_model_of_images_makes_no_videos(root, tool):
    done = run_tool(tool, "run=runs/digits/wgan_gp/seed_0", cwd=root)
    assert done.returncode != 0 and "makes images, not videos" in done.stderr and "Traceback" not in done.stderr
