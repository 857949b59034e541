import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import alservice
from tests.cli.conftest import Run, refused


@pytest.fixture(scope="module")
def project(client: alservice.Client) -> alservice.client.Project:
    project = client.create_project("exported", ["a", "b"])
    project.add_items(np.eye(3), ids=["x", "y", 'z,"ü'])
    project.submit_labels(["x", 'z,"ü'], ["a", "b"], annotator="ann", seconds=[2, 3])
    project.submit_labels(["x"], ["b"], annotator="bob")
    return project


def test_the_log_goes_to_standard_output_as_csv(
    run: Run, project: alservice.client.Project
) -> None:
    rows = list(csv.DictReader(io.StringIO(run("export-labels", project.project_id).stdout)))
    assert [(r["item_id"], r["class_id"], r["annotator"], r["settled"]) for r in rows] == [
        ("x", "a", "ann", "True"),
        ('z,"ü', "b", "ann", "True"),
        ("x", "b", "bob", "False"),
    ]


def test_settled_labels_go_to_a_file(
    run: Run, project: alservice.client.Project, tmp_path: Path
) -> None:
    for name in ("labels.csv", "labels.jsonl"):
        output = tmp_path / name
        done = run("export-labels", project.project_id, "--settled", "--output", output)
        assert done.returncode == 0 and done.stderr == f"{output}: 2 labels\n"
    rows = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert {row["item_id"]: row["class_id"] for row in rows} == {"x": "a", 'z,"ü': "b"}
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", "labels.jsonl"]


def test_failures_are_one_line_and_leave_no_file(
    run: Run, project: alservice.client.Project, tmp_path: Path
) -> None:
    odd = run("export-labels", project.project_id, "-o", tmp_path / "labels.xml")
    assert ".csv or .jsonl" in refused(odd, 2)
    nowhere = run("export-labels", project.project_id, "-o", tmp_path / "no" / "labels.csv")
    folder = tmp_path / "no"
    assert f"{folder / 'labels.csv'}: there is no folder {folder}" in refused(nowhere, 2)
    missing = run("export-labels", "no-such-one", "-o", tmp_path / "labels.csv")
    assert "no-such-one" in refused(missing, 1)
    assert list(tmp_path.iterdir()) == []
