"""`alservice simulate` as users run it: in another process, without a server."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import refused
from tests.running_server import environment
from tests.simulation.sets import clouds


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "alservice", "simulate", *map(str, arguments)]
    variables = environment() | {"COLUMNS": "100"}
    return subprocess.run(words, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    data = clouds(90)
    path = tmp_path / "reviews.npz"
    np.savez(path, X=data.vectors, y=np.array(data.class_names)[data.classes])
    return path


def test_a_simulation_prints_tables_writes_a_report_and_goes_on_where_it_was(
    reviews: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    asked = [reviews, "-s", "margin", "--seeds", 2, "--budget", 16, "-o", folder, "--jobs", 1]
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    assert "reviews: 2 seeds, 16 labels" in done.stdout
    assert "Row beats column" in done.stdout
    names = {path.name for path in folder.iterdir()}
    assert names == {"games.jsonl", "report.html", "report.json", "per_seed.csv"}
    again = run(*asked, "--json")
    told = json.loads(again.stdout)
    assert {row["competitor"] for row in told["rows"]} == {"margin", "random"}
    assert told == json.loads((folder / "report.json").read_text())


def test_a_foreign_strategy_that_misbehaves_is_told_once_and_the_others_play(
    reviews: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("def broken(*_):\n    return [0, 0, 0]\n")
    done = run(
        reviews, "-s", f"{tmp_path}/mine.py:broken", "--seeds", 3, "--budget", 16, "-o", tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.count("broken: it returned 3 rows instead of 8") == 1
    assert "1 competitor failed" in done.stderr
    assert "random" in done.stdout


def test_mistakes_are_told_in_one_line_before_anything_runs(reviews: Path, tmp_path: Path) -> None:
    assert "mrgin" in refused(run(reviews, "-s", "mrgin"), 2)
    assert "no is_test" in refused(run(reviews, "-p", "C"), 2)
    assert "nothing.npz" in refused(run(tmp_path / "nothing.npz"), 2)
    assert "cannot load" in refused(run(reviews, "-s", f"{tmp_path}/none.py:f"), 2)
    budget = refused(run(reviews, "--budget", 6, "--batch", 10), 2)
    assert "--budget 6 is less than --batch 10" in budget
    drawn = refused(run(reviews, "--budget", 6, "--batch", 5, "--drawn", 4), 2)
    assert "--batch 5 and --drawn 4" in drawn
    (tmp_path / "mine.py").write_text("choose = 3\n")
    assert "mine.py:choose: choose is no function" in refused(
        run(reviews, "-s", f"{tmp_path}/mine.py:choose", "-o", tmp_path / "never"), 2
    )
    (tmp_path / "tiny.csv").write_text("a,label\n1,x\n2,y\n")
    tiny = refused(run(tmp_path / "tiny.csv", "-o", tmp_path / "never"), 2)
    assert "2 rows are too few" in tiny
    assert not (tmp_path / "never").exists()


def test_what_a_foreign_strategy_prints_leaves_the_json_whole(
    reviews: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "def loud(X, labelled, y, count, proba, rng):\n"
        "    print('choosing')\n"
        "    left = [row for row in range(len(X)) if row not in set(labelled)]\n"
        "    return left[:count]\n"
    )
    asked = [reviews, "-s", f"{tmp_path}/mine.py:loud", "--seeds", 1, "--budget", 16, "--json"]
    done = run(*asked, "-o", tmp_path / "out", "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert {row["competitor"] for row in json.loads(done.stdout)["rows"]} == {"loud", "random"}
