"""A table from nothing: the runs are trained, the cells filled and kept, the pictures drawn."""

import json

import pytest
from conftest import ROOT, run_tool
from PIL import Image
from test_train import TRAIN, overrides

REPRODUCE, GENERATE, EVALUATE = (str(ROOT / "tools" / f"{name}.py") for name in ("reproduce", "generate", "evaluate"))
FP32 = "training.settings.precision=no"


def row(name: str, **settings: str) -> str:
    return "{" + f'name: "{name}", ' + ", ".join(f"{key}: {value}" for key, value in settings.items()) + "}"


def quoted(words: list[str]) -> str:
    return "[" + ",".join(f"'{word}'" for word in words) + "]"


@pytest.fixture(scope="module")
def table(strips, tmp_path_factory):
    """A folder with a judge, and the words that make a small table of two models there."""
    root = tmp_path_factory.mktemp("table")
    judge = overrides(strips, root / "runs/tiny/judge/seed_0", steps=4, experiment="weizmann/judge", model__width="8")
    judge = [word for word in judge if not word.startswith(("model.hidden", "model.features", "model.z"))]
    done = run_tool(TRAIN, *judge, FP32, "data.mirror=false", cwd=root)
    assert done.returncode == 0, done.stderr
    vae = overrides(strips, root / "runs/tiny/vae/seed_0", steps=4, training__settings__keep_every="2")
    small = [word for word in vae if not word.startswith(("experiment", "run=", "data=", "data.root"))]
    gan = [word for word in small if not word.startswith(("model.hidden", "model.features", "model.z", "data.frames"))]
    gan += ["data.frames=10", "model.width=4", FP32]
    rows = [
        row("Bound", real="bound", published="{i_score: 4}"),
        row("Static", real="frozen"),
        row("GAN ○", experiment="weizmann/mocogan_narrow", run="runs/tiny/gan/seed_0", overrides=quoted(gan)),
        row("VAE ●", experiment="weizmann/video_vae", run="runs/tiny/vae/seed_0", begins_with="first_frame",
            overrides=quoted([*small, FP32])),
    ]  # fmt: skip
    words = ["table=weizmann", f"data_root={strips}", "samples=2", "per_clip=3", "curve_samples=2", "seeds=[0,1]"]
    return root, [*words, "table.compared=[[0,0],[1,1]]", f"table.rows=[{','.join(rows)}]"]


def test_a_table_from_nothing_and_again(table):
    root, words = table
    done = run_tool(REPRODUCE, *words, cwd=root)
    assert done.returncode == 0, done.stderr
    out = root / "results/weizmann"
    found = json.loads((out / "table.json").read_text())
    cells = found["cells"]["best"]
    assert list(cells) == ["Bound", "Static", "GAN ○", "VAE ●"] and all(len(rows) == 2 for rows in cells.values())
    gan, vae = cells["GAN ○"][0], cells["VAE ●"][0]
    assert gan["samples"] == 8 and vae["samples"] == 12
    assert gan["identity_accuracy"] is None and gan["action_accuracy"] is not None  # it is told the action alone
    assert vae["joint_accuracy"] is not None and vae["step"] in (2, 4)
    page = (out / "table.md").read_text()
    assert "published i score" in page and " ± " in page and "python tools/train.py experiment=weizmann/mocogan" in page
    pictures = {path.name for path in out.glob("*.png")}
    over_time = {"over_time_tiny_gan_seed_0_codes.png", "over_time_tiny_vae_seed_0_first_frame.png"}
    assert pictures == {"curves.png", "players.png", "comparison.png"} | over_time
    assert Image.open(out / "comparison.gif").n_frames == 6

    kept = {file: file.stat().st_mtime_ns for file in root.rglob("*.json") if file.parent.name == "cells"}
    assert len(kept) >= 2 * 2 + 2 * 2 + 4  # real rows, chosen snapshots, and a curve of two snapshots each
    again = run_tool(REPRODUCE, *words, cwd=root)
    assert again.returncode == 0 and again.stdout == done.stdout
    assert kept == {file: file.stat().st_mtime_ns for file in kept}  # nothing was computed twice


def test_a_model_is_asked_only_for_what_it_is_told(table):
    root, _ = table
    gan = "run=runs/tiny/gan/seed_0"
    done = run_tool(GENERATE, gan, "action=[wave2]", "frames=17", "samples=2", cwd=root)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (root / "runs/tiny/gan/seed_0/generated").glob("*.gif")}
    assert names == {"any_wave2_0.gif", "any_wave2_1.gif", "grid.gif"}
    Image.new("RGB", (16, 16)).save(root / "first.png")
    for words, message in (
        (["identity=[0]"], "holds a MoCoGan, which is told no identity"),
        (["first_frame=first.png"], "which begins with codes, not with first_frame"),
    ):
        done = run_tool(GENERATE, gan, *words, cwd=root)
        assert done.returncode != 0 and message in done.stderr and "Traceback" not in done.stderr
    done = run_tool(EVALUATE, gan, "samples=2", "per_clip=3", cwd=root)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads((root / "runs/tiny/gan/seed_0/metrics.json").read_text())["rows"]}
    assert list(rows) == ["bound", "frozen", "shuffled", "jittered", "codes"]
    assert rows["codes"]["joint_accuracy"] is None and rows["bound"]["joint_accuracy"] is not None


def test_a_mistake_is_one_line(table):
    root, words = table
    for wrong, message in (
        ("table.rows=[{name: A, real: melted}]", "real=melted is none of bound"),
        ("table.rows=[{name: A}]", "give it either"),
        ("seeds=first", "at least one whole number"),
        (
            "table.rows=[{name: A, experiment: weizmann/judge, run: runs/x, overrides: ['nonsense=1']}]",
            "training of A ended",
        ),
    ):
        done = run_tool(REPRODUCE, *words[:-1], wrong, cwd=root)
        assert done.returncode != 0 and message in done.stderr and "Traceback" not in done.stderr, done.stderr
