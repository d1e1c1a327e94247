"""A model that can be steered, from training to its tables and pictures, as a user does it."""

import json

import pytest
import torch
from conftest import ROOT, run_tool
from PIL import Image
from test_train import TRAIN, overrides, same, state

from videogen.files import read_tensors, write_tensors
from videogen.runs import load_model

GENERATE, EVALUATE, CONTROL, MOTION, AVERAGE = (
    str(ROOT / "tools" / f"{name}.py") for name in ("generate", "evaluate", "control", "motion_judge", "average")
)
RUN, FP32 = "run=runs/tiny/control/seed_0", "training.settings.precision=no"


@pytest.fixture(scope="module")
def runs(strips, tmp_path_factory):
    """A factored VideoVAE that never saw (person_0, wave1) nor (person_1, wave2), all judges beside it."""
    root = tmp_path_factory.mktemp("runs")
    model = [f"model.{key}={value}" for key, value in {"e": 8, "components": 2, "critic.width": 8}.items()]
    vae = overrides(strips, root / "runs/tiny/control/seed_0", steps=4, experiment="weizmann/control", objective__shown="3")
    commands = [[*vae, *model, FP32]]
    for judge in ("judge", "judge_apart", "motion_judge"):
        words = overrides(
            strips, root / f"runs/tiny/{judge}/seed_0", steps=4, experiment=f"weizmann/{judge}", model__width="8"
        )
        skipped = ("model.hidden", "model.features", "model.z", "training.settings.preview")
        commands.append([word for word in words if not word.startswith(skipped)] + [FP32, "data.mirror=false"])
    for words in commands:
        done = run_tool(TRAIN, *words, cwd=root)
        assert done.returncode == 0, done.stderr
    return root


def test_runs_are_averaged(runs):
    file = runs / "runs/tiny/control/seed_0/model.safetensors"
    tensors, described = read_tensors(file)
    write_tensors(runs / "runs/thrice/model.safetensors", {name: 3 * w for name, w in tensors.items()}, described)
    done = run_tool(AVERAGE, "runs=[runs/thrice,runs/tiny/control/seed_0]", "out=runs/mean", cwd=runs)
    assert done.returncode == 0 and "runs/mean/model.safetensors" in done.stdout, done.stderr
    mean, told = read_tensors(runs / "runs/mean/model.safetensors")
    for name, w in tensors.items():
        torch.testing.assert_close(mean[name], 2 * w)
    both = {"step": 2 * described["step"], "seconds": 2 * described["seconds"]}
    assert told == described | both | {"averaged": ["runs/thrice", "runs/tiny/control/seed_0"]}
    assert load_model(runs / "runs/mean").identities == load_model(file).identities


@pytest.mark.parametrize(
    "asked, message",
    [
        ("[runs/tiny/control/seed_0,runs/tiny/control/seed_0] out=runs/tiny/control/seed_0", "is a run of its own"),
        ("[runs/tiny/control/seed_0]", "is not two runs at least"),
        ("runs/tiny/control/seed_0", "is not two runs at least"),
        ("[runs/tiny/control/seed_0,runs/tiny/judge/seed_0]", "holds another model than"),
        ("[runs/tiny/control/seed_0,runs/nothing]", "does not exist"),
    ],
)
def test_what_cannot_be_averaged_is_one_line(runs, asked, message):
    asked, _, out = asked.partition(" ")
    done = run_tool(AVERAGE, f"runs={asked}", out or "out=runs/no_mean", cwd=runs)
    assert done.returncode != 0 and message in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (runs / "runs/no_mean").exists()


@pytest.mark.parametrize(("tool", "words", "missing"), [(AVERAGE, ("runs=[a,b]",), "out"), (CONTROL, (), "run")])
def test_what_is_missing_is_one_line(tool, words, missing, tmp_path):
    done = run_tool(tool, *words, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.strip().splitlines() == [
        f"error: {missing} has no value: add {missing}=... to the command"
    ]


def test_every_way_to_steer_is_judged_and_drawn(runs):
    done = run_tool(CONTROL, RUN, "per_clip=3", cwd=runs)
    assert done.returncode == 0, done.stderr
    out = runs / "runs/tiny/control/seed_0/control"
    ways = ("actions", "unseen", "layers", "inferred", "swap", "switch", "mix", "speed")
    assert {path.name for path in out.iterdir()} == {f"{way}.{kind}" for way in ways for kind in ("png", "gif")} | {
        "control.json"
    }
    table = json.loads((out / "control.json").read_text())
    rows = {row["name"]: row for row in table["rows"]}
    assert {"judge", "judge_apart", "motion_judge", "seed", "hardware"} <= table.keys()
    assert rows["1 times as fast"]["speed"] == 1.0 and rows["after the switch"]["switch_jump"] > 0
    assert rows["pairs never seen"]["samples"] == 8
    pairs = [rows[f"{pair}, never seen"] for pair in ("person_0 wave1", "person_1 wave2")]
    assert [row["samples"] for row in pairs] == [4, 4]
    assert sum(row["joint_accuracy"] for row in pairs) / 2 == pytest.approx(rows["pairs never seen"]["joint_accuracy"])
    assert rows["wave1, everybody"]["samples"] == rows["wave2, everybody"]["samples"] == 2
    for person, action in (("person_0", "wave2"), ("person_1", "wave1")):  # all that each was seen at: the same videos
        assert rows[f"{person}, every action"] | {"name": ""} == rows[f"{action}, everybody"] | {"name": ""}
    assert rows["person_0, every action"]["sharpness"] != rows["person_1, every action"]["sharpness"]
    for name in (
        "this motion, the same person",
        "this motion, another person",
        "this person, another action",
        "after the switch",
        "0.5 times as fast",
    ):
        assert all(0 <= rows[name][column] <= 1 for column in ("joint_accuracy", "joint_apart", "motion_pass_rate"))
    parts = {name: row["samples"] for name, row in rows.items() if name.startswith("this motion, another person")}
    # Of two people and two actions, whoever takes over a motion was never seen at it.
    assert len(parts) == 4 and len(set(parts.values())) == 1 and "this motion, another person, a pair never seen" in parts
    assert 0 <= rows["half this, half that person"]["belief"] <= 1
    assert Image.open(out / "switch.gif").n_frames == 12


def test_the_table_has_motion_and_unseen_pairs(runs):
    done = run_tool(EVALUATE, RUN, "samples=3", "per_clip=4", cwd=runs)
    assert done.returncode == 0, done.stderr
    table = json.loads((runs / "runs/tiny/control/seed_0/metrics.json").read_text())
    rows = {row["name"]: row for row in table["rows"]}
    assert rows["bound"]["motion_pass_rate"] >= 0.7 and rows["unseen_pairs"]["samples"] == 6
    assert rows["bound"]["variety"] == rows["bound"]["novelty"] == 1.0
    assert rows["frozen"]["acd"] == pytest.approx(0, abs=1e-5) and rows["bound"]["acd"] > 0  # who is there cannot change
    assert 0 <= rows["codes"]["mcs"] <= 1
    assert rows["frozen"]["variety"] > 0 and rows["codes"]["novelty"] > 0
    for row in rows.values():
        assert row["joint_apart"] <= min(row["identity_apart"], row["action_apart"])
    assert rows["unseen_real"]["sharpness"] == 1.0 and rows["unseen_real_moved"]["novelty"] > rows["unseen_real"]["novelty"]
    assert rows["unseen_real_expected"]["samples"] == rows["unseen_real"]["samples"]
    aligned = rows["unseen_pairs_aligned"]
    assert aligned["samples"] == rows["unseen_pairs"]["samples"] and rows["unseen_others_aligned"]["samples"] > 0


def test_a_model_may_be_judged_with_other_settings(runs):
    """A run of 4 steps: cooled to nothing but where it begins, its videos vary less."""
    rows = {}
    for temperature in ("1.0", "0.0"):
        done = run_tool(EVALUATE, RUN, "samples=3", "per_clip=1", f"+model.temperature={temperature}", cwd=runs)
        assert done.returncode == 0, done.stderr
        assert f"model: {{'temperature': {temperature}}}" in done.stdout
        table = json.loads((runs / "runs/tiny/control/seed_0/metrics.json").read_text())
        rows[temperature] = {row["name"]: row for row in table["rows"]}
    assert rows["0.0"]["codes"]["variety"] < rows["1.0"]["codes"]["variety"]
    assert rows["0.0"]["bound"] == rows["1.0"]["bound"]


def test_what_a_judge_of_motion_lets_through(runs):
    done = run_tool(MOTION, "run=runs/tiny/motion_judge/seed_0", "per_clip=3", cwd=runs)
    assert done.returncode == 0, done.stderr
    table = json.loads((runs / "runs/tiny/motion_judge/seed_0/tampering.json").read_text())
    assert table["rows"][0]["name"] == "real" and table["rows"][0]["motion_pass_rate"] >= 0.7
    assert {row["trained_against"] for row in table["rows"]} == {"", "yes", "no", "directional"}
    assert Image.open(runs / "runs/tiny/motion_judge/seed_0/tampering.png").width > 500
    wrong = run_tool(MOTION, "run=runs/tiny/judge/seed_0", cwd=runs)
    assert wrong.returncode == 1 and "no judge of motion but a Judge" in wrong.stderr and "Traceback" not in wrong.stderr


def test_wishes_in_words(runs):
    words = ["identity=[person_0+person_1]", "action=[wave1/wave2]", "speed=0.5", "frames=8", "out=mixed"]
    done = run_tool(GENERATE, RUN, *words, cwd=runs)
    assert done.returncode == 0, done.stderr
    assert (runs / "mixed/person_0+person_1_wave1-then-wave2.mp4").exists()


def test_a_motion_from_a_video(runs, strips):
    strip = next((strips / "0").iterdir())
    done = run_tool(GENERATE, RUN, f"motion_of={strip}", "frames=6", "out=swapped", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert "shows identity person_" in done.stdout and "shows action wave" in done.stdout
    assert len(list((runs / "swapped").glob("person_*.mp4"))) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["identity=[person_0+nobody]"], "unknown identity 'nobody'"),
        (["speed=100"], "speed=100"),
        (["motion_of=none.avi"], "none.avi is no file"),
        (["motion_of=short.png", "frames=9"], "short.png is too short: 17 frames"),
        (["action=[wave1/wave2/wave1]", "frames=2"], "3 actions in 2 frames"),
        (["+model.speed=2"], "its model has no setting 'speed'; there are channels, "),
        (["+model.crisp=0"], "crisp must be above 0"),
        (["+model.hidden=8"], "leave out {'hidden': 8}"),
    ],
)
def test_a_mistake_is_one_line(runs, words, message):
    Image.new("RGB", (64, 16)).save(runs / "short.png")
    done = run_tool(GENERATE, RUN, *words, cwd=runs)
    assert done.returncode == 1 and message in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_run_begins_with_the_weights_of_another(runs, strips):
    first = runs / "runs/tiny/control/seed_0"
    words = overrides(strips, runs / "next", steps=2, experiment="weizmann/control", start_from=str(first))
    words += ["model.components=2", "model.critic.width=8", "training.lr=0.0", "training.settings.save_every=2", FP32]
    wrong = run_tool(TRAIN, *words, "model.e=4", cwd=runs)
    assert wrong.returncode == 1 and "holds another model" in wrong.stderr
    done = run_tool(TRAIN, *words, "model.e=8", cwd=runs)
    assert done.returncode == 0, done.stderr
    begun, made = state(first, "model.safetensors"), state(runs / "next", "model.safetensors")
    kept = {name for name in begun if not name.startswith("critic.")}  # the critics learn at a rate of their own
    assert same({n: begun[n] for n in kept}, {n: made[n] for n in kept})
    wider = [*words, "model.e=8", "model.critic.width=16", "run=runs/wider"]
    other = run_tool(TRAIN, *wider, cwd=runs)
    assert other.returncode == 1 and "holds another model: critic" in other.stderr and "start_fresh=[...]" in other.stderr
    typo = run_tool(TRAIN, *wider, "start_fresh=[critics]", cwd=runs)
    assert typo.returncode == 1 and "no submodule 'critics'" in typo.stderr and "Traceback" not in typo.stderr
    fresh = run_tool(TRAIN, *wider, "start_fresh=[critic]", cwd=runs)
    assert fresh.returncode == 0, fresh.stderr
    made = state(runs / "runs/wider", "model.safetensors")
    assert same({n: begun[n] for n in kept}, {n: made[n] for n in kept})
    gone = [word.replace(str(first), "runs/gone") for word in words]
    assert run_tool(TRAIN, *gone, "model.e=8", cwd=runs).returncode == 0, "a run with a checkpoint needs no beginning"
    lost = run_tool(TRAIN, *gone, "model.e=8", "run=runs/another", cwd=runs)
    assert lost.returncode == 1 and "runs/gone" in lost.stderr and "Traceback" not in lost.stderr


def test_a_curve_over_judged_runs(runs):
    curve, run = str(ROOT / "tools" / "curve.py"), "runs/tiny/control/seed_0"
    unjudged = run_tool(curve, "runs=[runs/tiny/judge/seed_0]", "setting=data.size", cwd=runs)
    assert unjudged.returncode == 1 and "judge the run first" in unjudged.stderr and "Traceback" not in unjudged.stderr
    assert run_tool(EVALUATE, RUN, "samples=2", "per_clip=2", cwd=runs).returncode == 0
    done = run_tool(curve, f"runs={run}", "setting=data.labelled_share", "columns=joint_accuracy", cwd=runs)
    assert done.returncode == 0 and "data.labelled_share=1.0: joint_accuracy" in done.stdout, done.stderr
    assert Image.open(runs / "curve.png").width > 300
    wrong = run_tool(curve, f"runs=[{run}]", "setting=data.none", cwd=runs)
    assert wrong.returncode == 1 and "has no setting data.none" in wrong.stderr
