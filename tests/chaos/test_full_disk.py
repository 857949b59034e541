"""The disk of one of two replicas is full: it says so, and the other one goes on."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from alservice.api.v1 import pool_service_pb2 as pool_pb
from tests.chaos.full_disk import Disk, small_disk
from tests.e2e.api import Api, columns, failure, kept, label, random_vectors, upload
from tests.e2e.wire import info_of
from tests.postgres.server import PostgresServer, new_server
from tests.running_server import running_server
from tests.s3.server import S3Server

SOME = random_vectors(3000, 256)  # 3 MB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with new_server() as made:
        yield made


def test_a_replica_whose_disk_is_full_says_so_and_the_other_one_goes_on(
    disk: Disk, database: PostgresServer, s3: S3Server, tmp_path: Path
) -> None:
    flags = ("--catalog", database.dsn("postgres"), "--objects", s3.fresh())
    with (
        running_server(disk.folder / "full", *flags) as full,
        running_server(tmp_path / "roomy", *flags, "--role", "api") as roomy,
    ):
        here, there = Api(full.channel), Api(roomy.channel)
        project = here.create("full", reserve_share=0.0)
        few = columns(SOME[:100], start=9000)
        here.pool.BatchAddItems(pool_pb.BatchAddItemsRequest(project=project, columns=few))
        disk.fill()
        header = pool_pb.AddItemsHeader(project=project, upload_id="u")
        error = failure(lambda: here.pool.AddItems(iter(upload(header, SOME))))
        assert info_of(error).reason == "ERROR_REASON_DISK_FULL"
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert here.show(project).stats.item_count == 100
        answers = [label(f"i-{9000 + n}", ("cat", "dog")[n % 2]) for n in range(20)]
        assert here.label(project, *answers) == ["RECORDED"] * 20  # the catalog has room
        add_the_rest(there, project)
        assert len(there.query(project, batch_size=3).batch.items) == 3
        disk.empty()
        assert here.show(project).stats.item_count == 100 + len(SOME)
        assert len(here.query(project, batch_size=3).batch.items) == 3
        assert (full.terminate(), roomy.terminate()) == (0, 0)


def add_the_rest(api: Api, project: str) -> None:
    """At another replica, under the same upload_id."""
    ask = pool_pb.GetUploadRequest(project=project, upload_id="u")
    header = pool_pb.AddItemsHeader(project=project, upload_id="u")
    api.pool.AddItems(iter(upload(header, SOME, start=kept(api, ask))))
