"""Where a run's judge is looked for."""

from pathlib import Path

import pytest
from torch import nn

from videogen.evaluation.judging import SHIPPED, candidates
from videogen.runs import TrainedModel


def run(file: str) -> TrainedModel:
    return TrainedModel(nn.Identity(), {"data": {"name": "actors"}}, Path(file), 0, 0.0)


def test_beside_the_run_then_what_ships():
    beside = Path("runs/actors/judge/seed_0/model.safetensors")
    assert candidates(None, run("runs/actors/control/seed_0/model.safetensors"), "judge", "") == [
        beside,
        SHIPPED / "actors.safetensors",
    ]


@pytest.mark.parametrize("file", ["model.safetensors", "moved/step_1000.safetensors"])
def test_a_run_whose_file_was_moved_is_not_its_own_judge(file):
    assert candidates(None, run(file), "judge_apart", "_apart") == [SHIPPED / "actors_apart.safetensors"]


def test_the_one_that_is_named_alone():
    assert candidates("mine", run("a/b/c/model.safetensors"), "judge", "") == [Path("mine/model.safetensors")]
