from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import alservice
from tests.cli.conftest import Run, refused


def test_a_csv_becomes_a_project_with_items_labels_and_contents(
    run: Run, client: alservice.Client, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text(
        "id,a,b,text,label\nx,1,2,hello,good\ny,3,4,bye,\nz,5,6,hm,2\n"
    )
    done = run("import", tmp_path / "r.csv", "--project", "from-csv", "--create")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "from-csv: 3 items added, 2 labels"
    assert "vectors from a, b; content from text" in done.stdout
    project = client.project("from-csv")
    assert project.info().classes.keys() == {"2", "good"}
    x = project.item("x", vector=True)
    assert x.vector is not None and x.vector.tolist() == [1, 2]
    assert (x.text, x.settled_class_id) == ("hello", "good")


def test_arrays_go_into_a_project_that_exists(
    run: Run, client: alservice.Client, tmp_path: Path
) -> None:
    client.create_project("from-arrays", ["a", "b"])
    np.save(tmp_path / "v.npy", np.zeros((70, 3), np.float32))
    done = run("import", tmp_path / "v.npy", "-p", "from-arrays")
    assert done.stdout.splitlines()[1] == "from-arrays: 70 items added, 0 labels"
    ids = np.array([str(row) for row in range(69, 73)])
    np.savez(tmp_path / "v.npz", X=np.ones((4, 3)), y=["a", "b", "a", "c"], ids=ids)
    more = ("import", tmp_path / "v.npz", "-p", "from-arrays", "--role", "test")
    unknown = refused(run(*more, "--on-conflict", "skip"), 1)
    assert "no class 'c'; --create makes" in unknown
    exists = refused(run(*more, "--create"), 1)
    assert "1 id in the pool already (--on-conflict skip|replace" in exists and "69" in exists
    done = run(*more, "--on-conflict", "skip")
    assert done.stdout.splitlines()[1] == "from-arrays: 3 items added, 1 skipped, 3 labels"
    assert client.project("from-arrays").item("70").role == "test"


def test_failures_are_one_helpful_line(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((2, 3)))
    (tmp_path / "v.csv").write_text("name,a\nx,1\n")
    assert "No such file" in refused(run("import", tmp_path / "no.npy", "-p", "p"), 2)
    assert "no column 'id'" in refused(run("import", tmp_path / "v.csv", "-p", "p"), 2)
    missing = refused(run("import", tmp_path / "v.npy", "-p", "no-such"), 1)
    assert "no-such" in missing and "pass --create to make it" in missing
    done = run("import", tmp_path / "v.npy", "-p", "p", ALSERVICE_ADDRESS="127.0.0.1:1")
    assert "alservice serve" in refused(done, 1)


def test_classes_may_be_named_and_a_project_without_any_is_remarked_on(
    run: Run, client: alservice.Client, tmp_path: Path
) -> None:
    np.save(tmp_path / "v.npy", np.eye(3))
    create = ("import", tmp_path / "v.npy", "--create", "-p")
    assert "no classes yet" in run(*create, "bare").stderr
    classes = ("--classes", "good,bad")
    done = run(*create, "bare", *classes, "--on-conflict", "skip")
    assert done.returncode == 0 and done.stderr == ""
    assert run(*create, "classy", *classes).returncode == 0
    for name in ("bare", "classy"):
        assert list(client.project(name).info().classes) == ["good", "bad"]
    lost = run("import", tmp_path / "v.npy", "-p", "bare", *classes)
    assert "--create" in refused(lost, 2)


@pytest.mark.parametrize(
    ("vectors", "ids"), [(np.eye(2), ["x", "x"]), (np.eye(2) * np.nan, ["x", "y"])]
)
def test_a_project_made_for_an_upload_that_fails_does_not_stay(
    run: Run,
    client: alservice.Client,
    tmp_path: Path,
    vectors: NDArray[np.float64],
    ids: list[str],
) -> None:
    np.savez(tmp_path / "v.npz", X=vectors, ids=np.array(ids))
    refused(run("import", tmp_path / "v.npz", "-p", "brief", "--create"), 1)
    kept = client.create_project("kept", [])
    refused(run("import", tmp_path / "v.npz", "-p", "kept", "--create"), 1)
    assert "brief" not in {project.project_id for project in client.projects()}
    kept.delete()


def test_columns_in_doubt_are_told_with_the_flags_that_settle_them(
    run: Run, client: alservice.Client, tmp_path: Path
) -> None:
    (tmp_path / "v.csv").write_text("id,a,b\nx,1,2\ny,3,\nz,5,6\n")
    create = ("import", tmp_path / "v.csv", "-p", "doubt", "--create", "--classes", "u,v")
    told = refused(run(*create), 2)
    assert "column 'b' is empty in row 2" in told
    assert "--vector-columns" in told and "--content-columns" in told
    assert "doubt" not in {project.project_id for project in client.projects()}
    done = run(*create, "--content-columns", "b")
    assert "vectors from a; content from b" in done.stdout
    assert client.project("doubt").item("x").text == "2"


def test_a_wrong_word_is_told_without_the_parser_s_own_words(run: Run, tmp_path: Path) -> None:
    done = run("import", tmp_path / "v.npy", "-p", "p", "--role", "tset", COLUMNS="200")
    assert done.returncode == 2 and "'tset' is not one of pool, test, gold" in done.stderr
    assert "Value error" not in done.stderr
