"""From a trained run to videos and to a table, as a user does it."""

import json
from pathlib import Path

import av
import pytest
import torch
from conftest import ROOT, run_tool
from PIL import Image
from test_train import TRAIN, overrides

from videogen.errors import UserError
from videogen.files import read_tensors, write_tensors
from videogen.runs import load_model

GENERATE, EVALUATE = str(ROOT / "tools" / "generate.py"), str(ROOT / "tools" / "evaluate.py")


@pytest.fixture(scope="module")
def runs(strips, tmp_path_factory) -> Path:
    """A VideoVAE that never saw (person_1, wave2), and a judge that saw everything, side by side."""
    root = tmp_path_factory.mktemp("runs")
    vae = overrides(strips, root / "runs/tiny/video_vae/seed_0", steps=4, data__unseen_pairs="[[person_1,wave2]]")
    judge = [
        word
        for word in overrides(strips, root / "runs/tiny/judge/seed_0", steps=4, model__width=4)
        if not word.startswith(("experiment=", "model.hidden", "model.features", "model.z"))
    ]
    # oneDNN 3.x corrupts memory in bf16 3-D convolutions of fewer than 16 channels on 1x1 maps: fp32 for this toy.
    judge.append("training.settings.precision=no")
    for arguments in (vae, ["experiment=weizmann/judge", *judge]):
        done = run_tool(TRAIN, *arguments, cwd=root)
        assert done.returncode == 0, done.stderr
    return root


RUN = "run=runs/tiny/video_vae/seed_0"


def test_videos_of_these_people_doing_that(runs):
    done = run_tool(GENERATE, RUN, "identity=person_1", "action=[wave2,0]", "frames=9", "out=out", "scale=2", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (runs / "out").iterdir()) == [
        *("grid.gif", "grid.mp4"),
        *("person_1_wave1.gif", "person_1_wave1.mp4", "person_1_wave2.gif", "person_1_wave2.mp4"),
        "sheet.png",
    ]
    with av.open(str(runs / "out/person_1_wave2.mp4")) as video:
        frames = list(video.decode(video=0))
        assert len(frames) == 9 and (frames[0].width, frames[0].height) == (32, 32)
    assert Image.open(runs / "out/person_1_wave1.gif").n_frames == 9


def test_a_first_frame_of_ones_own(runs):
    Image.new("RGB", (50, 40), (200, 30, 30)).save(runs / "me.png")
    done = run_tool(GENERATE, RUN, "identity=[0]", "action=0", "first_frame=me.png", "out=mine", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert (runs / "mine/person_0_wave1.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([RUN, "identity=[nobody]"], "unknown identity 'nobody': choose from person_0, person_1"),
        ([RUN, "action=[7]"], "unknown action '7'"),
        (["run=nowhere"], "nowhere/model.safetensors does not exist"),
        ([RUN, "frames=0"], "frames=0"),
        ([RUN, "first_frame=none.png"], "none.png is no file"),
        (["run=runs/tiny/judge/seed_0"], "Judge"),
    ],
)
def test_a_mistake_is_one_line(runs, arguments, message):
    done = run_tool(GENERATE, *arguments, cwd=runs)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1 and message in done.stderr


def test_the_same_seed_gives_the_same_video_in_any_batch(runs):
    trained = load_model(runs / "runs/tiny/video_vae/seed_0")
    codes = trained.codes(["person_0", "person_1", 1, 0], ["wave1", "wave2", 0, "wave1"])
    assert codes.tolist() == [[0, 0], [1, 1], [1, 0], [0, 0]]
    together = trained.sample(codes, frames=8, seed=3, batch=8)
    apart = trained.sample(codes, frames=8, seed=3, batch=1)
    assert torch.allclose(together, apart, atol=1e-5)
    alone = trained.sample(codes[1:2], frames=8, seed=3)
    assert torch.allclose(together[1], alone[0], atol=1e-5)
    longer = trained.sample(codes, frames=12, seed=3)
    assert torch.allclose(together, longer[:, :8], atol=1e-5)
    assert not torch.allclose(together[0], together[3], atol=1e-3)  # the same code twice: two videos
    assert not torch.allclose(together, trained.sample(codes, frames=8, seed=4), atol=1e-3)
    still = [trained.sample(codes, frames=8, seed=seed, temperature=0) for seed in (3, 4)]
    assert torch.equal(*still) and not torch.allclose(still[0], together, atol=1e-3)  # no noise, no seed


def test_frames_further_apart_are_frames_of_a_longer_video(runs):
    trained = load_model(runs / "runs/tiny/video_vae/seed_0")
    codes, own = trained.codes([0, 1], [0, 1]), trained.config["data"]["stride"]
    assert own == 2
    torch.testing.assert_close(trained.sample(codes, 3, stride=4), trained.sample(codes, 5)[:, ::2])
    with pytest.raises(UserError, match="trained at stride 2: stride 3 is no multiple"):
        trained.sample(codes, 3, stride=3)


def test_the_table(runs):
    done = run_tool(EVALUATE, RUN, "samples=3", "per_clip=4", cwd=runs)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((runs / "runs/tiny/video_vae/seed_0/metrics.json").read_text())
    rows = {row["name"]: row for row in metrics["rows"]}
    real, ours = ["bound", "frozen", "shuffled", "jittered"], ["codes", "codes_first_frame"]
    unseen = ["pairs", "real", "real_moved", "real_expected", "pairs_aligned", "others_aligned", "real_aligned"]
    assert list(rows) == [*real, *ours, *(f"unseen_{name}" for name in unseen)]
    # Three pairs were trained on, one was not; the held-out third of three clips is real.
    assert [rows[n]["samples"] for n in rows] == [12, 12, 12, 12, 9, 12, 3, 4, 4, 4, 3, 3, 4]
    assert rows["bound"]["sharpness"] == 1.0 and rows["frozen"]["frechet"] > 0
    for row in rows.values():
        assert row["i_score"] == pytest.approx(2.718281828 ** (row["inter_entropy"] - row["intra_entropy"]))
        assert row["joint_accuracy"] <= min(row["identity_accuracy"], row["action_accuracy"]) + 1 / 9
    assert "joint_apart" not in rows["bound"]  # no such judge, no such column
    assert {"judge", "seed", "hardware", "first_frame_psnr_db", "steps"} <= metrics.keys()
    assert "runs/tiny/judge/seed_0" in metrics["judge"] and "unseen_pairs" in done.stdout
    again = run_tool(EVALUATE, RUN, "samples=3", "per_clip=4", cwd=runs)
    assert again.stdout == done.stdout


def test_a_judge_of_other_data_is_refused(runs):
    file = runs / "runs/tiny/judge/seed_0/model.safetensors"
    tensors, described = read_tensors(file)
    described["config"]["data"]["actions"] = ["jack", "run"]
    write_tensors(runs / "other.safetensors", tensors, described)
    done = run_tool(EVALUATE, RUN, "judge=other.safetensors", cwd=runs)
    assert done.returncode != 0 and "trained with actions=['jack', 'run']" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"_target_": "videogen.models.gone.Gone"}, "no attribute 'gone'"), ({"forgotten": 1}, "forgotten")],
)
def test_a_file_of_another_version_is_told(runs, change, reason):
    tensors, described = read_tensors(runs / "runs/tiny/video_vae/seed_0/model.safetensors")
    described["config"]["model"] |= change
    write_tensors(runs / "old.safetensors", tensors, described)
    done = run_tool(GENERATE, "run=old.safetensors", cwd=runs)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert reason in done.stderr and "train the run again" in done.stderr


def test_a_file_that_would_run_something_is_not_loaded(runs):
    tensors, described = read_tensors(runs / "runs/tiny/video_vae/seed_0/model.safetensors")
    described["config"]["model"] = {"_target_": "os.system", "command": "touch owned"}
    write_tensors(runs / "evil.safetensors", tensors, described)
    with pytest.raises(UserError, match=r"asks to build os\.system"):
        load_model(runs / "evil.safetensors")
    tensors, described = read_tensors(runs / "runs/tiny/video_vae/seed_0/model.safetensors")
    described["config"]["data"]["clips"]["source"] = {"_target_": "os.system", "command": "touch owned"}
    write_tensors(runs / "evil.safetensors", tensors, described)
    with pytest.raises(UserError, match=r"asks to build os\.system, which is not in videogen\.data"):
        load_model(runs / "evil.safetensors").data()
    assert not Path("owned").exists()


@pytest.mark.parametrize("data", [b"", b"no safetensors at all"])
def test_a_damaged_export_is_named(tmp_path, data):
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(UserError, match=r"model\.safetensors is no file"):
        load_model(tmp_path)
