from pathlib import Path

import numpy as np

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
    assert "no class" in refused(run(*more, "--on-conflict", "skip"), 1)
    assert "69" in refused(run(*more, "--create"), 1)
    done = run(*more, "--on-conflict", "skip")
    assert done.stdout.splitlines()[1] == "from-arrays: 3 items added, 1 skipped, 3 labels"
    assert client.project("from-arrays").item("70").role == "test"


def test_failures_are_one_helpful_line(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((2, 3)))
    (tmp_path / "v.csv").write_text("name,a\nx,1\n")
    assert "No such file" in refused(run("import", tmp_path / "no.npy", "-p", "p"), 2)
    assert "no column 'id'" in refused(run("import", tmp_path / "v.csv", "-p", "p"), 2)
    assert "no-such" in refused(run("import", tmp_path / "v.npy", "-p", "no-such"), 1)
    done = run("import", tmp_path / "v.npy", "-p", "p", ALSERVICE_ADDRESS="127.0.0.1:1")
    assert "alservice serve" in refused(done, 1)
