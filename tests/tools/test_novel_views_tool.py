"""A turntable of one's own: trained on, turned from one picture, and set against the truth."""

import json

import numpy as np
import pytest
from conftest import ROOT, run_tool
from PIL import Image

TRAIN, NOVEL_VIEWS, GENERATE = (str(ROOT / "tools" / f"{name}.py") for name in ("train", "novel_views", "generate"))
VIEWS = 6


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    """A folder with pictures of five objects, and a run of each of two models on them."""
    root = tmp_path_factory.mktemp("turned")
    for k in range(5):
        for view in range(VIEWS):
            picture = np.full((24, 24, 3), 255, np.uint8)
            picture[6:18, 4 + 2 * view : 8 + 2 * view] = 40 * k
            folder = root / "pictures" / f"thing_{k}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / f"{60 * view}.png")
    few = ["data=turntable", "data.root=pictures", "data.size=16", "training.batch_size=2", "training.settings.steps=2"]
    few += ["training.settings.keep_every=null", "training.settings.trackers=[]"]
    small = ["model.z=4", "model.hidden=16", "model.width=16", "model.features=16", "model.enc_width=8"]
    for run, words in (
        ("vae", ["experiment=chairs/video_vae_short", *small]),
        ("rotator", ["experiment=chairs/deep_rotator_1", "model.width=4", "training.settings.precision=no"]),
    ):
        done = run_tool(TRAIN, *words, *few, f"run=runs/{run}", cwd=root)
        assert done.returncode == 0, done.stderr
    return root


def test_both_models_and_both_baselines_by_angle(turned):
    done = run_tool(NOVEL_VIEWS, "runs=[runs/vae,runs/rotator]", "shown=2", "out=results", cwd=turned)
    assert done.returncode == 0, done.stderr
    found = json.loads((turned / "results/novel_views.json").read_text())
    assert found["degrees"] == ["60", "120", "180"] and found["objects"] == 1
    psnr, recognised = found["tables"]["PSNR (dB)"], found["tables"]["recognised (1-NN)"]
    rows = [
        "given view, unturned",
        "nearest training view, turned",
        "runs/vae (mean)",
        "runs/vae (sampled)",
        "runs/rotator",
    ]
    assert list(psnr) == rows and all(len(values) == 3 for values in psnr.values())
    assert {"pixels", "runs/rotator, its units", "runs/vae, imagined turn"} <= recognised.keys()
    assert list(found["a full turn closes, PSNR (dB)"]) == rows[2:]
    pictures = {"novel_views.png", "turns.png", "turns.gif", "turns.mp4", "partial_control.png", "full_control.png"}
    assert pictures <= {path.name for path in (turned / "results").iterdir()}


def test_a_picture_of_one_s_own_is_turned(turned):
    words = ["run=runs/vae", "first_frame=pictures/thing_0/60.png", "frames=7", "temperature=0", "out=turned"]
    done = run_tool(GENERATE, *words, cwd=turned)
    assert done.returncode == 0, done.stderr
    assert {"object_plus.mp4", "object_minus.gif", "grid.gif"} <= {path.name for path in (turned / "turned").iterdir()}


def test_a_mistake_is_one_line(turned):
    words = ["experiment=digits/gan", "training.settings.steps=1", "training.settings.trackers=[]", "run=runs/digits"]
    assert run_tool(TRAIN, *words, cwd=turned).returncode == 0
    for words, says in (
        (["runs=[runs/vae]", "starts=0"], "at least one"),
        (["runs=runs/digits"], "turns no given frame"),
    ):
        done = run_tool(NOVEL_VIEWS, *words, cwd=turned)
        assert done.returncode != 0 and says in done.stderr and "Traceback" not in done.stderr
