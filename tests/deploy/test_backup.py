"""A backup as docs/operations.md describes it: stop, copy, and go on from the copy elsewhere."""

import shutil
from pathlib import Path

import alservice
from tests.e2e.api import random_vectors
from tests.running_server import running_server


def test_a_copy_of_a_stopped_server_s_folder_is_all_there_is(tmp_path: Path) -> None:
    vectors = random_vectors(3000, 256)  # more than fits into the catalog
    with running_server(tmp_path / "data") as server:
        with alservice.Client(server.address) as client:
            project = client.create_project("kept", ["a", "b"])
            project.add_items(vectors)
            batch = project.query(8)
            project.submit_labels(batch.ids, ["a", "b"] * 4)
            project.train()
            open_batch = project.query(5)
        assert server.terminate() == 0
    left_out = shutil.ignore_patterns("scratch", "lock", "artefacts")
    shutil.copytree(tmp_path / "data", tmp_path / "elsewhere", ignore=left_out)
    shutil.rmtree(tmp_path / "data")
    with (
        running_server(tmp_path / "elsewhere") as server,
        alservice.Client(server.address) as client,
    ):
        project = client.project("kept")
        assert sorted(label.item_id for label in project.labels()) == sorted(batch.ids)
        assert len(list(project.models())) == 1
        again = project.query(20)
        assert not set(again.ids) & {*batch.ids, *open_batch.ids}
        assert project.submit_labels(open_batch.ids, ["a"] * 5) == ["recorded"] * 5
        assert project.train()
