import numpy as np

import alservice
from tests.cli.conftest import Run, refused


def test_an_index_is_built_and_told_in_one_line(run: Run, client: alservice.Client) -> None:
    project = client.create_project("to-index", ["a", "b"])
    vectors = np.random.default_rng(0).normal(size=(30, 3))
    project.add_items(np.vstack([vectors, vectors[:2]]))
    done = run("index", "to-index", "--neighbours", 5)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("to-index: 32 items, 5 neighbours each (exact, 100.0% of them")
    assert "8 clusters, 2 near-duplicates" in done.stdout


def test_whoever_does_not_wait_is_told_the_operation(run: Run, client: alservice.Client) -> None:
    project = client.create_project("index-later", ["a", "b"])
    project.add_items(np.ones((3, 2)))
    told = run("index", "index-later", "--no-wait").stdout
    assert told.startswith("projects/index-later/operations/")


def test_an_empty_project_is_one_line(run: Run, client: alservice.Client) -> None:
    client.create_project("index-nothing", ["a", "b"])
    assert "alservice import" in refused(run("index", "index-nothing"), 1)


def test_the_command_explains_itself_with_an_example(run: Run) -> None:
    assert "alservice index reviews" in run("index", "--help").stdout
