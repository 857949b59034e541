"""Each case of the benchmark still runs: on tiny sizes, where its figures mean nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = (
    "uncertainty",
    "k_center",
    "badge",
    "coverage",
    "facility_location",
    "bait",
    "graph",
    "auto",
    "query",
    "add_items",
    "submit_labels",
    "train",
    "large_pool",
    "replicas",
    "ray",
)
COLUMNS = {"case", "name", "ours_s", "peer", "peer_s", "ratio", "target", "held", "unit", "reason"}


def run(results: Path, *cases: str) -> subprocess.CompletedProcess[str]:
    small = {
        "ALSERVICE_BENCH_SMALL": "1",
        "ALSERVICE_BENCH_RESULTS": str(results),
        "ALSERVICE_BENCH_CACHE": str(results.parent / "cache"),
    }
    return subprocess.run(
        [sys.executable, "bench/run.py", *cases],
        cwd=ROOT,
        env=os.environ | small,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("case", CASES)
def test_a_case_runs_and_says_of_each_row_whether_it_held(case: str, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    ended = run(results, case)
    assert ended.returncode == 0, ended.stderr
    rows = json.loads(results.read_text())
    assert rows
    assert all(set(row) == COLUMNS and row["case"] == case for row in rows)
    assert all((row["ratio"] is None) == (row["held"] is None) for row in rows)
    assert all(row["reason"] for row in rows if row["held"] is None)
    assert all(row["name"] in ended.stdout for row in rows)


def test_a_case_that_is_not_there_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    ended = run(results, "uncertainly")
    assert ended.returncode == 2
    assert "uncertainly" in ended.stderr
    assert not results.exists()


def test_rows_of_other_cases_are_kept(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{"case": "train", "name": "kept", "held": True}]))
    assert run(results, "k_center").returncode == 0
    names = {row["case"]: row["name"] for row in json.loads(results.read_text())}
    assert names["train"] == "kept" and set(names) == {"train", "k_center"}
