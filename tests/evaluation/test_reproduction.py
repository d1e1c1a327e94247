from pathlib import Path
from types import SimpleNamespace

import pytest

from videogen.errors import UserError
from videogen.evaluation import reproduction
from videogen.evaluation.judging import Panel
from videogen.evaluation.reproduction import Entry, Scores, best, cell, curve, over_seeds, printed, training, within
from videogen.runs import TrainedModel

POINTS = [
    (Path("a"), {"i_score": 2.0, "seconds": 600.0}),
    (Path("b"), {"i_score": 9.0, "seconds": 3660.0}),  # a minute late: still the hour's
    (Path("c"), {"i_score": 3.0, "seconds": 7200.0}),
]


def test_the_best_snapshot_and_the_last_within_a_budget():
    assert best(POINTS, "i_score") == Path("b")
    assert within(POINTS, 60) == Path("b") and within(POINTS, 59) == Path("a") and within(POINTS, 500) == Path("c")
    assert within(POINTS, 5) is None


def test_mean_and_spread_over_seeds_by_hand():
    rows = [{"i_score": 1.0, "mcs": 0.5}, {"i_score": 3.0, "mcs": None}]
    assert over_seeds(rows) == {"i_score": (2.0, pytest.approx(2**0.5)), "mcs": None}
    line = printed(Entry("A ○", real="bound", published={"i_score": 13.87, "of bound": 0.156}), rows, ["i_score", "mcs"])
    assert line == {
        "name": "A ○",
        "published i score": "13.87",
        "published of bound": "16%",
        "i_score": "2.00 ± 1.41",
        "mcs": None,
    }


def test_a_cell_is_computed_once_for_what_it_depends_on(tmp_path):
    calls = []

    def score():
        calls.append(1)
        return {"i_score": float(len(calls))}

    assert cell(tmp_path, {"weights": "x", "seed": 0}, score) == cell(tmp_path, {"seed": 0, "weights": "x"}, score)
    assert cell(tmp_path, {"weights": "y", "seed": 0}, score) == {"i_score": 2.0} and len(calls) == 2


def test_each_stage_of_a_curriculum_begins_with_the_weights_of_the_one_before():
    stages = [{"experiment": "a/one", "run": "runs/1", "minutes": 5}, {"experiment": "a/two", "run": "runs/2"}]
    entry = Entry("A", experiment="a/three", run="runs/3", minutes=7, stages=stages, overrides=["seed=1"])
    commands = [run.command("actors", None) for run in (*entry.earlier(), entry)]
    assert commands == [
        ["experiment=a/one", "run=runs/1", "data=actors", "training.settings.max_minutes=5"],
        ["experiment=a/two", "run=runs/2", "data=actors", "start_from=runs/1"],
        [
            "experiment=a/three",
            "run=runs/3",
            "data=actors",
            "training.settings.max_minutes=7",
            "start_from=runs/2",
            "seed=1",
        ],
    ]
    assert Entry("A", experiment="a/three", run="runs/3").had_before() == (0, 0, 0)


def test_a_run_that_was_trained_by_other_settings_is_told(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").touch()
    config = {"training": {"settings": {"steps": 30, "precision": "no"}}, "data": {"unseen_pairs": []}, "objective": {}}
    monkeypatch.setattr(reproduction, "load_model", lambda folder: SimpleNamespace(step=30, seconds=1.0, config=config))

    def trained(*overrides):
        return Entry("A", experiment="a/one", run=str(tmp_path), overrides=overrides).is_trained()

    assert trained() and trained("training.settings.steps=30", "data.unseen_pairs=[]", "training.settings.precision=no")
    assert trained("training.settings.steps=20", "training.settings.steps=30")  # the last counts
    with pytest.raises(UserError, match=r"settings.steps=30, the row A asks for 40: move the folder"):
        trained("training.settings.steps=40")
    with pytest.raises(UserError, match=r"objective.blind=None, the row A asks for 0.5"):
        trained("+objective.blind=0.5")


def test_what_its_stages_had_counts(tmp_path, monkeypatch):
    had = {
        "1": SimpleNamespace(step=30, seconds=60.0, config={"training": {"batch_size": 4}, "data": {"frames": 2}}),
        "2": SimpleNamespace(step=10, seconds=30.0, config={"training": {"batch_size": 4}, "data": {"frames": 5}}),
        "3": SimpleNamespace(step=20, seconds=90.0, config={"training": {"batch_size": 4}, "data": {"frames": 9}}),
    }
    monkeypatch.setattr(reproduction, "load_model", lambda folder: had[Path(folder).name])
    monkeypatch.setattr(reproduction, "snapshots", lambda folder: [Path("a")])
    stages = [{"experiment": "a/one", "run": "runs/1"}, {"experiment": "a/two", "run": "runs/2"}]
    entry = Entry("A", experiment="a/three", run="runs/3", stages=stages)
    assert entry.had_before() == (40, 90.0, 30 * 4 * 2 + 10 * 4 * 5)
    row = {"step": 20, "seconds": 90.0, "i_score": 2.0}
    monkeypatch.setattr(Scores, "of_run", lambda self, file, begins_with, seed: row)
    assert list(curve(entry, object.__new__(Scores))) == [(Path("a"), {"step": 60, "seconds": 180.0, "i_score": 2.0})]
    frames = (440 + 20 * 4 * 9) / 1e6
    assert training(entry, [row]) == {"minutes": "3", "updates": 60, "frames seen": f"{frames:.2f} M"}


@pytest.mark.parametrize("mirror, read", [(False, 1), (True, 2)])
def test_real_clips_are_read_once_where_seeds_see_the_same(monkeypatch, mirror, read):
    made = []

    def reads(bench):
        bench.real = object()
        made.append(bench)

    monkeypatch.setattr(reproduction.Bench, "__post_init__", reads)
    scores = object.__new__(Scores)
    scores.panel, scores.clips, scores.per_clip = (
        Panel(*[object.__new__(TrainedModel)] * 3),
        SimpleNamespace(mirror=mirror),
        2,
    )
    scores.same = None
    first, second = scores._bench(0), scores._bench(1)
    assert (first.seed, second.seed) == (0, 1) and len(made) == read
    assert (first.real is second.real) is not mirror
