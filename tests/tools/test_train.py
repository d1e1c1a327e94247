"""Training as a user runs it: killed and started again, on one process and on two, with mistakes in the command."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import ROOT, run_tool
from safetensors.torch import load_file

TRAIN = str(ROOT / "tools" / "train.py")


def overrides(strips: Path, run: Path, steps: int = 12, **changes: str) -> list[str]:
    """A very small VideoVAE on 16x16 strips; the cache lies beside the run."""
    settings = {
        "experiment": "weizmann/video_vae",
        "data": "weizmann_strips",
        "data.root": strips,
        "data.cache_dir": run.parent / "cache",
        "data.size": 16,
        "data.frames": 6,
        "run": run,
        "model.width": 16,  # more than GroupNorm's groups: a bias that its norm undoes has no gradient but rounding
        "model.hidden": 16,
        "model.features": 16,
        "model.z": 4,
        "training.batch_size": 4,
        "training.settings.steps": steps,
        "training.settings.log_every": 2,
        "training.settings.save_every": 4,
        "training.settings.preview_every": 6,
        "training.settings.trackers": "[]",
    }
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return [f"{key}={value}" for key, value in {**settings, **dotted}.items()]


def state(run: Path, file: str = "checkpoint.safetensors") -> dict[str, torch.Tensor]:
    return load_file(run / file)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def error_line(done: subprocess.CompletedProcess) -> str:
    """The one line; a progress bar may stand around it."""
    return "".join(line for line in done.stderr.splitlines() if "error:" in line)


@pytest.fixture(scope="module")
def trained(strips, tmp_path_factory) -> Path:
    """An uninterrupted run of 12 steps."""
    run = tmp_path_factory.mktemp("whole") / "run"
    done = run_tool(TRAIN, *overrides(strips, run), cwd=run.parent)
    assert done.returncode == 0, done.stderr
    return run


def test_a_run_leaves_what_it_promises(trained):
    names = {p.name for p in trained.iterdir()}
    assert {"checkpoint.safetensors", "model.safetensors", "metrics.jsonl", "samples"} <= names
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").open()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8, 10, 12]
    assert {"train/vae/reconstruction", "train/vae/kl"} <= lines[0].keys()
    assert sorted(p.name for p in (trained / "samples").iterdir()) == ["step_000006.png", "step_000012.png"]


def test_killed_and_started_again_is_bit_identical(strips, trained, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, TRAIN, *overrides(strips, run)]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (run / "checkpoint.safetensors").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = run_tool(TRAIN, *overrides(strips, run), cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert same(state(run), state(trained))
    assert same(state(run, "model.safetensors"), state(trained, "model.safetensors"))
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").open()]
    assert steps == [2, 4, 6, 8, 10, 12]


def two_processes(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess:
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    port = ["--main_process_port", str(20000 + os.getpid() % 20000)]
    return run_tool(*launch, *port, TRAIN, *arguments, cwd=cwd, timeout=120, ACCELERATE_USE_CPU="true")


def test_two_processes_equal_one_and_resume_bit_for_bit(strips, trained, tmp_path):
    run = tmp_path / "run"
    precise = {"training__settings__precision": "no"}
    whole = run_tool(TRAIN, *overrides(strips, tmp_path / "one", **precise), cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    for steps in (8, 12):  # stopped at 8, continued to 12
        done = two_processes(
            overrides(strips, run, steps=12, training__settings__max_minutes="null", **precise)
            if steps == 12
            else overrides(strips, run, steps=8, players__vae__rate__steps=12, **precise),
            tmp_path,
        )
        assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stderr
    uninterrupted = tmp_path / "uninterrupted"
    done = two_processes(overrides(strips, uninterrupted, **precise), tmp_path)
    assert done.returncode == 0, done.stderr
    assert same(state(run), state(uninterrupted))
    one, two = state(tmp_path / "one", "model.safetensors"), state(run, "model.safetensors")
    assert all(torch.allclose(one[name], two[name], atol=1e-4) for name in one)
    losses = [[json.loads(line) for line in (tmp_path / r / "metrics.jsonl").open()] for r in ("one", "run")]
    for a, b in zip(*losses, strict=True):
        assert a["train/vae/reconstruction"] == pytest.approx(b["train/vae/reconstruction"], rel=1e-4)
        assert a["train/vae/kl"] == pytest.approx(b["train/vae/kl"], rel=1e-2)


def test_batch_norm_and_dropout_are_those_of_the_whole_batch(strips, tmp_path):
    """A judge has both; the trainer puts them in."""

    def words(run: Path) -> list[str]:
        changes = {"experiment": "weizmann/judge", "training__settings__precision": "no"}
        every = overrides(strips, run, steps=4, **changes)
        # Adam's first steps are as long for the smallest gradient: without this, rounding alone moves some weights.
        every.append("+players.judge.optimizer.eps=1e-5")
        return [word for word in every if not word.startswith(("model.hidden", "model.features", "model.z"))]

    whole, done = run_tool(TRAIN, *words(tmp_path / "one"), cwd=tmp_path), two_processes(words(tmp_path / "two"), tmp_path)
    assert whole.returncode == done.returncode == 0, whole.stderr + done.stderr
    one, two = state(tmp_path / "one", "model.safetensors"), state(tmp_path / "two", "model.safetensors")
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__root": "/nowhere"}, "/nowhere"),
        ({"model__size": 15}, "power of two"),
        ({"training__batch_size": 4, "data__identities": "[person_9]"}, "person_9"),
        ({"+model__depth": 3}, "depth"),
        ({"training__lr": "1e38"}, "became nan"),
    ],
)
def test_a_mistake_is_one_line(strips, tmp_path, changes, message):
    done = run_tool(TRAIN, *overrides(strips, tmp_path / "run", **changes), cwd=tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr and message in error_line(done), done.stderr


def test_images_for_a_model_of_videos_are_told(tmp_path):
    done = run_tool(TRAIN, "experiment=weizmann/video_vae", "data=digits", cwd=tmp_path)
    assert done.returncode != 0 and "Traceback" not in done.stderr, done.stderr
    assert "'data.num_identities' not found: this model or objective does not go with this data" in error_line(done)


def test_another_models_run_folder_is_refused(strips, trained):
    done = run_tool(TRAIN, *overrides(strips, trained, model__z=5), cwd=trained.parent)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "holds another model (z: 4 then, 5 now)" in error_line(done)


def test_processes_that_do_not_see_one_another_are_told(strips, tmp_path):
    """Plain torchrun on a CPU would train two strangers, each rank 0 of 1."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    done = run_tool(*launch, TRAIN, *overrides(strips, tmp_path / "run"), cwd=tmp_path)
    assert done.returncode != 0 and "do not see one another" in error_line(done), done.stderr
    assert not (tmp_path / "run").exists()


def test_a_broken_clip_is_named_and_the_rest_trains(strips, tmp_path):
    shutil.copytree(strips, tmp_path / "in")
    (tmp_path / "in" / "0" / "00000099.png").write_bytes(b"no picture")
    done = run_tool(TRAIN, *overrides(tmp_path / "in", tmp_path / "run", steps=2), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "skipped 0/00000099.png: not a readable picture" in done.stderr and ": 4 to train on" in done.stderr
