import json
import math

from videogen.evaluation.report import COLUMNS, markdown_table, terminal_table, write_json

ROWS = [
    {
        "name": "real clips",
        "intra_entropy": 0.0691,
        "inter_entropy": 3.53,
        "i_score": 31.8499,
        "identity_accuracy": 1.0,
        "action_accuracy": 0.9996,
        "joint_accuracy": 0.5,
        "frechet": 0,
        "sharpness": 1.0,
        "samples": 720,
    },
    {"name": "VideoVAE | S", "i_score": 4.01, "frechet": None, "samples": 10000, "sharpness": math.nan},
]


def test_terminal_table():
    assert terminal_table(ROWS).splitlines() == [
        "name            intra    inter      i  identity    action     joint  frechet  sharpness  samples",
        "              entropy  entropy  score  accuracy  accuracy  accuracy",
        "------------  -------  -------  -----  --------  --------  --------  -------  ---------  -------",
        "real clips      0.069    3.530  31.85     1.000     1.000     0.500    0.000      1.000      720",
        "VideoVAE | S        —        —   4.01         —         —         —        —        nan    10000",
    ]


def test_markdown_table():
    lines = markdown_table(ROWS).splitlines()
    assert lines[0] == "| name | " + " | ".join(list(ROWS[0])[1:]) + " |"
    assert lines[1] == "| :-- | " + " | ".join(["--:"] * 9) + " |"
    assert lines[2] == "| real clips | 0.069 | 3.530 | 31.85 | 1.000 | 1.000 | 0.500 | 0.000 | 1.000 | 720 |"
    assert lines[3] == r"| VideoVAE \| S | — | — | 4.01 | — | — | — | — | nan | 10000 |"


def test_columns_stand_in_their_order_whatever_the_rows_order():
    row = {"samples": 3, "data": "weizmann", "i_score": 2.0, "inter_entropy": None, "name": "a"}
    assert markdown_table([row]).startswith("| data | name | inter_entropy | i_score | samples |")
    assert list(COLUMNS)[-1] == "samples"
    assert "| motion_pass_rate | variety | samples |" in markdown_table(
        [{"samples": 1, "variety": 1.0, "motion_pass_rate": 0.5}]
    )


def test_no_rows_is_a_header():
    assert len(terminal_table([]).splitlines()) == 5  # as many as the longest name has words, and the rule
    assert len(markdown_table([]).splitlines()) == 2


def test_json_is_whole_and_valid(tmp_path):
    path = tmp_path / "new" / "results.json"
    for _ in range(2):  # the second replaces the first
        write_json(path, {"seed": 3}, ROWS)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=lambda name: 1 / 0) == {
        "seed": 3,
        "rows": [ROWS[0], {**ROWS[1], "sharpness": None}],
    }
    assert [p.name for p in path.parent.iterdir()] == ["results.json"]
