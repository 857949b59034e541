"""A database and a bucket, backed up as docs/operations.md says and restored where nothing was."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import alservice
from alservice.client import Batch, Model, Project
from tests.e2e.api import random_vectors
from tests.postgres import binaries
from tests.postgres.server import PostgresServer, new_server, shared_server
from tests.running_server import command, environment, running_server
from tests.s3.places import fresh_bucket
from tests.s3.server import S3Server

CLASSES = ("a", "b")
FOLDERS = ("segments", "artefacts")
ALONE = ("cluster", "holder")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )


def dump(server: PostgresServer, name: str, file: Path) -> None:
    done = run(
        binaries.find("pg_dump"),
        "--format=custom",
        f"--file={file}",
        f"--dbname={server.dsn(name)}",
    )
    assert done.returncode == 0, done.stderr


def restored(server: PostgresServer, file: Path) -> str:
    """The DSN of a new database with what was dumped."""
    server.ask("CREATE DATABASE restored TEMPLATE template0")
    dsn = server.dsn("restored")
    done = run(binaries.find("pg_restore"), f"--dbname={dsn}", str(file))
    assert done.returncode == 0, done.stderr
    return dsn


def copied(s3: S3Server, address: str) -> str:
    """The address of a copy of a prefix: `aws s3 sync`."""
    here, there = fresh_bucket(s3, address), fresh_bucket(s3)
    keys = [f"{folder}/{name}" for folder in FOLDERS for name in here.files(folder)]
    for key in [*keys, *ALONE]:
        data = here.get(key)
        if data is not None:
            there.put(key, data)
    here.close()
    there.close()
    return there.address


@dataclass(frozen=True)
class Before:
    """What there was when the backup was taken."""

    batch: Batch
    open_batch: Batch
    model: Model
    next_ids: list[str]


def worked(project: Project) -> Before:
    """A round with all that belongs to one."""
    project.add_items(random_vectors(3000, 256))  # more than the catalog takes: a file
    batch = project.query(8)
    project.submit_labels(batch.ids, CLASSES * 4)
    model = project.train()
    open_batch = project.query(5)
    following = project.query(20, dry_run=True, seed=3)
    return Before(batch, open_batch, model, following.ids)


def check_all_is_there_and_goes_on(project: Project, before: Before) -> None:
    stats = project.info().stats
    assert stats is not None
    assert (stats.item_count, stats.settled_count) == (3000, 8)
    assert sorted(label.item_id for label in project.labels()) == sorted(before.batch.ids)
    assert [each.name for each in project.models()] == [before.model.name]
    assert project.query(20, dry_run=True, seed=3).ids == before.next_ids
    assert not set(project.query(20).ids) & {*before.batch.ids, *before.open_batch.ids}
    answers = ["a", "b", "a", "b", "a"]
    assert project.submit_labels(before.open_batch.ids, answers) == ["recorded"] * 5
    assert project.train().label_count == 13
    assert project.query(5).model == project.info().active_model


def backup(s3: S3Server, folder: Path) -> tuple[Before, str]:
    """Begin a cluster, back it up as it works on, and lose it: what there was, where the copy is.

    The dump is the file `alservice.dump`.
    """
    objects = s3.fresh()
    with shared_server().database("template0") as name:
        flags = ("--catalog", shared_server().dsn(name), "--objects", objects)
        with (
            running_server(folder / "api", *flags, "--role", "api") as api,
            alservice.Client(api.address, progress=False) as client,
        ):
            with running_server(folder / "worker", *flags, "--role", "worker") as worker:
                project = client.create_project("kept", CLASSES, reserve_share=0.0)
                before = worked(project)
                assert worker.terminate() == 0
            dump(shared_server(), name, folder / "alservice.dump")
            # Calls go on: they are not in the backup, and in nobody's way.
            late = np.ascontiguousarray(random_vectors(3000, 256)[::-1])
            project.add_items(late, ids=[f"late-{n}" for n in range(len(late))])
            project.submit_labels(before.open_batch.ids[:1], ["a"])
            return before, copied(s3, objects)


def test_a_backup_is_restored_into_an_empty_machine_and_goes_on(
    s3: S3Server, tmp_path: Path
) -> None:
    before, copy = backup(s3, tmp_path)
    with new_server() as server:
        flags = ("--catalog", restored(server, tmp_path / "alservice.dump"), "--objects", copy)
        refused = run(*command(tmp_path / "new", *flags))
        assert refused.returncode == 2
        assert "alservice adopt" in refused.stderr
        adopted = run(sys.executable, "-m", "alservice", "adopt", "--data", str(tmp_path), *flags)
        assert adopted.returncode == 0, adopted.stderr
        with (
            running_server(tmp_path / "new", *flags) as running,
            alservice.Client(running.address, progress=False) as client,
        ):
            check_all_is_there_and_goes_on(client.project("kept"), before)
            assert running.terminate() == 0
